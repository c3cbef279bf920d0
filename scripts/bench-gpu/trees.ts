/** Loops of many chains, ready to take steps: leapfrog steps of HMC, passes of NUTS. */
import type { GraphDevice, LoopProgram } from "../../src/device/contract.js";
import { manyChains, pathOf } from "../../src/inference/hmc/many.js";
import { controlOf, manyTrees } from "../../src/inference/nuts/many.js";
import type { Starts } from "../../src/run/device/many.js";
import { deviceNoise } from "../../src/run/device/noise.js";
import type { Graph } from "../../src/tensor/ops.js";

type Compile = (
  device: GraphDevice,
  density: Graph,
  starts: Starts,
  chains: number,
  mostSteps: number,
) => Promise<LoopProgram>;

export const loops: { readonly [M in "hmc" | "nuts"]: Compile } = {
  hmc: async (device, density, { q, lp, grad }, chains, mostSteps) => {
    const { noise, ...step } = manyChains(density, chains, "diag");
    const loop = await device.compileLoop({ ...step, noise: deviceNoise(noise), mostSteps });
    const unit = new Float64Array(q.length / chains).fill(1);
    loop.seed(1, 0);
    loop.set({ q, lp, grad, hmc_inverse: unit, hmc_factor: unit, hmc_path: pathOf(0.01, 10, 0.3) });
    return loop;
  },
  nuts: async (device, density, { q, lp, grad }, chains, mostSteps) => {
    const shape = { chains, metric: "diag", maxDepth: 10, box: 8, joins: 3 } as const;
    const { noise, ...step } = manyTrees(density, shape);
    const loop = await device.compileLoop({ ...step, noise: deviceNoise(noise), mostSteps });
    loop.seed(1, 0);
    loop.set({
      sample_q: q,
      sample_lp: lp,
      sample_grad: grad,
      fresh: new Float64Array(chains).fill(1),
      nuts_factor: new Float64Array(q.length / chains).fill(1),
      nuts_control: controlOf({ stepSize: 0.01, depth: 10, thin: 1, limit: 2 ** 24, keeps: false }),
    });
    return loop;
  },
};
