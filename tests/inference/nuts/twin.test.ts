import { describe, expect, it } from "vitest";
import { STATISTICS } from "../../../src/inference/hamiltonian/shape.js";
import { withNuts } from "../../../src/inference/nuts/assemble.js";
import { ReferenceRandom, referenceTransition } from "../../../src/inference/nuts/reference.js";
import type { KernelModule } from "../../../src/kernel/ir.js";
import { cholesky } from "../../../src/math/linalg/index.js";
import { philoxKey, stream } from "../../../src/math/rng/index.js";
import {
  bananaModel,
  eightSchoolsModel,
  funnelModel,
  gaussianModel,
  normalModel,
} from "./models.js";
import { single } from "./setup.js";

const SEED = 7;
const CHAIN = 3;

/** Solves Lᵀx = z. */
function solveTransposed(l: Float64Array, z: readonly number[]): number[] {
  const d = z.length;
  const x = [...z];
  for (let i = d - 1; i >= 0; i--) {
    for (let j = i + 1; j < d; j++) x[i] -= l[j * d + i] * x[j];
    x[i] /= l[i * d + i];
  }
  return x;
}

interface Case {
  readonly name: string;
  readonly model: KernelModule;
  readonly d: number;
  readonly metric: "diag" | "dense";
  readonly epsilon: number;
  readonly maxDepth?: number;
}

const precision = Float64Array.of(2, 0.9, 0, 0.9, 1, -0.3, 0, -0.3, 0.5);
const correlated = gaussianModel(Float64Array.of(1, -2, 0.5), precision);
const cases: readonly Case[] = [
  { name: "one dimension", model: normalModel(1), d: 1, metric: "diag", epsilon: 0.3 },
  { name: "ten dimensions", model: normalModel(10), d: 10, metric: "diag", epsilon: 0.5 },
  { name: "odd dimension, dense", model: normalModel(7), d: 7, metric: "dense", epsilon: 0.4 },
  { name: "tiny steps: deep trees", model: normalModel(2), d: 2, metric: "diag", epsilon: 0.02 },
  {
    name: "depth limit",
    model: normalModel(3),
    d: 3,
    metric: "diag",
    epsilon: 0.001,
    maxDepth: 5,
  },
  { name: "correlated, diag", model: correlated, d: 3, metric: "diag", epsilon: 0.4 },
  { name: "correlated, dense", model: correlated, d: 3, metric: "dense", epsilon: 0.4 },
  { name: "unstable steps diverge", model: funnelModel(6), d: 6, metric: "diag", epsilon: 1.1 },
  { name: "banana", model: bananaModel(), d: 2, metric: "dense", epsilon: 0.35 },
  { name: "eight schools", model: eightSchoolsModel(), d: 10, metric: "diag", epsilon: 0.35 },
];

describe("compiled NUTS equals the recursive twin", () => {
  for (const { name, model, d, metric, epsilon, maxDepth = 10 } of cases) {
    it(name, () => {
      const chain = single(withNuts(model, metric, maxDepth));
      const oracle = single(model);
      const q = chain.f64("q");
      const random = stream(11, 0, 0, 0);
      const scales = Array.from({ length: d }, (_, i) => 0.5 + 0.25 * (i % 4));
      // Dense: LLᵀ of a fixed lower triangle.
      const inverse = new Float64Array(d * d);
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++) {
          inverse[i * d + j] = i === j ? scales[i] : 0.2 / (1 + Math.abs(i - j));
        }
      }
      const factor = cholesky(inverse, d)!;
      chain.i32("mc_key").set([SEED, 0, CHAIN]);
      chain.i32("nuts_depth")[0] = maxDepth;
      chain.f64("mc_epsilon")[0] = epsilon;
      chain.f64("mc_inverse").set(metric === "diag" ? scales : inverse);
      chain.f64("mc_factor").set(metric === "diag" ? scales.map((v) => 1 / Math.sqrt(v)) : factor);
      for (let i = 0; i < d; i++) q[i] = random.normal();
      chain.call("mc_refresh");
      const reference = {
        lpGrad: (at: readonly number[]) => {
          oracle.f64("q").set(at);
          const lp = oracle.call("lp_grad");
          return { lp, grad: [...oracle.f64("grad")] };
        },
        inverse: (v: readonly number[]) =>
          metric === "diag"
            ? v.map((x, i) => x * scales[i])
            : v.map((_, i) => v.reduce((sum, x, j) => sum + inverse[i * d + j] * x, 0)),
        momentum: (z: readonly number[]) =>
          metric === "diag"
            ? z.map((x, i) => x / Math.sqrt(scales[i]))
            : solveTransposed(factor, z),
      };
      const depths = new Set<number>();
      let divergences = 0;
      for (let iteration = 0; iteration < 100; iteration++) {
        const from = [...q];
        chain.call("nuts_transition", iteration);
        const expected = referenceTransition(
          reference,
          from,
          epsilon,
          maxDepth,
          new ReferenceRandom(philoxKey(SEED), CHAIN, iteration),
        );
        const of = (s: (typeof STATISTICS)[number]) => chain.f64("mc_stats")[STATISTICS.indexOf(s)];
        const what = `iteration ${iteration}`;
        expect(of("treedepth"), what).toBe(expected.treeDepth);
        expect(of("n_leapfrog"), what).toBe(expected.leapfrogs);
        expect(of("divergent"), what).toBe(expected.divergent ? 1 : 0);
        // Sums in another order, amplified by the dynamics over up to 2^10 steps.
        for (let i = 0; i < d; i++) expect(Math.abs(q[i] - expected.q[i]), what).toBeLessThan(1e-7);
        expect(of("accept_stat"), what).toBeCloseTo(expected.acceptStat, 7);
        expect(of("lp"), what).toBeCloseTo(expected.lp, 6);
        expect(of("energy"), what).toBeCloseTo(expected.energy, 6);
        expect(of("lp"), what).toBe(chain.f64("mc_lp")[0]);
        depths.add(expected.treeDepth);
        divergences += expected.divergent ? 1 : 0;
      }
      // The cases reach what their names say.
      if (name.includes("deep")) expect(Math.max(...depths)).toBeGreaterThanOrEqual(7);
      if (name.includes("limit")) expect([...depths]).toEqual([maxDepth]);
      if (name.includes("diverge")) expect(divergences).toBeGreaterThan(5);
    });
  }
});
