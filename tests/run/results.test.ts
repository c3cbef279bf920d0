/** Summaries and files of fits that are made up, so that every number is known. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile, infer, nuts, Posterior } from "../../src/index.js";
import { HISTOGRAM_BINS, histogramOf } from "../../src/run/results/histogram.js";
import { summaryJson } from "../../src/run/results/summary.js";
import { scratchFolder } from "../helpers/cli.js";

const scratch = scratchFolder();

/** A fit of `model` with its draws replaced: draw t of chain c has the scalars `value(c, t, k)`. */
async function madeUp(
  text: string,
  data: Readonly<Record<string, unknown>>,
  draws: number,
  value: (chain: number, draw: number, k: number) => number,
) {
  const { fit } = await infer(compile(text), {
    data,
    method: nuts({ chains: 3, warmup: 10, draws: 4 }),
  });
  const width = fit.latents.reduce((n, v) => n + v.length, 0);
  const chains = [0, 1, 2].map((c) => ({
    ...fit.chains[c],
    draws,
    statistics: { lp: Float64Array.from({ length: draws }, (_, t) => -t) },
    values: Float64Array.from({ length: draws * width }, (_, i) =>
      value(c, Math.floor(i / width), i % width),
    ),
  }));
  return new Posterior({ ...fit, chains });
}

const text = `model m(K: int) {
  a ~ Normal(0, 1)
  for k in 0..K { x[k] ~ Normal(0, 1) }
  let y = 2 * x
  let S = [[a, x[0]], [x[1], a * a]]
}`;

describe("columns", () => {
  test("every scalar has its own draws, whatever the block", async () => {
    // 1003 scalars and as many lets over 3 × 3000 draws: more than four blocks of 32 MiB.
    const draws = 3000;
    // A prime's multiples take every value once, in an order that mixes: a trend would cost ten times
    // the summary's time.
    const at = (t: number): number => (t * 1987) % draws;
    const posterior = await madeUp(
      text,
      { K: 1002 },
      draws,
      (c, t, k) => k + c / 4 + at(t) / 65536,
    );
    const { rows, cut } = posterior.summary();
    expect(cut).toEqual([
      { name: "x", total: 1002 },
      { name: "y", total: 1002 },
    ]);
    expect(rows.length).toBe(1 + 1000 + 1000 + 4);
    const mean = 1 / 4 + (draws - 1) / 2 / 65536;
    for (const k of [0, 1, 400, 999]) {
      const row = (name: string) => rows.find((r) => r.name === `${name}[${k}]`);
      expect(row("x")?.mean).toBeCloseTo(k + 1 + mean, 9);
      expect(row("y")?.mean).toBeCloseTo(2 * (k + 1 + mean), 9);
    }
    expect(rows.find((r) => r.name === "S[1,0]")?.mean).toBeCloseTo(2 + mean, 9);
    expect(rows.find((r) => r.name === "S[0,1]")?.mean).toBeCloseTo(1 + mean, 9);
  });

  test("draws.csv holds each draw in its row, quoted names, and what was cut", async () => {
    const posterior = await madeUp(text, { K: 1002 }, 5, (c, t, k) => 100 * c + 10 * t + k / 1024);
    await posterior.save(scratch.path);
    const lines = readFileSync(`${scratch.path}/draws.csv`, "utf8").trimEnd().split("\n");
    expect(lines).toContain("# x = the first 1000 of 1002 elements");
    const [header, ...rows] = lines.filter((l) => !l.startsWith("#"));
    expect(header.startsWith("chain__,draw__,lp__,a,x[0],x[1],")).toBe(true);
    expect(header.endsWith('y[999],"S[0,0]","S[0,1]","S[1,0]","S[1,1]"')).toBe(true);
    expect(rows.length).toBe(15);
    const cells = rows[2 * 5 + 3].split(",").map(Number);
    expect(cells.slice(0, 5)).toEqual([2, 3, -3, 230, 230 + 1 / 1024]);
    expect(cells.slice(-4)).toEqual([230, 230 + 1 / 1024, 230 + 2 / 1024, 230 * 230]);
    expect(cells.length).toBe(3 + 1 + 1000 + 1000 + 4);
  });

  test("what is not finite is null in JSON, and the rest stands", async () => {
    const posterior = await madeUp(text, { K: 2 }, 10, (_, t, k) =>
      k === 1 ? Number.NaN : k === 2 ? (t === 0 ? Infinity : t) : 5,
    );
    const summary = posterior.summary(["a", "x"]);
    const json = JSON.parse(JSON.stringify(summaryJson(posterior.fit, summary)));
    expect(json.variables["x[0]"]).toEqual({
      mean: null,
      sd: null,
      mcse_mean: null,
      q5: null,
      q50: null,
      q95: null,
      ess_bulk: null,
      ess_tail: null,
      rhat: null,
    });
    expect(json.variables["x[1]"].mean).toBe(null);
    expect(json.variables["x[1]"].q50).toBe(5.5);
    expect(json.variables.a).toMatchObject({ mean: 5, sd: 0, q5: 5, q95: 5, rhat: null });
  });
});

describe("histograms", () => {
  test("count every draw of the bulk once, in bins of equal width", () => {
    const x = Float64Array.from({ length: 1200 }, (_, i) => (i + 0.5) / 1200);
    const counts = histogramOf(x, { q5: 0.05, q50: 0.5, q95: 0.95 });
    expect(counts?.length).toBe(HISTOGRAM_BINS);
    // Within the range of the draws, so that all are counted.
    expect(counts?.reduce((a, b) => a + b, 0)).toBe(1200);
    for (const c of counts ?? []) expect(Math.abs(c - 100)).toBeLessThanOrEqual(2);
  });

  test("far tails do not flatten the picture", () => {
    const x = Float64Array.from({ length: 1000 }, (_, i) => (i === 0 ? 1e9 : (i % 100) / 100));
    const counts = histogramOf(x, { q5: 0.05, q50: 0.5, q95: 0.95 }) ?? [];
    // Bins reach from 0 to 1.22, 60 % beyond the quantile: those up to 1 are full.
    expect(Math.min(...counts.slice(0, 9))).toBeGreaterThan(50);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(999);
  });

  test("constants and values that are not finite", () => {
    expect(histogramOf(Float64Array.of(2, 2, 2), { q5: 2, q50: 2, q95: 2 })).toEqual([3]);
    const nan = { q5: Number.NaN, q50: 1, q95: 2 };
    expect(histogramOf(Float64Array.of(1, 2, Number.NaN), nan)).toBe(undefined);
  });
});
