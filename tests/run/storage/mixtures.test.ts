/** Dirichlet-process mixtures that are stopped or killed go on to the draws of an unbroken run. */
import { cpSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import * as tilde from "../../../src/index.js";
import { scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();

/** Sites outside the plate: one with a known conditional, one without. */
const nested = tilde.compile(`model nested(N: int) {
  alpha ~ HalfNormal(2)
  m ~ Normal(0, 10)
  s ~ HalfNormal(5)
  for k in 0.. { mu[k] ~ Normal(m, s) }
  for i in 0..N { z[i] ~ CRP(alpha); x[i] ~ Normal(mu[z[i]], 0.5) }
}`);
/** Components without a conjugate family. */
const odd = tilde.compile(
  `model odd(N: int) {
  for k in 0.. { mu[k] ~ Cauchy(0, 5); s[k] ~ HalfNormal(1) }
  for i in 0..N { z[i] ~ CRP(1.5); x[i] ~ Normal(mu[z[i]], s[z[i]]) }
}`.replace("s[k=z[i]]", "s[z[i]]"),
);

const x = [-4, -4.2, -3.9, -4.1, 3, 3.2, 2.8, 3.1, 9];
const data = { N: x.length, x };
const length = { chains: 2, warmup: 70, draws: 90, thin: 2 };
type Algorithm = "collapsed" | "auxiliary" | "instantiated" | "blocked";
const cases: readonly [string, tilde.Program, Algorithm][] = [
  ["collapsed", nested, "collapsed"],
  ["auxiliary", odd, "auxiliary"],
  ["instantiated", nested, "instantiated"],
  ["blocked", nested, "blocked"],
];

/** All that a fit says; times aside. */
function saidBy(fit: tilde.Posterior): Record<string, unknown> {
  const chains = fit.fit.process?.chains.map(({ draws, globals }) => ({
    // Rooms for draws that were not made are zeros here and there.
    draws: {
      ...draws,
      offsets: draws.offsets.slice(0, draws.draws + 1),
      // In memory, or read from the file.
      labels: [...draws.labels.subarray(0, draws.draws * draws.items)],
    },
    globals,
  }));
  return {
    variables: Object.fromEntries(
      fit.names.map((n) => {
        const { data, shape } = fit.draws(n);
        return [n, { data, shape }];
      }),
    ),
    count: fit.clusters().count,
    similarity: fit.clusters().similarity,
    lp: fit.fit.chains.map((c) => c.statistics.lp),
    figures: fit.fit.figures,
    rows: fit.summary().rows,
    chains,
  };
}

/** Every look at the clock is 30 ms later: a block is written every 20 or 30 sweeps. */
async function slowly<T>(work: () => Promise<T>): Promise<T> {
  let now = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => {
    now += 30;
    return now;
  });
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}

describe.each(cases)("%s", (name, model, algorithm) => {
  const options = { data, method: tilde.gibbs({ ...length, algorithm }), seed: 5 };
  const folder = (what: string) => join(scratch.path, `${name.replace(" ", "-")}-${what}`);
  const whole = folder("whole");

  test("streamed draws are those of a run in memory, and are read back", async () => {
    const memory = saidBy(await tilde.infer(model, options));
    expect(saidBy(await slowly(() => tilde.infer(model, { ...options, out: whole })))).toEqual(
      memory,
    );
    expect(saidBy(await tilde.loadFit(whole))).toEqual(memory);
  });

  test.each([
    ["the warmup", "warmup", 0, 50],
    ["the draws", "sampling", 0, 100],
    ["the second chain", "sampling", 1, 50],
  ] as const)("stopped in %s and taken up again", async (_, phase, chain, done) => {
    const out = folder(`${phase}-${chain}`);
    const stop = new AbortController();
    const onProgress = (p: tilde.SessionProgress): void => {
      if (p.phase === phase && p.chain === chain && p.done >= done) stop.abort();
    };
    const first = await slowly(() =>
      tilde.infer(model, { ...options, out, onProgress, signal: stop.signal }),
    );
    expect(first.interrupted).toBe(true);
    const draws = first.fit.chains.map((c) => c.draws);
    expect(draws).toEqual(chain === 1 ? [25, 25] : phase === "warmup" ? [] : [50]);
    const finished = await tilde.resume(out);
    expect(finished.interrupted).toBe(false);
    const expected = saidBy(await tilde.loadFit(whole));
    expect(saidBy(finished)).toEqual(expected);
    expect(saidBy(await tilde.loadFit(out))).toEqual(expected);
  });

  test("a folder as a killed process leaves it: blocks are read, the rest is made again", async () => {
    const out = folder("killed");
    cpSync(whole, out, { recursive: true });
    for (const file of ["fit.json", "fit.bin"]) rmSync(join(out, file), { force: true });
    // Bytes of a block that was not finished stand at the end.
    const path = join(out, "chain-1.draws");
    truncateSync(path, Math.floor(0.6 * statSync(path).size));
    const read = await tilde.loadFit(out);
    expect(read.interrupted).toBe(true);
    const known = read.fit.chains[1].draws;
    expect(known).toBeGreaterThan(0);
    expect(known).toBeLessThan(90);
    const finished = await tilde.loadFit(whole);
    const labels = (fit: tilde.Posterior) => fit.draws("z").data.subarray(0, known * x.length);
    expect(labels(read)).toEqual(labels(finished));
    expect(read.clusters().count.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(saidBy(await tilde.resume(out))).toEqual(saidBy(finished));
  });
});
