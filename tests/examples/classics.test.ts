/** Classic data sets against published fits, closed forms and maxima of likelihoods. */
import { expect, test } from "vitest";
import { gibbs, nuts } from "../../src/index.js";
import { lgamma } from "../../src/math/special/index.js";
import { exampleData, row, runExample } from "./data.js";

test("pumps: the published means, under NUTS and Gibbs", async () => {
  for (const method of [nuts(), gibbs({ chains: 4, draws: 4000 })]) {
    const posterior = await runExample("pumps", { data: exampleData("pumps"), method });
    // Volume I reports two or three digits of chains of 1000 draws.
    for (const [name, mean, sd] of [
      ["alpha", 0.6999, 0.2716],
      ["beta", 0.929, 0.5375],
      ["rate[9]", 1.984, 0.4232],
    ] as const) {
      const found = row(posterior, name);
      expect(Math.abs(found.mean - mean)).toBeLessThan(4 * Math.hypot(found.mcseMean, sd / 30));
    }
  }
});

test("coal_mines: the posterior in closed form", async () => {
  const data = exampleData("coal_mines") as { disasters: number[] };
  const posterior = await runExample("coal_mines", {
    data,
    method: nuts({ chains: 2, warmup: 300, draws: 500 }),
  });
  const n = data.disasters.length;
  const all = data.disasters.reduce((a, b) => a + b, 0);
  // Exponential(1) is Gamma(1, 1): given the year both rates are gammas.
  const cases = Array.from({ length: n }, (_, c) => {
    const first = data.disasters.slice(0, c).reduce((a, b) => a + b, 0);
    const log = (s: number, k: number) => lgamma(1 + s) - (1 + s) * Math.log(1 + k);
    return { c, lp: log(first, c) + log(all - first, n - c), early: (1 + first) / (1 + c) };
  });
  const most = Math.max(...cases.map((x) => x.lp));
  const total = cases.reduce((s, x) => s + Math.exp(x.lp - most), 0);
  const mean = (f: (x: (typeof cases)[number]) => number) =>
    cases.reduce((s, x) => s + (f(x) * Math.exp(x.lp - most)) / total, 0);
  const early = row(posterior, "early");
  expect(Math.abs(early.mean - mean((x) => x.early))).toBeLessThan(4.5 * early.mcseMean);
  const change = row(posterior, "change");
  expect(Math.abs(change.mean - mean((x) => x.c))).toBeLessThan(4.5 * change.mcseMean);
});

test("dippers and leukaemia: near the maximum of the likelihood", async () => {
  const dippers = await runExample("dippers", { data: exampleData("dippers") });
  // Flat priors and 294 birds: means lie within a third of a deviation of the maximum.
  expect(Math.abs(row(dippers, "phi").mean - 0.5602)).toBeLessThan(0.01);
  expect(Math.abs(row(dippers, "p").mean - 0.9026)).toBeLessThan(0.015);
  const leukaemia = await runExample("leukaemia", { data: exampleData("leukaemia") });
  expect(Math.abs(row(leukaemia, "intercept").mean - 2.249)).toBeLessThan(0.06);
  expect(Math.abs(row(leukaemia, "effect").q50 - 1.267)).toBeLessThan(0.06);
  expect(Math.abs(row(leukaemia, "shape").mean - 1.366)).toBeLessThan(0.07);
});
