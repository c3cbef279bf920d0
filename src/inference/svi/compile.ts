/**
 * An objective as one module: noise, rows of the minibatch, value and gradient, numbers carried from
 * step to step, and the optimiser.
 */
import {
  call,
  get,
  giveBack,
  i32,
  index,
  load,
  loop,
  perform,
  set,
  store,
} from "../../kernel/build.js";
import type { Buffer, KernelFunction, KernelModule, Local, Stmt } from "../../kernel/ir.js";
import { ConstantPool, lowerGraph, type ProductPrecision } from "../../passes/lower/index.js";
import { simplify } from "../../passes/simplify/index.js";
import type { Graph } from "../../tensor/ops.js";
import type { KernelInstance } from "../contract.js";
import {
  NATURAL_RATE,
  NEXT_THETA,
  type ObjectiveGraph,
  type StreamInput,
} from "../objective/index.js";
import { type Rule, withOptimiser } from "../stochastic/adam.js";
import { type Noise, noiseRoom } from "../stochastic/noise.js";
import { type RowGroup, rowKernels } from "../stochastic/rows.js";

export const elements = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

export function workspace(name: string, length: number): Buffer {
  return { name, element: "f64", length: Math.max(1, length), region: "workspace" };
}

/** Noise buffers for the inputs of a graph that are noise. */
export function noiseOf(
  graph: Pick<Graph, "inputs">,
  noise: ObjectiveGraph["noise"],
): readonly Noise[] {
  const used = new Set(graph.inputs.map((n) => n.name));
  return noise
    .filter((n) => used.has(n.name))
    .map(({ name, law, dims }) => ({ buffer: name, length: elements(dims), law: { kind: law } }));
}

/** Buffers whose numbers go from one step to the next. */
export interface Carried {
  readonly f64: readonly string[];
  readonly i32: readonly string[];
}

export interface Learning {
  readonly kernels: KernelModule;
  readonly carried: Carried;
}

/**
 * The objective with its optimiser: functions `opt_steps(first, count)` (see `withOptimiser`),
 * `noise(step)`, `evaluate()` and `params()`, over the buffers `theta`, `grad` and `values`.
 */
export function learningKernels(
  made: ObjectiveGraph,
  batch: ReadonlyMap<string, number>,
  rule: Rule,
  products: ProductPrecision = "f64",
): Learning {
  const { outputs } = made.graph;
  const turns = made.players ?? [{ graph: made.graph, states: made.states }];
  const steps = turns.map(({ graph }) =>
    simplify({ ...graph, outputs: graph.outputs.filter((o) => o.name !== "values") }),
  );
  const values = simplify({
    inputs: made.graph.inputs.filter((n) => n.name === "theta"),
    outputs: outputs.filter((o) => o.name === "values"),
  });
  const pool = new ConstantPool();
  const parts = [
    ...steps.map((step, k) =>
      lowerGraph(step, {
        name: objectiveName(k),
        result: "value",
        inputs: Object.fromEntries(step.inputs.map((n) => [n.name, n.name])),
        outputs: {
          grad: "grad",
          ...(made.written && { [NEXT_THETA]: NEXT_THETA }),
          ...Object.fromEntries(turns[k].states.map((s) => [s.next, s.next])),
        },
        constants: pool,
        products,
      }),
    ),
    lowerGraph(values, {
      name: "params",
      inputs: { theta: "theta" },
      outputs: { values: "values" },
      constants: pool,
    }),
  ];
  const inputs = new Map(steps.flatMap((s) => s.inputs.map((n) => [n.name, n] as const)));
  const noise = noiseOf({ inputs: [...inputs.values()] }, made.noise);
  const rows = rowKernels(rowGroups(made.streams, batch));
  const known = new Set([
    "theta",
    NATURAL_RATE,
    ...noise.map((n) => n.buffer),
    ...made.states.map((s) => s.name),
  ]);
  const evaluations = turns.map(({ states }, k) => evaluateFunction(states, k));
  const module: KernelModule = {
    buffers: [
      workspace("theta", made.dimension),
      workspace("grad", made.dimension),
      workspace("values", made.valueCount),
      ...(made.written === undefined
        ? []
        : [workspace(NATURAL_RATE, 1), workspace(NEXT_THETA, made.dimension)]),
      ...noise.map((n) => workspace(n.buffer, noiseRoom(n.length))),
      ...made.states.flatMap((s) => [
        { ...workspace(s.name, elements(s.dims)), data: initial(s.dims, s.init) },
        workspace(s.next, elements(s.dims)),
      ]),
      // Rows of streams, also of those that the gradient turned out not to need.
      ...made.streams.map((s) => workspace(streamBuffer(s), rowsLength(s, batch))),
      ...[...inputs.values()]
        .filter((n) => !known.has(n.name) && !made.streams.some((s) => streamBuffer(s) === n.name))
        .map((n) => workspace(n.name, elements(n.shape))),
      ...rows.buffers,
      ...pool.buffers(),
      ...pool.scratchBuffers(),
    ],
    functions: [...parts.flatMap((p) => p.functions), ...rows.functions, ...evaluations],
  };
  const kernels = withOptimiser(module, {
    objective: "evaluate",
    params: "theta",
    gradient: "grad",
    length: made.dimension,
    noise: [...noise, ...rows.noise],
    rule,
    ...(made.written && {
      written: { rate: NATURAL_RATE, next: NEXT_THETA, mask: made.written },
    }),
    ...(made.players && {
      players: made.players.map(({ spans, steps: each }, k) => {
        return { objective: evaluationName(k), spans, steps: each };
      }),
    }),
  });
  const carried: Carried = {
    f64: [
      "theta",
      "opt_settings",
      "opt_first",
      "opt_second",
      "opt_average",
      ...made.states.map((s) => s.name),
    ],
    i32: rows.buffers.filter((b) => b.element === "i32").map((b) => b.name),
  };
  return { kernels, carried };
}

function initial(dims: readonly number[], value: number): Float64Array {
  return new Float64Array(Math.max(1, elements(dims))).fill(value);
}

const objectiveName = (player: number): string =>
  player === 0 ? "objective" : `objective.${player}`;
/** The function that a player's number and its gradient come from. */
export const evaluationName = (player: number): string =>
  player === 0 ? "evaluate" : `evaluate.${player}`;

/** Rows, value and gradient, and the states of the next step. */
function evaluateFunction(states: ObjectiveGraph["states"], player: number): KernelFunction {
  const value: Local = { name: "value", type: "f64" };
  const copies = states.map(
    (s): Stmt =>
      loop("i", i32(0), i32(elements(s.dims)), [
        store(s.name, index("i"), load(s.next, index("i"))),
      ]),
  );
  return {
    name: evaluationName(player),
    params: [],
    result: "f64",
    exported: true,
    body: [
      perform("rows", []),
      set(value, call(objectiveName(player), [])),
      ...copies,
      giveBack(get(value)),
    ],
  };
}

const streamBuffer = (s: StreamInput): string => `data.${s.name}`;

function rowsLength(s: StreamInput, batch: ReadonlyMap<string, number>): number {
  const { dims } = s.data;
  return (elements(dims) / dims[s.axis]) * (batch.get(s.size) ?? dims[s.axis]);
}

function rowGroups(
  streams: readonly StreamInput[],
  batch: ReadonlyMap<string, number>,
): RowGroup[] {
  const sizes = [...new Set(streams.map((s) => s.size))];
  return sizes.map((size) => {
    const own = streams.filter((s) => s.size === size);
    const all = own[0].data.dims[own[0].axis];
    const sources = own.map((s) => ({
      buffer: streamBuffer(s),
      data: s.data.data,
      outer: elements(s.data.dims.slice(0, s.axis)),
      inner: elements(s.data.dims.slice(s.axis + 1)),
    }));
    return { size, all, rows: batch.get(size) ?? all, sources };
  });
}

/** The params in their own coordinates at `theta`. */
export function paramValues(instance: KernelInstance): Float64Array {
  instance.call("params");
  return instance.f64("values").slice();
}
