/** One guide under different strategies: the same optimum, below the evidence. */
import { expect, test } from "vitest";
import { compile, infer, svi } from "../../../src/index.js";

const guide = (name: string, t: string, b: string): string => `guide ${name}() for m {
  param a: positive = 2
  param r: positive = 2
  param l: real = 0
  t ~ Gamma(a, r) ${t}
  b ~ Bernoulli(logits: l) ${b}
}`;
const text = `model m() { t ~ Gamma(2, 2);  b ~ Bernoulli(0.4);  y ~ Normal(t + b, 0.5) }
${guide("chosen", "", "")}
${guide("relaxed", "using reparam", "using rebar")}
${guide("scored", "using reinforce(baseline: nvil)", "using reinforce(baseline: moving_average)")}`;

/** log Σ_b p(b) ∫ Gamma(t; 2, 2) N(1.4; t + b, 0.5) dt, by the midpoint rule. */
function evidence(): number {
  let sum = 0;
  const h = 1e-3;
  for (let t = h / 2; t < 12; t += h) {
    const prior = 4 * t * Math.exp(-2 * t) * h;
    for (const [b, p] of [
      [0, 0.6],
      [1, 0.4],
    ]) {
      sum += p * prior * Math.exp(-2 * (1.4 - t - b) ** 2) * Math.sqrt(2 / Math.PI);
    }
  }
  return Math.log(sum);
}

test("strategies agree", async () => {
  const program = compile(text);
  const fits = await Promise.all(
    ["chosen", "relaxed", "scored"].map(async (name) => {
      const method = svi({ guide: name, lr: 0.02, draws: 100 });
      const fit = await infer(program, { data: { y: 1.4 }, method, seed: 3 });
      const { params } = fit;
      if (params === undefined) throw new Error("no params");
      const { a, r, l } = params[name] as unknown as Record<string, number>;
      // The bound of all three guides at their params, with one estimator and many draws.
      const init = { chosen: { a, r, l } };
      const final = svi({ guide: "chosen", init, steps: 20_000, lr: 1e-12, schedule: "constant" });
      const same = await infer(program, { data: { y: 1.4 }, method: final, seed: 4 });
      const { elbo, strategies } = same.fit.figures as unknown as {
        elbo: { final: number; mcse: number };
        strategies: Record<string, string>;
      };
      expect(strategies).toEqual({ t: "reparam", b: "enumerate" });
      return elbo;
    }),
  );
  for (const { final, mcse } of fits) {
    expect(final).toBeLessThan(evidence() + 4 * mcse);
    // The same noise for all: what is left is how far each run is from the optimum, which scores of
    // a gamma leave by their noise (0.014 here).
    expect(Math.abs(final - fits[0].final)).toBeLessThan(0.02);
  }
});
