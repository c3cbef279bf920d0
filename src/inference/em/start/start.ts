/** Where a run begins: initial values of the model, random ones, and random assignments. */
import { stream } from "../../../math/rng/random.js";
import type { Waiting } from "../../ascent/pending.js";
import { startCounts } from "../../ascent/start.js";
import type { MStep } from "../m-step.js";
import { type EmPlan, randomPoint } from "../plan.js";
import { initialParams } from "./init.js";

const START_STREAM = 0x7ffe8000;
const START_PASSES = 2;
/**
 * Scales begin at those of all data, under which no element is sure of its value. A few rounds with
 * the likeliest values nearly alone (classification EM: Celeux & Govaert 1992) part the components.
 */
const SHARP_ROUNDS = 5;
const SHARPNESS = 0.9;

/** Rows of `width` counts with most of their sum at the largest. */
function sharpen(counts: Float64Array, width: number): void {
  for (let from = 0; from < counts.length; from += width) {
    const row = counts.subarray(from, from + width);
    let best = 0;
    let total = 0;
    row.forEach((c, k) => {
      total += c;
      if (c > row[best]) best = k;
    });
    for (let k = 0; k < width; k++) row[k] *= 1 - SHARPNESS;
    row[best] += SHARPNESS * total;
  }
}

/** Whether starts differ: something is drawn. */
export function startIsRandom(plan: EmPlan): boolean {
  const { conditioned, options, parameters } = plan;
  const [a, b] = [initialParams(conditioned, 1, 0), initialParams(conditioned, 1, 1)];
  return parameters.some(({ name }) => {
    if (options.start?.has(name) === true) return false;
    const [x, y] = [a.get(name), b.get(name)];
    return x === undefined || y === undefined || x.some((v, i) => v !== y[i]);
  });
}

/**
 * Puts the parameters at the start of a restart. Where discrete sites exist, parameters without an
 * initial value get that of a random assignment: a few elements of each value at full weight, the
 * rest spread over all values, so that no component is empty and no two are alike.
 */
export function* startAt(
  plan: EmPlan,
  mStep: MStep,
  seed: number | bigint,
  restart: number,
): Waiting<void> {
  const { conditioned, options, parameters, eStep, kernels } = plan;
  const rng = stream(seed, 0, START_STREAM, restart);
  const inits = initialParams(conditioned, seed, restart);
  const open = new Set<number>();
  parameters.forEach((p, k) => {
    const given = options.start?.get(p.name) ?? inits.get(p.name);
    if (given === undefined) open.add(k);
    mStep.set(k, given ?? randomPoint(p, rng));
  });
  eStep.start(rng);
  if (open.size === 0 || kernels.discrete.length === 0) return;
  // Latent continuous sites get their distributions at these values first.
  if ((yield { kind: "discrete" }) === "lost") return;
  eStep.update();
  eStep.overrideCounts((counts) => {
    startCounts("seeds", kernels.discrete, kernels.patterns, counts, rng);
    for (const own of counts) {
      const total = own.reduce((n, c) => n + c, 0);
      for (let i = 0; i < own.length; i++) own[i] += total / own.length;
    }
  });
  if ((yield { kind: "counts" }) === "lost") return;
  const moveOpen = (): void => {
    parameters.forEach((_, k) => {
      if (!open.has(k)) return;
      const before = mStep.values[k].slice();
      // What a random assignment does not determine stays where it was.
      const failed = mStep.update(eStep.scenarios(), (i) => i === k) !== undefined;
      if (failed || !mStep.values[k].every(Number.isFinite)) mStep.set(k, before);
    });
  };
  for (let pass = 0; pass < START_PASSES; pass++) moveOpen();
  for (let round = 0; round < SHARP_ROUNDS; round++) {
    if ((yield { kind: "discrete" }) === "lost") return;
    if (typeof eStep.update() !== "number") break;
    const answer = yield { kind: "sharpen", share: SHARPNESS };
    if (answer === "lost") return;
    if (answer === "own") {
      eStep.overrideCounts((counts) => {
        kernels.patterns.forEach(({ shared, tuples }, p) => {
          if (!shared) sharpen(counts[p], counts[p].length / tuples);
        });
      });
    }
    moveOpen();
  }
  parameters.forEach((_, k) => {
    mStep.set(k, mStep.values[k].slice());
  });
}
