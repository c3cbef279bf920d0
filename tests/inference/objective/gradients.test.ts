/** Gradients with fixed noise against central differences: objectives, draws, modules. */
import { describe, expect, test } from "vitest";
import { stream } from "../../../src/math/rng/index.js";
import { array, build, drive, type Setup } from "./driver.js";

const laws: Readonly<Record<string, string>> = {
  Normal: "Normal(a, s)",
  HalfNormal: "HalfNormal(s)",
  LogNormal: "LogNormal(a, s)",
  Cauchy: "Cauchy(a, s)",
  HalfCauchy: "HalfCauchy(s)",
  Laplace: "Laplace(a, s)",
  Logistic: "Logistic(a, s)",
  Gumbel: "Gumbel(a, s)",
  Exponential: "Exponential(s)",
  Uniform: "Uniform(a, a + s)",
  Kumaraswamy: "Kumaraswamy(s, 1 + s)",
  Weibull: "Weibull(1 + s, s)",
  Pareto: "Pareto(s, 2 + s)",
};

const own = "import objectives\nimport nn\n";

const cases: Readonly<Record<string, Setup>> = {
  ...Object.fromEntries(
    Object.entries(laws).map(([name, law]) => [
      `draws of ${name}`,
      {
        text: `${own}model m() { x ~ ${law.replace(/\ba\b/g, "0.3").replace(/\bs\b/g, "0.7")};  observe 1.5 ~ Normal(x, 2) }
guide q() for m { param a: real = 0.2;  param s: positive = 0.8;  x ~ ${law} }
objective value(p, q) { z ~ q;  return log_joint(p, z) - 0.3 * log_prob(q, z) }`,
        objective: name === "Uniform" || name === "Pareto" ? "fit" : "value",
        programs: { p: "m", q: "q" },
      } satisfies Setup,
    ]),
  ),
  "vectors and matrices": {
    text: `${own}model m(D: int) { x ~ MvNormal(zeros(D), eye(D));  w ~ iid(Normal(x, 1), 2);  observe 1 ~ Normal(sum(w), 2) }
guide q(D: int) for m {
  param mean: real[D] = Normal(0, 1)
  param L: cholesky_cov[D] = eye(D)
  param S: cov[D] = 2 * eye(D)
  x ~ MvNormal(mean, cholesky: L)
  w ~ iid(MvNormal(x, S), 2)
}`,
    objective: "elbo",
    programs: { p: "m", q: "q" },
    data: { D: 3 },
  },
  "a recurrence in the guide": {
    text: `${own}model m(T: int) { z[0] ~ Normal(0, 1);  for t in 1..T { z[t] ~ Normal(z[t - 1], 1) }  for t in 0..T { y[t] ~ Normal(z[t], 0.5) } }
guide q(T: int, y: real[T]) for m {
  param r: unit = 0.4
  param s: positive
  z[0] ~ Normal(y[0], s)
  for t in 1..T { z[t] ~ Normal(r * z[t - 1] + (1 - r) * y[t], s) }
}`,
    objective: "iwae",
    programs: { p: "m", q: "q" },
    data: { y: array([4], [0.3, -0.2, 1.1, 0.8]) },
    args: { K: 3 },
  },
  "an autoencoder": {
    text: `${own}model vae(N: int, D: int, d: int) {
  let decode = nn.mlp([d, 4, D], tanh)
  for i in 0..N { z[i] ~ iid(Normal(0, 1), d);  x[i] ~ Bernoulli(logits: decode(z[i])) }
}
guide encoder(N: int, D: int, d: int, x: real[N, D]) for vae {
  let body = nn.chain(nn.mlp([D, 4], nn.relu), nn.layer_norm(4))
  let mean = nn.dense(4, d);  let logsd = nn.dense(4, d)
  for i in 0..N { z[i] ~ Normal(mean(body(x[i])), exp(logsd(body(x[i])))) using reparam }
}`,
    objective: "iwae",
    programs: { p: "vae", q: "encoder" },
    data: { d: 2, x: array([3, 5], [1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0]) },
    args: { K: 2 },
  },
  "the same in minibatches": {
    text: `${own}model vae(N: int, D: int, d: int) {
  let decode = nn.mlp([d, 4, D], nn.silu)
  for i in 0..N { z[i] ~ iid(Normal(0, 1), d);  x[i] ~ Bernoulli(logits: decode(z[i])) }
}
guide encoder(N: int, D: int, d: int, x: real[N, D]) for vae {
  let mean = nn.dense(D, d);  let logsd = nn.dense(D, d)
  for i in 0..N { z[i] ~ Normal(mean(x[i]), exp(logsd(x[i]))) }
}`,
    objective: "elbo",
    programs: { p: "vae", q: "encoder" },
    data: { d: 2, x: array([3, 5], [1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0]) },
    batch: { N: 2 },
  },
  "recurrent networks": {
    text: `${own}model m(T: int, x: real[T]) {
  let cell = nn.gru(1, 2);  let out = nn.residual(x => tanh(x))
  let h[0] = zeros(2)
  for t in 0..T { let h[t + 1] = cell([x[t]], h[t]) }
  for t in 0..T { y[t] ~ Normal(sum(out(h[t + 1])), 1) }
}`,
    objective: "maximum_likelihood",
    programs: { p: "m" },
    data: { x: array([4], [1, 2, 0, 1]), y: array([4], [0.5, 1, -1, 0.2]) },
  },
  "noise-contrastive estimation": {
    text: `${own}model m(N: int) { param m: real = 0.2;  param c: real = 0.1;  for i in 0..N { x[i] ~ Normal(m, 1);  factor c } }
model noise(N: int) { for i in 0..N { x[i] ~ Normal(0, 2) } }`,
    objective: "nce",
    programs: { p: "m", noise: "noise" },
    data: { x: array([3], [0.5, 1.5, -0.2]) },
    args: { ratio: 2 },
  },
  "denoising score matching": {
    text: `${own}model m(N: int) { param m: real = 0.2;  param s: positive = 1.3;  for i in 0..N { x[i] ~ Normal(m, s) } }
guide noised(N: int, data: real[N]) for m { for i in 0..N { x[i] ~ Normal(data[i], 0.5) } }`,
    objective: "denoising_score_matching",
    programs: { p: "m", noise: "noised" },
    data: { data: array([3], [0.5, 1.5, -0.2]) },
  },
};

describe("gradients against central differences", () => {
  test.each(Object.entries(cases))("%s", (_, setup) => {
    const extra =
      "\nobjective fit(p, q) { z ~ q;  return -sum(square(score(p, z))) - log_prob(q, z) }";
    // At one draw of the noise the gradient is that of the value where no means stand in its place.
    const made = build({ ...setup, text: setup.text + extra, analytic: false });
    const d = drive(made);
    d.draw(stream(7, 0, 0, 0));
    const value = d.evaluate();
    expect(Number.isFinite(value)).toBe(true);
    expect(made.dimension).toBeGreaterThan(0);
    const slope = d.gradient.slice();
    expect(slope.some((x) => x !== 0)).toBe(true);
    // Rounding in the value costs 1e-16 |f| / h, the third derivative h² f''' / 6.
    const h = 1e-5;
    for (let i = 0; i < d.theta.length; i++) {
      const before = d.theta[i];
      d.theta[i] = before + h;
      const up = d.evaluate();
      d.theta[i] = before - h;
      const down = d.evaluate();
      d.theta[i] = before;
      const difference = (up - down) / (2 * h);
      const scale = Math.max(1, Math.abs(slope[i]), Math.abs(value));
      expect(Math.abs(slope[i] - difference) / scale).toBeLessThan(2e-7);
    }
  });
});
