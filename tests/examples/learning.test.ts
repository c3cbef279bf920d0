/** Examples of learning by gradients, run small: against maximum likelihood and known densities. */
import { expect, test } from "vitest";
import { nce } from "../../src/index.js";
import { exampleData, runExample } from "./data.js";

test("nce_gaussian: close to maximum likelihood", { timeout: 60_000 }, async () => {
  const data = exampleData("nce_gaussian") as { N: number; x: number[][] };
  const posterior = await runExample("nce_gaussian", {
    data,
    model: "unnormalised",
    method: nce({ ratio: 10, steps: 1000, lr: 0.03 }),
  });
  const { N, x } = data;
  const mean = [0, 1].map((k) => x.reduce((s, v) => s + v[k], 0) / N);
  const cov = (i: number, j: number): number =>
    x.reduce((s, v) => s + (v[i] - mean[i]) * (v[j] - mean[j]), 0) / N;
  const [xx, xy, yy] = [cov(0, 0), cov(0, 1), cov(1, 1)];
  const det = xx * yy - xy * xy;
  const found = posterior.params as unknown as Record<"a" | "b" | "c" | "d", number> & {
    m: number[];
  };
  // Precisions have standard errors of 2/√(2 · 1000) = 4.5 % under maximum likelihood, and the
  // estimates differ by a part of that which the noise adds.
  expect(Math.abs(found.a / (yy / det) - 1)).toBeLessThan(0.08);
  expect(Math.abs(found.d / (xx / det) - 1)).toBeLessThan(0.08);
  expect(Math.abs(found.b / (-xy / det) - 1)).toBeLessThan(0.12);
  expect(Math.abs(found.c - Math.log(2 * Math.PI) - 0.5 * Math.log(det))).toBeLessThan(0.06);
  for (const k of [0, 1]) expect(Math.abs(found.m[k] - mean[k])).toBeLessThan(0.05);
});
