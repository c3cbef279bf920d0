/**
 * Estimators for bits and labels that depend on each other, and for labels that are read as indices:
 * mean gradients against the exact ones, by summing over all values.
 */
import { describe, expect, test } from "vitest";
import type { Setup } from "./driver.js";
import { exactGradient } from "./exact.js";
import { chain, labelChain, layers, mixture, vectors } from "./structures.js";
import { meanGradient } from "./variance.js";

const unbiased = [
  "",
  "using reinforce(baseline: moving_average)",
  "using reinforce(baseline: muprop)",
  "using rebar",
  "using enumerate",
];

function check(setup: Setup, counts: Readonly<Record<string, number>> = {}, draws = 6000): void {
  const exact = exactGradient(setup, counts);
  const { mean, error } = meanGradient(setup, draws);
  // At most 19 components a case: a fair estimator passes 4.5 standard errors in all but 1.3e-4 of seeds.
  mean.forEach((m, i) => {
    expect(Math.abs(m - exact[i]), `component ${i}`).toBeLessThan(4.5 * error[i] + 1e-6);
  });
  expect(error.some((e) => e > 0)).toBe(true);
}

describe("unbiased gradients of sites that depend on each other", () => {
  test.each([...unbiased, "using mvd"])("layers of a belief net %s", (using) =>
    check(layers(using)),
  );
  test.each([...unbiased, "using mvd"])("vectors of bits %s", (using) => check(vectors(using)));
  test.each([...unbiased, "using mvd"])("a chain of bits %s", (using) => check(chain(using)));
  test.each(unbiased)("labels as indices %s", (using) => check(mixture(using), { z: 3 }));
  test.each(unbiased)("a chain of labels %s", (using) => check(labelChain(using), { z: 3 }));
});

test("relaxed draws come close to the exact gradient as the temperature falls", () => {
  const cases: readonly (readonly [Setup, Record<string, number>])[] = [
    [layers("using gumbel(0.05)"), {}],
    [vectors("using gumbel(0.05)"), {}],
    [mixture("using gumbel(0.05)"), { z: 3 }],
    [labelChain("using gumbel(0.05)"), { z: 3 }],
    [vectors("using straight_through(0.05)"), {}],
  ];
  for (const [setup, counts] of cases) {
    const exact = exactGradient(setup, counts);
    const scale = Math.max(...exact.map(Math.abs));
    const { mean, error } = meanGradient(setup, 20_000);
    // The bias is of the order of the temperature (Maddison, Mnih and Teh 2017, appendix C).
    mean.forEach((m, i) => {
      expect(Math.abs(m - exact[i])).toBeLessThan(4.5 * error[i] + 0.1 * scale);
    });
  }
});
