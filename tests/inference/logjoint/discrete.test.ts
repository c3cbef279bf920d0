import { describe, expect, it } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/compile.js";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { compileDensity } from "../../../src/run/compile.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { topological } from "../../../src/tensor/traverse.js";
import { assignments, logSumExp } from "./discrete-brute.js";
import { discreteCases } from "./discrete-models.js";
import { dataSet, modelOf, wholeArrays } from "./models.js";

describe("the summed log joint is the sum over all assignments", () => {
  for (const { name, text, data } of discreteCases) {
    it(name, () => {
      const conditioned = condition(modelOf(text), dataSet(data));
      const joint = buildLogJoint(conditioned, "test");
      const sites = joint.sum?.sites ?? [];
      expect(sites.length).toBeGreaterThan(0);
      for (let k = 0; k < 2; k++) {
        const rng = stream(1, 0, 0, k);
        const q = Float64Array.from({ length: joint.dimension }, () => 0.7 * rng.normal());
        const [summed, constrained] = evaluate([joint.logJoint, joint.constrained], { q });
        const values = wholeArrays(joint.latents, constrained, conditioned.observed);
        const all = assignments(conditioned, sites, values);
        const expected = logSumExp(all.map((a) => a.logJoint));
        expect(Number.isFinite(expected)).toBe(true);
        // Both sum a few thousand terms at most in double precision.
        expect(Math.abs(summed[0] - expected)).toBeLessThan(1e-10 * (1 + Math.abs(expected)));
        // The interpreter is slow; one point is enough where the assignments are many.
        if (all.length > 200) break;
      }
    });
  }
});

describe("its gradient agrees with central differences", () => {
  for (const { name, text, data } of discreteCases) {
    it(name, () => {
      const joint = buildLogJoint(condition(modelOf(text), dataSet(data)), "test");
      const [slope] = gradient(joint.g, joint.logDensity, [joint.q]);
      const rng = stream(3, 0, 0, 0);
      const q = Float64Array.from({ length: joint.dimension }, () => 0.5 * rng.normal());
      const [analytic] = evaluate([slope], { q });
      const at = (k: number, by: number): number => {
        const moved = q.slice();
        moved[k] += by;
        return evaluate([joint.logDensity], { q: moved })[0][0];
      };
      const step = 1e-5;
      for (let k = 0; k < q.length; k++) {
        const numeric = (at(k, step) - at(k, -step)) / (2 * step);
        // Truncation of order step², and a few roundings of the density over the step: 1e-9 for
        // densities of size 100, more for the one of size 1e7.
        const rounding = (4 * Number.EPSILON * Math.abs(at(k, 0))) / step;
        const allowed = 1e-6 * (1 + Math.abs(numeric)) + rounding;
        expect(Math.abs(analytic[k] - numeric)).toBeLessThan(allowed);
      }
    });
  }
});

describe("the compiled density and gradient are those of the graph", () => {
  for (const { name, text, data } of discreteCases) {
    it(name, () => {
      const conditioned = condition(modelOf(text), dataSet(data));
      const { joint, kernels } = compileDensity(conditioned, { methodName: "test", verify: true });
      const program = compileKernels(kernels);
      const instance = instantiate(program, createMemory(program, 1), 0);
      const rng = stream(4, 0, 0, 0);
      const q = Float64Array.from({ length: joint.dimension }, () => 0.5 * rng.normal());
      instance.f64("q").set(q);
      const lp = instance.fn("lp_grad")();
      const [slope] = gradient(joint.g, joint.logDensity, [joint.q]);
      const [expected, expectedSlope] = evaluate([joint.logDensity, slope], { q });
      expect(Math.abs(lp - expected[0])).toBeLessThan(1e-10 * (1 + Math.abs(lp)));
      expectedSlope.forEach((d, k) => {
        const found = instance.f64("grad")[k];
        expect(Math.abs(found - d)).toBeLessThan(1e-9 * (1 + Math.abs(d)));
      });
    });
  }
});

describe("what cannot be summed out is refused", () => {
  const refusals: readonly [name: string, text: string, data: object, message: RegExp][] = [
    [
      "no end of values",
      "model m() { r ~ Gamma(1, 1)\n n ~ Poisson(r) }",
      {},
      /`n` is discrete with values in `count`, too many for test/,
    ],
    [
      "a whole array read at once",
      "model m(N: int) { for i in 0..N { z[i] ~ Bernoulli(0.5) }\n y ~ Normal(sum([for i in 0..N: real(int(z[i]))]), 1) }",
      { N: 3, y: 1 },
      /`z` cannot be summed out: it is read inside a comprehension/,
    ],
    [
      "an index that is latent itself",
      `model m() { for i in 0..3 { z[i] ~ Bernoulli(0.5) }
        k ~ Categorical([0.2, 0.3, 0.5])
        y ~ Normal(int(z[k]), 1) }`,
      { y: 1 },
      /`z` cannot be summed out: its index depends on a latent quantity/,
    ],
    [
      "tables that are too large",
      `model m(N: int) { a ~ Normal(0, 1)
        for i in 0..N { z[i] ~ Bernoulli(0.5) }
        for i in 0..N { for j in 0..i { factor a * int(z[i]) * int(z[j]) } } }`,
      { N: 40 },
      /summing out `z` would take tables of 1.1e\+12 numbers/,
    ],
  ];
  for (const [name, text, data, message] of refusals) {
    it(name, () => {
      const conditioned = condition(modelOf(text), dataSet(data as Record<string, number>));
      expect(() => buildLogJoint(conditioned, "test")).toThrow(message);
    });
  }
});

describe("cost", () => {
  it("the graph of a hidden Markov model does not grow with its length", () => {
    const { text } = discreteCases.find((c) => c.name.startsWith("a homogeneous")) ?? { text: "" };
    const nodes = (T: number): number => {
      const y = Array.from({ length: T }, (_, t) => Math.sin(t));
      const joint = buildLogJoint(condition(modelOf(text), dataSet({ T, K: 3, y })), "test");
      return topological([joint.logDensity]).length;
    };
    expect(nodes(500)).toBe(nodes(5));
  });
});
