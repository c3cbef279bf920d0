/** Examples of networks, flows and unnormalised models, run small, against truths and other methods. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nce, nuts, type Posterior, svi } from "../../src/index.js";
import { exampleData, row, runExample } from "./data.js";

const truthOf = (name: string): { readonly A: number[][] } =>
  JSON.parse(readFileSync(new URL(`../../examples/${name}/truth.json`, import.meta.url), "utf8"));

/** The part of unit variance that each source has in each row of B A, largest row by row. */
function separation(B: readonly number[][], A: readonly number[][]): number[] {
  return B.map((b) => {
    const parts = A[0].map((_, j) => Math.abs(b.reduce((s, v, k) => s + v * A[k][j], 0)));
    return Math.max(...parts) / Math.hypot(...parts);
  });
}

test("ica: noise-contrastive estimation finds the sources", { timeout: 60_000 }, async () => {
  const posterior = await runExample("ica", {
    data: exampleData("ica"),
    model: "sources",
    method: nce({ ratio: 2, steps: 800, lr: 0.03 }),
  });
  const { B, c } = posterior.params as unknown as { B: number[][]; c: number };
  // Each row is one source up to 5 % of the others: 2000 data leave errors of about 1/√2000 in each.
  for (const share of separation(B, truthOf("ica").A)) expect(share).toBeGreaterThan(0.995);
  // Four sources, each in one row.
  const best = B.map((b) => {
    const parts = truthOf("ica").A[0].map((_, j) =>
      Math.abs(b.reduce((s, v, k) => s + v * truthOf("ica").A[k][j], 0)),
    );
    return parts.indexOf(Math.max(...parts));
  });
  expect(new Set(best).size).toBe(4);
  // log |det B*| − 2 log 2 = −0.498; its standard error under maximum likelihood is √(4 / 2000) = 0.045.
  expect(Math.abs(c + 0.498)).toBeLessThan(0.15);
});

test("vae: a picture is given back better than by its mean", { timeout: 60_000 }, async () => {
  const data = exampleData("vae") as unknown as { x: number[][]; R: number; N: number };
  const posterior = await runExample("vae", {
    data: { ...data, H: 64, grid: [[0, 0]] },
    method: svi({ steps: 900, batch: { N: 100 }, lr: 0.004, draws: 20 }),
  });
  const { data: again, shape } = posterior.draws("again");
  expect(shape).toEqual([1, 20, data.R, 64]);
  const means = data.x[0].map((_, k) => data.x.reduce((s, v) => s + v[k], 0) / data.N);
  const log = (p: number, x: number): number => Math.log(x === 1 ? p : 1 - p);
  let [own, flat] = [0, 0];
  for (let i = 0; i < data.R; i++) {
    for (let k = 0; k < 64; k++) {
      if (means[k] === 0) continue;
      flat += log(means[k], data.x[i][k]);
      for (let t = 0; t < 20; t++) {
        own += log(again[(t * data.R + i) * 64 + k], data.x[i][k]) / 20;
      }
    }
  }
  // In nats of a picture: 24.5 by independent pixels, some 17 by the codes.
  expect(own / data.R).toBeGreaterThan(flat / data.R + 5);
});

test("two_moons: couplings beat one normal, and draws through the inverse lie where the density is", {
  timeout: 60_000,
}, async () => {
  const data = exampleData("two_moons") as unknown as { normals: number[][] };
  const normals = data.normals.slice(0, 200);
  const posterior = await runExample("two_moons", {
    data: { ...data, H: 16, C: 40, normals },
    method: svi({ steps: 1200, batch: { N: 100 }, lr: 0.006 }),
  });
  // One normal has -1902 at its best, the density that the points were drawn from -1015.
  const { final } = posterior.fit.figures.value as unknown as { final: number };
  expect(final).toBeGreaterThan(-1500);
  expect(final).toBeLessThan(-950);
  // The density over the grid sums to 1: cells of 4.5 × 3 / 1600, and little lies outside.
  const cell = (4.5 * 3) / 1600;
  const total = posterior.draws("log_density").data.reduce((s, v) => s + Math.exp(v) * cell, 0);
  expect(Math.abs(total - 1)).toBeLessThan(0.05);
  // Half circles about (0, 0) and (1, 0.5) with noise of 0.1: 0.3 is three of them.
  const sample = posterior.draws("sample").data;
  const near = normals.filter((_, k) => {
    const [a, b] = [sample[2 * k], sample[2 * k + 1]];
    return Math.abs(Math.hypot(a, b) - 1) < 0.3 || Math.abs(Math.hypot(a - 1, b - 0.5) - 1) < 0.3;
  });
  expect(near.length).toBeGreaterThan(0.85 * normals.length);
});

test("bayesian_network: svi and nuts agree on the curve", { timeout: 120_000 }, async () => {
  const data = { ...exampleData("bayesian_network"), H: 6, grid: [10, 21, 45] };
  const fit = (method: ReturnType<typeof svi | typeof nuts>): Promise<Posterior> =>
    runExample("bayesian_network", { data, method });
  const guided = await fit(svi({ guide: "joint", steps: 6000, lr: 0.02, draws: 1000 }));
  const sampled = await fit(nuts({ chains: 2, warmup: 200, draws: 200, maxTreeDepth: 7 }));
  for (const name of ["curve[0]", "curve[1]", "curve[2]", "spread[1]"]) {
    const [a, b] = [row(guided, name), row(sampled, name)];
    // Within the posterior's own width: the guide holds one mode of the weights.
    expect(Math.abs(a.mean - b.mean), name).toBeLessThan(1.2 * b.sd + 1);
  }
  // Where the curve is steepest, and its spread, the widths are alike; before the impact, where nothing
  // moves, modes of the weights differ.
  for (const name of ["curve[1]", "spread[1]"]) {
    const ratio = row(guided, name).sd / row(sampled, name).sd;
    expect(ratio, name).toBeGreaterThan(0.5);
    expect(ratio, name).toBeLessThan(2);
  }
});
