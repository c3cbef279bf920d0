/** Leave-one-out: ArviZ's figures from the same log likelihoods, and exact ones of small models. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  compare,
  compile,
  infer,
  load,
  map,
  nuts,
  type Posterior,
  TildeError,
} from "../../../src/index.js";
import { compareLoos, stackingWeights } from "../../../src/run/compare/compare.js";
import { looOf } from "../../../src/run/compare/loo.js";
import { type Pointwise, pointwiseOf } from "../../../src/run/compare/pointwise.js";
import { checkSource, selectModel } from "../../../src/run/compile.js";
import { loadDataFiles } from "../../../src/run/data/files.js";
import { inferRaw } from "../../../src/run/infer.js";
import { loadSource } from "../../../src/run/sources.js";

interface Figures {
  readonly elpd: number;
  readonly se: number;
  readonly p: number;
  readonly pointwise: readonly number[];
  readonly pareto_k: readonly number[];
}
interface Reference {
  readonly models: Readonly<
    Record<string, { readonly log_lik: string } & Readonly<Record<"reff_1" | "reff_0.5", Figures>>>
  >;
  readonly compare: Readonly<
    Record<string, { readonly elpd_diff: number; readonly dse: number; readonly weight: number }>
  >;
}
const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, "loo.json"), "utf8"),
) as Reference;

function pointwise(name: string): Pointwise {
  const bytes = new Uint8Array(Buffer.from(reference.models[name].log_lik, "base64"));
  const logLik = Float64Array.from(new Float32Array(bytes.buffer));
  return {
    model: name,
    names: Array.from({ length: 8 }, (_, j) => `y[${j}]`),
    chains: 4,
    draws: 500,
    forEach: (visit) => {
      for (let i = 0; i < 8; i++) visit(i, logLik.subarray(i * 2000, (i + 1) * 2000));
    },
    observed: Float64Array.of(28, 8, -3, 7, -1, 1, 18, 12),
    warnings: [],
  };
}

/** Log densities by observation and draw. */
function logLikOf({ fit }: Posterior, room?: number): number[][] {
  const out: number[][] = [];
  pointwiseOf(fit, undefined, room).forEach((_, logLik) => {
    out.push([...logLik]);
  });
  return out;
}

function sumOf(x: readonly number[]): number {
  return x.reduce((a, b) => a + b, 0);
}

const logNormal = (x: number, mean: number, sd: number): number =>
  -0.5 * ((x - mean) / sd) ** 2 - Math.log(sd) - 0.5 * Math.log(2 * Math.PI);

describe("against ArviZ, eight schools", () => {
  for (const name of Object.keys(reference.models)) {
    for (const [reff, key] of [
      [1, "reff_1"],
      [0.5, "reff_0.5"],
    ] as const) {
      test(`${name}, relative efficiency ${reff}`, () => {
        const mine = looOf(pointwise(name), reff);
        const theirs = reference.models[name][key];
        // The same algorithm on the same numbers.
        mine.points.forEach((p, i) => {
          expect(p.elpd).toBeCloseTo(theirs.pointwise[i], 9);
          expect(p.paretoK).toBeCloseTo(theirs.pareto_k[i], 9);
        });
        expect(mine.elpd).toBeCloseTo(theirs.elpd, 8);
        expect(mine.se).toBeCloseTo(theirs.se, 8);
        expect(mine.p).toBeCloseTo(theirs.p, 8);
      });
    }
  }

  test("the figures that ArviZ's documentation prints", () => {
    const centred = looOf(pointwise("centered_eight"), 1);
    expect(centred.elpd.toFixed(1)).toBe("-30.8");
    expect(centred.p.toFixed(2)).toBe("0.95");
    const non = looOf(pointwise("non_centered_eight"), 1);
    expect(non.elpd.toFixed(1)).toBe("-30.7");
    // School 5's shape is 0.72, school 1's 0.73; both above min(1 − 1/log10(2000), 0.7).
    expect(centred.warnings.map((w) => w.code)).toEqual(["loo_shapes"]);
    expect(centred.warnings[0].message).toContain("1 of 8 observations");
    expect(centred.warnings[0].message).toContain("`y[5]`");
  });

  test("the comparison", () => {
    const rows = compareLoos(
      Object.keys(reference.models).map((name) => ({ name, loo: looOf(pointwise(name), 1) })),
    );
    expect(rows.map((r) => r.name)).toEqual(Object.keys(reference.compare));
    for (const row of rows) {
      const theirs = reference.compare[row.name];
      expect(row.difference).toBeCloseTo(theirs.elpd_diff, 8);
      expect(row.differenceSe).toBeCloseTo(theirs.dse, 8);
      // Their optimiser stops early; the optimum is on the boundary.
      expect(row.weight).toBeCloseTo(theirs.weight, 3);
    }
  });
});

describe("stacking", () => {
  /** The mean log score of a mixture. */
  const score = (elpds: readonly (readonly number[])[], w: readonly number[]): number =>
    sumOf(elpds[0].map((_, i) => Math.log(sumOf(elpds.map((e, k) => w[k] * Math.exp(e[i]))))));

  test("of two models that are right in turn by the same odds, half each", () => {
    const a = [-1, -3, -1, -3];
    const b = [-3, -1, -3, -1];
    const [u, v] = stackingWeights([a, b]);
    expect(u).toBeCloseTo(0.5, 9);
    expect(v).toBeCloseTo(0.5, 9);
  });

  test("of one model that is worse everywhere, nothing at all", () => {
    const weights = stackingWeights([
      [-1, -1.2, -0.7],
      [-1.1, -1.3, -0.9],
      [-1.5, -1.9, -0.8],
    ]);
    expect(weights).toEqual([1, 0, 0]);
  });

  test("finds what a fine grid finds among three", () => {
    const elpds = [
      [-1.0, -2.5, -0.4, -3.0, -1.1, -0.2],
      [-2.0, -0.6, -1.9, -0.5, -1.4, -2.2],
      [-1.3, -1.2, -1.0, -1.4, -0.3, -3.0],
    ];
    const weights = stackingWeights(elpds);
    expect(sumOf(weights)).toBeCloseTo(1, 12);
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i <= 200; i++) {
      for (let j = 0; i + j <= 200; j++) {
        best = Math.max(best, score(elpds, [i / 200, j / 200, (200 - i - j) / 200]));
      }
    }
    const found = score(elpds, weights);
    expect(found).toBeGreaterThanOrEqual(best);
    expect(found - best).toBeLessThan(1e-3);
  });
});

describe("fits", () => {
  const mean = compile(
    "model m(N: int) { mu ~ Normal(0, 3)\n for i in 0..N { y[i] ~ Normal(mu, 1) } }",
  );
  const y = [0.3, -0.8, 1.9, 0.6, 0.1, -0.4, 1.2, 0.9];
  const data = { N: 8, y };
  const method = nuts({ chains: 4, warmup: 500, draws: 2000 });

  test("the exact leave-one-out densities of a normal mean", async () => {
    const fit = await infer(mean, { data, method, seed: 3 });
    const loo = fit.loo();
    expect(loo.points.map((p) => p.name)).toEqual(y.map((_, i) => `y[${i}]`));
    y.forEach((value, i) => {
      const precision = 1 / 9 + 7;
      const centre = (sumOf(y) - value) / precision;
      const truth = logNormal(value, centre, Math.sqrt(1 + 1 / precision));
      // 8000 draws: the standard error of such a log density is below 0.01.
      expect(Math.abs(loo.points[i].elpd - truth)).toBeLessThan(0.02);
    });
    expect(loo.warnings).toEqual([]);
  });

  test("eight schools, centred, as ArviZ has it: −30.8 ± 1.4", async () => {
    const program = await load("examples/eight_schools/model.ppl");
    const schools = JSON.parse(readFileSync("examples/eight_schools/data.json", "utf8")) as object;
    const fit = await infer(program, {
      data: schools as Record<string, unknown>,
      method,
      seed: 2,
    });
    const loo = fit.loo();
    expect(Math.abs(loo.elpd + 30.8)).toBeLessThan(0.3);
    expect(Math.abs(loo.se - 1.4)).toBeLessThan(0.3);
    expect(loo.p).toBeGreaterThan(0.6);
    expect(loo.p).toBeLessThan(1.6);
  });

  test("radon: ArviZ's figures of another sampler's draws, observation by observation", async () => {
    const { elpd, se, p, pointwise, pointwise_sd } = JSON.parse(
      readFileSync(join(import.meta.dirname, "radon.json"), "utf8"),
    ) as {
      readonly elpd: { readonly mean: number; readonly sd: number };
      readonly se: { readonly mean: number; readonly sd: number };
      readonly p: { readonly mean: number; readonly sd: number };
      readonly pointwise: readonly number[];
      readonly pointwise_sd: readonly number[];
    };
    const folder = join(import.meta.dirname, "../../../examples/radon");
    const data = await loadDataFiles([join(folder, "data.csv")]);
    const source = await loadSource(join(folder, "model.ppl"));
    const model = selectModel(checkSource(source), source, undefined);
    const { fit } = await inferRaw(model, data, { seed: 1 });
    const loo = looOf(pointwiseOf(fit));
    // Ten runs of 4 × 1000 thinned draws tell the chance part of one; ours is another such run, whose
    // draws depend on each other as little. Over 919 observations five of its sd are too few by chance
    // for one in 1800 at most.
    const near = (x: number, to: { readonly mean: number; readonly sd: number }, sds = 5): void =>
      expect(Math.abs(x - to.mean)).toBeLessThan(sds * to.sd);
    near(loo.elpd, elpd);
    near(loo.se, se);
    near(loo.p, p);
    loo.points.forEach((point, i) => {
      near(point.elpd, { mean: pointwise[i], sd: pointwise_sd[i] + 0.001 }, 8);
    });
  });

  test("a mixture with labels summed out has the densities of the mixture itself", async () => {
    const labels = compile(`model m(N: int) {
  mu ~ Normal(0, 2)
  for i in 0..N { z[i] ~ Bernoulli(0.3)\n y[i] ~ Normal(mu + 3 * z[i], 1) }
}`);
    const fit = await infer(labels, { data, method: nuts({ chains: 2, warmup: 300, draws: 300 }) });
    const found = logLikOf(fit);
    const { data: mu } = fit.draws("mu");
    for (let s = 0; s < 600; s += 37) {
      y.forEach((value, i) => {
        const [low, high] = [logNormal(value, mu[s], 1), logNormal(value, mu[s] + 3, 1)];
        const truth = Math.log(0.7 * Math.exp(low) + 0.3 * Math.exp(high));
        expect(found[i][s]).toBeCloseTo(truth, 9);
      });
    }
  });

  test("a hidden Markov model: each observation given all others, by brute force", async () => {
    const hmm = compile(`model m(T: int) {
  mu ~ Normal(0, 2)
  z[0] ~ Bernoulli(0.5)
  for t in 1..T { z[t] ~ Bernoulli(0.1 + 0.7 * z[t - 1]) }
  for t in 0..T { y[t] ~ Normal(mu + 2 * z[t], 1) }
}`);
    const few = y.slice(0, 5);
    const fit = await infer(hmm, {
      data: { T: 5, y: few },
      method: nuts({ chains: 1, warmup: 300, draws: 50 }),
    });
    const found = logLikOf(fit);
    const { data: mu } = fit.draws("mu");
    /** log Σ_z p(z) Π_{t ≠ out} p(y_t | z_t). */
    const without = (m: number, out: number): number => {
      let total = 0;
      for (let z = 0; z < 32; z++) {
        const at = (t: number): number => (z >> t) & 1;
        let p = 0.5;
        for (let t = 1; t < 5; t++) {
          const up = at(t - 1) === 1 ? 0.8 : 0.1;
          p *= at(t) === 1 ? up : 1 - up;
        }
        few.forEach((value, t) => {
          if (t !== out) p *= Math.exp(logNormal(value, m + 2 * at(t), 1));
        });
        total += p;
      }
      return Math.log(total);
    };
    for (let s = 0; s < 50; s += 7) {
      few.forEach((_, i) => {
        const truth = without(mu[s], -1) - without(mu[s], i);
        expect(found[i][s]).toBeCloseTo(truth, 9);
      });
    }
  });

  test("blocks of observations of any size give the same numbers", async () => {
    // Plain observations, then some that hang together through a discrete site.
    const both = compile(`model m(N: int) {
  mu ~ Normal(0, 2)
  for i in 0..N { w[i] ~ Normal(mu, 1) }
  for i in 0..2 { z[i] ~ Bernoulli(0.3) }
  for i in 0..N { y[i] ~ Normal(mu + 3 * z[i % 2], 1) }
}`);
    const method = nuts({ chains: 2, warmup: 200, draws: 50 });
    const fit = await infer(both, { data: { N: 5, y: y.slice(0, 5), w: y.slice(3, 8) }, method });
    const whole = logLikOf(fit);
    expect(whole).toHaveLength(10);
    // One observation at a time, three, and four, so that a block has both kinds.
    for (const room of [1, 300, 499]) expect(logLikOf(fit, room)).toEqual(whole);
    const loo = looOf(pointwiseOf(fit.fit));
    expect(looOf(pointwiseOf(fit.fit, undefined, 300))).toEqual(loo);
  });

  test("missing entries are no observations; several sites can be chosen among", async () => {
    const two = compile(`model m(N: int) {
  mu ~ Normal(0, 3)
  for i in 0..N { y[i] ~ Normal(mu, 1)\n w[i] ~ Normal(-mu, 2) }
}`);
    const given = { N: 3, y: [0.1, null, 0.4], w: [1, 2, 3] };
    const fit = await infer(two, { data: given, method: nuts({ chains: 1, draws: 200 }) });
    expect(fit.loo().points.map((p) => p.name)).toEqual(["y[0]", "y[2]", "w[0]", "w[1]", "w[2]"]);
    expect(fit.loo({ vars: ["y"] }).points.map((p) => p.name)).toEqual(["y[0]", "y[2]"]);
  });

  test("observations that read other observations are told", async () => {
    const series = compile(`model ar(T: int, y: real[T]) {
  a ~ Normal(0, 1)
  for t in 1..T { y[t] ~ Normal(a * y[t - 1], 1) }
}`);
    const fit = await infer(series, { data: { T: 8, y }, method: nuts({ chains: 1, draws: 200 }) });
    expect(fit.loo().warnings.map((w) => w.code)).toContain("loo_chained");
  });

  test("compare: a model with a needless wide tail against the right one; refusals", async () => {
    const wide = compile(
      "model w(N: int) { mu ~ Normal(0, 3)\n for i in 0..N { y[i] ~ Normal(mu, 6) } }",
    );
    const [a, b] = await Promise.all([
      infer(mean, { data, method, seed: 1 }),
      infer(wide, { data, method, seed: 1 }),
    ]);
    const rows = compare([b, a]);
    expect(rows.map((r) => [r.name, r.weight])).toEqual([
      ["m", 1],
      ["w", 0],
    ]);
    expect(rows[1].difference).toBeCloseTo(a.loo().elpd - b.loo().elpd, 9);
    expect(Object.keys(compare({ narrow: a, broad: b })[0])).toContain("differenceSe");
    const other = await infer(mean, { data: { N: 2, y: [1, 2] }, method, seed: 1 });
    expect(() => compare([a, other])).toThrow(/8 observations and .* has 2/);
    expect(() => compare([a])).toThrow(/two fits/);
    const point = await infer(mean, { data, method: map() });
    expect(() => point.loo()).toThrow(TildeError);
  });
});
