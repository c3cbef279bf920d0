/** Renaming, splitting and replacing axes of terms. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { offsets, stridesBy } from "./arrays.js";
import { type Axis, axesSize, type Coefficient, type Reading, type Term } from "./terms.js";

export type Renaming = ReadonlyMap<Axis, readonly Axis[]>;

function mapFactors(
  t: Term,
  ofCoefficient: (c: Coefficient) => Coefficient,
  ofReading: (r: Reading) => Reading,
): Term {
  return {
    ...t,
    coefficients: t.coefficients.map(ofCoefficient),
    readings: t.readings.map(ofReading),
  };
}

/**
 * Each axis of the map becomes the axes given for it: one of its size, or several whose row-major
 * composite it is. All at once.
 */
export function rename(g: GraphBuilder, t: Term, to: Renaming): Term {
  const axesOf = (axes: readonly Axis[]): readonly Axis[] => axes.flatMap((a) => to.get(a) ?? [a]);
  const touches = (axes: readonly Axis[]): boolean => axes.some((a) => to.has(a));
  const renamed = mapFactors(
    t,
    (c) => {
      if (!touches(c.axes)) return c;
      const axes = axesOf(c.axes);
      if (c.kind === "constant") return { ...c, axes };
      const node = g.reshape(
        c.node,
        axes.map((a) => a.size),
      );
      return { ...c, axes, node };
    },
    (r) => (touches(r.axes) ? { ...r, axes: axesOf(r.axes) } : r),
  );
  return touches(t.sums) ? { ...renamed, sums: axesOf(t.sums) } : renamed;
}

/** For each replaced axis its value as a function of the new axes, row-major over them. */
export interface Replacement {
  readonly added: readonly Axis[];
  readonly maps: ReadonlyMap<Axis, Int32Array>;
}

/** How one factor's elements move: the new axes, and a table over those that stand for old ones. */
interface Move {
  readonly axes: readonly Axis[];
  readonly first: number;
  readonly used: readonly Axis[];
  readonly table: Int32Array;
  readonly tableAxes: readonly Axis[];
}

/** Terms with axes replaced by functions of new ones (what an operation that moves elements does). */
export function replace(g: GraphBuilder, t: Term, replacement: Replacement): Term {
  const { added, maps } = replacement;
  const dependence = new Map<Axis, ReadonlySet<Axis>>();
  for (const [axis, map] of maps) dependence.set(axis, dependsOn(map, added));
  const moveOf = (axes: readonly Axis[], strideOf: (a: Axis) => number): Move | undefined => {
    const used = axes.filter((a) => maps.has(a));
    if (used.length === 0) return undefined;
    const tableAxes = added.filter((a) => used.some((u) => dependence.get(u)?.has(a)));
    const at = offsets(tableAxes, stridesBy(added));
    const table = new Int32Array(at.length);
    for (const u of used) {
      const map = maps.get(u) as Int32Array;
      const stride = strideOf(u);
      for (let i = 0; i < at.length; i++) table[i] += map[at[i]] * stride;
    }
    const first = axes.indexOf(used[0]);
    const before = axes.slice(0, first);
    const after = axes.slice(first).filter((a) => !maps.has(a));
    return { axes: [...before, ...tableAxes, ...after], first, used, table, tableAxes };
  };
  const sources = (axes: readonly Axis[]): { from: Int32Array; move: Move } | undefined => {
    const strides = stridesBy(axes);
    const move = moveOf(axes, (a) => strides.get(a) as number);
    if (move === undefined) return undefined;
    const suffix = move.axes.slice(move.first + move.tableAxes.length);
    const prefix = offsets(move.axes.slice(0, move.first), strides);
    const tail = offsets(suffix, strides);
    const from = new Int32Array(prefix.length * move.table.length * tail.length);
    let at = 0;
    for (const p of prefix) {
      for (const m of move.table) {
        const base = p + m;
        for (let k = 0; k < tail.length; k++) from[at++] = base + tail[k];
      }
    }
    return { from, move };
  };
  return mapFactors(
    t,
    (c) => {
      if (c.kind === "node") {
        const packed = packedStrides(c.axes, maps);
        const move = moveOf(c.axes, (a) => packed.get(a) as number);
        return move === undefined
          ? c
          : { ...c, axes: move.axes, node: moveNode(g, c.node, c.axes, move) };
      }
      const moved = sources(c.axes);
      if (moved === undefined) return c;
      const data = new Float64Array(moved.from.length);
      for (let i = 0; i < data.length; i++) data[i] = c.data[moved.from[i]];
      return { ...c, axes: moved.move.axes, data };
    },
    (r) => {
      const moved = sources(r.axes);
      if (moved === undefined) return r;
      const { from, move } = moved;
      const index = from.map((i) => r.index[i]);
      const { second } = r;
      if (second === undefined) return { ...r, axes: move.axes, index };
      return { ...r, axes: move.axes, index, second: from.map((i) => second[i]) };
    },
  );
}

/** Strides among the replaced axes alone, in their order. */
function packedStrides(
  axes: readonly Axis[],
  maps: ReadonlyMap<Axis, Int32Array>,
): Map<Axis, number> {
  return stridesBy(axes.filter((a) => maps.has(a)));
}

function moveNode(g: GraphBuilder, node: Node, axes: readonly Axis[], move: Move): Node {
  const { used, first, table, tableAxes } = move;
  const at = used.map((u) => axes.indexOf(u));
  const rest = axes.map((_, k) => k).filter((k) => !at.includes(k));
  const order = [...rest.slice(0, first), ...at, ...rest.slice(first)];
  const together = order.every((k, i) => k === i) ? node : g.transpose(node, order);
  const shape = [
    ...rest.slice(0, first).map((k) => axes[k].size),
    axesSize(used),
    ...rest.slice(first).map((k) => axes[k].size),
  ];
  const indices = g.constant(
    Float64Array.from(table),
    tableAxes.map((a) => a.size),
    "int",
  );
  return g.gather(g.reshape(together, shape), indices, first);
}

/** The axes along which a map over `axes` is not constant. */
export function dependsOn(map: Int32Array, axes: readonly Axis[]): Set<Axis> {
  const strides = stridesBy(axes);
  const found = new Set<Axis>();
  for (const axis of axes) {
    const stride = strides.get(axis) as number;
    const block = stride * axis.size;
    for (let i = 0; i < map.length; i++) {
      // Each element against the first along the axis.
      const start = i - Math.floor((i % block) / stride) * stride;
      if (map[i] !== map[start]) {
        found.add(axis);
        break;
      }
    }
  }
  return found;
}
