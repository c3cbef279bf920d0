/** Automatic guides against posteriors that are known, and their graphs against finite differences. */
import { describe, expect, it } from "vitest";
import { compile, infer, vi } from "../../../src/index.js";
import { type GuideName, guides } from "../../../src/inference/vi/guides/index.js";
import { stream } from "../../../src/math/rng/random.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluate } from "../../../src/tensor/evaluate.js";

const settings = { rank: 2, layers: 3, hidden: 5 };
const names: readonly GuideName[] = ["mean_field", "full_rank", "low_rank", "flow"];

describe("guides", () => {
  for (const name of names) {
    for (const d of [1, 2, 5]) {
      it(`${name} in ${d}: the density is that of the draws`, () => {
        const guide = guides[name](d, settings);
        const g = new GraphBuilder();
        const phi = g.input("phi", [guide.params]);
        const eps = g.input("eps", [guide.noise]);
        const { z, logDensity } = guide.build(g, phi, phi, eps);
        const rng = stream(11, d, 0, 0);
        const start = guide.start(
          { center: new Float64Array(d), scale: new Float64Array(d).fill(1.3) },
          rng,
        );
        const at = start.map((v) => v + 0.3 * rng.normal());
        const noise = Float64Array.from({ length: guide.noise }, () => rng.normal());
        const run = (e: Float64Array) => evaluate([z, logDensity], { phi: at, eps: e });
        const [, [found]] = run(noise);
        if (guide.noise > d) {
          // More noise than coordinates: the density of the normal whose covariance is J Jᵀ.
          const [z0] = run(new Float64Array(guide.noise));
          const columns = Array.from({ length: guide.noise }, (_, k) => {
            const unit = new Float64Array(guide.noise);
            unit[k] = 1;
            return run(unit)[0].map((v, i) => v - z0[i]);
          });
          const cov = Array.from({ length: d }, (_, i) =>
            Array.from({ length: d }, (_, j) => columns.reduce((s, c) => s + c[i] * c[j], 0)),
          );
          const r = run(noise)[0].map((v, i) => v - z0[i]);
          expect(found).toBeCloseTo(normalDensity(cov, r), 9);
          return;
        }
        // log q = log N(ε) − log |∂z/∂ε|, the Jacobian by central differences.
        const h = 1e-6;
        const jacobian = Array.from({ length: d }, (_, k) => {
          const [up, down] = [noise.slice(), noise.slice()];
          up[k] += h;
          down[k] -= h;
          const [zu] = run(up);
          const [zd] = run(down);
          return Array.from(zu, (v, i) => (v - zd[i]) / (2 * h));
        });
        const base = noise.reduce((s, e) => s - 0.5 * e * e - 0.5 * Math.log(2 * Math.PI), 0);
        expect(found).toBeCloseTo(base - Math.log(Math.abs(determinant(jacobian))), 6);
      });
    }
  }
});

function determinant(a: readonly (readonly number[])[]): number {
  const m = a.map((r) => [...r]);
  let det = 1;
  for (let k = 0; k < m.length; k++) {
    let pivot = k;
    for (let i = k; i < m.length; i++) if (Math.abs(m[i][k]) > Math.abs(m[pivot][k])) pivot = i;
    if (pivot !== k) {
      [m[k], m[pivot]] = [m[pivot], m[k]];
      det = -det;
    }
    det *= m[k][k];
    for (let i = k + 1; i < m.length; i++) {
      const f = m[i][k] / m[k][k];
      for (let j = k; j < m.length; j++) m[i][j] -= f * m[k][j];
    }
  }
  return det;
}

function normalDensity(cov: readonly (readonly number[])[], r: Float64Array): number {
  const d = r.length;
  const m = cov.map((row, i) => [...row, r[i]]);
  let logDet = 0;
  for (let k = 0; k < d; k++) {
    logDet += Math.log(m[k][k]);
    for (let i = k + 1; i < d; i++) {
      const f = m[i][k] / m[k][k];
      for (let j = k; j <= d; j++) m[i][j] -= f * m[k][j];
    }
  }
  let squares = 0;
  for (let k = 0; k < d; k++) squares += m[k][d] ** 2 / m[k][k];
  return -0.5 * (squares + logDet + d * Math.log(2 * Math.PI));
}

describe("vi", () => {
  const x = Array.from({ length: 30 }, (_, i) => i / 10);
  const y = x.map((v, i) => 1 + 2 * v + 0.5 * Math.sin(7.3 * i));
  const text = `model line(N: int, x: real[N]) {
    a ~ Normal(0, 10)
    b ~ Normal(0, 10)
    for i in 0..N { y[i] ~ Normal(a + b * x[i], 0.5) }
  }`;
  // The posterior is normal: precision XᵀX/0.25 + I/100.
  const sum = (f: (v: number, i: number) => number) => x.reduce((s, v, i) => s + f(v, i), 0);
  const p11 = x.length / 0.25 + 0.01;
  const p12 = sum((v) => v) / 0.25;
  const p22 = sum((v) => v * v) / 0.25 + 0.01;
  const det = p11 * p22 - p12 * p12;
  const [h1, h2] = [sum((_, i) => y[i]) / 0.25, sum((v, i) => v * y[i]) / 0.25];
  const mean = [(p22 * h1 - p12 * h2) / det, (p11 * h2 - p12 * h1) / det];
  const sd = [Math.sqrt(p22 / det), Math.sqrt(p11 / det)];
  // log p(y): the joint at the mean less the posterior's density there.
  const joint =
    mean.reduce((s, m) => s - 0.5 * (m / 10) ** 2 - Math.log(10) - 0.5 * Math.log(2 * Math.PI), 0) +
    sum((v, i) => {
      const r = (y[i] - mean[0] - mean[1] * v) / 0.5;
      return -0.5 * r * r - Math.log(0.5) - 0.5 * Math.log(2 * Math.PI);
    });
  const evidence = joint + Math.log(2 * Math.PI) - 0.5 * Math.log(det);
  const data = { N: x.length, x, y };
  const bound = (fit: Awaited<ReturnType<typeof infer>>) =>
    fit.fit.figures.elbo as unknown as { final: number; mcse: number; history: number[] };

  it("full rank reaches a normal posterior, where the bound is the evidence", async () => {
    const fit = await infer(compile(text), { data, method: vi({ guide: "full_rank" }) });
    const rows = fit.summary().rows;
    // 4000 draws: four standard errors of a mean are 0.063 sd, of an sd 4.5 %.
    rows.forEach((r, k) => {
      expect(Math.abs(r.mean - mean[k]) / sd[k]).toBeLessThan(0.065);
      expect(Math.abs((r.sd ?? 0) / sd[k] - 1)).toBeLessThan(0.05);
    });
    expect(Math.abs(bound(fit).final - evidence)).toBeLessThan(0.001);
    expect(fit.fit.figures.converged).toBe(true);
    expect(fit.warnings).toEqual([]);
  });
  it("mean field has the variances of the conditionals and a bound below by the gap known", async () => {
    const fit = await infer(compile(text), { data, method: vi() });
    const rows = fit.summary().rows;
    const own = [1 / Math.sqrt(p11), 1 / Math.sqrt(p22)];
    rows.forEach((r, k) => {
      expect(Math.abs(r.mean - mean[k]) / own[k]).toBeLessThan(0.1);
      expect(Math.abs((r.sd ?? 0) / own[k] - 1)).toBeLessThan(0.06);
    });
    // KL(q ‖ p) of the best independent normals: ½ log (p11 p22 / det).
    const gap = 0.5 * Math.log((p11 * p22) / det);
    expect(Math.abs(bound(fit).final - (evidence - gap))).toBeLessThan(0.06);
    expect(bound(fit).history.length).toBeGreaterThan(5);
  });
  it("low rank and flow come as close as full rank", async () => {
    for (const guide of ["low_rank", "flow"] as const) {
      const fit = await infer(compile(text), { data, method: vi({ guide }) });
      expect(Math.abs(bound(fit).final - evidence), guide).toBeLessThan(0.05);
    }
  });
  it("warns where the family cannot fit", async () => {
    const funnel = `model funnel() {
      v ~ Normal(0, 3)
      for i in 0..6 { x[i] ~ Normal(0, exp(v / 2)) }
    }`;
    const fit = await infer(compile(funnel), { data: {}, method: vi() });
    expect(fit.warnings.map((w) => w.code)).toContain("guide_misfit");
  });
  it("gives the same draws for the same seed", async () => {
    const run = () => infer(compile(text), { data, method: vi({ steps: 1000 }), seed: 9 });
    expect((await run()).draws("a").data).toEqual((await run()).draws("a").data);
  });
});
