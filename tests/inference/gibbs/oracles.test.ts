/** Gibbs against posteriors that are known exactly. All within 5 standard errors, fixed seeds. */
import { describe, expect, it } from "vitest";
import { describePlan } from "../../../src/inference/gibbs/plan.js";
import { lgamma } from "../../../src/math/special/index.js";
import { wiggle } from "../logjoint/models.js";
import { gibbs, meanOf } from "./harness.js";

const sum = (x: readonly number[]) => x.reduce((s, v) => s + v, 0);
const normal = (y: number, mu: number, s: number) =>
  -0.5 * ((y - mu) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);

function agrees(draws: ArrayLike<number>, expected: number): void {
  const { mean, error } = meanOf(draws);
  expect(error).toBeLessThan(0.1 * (1 + Math.abs(expected)));
  expect(Math.abs(mean - expected)).toBeLessThan(5 * error + 1e-12);
}

/** Expectations over all assignments of `counts` values, by brute force. */
function enumerated(counts: readonly number[], log: (z: readonly number[]) => number) {
  let all: number[][] = [[]];
  for (const n of counts) all = all.flatMap((z) => Array.from({ length: n }, (_, k) => [...z, k]));
  const logs = all.map(log);
  const top = Math.max(...logs);
  const weights = logs.map((v) => Math.exp(v - top));
  const total = sum(weights);
  return (f: (z: readonly number[]) => number) =>
    sum(all.map((z, i) => (weights[i] / total) * f(z)));
}

describe("exact posteriors", () => {
  it("mean and precision of a normal: Normal-Gamma", () => {
    const y = [1.2, -0.3, 0.8, 2.1, 0.4];
    const run = gibbs(
      `model m(N: int) {
        tau ~ Gamma(2, 1.5)
        mu ~ Normal(1, 1 / sqrt(2 * tau))
        for n in 0..N { y[n] ~ Normal(mu, 1 / sqrt(tau)) }
      }`,
      { N: 5, y },
    );
    const mean = sum(y) / 5;
    const kappa = 7;
    const alpha = 4.5;
    const centred = sum(y.map((v) => (v - mean) ** 2));
    const beta = 1.5 + centred / 2 + (2 * 5 * (mean - 1) ** 2) / (2 * kappa);
    const m = (2 + sum(y)) / kappa;
    agrees(run.of("mu"), m);
    agrees(
      run.of("mu").map((v) => (v - m) ** 2),
      beta / (kappa * (alpha - 1)),
    );
    agrees(run.of("tau"), alpha / beta);
    agrees(
      run.of("tau").map((v) => v * v),
      (alpha * (alpha + 1)) / beta ** 2,
    );
  });

  it("assignments of a mixture with random weights", () => {
    const y = [-1.5, 0.2, 0.4, 1.9];
    const run = gibbs(
      `model m(N: int) {
        w ~ Dirichlet([1, 2])
        for n in 0..N {
          z[n] ~ Categorical(w)
          y[n] ~ Normal(if z[n] == 0 then -1 else 1, 1.2)
        }
      }`,
      { N: 4, y },
    );
    const expected = enumerated([2, 2, 2, 2], (z) => {
      const ones = sum([...z]);
      const mass = lgamma(1 + 4 - ones) + lgamma(2 + ones);
      return mass + sum(z.map((k, n) => normal(y[n], k === 0 ? -1 : 1, 1.2)));
    });
    for (let n = 0; n < 4; n++)
      agrees(
        run.of("z", n),
        expected((z) => z[n]),
      );
    const [a, b] = [run.of("z", 1), run.of("z", 3)];
    agrees(
      a.map((v, t) => v * b[t]),
      expected((z) => z[1] * z[3]),
    );
    agrees(
      run.of("w", 1),
      expected((z) => (2 + sum([...z])) / 7),
    );
  });

  it("the path of a hidden Markov chain", () => {
    const y = [-1, 0.3, 1.4, 0.9, -0.2];
    const P = [
      [0.8, 0.15, 0.05],
      [0.2, 0.7, 0.1],
      [0.3, 0.3, 0.4],
    ];
    const run = gibbs(
      `model m(T: int, P: real[3, 3]) {
        s[0] ~ Categorical([0.5, 0.3, 0.2])
        for t in 1..T { s[t] ~ Categorical(P[s[t - 1]]) }
        for t in 0..T { y[t] ~ Normal(s[t] - 1, 0.8) }
      }`,
      { T: 5, P, y },
    );
    expect(describePlan(run.plan)).toEqual(["s: 1 × forward filtering, backward sampling"]);
    const expected = enumerated([3, 3, 3, 3, 3], (s) => {
      const start = Math.log([0.5, 0.3, 0.2][s[0]]);
      const moves = sum(s.slice(1).map((k, t) => Math.log(P[s[t]][k])));
      return start + moves + sum(s.map((k, t) => normal(y[t], k - 1, 0.8)));
    });
    for (let t = 0; t < 5; t++)
      agrees(
        run.of("s", t),
        expected((s) => s[t]),
      );
    const [a, b] = [run.of("s", 2), run.of("s", 3)];
    agrees(
      a.map((v, t) => v * b[t]),
      expected((s) => s[2] * s[3]),
    );
  });

  it("pairs of sites by their joint table, a shared site element by element", () => {
    const y = [0.4, 1.7, -0.6];
    const run = gibbs(
      `model m(N: int) {
        c ~ Bernoulli(0.4)
        for n in 0..N {
          u[n] ~ Categorical([0.2, 0.5, 0.3])
          y[n] ~ Normal(u[n] + (if c then 1 else -0.5), 0.7)
        }
        for n in 0..2 {
          a[n] ~ Bernoulli(0.3)
          b[n] ~ Bernoulli(if a[n] then 0.9 else 0.2)
          factor if a[n] && b[n] then -0.5 else 0
        }
      }`,
      { N: 3, y },
    );
    const p = [0.2, 0.5, 0.3];
    const first = enumerated([2, 3, 3, 3], ([c, ...u]) => {
      const shift = c === 1 ? 1 : -0.5;
      const own = sum(u.map((k, n) => Math.log(p[k]) + normal(y[n], k + shift, 0.7)));
      return Math.log(c === 1 ? 0.4 : 0.6) + own;
    });
    agrees(
      run.of("c"),
      first((z) => z[0]),
    );
    agrees(
      run.of("u", 1),
      first((z) => z[2]),
    );
    const second = enumerated([2, 2], ([a, b]) => {
      const q = a === 1 ? 0.9 : 0.2;
      const mass = Math.log(a === 1 ? 0.3 : 0.7) + Math.log(b === 1 ? q : 1 - q);
      return mass + (a * b === 1 ? -0.5 : 0);
    });
    for (const n of [0, 1]) {
      agrees(
        run.of("a", n),
        second((z) => z[0]),
      );
      const [a, b] = [run.of("a", n), run.of("b", n)];
      agrees(
        a.map((v, t) => v * b[t]),
        second((z) => z[0] * z[1]),
      );
    }
    expect(describePlan(run.plan).filter((l) => l.includes("joint table"))).toHaveLength(1);
  });

  it("a scale by slice sampling", () => {
    const y = [0.9, -1.4, 0.3];
    const run = gibbs(
      `model m(N: int) {
        s ~ HalfNormal(1)
        h: between(-1, 2) ~ Normal(0.5, 1)
        for n in 0..N { y[n] ~ Normal(0, s) }
      }`,
      { N: 3, y },
    );
    expect(run.plan.findings.map((f) => f.kind)).toEqual(["other", "other"]);
    /** E f by the midpoint rule, to far below the Monte Carlo error. */
    const quadrature = (low: number, high: number, log: (s: number) => number, power: number) => {
      let [top, bottom] = [0, 0];
      for (let i = 0; i < 20000; i++) {
        const s = low + ((high - low) * (i + 0.5)) / 20000;
        const w = Math.exp(log(s));
        top += w * s ** power;
        bottom += w;
      }
      return top / bottom;
    };
    const scale = (s: number) => -0.5 * s * s + sum(y.map((v) => normal(v, 0, s)));
    agrees(run.of("s"), quadrature(0, 8, scale, 1));
    agrees(
      run.of("s").map((v) => v * v),
      quadrature(0, 8, scale, 2),
    );
    agrees(
      run.of("h"),
      quadrature(-1, 2, (v) => normal(v, 0.5, 1), 1),
    );
  });
});

describe("chains", () => {
  const text = `model m(N: int) {
    tau ~ Gamma(2, 1)
    s ~ HalfNormal(1)
    w ~ Beta(1, 1)
    for n in 0..N {
      z[n] ~ Bernoulli(w)
      y[n] ~ Normal(if z[n] then s else 0, 1 / sqrt(tau))
    }
  }`;
  const data = { N: 4, y: [0.2, 1.4, -0.3, 0.8] };

  it("are repeated by their key, and differ between chains and seeds", () => {
    const options = { warmup: 20, draws: 50 };
    const first = gibbs(text, data, options).draws;
    expect(gibbs(text, data, options).draws).toEqual(first);
    for (const key of [
      { seed: 1, chain: 1 },
      { seed: 2, chain: 0 },
    ]) {
      expect(gibbs(text, data, options, key).draws.values).not.toEqual(first.values);
    }
  });

  it("keep every thin-th sweep", () => {
    const all = gibbs(text, data, { warmup: 10, draws: 12 }).draws;
    const some = gibbs(text, data, { warmup: 10, draws: 4, thin: 3 }).draws;
    expect(some.lp).toEqual(Float64Array.from([2, 5, 8, 11], (t) => all.lp[t]));
  });

  it("stop at an improper conditional, naming the site", () => {
    // The second component empties at once, and nothing bounds its mean then.
    const improper = `model m(N: int) {
      for k in 0..2 { mu[k] ~ Flat() }
      for n in 0..N {
        z[n] ~ Categorical([0.9999, 0.0001])
        y[n] ~ Normal(mu[z[n]], 1)
      }
    }`;
    expect(() => gibbs(improper, { N: 12, y: wiggle(12) })).toThrow(/mu/);
  });
});
