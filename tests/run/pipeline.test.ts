/**
 * Every stage from text to code, on real models: the verifiers accept each graph and kernel, the
 * compiled density is the density that the slow evaluator finds for the graph before any pass, and
 * its gradient is its own slope.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { compile, load } from "../../src/index.js";
import { stream } from "../../src/math/rng/index.js";
import { compileDensity, conditionRaw } from "../../src/run/compile.js";
import { readObject } from "../../src/run/data/values.js";
import { evaluate } from "../../src/tensor/evaluate.js";

interface Case {
  readonly name: string;
  readonly text?: string;
  readonly data?: Record<string, unknown>;
  /** A posteriordb model's folder. */
  readonly folder?: string;
  /** Points are normal with this sd in unconstrained coordinates. */
  readonly spread?: number;
}

const oracles = join(import.meta.dirname, "../oracles/posteriordb");

const cases: readonly Case[] = [
  { name: "eight_schools" },
  { name: "kidscore_interaction" },
  { name: "kidscore_momiq" },
  { name: "logearn_interaction" },
  { name: "logmesquite_logvash" },
  { name: "nes" },
  { name: "sblrc_blr" },
  { name: "kilpisjarvi", spread: 0.1 },
  { name: "diamonds" },
  { name: "arK", spread: 0.3 },
  // A moving average of large coefficients explodes.
  { name: "arma11", spread: 0.2 },
  { name: "gp_regr" },
  { name: "low_dim_gauss_mix" },
  { name: "low_dim_gauss_mix_z", folder: "low_dim_gauss_mix" },
  { name: "hmm_example" },
].map(({ folder, ...c }: Case) => ({ ...c, folder: folder ?? c.name }));

/** What the oracles leave out: constrained vectors and matrices, gaps, truncation, nesting. */
const own: readonly Case[] = [
  {
    name: "matrices",
    text: `model m(N: int, y: real[N, D]) {
      L ~ LKJCholesky(2, D)
      s ~ iid(HalfNormal(1), D)
      w ~ Dirichlet(fill(2.0, D))
      c: ordered[D] ~ Normal(0, 1)
      for n in 0..N { observe y[n] ~ MvNormal(w + c, cholesky: diag_matrix(s) @ L) }
    }`,
    data: { N: 3, y: [1, 2, 3, 2, 1, 0, 0.5, -1, 2].reduce(rows(3), []) },
  },
  {
    name: "gaps",
    text: `model m(T: int) {
      mu ~ StudentT(4, 0, 1)
      s ~ HalfCauchy(1)
      phi: between(-1, 1) ~ Normal(0, 0.5)
      y[0] ~ Normal(mu, s)
      for t in 1..T { y[t] ~ Normal(mu + phi * y[t - 1], s) }
    }`,
    data: { T: 6, y: [0.5, null, -0.3, 1.2, null, 0.1] },
  },
  {
    name: "recurrence",
    text: `model m(T: int, y: real[T]) {
      omega ~ Gamma(2, 2)
      a ~ Uniform(0, 1)
      b ~ Uniform(0, 1 - a)
      let h[0] = omega
      for t in 1..T { let h[t] = omega + a * square(y[t - 1]) + b * h[t - 1] }
      for t in 0..T { observe y[t] ~ Normal(0, sqrt(h[t])) }
    }`,
    data: { T: 7, y: [0.1, -0.8, 1.4, 0.3, -0.2, 0.9, -1.7] },
  },
  {
    name: "hierarchy with indices",
    text: `model m(N: int, J: int, group: int[N], x: real[N]) {
      mu ~ Normal(0, 2)
      tau ~ HalfNormal(1)
      b ~ iid(Normal(mu, tau), J)
      rate ~ Exponential(1)
      for n in 0..N { y[n] ~ Poisson(exp(b[group[n]] * x[n]) + rate) }
      for n in 0..N { z[n] ~ Truncated(Normal(b[group[n]], 1), lower: 0, upper: 3) }
      factor(-0.5 * square(mean(b)))
    }`,
    data: {
      N: 5,
      J: 2,
      group: [0, 1, 1, 0, 1],
      x: [0.2, -0.5, 1, 0.3, 0],
      y: [0, 2, 1, 4, 1],
      z: [0.2, 0.4, 2.9, 1, 0.7],
    },
  },
];

function rows(width: number) {
  return (out: number[][], x: number, k: number): number[][] => {
    if (k % width === 0) out.push([]);
    out[out.length - 1].push(x);
    return out;
  };
}

function oracleData(folder: string): Record<string, unknown> {
  const path = join(oracles, folder, "data.json");
  const text = existsSync(path)
    ? readFileSync(path, "utf8")
    : gunzipSync(readFileSync(`${path}.gz`)).toString("utf8");
  return JSON.parse(text) as Record<string, unknown>;
}

const POINTS = 3;

describe("text to code", () => {
  test.each([...cases, ...own])("$name", async ({ name, text, data, folder, spread = 0.5 }) => {
    const program =
      text === undefined ? await load(join(oracles, name, "model.ppl")) : compile(text);
    const values = readObject(data ?? oracleData(folder ?? name));
    const { joint, kernels } = compileDensity(conditionRaw(program.model, values), {
      methodName: "nuts",
      verify: true,
    });
    const code = compileKernels(kernels);
    const instance = instantiate(code, createMemory(code, 1), 0);
    const [q, grad] = [instance.f64("q"), instance.f64("grad")];
    const lpGrad = instance.fn("lp_grad");

    const random = stream(17, 0, 0, 0);
    for (let point = 0; point < POINTS; point++) {
      const at = Float64Array.from({ length: joint.dimension }, () => spread * random.normal());
      q.set(at);
      const lp = lpGrad();
      const slope = grad.slice();
      expect(Number.isFinite(lp)).toBe(true);
      const [[reference], constrained] = evaluate([joint.logDensity, joint.constrained], { q: at });
      // Sums in another order, and matrix products regrouped: rounding, scaled by the terms' size.
      expect(Math.abs(lp - reference)).toBeLessThan(1e-10 * (1 + Math.abs(reference)));
      instance.fn("constrain")();
      instance.f64("constrained").forEach((x, k) => {
        expect(Math.abs(x - constrained[k])).toBeLessThan(1e-12 * (1 + Math.abs(x)));
      });

      const lpAt = (i: number, x: number): number => {
        q.set(at);
        q[i] = x;
        return lpGrad();
      };
      for (let i = 0; i < joint.dimension; i++) {
        // Two central differences, extrapolated: the error is h⁴, and rounding is that of lp over h.
        const h = 1e-3;
        const central = (d: number): number => (lpAt(i, at[i] + d) - lpAt(i, at[i] - d)) / (2 * d);
        const numeric = (4 * central(h / 2) - central(h)) / 3;
        const rounding = (1e-13 * (1 + Math.abs(lp))) / h;
        const tolerance = 1e-6 * (1 + Math.max(...slope.map(Math.abs))) + rounding;
        expect(Math.abs(slope[i] - numeric), `${name}: q[${i}]`).toBeLessThan(tolerance);
      }
    }
  });
});
