/**
 * Estimators for bits and labels that depend on each other, and for labels that are read as indices:
 * mean gradients against the exact ones, by summing over all values.
 */
import { expect, test } from "vitest";
import type { Setup } from "./driver.js";
import { exactGradient } from "./exact.js";
import { labelChain, layers, mixture, vectors } from "./structures.js";
import { checkUnbiased } from "./unbiased.js";
import { meanGradient } from "./variance.js";

/** Each strategy with bits and with labels, alone and as vectors; `structured.slow.test.ts` has all pairs. */
const cases: readonly (readonly [string, string])[] = [
  ["layers", ""],
  ["layers", "using reinforce(baseline: moving_average)"],
  ["layers", "using reinforce(baseline: muprop)"],
  ["layers", "using rebar"],
  ["vectors", "using rebar"],
  ["vectors", "using mvd"],
  ["chain", "using reinforce(baseline: muprop)"],
  ["chain", "using mvd"],
  ["mixture", "using reinforce(baseline: moving_average)"],
  ["mixture", "using enumerate"],
  ["labelChain", ""],
  ["labelChain", "using reinforce(baseline: muprop)"],
  ["labelChain", "using rebar"],
  ["labelChain", "using enumerate"],
];

test.each(cases)("unbiased gradients of sites that depend on each other: %s %s", (name, using) => {
  checkUnbiased(name, using, 6000);
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
