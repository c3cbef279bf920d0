/** Steps per second of `vi` on non-centred eight schools, one core: noise, bound, gradient, Adam. */
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { SETTINGS, withOptimiser } from "../../src/inference/stochastic/adam.js";
import { seedNoise } from "../../src/inference/stochastic/noise.js";
import { type GuideName, guides } from "../../src/inference/vi/guides/index.js";
import { boundKernels, setWhitening } from "../../src/inference/vi/objective.js";
import { stream } from "../../src/math/rng/random.js";
import { type Figure, median } from "./figures.js";
import { densityOf, eightSchools } from "./models.js";

const BATCH = 1000;
const BATCHES = 300;

export function viFigures(): Figure[] {
  const { joint } = densityOf(eightSchools());
  const d = joint.dimension;
  const rateOf = (name: GuideName): number[] => {
    const guide = guides[name](d, { rank: 3, layers: 4, hidden: 16 });
    const module = withOptimiser(boundKernels(joint, guide, "diagonal", 1), {
      objective: "bound",
      params: "phi",
      gradient: "dphi",
      length: guide.params,
      noise: [{ buffer: "eps", length: guide.noise, law: { kind: "normal" } }],
      rule: "adam",
    });
    const program = compileKernels(module);
    const instance = instantiate(program, createMemory(program, 1), 0);
    const [center, ones] = [new Float64Array(d), new Float64Array(d).fill(1)];
    setWhitening(instance, { center, factor: ones });
    instance.f64("phi").set(guide.start({ center, scale: ones }, stream(1, 0, 0, 0)));
    seedNoise(instance.i32("mc_key"), 1, 0);
    const settings = instance.f64("opt_settings");
    settings[SETTINGS.rate] = 0.001;
    settings[SETTINGS.beta1] = 0.9;
    settings[SETTINGS.beta2] = 0.999;
    settings[SETTINGS.power1] = 1;
    settings[SETTINGS.power2] = 1;
    const steps = instance.fn("opt_steps");
    const times: number[] = [];
    for (let k = 0; k < BATCHES; k++) {
      const begun = performance.now();
      if (steps(k * BATCH, BATCH) < BATCH) throw new Error(`${name} diverged`);
      times.push((performance.now() - begun) / 1000);
    }
    return times.map((t) => BATCH / t);
  };
  return (["mean_field", "full_rank"] as const).map((name): Figure => {
    const rates = rateOf(name);
    return {
      figure: `vi steps, eight schools, ${name}, one core`,
      unit: "1/s",
      median: Math.round(median(rates)),
      min: Math.round(Math.min(...rates)),
      target: 300_000,
      bound: "at least",
    };
  });
}
