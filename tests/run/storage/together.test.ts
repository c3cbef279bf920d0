/** Thousands of chains in one file: streamed, stopped, killed, taken up again, and read back. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { diagnostic, TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import * as tilde from "../../../src/index.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { sampleMany } from "../../../src/run/device/many-chains.js";
import { forEachColumn, openColumns } from "../../../src/run/results/columns.js";
import { scanDraws } from "../../../src/run/storage/blocks.js";
import { readRecord } from "../../../src/run/storage/record.js";
import { readFit } from "../../../src/run/storage/reopen.js";
import { jobOf } from "../../devices/run/fixtures.js";
import { scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();
const text = `
model pair(N: int, y: real[N]) {
  mu ~ Normal(1, 2)
  s ~ HalfNormal(2)
  for j in 0..2 { x[j] ~ Normal(mu, s) }
  for i in 0..N { observe y[i] ~ Normal(mu, 1.5) }
  let gap = x[1] - x[0]
}`;
const program = tilde.compile(text);
const data = { N: 3, y: [2.1, 3.4, 1.2] };
// More than 1024 chains move as one program on the CPU too.
const chains = 1030;

/** All numbers of a fit, let and statistics among them. */
function numbersOf(fit: tilde.Posterior): Record<string, unknown> {
  return {
    ...Object.fromEntries(fit.names.map((n) => [n, fit.draws(n)])),
    statistics: [0, 1, 517, chains - 1].map((c) => ({ ...fit.fit.chains[c].statistics })),
    steps: fit.fit.chains[chains - 1].stepSize,
  };
}

const methods = [
  ["hmc", tilde.hmc({ chains, warmup: 40, draws: 21, integrationTime: 1 })],
  ["hmc dense", tilde.hmc({ chains, warmup: 40, draws: 21, integrationTime: 1, metric: "dense" })],
] as const;

describe.each(methods)("%s of many chains", (name, method) => {
  const options = { data, method, seed: 3 };
  const folder = (what: string): string => join(scratch.path, `${name.replace(" ", "-")}-${what}`);

  test("streamed draws are the draws of a run in memory, in one file", async () => {
    const memory = await tilde.infer(program, options);
    const streamed = await tilde.infer(program, { ...options, out: folder("whole") });
    expect(streamed.fit.stored).toBe(folder("whole"));
    expect(readdirSync(folder("whole")).filter((f) => f.endsWith(".draws"))).toHaveLength(1);
    const wanted = numbersOf(memory);
    expect(numbersOf(streamed)).toEqual(wanted);
    expect(streamed.summary().rows).toEqual(memory.summary().rows);
    expect(streamed.fit.superchains).toBe(16);
    const read = await tilde.loadFit(folder("whole"));
    expect(numbersOf(read)).toEqual(wanted);
    expect(read.summary().rows).toEqual(memory.summary().rows);
    await memory.save(folder("saved"));
    expect(existsSync(join(folder("saved"), "chain-1.draws"))).toBe(false);
    expect(numbersOf(await tilde.loadFit(folder("saved")))).toEqual(wanted);
  });

  test("stopped among the draws and taken up again; killed with half a block", async () => {
    const whole = numbersOf(await tilde.loadFit(folder("whole")));
    const out = folder("stopped");
    const stop = new AbortController();
    const onProgress = ({ phase, done }: tilde.SessionProgress): void => {
      if (phase === "sampling" && done >= 9) stop.abort();
    };
    const stopped = await tilde.infer(program, {
      ...options,
      out,
      signal: stop.signal,
      onProgress,
    });
    expect(stopped.interrupted).toBe(true);
    const kept = stopped.fit.chains[0].draws;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(method.draws);
    expect(stopped.draws("mu").shape).toEqual([chains, kept]);
    const killed = folder("killed");
    cpSync(out, killed, { recursive: true });
    rmSync(join(killed, "fit.json"));
    rmSync(join(killed, "fit.bin"), { force: true });
    expect((await tilde.loadFit(killed)).draws("mu")).toEqual(stopped.draws("mu"));
    expect(numbersOf(await tilde.resume(out))).toEqual(whole);
    // The last block loses its end: what it held is made again.
    const file = join(killed, "chain-0.draws");
    truncateSync(file, statSync(file).size - 100);
    expect(numbersOf(await tilde.resume(killed))).toEqual(whole);
  });
});

/** The CPU, lost at the call of its loops with this number. */
function lostAt(call: number): GraphDevice {
  const cpu = openCpuGraphs();
  let calls = 0;
  const check = (): void => {
    if (++calls < call) return;
    const params = { reason: "the driver was reset", doing: "taking steps" };
    throw new TildeError([diagnostic("webgpu_lost", undefined, params)]);
  };
  return {
    ...cpu,
    compileLoop: async (spec) => {
      const loop = await cpu.compileLoop(spec);
      return {
        ...loop,
        steps: async (first, count, turn) => {
          check();
          return await loop.steps(first, count, turn);
        },
        read: async (names) => {
          check();
          return await loop.read(names);
        },
      };
    },
  };
}

test.each(["diag", "dense"] as const)("trees go on between draws: %s", async (metric) => {
  const method = tilde.nuts({ chains: 6, warmup: 30, draws: 40, metric });
  let passes = 0;
  const counting: GraphDevice = {
    ...openCpuGraphs(),
    compileLoop: async (spec) => {
      const loop = await openCpuGraphs().compileLoop(spec);
      return {
        ...loop,
        steps: async (first, count, turn) => {
          passes += count;
          return await loop.steps(first, count, turn);
        },
      };
    },
  };
  const on = async (options: tilde.InferOptions, resumed?: ReturnType<typeof readRecord>) => {
    passes = 0;
    const { run } = jobOf(text, data, undefined, options);
    return await sampleMany({ ...run, ...(resumed && { resumed }) }, counting, method);
  };
  const stopAt = (draw: number) => {
    const stop = new AbortController();
    const onProgress = ({ phase, done }: tilde.SessionProgress): void => {
      if (phase === "sampling" && done >= draw) stop.abort();
    };
    return { signal: stop.signal, onProgress };
  };
  const values = (fit: Awaited<ReturnType<typeof on>>) => fit.chains.map((c) => [...c.values]);
  const lengths = ({ chains: all }: Awaited<ReturnType<typeof on>>) =>
    all.map((c) => [...(c.statistics.n_leapfrog ?? [])]);
  const out = join(scratch.path, `trees-${metric}`);
  const state = join(out, "chain-0.state");
  mkdirSync(out);
  const whole = await on({});
  const all = passes;
  const stopped = await on({ out, ...stopAt(9) });
  const kept = stopped.chains[0].draws;
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(40);
  expect(values(stopped)).toEqual(values(whole).map((v) => v.slice(0, (v.length / 40) * kept)));
  expect(readFit(out).chains[5].statistics.treedepth).toHaveLength(kept);
  const before = passes;
  const first = readFileSync(state);
  const further = await on({ out, ...stopAt(kept + 8) }, readRecord(out));
  expect(further.chains[0].draws).toBeGreaterThan(kept);
  const second = passes;
  // A process that is killed leaves blocks behind the state that was written last.
  const killed = join(scratch.path, `trees-${metric}-killed`);
  cpSync(out, killed, { recursive: true });
  writeFileSync(join(killed, "chain-0.state"), first);
  const ended = await on({ out }, readRecord(out));
  expect(before + second + passes).toBe(all);
  expect(values(ended)).toEqual(values(whole));
  expect(lengths(ended)).toEqual(lengths(whole));
  expect(ended.figures).toEqual(whole.figures);
  expect(values(await on({ out: killed }, readRecord(killed)))).toEqual(values(whole));
  expect(before + passes).toBe(all);
  // A state that is lost: the chains begin anew.
  rmSync(join(killed, "chain-0.state"));
  expect(values(await on({ out: killed }, readRecord(killed)))).toEqual(values(whole));
  expect(passes).toBe(all);
});

test("a lost device leaves every draw in the folder, and another one goes on from there", async () => {
  const method = tilde.hmc({ chains: 6, warmup: 30, draws: 60, integrationTime: 1 });
  const on = async (device: GraphDevice, out: string, resumed?: ReturnType<typeof readRecord>) => {
    const { run } = jobOf(text, data, undefined, { out });
    return await sampleMany({ ...run, ...(resumed && { resumed }) }, device, method);
  };
  const values = (fit: Awaited<ReturnType<typeof on>>) => fit.chains.map((c) => [...c.values]);
  const whole = await on(openCpuGraphs(), scratch.path);
  const out = join(scratch.path, "lost");
  mkdirSync(out);
  const lost = await on(lostAt(150), out);
  expect(lost.warnings.map((w) => w.code)).toContain("webgpu_lost");
  const kept = lost.chains[0].draws;
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(60);
  expect(values(lost)).toEqual(values(whole).map((v) => v.slice(0, v.length * (kept / 60))));
  // Its last block has no state to go on from, so that its draws are made again.
  expect(scanDraws(join(out, "chain-0.draws"))?.blocks.at(-1)?.state).toBe(0);
  expect(readFit(out).chains[0].draws).toBe(kept);
  const resumed = await on(openCpuGraphs(), out, readRecord(out));
  expect(values(resumed)).toEqual(values(whole));
});

test("columns, rows and statistics of one file agree whatever the order of reading", async () => {
  const fit = readFit(join(scratch.path, "hmc-whole"));
  const { columns } = openColumns(fit, ["mu", "s", "x", "gap"], 10);
  const found = new Map<string, Float64Array>();
  forEachColumn(fit, columns, ({ name }, draws) => found.set(name, draws.slice()));
  const { draws } = fit.chains[0];
  for (const c of [0, 1, 511, chains - 1]) {
    const { values, pages } = fit.chains[c];
    for (const [k, name] of ["mu", "s", "x[0]", "x[1]"].entries()) {
      const own = Float64Array.from({ length: draws }, (_, t) => values[4 * t + k]);
      expect(found.get(name)?.slice(c * draws, (c + 1) * draws)).toEqual(own);
      expect(pages?.columns(k, k + 1)).toEqual(own);
    }
    const gap = Float64Array.from(
      { length: draws },
      (_, t) => values[4 * t + 3] - values[4 * t + 2],
    );
    expect(found.get("gap")?.slice(c * draws, (c + 1) * draws)).toEqual(gap);
  }
});
