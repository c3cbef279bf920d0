/** Settings of a kernel with its optimiser, as a search gives them. */
import type { KernelInstance } from "../../src/inference/contract.js";
import { SETTINGS } from "../../src/inference/stochastic/adam.js";
import { seedNoise } from "../../src/inference/stochastic/noise.js";

export function setOptimiser(instance: KernelInstance, rate: number): void {
  seedNoise(instance.i32("mc_key"), 1, 0);
  const settings = instance.f64("opt_settings");
  settings[SETTINGS.rate] = rate;
  settings[SETTINGS.beta1] = 0.9;
  settings[SETTINGS.beta2] = 0.999;
  settings[SETTINGS.power1] = 1;
  settings[SETTINGS.power2] = 1;
}
