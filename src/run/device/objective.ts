/** An objective of the language in the form that climbers on devices take. */

import type { Precision } from "../../device/contract.js";
import {
  NATURAL_RATE,
  NEXT_THETA,
  type ObjectiveGraph,
  type StreamInput,
} from "../../inference/objective/index.js";
import type { Rule } from "../../inference/stochastic/adam.js";
import { elements, noiseOf } from "../../inference/svi/compile.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { substitute } from "../../tensor/transform.js";
import type { Objective } from "./climber.js";
import { deviceNoise, deviceRows } from "./noise.js";

/** Rows of one size's minibatches. */
interface Group {
  readonly size: string;
  readonly all: number;
  readonly rows: number;
}

const rowsInput = (size: string): string => `rows.${size}`;
const allInput = (stream: StreamInput): string => `all.${stream.name}`;

/**
 * The objective with its data on the device, where each step draws the rows of its minibatch and
 * gathers them.
 */
export function deviceObjective(
  made: ObjectiveGraph,
  batch: ReadonlyMap<string, number>,
  rule: Rule,
  products?: Precision,
): Objective {
  const turns = made.players ?? [{ graph: made.graph, steps: 1, spans: [] }];
  const own = turns.map(({ graph }) =>
    simplify({ ...graph, outputs: graph.outputs.filter((o) => o.name !== "values") }),
  );
  const read = new Map(own.flatMap((g) => g.inputs.map((n) => [n.name, n] as const)));
  const noise = noiseOf({ inputs: [...read.values()] }, made.noise);
  const groups = groupsOf(made.streams, batch);
  const used = made.streams.filter((s) => read.has(`data.${s.name}`));
  const graphs = own.map((g) => (groups.length === 0 ? g : withRows(g, used, groups)));
  const data: Record<string, ArrayLike<number>> = {};
  for (const s of used) data[allInput(s)] = s.data.data;
  const initial: Record<string, ArrayLike<number>> = {};
  for (const s of made.states) initial[s.name] = new Float64Array(elements(s.dims)).fill(s.init);
  const isRead = new Set(graphs.flatMap((g) => g.inputs.map((n) => n.name)));
  const readOf = (values: Record<string, ArrayLike<number>>) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => isRead.has(name)));
  const state = made.states.filter((s) => isRead.has(s.name)).map((s) => [s.name, s.next]);
  // The streams of the rows come after those of the noise; a size that nothing reads has its own.
  const rows = deviceRows(
    groups.map(({ size, all }) => ({ input: rowsInput(size), all })),
    noise.length,
  );
  return {
    graph: graphs[0],
    ...(made.players && {
      players: made.players.map(({ steps, spans }, k) => ({ graph: graphs[k], steps, spans })),
    }),
    names: { value: "value", gradient: "grad", params: "theta" },
    noise: [...deviceNoise(noise), ...rows.filter((r) => isRead.has(r.input))],
    state: Object.fromEntries(state),
    rule,
    ...(products && { products }),
    ...(made.written && { written: { output: NEXT_THETA, mask: made.written } }),
    ...(isRead.has(NATURAL_RATE) && { rate: NATURAL_RATE }),
    data: readOf(data),
    initial: readOf(initial),
  };
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
function withRows(graph: Graph, streams: readonly StreamInput[], groups: readonly Group[]): Graph {
  const g = new SimplifyingBuilder();
  const rows = new Map(
    groups.map(({ size, rows: count }): [string, Node] => [
      size,
      g.input(rowsInput(size), [count], "int"),
    ]),
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
  return simplify({ inputs: g.inputs, outputs: named });
}
