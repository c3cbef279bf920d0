/**
 * Noise-contrastive estimation against sample size and ratio (Gutmann and Hyvärinen 2012, section 3):
 * errors fall as 1/√N, and to those of maximum likelihood as the ratio grows.
 */
import { expect, test } from "vitest";
import { infer, load, nce, prior } from "../../src/index.js";
import { runExample } from "./data.js";

const path = new URL("../../examples/nce_gaussian/model.ppl", import.meta.url).pathname;

function parameters(m: readonly number[], xx: number, xy: number, yy: number): number[] {
  const det = xx * yy - xy * xy;
  return [...m, yy / det, xx / det, -xy / det, Math.log(2 * Math.PI) + 0.5 * Math.log(det)];
}
const truth = parameters([0.5, -0.3], 1, 0.6, 0.8);
const squared = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((s, v, k) => s + (v - b[k]) ** 2, 0);

function maximumLikelihood(x: readonly number[][]): number[] {
  const mean = (f: (v: number[]) => number): number => x.reduce((s, v) => s + f(v), 0) / x.length;
  const m = [mean((v) => v[0]), mean((v) => v[1])];
  const cov = (i: number, j: number): number => mean((v) => (v[i] - m[i]) * (v[j] - m[j]));
  return parameters(m, cov(0, 0), cov(0, 1), cov(1, 1));
}

async function sample(N: number, seed: number): Promise<number[][]> {
  const program = await load(path, { model: "truth" });
  const drawn = await infer(program, { data: { N }, method: prior({ draws: 1 }), seed });
  const { data } = drawn.draws("x");
  return Array.from({ length: N }, (_, i) => [data[2 * i], data[2 * i + 1]]);
}

async function estimate(x: readonly number[][], ratio: number): Promise<number[]> {
  const data = { N: x.length, x };
  const method = nce({ ratio, steps: 1000, lr: 0.05 });
  const posterior = await runExample("nce_gaussian", { data, model: "unnormalised", method });
  const { m, a, d, b, c } = posterior.params as unknown as {
    m: number[];
    a: number;
    b: number;
    c: number;
    d: number;
  };
  return [...m, a, d, b, c];
}

test("errors fall as 1/√N", { timeout: 600_000 }, async () => {
  const sizes = [100, 400, 1600, 6400];
  const replicates = 16;
  const logs: number[] = [];
  for (const N of sizes) {
    let total = 0;
    for (let seed = 1; seed <= replicates; seed++) {
      total += squared(await estimate(await sample(N, seed), 4), truth);
    }
    logs.push(0.5 * Math.log(total / replicates));
  }
  const xs = sizes.map(Math.log);
  const centre = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
  const [mx, my] = [centre(xs), centre(logs)];
  const slope =
    xs.reduce((s, x, k) => s + (x - mx) * (logs[k] - my), 0) /
    xs.reduce((s, x) => s + (x - mx) ** 2, 0);
  // A root mean square of 16 sums of six squares has a relative error of about 1/√(2 · 16 · 3) = 0.1,
  // and the slope over log 64 one of 0.1 · √2 / 4.2 · 1.1 = 0.04.
  expect(Math.abs(slope + 0.5)).toBeLessThan(0.12);
});

test("estimates come to those of maximum likelihood as the ratio grows", {
  timeout: 600_000,
}, async () => {
  const replicates = 8;
  const distance = new Map([1, 4, 16].map((r) => [r, 0]));
  for (let seed = 1; seed <= replicates; seed++) {
    const x = await sample(1000, seed);
    const best = maximumLikelihood(x);
    for (const [r, sum] of distance) {
      distance.set(r, sum + squared(await estimate(x, r), best) / replicates);
    }
  }
  const [one, four, sixteen] = [...distance.values()].map(Math.sqrt);
  // The score of the data counts with weight r q / (p + r q), whose distance from 1 is of order 1/r.
  expect(four).toBeLessThan(0.6 * one);
  expect(sixteen).toBeLessThan(0.6 * four);
});
