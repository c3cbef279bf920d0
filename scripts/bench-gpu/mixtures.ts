/** Mixtures measured on a device: EM, and the blocked sampler of a Dirichlet process. */
import { performance } from "node:perf_hooks";
import type { GraphDevice } from "../../src/device/contract.js";
import { planDp } from "../../src/inference/dp/model/plan.js";
import { emRun, planStagedEm } from "../../src/inference/em/index.js";
import { stream } from "../../src/math/rng/random.js";
import type { DataSet } from "../../src/model/data.js";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import { BlockedSampler } from "../../src/run/device/blocked.js";
import { drive, StagedInstance } from "../../src/run/device/staged.js";
import { makeInstance } from "../../src/run/gibbs-chain.js";
import type { Job, Line } from "./programs.js";
import type { Sizes } from "./sizes.js";
import { mixture, process } from "./texts.js";

const number = (x: number) => ({ dims: [], data: Float64Array.of(x) });

/** Points around K centres, and starts near these. */
export function groups(n: number, d: number, k: number) {
  const rng = stream(1, 0, 0, 0);
  const centres = Float64Array.from({ length: k * d }, () => 3 * rng.normal());
  const x = new Float64Array(n * d);
  for (let i = 0; i < n; i++) {
    const c = rng.int(k);
    for (let j = 0; j < d; j++) x[i * d + j] = centres[c * d + j] + rng.normal();
  }
  const means = centres.map((v) => v + 0.5 * rng.normal());
  return { x, means };
}

/** An iteration of EM for a Gaussian mixture with full covariances. */
async function emLine(device: GraphDevice, sizes: Sizes): Promise<Line> {
  const { rows: n, columns: d, components: k } = sizes.mixture;
  const { x, means } = groups(n, d, k);
  const start = performance.now();
  const source = { path: "model.ppl", text: mixture };
  const model = selectModel(checkSource(source), source);
  const data: DataSet = new Map([
    ["N", number(n)],
    ["K", number(k)],
    ["D", number(d)],
    ["x", { dims: [n, d], data: x }],
  ]);
  const conditioned = conditionRaw(model, { values: new Map(data), problems: new Map() });
  const unit = Float64Array.from({ length: k * d * d }, (_, i) => {
    return Math.floor(i / d) % d === i % d ? 1 : 0;
  });
  const begin = new Map([
    ["pi", new Float64Array(k).fill(1 / k)],
    ["mu", means],
    ["Sigma", unit],
  ]);
  let instance: StagedInstance | undefined;
  const options = { start: begin, tolerance: 0, maxIterations: sizes.mixture.iterations };
  const plan = planStagedEm(
    conditioned,
    makeInstance,
    options,
    device.precision === "f32",
    (kernels) => {
      instance = new StagedInstance(device, kernels);
      return instance;
    },
  );
  if (plan.kind !== "plan" || instance === undefined) throw new Error("EM has no stages");
  let first = 0;
  let last = 0;
  const times: number[] = [];
  const onProgress = (): void => {
    const now = performance.now();
    if (first === 0) first = now - start;
    else times.push(now - last);
    last = now;
  };
  const { result } = await drive(emRun(plan, 1, { onProgress }), instance);
  instance.close();
  if (result.kind !== "fitted") throw new Error(`EM failed: ${result.failure.kind}`);
  times.sort((a, b) => a - b);
  const width = (d * (d + 1)) / 2 + d + 1;
  return {
    name: `EM of a Gaussian mixture, N = ${n}, D = ${d}, K = ${k}, an iteration`,
    microseconds: 1000 * times[times.length >> 1],
    firstMilliseconds: first,
    // Two products of rows × statistics × components.
    gigaflops: (4 * n * width * k) / 1e9,
    work: { what: "rows", count: n },
    peer: { kind: "mixture", rows: n, columns: d, components: k },
  };
}

/** A sweep of the blocked sampler: labels on the device, everything else on the host. */
async function processLine(device: GraphDevice, sizes: Sizes): Promise<Line> {
  const { rows: n, components, sweeps } = sizes.process;
  const { x } = groups(n, 1, 12);
  const start = performance.now();
  const source = { path: "model.ppl", text: process };
  const model = selectModel(checkSource(source), source);
  const data: DataSet = new Map([
    ["N", number(n)],
    ["x", { dims: [n], data: x }],
  ]);
  const conditioned = conditionRaw(model, { values: new Map(data), problems: new Map() });
  const plan = planDp(conditioned, makeInstance, "gibbs");
  const sampler = await BlockedSampler.create(plan, device, components);
  sampler.start(1, 0);
  let first = 0;
  const times: number[] = [];
  for (let t = 1; t <= sweeps; t++) {
    const began = performance.now();
    await sampler.pass(t);
    sampler.update(1, 0, t);
    if (t === 1) first = performance.now() - start;
    else times.push(performance.now() - began);
  }
  sampler.close();
  times.sort((a, b) => a - b);
  return {
    name: `truncated DP Gibbs, N = ${n}, ${components} components, a sweep`,
    microseconds: 1000 * times[times.length >> 1],
    firstMilliseconds: first,
    work: { what: "rows", count: n },
    peer: { kind: "process", rows: n, components },
  };
}

export function mixtureLines(device: GraphDevice, sizes: Sizes): Job[] {
  return [
    { name: "EM of a Gaussian mixture", measure: () => emLine(device, sizes) },
    { name: "truncated DP Gibbs", measure: () => processLine(device, sizes) },
  ];
}
