/** Gibbs sampling of finite models with their labels drawn on a device. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import type { DataValue } from "../../../src/model/data.js";
import { logJointTerms } from "../../../src/passes/interpret/log-joint.js";
import { Shelf } from "../../../src/run/device/auto.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { gibbs } from "../../../src/run/methods.js";
import { sampleGibbs } from "../../../src/run/sample-gibbs.js";
import { openRun } from "../../../src/run/storage/reopen.js";
import { expectAssignments, expectSame, finiteCases } from "./finite-cases.js";
import { jobOf } from "./fixtures.js";
import { lostAt } from "./mixtures.js";

describe("Gibbs sampling of finite models through the contract", () => {
  const device = openCpuGraphs();

  test("all assignments of five items", async () => {
    await expectAssignments(device, 4000);
  });

  test.each(finiteCases)("$name", async (own) => {
    await expectSame(own, device, 1000);
  });

  test("in blocks of items", async () => {
    await expectSame(finiteCases[0], { ...device, room: 60 }, 500);
  });

  test.each(finiteCases)("the log joint of draws: $name", async ({ text, data }) => {
    const { run } = jobOf(text, data);
    const method = gibbs({ chains: 1, warmup: 3, draws: 4, thin: 2 });
    const fit = await sampleGibbs({ ...run, device }, method);
    const [{ values, statistics }] = fit.chains;
    const width = fit.latents.reduce((n, l) => n + l.length, 0);
    for (let t = 0; t < 4; t++) {
      const sites = new Map<string, DataValue>();
      for (const { name, dims, offset, length, elements } of fit.latents) {
        const own = values.subarray(t * width + offset, t * width + offset + length);
        const given = run.conditioned.observed.get(name);
        // Of an array that is partly given, the missing elements are what is drawn.
        const whole = given === undefined ? own.slice() : Float64Array.from(given.data);
        if (given !== undefined) {
          elements?.forEach((e, i) => {
            whole[e] = own[i];
          });
        }
        sites.set(name, { dims: given?.dims ?? dims, data: whole });
      }
      const terms = logJointTerms(run.conditioned, sites);
      const wanted = terms.reduce((sum, { value }) => sum + value, 0);
      expect(statistics.lp?.[t]).toBeCloseTo(wanted, 8);
    }
  });

  test.each<readonly [string, string, Parameters<typeof gibbs>[0], string]>([
    [
      "elements of a chain",
      `model m(N: int) {
        z[0] ~ Bernoulli(0.5)
        for t in 1..N { z[t] ~ Bernoulli(if z[t - 1] then 0.8 else 0.3) }
        for t in 0..N { y[t] ~ Normal(if z[t] then 1 else 0, 1) }
      }`,
      {},
      "the update of `z` has no program there, since its elements depend",
    ],
    [
      "two sites of one item",
      `model m(N: int) {
        for t in 0..N {
          z[t] ~ Bernoulli(0.5)
          w[t] ~ Bernoulli(0.4)
          y[t] ~ Normal(if z[t] && w[t] then 1 else 0, 1)
        }
      }`,
      {},
      "the update of `z` and `w` has no program there",
    ],
    [
      "a site outside every family",
      `model m(N: int) {
        mu ~ StudentT(3, 0, 1)
        for t in 0..N { z[t] ~ Bernoulli(0.5); y[t] ~ Normal(if z[t] then mu else 0, 1) }
      }`,
      {},
      "the update of `mu` has no program there, since its conditional",
    ],
    [
      "nothing discrete",
      "model m(N: int) { mu ~ Normal(0, 1); for t in 0..N { y[t] ~ Normal(mu, 1) } }",
      {},
      "a sweep has no program there, since no site is discrete",
    ],
    [
      "a site by slices",
      `model m(N: int) {
        mu ~ Normal(0, 1)
        for t in 0..N { z[t] ~ Bernoulli(0.5); y[t] ~ Normal(if z[t] then mu else 0, 1) }
      }`,
      { sites: { mu: "slice" } },
      "the update of `mu` by slice",
    ],
    [
      "a random scan",
      "model m(N: int) { for t in 0..N { z[t] ~ Bernoulli(0.5); y[t] ~ Normal(if z[t] then 1 else 0, 1) } }",
      { scan: "random" },
      "the random scan",
    ],
  ])("what has no program is named: %s", async (_, text, settings, told) => {
    const { run } = jobOf(text, { N: 3, y: [0.1, 1.2, -0.3] });
    const error = await sampleGibbs({ ...run, device }, gibbs(settings)).catch((e) => e);
    expect(error).toBeInstanceOf(TildeError);
    expect(error.diagnostics.map((d: { code: string }) => d.code)).toEqual(["device_step"]);
    expect(error.message).toContain(told);
    // The same on the CPU.
    const here = await sampleGibbs(run, gibbs({ ...settings, chains: 1, warmup: 5, draws: 5 }));
    expect(here.chains[0].draws).toBe(5);
  });

  const [{ text, data }] = finiteCases;

  test("left open, the place is chosen by the time of a sweep", async () => {
    const { run } = jobOf(text, data);
    const shelf = () => new Shelf(["webgpu"], async () => ({ ...openCpuGraphs(), name: "webgpu" }));
    const short = gibbs({ chains: 1, warmup: 5, draws: 5 });
    const fit = await sampleGibbs({ ...run, shelf: shelf() }, short);
    expect(fit.figures.device).toBe("cpu");
    expect(Object.keys(fit.figures.step_microseconds as object)).toEqual(["cpu"]);
    // A run so long that devices are timed, stopped before its first sweep.
    const options = { ...run.options, signal: AbortSignal.abort() };
    const long = { ...short, thin: 1_000_000_000 };
    const timed = await sampleGibbs({ ...run, shelf: shelf(), options }, long);
    expect(timed.interrupted).toBe(true);
    expect(timed.chains).toEqual([]);
    expect(Object.keys(timed.figures.step_microseconds as object)).toEqual(["cpu", "webgpu"]);
  });

  test("a device that is lost leaves the draws before", async () => {
    const { run } = jobOf(text, data);
    const method = gibbs({ chains: 2, warmup: 10, draws: 50 });
    const fit = await sampleGibbs({ ...run, device: lostAt(41) }, method);
    expect(fit.interrupted).toBe(true);
    expect(fit.warnings.map((w) => w.code)).toContain("webgpu_lost");
    // One pass begins, ten warm up.
    expect(fit.chains.map((c) => c.draws)).toEqual([29]);
    await expect(sampleGibbs({ ...run, device: lostAt(5) }, method)).rejects.toThrow("lost");
    const second = await sampleGibbs({ ...run, device: lostAt(66) }, method);
    expect(second.chains.map((c) => c.draws)).toEqual([50]);
  });

  test("draws go to files, and a run that was lost is taken up again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tilde-finite-"));
    try {
      const method = gibbs({ chains: 2, warmup: 10, draws: 40, thin: 2 });
      const { run } = jobOf(text, data);
      const whole = await sampleGibbs({ ...run, device }, method);
      const options = { ...run.options, method, out: folder };
      const part = await sampleGibbs({ ...run, options, device: lostAt(150) }, method);
      expect(part.interrupted).toBe(true);
      const { record } = openRun(folder);
      expect(record.device).toBe("cpu");
      const rest = await sampleGibbs({ ...run, options, device, resumed: record }, method);
      expect(rest.interrupted).toBe(false);
      rest.chains.forEach((c, k) => {
        expect([...c.values]).toEqual([...whole.chains[k].values]);
        expect([...(c.statistics.lp ?? [])]).toEqual([...(whole.chains[k].statistics.lp ?? [])]);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
