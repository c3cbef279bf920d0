/**
 * Distributions of the text (`dist`): the same formulas as those of the table, so that densities,
 * draws and fits are known; one that the table lacks against its closed form; every error.
 */
import { describe, expect, test } from "vitest";
import { check, compile, gibbs, infer, nuts, prior, TildeError } from "../../src/index.js";
import { buildLogJoint } from "../../src/inference/logjoint/index.js";
import { stream } from "../../src/math/rng/index.js";
import { condition } from "../../src/passes/condition/index.js";
import { logJointOf } from "../../src/passes/interpret/log-joint.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import { dataSet, modelOf, wholeArrays } from "../inference/logjoint/models.js";

const dists = `
dist OwnGumbel(mu: real, beta: positive) on real {
  logpdf(x) = -(x - mu) / beta - exp(-(x - mu) / beta) - log(beta)
  cdf(x) = exp(-exp(-(x - mu) / beta))
  quantile(u) = mu - beta * log(-log(u))
  mean = mu + 0.57721566490153286 * beta
}
dist OwnGeometric(p: unit) on count {
  logpmf(k) = log(p) + k * log1p(-p)
  quantile(u) = int(floor(log1p(-u) / log1p(-p)))
}
dist OwnPair(mu: real[2], s: positive) on real[2] {
  logpdf(x) = Normal(mu, s).log_prob(x)
  sample = mu + s * iid(Normal(0, 1), 2).sample
}
dist SkewNormal(mu: real, s: positive, a: real) on real {
  logpdf(x) = log(2) + Normal(mu, s).log_prob(x) + log(normal_cdf(a * (x - mu) / s))
  sample = mu + s * (a * abs(Normal(0, 1).sample) + Normal(0, 1).sample) / sqrt(1 + square(a))
}
dist OnlyDensity(a: real) on positive { logpdf(x) = -x }
`;
const data = { N: 4, y: [0.3, 1.9, -0.4, 1.1], k: [0, 2, 1, 0], v: [0.2, -0.3] };
const body = (gumbel: string, geometric: string, pair: string) => `
model m(N: int) {
  mu ~ ${gumbel}(0, 2)
  s ~ HalfNormal(1)
  p ~ Beta(2, 2)
  w ~ iid(${gumbel}(mu, 1), 2, 3)
  z ~ Mixture([0.3, 0.7], [${gumbel}(0, 1), ${gumbel}(mu, s)])
  q ~ Mixture([0.5, 0.5], [for c in 0..2: ${gumbel}(mu + c, 1)])
  u ~ ${pair}
  v ~ ${pair}
  for n in 0..N {
    y[n] ~ ${gumbel}(mu + 0.1 * n, s)
    k[n] ~ ${geometric}(p)
  }
  factor ${gumbel}(mu, s).log_prob(1) + ${gumbel}(0, 1).cdf(mu)
}`;
const own = dists + body("OwnGumbel", "OwnGeometric", "OwnPair([mu, 1], s)");
const known = body("Gumbel", "Geometric", "MvNormal([mu, 1], cov: s^2 * eye(2))");

describe("densities", () => {
  const of = (text: string) => buildLogJoint(condition(modelOf(text), dataSet(data)), "test");

  test("are those of the same formulas in the table", () => {
    const [a, b] = [of(own), of(known)];
    expect(a.dimension).toBe(b.dimension);
    for (let k = 0; k < 4; k++) {
      const rng = stream(1, 0, 0, k);
      const q = Float64Array.from({ length: a.dimension }, () => 0.7 * rng.normal());
      const [x] = evaluate([a.logDensity], { q });
      const [y] = evaluate([b.logDensity], { q });
      expect(Math.abs(x[0] - y[0])).toBeLessThan(1e-11 * (1 + Math.abs(y[0])));
    }
  });

  test("the interpreter agrees", () => {
    const conditioned = condition(modelOf(own), dataSet(data));
    const joint = buildLogJoint(conditioned, "test");
    const rng = stream(2, 0, 0, 0);
    const q = Float64Array.from({ length: joint.dimension }, () => 0.7 * rng.normal());
    const [logJoint, constrained] = evaluate([joint.logJoint, joint.constrained], { q });
    const values = wholeArrays(joint.latents, constrained, conditioned.observed);
    const expected = logJointOf(conditioned, values);
    expect(Math.abs(logJoint[0] - expected)).toBeLessThan(1e-11 * (1 + Math.abs(expected)));
  });
});

describe("runs", () => {
  test("a posterior is that of the table's distribution", async () => {
    const text = (gumbel: string) => `${dists}
model m(N: int) {
  mu ~ ${gumbel}(0, 2)
  s ~ HalfNormal(1)
  w ~ iid(${gumbel}(mu, 1), 2)
  for n in 0..N { y[n] ~ Mixture([0.5, 0.5], [${gumbel}(mu, s), ${gumbel}(mu + 1, s)]) }
}`;
    const run = async (gumbel: string) => {
      const method = nuts({ chains: 2 });
      const given = { N: data.N, y: data.y };
      const posterior = await infer(compile(text(gumbel)), { data: given, method, seed: 1 });
      return posterior.summary().rows;
    };
    const [a, b] = [await run("OwnGumbel"), await run("Gumbel")];
    expect(a.map((r) => r.name)).toEqual(b.map((r) => r.name));
    a.forEach((row, k) => {
      const error = Math.hypot(row.mcseMean ?? Number.NaN, b[k].mcseMean ?? Number.NaN);
      expect(Math.abs(row.mean - b[k].mean)).toBeLessThan(5 * error);
    });
  });

  test("draws by `quantile` and by `sample` have the moments of their formulas", async () => {
    const draws = 20_000;
    const posterior = await infer(
      compile(`${dists}
model m() {
  g ~ OwnGumbel(1, 2)
  k ~ OwnGeometric(0.3)
  x ~ SkewNormal(1, 2, 3)
  u ~ OwnPair([1, -1], 0.5)
}`),
      { data: {}, method: prior({ draws }), seed: 4 },
    );
    const moments = (name: string) => {
      const { data: x } = posterior.draws(name);
      const mean = x.reduce((a, b) => a + b, 0) / x.length;
      const sd = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length);
      return { mean, sd, error: sd / Math.sqrt(x.length) };
    };
    const delta = 3 / Math.sqrt(10);
    // Azzalini (1985): mean μ + s δ √(2 / π), variance s² (1 − 2 δ² / π).
    const expected: Record<string, readonly [number, number]> = {
      g: [1 + 2 * 0.5772156649, (2 * Math.PI) / Math.sqrt(6)],
      k: [0.7 / 0.3, Math.sqrt(0.7) / 0.3],
      x: [1 + 2 * delta * Math.sqrt(2 / Math.PI), 2 * Math.sqrt(1 - (2 * delta ** 2) / Math.PI)],
    };
    for (const [name, [mean, sd]] of Object.entries(expected)) {
      const found = moments(name);
      expect(Math.abs(found.mean - mean)).toBeLessThan(4.5 * found.error);
      // Kurtosis of at most 9: an sd is known to 1.4 / √n of itself.
      expect(Math.abs(found.sd / sd - 1)).toBeLessThan((4.5 * 1.4) / Math.sqrt(draws));
    }
    const u = posterior.draws("u").data;
    const first = u.filter((_, i) => i % 2 === 0).reduce((a, b) => a + b, 0) / draws;
    expect(Math.abs(first - 1)).toBeLessThan((4.5 * 0.5) / Math.sqrt(draws));
  });

  test("a skewed normal is fitted by gibbs as by nuts", async () => {
    const text = `${dists}
model m(N: int) {
  mu ~ Normal(0, 2)
  for n in 0..N { y[n] ~ SkewNormal(mu, 1, 2) }
}`;
    const run = (method: ReturnType<typeof nuts> | ReturnType<typeof gibbs>) =>
      infer(compile(text), { data: { N: 4, y: data.y }, method, seed: 2 });
    const [a, b] = [await run(nuts({ chains: 2 })), await run(gibbs({ chains: 2 }))];
    const [x, y] = [a.summary().rows[0], b.summary().rows[0]];
    const error = Math.hypot(x.mcseMean ?? Number.NaN, y.mcseMean ?? Number.NaN);
    expect(Math.abs(x.mean - y.mean)).toBeLessThan(4.5 * error);
  });

  test("what has no sampler is fitted, and refused where it must be drawn", async () => {
    const program = compile(`${dists} model m() { x ~ OnlyDensity(1) }`);
    const fit = await infer(program, { method: nuts({ chains: 1 }), seed: 1 });
    // Exponential(1).
    expect(Math.abs(fit.summary().rows[0].mean - 1)).toBeLessThan(0.2);
    const error = await infer(program, { method: prior({ draws: 5 }) }).catch((e) => e);
    expect(error).toBeInstanceOf(TildeError);
    expect(error.diagnostics[0].code).toBe("dist_no_sample");
  });
});

describe("errors", () => {
  const codes = (text: string): string[] => check(text).map((d) => d.code);

  test.each([
    ["dist D(a: real) on real { logpdf(x) = -x * a; mode = 1 }", "dist_member_unknown"],
    ["dist D(a: real) on real { logpdf = -a }", "dist_member_arguments"],
    ["dist D(a: real) on real { logpdf(x) = -x; mean(x) = x }", "dist_member_arguments"],
    ["dist D(a: real) on real { logpdf(x) = -x; logpdf(y) = y }", "name_taken"],
    ["dist D(a: real) on real { mean = a }", "dist_density"],
    ["dist D(a: real) on real { logpdf(x) = z }", "unknown_name"],
    ["dist D(a: real) on real[2] { logpdf(x) = x }\nmodel m() { x ~ D(1) }", "dist_member_type"],
    ["dist D(a: real) on real { logpdf(x) = -x }\nmodel m() { x ~ D() }", "argument_count"],
    ["dist D(a: real) on real { logpdf(x) = -x }\nmodel m() { x ~ D }", "distribution_uncalled"],
    [
      "dist D(a: positive) on real { logpdf(x) = -x }\nmodel m() { x ~ D(-1) }",
      "parameter_outside",
    ],
    [
      "dist D(a: real) on real { logpdf(x) = D(a).log_prob(x) }\nmodel m() { x ~ D(1) }",
      "recursive_function",
    ],
    ["model m() { let x = Normal(0, 1).sample }", "sample_place"],
    [
      "dist D() on real { logpdf(x) = -x; sample = sum(for i in 0..3: Normal(i, 1).sample) }\nmodel m() { x ~ D() }",
      "sample_place",
    ],
    [
      "dist D() on real { logpdf(x) = -x }\nmodel m() { x ~ Normal(0, 1); factor D().cdf(x) }",
      "method_missing",
    ],
  ])("%s", (text, code) => {
    expect(codes(text)).toContain(code);
  });

  test("a right one has none, used or not", () => {
    expect(codes(dists)).toEqual([]);
    expect(codes(own)).toEqual([]);
  });
});
