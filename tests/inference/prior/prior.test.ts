import { describe, expect, it } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import {
  type DrawArray,
  type Draws,
  posteriorPredictive,
  samplePrior,
} from "../../../src/inference/prior/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { gammaP, normalCdf } from "../../../src/math/special/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { kolmogorovSmirnov } from "../../helpers/gof.js";
import { dataSet, modelOf } from "../logjoint/models.js";

/** Fixed seeds: a p-value below this would mean a bug, not bad luck. */
const ALPHA = 1e-3;

function column({ dims, data }: DrawArray, element = 0): Float64Array {
  const size = dims.reduce((n, d) => n * d, 1);
  return Float64Array.from({ length: data.length / size }, (_, k) => data[k * size + element]);
}
function get(draws: Draws, name: string): DrawArray {
  const found = draws.get(name);
  if (found === undefined) throw new Error(`no draws of ${name}`);
  return found;
}
const mean = (x: ArrayLike<number>) => Array.from(x).reduce((a, b) => a + b, 0) / x.length;
const variance = (x: ArrayLike<number>) => {
  const m = mean(x);
  return Array.from(x).reduce((a, b) => a + (b - m) ** 2, 0) / x.length;
};
function prior(text: string, data: Parameters<typeof dataSet>[0], draws: number, seed = 3) {
  return samplePrior(modelOf(text), dataSet(data), { draws, seed });
}
function codeOf(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    if (e instanceof TildeError) return e.diagnostics[0].code;
    throw e;
  }
  return "nothing thrown";
}

describe("prior draws", () => {
  it("follow the marginal distributions of a hierarchy", () => {
    const text = `model m(N: int) {
      mu ~ Normal(1, 2)
      lambda ~ Gamma(3, 2)
      for n in 0..N { y[n] ~ Normal(mu, 1.5)  k[n] ~ Poisson(lambda) }
      let twice = 2 * mu
    }`.replace("  k[n]", "; k[n]");
    // The data's y is not used.
    const { draws } = prior(text, { N: 2, y: [100, 100] }, 4000);
    const sd = Math.hypot(2, 1.5);
    expect(
      kolmogorovSmirnov(column(get(draws, "mu")), (x) => normalCdf((x - 1) / 2)),
    ).toBeGreaterThan(ALPHA);
    for (const n of [0, 1]) {
      const y = column(get(draws, "y"), n);
      expect(kolmogorovSmirnov(y, (x) => normalCdf((x - 1) / sd))).toBeGreaterThan(ALPHA);
    }
    expect(
      kolmogorovSmirnov(column(get(draws, "lambda")), (x) => gammaP(3, 2 * x)),
    ).toBeGreaterThan(ALPHA);
    // y[0] and y[1] share mu: their covariance is its variance, 4 (standard error below 0.15).
    const [a, b] = [column(get(draws, "y"), 0), column(get(draws, "y"), 1)];
    const covariance = mean(a.map((x, i) => x * b[i])) - mean(a) * mean(b);
    expect(Math.abs(covariance - 4)).toBeLessThan(0.6);
    // A gamma mixture of Poissons has mean a/b and variance a/b (1 + 1/b).
    const k = column(get(draws, "k"), 1);
    expect(Math.abs(mean(k) - 1.5)).toBeLessThan(0.1);
    expect(Math.abs(variance(k) - 2.25)).toBeLessThan(0.25);
    const twice = get(draws, "twice").data;
    get(draws, "mu").data.forEach((m, i) => {
      expect(twice[i]).toBe(2 * m);
    });
  });

  it("of restricted sites are exact", () => {
    const text = `model m(K: int) {
      h: positive ~ Normal(0, 2)
      u: between(-1, 0.5)[2] ~ Normal(0, 1)
      c: ordered[K] ~ Normal(0, 1)
      p: positive_ordered[2] ~ Normal(0, 1)
      t: positive ~ Truncated(Normal(0, 1), upper: 1)
      q: positive ~ Mixture([0.5, 0.5], [Normal(-1, 1), Normal(1, 1)])
    }`;
    const { draws } = prior(text, { K: 2 }, 4000);
    const phi = normalCdf;
    const check = (x: Float64Array, cdf: (x: number) => number) =>
      expect(kolmogorovSmirnov(x, cdf)).toBeGreaterThan(ALPHA);
    check(column(get(draws, "h")), (x) => 2 * phi(x / 2) - 1);
    const between = (x: number) => (phi(x) - phi(-1)) / (phi(0.5) - phi(-1));
    check(column(get(draws, "u"), 0), between);
    check(column(get(draws, "u"), 1), between);
    // The smaller and the larger of two.
    check(column(get(draws, "c"), 0), (x) => 1 - (1 - phi(x)) ** 2);
    check(column(get(draws, "c"), 1), (x) => phi(x) ** 2);
    check(column(get(draws, "p"), 1), (x) => (2 * phi(x) - 1) ** 2);
    check(column(get(draws, "t")), (x) => (phi(x) - 0.5) / (phi(1) - 0.5));
    // The two components' masses above 0 are Phi(-1) and Phi(1), which sum to 1.
    check(column(get(draws, "q")), (x) => phi(x + 1) - phi(1) + phi(x - 1) - phi(-1));
  });

  it("of ordered vectors of different scales come by rejection", () => {
    const text = `model m(s: positive[2]) { c: ordered[2] ~ Normal([0.0, 0.0], s) }`;
    const { draws } = prior(text, { s: [1, 3] }, 500);
    const [low, high] = [column(get(draws, "c"), 0), column(get(draws, "c"), 1)];
    expect(low.every((x, i) => x < high[i])).toBe(true);
    // E[high − low | high > low] = sqrt(10) · sqrt(2/π).
    const gap = mean(high.map((x, i) => x - low[i]));
    expect(Math.abs(gap - Math.sqrt(20 / Math.PI))).toBeLessThan(0.35);
  });

  it("of structured distributions have their means", () => {
    const text = `model m(D: int) {
      w ~ Dirichlet([1.0, 2.0, 3.0])
      x ~ MvNormal([1.0, -1.0], [[2.0, 0.5], [0.5, 1.0]])
      L ~ LKJCholesky(2, D)
      let R = L @ transpose(L)
      S ~ Wishart(5, eye(D))
      z ~ Categorical(w)
      m ~ Mixture(w, [Normal(-10, 1), Normal(0, 1), Normal(10, 1)])
      i ~ iid(MvNormal(zeros(2), eye(2)), 3)
    }`;
    const { draws } = prior(text, { D: 2 }, 4000);
    [1 / 6, 2 / 6, 3 / 6].forEach((p, k) => {
      expect(Math.abs(mean(column(get(draws, "w"), k)) - p)).toBeLessThan(0.02);
      const share = mean(column(get(draws, "z")).map((z) => (z === k ? 1 : 0)));
      expect(Math.abs(share - p)).toBeLessThan(0.03);
    });
    const [x, y] = [column(get(draws, "x"), 0), column(get(draws, "x"), 1)];
    expect(Math.abs(mean(x) - 1)).toBeLessThan(0.1);
    expect(Math.abs(mean(x.map((v, i) => (v - 1) * (y[i] + 1))) - 0.5)).toBeLessThan(0.1);
    // LKJ(2) in two dimensions: (r + 1)/2 is Beta(2, 2), of variance 1/20.
    const r = column(get(draws, "R"), 1);
    expect(Math.abs(variance(r) - 0.2)).toBeLessThan(0.03);
    expect(Math.abs(mean(column(get(draws, "S"), 0)) - 5)).toBeLessThan(0.25);
    expect(Math.abs(mean(column(get(draws, "m"))) - 10 / 3)).toBeLessThan(0.6);
    expect(get(draws, "i").dims).toEqual([3, 2]);
    expect(Math.abs(variance(column(get(draws, "i"), 5)) - 1)).toBeLessThan(0.12);
  });

  it("run recurrences in the order that their elements need", () => {
    const text = `model m(T: int) {
      theta ~ Uniform(-1, 1)
      let nu[0] = 0.5
      for t in 1..T { let nu[t] = 0.3 * y[t - 1] + theta * (y[t - 1] - nu[t - 1]) }
      for t in 0..T { y[t] ~ Normal(nu[t], 0.1) }
    }`;
    const T = 20;
    const { draws } = prior(text, { T }, 200);
    const [theta, nu, y] = ["theta", "nu", "y"].map((n) => get(draws, n).data);
    const residuals: number[] = [];
    for (let k = 0; k < 200; k++) {
      for (let t = 0; t < T; t++) {
        const i = k * T + t;
        const want = t === 0 ? 0.5 : 0.3 * y[i - 1] + theta[k] * (y[i - 1] - nu[i - 1]);
        expect(nu[i]).toBeCloseTo(want, 12);
        residuals.push(y[i] - nu[i]);
      }
    }
    expect(kolmogorovSmirnov(residuals, (x) => normalCdf(x / 0.1))).toBeGreaterThan(ALPHA);
  });

  it("are the same whatever else is drawn", () => {
    const text = `model m(N: int) {
      a ~ Normal(0, 1)
      for n in 0..N { b[n] ~ Normal(a, 1) }
      for n in 0..N { y[n] ~ Normal(b[n], 1) }
      let s = sum(b)
    }`;
    const model = modelOf(text);
    const all = samplePrior(model, dataSet({ N: 3 }), { draws: 20, seed: 8 }).draws;
    const some = samplePrior(model, dataSet({ N: 3 }), { draws: 5, seed: 8, only: ["s"] }).draws;
    expect([...some.keys()]).toEqual(["s"]);
    expect([...get(some, "s").data]).toEqual([...get(all, "s").data.subarray(0, 5)]);
    const larger = samplePrior(model, dataSet({ N: 5 }), { draws: 20, seed: 8 }).draws;
    for (let n = 0; n < 3; n++) {
      expect([...column(get(larger, "y"), n)]).toEqual([...column(get(all, "y"), n)]);
    }
    const other = samplePrior(model, dataSet({ N: 3 }), { draws: 20, seed: 9 }).draws;
    expect(get(other, "a").data[0]).not.toBe(get(all, "a").data[0]);
  });

  it("say what cannot be drawn and what is ignored", () => {
    expect(codeOf(() => prior("model m() { a ~ Flat() }", {}, 1))).toBe("improper_draw");
    expect(codeOf(() => prior("model m() { param a: real; b ~ Normal(a, 1) }", {}, 1))).toBe(
      "param_draw",
    );
    const negative = "model m(s: real) { a ~ Normal(0, 1); b ~ Normal(a, s - 1) }";
    expect(codeOf(() => prior(negative, { s: 0.5 }, 1))).toBe("draw_parameter_outside");
    const { warnings } = prior("model m() { a ~ Normal(0, 1); factor -a^2 }", {}, 1);
    expect(warnings.map((w) => w.code)).toEqual(["simulation_ignores"]);
    const bounded = prior("model m() { a ~ Flat(lower: 2, upper: 4) }", {}, 500);
    expect(kolmogorovSmirnov(column(get(bounded.draws, "a")), (x) => (x - 2) / 2)).toBeGreaterThan(
      ALPHA,
    );
  });

  it("are fast enough for a thousand observations", () => {
    const text = `model m(N: int, x: real[N]) {
      a ~ Normal(0, 1)
      b ~ Normal(0, 1)
      s ~ HalfNormal(1)
      for n in 0..N { y[n] ~ Normal(a + b * x[n], s) }
    }`;
    const x = Array.from({ length: 1000 }, (_, n) => n / 1000);
    // 400 000 draws of sites; a generous bound, to catch a loss of a factor of ten.
    const start = performance.now();
    prior(text, { N: 1000, x }, 400);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe("posterior prediction", () => {
  const text = `model m(N: int, x: real[N], G: int, g: category(G)[N]) {
    b ~ Normal(0, 1)
    tau ~ HalfNormal(1)
    for j in 0..G { a[j] ~ Normal(5, tau) }
    for n in 0..N { y[n] ~ Normal(a[g[n]] + b * x[n], 0.5) }
    let fit = a[g] + b * x
  }`;
  const data = { N: 3, x: [0, 1, 2], G: 2, g: [0, 1, 0], y: [1, 2, 3] };
  const fitted = condition(modelOf(text), dataSet(data));
  const count = 2000;
  const rng = stream(1, 0, 0, 0);
  const normals = (n: number, m: number, s: number) =>
    Float64Array.from({ length: n }, () => m + s * rng.normal());
  const posterior: Draws = new Map([
    ["b", { dims: [], data: normals(count, 2, 0.1) }],
    ["tau", { dims: [], data: normals(count, 1, 0.01) }],
    ["a", { dims: [2], data: normals(2 * count, -1, 0.2) }],
  ]);

  it("simulates the data again from each draw", () => {
    const { draws } = posteriorPredictive(fitted, posterior, undefined, { seed: 1 });
    expect([...draws.keys()].sort()).toEqual(["fit", "y"]);
    const sd = Math.hypot(0.5, 0.2, 0.1 * 2);
    const last = column(get(draws, "y"), 2);
    expect(kolmogorovSmirnov(last, (y) => normalCdf((y - 3) / sd))).toBeGreaterThan(ALPHA);
  });

  it("predicts at new inputs with the draws that still fit", () => {
    const fresh = dataSet({ x: [10, 10, -10, 0], g: [0, 1, 1, 0] });
    const { draws, conditioned } = posteriorPredictive(fitted, posterior, fresh, { seed: 1 });
    expect(conditioned.sizes.get("N")).toBe(4);
    const fit = get(draws, "fit");
    expect(fit.dims).toEqual([4]);
    for (let k = 0; k < count; k += 97) {
      const [a0, b] = [get(posterior, "a").data[2 * k], get(posterior, "b").data[k]];
      expect(fit.data[4 * k]).toBeCloseTo(a0 + 10 * b, 12);
    }
    const sd = Math.hypot(0.5, 0.2, 0.1 * 10);
    const y = column(get(draws, "y"), 2);
    expect(kolmogorovSmirnov(y, (v) => normalCdf((v + 21) / sd))).toBeGreaterThan(ALPHA);
  });

  it("simulates latent sites whose dims have changed", () => {
    const fresh = dataSet({ x: [0], g: [2], G: 3 });
    const { draws } = posteriorPredictive(fitted, posterior, fresh, { seed: 1 });
    const a = get(draws, "a");
    expect(a.dims).toEqual([3]);
    // The prior of a new group given tau near 1.
    expect(kolmogorovSmirnov(column(a, 2), (x) => normalCdf(x - 5))).toBeGreaterThan(ALPHA);
  });

  it("keeps what the new data give and draws what they miss", () => {
    const fresh = dataSet({ ...data, y: [7, null, 8] });
    const { draws } = posteriorPredictive(fitted, posterior, fresh, { seed: 1, only: ["y"] });
    const y = get(draws, "y");
    expect(column(y, 0).every((v) => v === 7)).toBe(true);
    expect(column(y, 2).every((v) => v === 8)).toBe(true);
    expect(Math.abs(mean(column(y, 1)) - 1)).toBeLessThan(0.1);
  });

  it("asks for inputs whose size has changed", () => {
    const fresh = dataSet({ x: [1, 2, 3, 4] });
    const act = () => posteriorPredictive(fitted, posterior, fresh, { seed: 1 });
    expect(codeOf(act)).toBe("data_missing_input");
  });
});
