/** Runs of very many steps: counts and means that single precision could not hold. */
import type { GraphDevice } from "../../../src/device/contract.js";
import { adamGraph, optimiserSettings } from "../../../src/device/optimise.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { SimplifyingBuilder } from "../../../src/passes/simplify/index.js";
import { DeviceClimber, type Objective } from "../../../src/run/device/climber.js";
import { deviceNoise } from "../../../src/run/device/noise.js";
import type { Graph } from "../../../src/tensor/ops.js";

/** -½ (w - center - z)², with z drawn where it is asked for. */
function wells(center: number, isNoisy: boolean): Graph {
  const g = new SimplifyingBuilder();
  const w = g.input("w", [1]);
  const at = isNoisy ? g.sub(w, g.input("z", [1])) : w;
  const value = g.mul(-0.5, g.sum(g.square(g.sub(at, center))));
  const [grad] = gradient(g, value, [w]);
  const inputs = isNoisy ? [w, g.input("z", [1])] : [w];
  const named = { value, grad };
  return { inputs, outputs: Object.entries(named).map(([name, node]) => ({ name, node })) };
}
const names = { value: "value", gradient: "grad", params: "w" };

/** Numbers of steps about the last whole number that single precision counts to. */
export const stepNumbers: readonly number[] = [0, 1, 2 ** 24 - 1, 2 ** 24 + 2, 3 * 2 ** 24 + 1];

/**
 * The relative error of one step of Adam that comes after so many. The second moment's factor is so near
 * to 1 that its power is none of 0 and 1 there: 1 − (1 − 10⁻⁷)ⁿ is 0.81 at n = 2²⁴.
 */
export async function correctionError(device: GraphDevice, before: number): Promise<number> {
  const [rate, beta1, beta2] = [0.5, 0.9, 1 - 1e-7];
  const loop = await device.compileLoop({
    ...adamGraph(wells(3, false), names),
    noise: [],
    mostSteps: 4,
  });
  const settings = { rate, clip: 0, averaging: false, beta1, beta2 };
  const progress = { call: 1, steps: [before], merged: 0, pending: 0 };
  loop.set({ w: [1], opt_settings: optimiserSettings(settings, progress) });
  await loop.steps(0, 1);
  const { w } = await loop.read(["w"]);
  loop.close();
  // The moments are 0 before: m = (1 - β1) g, v = (1 - β2) g² with g = 3 - 1.
  const power = (beta: number): number => -Math.expm1((before + 1) * Math.log(beta));
  const top = (rate * (1 - beta1) * 2) / power(beta1);
  const exact = 1 + top / (Math.sqrt(((1 - beta2) * 4) / power(beta2)) + 1e-8);
  return Math.abs(w[0] - exact) / (exact - 1);
}

/**
 * The mean of so many iterates about 1000 that stray by 0.16. After 5000 of them what one adds to a
 * running mean is less than half a unit of single precision there (3·10⁻⁵).
 */
export async function longMean(device: GraphDevice, steps = 20_000): Promise<number> {
  const objective: Objective = {
    ...{ graph: wells(1000, true), names, state: {}, rule: "sgd", data: {}, initial: {} },
    noise: deviceNoise([{ buffer: "z", length: 1, law: { kind: "normal" } }]),
  };
  const climber = await DeviceClimber.create(device, objective, 400);
  climber.seed(9);
  climber.setParams(Float64Array.of(1000));
  climber.restartAverage();
  const settings = { rate: 0.05, clip: 0, averaging: true, beta1: 0, beta2: 0.999 };
  // The numbers of the steps, which the noise is keyed by, pass 2²⁴.
  const first = 2 ** 24 - 500;
  for (let done = 0; done < steps; done += 400) await climber.take(first + done, 400, settings);
  const [mean] = await climber.average();
  climber.close();
  return mean;
}
