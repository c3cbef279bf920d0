/** Sessions: threads, chains, failures. Threads need the built worker, so `dist` is what runs. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type * as Api from "../../src/index.js";

const built = join(import.meta.dirname, "../../dist/src/index.js");
let api: typeof Api;

beforeAll(async () => {
  expect(existsSync(built), "run `npm install` (or `npm run build`) first").toBe(true);
  api = (await import(/* @vite-ignore */ built)) as typeof Api;
});

const text = `model m(N: int) {
  mu ~ Normal(0, 5)
  s ~ HalfNormal(2)
  for n in 0..N { y[n] ~ Normal(mu, s) }
}`;
const y = Array.from({ length: 400 }, (_, n) => 3 + Math.sin(7 * n));

function sampled(options: object, settings: object = {}) {
  const method = api.nuts({ chains: 5, warmup: 300, draws: 300, thin: 20, ...settings });
  return api.infer(api.compile(text), { data: { N: 400, y }, method, seed: 11, ...options });
}

describe("threads", () => {
  test("do not change the draws", async () => {
    const seen: number[] = [];
    const draws = [];
    for (const threads of [1, 2, 3]) {
      const start = performance.now();
      // Long enough for threads to start on any machine: they come after 30 ms.
      const posterior = await sampled({ threads }, { thin: 300 });
      seen.push(performance.now() - start);
      draws.push(posterior.draws("mu"), posterior.draws("s"));
      // The energies and step sizes are the same too, not just the positions.
      draws.push(posterior.fit.chains.map((c) => [c.stepSize, c.statistics.energy]));
    }
    // Runs that end before threads start would compare nothing.
    expect(Math.min(...seen)).toBeGreaterThan(60);
    expect(draws.slice(3, 6)).toEqual(draws.slice(0, 3));
    expect(draws.slice(6, 9)).toEqual(draws.slice(0, 3));
  });

  test("nor does the number of chains", async () => {
    const [five, two] = [await sampled({}), await sampled({}, { chains: 2 })];
    const mu = five.draws("mu").data;
    expect([...two.draws("mu").data]).toEqual([...mu.subarray(0, 600)]);
  });

  test("chains differ from each other", async () => {
    const { data } = (await sampled({})).draws("mu");
    const chains = [0, 1, 2, 3, 4].map((c) => data.subarray(300 * c, 300 * (c + 1)));
    const mean = (x: Float64Array) => x.reduce((a, b) => a + b, 0) / x.length;
    for (let a = 0; a < 5; a++) {
      for (let b = 0; b < a; b++) {
        const [ma, mb] = [mean(chains[a]), mean(chains[b])];
        const [x, z] = [chains[a].map((v) => v - ma), chains[b].map((v) => v - mb)];
        const dot = x.reduce((sum, v, t) => sum + v * z[t], 0);
        const norms = Math.sqrt(
          x.reduce((s, v) => s + v * v, 0) * z.reduce((s, v) => s + v * v, 0),
        );
        // 300 nearly independent pairs: a correlation has sd 1/√300 = 0.058; 4.5 of these.
        expect(Math.abs(dot / norms)).toBeLessThan(0.26);
      }
    }
  });

  test("an error of onProgress in a thread ends the run and comes back", async () => {
    const mine = new Error("mine");
    let calls = 0;
    const onProgress = ({ chain }: { chain: number }) => {
      calls += 1;
      if (chain > 0) throw mine;
    };
    const endless = { draws: 20_000, thin: 1000 };
    await expect(sampled({ threads: 2, onProgress }, endless)).rejects.toBe(mine);
    expect(calls).toBeGreaterThan(0);
  });

  test("aborting stops all threads; chains keep equally many draws", async () => {
    const stop = new AbortController();
    const begun = new Set<number>();
    const onProgress = ({ chain, phase, done }: Api.SessionProgress) => {
      if (phase === "sampling" && done > 5) begun.add(chain);
      if (begun.size === 2) stop.abort();
    };
    const settings = { chains: 2, draws: 50_000, thin: 200 };
    const posterior = await sampled({ threads: 2, onProgress, signal: stop.signal }, settings);
    expect(posterior.interrupted).toBe(true);
    const { shape } = posterior.draws("mu");
    expect(shape[0]).toBe(2);
    expect(shape[1]).toBeGreaterThan(5);
    expect(shape[1]).toBeLessThan(50_000);
    expect(posterior.summary().rows.length).toBe(2);
    // The draws so far are the draws that a whole run begins with.
    const whole = await sampled({ threads: 1 }, { ...settings, draws: 5 });
    const mu = posterior.draws("mu").data;
    expect([...mu.subarray(0, 5)]).toEqual([...whole.draws("mu").data.subarray(0, 5)]);
  });
});

describe("a chain that cannot start", () => {
  const cases: readonly (readonly [
    what: string,
    text: string,
    data: Record<string, unknown>,
    says: RegExp,
  ])[] = [
    [
      "a scale below zero, by its element",
      "model m(N: int, x: real[N]) { for n in 0..N { m[n] ~ Normal(0, 1)\n y[n] ~ Normal(m[n], x[n]) } }",
      { N: 3, x: [1, 2, -1], y: [1, 2, 3] },
      /log density is NaN at `y\[2\] ~ Normal\(mu: m\[2\], sigma: x\[2\]\)`: x\[2\] = -1 is outside `positive`/,
    ],
    [
      "a let that is the scale",
      "model m(N: int, x: real[N]) { a ~ Normal(0, 1)\n for n in 0..N { let s[n] = x[n] - 10\n y[n] ~ Normal(a, s[n]) } }",
      { N: 2, x: [11, 3], y: [1, 2] },
      /at `y\[1\] ~ Normal\(mu: a, sigma: s\[1\]\)`: s\[1\] = -7 is outside `positive`/,
    ],
    [
      "a count above its most",
      "model m(N: int, n: count[N]) { for i in 0..N { p[i] ~ Beta(1, 1)\n y[i] ~ Binomial(n[i], p[i]) } }",
      { N: 2, n: [10, 20], y: [3, 21] },
      /is -inf at `y\[1\] ~ .*`, where y\[1\] = 21, n\[1\] = 20, p\[1\] = 0\.\d+$/m,
    ],
    [
      "a factor without mass",
      "model m() { x ~ Normal(0, 1)\n factor log(-1.0 - x * x) }",
      {},
      /log density is NaN at `factor/,
    ],
    ["a flat density", "model m() { x ~ Flat() }", {}, /steps of any size are accepted/],
  ];
  test.each(cases)("%s", async (...given) => {
    const [, source, data, says] = given as unknown as (typeof cases)[number];
    for (const threads of [1, 2]) {
      const error: unknown = await api
        .infer(api.compile(source), { data, threads })
        .then(() => undefined)
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(api.TildeError);
      expect((error as Error).message).toMatch(says);
    }
  });
});
