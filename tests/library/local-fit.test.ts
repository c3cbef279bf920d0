/**
 * Pareto k of guides element by element. Of a normal guide of spread s for a normal posterior of
 * spread σ > s the weights have k = 1 − s²/σ² (the density ratio's tail against the guide's).
 */
import { describe, expect, test } from "vitest";
import { compile, infer, type Posterior, svi } from "../../src/index.js";

const fit = (text: string, data: Record<string, unknown>): Promise<Posterior> =>
  infer(compile(text), {
    data,
    method: svi({ guide: "q", steps: 400, lr: 0.01, draws: 4000 }),
    seed: 3,
  });
interface Local {
  readonly elements: number;
  readonly above: number;
  readonly median: number;
  readonly largest: number;
}
const localOf = (p: Posterior): Record<string, Local> | undefined =>
  p.fit.figures.pareto_k_local as unknown as Record<string, Local> | undefined;
const misfits = (p: Posterior): string[] =>
  p.warnings.map((d) => d.code).filter((code) => code.startsWith("guide_misfit"));

// Each posterior is Normal(x/2, √½); w is the guide's spread for each element.
const normals = `model m(N: int) { for i in 0..N { z[i] ~ Normal(0, 1);  x[i] ~ Normal(z[i], 1) } }
guide q(N: int, x: real[N], w: positive[N]) for m {
  param a: real = 0.5
  for i in 0..N { z[i] ~ Normal(a * x[i], w[i]) }
}`;
const x = Array.from({ length: 40 }, (_, i) => Math.sin(i));
const widths = (narrow: number): number[] => x.map((_, i) => (i % 40 < narrow ? 0.12 : 0.6));

describe("a guide with sites for each element alone", () => {
  test("one element of 40 that is missed is counted, and no cause for alarm", async () => {
    const posterior = await fit(normals, { x, w: widths(1) });
    const { N } = localOf(posterior) ?? {};
    expect(N).toMatchObject({ elements: 40, above: 1 });
    // 1 − 2 · 0.36 and 1 − 2 · 0.0144; normal tails reach their shape slowly, from below.
    expect(Math.abs(N.median - 0.28)).toBeLessThan(0.12);
    expect(Math.abs(N.largest - 0.97)).toBeLessThan(0.25);
    // All together they do not fit, as they never do.
    expect(posterior.fit.figures.pareto_k).toBeGreaterThan(0.7);
    expect(misfits(posterior)).toEqual([]);
  });

  test("ten of 40 are told of", async () => {
    const posterior = await fit(normals, { x, w: widths(10) });
    expect(localOf(posterior)?.N.above).toBeGreaterThanOrEqual(8);
    expect(misfits(posterior)).toEqual(["guide_misfit_local"]);
  });

  test("draws from Transformed are told apart too", async () => {
    const text = normals.replace(
      "Normal(a * x[i], w[i])",
      "Transformed(Normal(a * x[i], w[i]), exp)",
    );
    const latent = text.replace("z[i] ~ Normal(0, 1)", "z[i] ~ LogNormal(0, 1)");
    const observed = latent.replace("x[i] ~ Normal(z[i], 1)", "x[i] ~ Normal(log(z[i]), 1)");
    const { N } = localOf(await fit(observed, { x, w: widths(1) })) ?? {};
    expect(N).toMatchObject({ elements: 40, above: 1 });
    expect(Math.abs(N.median - 0.28)).toBeLessThan(0.12);
  });
});

test("beside sites of all elements, those are judged together with the rest", async () => {
  const posterior = await fit(
    `model m(N: int) { mu ~ Normal(0, 1);  for i in 0..N { z[i] ~ Normal(mu, 1);  x[i] ~ Normal(z[i], 1) } }
guide q(N: int, x: real[N]) for m {
  param b: real = 0
  mu ~ Normal(b, 0.02)
  for i in 0..N { z[i] ~ Normal(0.5 * (mu + x[i]), 0.7) }
}`,
    { x },
  );
  // Given mu, each z[i] has the posterior Normal((mu + x)/2, √½); that of mu is much too narrow.
  expect(localOf(posterior)?.N).toMatchObject({ elements: 40, above: 0 });
  expect(misfits(posterior)).toEqual(["guide_misfit"]);
});

test.each([
  [
    "that meet in the model",
    "z[i] ~ Normal(if i > 0 then z[max(i - 1, 0)] else 0, 1)",
    "Normal(a, w[i])",
  ],
  [
    "that meet in the guide",
    "z[i] ~ Normal(0, 1)",
    "Normal(if i > 0 then a * z[max(i - 1, 0)] else a, w[i])",
  ],
])("elements %s are one", async (_, prior, own) => {
  const chain = normals
    .replace("z[i] ~ Normal(0, 1)", prior)
    .replace("Normal(a * x[i], w[i])", own);
  const posterior = await fit(chain, { x, w: widths(40) });
  expect(localOf(posterior)).toBeUndefined();
  expect(misfits(posterior)).toEqual(["guide_misfit"]);
});
