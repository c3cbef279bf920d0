/** Names of sites do not meet names that kernels use. */
import { expect, it } from "vitest";
import { cavi, compile, em, gibbs, infer, type Method, map, nuts, vi } from "../../../src/index.js";

const names = ["q", "states", "lp", "grad", "phi", "eps", "theta", "item", "constrained", "center"];

it.each(names)("a model whose sites are called %s", async (name) => {
  const text = `model m(N: int) {
    ${name} ~ Gamma(2, 1)
    for k in 0..2 { mu[k] ~ Normal(k, ${name}) }
    for i in 0..N { z[i] ~ Bernoulli(0.5); y[i] ~ Normal(mu[int(z[i])], ${name}) }
  }`;
  const data = { N: 3, y: [0.1, 1.2, 0.8] };
  const methods: Method[] = [
    gibbs({ chains: 1, warmup: 20, draws: 20 }),
    gibbs({ chains: 1, warmup: 20, draws: 20, sites: { [name]: "nuts" } }),
    nuts({ chains: 1, warmup: 20, draws: 20 }),
    map({ starts: 1 }),
    vi({ steps: 200, draws: 50 }),
    cavi({ restarts: 1, maxIterations: 3, draws: 10 }),
    em({ maxIterations: 3 }),
  ];
  for (const method of methods) {
    const fit = await infer(compile(text), { data, method });
    expect(Number.isFinite(fit.summary([name]).rows[0].mean), method.method).toBe(true);
  }
});

it.each(["item", "states", "q"])("an unbounded plate whose sites are called %s", async (name) => {
  const text = `model m(N: int) {
    for k in 0.. { ${name}[k] ~ Normal(0, 5) }
    for i in 0..N { z[i] ~ CRP(1); y[i] ~ Normal(${name}[z[i]], 1) }
  }`;
  const method = gibbs({ chains: 1, warmup: 5, draws: 5, algorithm: "auxiliary" });
  const fit = await infer(compile(text), { data: { N: 3, y: [0.1, 1.2, 0.8] }, method });
  expect(fit.draws("z").shape).toEqual([1, 5, 3]);
});
