/** `--device auto`: what is measured decides, and small runs stay on the CPU. */
import { describe, expect, test } from "vitest";
import { diagnostic, TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice, GraphDeviceName } from "../../../src/device/contract.js";
import { choose, Shelf } from "../../../src/run/device/auto.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { hmc, svi, vi } from "../../../src/run/methods.js";
import { sampleHamiltonian } from "../../../src/run/sample.js";
import { fitGuide } from "../../../src/run/variational.js";
import { exampleJob, jobOf, learnOn, lineData, lines } from "./fixtures.js";

/** Devices at hand by name; opening any other fails as a missing package does. */
function shelfOf(...names: readonly GraphDeviceName[]): Shelf {
  return new Shelf(["tensorflow", "webgpu"], async (name): Promise<GraphDevice> => {
    if (names.includes(name)) return { ...openCpuGraphs(), name };
    throw new TildeError([diagnostic("webgpu_missing", undefined, { reason: "not installed" })]);
  });
}

describe("choosing a device", () => {
  const at = (seconds: Partial<Record<GraphDeviceName, number>>) => async (d: GraphDevice) => {
    const found = seconds[d.name];
    if (found !== undefined) return found;
    throw new TildeError([diagnostic("out_of_memory", undefined, {})]);
  };

  test("the shortest steps win, and the figures say what was measured", async () => {
    const shelf = shelfOf("tensorflow", "webgpu");
    const found = await choose(shelf, 0.01, 1000, at({ tensorflow: 0.002, webgpu: 0.001 }));
    expect(found.device?.name).toBe("webgpu");
    expect(found.seconds).toEqual({ cpu: 0.01, tensorflow: 0.002, webgpu: 0.001 });
  });

  test("the CPU wins where it is faster, and where the run is short no device is opened", async () => {
    const slow = await choose(shelfOf("webgpu"), 0.01, 1000, at({ webgpu: 0.02 }));
    expect(slow.device).toBeUndefined();
    const never = new Shelf(["webgpu"], () => Promise.reject(new Error("opened")));
    expect((await choose(never, 0.001, 1000, at({}))).device).toBeUndefined();
  });

  test("devices that are missing, or refuse the program, are passed over", async () => {
    const found = await choose(shelfOf("webgpu", "tensorflow"), 0.01, 1000, at({ webgpu: 0.001 }));
    expect(found.device?.name).toBe("webgpu");
    expect((await choose(shelfOf(), 0.01, 1000, at({}))).seconds).toEqual({ cpu: 0.01 });
  });
});

describe("runs with auto", () => {
  test("small models stay on the CPU, and the summary says so", async () => {
    const shelf = shelfOf("webgpu");
    const job = jobOf(lines, lineData);
    const fit = await learnOn(
      { ...job, run: { ...job.run, shelf } },
      svi({ steps: 200, draws: 20 }),
    );
    expect(fit.figures.device).toBe("cpu");
    const plain = await learnOn(job, svi({ steps: 200, draws: 20 }));
    expect(fit.params).toEqual(plain.params);
    const guide = await fitGuide(
      { ...exampleJob("eight_schools").run, shelf },
      vi({ steps: 200, draws: 20 }),
    );
    expect(guide.figures.device).toBe("cpu");
    const chains = await sampleHamiltonian(
      { ...exampleJob("eight_schools").run, shelf },
      hmc({ chains: 2, warmup: 50, draws: 10 }),
    );
    expect(chains.chains.length).toBe(2);
  });
});
