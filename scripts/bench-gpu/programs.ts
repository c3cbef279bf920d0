/** Programs measured on a device: kernels alone, learning steps, many chains. */

import type { GraphDevice } from "../../src/device/contract.js";
import { buildObjective } from "../../src/inference/objective/index.js";
import { windowOf } from "../../src/inference/stochastic/staged.js";
import type { DataSet } from "../../src/model/data.js";
import { SimplifyingBuilder } from "../../src/passes/simplify/index.js";
import { checkSource, compileDensity, conditionRaw, selectModel } from "../../src/run/compile.js";
import { DeviceClimber } from "../../src/run/device/climber.js";
import { findStarts } from "../../src/run/device/many.js";
import { deviceObjective } from "../../src/run/device/objective.js";
import { hmc, svi } from "../../src/run/methods.js";
import { bindMethod, checkBatch } from "../../src/run/svi/programs.js";
import type { Graph, Node } from "../../src/tensor/ops.js";
import type { KernelRow } from "./kernels.js";
import type { PeerJob } from "./peers.js";
import type { Sizes } from "./sizes.js";
import { eightSchools, logistic, regression, vae } from "./texts.js";
import { loops } from "./trees.js";

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
  /** Its kernels, where they were timed. */
  readonly kernels?: readonly KernelRow[];
}

/** A line that is yet to be measured, so that one that fails ends no other. */
export interface Job {
  readonly name: string;
  readonly measure: () => Promise<Line>;
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
  const tick = g.add(g.input("tick", [1]), 1);
  const graph: Graph = {
    inputs: g.inputs,
    outputs: [
      { name: "next", node: next },
      // A number of each step to wait for, which reads nothing of the work: that would be a store more.
      { name: "seen", node: tick },
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

export function kernelLines(device: GraphDevice, sizes: Sizes): Job[] {
  const { elements: n, product: m, seconds } = sizes;
  const job = (
    name: string,
    build: (g: SimplifyingBuilder) => { readonly state: Node; readonly next: Node },
    cost: Pick<Line, "gigabytes" | "gigaflops">,
  ): Job => ({ name, measure: () => kernelLine(device, name, build, cost, seconds) });
  return [
    job(
      `multiply and add, ${n} numbers`,
      (g) => {
        const state = g.input("x", [n]);
        return { state, next: g.add(g.mul(state, 0.999), g.input("y", [n])) };
      },
      // Two arrays are read and one is written.
      { gigabytes: (12 * n) / 1e9 },
    ),
    job(
      `sum of ${n} numbers`,
      (g) => {
        const state = g.input("s", [1]);
        const total = g.sum(
          g.mul(g.input("y", [n]), g.broadcast(g.reshape(g.add(state, 1), []), [n])),
        );
        return { state, next: g.mul(g.reshape(total, [1]), 1e-9) };
      },
      { gigabytes: (4 * n) / 1e9 },
    ),
    job(
      `product of ${m} × ${m} matrices`,
      (g) => {
        const state = g.input("x", [m, m]);
        return { state, next: g.matmul(state, g.input("w", [m, m])) };
      },
      { gigaflops: (2 * m ** 3) / 1e9 },
    ),
  ];
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

export function learningLines(device: GraphDevice, sizes: Sizes): Job[] {
  const { seconds } = sizes;
  const { rows: n, columns: d } = sizes.logistic;
  let points: DataSet | undefined;
  const pointsOf = (): DataSet => {
    points ??= new Map([
      ["N", number(n)],
      ["D", number(d)],
      ["x", { dims: [n, d], data: wave(n * d, (k) => 2 * scramble(k) - 1) }],
      ["y", { dims: [n], data: wave(n, (k) => (scramble(7 * k) > 0.5 ? 1 : 0)) }],
    ]);
    return points;
  };
  const regressions = sizes.logistic.batches.map((rows): Job => {
    const name = `SVI of a logistic regression, N = ${n}, D = ${d}, batch ${rows}`;
    const peer: PeerJob = { kind: "logistic", rows: n, columns: d, batch: rows };
    const measure = async () => ({
      ...(await learningLine(device, name, logistic, pointsOf(), rows, seconds)),
      // The rows are read for x·w and again for xᵀr, the gradient; once each.
      gigabytes: (2 * 4 * rows * d) / 1e9,
      peer,
    });
    return { name, measure };
  });
  const { pictures, pixels, hidden, code, batches } = sizes.vae;
  let images: DataSet | undefined;
  const imagesOf = (): DataSet => {
    images ??= new Map([
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
    return images;
  };
  const pictureJobs = batches.map((rows): Job => {
    const name = `VAE ${pixels}-${hidden}-${code}, batch ${rows}`;
    const peer: PeerJob = { kind: "vae", rows: pictures, pixels, hidden, code, batch: rows };
    // Weights of the encoder, of its two heads and of the decoder. Each is in three products of 2
    // operations a weight and row: forward, its gradient, its input's gradient, which pictures do not need.
    const weights = 2 * pixels * hidden + 3 * hidden * code;
    const measure = async () => ({
      ...(await learningLine(device, name, vae, imagesOf(), rows, seconds)),
      gigaflops: (2 * rows * (3 * weights - pixels * hidden)) / 1e9,
      peer,
    });
    return { name, measure };
  });
  return [...regressions, ...pictureJobs];
}

/** Leapfrog steps of many chains. */
async function chainsLine(
  device: GraphDevice,
  name: string,
  text: string,
  data: DataSet,
  chains: number,
  seconds: number,
  method: "hmc" | "nuts" = "hmc",
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
  const mostSteps = 1024;
  const program = await loops[method](device, density, starts, chains, mostSteps);
  await program.steps(0, 1);
  const firstMilliseconds = performance.now() - start;
  const time = await timeSteps((f, c) => program.steps(f, c), mostSteps, seconds);
  program.close();
  return { name, ...time, firstMilliseconds, work: { what: "gradients", count: chains } };
}

export function chainLines(device: GraphDevice, sizes: Sizes): Job[] {
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
  const ofSchools = `${chains} chains of eight schools, a leapfrog step`;
  const treesOfSchools = `${chains} chains of eight schools, a pass of NUTS`;
  const ofRegression = `${chains} chains of a ${columns}-dimensional regression of ${rows} rows, a leapfrog step`;
  return [
    {
      name: ofSchools,
      measure: async () => ({
        ...(await chainsLine(device, ofSchools, eightSchools, schools, chains, seconds)),
        peer: { kind: "schools", chains },
      }),
    },
    {
      name: treesOfSchools,
      measure: () =>
        chainsLine(device, treesOfSchools, eightSchools, schools, chains, seconds, "nuts"),
    },
    {
      name: ofRegression,
      measure: async () => ({
        ...(await chainsLine(device, ofRegression, regression, points, chains, seconds)),
        // Two products of chains × columns × rows.
        gigaflops: (4 * chains * columns * rows) / 1e9,
        peer: { kind: "regression", chains, rows, columns },
      }),
    },
  ];
}
