/**
 * An iteration of EM for a Gaussian mixture with full covariances (D = 16, K = 64), wall-clock and
 * processor time, and the largest memory of the process. The data go to a directory, for the same by
 * scikit-learn: `em_large.py`.
 *
 *     npx tsc -p tsconfig.bench.json && node dist/scripts/bench/em-large.js \
 *       cpu|blocks|tensorflow|webgpu N [iterations] [directory]
 *
 * `cpu` holds all items' tables at once; `blocks` is the CPU in blocks of items.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { emRun, planEm, planStagedEm, runEm } from "../../src/inference/em/index.js";
import type { DataSet } from "../../src/model/data.js";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import { openers } from "../../src/run/device/open.js";
import { drive, StagedInstance } from "../../src/run/device/staged.js";
import { makeInstance } from "../../src/run/gibbs-chain.js";
import { groups } from "../bench-gpu/mixtures.js";
import { mixture } from "../bench-gpu/texts.js";

const [where, size, iterations = "4", directory] = process.argv.slice(2);
const [n, d, k] = [Number(size), 16, 64];
if (!(Number(iterations) >= 2)) throw new Error("the first iteration is not counted: take 2");
const { x, means } = groups(n, d, k);
if (directory !== undefined) {
  writeFileSync(join(directory, `x_${n}.f64`), Buffer.from(x.buffer));
  writeFileSync(join(directory, `means_${n}.f64`), Buffer.from(means.buffer));
}
const begin = performance.now();
const number = (v: number) => ({ dims: [], data: Float64Array.of(v) });
const source = { path: "model.ppl", text: mixture };
const model = selectModel(checkSource(source), source);
const values: DataSet = new Map([
  ["N", number(n)],
  ["K", number(k)],
  ["D", number(d)],
  ["x", { dims: [n, d], data: x }],
]);
const conditioned = conditionRaw(model, { values: new Map(values), problems: new Map() });
const unit = Float64Array.from({ length: k * d * d }, (_, i) => {
  return Math.floor(i / d) % d === i % d ? 1 : 0;
});
const options = {
  start: new Map([
    ["pi", new Float64Array(k).fill(1 / k)],
    ["mu", means],
    ["Sigma", unit],
  ]),
  tolerance: 0,
  maxIterations: Number(iterations),
};

/** Of the run so far at the end of each iteration; a device tells of many at once. */
const told: { readonly done: number; readonly wall: number; readonly cpu: number }[] = [];
const onProgress = ({ done }: { readonly done: number }): void => {
  const { user, system } = process.cpuUsage();
  const now = { done, wall: performance.now(), cpu: (user + system) / 1000 };
  const last = told.at(-1);
  if (last !== undefined && now.wall - last.wall < 1) told.pop();
  told.push(now);
};

let planned = 0;
async function run() {
  if (where === "cpu") {
    const plan = planEm(conditioned, makeInstance, options);
    if (plan.kind !== "plan") throw new Error(plan.reason);
    planned = process.cpuUsage().user / 1000;
    return runEm(plan, 1, { onProgress });
  }
  const device = await openers[where === "tensorflow" || where === "webgpu" ? where : "cpu"]();
  let instance: StagedInstance | undefined;
  const isSingle = device.precision === "f32";
  const plan = planStagedEm(
    conditioned,
    makeInstance,
    options,
    isSingle,
    (kernels) => {
      instance = new StagedInstance(device, kernels);
      return instance;
    },
    where !== "blocks",
  );
  if (plan.kind !== "plan" || instance === undefined) throw new Error("EM has no stages");
  planned = process.cpuUsage().user / 1000;
  return (await drive(emRun(plan, 1, { onProgress }), instance)).result;
}

const result = await run();
if (result.kind !== "fitted") throw new Error(JSON.stringify(result.failure));
// What was told first is with all that is set up for it.
const [first, end] = [told[0], told[told.length - 1]];
const each = (of: (t: typeof first) => number): string =>
  ((of(end) - of(first)) / (end.done - first.done)).toFixed(0);
const all = (performance.now() - begin) / 1000;
const { user, system } = process.cpuUsage();
const used = ((user + system) / 1e6).toFixed(1);
console.log(`${where}, N = ${n}: an iteration ${each((t) => t.wall)} ms`);
console.log(
  `processor ${each((t) => t.cpu)} ms; whole run ${all.toFixed(1)} s, processor ${used} s`,
);
console.log(`planning and data, processor: ${(planned / 1000).toFixed(1)} s`);
console.log(`log likelihood after ${result.iterations}: ${result.logLikelihood}`);
console.log(`largest memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
process.exit(0);
