/** Devices that fail: lost on the way, too imprecise, not at hand, asked for what they cannot. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { infer } from "../../../src/index.js";
import { checkDevice } from "../../../src/run/device/choices.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { sampleMany } from "../../../src/run/device/many-chains.js";
import { ppl } from "../../../src/run/load.js";
import { hmc, prior, svi, vi } from "../../../src/run/methods.js";
import { DivergedError } from "../../../src/run/svi/index.js";
import { fitGuide } from "../../../src/run/variational.js";
import { exampleJob, flat, jobOf, learnOn, lineData, lines, lostAt } from "./fixtures.js";

/** The CPU as a device in single precision whose results are off by this factor. */
function offBy(factor: number): GraphDevice {
  const device = openCpuGraphs();
  const scaled = (values: Record<string, Float64Array>): Record<string, Float64Array> =>
    Object.fromEntries(
      Object.entries(values).map(([name, x]) => [
        name,
        ["grad", "opt_first"].includes(name) ? x.map((v) => v * factor) : x,
      ]),
    );
  return {
    ...device,
    precision: "f32",
    compileGraph: async (graph) => {
      const program = await device.compileGraph(graph);
      return { ...program, run: async (inputs) => scaled(await program.run(inputs)) };
    },
    compileLoop: async (spec) => {
      const loop = await device.compileLoop(spec);
      return { ...loop, read: async (names) => scaled(await loop.read(names)) };
    },
  };
}

const codes = (fit: { readonly warnings: readonly { readonly code: string }[] }): string[] =>
  fit.warnings.map((w) => w.code);

async function failure(work: () => Promise<unknown>): Promise<TildeError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TildeError) return error;
    throw error;
  }
  throw new Error("nothing failed");
}

describe("a device that is lost", () => {
  const method = svi({ steps: 5000, lr: 0.02, draws: 50 });

  test("leaves the params that were read before, and says so", async () => {
    const fit = await learnOn(jobOf(lines, lineData, lostAt(6)), method);
    expect(fit.interrupted).toBe(true);
    expect(codes(fit)).toContain("webgpu_lost");
    expect(fit.figures.steps).toBeGreaterThan(0);
    const start = await learnOn(jobOf(lines, lineData), svi({ steps: 1, lr: 1e-9, draws: 50 }));
    expect(flat(fit.params)).not.toEqual(flat(start.params));
    expect(fit.chains[0].draws).toBe(50);
  });

  test("before the first call it is an error", async () => {
    const error = await failure(() => learnOn(jobOf(lines, lineData, lostAt(1)), method));
    expect(error.diagnostics.map((d) => d.code)).toEqual(["webgpu_lost"]);
  });

  test("leaves vi its best guide so far", async () => {
    const job = exampleJob("eight_schools", lostAt(4));
    const fit = await fitGuide(job.run, vi({ steps: 2000, draws: 50 }));
    expect(fit.interrupted).toBe(true);
    expect(codes(fit)).toContain("webgpu_lost");
  });

  test("leaves chains their draws", async () => {
    const job = exampleJob("eight_schools");
    const method = hmc({ chains: 8, warmup: 20, draws: 50 });
    // The search for a step size and the warmup take fewer than 60 calls.
    const fit = await sampleMany(job.run, lostAt(60), method);
    expect(fit.interrupted).toBe(true);
    expect(codes(fit)).toContain("webgpu_lost");
    expect(fit.chains[0].draws).toBeGreaterThan(0);
    expect(fit.chains[0].draws).toBeLessThan(50);
  });
});

describe("an imprecise device", () => {
  test.each([
    ["svi", (d: GraphDevice) => learnOn(jobOf(lines, lineData, d), svi({ steps: 50, draws: 10 }))],
    ["vi", (d: GraphDevice) => fitGuide(exampleJob("eight_schools", d).run, vi({ steps: 100 }))],
    [
      "hmc",
      (d: GraphDevice) =>
        sampleMany(exampleJob("eight_schools").run, d, hmc({ chains: 4, warmup: 20, draws: 5 })),
    ],
  ] as const)("is refused, or warned of, with the numbers: %s", async (_, run) => {
    const error = await failure(() => run(offBy(1.2)));
    expect(error.diagnostics.map((d) => d.code)).toEqual(["device_imprecise"]);
    expect(error.message).toContain("cpu");
    expect(codes(await run(offBy(1.01)))).toContain("device_rough");
    expect(codes(await run(offBy(1)))).not.toContain("device_rough");
  });
});

describe("an objective that diverges on a device", () => {
  test("stops with the last finite params, as on the CPU", async () => {
    const falling = `
import objectives
model cliff(y: real) {
  param w: real = 0.0
  observe y ~ Normal(log(0.35 - w), 1)
}`;
    const method = svi({ steps: 100, lr: 0.2, optimizer: "sgd", momentum: 0, draws: 5 });
    const at = async (device?: GraphDevice): Promise<DivergedError> =>
      (await failure(() => learnOn(jobOf(falling, { y: -9 }, device), method))) as DivergedError;
    const [here, there] = [await at(), await at(openCpuGraphs())];
    expect(there).toBeInstanceOf(DivergedError);
    expect(there.why).toEqual(here.why);
    expect(there.params).toEqual(here.params);
  });
});

describe("what is asked for", () => {
  const program = ppl`model m(y: real) { mu ~ Normal(0, 1);  observe y ~ Normal(mu, 1) }`;

  test("methods without device programs say which have them", async () => {
    const error = await failure(() =>
      infer(program, { data: { y: 1 }, method: prior(), device: "webgpu" }),
    );
    expect(error.message).toContain("`prior` does not run on the device `webgpu`");
    expect(error.message).toContain("svi, nce, vi, nuts, hmc");
  });

  test("every optimiser of svi may be asked for", () => {
    for (const optimizer of ["adam", "sgd", "natural"] as const) {
      expect(() => checkDevice(svi({ optimizer }), "webgpu")).not.toThrow();
    }
  });

  test("unknown devices are named", async () => {
    const options = { data: { y: 1 }, method: vi(), device: "gpu" as "webgpu" };
    const error = await failure(() => infer(program, options));
    expect(error.message).toContain("one of cpu, tensorflow, webgpu, auto");
  });
});
