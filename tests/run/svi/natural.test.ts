/** `svi` with `optimizer: "natural"`. */
import { expect, test } from "vitest";
import { compile, infer, svi, TildeError } from "../../../src/index.js";

const text = `model m(N: int, y: real[N]) {
  param w: real = 0.5
  mu ~ Normal(0, 2)
  g ~ Gamma(3, 2)
  for i in 0..N { y[i] ~ Normal(mu + 0 * w, 1) }
  factor -(w - 1.5)^2
  for i in 0..N { observe 2 ~ Poisson(g) }
}
guide q() for m {
  param a: real = -3
  param s: positive = 3
  param b: positive = 5
  param c: positive = 4
  mu ~ Normal(a, s)
  g ~ Gamma(b, c)
}`;
const y = [0.5, 1.8, -0.3, 2.2, 1.1];

test("reaches the posterior; params of the model climb by adam", async () => {
  const method = svi({ optimizer: "natural", lr: 0.05, steps: 3000, draws: 10 });
  const fit = await infer(compile(text), { data: { y }, method });
  const precision = 1 / 4 + 5;
  const mean = y.reduce((t, v) => t + v, 0) / precision;
  const found = fit.params as unknown as {
    w: number;
    q: { a: number; s: number; b: number; c: number };
  };
  // At rates below 0.0005 the last stage's noise is about √ρ of a posterior sd of 0.44.
  expect(Math.abs(found.q.a - mean)).toBeLessThan(0.04);
  expect(Math.abs(found.q.s - 1 / Math.sqrt(precision))).toBeLessThan(0.02);
  // Gamma(3 + 10, 2 + 5): the noise of its gradient ends where q is the posterior.
  expect(Math.abs(found.q.b / found.q.c - 13 / 7)).toBeLessThan(0.1);
  expect(Math.abs(found.w - 1.5)).toBeLessThan(0.01);
});

test("far fewer steps than adam takes", async () => {
  const elbo = async (optimizer: "natural" | "adam", lr: number): Promise<number> => {
    const method = svi({ optimizer, lr, steps: 30, schedule: "constant", draws: 4000 });
    const alone = text.replace("param w: real = 0.5", "let w = 1.5");
    const fit = await infer(compile(alone), { data: { y }, method });
    return (fit.fit.figures.elbo as unknown as { final: number }).final;
  };
  const natural = await elbo("natural", 0.3);
  for (const lr of [0.01, 0.03, 0.1]) {
    expect(natural).toBeGreaterThan((await elbo("adam", lr)) + 0.1);
  }
});

test("a guide without a Fisher matrix is refused at its site", async () => {
  const program = compile(`model m(y: real) { x ~ Normal(0, 1);  observe y ~ Normal(x, 1) }
guide q() for m { param a: real;  x ~ Laplace(a, 1) }`);
  const run = infer(program, { data: { y: 1 }, method: svi({ optimizer: "natural" }) });
  const error = await run.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TildeError);
  expect((error as TildeError).diagnostics[0].code).toBe("natural_family");
});
