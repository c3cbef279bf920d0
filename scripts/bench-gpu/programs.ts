/** Programs measured on a device: kernels alone, learning steps, many chains. */

import type { GraphDevice, LoopProgram } from "../../src/device/contract.js";
import { manyChains, pathOf } from "../../src/inference/hmc/many.js";
import { buildObjective } from "../../src/inference/objective/index.js";
import { windowOf } from "../../src/inference/stochastic/staged.js";
import type { DataSet } from "../../src/model/data.js";
import { SimplifyingBuilder } from "../../src/passes/simplify/index.js";
import { checkSource, compileDensity, conditionRaw, selectModel } from "../../src/run/compile.js";
import { DeviceClimber } from "../../src/run/device/climber.js";
import { findStarts } from "../../src/run/device/many.js";
import { deviceNoise } from "../../src/run/device/noise.js";
import { deviceObjective } from "../../src/run/device/objective.js";
import { hmc, svi } from "../../src/run/methods.js";
import { bindMethod, checkBatch } from "../../src/run/svi/programs.js";
import type { Graph, Node } from "../../src/tensor/ops.js";
import { sizeOf } from "../../src/tensor/shape-rules.js";
import type { PeerJob } from "./peers.js";
import type { Sizes } from "./sizes.js";
import { eightSchools, logistic, regression, vae } from "./texts.js";

/** One line of the report. */
export interface Line {
  readonly name: string;
  /** Microseconds of a step, the median of repeats. */
  readonly microseconds: number;
  /** From text (or graph) to the end of the first step; the device was open. */
  readonly firstMilliseconds: number;
  /** Gigabytes that must cross the memory's bus in a step, and giga-operations, where known. */
  readonly gigabytes?: number;
  readonly gigaflops?: number;
  /** What is done in a step, and how many. */
  readonly work?: { readonly what: string; readonly count: number };
  /** The same line by NumPyro or JAX. */
  readonly peer?: PeerJob;
}

const REPEATS = 5;

/** The median time of a step, in calls that last about `seconds`. */
async function timeSteps(
  take: (first: number, count: number) => Promise<unknown>,
  most: number,
  seconds: number,
): Promise<{ readonly microseconds: number }> {
  let count = 1;
  let first = 1;
  for (;;) {
    const start = performance.now();
    await take(first, count);
    first += count;
    const took = (performance.now() - start) / 1000;
    if (took > seconds / REPEATS || count === most) break;
    count = Math.min(most, 2 * count);
  }
  const times: number[] = [];
  for (let k = 0; k < REPEATS; k++) {
    const start = performance.now();
    await take(first, count);
    first += count;
    times.push(((performance.now() - start) * 1000) / count);
  }
  return { microseconds: times.sort((a, b) => a - b)[REPEATS >> 1] };
}

/** A loop of one kernel's work on a state. */
async function kernelLine(
  device: GraphDevice,
  name: string,
  build: (g: SimplifyingBuilder) => { readonly state: Node; readonly next: Node },
  cost: Pick<Line, "gigabytes" | "gigaflops">,
  seconds: number,
): Promise<Line> {
  const start = performance.now();
  const g = new SimplifyingBuilder();
  const { state, next } = build(g);
  const flat = g.reshape(next, [sizeOf(next.shape)]);
  const graph: Graph = {
    inputs: g.inputs,
    outputs: [
      { name: "next", node: next },
      { name: "seen", node: g.slice(flat, [0], [1]) },
    ],
  };
  const input = state.op === "input" ? state.name : "";
  const mostSteps = 256;
  const program = await device.compileLoop({
    graph,
    state: { [input]: "next" },
    noise: [],
    trace: ["seen"],
    mostSteps,
  });
  await program.steps(0, 1);
  const firstMilliseconds = performance.now() - start;
  const time = await timeSteps((f, c) => program.steps(f, c), mostSteps, seconds);
  program.close();
  return { name, ...time, firstMilliseconds, ...cost };
}

export async function kernelLines(device: GraphDevice, sizes: Sizes): Promise<Line[]> {
  const { elements: n, product: m, seconds } = sizes;
  const lines: Line[] = [];
  lines.push(
    await kernelLine(
      device,
      `multiply and add, ${n} numbers`,
      (g) => {
        const state = g.input("x", [n]);
        return { state, next: g.add(g.mul(state, 0.999), g.input("y", [n])) };
      },
      { gigabytes: (12 * n) / 1e9 },
      seconds,
    ),
    await kernelLine(
      device,
      `sum of ${n} numbers`,
      (g) => {
        const state = g.input("s", [1]);
        const total = g.sum(
          g.mul(g.input("y", [n]), g.broadcast(g.reshape(g.add(state, 1), []), [n])),
        );
        return { state, next: g.mul(g.reshape(total, [1]), 1e-9) };
      },
      { gigabytes: (4 * n) / 1e9 },
      seconds,
    ),
    await kernelLine(
      device,
      `product of ${m} × ${m} matrices`,
      (g) => {
        const state = g.input("x", [m, m]);
        return { state, next: g.matmul(state, g.input("w", [m, m])) };
      },
      { gigaflops: (2 * m ** 3) / 1e9 },
      seconds,
    ),
  );
  return lines;
}

/** Steps of `svi` on a model of `text`. */
async function learningLine(
  device: GraphDevice,
  name: string,
  text: string,
  data: DataSet,
  rows: number,
  seconds: number,
): Promise<Line> {
  const start = performance.now();
  const source = { path: "model.ppl", text };
  const checked = checkSource(source);
  const model = selectModel(checked, source);
  const method = svi({ batch: { N: rows }, steps: 20_000, lr: 0.001 });
  const conditioned = conditionRaw(model, { values: new Map(data), problems: new Map() });
  const bound = bindMethod(conditioned.model, checked, method);
  const batch = checkBatch(method.batch, conditioned.sizes);
  const { objective, args, programs } = bound;
  const made = buildObjective(objective, { programs, data, args, batch });
  const mostSteps = windowOf(method.steps, 400);
  const climber = await DeviceClimber.create(
    device,
    deviceObjective(made, batch, "adam"),
    mostSteps,
  );
  climber.seed(1);
  climber.setParams(made.initial(1));
  const settings = { rate: 0.001, clip: 0, averaging: false, beta1: 0.9, beta2: 0.999 };
  const take = (first: number, count: number) => climber.take(first, count, settings);
  await take(0, 1);
  const firstMilliseconds = performance.now() - start;
  const time = await timeSteps(take, mostSteps, seconds);
  climber.close();
  return { name, ...time, firstMilliseconds, work: { what: "rows", count: rows } };
}

const wave = (length: number, f: (k: number) => number): Float64Array => {
  const x = new Float64Array(length);
  for (let k = 0; k < length; k++) x[k] = f(k);
  return x;
};
/** A cheap scramble of k into [0, 1): the data's looks do not matter, its shapes do. */
const scramble = (k: number): number => ((Math.imul(k + 1, 0x9e3779b1) >>> 8) & 0xffff) / 0x10000;
const number = (x: number) => ({ dims: [], data: Float64Array.of(x) });

export async function learningLines(device: GraphDevice, sizes: Sizes): Promise<Line[]> {
  const lines: Line[] = [];
  const { rows: n, columns: d } = sizes.logistic;
  const points: DataSet = new Map([
    ["N", number(n)],
    ["D", number(d)],
    ["x", { dims: [n, d], data: wave(n * d, (k) => 2 * scramble(k) - 1) }],
    ["y", { dims: [n], data: wave(n, (k) => (scramble(7 * k) > 0.5 ? 1 : 0)) }],
  ]);
  for (const rows of sizes.logistic.batches) {
    const name = `SVI of a logistic regression, N = ${n}, D = ${d}, batch ${rows}`;
    const peer: PeerJob = { kind: "logistic", rows: n, columns: d, batch: rows };
    lines.push({
      ...(await learningLine(device, name, logistic, points, rows, sizes.seconds)),
      peer,
    });
  }
  const { pictures, pixels, hidden, code, batches } = sizes.vae;
  const images: DataSet = new Map([
    ["N", number(pictures)],
    ["D", number(pixels)],
    ["d", number(code)],
    ["H", number(hidden)],
    [
      "x",
      {
        dims: [pictures, pixels],
        data: wave(pictures * pixels, (k) => (scramble(k) > 0.7 ? 1 : 0)),
      },
    ],
  ]);
  for (const rows of batches) {
    const name = `VAE ${pixels}-${hidden}-${code}, batch ${rows}`;
    const peer: PeerJob = { kind: "vae", rows: pictures, pixels, hidden, code, batch: rows };
    lines.push({ ...(await learningLine(device, name, vae, images, rows, sizes.seconds)), peer });
  }
  return lines;
}

/** Leapfrog steps of many chains. */
async function chainsLine(
  device: GraphDevice,
  name: string,
  text: string,
  data: DataSet,
  chains: number,
  seconds: number,
): Promise<Line> {
  const start = performance.now();
  const source = { path: "model.ppl", text };
  const model = selectModel(checkSource(source), source);
  const conditioned = conditionRaw(model, { values: new Map(data), problems: new Map() });
  let density: Graph | undefined;
  compileDensity(conditioned, {
    methodName: "hmc",
    record: (stage, graph) => {
      if (stage === "grad") density = graph;
    },
  });
  if (density === undefined) throw new Error("no density");
  const starts = await findStarts(device, density, hmc({ chains, initRadius: 0.5 }), 1);
  if ("kind" in starts) throw new Error(`${name}: no start`);
  const { noise, ...step } = manyChains(density, chains, "diag");
  const mostSteps = 1024;
  const program: LoopProgram = await device.compileLoop({
    ...step,
    noise: deviceNoise(noise),
    mostSteps,
  });
  const d = density.inputs[0].shape[0];
  const unit = new Float64Array(d).fill(1);
  program.seed(1, 0);
  program.set({ q: starts.q, lp: starts.lp, grad: starts.grad });
  program.set({ hmc_inverse: unit, hmc_factor: unit, hmc_path: pathOf(0.01, 10, 0.3) });
  await program.steps(0, 1);
  const firstMilliseconds = performance.now() - start;
  const time = await timeSteps((f, c) => program.steps(f, c), mostSteps, seconds);
  program.close();
  return { name, ...time, firstMilliseconds, work: { what: "gradients", count: chains } };
}

export async function chainLines(device: GraphDevice, sizes: Sizes): Promise<Line[]> {
  const { chains, seconds } = sizes;
  const { rows, columns } = sizes.regression;
  const schools: DataSet = new Map([
    ["J", number(8)],
    ["y", { dims: [8], data: Float64Array.of(28, 8, -3, 7, -1, 1, 18, 12) }],
    ["sigma", { dims: [8], data: Float64Array.of(15, 10, 16, 11, 9, 11, 10, 18) }],
  ]);
  const points: DataSet = new Map([
    ["N", number(rows)],
    ["D", number(columns)],
    ["x", { dims: [rows, columns], data: wave(rows * columns, (k) => 2 * scramble(k) - 1) }],
    ["y", { dims: [rows], data: wave(rows, (k) => (scramble(7 * k) > 0.5 ? 1 : 0)) }],
  ]);
  const ofSchools = await chainsLine(
    device,
    `${chains} chains of eight schools, a leapfrog step`,
    eightSchools,
    schools,
    chains,
    seconds,
  );
  const ofRegression = await chainsLine(
    device,
    `${chains} chains of a ${columns}-dimensional regression of ${rows} rows, a leapfrog step`,
    regression,
    points,
    chains,
    seconds,
  );
  return [
    { ...ofSchools, peer: { kind: "schools", chains } },
    { ...ofRegression, peer: { kind: "regression", chains, rows, columns } },
  ];
}
