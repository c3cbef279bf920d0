/** What is not multilinear, in words, and sites that are read as points instead. */
import { describe, expect, it } from "vitest";
import { randomStates } from "../../../src/inference/conditionals/states.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import type { Data } from "../conditionals/harness.js";
import { dataSet, modelOf, wiggle } from "../logjoint/models.js";
import { bothOf, directAt, expectedAt, tryExpect } from "./harness.js";
import { matrix } from "./models.js";

interface Refusal {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
  readonly sites: readonly string[];
  readonly reason: RegExp;
}

const refusals: readonly Refusal[] = [
  {
    name: "logistic regression",
    text: `model m(N: int, D: int, X: real[N, D]) {
      w ~ iid(Normal(0, 1), D)
      for n in 0..N { y[n] ~ Bernoulli(logits: dot(X[n], w)) }
    }`,
    data: { N: 3, D: 2, X: matrix(3, 2), y: [true, false, true] },
    sites: ["w"],
    reason: /`w` enters through softplus/,
  },
  {
    name: "a gamma with a random shape",
    text: `model m(N: int) {
      a ~ Gamma(2, 1)
      b ~ Gamma(2, 1)
      for n in 0..N { y[n] ~ Gamma(a, b) }
    }`,
    data: { N: 3, y: [0.3, 1.2, 2] },
    sites: ["a"],
    reason: /`a` enters through lgamma/,
  },
  {
    name: "a log-linear scale",
    text: `model m(N: int) {
      s ~ Normal(0, 1)
      mu ~ Normal(0, 1)
      for n in 0..N { y[n] ~ Normal(mu, exp(s)) }
    }`,
    data: { N: 3, y: wiggle(3) },
    sites: ["s"],
    reason: /`s` enters through exp/,
  },
  {
    name: "a fourth power",
    text: `model m(N: int) {
      mu ~ Normal(0, 1)
      for n in 0..N { y[n] ~ Normal(mu * mu, 1) }
    }`,
    data: { N: 3, y: wiggle(3) },
    sites: ["mu"],
    reason: /products of which no expectation is kept/,
  },
  {
    name: "a sum of variances",
    text: `model m(N: int) {
      u ~ InverseGamma(2, 1)
      v ~ InverseGamma(2, 1)
      for n in 0..N { y[n] ~ Normal(0, sqrt(u + v)) }
    }`,
    data: { N: 3, y: wiggle(3) },
    sites: ["u", "v"],
    reason: /sum/,
  },
];

describe("refusals", () => {
  for (const { name, text, data, sites, reason } of refusals) {
    it(name, () => {
      const found = tryExpect(text, data);
      if (!("kind" in found)) throw new Error("not refused");
      expect(found.sites.map((s) => s.name)).toEqual(sites);
      for (const s of found.sites) expect(s.reason).toMatch(reason);
    });

    it(`${name}: as points`, () => {
      const { joint, expected } = bothOf(text, data, sites);
      expect(expected.sites.filter((s) => s.kind === "point").length).toBe(sites.length);
      const { own } = randomStates(
        condition(modelOf(text), dataSet(data)),
        "test",
        1,
      )(stream(3, 0, 0, 0));
      const want = directAt({ joint, expected }, own);
      expectedAt(expected, own).forEach((v, k) => {
        v.forEach((x, i) => {
          expect(Math.abs(x - want[k][i])).toBeLessThan(1e-9 * (1 + Math.abs(want[k][i])));
        });
      });
    });
  }
});
