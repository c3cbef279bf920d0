/** Every case of the table through the contract of devices, by the CPU behind it; and its ends. */
import { describe, expect, test } from "vitest";
import { diagnostic, TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { Shelf } from "../../../src/run/device/auto.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { laplace, map } from "../../../src/run/methods.js";
import { approximate, findPoint } from "../../../src/run/point.js";
import { exampleJob, jobOf, lostAt } from "./fixtures.js";
import { pointCases, pointOf, valuesApart } from "./point-cases.js";

describe("modes through the contract", () => {
  test.each(pointCases)("$method of $name", async (own) => {
    const here = await pointOf(own);
    const there = await pointOf(own, openCpuGraphs());
    expect(there.figures.device).toBe("cpu");
    expect(there.figures.converged).toBe(here.figures.converged);
    // Searches in f64 are the CPU's step for step.
    expect(there.timing.gradients).toBe(here.timing.gradients);
    expect(there.figures.iterations).toBe(here.figures.iterations);
    // Both Hessians are that of one mode: differences of gradients err by 1e-10 of its elements.
    expect(valuesApart(here, there)).toBeLessThan(own.method === "map" ? 1e-9 : 1e-6);
  });

  const single = (of: GraphDevice): GraphDevice => ({ ...of, precision: "f32" });

  test("what single precision leaves open is ended on the CPU", async () => {
    const [own] = pointCases;
    const here = await pointOf(own);
    const there = await pointOf(own, single(openCpuGraphs()));
    expect(there.figures.polish_evaluations).toBeGreaterThan(3);
    expect(there.timing.gradients).toBeGreaterThan(there.figures.polish_evaluations as number);
    expect(there.figures.converged).toBe(true);
    expect(valuesApart(here, there)).toBeLessThan(1e-5);
  });

  test("a device whose gradients are wrong is refused", async () => {
    const device = openCpuGraphs();
    const wrong: GraphDevice = {
      ...single(device),
      name: "webgpu",
      compileLoop: async (spec) => {
        const loop = await device.compileLoop(spec);
        const read = async (names: readonly string[]) => {
          const found = await loop.read(names);
          return found.g === undefined ? found : { ...found, g: found.g.map((v) => 1.2 * v) };
        };
        return { ...loop, read };
      },
    };
    const { run } = exampleJob("eight_schools");
    const error = await findPoint({ ...run, device: wrong }, map()).catch((e) => e);
    expect(error).toBeInstanceOf(TildeError);
    expect(error.diagnostics[0].code).toBe("device_imprecise");
  });

  test("small searches stay on the CPU", async () => {
    const shelf = new Shelf(["webgpu"], () => Promise.reject(new Error("opened")));
    const fit = await findPoint({ ...exampleJob("eight_schools").run, shelf }, map());
    expect(fit.figures.device).toBe("cpu");
    expect(Object.keys(fit.figures.step_microseconds as object)).toEqual(["cpu"]);
  });

  test("Ctrl-C leaves the best point so far, and no draws of an approximation", async () => {
    const { run } = exampleJob("eight_schools", openCpuGraphs());
    const job = { ...run, options: { signal: AbortSignal.abort() } };
    const point = await findPoint(job, map());
    expect(point.interrupted).toBe(true);
    expect(point.chains[0].draws).toBe(1);
    expect(point.warnings.map((w) => w.code)).toEqual(["optimiser_stopped"]);
    const fit = await approximate(job, laplace());
    expect(fit.interrupted).toBe(true);
    expect(fit.chains).toEqual([]);
  });

  test("a device that is lost before anything was read back is an error", async () => {
    const { run } = exampleJob("eight_schools");
    await expect(findPoint({ ...run, device: lostAt(3) }, map())).rejects.toThrow("lost");
  });

  test("a device that is lost later leaves the points that were read", async () => {
    const device = openCpuGraphs();
    let calls = 0;
    const slow: GraphDevice = {
      ...device,
      compileLoop: async (spec) => {
        const loop = await device.compileLoop(spec);
        return {
          ...loop,
          steps: async (...of) => {
            calls++;
            // Points are read a second after the last time.
            if (calls === 2) await new Promise((resolve) => setTimeout(resolve, 1050));
            const params = { reason: "the driver was reset", doing: "taking steps" };
            if (calls === 5) throw new TildeError([diagnostic("webgpu_lost", undefined, params)]);
            return await loop.steps(...of);
          },
        };
      },
    };
    const { run } = exampleJob("eight_schools");
    const fit = await findPoint({ ...run, device: slow }, map());
    expect(fit.interrupted).toBe(true);
    expect(fit.warnings.map((w) => w.code)).toEqual(["webgpu_lost", "optimiser_stopped"]);
    // Eight passes of each search are kept: some steps, and no mode yet.
    expect(fit.figures.iterations).toBeGreaterThan(0);
    expect(fit.figures.converged).toBe(false);
  });

  test("no density anywhere is told as on the CPU", async () => {
    const text = "model m() { x ~ Normal(0, 1); factor log(-1 - square(x)) }";
    const { run } = jobOf(text, {});
    const [here, there] = [
      await findPoint(run, map({ starts: 2 })).catch((e) => e),
      await findPoint({ ...run, device: openCpuGraphs() }, map({ starts: 2 })).catch((e) => e),
    ];
    expect(here).toBeInstanceOf(TildeError);
    expect(there.diagnostics[0].code).toBe(here.diagnostics[0].code);
  });
});
