/**
 * Guides that draw from distributions of the text: with the same noise the same values and gradients as
 * those of the table that mean the same; without a path, the score's gradient is that of the mean.
 */
import { expect, test } from "vitest";
import { compile, infer, svi } from "../../../src/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { build, drive } from "./driver.js";

const dists = `
dist OwnNormal(mu: real, s: positive) on real {
  logpdf(x) = Normal(mu, s).log_prob(x)
  sample = mu + s * Normal(0, 1).sample
}
dist OwnGumbel(mu: real, beta: positive) on real {
  logpdf(x) = -(x - mu) / beta - exp(-(x - mu) / beta) - log(beta)
  quantile(u) = mu - beta * log(-log(u))
}
dist OwnGamma(a: positive, b: positive) on positive {
  logpdf(x) = Gamma(a, b).log_prob(x)
  sample = Gamma(a, 1).sample / b
}
dist Nested(mu: real, s: positive) on real {
  logpdf(x) = Normal(mu, s).log_prob(x)
  sample = mu + OwnNormal(0, s).sample
}
dist Pair(mu: real, s: positive) on real[2] {
  logpdf(x) = iid(Normal(mu, s), 2).log_prob(x)
  sample = mu + s * iid(Normal(0, 1), 2).sample
}
dist Either(p: unit, a: real, b: real, s: positive) on real {
  logpdf(x) = Mixture([p, 1 - p], [Normal(a, s), Normal(b, s)]).log_prob(x)
  sample = if Uniform(0, 1).sample < p then a + s * Normal(0, 1).sample else b + s * Normal(0, 1).sample
}
`;
const params = "param a: real = 0.2;  param s: positive = 0.8;  param p: unit = 0.3;";

function estimate(draw: string) {
  const made = build({
    text: `${dists}
guide q() for m { ${params} ${draw} }
model m() { ${draw
      .replace(/\ba\b/g, "0.2")
      .replace(/\bs\b/g, "0.8")
      .replace(/\bp\b/g, "0.3")
      .replace(/using.*/, "")} }
objective one(q) { z ~ q;  return -log_prob(q, z) }`,
    objective: "one",
    programs: { q: "q" },
    analytic: false,
  });
  const d = drive(made);
  return Array.from({ length: 5 }, (_, t) => {
    d.draw(stream(4, 0, 0, t));
    const value = d.evaluate();
    return [value, ...d.gradient];
  });
}

test.each([
  ["x ~ OwnNormal(a, s)", "x ~ Normal(a, s)"],
  ["x ~ OwnNormal(a, s) using reparam", "x ~ Normal(a, s)"],
  ["x ~ OwnNormal(a, s) using reinforce", "x ~ Normal(a, s) using reinforce"],
  ["x ~ OwnGumbel(a, s)", "x ~ Gumbel(a, s)"],
  ["x ~ OwnGamma(s, 2)", "x ~ Gamma(s, 2)"],
  ["x ~ Nested(a, s)", "x ~ Normal(a, s)"],
  ["x ~ Pair(a, s)", "x ~ iid(Normal(a, s), 2)"],
  ["x ~ iid(OwnNormal(a, s), 3)", "x ~ iid(Normal(a, s), 3)"],
  ["for i in 0..3 { x[i] ~ OwnNormal(a, s) }", "for i in 0..3 { x[i] ~ Normal(a, s) }"],
  ["x ~ Transformed(Normal(0, 1), u => a + s * u)", "x ~ Normal(a, s)"],
  ["x ~ Transformed(Transformed(Normal(a, 1), u => s * u), exp)", "x ~ LogNormal(a * s, s)"],
])("%s as %s", (own, table) => {
  const [a, b] = [estimate(own), estimate(table)];
  expect(a.flat().some((x) => x !== 0)).toBe(true);
  a.forEach((row, t) => {
    row.forEach((x, k) => {
      expect(Math.abs(x - b[t][k])).toBeLessThan(1e-9 * (1 + Math.abs(b[t][k])));
    });
  });
});

test("a sampler with a jump has the gradient of the mean by its score", () => {
  const made = build({
    text: `${dists}
guide q() for m { ${params} x ~ Either(p, a, 2, s) }
model m() { x ~ Normal(0, 1) }
objective average(q) { z ~ q;  let x: real = z.x;  return x }`,
    objective: "average",
    programs: { q: "q" },
    analytic: false,
  });
  expect(made.strategies.map((s) => s.strategy)).toEqual(["reinforce"]);
  const d = drive(made);
  const draws = 20_000;
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let t = 0; t < draws; t++) {
    d.draw(stream(9, 0, 0, t));
    d.evaluate();
    d.gradient.forEach((g, k) => {
      sums[k] += g;
      squares[k] += g * g;
    });
  }
  // E x = p a + (1 − p) 2, in unconstrained numbers: p = σ(u).
  const expected = [0.3, 0, (0.2 - 2) * 0.3 * 0.7];
  expected.forEach((e, k) => {
    const error = Math.sqrt((squares[k] / draws - (sums[k] / draws) ** 2) / draws);
    expect(Math.abs(sums[k] / draws - e)).toBeLessThan(4.5 * error);
  });
});

test("svi finds the exact posterior with such a guide", async () => {
  const text = `import objectives
${dists}
model m() { x ~ Normal(0, 2);  y ~ Normal(x, 1) }
guide g() for m { param a: real = 0;  param b: positive = 1;  x ~ OwnNormal(a, b) }`;
  const options = { data: { y: 1.5 }, method: svi({ steps: 4000 }), seed: 1 };
  const fit = await infer(compile(text), options);
  const row = fit.summary().rows.find((r) => r.name === "x");
  expect(row?.mean).toBeCloseTo(1.2, 1);
  expect(row?.sd).toBeCloseTo(Math.sqrt(0.8), 1);
});
