/** The device's part of staged kernels: passes over the data as graphs. */
import { internalError } from "../../base/internal.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { Graph, InputNode, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { substitute } from "../../tensor/transform.js";
import type { DiscreteSite } from "../logjoint/discrete/index.js";
import { type expectedCounts, names } from "./compile.js";
import { inParts } from "./parts.js";
import { elementsOf } from "./patterns.js";
import { inRowBlocks } from "./row-blocks.js";
import { type StagedGraphs, type Stages, stageNames } from "./stage-parts.js";

/** Outputs of rank 0 that come in parts, which the host adds up in f64. */
const PARTS: ReadonlySet<string> = new Set([stageNames.logSum, stageNames.energy]);

export function deviceGraphs(
  stages: Stages & {
    readonly discrete: readonly DiscreteSite[];
    readonly made: ReturnType<typeof expectedCounts>;
  },
): StagedGraphs {
  const { patterns, discrete, entries, sums, tables, counts, data, made } = stages;
  const isJoint = !made.plan.groups.every((g) => {
    return g.kind === "aligned" && g.width === 1;
  });
  /** The data's places in a builder, filled when all else is made. */
  const begin = () => {
    const g = new SimplifyingBuilder();
    const replaced = new Map<Node, Node>();
    for (const input of data.keys()) {
      if (input.op === "input") replaced.set(input, g.input(input.name, input.shape, input.dtype));
    }
    return { g, replaced };
  };
  type Begun = ReturnType<typeof begin>;
  const items = patterns.reduce((n, p) => Math.max(n, p.tuples), 1);
  const end = (g: SimplifyingBuilder, outputs: Graph["outputs"], room: number): Graph => {
    const found = simplify({ inputs: g.inputs, outputs });
    const byName = new Map([...data].map(([n, c]) => [n.op === "input" ? n.name : "", c]));
    const blocked = inRowBlocks(found, { rows: items, room, parts: PARTS, data: byName });
    if (blocked !== undefined) return blocked;
    const plain = new GraphBuilder();
    const whole = new Map<Node, Node>();
    const inputs: InputNode[] = [];
    for (const n of found.inputs) {
      const known = byName.get(n.name);
      const node =
        known === undefined
          ? plain.input(n.name, n.shape, n.dtype)
          : plain.constant(known.data, known.shape, known.dtype);
      whole.set(n, node);
      if (node.op === "input") inputs.push(node);
    }
    const nodes = substitute(
      plain,
      found.outputs.map((o) => o.node),
      whole,
    );
    return {
      inputs,
      outputs: found.outputs.map(({ name }, k) => {
        return { name, node: PARTS.has(name) ? inParts(plain, nodes[k]) : nodes[k] };
      }),
    };
  };
  const tablesIn = ({ g, replaced }: Begun): Node[] => {
    entries.forEach((n, j) => {
      replaced.set(n, g.input(stageNames.input(j), n.shape));
    });
    return substitute(g, tables, replaced);
  };
  const over = (g: SimplifyingBuilder, graph: Graph, at: readonly Node[]): Map<string, Node> => {
    const inner = new Map<Node, Node>(graph.inputs.map((n, k) => [n, at[k]]));
    const nodes = substitute(
      g,
      graph.outputs.map((o) => o.node),
      inner,
    );
    return new Map(graph.outputs.map((o, k) => [o.name, nodes[k]]));
  };
  const countsIn = (begun: Begun) => {
    const found = over(begun.g, made.counts, tablesIn(begun));
    const own = counts.map((n) => found.get(n.name) ?? internalError("a table without counts"));
    return { own, logSum: found.get(stageNames.logSum) ?? internalError("no log sum") };
  };
  const sumsAt = ({ g, replaced }: Begun, at: readonly Node[]): Graph["outputs"] => {
    counts.forEach((n, k) => {
      replaced.set(n, at[k]);
    });
    return substitute(g, sums, replaced).map((node, j) => ({ name: stageNames.sum(j), node }));
  };
  const drawn = (room: number): Graph => {
    const begun = begin();
    const { g } = begun;
    const at = tablesIn(begun);
    const marginals = over(g, made.marginals, at);
    const draws = discrete.map((site, s) => {
      const elements = elementsOf(site);
      const p = marginals.get(names.marginals(s)) ?? internalError("no marginals");
      const uniform = g.input(stageNames.uniform(s), [elements]);
      g.input(stageNames.kept(s), [elements]);
      return { site, elements, ...drawnRows(g, g.reshape(p, [elements, site.count]), uniform) };
    });
    const drawnCounts = patterns.map(({ references: [r], shared, tuples }, k): Node => {
      const found = draws.find((d) => d.site === r.site) ?? internalError("no draw of a site");
      const own = Array.from(r.elements, (e) => e - found.site.offset);
      const isWhole = own.length === found.elements && own.every((e, i) => e === i);
      const rows = isWhole ? found.rows : g.gather(found.rows, g.constant(own, [tuples], "int"), 0);
      return g.reshape(shared ? g.sum(rows, [0]) : rows, counts[k].shape);
    });
    // What has no weight is not drawn, and its logs may be infinite.
    const energies = drawnCounts.map((c, k) =>
      g.sum(g.select(g.gt(c, 0), g.mul(c, at[k]), g.zeros(c.shape))),
    );
    const energy = energies.reduce((x, y) => g.add(x, y));
    const outputs = [
      { name: stageNames.energy, node: energy },
      ...draws.flatMap(({ rows, labels }, s) => [
        { name: stageNames.sizes(s), node: g.sum(rows, [0]) },
        { name: stageNames.labels(s), node: labels },
      ]),
      ...sumsAt(begun, drawnCounts),
    ];
    return end(g, outputs, room);
  };
  return {
    expect: (room) => {
      const begun = begin();
      const { own, logSum } = countsIn(begun);
      const value = { name: stageNames.logSum, node: logSum };
      return end(begun.g, [value, ...sumsAt(begun, own)], room);
    },
    atCounts: (room) => {
      const begun = begin();
      const at = counts.map((n) => begun.g.input(n.name, n.shape));
      return end(begun.g, sumsAt(begun, at), room);
    },
    sharpened: (share, room) => {
      const begun = begin();
      const { own } = countsIn(begun);
      const at = own.map((c, p) => (patterns[p].shared ? c : sharpened(begun.g, c, share)));
      return end(begun.g, sumsAt(begun, at), room);
    },
    drawn: isJoint || patterns.some((p) => p.references.length > 1) ? undefined : drawn,
    marginals: (room) => {
      const begun = begin();
      const at = tablesIn(begun);
      const found = [...over(begun.g, made.marginals, at)];
      // Joint draws of sites that hang together need the tables.
      const shown = isJoint ? at.map((node, k): [string, Node] => [names.table(k), node]) : [];
      return end(
        begun.g,
        [...found, ...shown].map(([name, node]) => ({ name, node })),
        room,
      );
    },
  };
}

/** Rows (of the first axis) with `share` of their sum moved to the first of their largest. */
function sharpened(g: SimplifyingBuilder, counts: Node, share: number): Node {
  const rows = counts.shape[0];
  const width = sizeOf(counts.shape) / rows;
  const flat = g.reshape(counts, [rows, width]);
  const spread = (x: Node): Node => g.broadcast(x, [rows, width], [0]);
  const isLargest = g.select(
    g.ge(flat, spread(g.reduce("max", flat, [1]))),
    g.ones([rows, width]),
    g.zeros([rows, width]),
  );
  const before = g.cumulative("sum", isLargest, 1, { exclusive: true });
  const isFirst = g.select(g.lt(before, 0.5), isLargest, g.zeros([rows, width]));
  const moved = g.mul(g.mul(isFirst, share), spread(g.sum(flat, [1])));
  return g.reshape(g.add(g.mul(flat, 1 - share), moved), counts.shape);
}

/** Of every row of probabilities the value at a uniform number, and rows that have 1 there. */
function drawnRows(
  g: SimplifyingBuilder,
  p: Node,
  uniform: Node,
): { readonly rows: Node; readonly labels: Node } {
  const [elements, count] = p.shape;
  const spread = (x: Node): Node => g.broadcast(x, p.shape, [0]);
  const reached = g.cumulative("sum", p, 1);
  // Rounding leaves the last a little off 1: it is the whole.
  const whole = g.reshape(g.slice(reached, [0, count - 1], [elements, 1]), [elements]);
  const wanted = g.mul(uniform, whole);
  const isBelow = g.lt(reached, spread(wanted));
  const labels = g.sum(g.select(isBelow, g.ones(p.shape), g.zeros(p.shape)), [1]);
  const values = g.broadcast(g.iota(count), p.shape, [1]);
  const rows = g.select(g.eq(values, spread(labels)), g.ones(p.shape), g.zeros(p.shape));
  return { rows, labels };
}
