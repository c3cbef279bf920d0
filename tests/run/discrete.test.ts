/** Summed-out sites after a run: draws, marginals and modes by name, lets that depend on them. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compile, hmc, infer, laplace, map, nuts, TildeError } from "../../src/index.js";

const hmm = compile(`model hmm(T: int) {
  p ~ Beta(8, 2)
  q ~ Beta(8, 2)
  mu: ordered[2] ~ Normal(0, 2)
  z[0] ~ Bernoulli(0.5)
  for t in 1..T { z[t] ~ Bernoulli(if z[t - 1] then p else 1 - q) }
  for t in 0..T {
    let level[t] = mu[int(z[t])]
    y[t] ~ Normal(level[t], 0.5)
  }
  let ups = sum(for t in 0..T: int(z[t]))
  let gap = mu[1] - mu[0]
}`);
const y = [-1.1, -0.7, -1.4, 1.2, 0.9, 1.5, 1.1, -0.9, -1.2, 0.1];
const data = { T: y.length, y };
const method = nuts({ chains: 2, warmup: 300, draws: 400 });

describe("after nuts", () => {
  it("gives draws, marginals and the most probable path by name", async () => {
    const fit = await infer(hmm, { data, method, seed: 3 });
    expect(fit.names).toEqual(["p", "q", "mu", "z", "level", "ups", "gap"]);
    const z = fit.draws("z");
    expect(z.shape).toEqual([2, 400, 10]);
    expect([...z.data].every((v) => v === 0 || v === 1)).toBe(true);

    const { data: p, shape, values } = fit.marginals("z");
    expect(shape).toEqual([10, 2]);
    expect(values).toEqual([0, 1]);
    for (let t = 0; t < 10; t++) {
      expect(p[2 * t] + p[2 * t + 1]).toBeCloseTo(1, 12);
      let ones = 0;
      for (let d = 0; d < 800; d++) ones += z.data[d * 10 + t];
      // The draws scatter about the exact marginals with at most 0.5 / sqrt(800) each.
      expect(Math.abs(ones / 800 - p[2 * t + 1])).toBeLessThan(5 * 0.018);
    }
    expect([...fit.mostProbable("z").data].slice(0, 9)).toEqual([0, 0, 0, 1, 1, 1, 1, 0, 0]);
  });

  it("computes lets from the same joint draws", async () => {
    const fit = await infer(hmm, { data, method, seed: 3 });
    const [z, mu, level, ups] = ["z", "mu", "level", "ups"].map((n) => fit.draws(n).data);
    for (let d = 0; d < 800; d++) {
      let count = 0;
      for (let t = 0; t < 10; t++) {
        const at = z[d * 10 + t];
        count += at;
        expect(level[d * 10 + t]).toBe(mu[d * 2 + at]);
      }
      expect(ups[d]).toBe(count);
    }
  });

  it("gives the same draws for the same seed and others for another", async () => {
    const [a, b, c] = await Promise.all(
      [3, 3, 4].map((seed) => infer(hmm, { data, method, seed, threads: 1 })),
    );
    expect(a.draws("z").data).toEqual(b.draws("z").data);
    expect(a.draws("z").data).toEqual(a.draws("z").data);
    expect(a.draws("z").data).not.toEqual(c.draws("z").data);
  });

  it("summarises them, and writes them as integers", async () => {
    const fit = await infer(hmm, { data, method, seed: 3 });
    const rows = new Map(fit.summary().rows.map((r) => [r.name, r]));
    expect(rows.get("z[3]")?.mean).toBeGreaterThan(0.9);
    expect(rows.get("ups")?.mean).toBeGreaterThan(3);
    const folder = await mkdtemp(join(tmpdir(), "tilde-discrete-"));
    try {
      await fit.save(folder);
      const lines = (await readFile(join(folder, "draws.csv"), "utf8")).trim().split("\n");
      const header = lines.find((l) => l.startsWith("chain__"))?.split(",") ?? [];
      const at = header.indexOf("z[3]");
      expect(at).toBeGreaterThan(0);
      expect(new Set(lines.slice(-400).map((l) => l.split(",")[at])).has("1")).toBe(true);
      expect(lines.slice(-400).every((l) => /^[01]$/.test(l.split(",")[at]))).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("predicts from the joint draws", async () => {
    const fit = await infer(hmm, { data, method, seed: 3 });
    const again = fit.predict().get("y");
    expect(again?.shape).toEqual([2, 400, 10]);
    const mean = (t: number): number => {
      let total = 0;
      for (let d = 0; d < 800; d++) total += again?.data[d * 10 + t] ?? Number.NaN;
      return total / 800;
    };
    expect(mean(4)).toBeGreaterThan(0.6);
    expect(mean(1)).toBeLessThan(-0.6);
  });
});

describe("after the other methods", () => {
  it("hmc and laplace give draws", async () => {
    for (const other of [hmc({ chains: 1, warmup: 200, draws: 200 }), laplace({ draws: 200 })]) {
      const fit = await infer(hmm, { data, method: other, seed: 3 });
      expect(fit.draws("z").shape).toEqual([1, 200, 10]);
      expect(fit.marginals("z").data[2 * 4 + 1]).toBeGreaterThan(0.9);
    }
  });

  it("map gives the most probable assignment at the mode", async () => {
    const fit = await infer(hmm, { data, method: map(), seed: 3 });
    expect(fit.draws("z").data).toEqual(fit.mostProbable("z").data);
    expect(fit.summary().rows.find((r) => r.name === "z[3]")).toEqual({ name: "z[3]", mean: 1 });
    expect(fit.draws("ups").data[0]).toBe([...fit.draws("z").data].reduce((a, b) => a + b, 0));
  });

  it("refuses names that were not summed out", async () => {
    const fit = await infer(hmm, { data, method: map(), seed: 3 });
    expect(() => fit.marginals("mu")).toThrow(TildeError);
    expect(() => fit.mostProbable("nothing")).toThrow(/no discrete site/);
  });
});
