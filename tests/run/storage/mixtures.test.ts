/** Dirichlet-process mixtures that are stopped or killed go on to the draws of an unbroken run. */
import { cpSync, mkdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { diagnostic, TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import * as tilde from "../../../src/index.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { sampleProcess } from "../../../src/run/process.js";
import { readRecord } from "../../../src/run/storage/record.js";
import { readFit } from "../../../src/run/storage/reopen.js";
import { jobOf } from "../../devices/run/fixtures.js";
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

test("chains on a device go to their files as they come, and go on: stopped, and of a lost device", async () => {
  const text = `model one(N: int) {
    for k in 0.. { mu[k] ~ Normal(0, 5) }
    for i in 0..N { z[i] ~ CRP(1.0); x[i] ~ Normal(mu[z[i]], 0.5) }
  }`;
  const method = tilde.gibbs({
    ...{ algorithm: "blocked", truncation: 8, chains: 2, warmup: 20, draws: 60 },
  });
  const on = async (device: GraphDevice, options: tilde.InferOptions, isResumed = false) => {
    const { run } = jobOf(text, data, device, options);
    const resumed = isResumed && options.out !== undefined ? readRecord(options.out) : undefined;
    return await sampleProcess({ ...run, ...(resumed && { resumed }) }, method);
  };
  const said = (fit: Awaited<ReturnType<typeof on>>) => ({
    lp: fit.chains.map((c) => [...(c.statistics.lp ?? [])]),
    labels: fit.process?.chains.map((c) => [
      ...c.draws.labels.subarray(0, c.draws.draws * c.draws.items),
    ]),
    thetas: fit.process?.chains.map((c) => [...c.draws.thetas]),
    figures: fit.figures,
  });
  const whole = await on(openCpuGraphs(), {});
  const streamed = join(scratch.path, "device-whole");
  mkdirSync(streamed);
  const kept = await on(openCpuGraphs(), { out: streamed });
  expect(kept.stored).toBe(streamed);
  expect(said(kept)).toEqual(said(whole));

  // Stopped in the middle of the second chain's draws.
  const out = join(scratch.path, "device-stopped");
  mkdirSync(out);
  const stop = new AbortController();
  const onProgress = ({ phase, done, chain }: tilde.SessionProgress): void => {
    if (chain === 1 && phase === "sampling" && done >= 50) stop.abort();
  };
  const stopped = await on(openCpuGraphs(), { out, onProgress, signal: stop.signal });
  expect(stopped.interrupted).toBe(true);
  expect(stopped.chains[0].draws).toBeGreaterThan(0);
  expect(stopped.chains[0].draws).toBeLessThan(60);
  const killed = readFit(out);
  expect(killed.chains.map((c) => [...(c.statistics.lp ?? [])])).toEqual(said(stopped).lp);
  expect(said(await on(openCpuGraphs(), { out }, true))).toEqual(said(whole));

  // A device that is lost leaves the draws that it gave.
  const lost = join(scratch.path, "device-lost");
  mkdirSync(lost);
  let steps = 0;
  const failing: GraphDevice = {
    ...openCpuGraphs(),
    compileLoop: async (spec) => {
      const loop = await openCpuGraphs().compileLoop(spec);
      return {
        ...loop,
        steps: async (first, count, turn) => {
          if (++steps > 45) {
            const params = { reason: "the driver was reset", doing: "taking steps" };
            throw new TildeError([diagnostic("webgpu_lost", undefined, params)]);
          }
          return await loop.steps(first, count, turn);
        },
      };
    },
  };
  const cut = await on(failing, { out: lost });
  expect(cut.warnings.map((w) => w.code)).toContain("webgpu_lost");
  expect(cut.chains.map((c) => c.draws)).toEqual([25]);
  expect(readFit(lost).chains[0].draws).toBe(25);
  expect(said(await on(openCpuGraphs(), { out: lost }, true))).toEqual(said(whole));
});
