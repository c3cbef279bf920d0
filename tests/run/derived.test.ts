/**
 * Distributions made of others by formulas (`Truncated`, `Censored` of distributions of the text,
 * `Transformed` in models): the same densities, cdfs and draws as those of the table that mean the
 * same, and densities that integrate to the cdf where the table has none.
 */
import { describe, expect, test } from "vitest";
import { check, compile, infer, nuts, prior } from "../../src/index.js";
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
}
dist Rejected(mu: real, beta: positive) on real {
  logpdf(x) = Gumbel(mu, beta).log_prob(x)
  cdf(x) = Gumbel(mu, beta).cdf(x)
  sample = Gumbel(mu, beta).sample
}
dist OwnGeometric(p: unit) on count {
  logpmf(k) = log(p) + k * log1p(-p)
  cdf(k) = 1 - (1 - p) ^ (k + 1)
  quantile(u) = int(floor(log1p(-u) / log1p(-p)))
}
`;
const data = {
  N: 3,
  y: [0.3, 1.9, 0.4],
  w: [0.5, 0.2, 2.5],
  k: [2, 5, 7],
  c: [1, 0, 4],
  z: [0.5, 1.25, 2],
  b: [0.2, 0.7, 0.4],
};
/** Each pair means the same; both are written over latent and observed values. */
const pairs: readonly (readonly [name: string, ours: string, table: string, site: string])[] = [
  [
    "Truncated",
    "Truncated(OwnGumbel(mu, s), lower: mu - 1, upper: 3)",
    "Truncated(Gumbel(mu, s), lower: mu - 1, upper: 3)",
    "y",
  ],
  [
    "one bound",
    "Truncated(OwnGumbel(mu, s), lower: 0.1)",
    "Truncated(Gumbel(mu, s), lower: 0.1)",
    "y",
  ],
  [
    "upper bound",
    "Truncated(OwnGumbel(mu, s), upper: 2.5)",
    "Truncated(Gumbel(mu, s), upper: 2.5)",
    "y",
  ],
  [
    "Censored",
    "Censored(OwnGumbel(mu, s), lower: 0.3, upper: top[n])",
    "Censored(Gumbel(mu, s), lower: 0.3, upper: top[n])",
    "z",
  ],
  [
    "Censored without end",
    "Censored(OwnGumbel(mu, s), upper: if n == 1 then 1.25 else inf)",
    "Censored(Gumbel(mu, s), upper: if n == 1 then 1.25 else inf)",
    "z",
  ],
  [
    "counts",
    "Truncated(OwnGeometric(p), lower: 2, upper: 7)",
    "Truncated(Geometric(p), lower: 2, upper: 7)",
    "k",
  ],
  [
    "counts censored",
    "Censored(OwnGeometric(p), upper: 4)",
    "Censored(Geometric(p), upper: 4)",
    "c",
  ],
  ["exp", "Transformed(Normal(mu, s), exp)", "LogNormal(mu, s)", "w"],
  ["affine", "Transformed(Normal(0, 1), u => mu + s * u)", "Normal(mu, s)", "y"],
  ["falling", "Transformed(Normal(0, 1), u => mu - s * u)", "Normal(mu, s)", "y"],
  ["reciprocal", "Transformed(Gamma(2, 1), u => s / u)", "InverseGamma(2, s)", "w"],
  ["power", "Transformed(Exponential(1), u => s * u ^ (1 / (1 + p)))", "Weibull(1 + p, s)", "w"],
  ["chain", "Transformed(Exponential(1), u => mu - s * log(u))", "Gumbel(mu, s)", "y"],
  [
    "functions",
    "Transformed(Logistic(mu, s), half)",
    "Transformed(Logistic(mu, s), u => 0.5 * exp(u))",
    "w",
  ],
  [
    "nested",
    "Transformed(Transformed(Normal(mu, s), u => 2 * u), exp)",
    "LogNormal(2 * mu, 2 * s)",
    "w",
  ],
  ["sqrt", "Transformed(ChiSquare(1), sqrt)", "HalfNormal(1)", "w"],
  ["uniform", "Transformed(Normal(0, 1), Phi)", "Uniform(0, 1)", "b"],
];

const program = (d: string, site: string): string => `
fn half(x) = exp(x) / 2
model m(N: int, top: real[N]) {
  mu ~ Normal(0, 2)
  s ~ HalfNormal(1)
  p ~ Beta(2, 2)
  for n in 0..N { ${site}[n] ~ ${d} }
}`;

describe.each(pairs)("%s", (_, ours, table, site) => {
  const value = { k: data.k, c: data.c, y: data.y, w: data.w, z: data.z, b: data.b }[site] ?? [];
  const given = dataSet({ N: 3, top: data.z, [site]: value });
  const conditioned = (d: string) => condition(modelOf(dists + program(d, site)), given);

  test("has the table's density, and the interpreter's", () => {
    const ownModel = conditioned(ours);
    const [a, b] = [buildLogJoint(ownModel, "test"), buildLogJoint(conditioned(table), "test")];
    let finite = 0;
    for (let k = 0; k < 6; k++) {
      const rng = stream(1, 0, 0, k);
      const q = Float64Array.from({ length: a.dimension }, () => 0.7 * rng.normal());
      const [x, joint, constrained] = evaluate([a.logDensity, a.logJoint, a.constrained], { q });
      const [y] = evaluate([b.logDensity], { q });
      if (Number.isFinite(y[0])) finite++;
      if (x[0] !== y[0]) expect(Math.abs(x[0] - y[0])).toBeLessThan(1e-9 * (1 + Math.abs(y[0])));
      const slow = logJointOf(ownModel, wholeArrays(a.latents, constrained, ownModel.observed));
      if (slow !== joint[0])
        expect(Math.abs(slow - joint[0])).toBeLessThan(1e-9 * (1 + Math.abs(slow)));
    }
    expect(finite).toBeGreaterThan(1);
  });

  test("draws as the table does", async () => {
    const draws = 8000;
    const run = async (d: string, seed: number) => {
      const text = dists + program(d, site).replace("for n in 0..N", "for n in 0..1");
      const fixed = text
        .replace("mu ~ Normal(0, 2)", "let mu = 0.7")
        .replace("s ~ HalfNormal(1)", "let s = 0.8")
        .replace("p ~ Beta(2, 2)", "let p = 0.3")
        .replaceAll("top[n])", "2)");
      const fit = await infer(compile(fixed), {
        data: { N: 3, top: data.z },
        method: prior({ draws }),
        seed,
      });
      return Float64Array.from(fit.draws(site).data).sort();
    };
    const [a, b] = [await run(ours, 1), await run(table, 2)];
    // Two-sample Kolmogorov–Smirnov; 1.95 √(2/n) is exceeded by one of a thousand.
    let largest = 0;
    let [i, j] = [0, 0];
    while (i < draws && j < draws) {
      const x = Math.min(a[i], b[j]);
      while (i < draws && a[i] <= x) i++;
      while (j < draws && b[j] <= x) j++;
      largest = Math.max(largest, Math.abs(i - j) / draws);
    }
    expect(largest).toBeLessThan(1.95 * Math.sqrt(2 / draws));
  });
});

test("a posterior of observed and latent transformed sites is the table's", async () => {
  const text = (d: string, e: string) => `model m(N: int) {
  mu ~ Normal(0, 2)
  s ~ HalfNormal(1)
  t ~ ${e}
  for n in 0..N { w[n] ~ ${d} }
}`;
  const run = async (d: string, e: string) => {
    const options = { data: { N: 3, w: data.w }, method: nuts({ chains: 2 }), seed: 1 };
    return (await infer(compile(text(d, e)), options)).summary().rows;
  };
  const a = await run("Transformed(Normal(mu, s), exp)", "Transformed(Normal(mu, 1), exp)");
  const b = await run("LogNormal(mu, s)", "LogNormal(mu, 1)");
  expect(a.map((r) => r.name)).toEqual(b.map((r) => r.name));
  a.forEach((row, k) => {
    if (row.name === "t") return; // Its tail is too heavy for a mean.
    const error = Math.hypot(row.mcseMean ?? Number.NaN, b[k].mcseMean ?? Number.NaN);
    expect(Math.abs(row.mean - b[k].mean)).toBeLessThan(5 * error);
  });
});

test("vectors count every element's slope", () => {
  const of = (d: string) =>
    buildLogJoint(
      condition(modelOf(`model m() { v ~ ${d} }`), dataSet({ v: [0.5, 2, 1.5] })),
      "test",
    );
  const at = (d: string) => evaluate([of(d).logJoint], { q: [] })[0][0];
  expect(at("Transformed(iid(Normal(0, 1), 3), u => 2 * exp(u))")).toBeCloseTo(
    at("iid(LogNormal(log(2), 1), 3)"),
    12,
  );
  expect(at("Transformed(iid(Normal(0, 1), 3), u => 2 * u)")).toBeCloseTo(
    at("iid(Normal(0, 2), 3)"),
    12,
  );
  expect(at("Transformed(MvNormal(zeros(3), cov: eye(3)), exp)")).toBeCloseTo(
    at("iid(LogNormal(0, 1), 3)"),
    12,
  );
});

test.each(["log_cdf", "log_ccdf"] as const)("`%s` is the log of the tail", (method) => {
  const names = ["Normal(0.3, 1.2)", "Gumbel(0.3, 1.2)", "OwnGumbel(0.3, 1.2)", "Weibull(2, 1)"];
  for (const d of names) {
    const tail = method === "log_cdf" ? `log(${d}.cdf(0.6))` : `log(1 - ${d}.cdf(0.6))`;
    const text = `model m() { x ~ Normal(0, 1); factor ${d}.${method}(0.6) - ${tail} }`;
    const conditioned = condition(modelOf(dists + text), dataSet({ x: 0 }));
    const joint = buildLogJoint(conditioned, "test");
    const [lp] = evaluate([joint.logJoint], { q: [] });
    expect(lp[0]).toBeCloseTo(-0.5 * Math.log(2 * Math.PI), 10);
    expect(logJointOf(conditioned, conditioned.observed)).toBeCloseTo(lp[0], 10);
  }
});

test.each([
  ["Transformed(Normal(0, 1), u => u * u)", "transformed_inverse"],
  ["Transformed(Normal(0, 1), u => 3)", "transformed_inverse"],
  ["Transformed(Normal(0, 1), sqrt)", "transformed_inverse"],
  ["Transformed(Normal(0, 1), u => mu * u)", "transformed_inverse"],
  ["Transformed(Normal(0, 1), sin)", "transformed_inverse"],
  ["Transformed(iid(Normal(0, 1), 2), u => sum(u))", "transformed_inverse"],
  ["Transformed(Poisson(3), exp)", "transformed_base"],
  ["Transformed(Dirichlet([1, 1]), exp)", "transformed_base"],
  ["Transformed(Normal(0, 1))", "transformed_usage"],
  ["Truncated(Plain(), lower: 0)", "truncated_base"],
])("%s is refused", (d, code) => {
  const text = `dist Plain() on real { logpdf(x) = -x }
model m() { mu ~ Normal(0, 1); x ~ ${d} }`;
  expect(check(text).map((found) => found.code)).toContain(code);
});

test("censored distributions of the text are for observed sites", async () => {
  const text = `${dists}model m() { x ~ Censored(OwnGumbel(0, 1), upper: 1) }`;
  await expect(infer(compile(text), { data: {}, method: nuts({}), seed: 1 })).rejects.toThrow(
    /censored/,
  );
});
