/** An objective of the language in the form that climbers on devices take. */
import { fail } from "../../base/diagnostic.js";
import type { GraphDevice } from "../../device/contract.js";
import { compileKernels, createMemory, instantiate } from "../../device/cpu/index.js";
import type { KernelInstance } from "../../inference/contract.js";
import type { ObjectiveGraph, StreamInput } from "../../inference/objective/index.js";
import type { Rule } from "../../inference/stochastic/adam.js";
import { noiseKernels, seedNoise } from "../../inference/stochastic/noise.js";
import { rowKernels } from "../../inference/stochastic/rows.js";
import { elements, noiseOf } from "../../inference/svi/compile.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { substitute } from "../../tensor/transform.js";
import type { Objective } from "./climber.js";
import { deviceNoise } from "./noise.js";

/** Single precision counts up to here. */
const MOST_ROWS = 2 ** 24;

/** Rows of one size's minibatches. */
interface Group {
  readonly size: string;
  readonly all: number;
  readonly rows: number;
}

const rowsInput = (size: string): string => `rows.${size}`;
const allInput = (stream: StreamInput): string => `all.${stream.name}`;
/** Which of a call's minibatches the present step sees. */
const STEP = "batch_step";

/**
 * The objective with its data on the device: each step gathers the rows of its minibatch there. The
 * rows' numbers come from the CPU's own kernel, a call's worth at once, so that they are the same to
 * the last one.
 */
export function deviceObjective(
  device: GraphDevice,
  made: ObjectiveGraph,
  batch: ReadonlyMap<string, number>,
  rule: Rule,
  { seed, mostSteps }: { readonly seed: number | bigint; readonly mostSteps: number },
): Objective {
  const own = simplify({
    ...made.graph,
    outputs: made.graph.outputs.filter((o) => o.name !== "values"),
  });
  const noise = noiseOf(own, made.noise);
  const groups = groupsOf(made.streams, batch);
  const wide = groups.find((g) => g.all > MOST_ROWS);
  if (device.precision === "f32" && wide !== undefined) {
    fail("device_rows", undefined, { size: wide.size, all: wide.all });
  }
  const used = made.streams.filter((s) => own.inputs.some((n) => n.name === `data.${s.name}`));
  const graph = groups.length === 0 ? own : withRows(own, used, groups, mostSteps);
  const data: Record<string, ArrayLike<number>> = {};
  for (const s of used) data[allInput(s)] = s.data.data;
  const initial: Record<string, ArrayLike<number>> = {};
  for (const s of made.states) initial[s.name] = new Float64Array(elements(s.dims)).fill(s.init);
  const isRead = new Set(graph.inputs.map((n) => n.name));
  const readOf = (values: Record<string, ArrayLike<number>>) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => isRead.has(name)));
  const state = made.states.filter((s) => isRead.has(s.name)).map((s) => [s.name, s.next]);
  const names = { value: "value", gradient: "grad", params: "theta" };
  const base = {
    graph,
    names,
    noise: deviceNoise(noise),
    rule,
    data: readOf(data),
    initial: readOf(initial),
  };
  if (groups.length === 0) return { ...base, state: Object.fromEntries(state) };
  const rows = rowFeed(groups, noise.length, mostSteps, seed, isRead);
  return { ...base, ...rows, state: Object.fromEntries([...state, [STEP, "next_batch_step"]]) };
}

function groupsOf(
  streams: readonly StreamInput[],
  batch: ReadonlyMap<string, number>,
): readonly Group[] {
  return [...new Set(streams.map((s) => s.size))].map((size) => {
    const [first] = streams.filter((s) => s.size === size);
    const all = first.data.dims[first.axis];
    return { size, all, rows: batch.get(size) ?? all };
  });
}

/** The graph with rows of the whole data in the place of its minibatches. */
function withRows(
  graph: Graph,
  streams: readonly StreamInput[],
  groups: readonly Group[],
  mostSteps: number,
): Graph {
  const g = new SimplifyingBuilder();
  const step = g.input(STEP, [], "int");
  const rows = new Map(
    groups.map(({ size, rows: count }): [string, Node] => {
      const table = g.input(rowsInput(size), [mostSteps, count], "int");
      return [size, g.reshape(g.gather(table, g.reshape(step, [1]), 0), [count])];
    }),
  );
  const own = new Map<Node, Node>();
  for (const n of graph.inputs) {
    const stream = streams.find((s) => `data.${s.name}` === n.name);
    const indices = rows.get(stream?.size ?? "");
    own.set(
      n,
      stream === undefined || indices === undefined
        ? g.input(n.name, n.shape, n.dtype)
        : g.gather(g.input(allInput(stream), stream.data.dims), indices, stream.axis),
    );
  }
  const outputs = substitute(
    g,
    graph.outputs.map((o) => o.node),
    own,
  );
  const named = graph.outputs.map((o, k) => ({ name: o.name, node: outputs[k] }));
  return simplify({
    inputs: g.inputs,
    outputs: [...named, { name: "next_batch_step", node: g.add(step, 1) }],
  });
}

/** The minibatches of a call's steps, drawn as the CPU draws them. */
function rowFeed(
  groups: readonly Group[],
  before: number,
  mostSteps: number,
  seed: number | bigint,
  isRead: ReadonlySet<string>,
): Pick<Objective, "feed" | "rewind"> {
  const made = rowKernels(groups.map((group) => ({ ...group, sources: [] })));
  // The streams of the rows come after those of the noise.
  const skipped = Array.from({ length: before }, (_, k) => ({
    buffer: `skipped.${k}`,
    length: 0,
    law: { kind: "uniform" } as const,
  }));
  const noise = noiseKernels([...skipped, ...made.noise]);
  const program = compileKernels({
    buffers: [...made.buffers, ...noise.buffers],
    functions: [...made.functions.map((f) => ({ ...f, exported: true })), ...noise.functions],
  });
  const instance: KernelInstance = instantiate(program, createMemory(program, 1), 0);
  seedNoise(instance.i32("mc_key"), seed, 0);
  const tables = groups.map(({ size, rows }) => ({
    name: rowsInput(size),
    rows,
    order: instance.i32(rowsInput(size)),
    table: new Float64Array(mostSteps * rows),
  }));
  return {
    feed: (first, count) => {
      for (let t = 0; t < count; t++) {
        instance.call("noise", first + t);
        instance.call("rows");
        for (const { rows, order, table } of tables) table.set(order.subarray(0, rows), t * rows);
      }
      const read = tables.filter(({ name }) => isRead.has(name));
      return { [STEP]: [0], ...Object.fromEntries(read.map(({ name, table }) => [name, table])) };
    },
    rewind: () => {
      for (const { order } of tables) {
        for (let k = 0; k < order.length; k++) order[k] = k;
      }
    },
  };
}
