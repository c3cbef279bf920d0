/** NUTS of many chains on WebGPU: the CPU's passes, pass by pass. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice, LoopProgram } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { controlOf, manyTrees, TOLD_COUNT } from "../../../src/inference/nuts/many.js";
import { compileDensity } from "../../../src/run/compile.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { findStarts } from "../../../src/run/device/many.js";
import { deviceNoise } from "../../../src/run/device/noise.js";
import { nuts } from "../../../src/run/methods.js";
import type { Graph } from "../../../src/tensor/ops.js";
import { exampleJob } from "../run/fixtures.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

const CHAINS = 32;
const PASSES = 60;

describe.skipIf(device === undefined)("NUTS of many chains on WebGPU", () => {
  test("eight schools: the twin's trees, but where rounding decides", async () => {
    const gpu = (device && asGraphDevice(device)) as GraphDevice;
    const cpu = openCpuGraphs();
    let density: Graph | undefined;
    compileDensity(exampleJob("eight_schools").run.conditioned, {
      methodName: "nuts",
      record: (stage, graph) => {
        if (stage === "grad") density = graph;
      },
    });
    if (density === undefined) throw new Error("no density");
    const starts = await findStarts(cpu, density, nuts({ chains: CHAINS }), 3);
    if ("kind" in starts) throw new Error("no start");
    const shape = { chains: CHAINS, metric: "diag", maxDepth: 6, box: 4, joins: 2 } as const;
    const { noise, ...made } = manyTrees(density, shape);
    const run = async (on: GraphDevice) => {
      const spec = { ...made, noise: deviceNoise(noise), mostSteps: PASSES };
      const loop: LoopProgram = await on.compileLoop(spec);
      loop.seed(9, 0);
      const control = { stepSize: 0.3, depth: 6, thin: 1, limit: 2 ** 24, keeps: false };
      loop.set({
        sample_q: starts.q,
        sample_lp: starts.lp,
        sample_grad: starts.grad,
        fresh: new Float64Array(CHAINS).fill(1),
        nuts_factor: Float64Array.from(
          { length: starts.q.length / CHAINS },
          (_, i) => 0.5 + i / 10,
        ),
        nuts_control: controlOf(control),
      });
      const { told } = await loop.steps(0, PASSES);
      const state: Readonly<Record<string, Float64Array>> = await loop.read([
        "count",
        "leapfrogs",
        "depth",
        "box",
        "sample_q",
      ]);
      loop.close();
      return { state, told };
    };
    const [onGpu, onCpu] = [await run(gpu), await run(cpu)];
    const [there, here] = [onGpu.state, onCpu.state];
    const d = starts.q.length / CHAINS;
    // Places in the trees are whole numbers; a decision that rounding turns moves a chain apart.
    const same = Array.from({ length: CHAINS }, (_, c) => c).filter(
      (c) =>
        there.count[c] === here.count[c] &&
        there.leapfrogs[c] === here.leapfrogs[c] &&
        there.depth[c] === here.depth[c],
    );
    expect(same.length).toBeGreaterThanOrEqual(CHAINS - 2);
    expect(here.count.reduce((a, b) => a + b)).toBeGreaterThan(CHAINS);
    let apart = 0;
    for (const c of same) {
      for (let i = 0; i < d; i++) {
        const [x, y] = [there.sample_q[c * d + i], here.sample_q[c * d + i]];
        if (!(Math.abs(x - y) < 1e-3 * (1 + Math.abs(y)))) apart++;
      }
    }
    expect(apart).toBeLessThanOrEqual(2 * d);
    // Sums of the first passes, before rounding can decide: those that moved, and their rates.
    for (let k = 0; k < 5 * TOLD_COUNT; k++) {
      if (k % TOLD_COUNT === 2) continue;
      expect(Math.abs(onGpu.told[k] - onCpu.told[k])).toBeLessThan(1e-2);
    }
  });
});
