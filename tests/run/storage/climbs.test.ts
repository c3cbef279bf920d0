/** Runs that are no chains, stopped or killed on the way and taken up again: the same to the last bit. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as tilde from "../../../src/index.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import type { Method } from "../../../src/run/methods.js";
import { Checkpoint } from "../../../src/run/storage/checkpoint.js";
import { readRecord } from "../../../src/run/storage/record.js";
import { learn } from "../../../src/run/svi/index.js";
import { jobOf } from "../../devices/run/fixtures.js";
import { scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();

const N = 60;
const x = Array.from({ length: N }, (_, i) => Math.sin(1.7 * i));
const y = x.map((v, i) => 0.5 + 1.3 * v + 0.4 * Math.cos(3.1 * i));
const regression = tilde.compile(`
model regression(N: int, x: real[N], y: real[N]) {
  a ~ Normal(0, 2)
  b ~ Normal(0, 2)
  s ~ HalfNormal(1)
  for i in 0..N { observe y[i] ~ Normal(a + b * x[i], s) }
}
guide q(N: int, x: real[N], y: real[N]) for regression {
  param ma: real
  param mb: real
  param ms: real
  param sa: positive
  param sb: positive
  param ss: positive
  a ~ Normal(ma, sa)
  b ~ Normal(mb, sb)
  s ~ LogNormal(ms, ss)
}`);
const data = { N, x, y };

const mixture = tilde.compile(`
model mixture(N: int, K: int, y: real[N]) {
  p ~ Dirichlet(ones(K))
  for k in 0..K { m[k] ~ Normal(0, 10) }
  for k in 0..K { v[k] ~ InverseGamma(2, 1) }
  for i in 0..N {
    z[i] ~ Categorical(p)
    observe y[i] ~ Normal(m[z[i]], sqrt(v[z[i]]))
  }
}`);
/** Three groups that overlap. */
const z = Array.from({ length: 90 }, (_, i) => 3 * (i % 3) + 1.4 * Math.sin(12.9898 * i));
const gaussians = tilde.compile(`
model gaussians(N: int, K: int, y: real[N]) {
  param p: simplex[K]
  param m: real[K]
  param v: positive[K]
  for i in 0..N {
    z[i] ~ Categorical(p)
    observe y[i] ~ Normal(m[z[i]], sqrt(v[z[i]]))
  }
}`);
const shrunk = tilde.compile(`
model shrunk(N: int, y: real[N]) {
  param t: positive
  param m: real
  for i in 0..N {
    e[i] ~ Normal(m, t)
    observe y[i] ~ StudentT(4, e[i], 1)
  }
}`);
const robust = tilde.compile(`
model robust(N: int, x: real[N], y: real[N]) {
  a ~ Normal(0, 2)
  b ~ Normal(0, 2)
  s ~ HalfNormal(1)
  for i in 0..N { observe y[i] ~ StudentT(4, a + b * x[i], s) }
}`);

interface Case {
  readonly program: tilde.Program;
  readonly data: Record<string, unknown>;
  readonly method: Method;
  /** Progress at which the run is stopped the first and the second time. */
  readonly stops: readonly number[];
}

const cases: Record<string, Case> = {
  "svi in stages, with minibatches": {
    ...{ program: regression, data },
    method: tilde.svi({ batch: { N: 7 }, steps: 6000, draws: 300 }),
    stops: [700, 2900],
  },
  "svi along a cosine, by sgd": {
    ...{ program: regression, data },
    method: tilde.svi({
      ...{ optimizer: "sgd", schedule: "cosine", warmup: 200, steps: 4000, lr: 1e-4 },
      draws: 300,
    }),
    stops: [150, 1700],
  },
  "svi by natural gradients": {
    ...{ program: regression, data },
    method: tilde.svi({ optimizer: "natural", steps: 1500, lr: 0.05, draws: 300 }),
    stops: [300, 900],
  },
  "vi by mean field": {
    ...{ program: regression, data },
    method: tilde.vi({ steps: 5000, draws: 300 }),
    stops: [1, 400],
  },
  "vi of full rank": {
    ...{ program: regression, data },
    method: tilde.vi({ guide: "full_rank", steps: 5000, draws: 300 }),
    stops: [900, 2500],
  },
  "cavi of a mixture": {
    ...{ program: mixture, data: { N: z.length, K: 3, y: z } },
    method: tilde.cavi({ restarts: 4, tolerance: 1e-10, draws: 50 }),
    stops: [3, 1013],
  },
  "cavi with a site of no family": {
    ...{ program: robust, data },
    method: tilde.cavi({ restarts: 2, tolerance: 1e-9, draws: 50 }),
    stops: [3, 6],
  },
  "em of a mixture, from several starts": {
    ...{ program: gaussians, data: { N: z.length, K: 3, y: z } },
    method: tilde.em({ restarts: 3, tolerance: 1e-12, draws: 20, standardErrors: true }),
    stops: [20, 60],
  },
  "em by mean field, with a site of no family": {
    ...{ program: shrunk, data: { N: 24, y: z.slice(0, 24) } },
    method: tilde.em({ tolerance: 1e-10, maxIterations: 25, draws: 20 }),
    stops: [3, 12],
  },
};

/** Everything that a fit says but how long it took. */
function numbersOf({ fit, params }: tilde.Posterior): Record<string, unknown> {
  return {
    ...{ params, figures: fit.figures, exact: fit.exact, points: fit.points, latents: fit.latents },
    chains: fit.chains.map((c) => ({ values: c.values, statistics: { ...c.statistics } })),
    warnings: fit.warnings.map((w) => w.code),
  };
}

/** Stops a run, or one that goes on, from `done` steps on. */
function stopAt(done: number) {
  const stop = new AbortController();
  const onProgress = (p: tilde.SessionProgress): void => {
    if (p.done >= done) stop.abort();
  };
  return { signal: stop.signal, onProgress };
}

describe.each(Object.entries(cases))("%s", (name, { program, data, method, stops }) => {
  const folder = (what: string): string =>
    join(scratch.path, `${name.replace(/\W/g, "-")}-${what}`);

  test("stopped twice and taken up again", async () => {
    const whole = await tilde.infer(program, { data, method, seed: 3 });
    const out = folder("stopped");
    const [first, second] = stops;
    const stopped = await tilde.infer(program, { data, method, seed: 3, out, ...stopAt(first) });
    expect(stopped.interrupted).toBe(true);
    const read = await tilde.loadFit(out);
    expect(read.interrupted).toBe(true);
    expect(numbersOf(read)).toEqual(numbersOf(stopped));

    // A process that is killed leaves the state without a result.
    const killed = folder("killed");
    cpSync(out, killed, { recursive: true });
    for (const file of ["fit.json", "fit.bin"]) rmSync(join(killed, file), { force: true });
    await expect(tilde.loadFit(killed)).rejects.toMatchObject({
      diagnostics: [{ code: "fit_unfinished" }],
    });
    const again = await tilde.resume(killed, stopAt(second));
    expect(again.interrupted).toBe(true);
    expect(numbersOf(again)).not.toEqual(numbersOf(stopped));

    for (const directory of [out, killed]) {
      const done = await tilde.resume(directory);
      expect(done.interrupted).toBe(false);
      expect(numbersOf(done)).toEqual(numbersOf(whole));
      // Nothing is left of the way, and a finished run is read.
      expect(existsSync(join(directory, "chain-0.state"))).toBe(false);
      expect(numbersOf(await tilde.resume(directory))).toEqual(numbersOf(whole));
      expect(numbersOf(await tilde.loadFit(directory))).toEqual(numbersOf(whole));
    }
  });
});

test("a state that is damaged, or none: the run begins anew", async () => {
  const { program, method } = cases["svi by natural gradients"];
  const whole = await tilde.infer(program, { data, method, seed: 3 });
  const out = join(scratch.path, "damaged");
  await tilde.infer(program, { data, method, seed: 3, out, ...stopAt(600) });
  const state = join(out, "chain-0.state");
  const bytes = readFileSync(state);
  bytes[bytes.length - 9] ^= 1;
  writeFileSync(state, bytes);
  expect(numbersOf(await tilde.resume(out))).toEqual(numbersOf(whole));
});

test("states are written by the clock, and less often where writing takes long", () => {
  let now = 0;
  const job = {
    directory: scratch.path,
    conditioned: jobOf("model m() { x ~ Normal(0, 1) }", {}).run.conditioned,
    seed: 1,
    method: tilde.vi(),
  };
  const kept = new Checkpoint(job, () => now).of<{ at: number; x: Float64Array }>();
  expect(kept.past).toBeUndefined();
  expect(kept.isDue()).toBe(false);
  now = 1001;
  expect(kept.isDue()).toBe(true);
  // Reading the state took 50 ms: it is not written again before 2.5 s.
  now = 1051;
  kept.write({ at: 7, x: Float64Array.of(1, Number.NaN, -0, 1 / 3) });
  now = 3500;
  expect(kept.isDue()).toBe(false);
  now = 3552;
  expect(kept.isDue()).toBe(true);
  const resumed = readRecord(scratch.path);
  const { past } = new Checkpoint({ ...job, resumed }).of();
  expect(past).toEqual({ at: 7, x: Float64Array.of(1, Number.NaN, -0, 1 / 3) });
  // Of a run with other options it is none.
  const other = { ...resumed, options: tilde.vi({ steps: 900 }) };
  expect(new Checkpoint({ ...job, resumed: other }).of().past).toBeUndefined();
});

test("svi on a device goes on with its moments, averages and the order of its rows", async () => {
  const method = tilde.svi({ batch: { N: 7 }, steps: 3000, draws: 100 });
  const directory = join(scratch.path, "device");
  mkdirSync(directory);
  const on = async (options: tilde.InferOptions, keeps = true, isResumed = false) => {
    const job = jobOf(regression.source.text, data, openCpuGraphs(), options);
    const { conditioned, seed } = job.run;
    const resumed = isResumed ? readRecord(directory) : undefined;
    const checkpoint = new Checkpoint({ directory, conditioned, seed, method, resumed });
    const run = keeps ? { ...job.run, checkpoint } : job.run;
    return await learn(run, job.raw, job.declared, method);
  };
  const whole = await on({}, false);
  const stopped = await on(stopAt(2500));
  expect(stopped.interrupted).toBe(true);
  expect(readRecord(directory).device).toBe("cpu");
  const done = await on({}, true, true);
  expect(done.params).toEqual(whole.params);
  expect(done.figures).toEqual(whole.figures);
  expect(stopped.params).not.toEqual(whole.params);
});
