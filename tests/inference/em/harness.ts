/** EM on the models of this folder, with the references of scripts/reference/em.py. */
import { readFileSync } from "node:fs";
import {
  type EmOptions,
  type EmPlan,
  type EmResult,
  planEm,
  runEm,
} from "../../../src/inference/em/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { make } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";

export type Data = Parameters<typeof dataSet>[0];

const file = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

export const reference = JSON.parse(file("./reference.json"));

export function planOf(name: string, data: Data, options: EmOptions = {}): EmPlan {
  return planText(file(`./models/${name}.ppl`), data, options);
}

export function planText(text: string, data: Data, options: EmOptions = {}): EmPlan {
  const plan = planEm(condition(modelOf(text), dataSet(data)), make, options);
  if (plan.kind !== "plan") throw new Error(`${plan.site}: ${plan.reason}`);
  return plan;
}

export function fit(name: string, data: Data, options: EmOptions = {}, seed = 1): EmResult {
  return fitPlan(planOf(name, data, options), seed);
}

export function fitPlan(plan: EmPlan, seed = 1): EmResult {
  const result = runEm(plan, seed);
  if (result.kind !== "fitted") throw new Error(JSON.stringify(result.failure));
  return result;
}

export function estimate(result: EmResult, name: string): number[] {
  const found = result.params.find((p) => p.name === name);
  if (found === undefined) throw new Error(`no param ${name}`);
  return [...found.value];
}

/** The largest fall of the history, relative to its size; rounding leaves some 1e-13. */
export function largestFall({ history }: EmResult): number {
  let worst = 0;
  for (let k = 1; k < history.length; k++) {
    worst = Math.max(worst, (history[k - 1] - history[k]) / Math.max(1, Math.abs(history[k])));
  }
  return worst;
}

/** Flat values for `start`. */
export const starts = (values: Readonly<Record<string, readonly unknown[]>>) =>
  new Map(
    Object.entries(values).map(([name, v]) => [name, Float64Array.from(v.flat(3) as number[])]),
  );
