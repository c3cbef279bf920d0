/**
 * Recurrences that no loop walks in fixed steps: trees (`x[parent[i]]`), two loops at once (`F[t − 1, j]`
 * and `F[t, j − 1]`), sums over all that came before. Each element is a level above those that it reads;
 * a scan goes from level to level, carries as many levels back as any element reads, and computes the
 * elements of a level at once. Which element reads which follows from the data alone.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { elementName, unravel } from "../../model/data.js";
import type { Expr, IndexArg } from "../../model/ir.js";
import { sizeConst } from "../../model/size.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { type Axis, axisSizes, type Context, type Lowered, spread } from "./context.js";
import { type DimSpec, dimSpec, flattenIndex, indexInto, nameOf, usedTuples } from "./indexing.js";
import { arrangeLevels, type Levels } from "./level-order.js";
import type { Lowerer } from "./lowerer.js";
import { type ArrayShape, assemblePartly, elementsAt, type Piece, valueOver } from "./pieces.js";
import { bodyLowerer, Handed, Imports, type Refuse, withoutAxis, withType } from "./scan-body.js";
import { type Definition, targetPositions, tupleCount } from "./scopes.js";

type LetStmt = Extract<Definition["stmt"], { kind: "let" }>;

/** One recurrent statement with all its index tuples in one list. */
interface Statement {
  readonly stmt: LetStmt;
  readonly context: Context;
  readonly count: number;
  readonly shape: ArrayShape;
  /** The element that each tuple defines. */
  readonly positions: Float64Array;
}

/** The piece of each variable; the statements are in the order of the text. */
export function runLevels(
  l: Lowerer,
  definitions: readonly Definition[],
  contexts: readonly Context[],
  shapes: ReadonlyMap<string, ArrayShape>,
  base: ReadonlyMap<string, readonly Piece[]>,
  refuse: Refuse,
): Map<string, Piece> {
  const statements: Statement[] = [];
  definitions.forEach(({ stmt }, k) => {
    const count = tupleCount(contexts[k]);
    if (stmt.kind !== "let" || count === 0) return;
    const context = listed(contexts[k], `${stmt.name} at ${k}`, everyTuple(count));
    const shape = shapes.get(stmt.name) ?? internalError(`no shape of ${stmt.name}`);
    const positions = targetPositions(l, stmt.name, stmt.indices, shape.batch, context);
    statements.push({ stmt, context, count, shape, positions });
  });
  const reads = statements.map((s) => readsOf(l, s, shapes, refuse));
  const levels = arrangeLevels(
    statements.map((s) => ({ name: s.stmt.name, positions: s.positions })),
    reads,
    new Map([...base].map(([name, pieces]) => [name, pieces.map((p) => p.positions)])),
    (name) => fail("definition_circular", shapes.get(name)?.span, { name }),
    (name, position) => {
      const shape = shapes.get(name) ?? internalError(`no shape of ${name}`);
      const element = elementName(name, unravel(position, shape.batch));
      return fail("element_undefined", shape.span, { element });
    },
  );
  return new LevelScan(l, statements, shapes, base, levels, refuse).run();
}

const everyTuple = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The chosen index tuples of a context, in the given order, as one axis. */
function listed(context: Context, name: string, chosen: readonly number[]): Context {
  const axis: Axis = { name, size: chosen.length };
  const vars = new Map(
    [...context.vars].map(([variable, v]) => {
      const all = spread(v.values, [v.axis], context.axes);
      return [variable, { axis, values: Float64Array.from(chosen, (i) => all[i]) }];
    }),
  );
  return { axes: [axis], vars, locals: context.locals };
}

/** One read of a recurrent variable, for all steps. */
interface Read {
  readonly shape: ArrayShape;
  /** The elements, over all steps, then `axes`, then `event`. */
  readonly positions: Float64Array;
  readonly axes: readonly Axis[];
  readonly event: readonly number[];
  /** Which of them count, over all steps and `axes`. */
  readonly used: Float64Array;
  /** What the text takes of an element. */
  readonly rest: readonly IndexArg[];
}

/** What `e` reads of the recurrent variables, if it is such a read. */
function readAt(
  imports: Imports,
  shapes: ReadonlyMap<string, ArrayShape>,
  e: Expr,
  context: Context,
): Read | undefined {
  if (e.kind !== "var" && e.kind !== "index") return undefined;
  const { target, indices } = e.kind === "index" ? flattenIndex(e) : { target: e, indices: [] };
  const shape = target.kind === "var" ? shapes.get(target.name) : undefined;
  if (shape === undefined) return undefined;
  const outer = imports.outerOf(context);
  const what = nameOf(target);
  const specs = shape.batch.map((size, dim): DimSpec => {
    const index = indices[dim];
    if (index === undefined) return { kind: "keep" };
    return dimSpec(imports.lowerer, index, size, dim, outer, what, e.span);
  });
  const names = new Set(
    specs.flatMap((s) => (s.kind === "gather" ? s.axes : [])).map((a) => a.name),
  );
  const axes = outer.axes.filter((a) => a.name !== imports.axis.name && names.has(a.name));
  const own = specs.map((s, dim) => ownAxes(s, dim, shape.batch[dim]));
  const places = [imports.axis, ...axes];
  const all = [...places, ...own.flat()];
  const positions = new Float64Array(axisSizes(all).reduce((n, d) => n * d, 1));
  specs.forEach((s, dim) => {
    const [values, from] = specValues(s, own[dim]);
    const at = spread(values, from, all);
    for (let i = 0; i < positions.length; i++) {
      positions[i] = positions[i] * shape.batch[dim] + at[i];
    }
  });
  const used = usedTuples(places, outer);
  const event = axisSizes(own.flat());
  return { shape, positions, axes, event, used, rest: indices.slice(shape.batch.length) };
}

/** The dimensions of the result that one index leaves, as axes of their own. */
function ownAxes(s: DimSpec, dim: number, size: number): Axis[] {
  const named = (n: number, k: number): Axis => ({ name: `#${dim}.${k}`, size: n });
  switch (s.kind) {
    case "pick":
      return [];
    case "keep":
      return [named(size, 0)];
    case "slice":
      return [named(s.size, 0)];
    case "gather":
      return s.event.map(named);
  }
}

function specValues(s: DimSpec, own: readonly Axis[]): [Float64Array, readonly Axis[]] {
  switch (s.kind) {
    case "pick":
      return [Float64Array.of(s.at), []];
    case "keep":
      return [Float64Array.from(everyTuple(own[0].size)), own];
    case "slice":
      return [Float64Array.from(everyTuple(s.size), (i) => s.start + i), own];
    case "gather":
      return [s.values, [...s.axes, ...own]];
  }
}

/** The read's value from that of its elements: `rest` is applied to each. */
function elementValue(
  l: Lowerer,
  read: Read,
  node: Node,
  slot: Axis,
  context: Context,
  e: Expr,
): Lowered {
  const value: Lowered = { node, axes: [slot, ...read.axes] };
  if (read.rest.length === 0) return value;
  const whole = read.event.map(
    (size): IndexArg => ({ kind: "range", size: sizeConst(size), span: e.span }),
  );
  // The loops in front stay as they are.
  return indexInto(l, value, [...whole, ...read.rest], context, read.shape.name, e.span);
}

/** By tuple, the elements that a statement reads: found by lowering it over nothing. */
function readsOf(
  l: Lowerer,
  s: Statement,
  shapes: ReadonlyMap<string, ArrayShape>,
  refuse: Refuse,
): { readonly name: string; readonly position: number }[][] {
  const out: { name: string; position: number }[][] = everyTuple(s.count).map(() => []);
  const body = new GraphBuilder();
  const [axis] = s.context.axes;
  const slot: Axis = { name: `${axis.name} slot`, size: s.count };
  const imports = new Imports(l, body, new Handed(), axis, slot);
  let reads = 0;
  const inner: Lowerer = bodyLowerer(imports, shapes, refuse, (e, context) => {
    const read = readAt(imports, shapes, e, context);
    if (read === undefined) return undefined;
    const { shape, positions, used } = read;
    const width = read.event.reduce((n, d) => n * d, 1);
    const perTuple = used.length / s.count;
    used.forEach((u, i) => {
      if (u === 0) return;
      const list = out[Math.floor(i / perTuple)];
      for (let k = 0; k < width; k++) {
        list.push({ name: shape.name, position: positions[i * width + k] });
      }
    });
    const dims = [s.count, ...axisSizes(read.axes), ...read.event, ...shape.event];
    const node = body.input(`read${reads++}`, dims, shape.scalar);
    return elementValue(inner, read, node, slot, context, e);
  });
  valueOver(inner, s.stmt.value, bodyContext(imports, s.context, slot), s.shape.event);
  return out;
}

/** The context inside: the places of one step in place of those of all steps. */
function bodyContext(imports: Imports, outer: Context, slot: Axis): Context {
  const made = { ...withoutAxis(outer, imports.axis), axes: [slot] };
  imports.remember(made, outer);
  return made;
}

/** The scans over the levels, one after the other where a statement begins or ends between them. */
class LevelScan {
  /** What is carried, by variable: the last levels' elements, the nearest first. */
  readonly #carried = new Map<string, Node>();
  readonly #found = new Map<string, { positions: number[]; values: Node[] }>();

  constructor(
    readonly l: Lowerer,
    readonly statements: readonly Statement[],
    readonly shapes: ReadonlyMap<string, ArrayShape>,
    readonly base: ReadonlyMap<string, readonly Piece[]>,
    readonly levels: Levels,
    readonly refuse: Refuse,
  ) {
    const { g } = l;
    for (const [name, { depth, width }] of levels.members) {
      const { event, scalar } = this.shape(name);
      if (depth > 0) this.#carried.set(name, g.full([depth * width, ...event], 0, scalar));
      this.#found.set(name, { positions: [], values: [] });
    }
  }

  shape(name: string): ArrayShape {
    return this.shapes.get(name) ?? internalError(`no shape of ${name}`);
  }

  run(): Map<string, Piece> {
    for (const phase of this.levels.phases) this.phase(phase.from, phase.to, phase.active);
    const out = new Map<string, Piece>();
    for (const [name, { positions, values }] of this.#found) {
      if (positions.length === 0) continue;
      out.set(name, {
        positions: Float64Array.from(positions),
        values: this.l.g.concat(values, 0),
      });
    }
    return out;
  }

  /** Levels `from` to `to` with the statements that are at work there. */
  phase(from: number, to: number, active: readonly number[]): void {
    const { l, levels } = this;
    const length = to - from;
    const body = new GraphBuilder();
    const handed = new Handed();
    const carry = new Map<string, InputNode>();
    for (const [name, node] of this.#carried) {
      carry.set(name, body.input(`carry_${name}`, node.shape, node.dtype));
    }
    /** This level's elements so far, by variable and statement. */
    const rows = new Map<number, Node>();
    for (const k of active) {
      const s = this.statements[k];
      const width = levels.widths[k];
      const chosen: number[] = [];
      for (let at = from; at < to; at++) chosen.push(...levels.tuplesAt(k, at));
      const context = listed(s.context, `${s.context.axes[0].name} from ${from}`, chosen);
      const [axis] = context.axes;
      const slot: Axis = { name: `${axis.name} slot`, size: width };
      const imports = new Imports(l, body, handed, axis, slot);
      const inner: Lowerer = bodyLowerer(imports, this.shapes, this.refuse, (e, place) => {
        const read = readAt(imports, this.shapes, e, place);
        if (read === undefined) return undefined;
        const node = this.elements(imports, read, k, from, carry, rows);
        return elementValue(inner, read, node, slot, place, e);
      });
      const value = valueOver(
        inner,
        s.stmt.value,
        bodyContext(imports, context, slot),
        s.shape.event,
      );
      rows.set(k, withType(inner, value, s.shape.scalar));
    }
    const nextCarry = [...carry].map(([name, before]) => {
      const now = this.levelRow(body, name, rows, this.statements.length);
      const { depth, width } = levels.members.get(name) ?? internalError(`no member ${name}`);
      if (depth === 1) return now;
      const starts = before.shape.map(() => 0);
      const kept = body.slice(before, starts, [(depth - 1) * width, ...before.shape.slice(1)]);
      return body.concat([now, kept], 0);
    });
    const ys = active.map((k) => rows.get(k) ?? internalError("a statement without a row"));
    const scanned = l.g.scanOf(
      { length, init: [...this.#carried.values()], xs: handed.xs, consts: handed.consts },
      { carry: [...carry.values()], slices: handed.slices, consts: handed.shared, nextCarry, ys },
    );
    [...carry.keys()].forEach((name, i) => {
      this.#carried.set(name, scanned.carry[i]);
    });
    active.forEach((k, i) => {
      this.collect(k, from, to, scanned.ys[i]);
    });
  }

  /** The elements of one level of a variable, those of statements before `end`. */
  levelRow(body: GraphBuilder, name: string, rows: ReadonlyMap<number, Node>, end: number): Node {
    const { event, scalar } = this.shape(name);
    const parts = this.statements.flatMap((s, k) => {
      if (s.stmt.name !== name || k >= end) return [];
      return [rows.get(k) ?? body.full([this.levels.widths[k], ...event], 0, scalar)];
    });
    return parts.length === 1 ? parts[0] : body.concat(parts, 0);
  }

  /** The read elements: of the start, of this level, of levels before. */
  elements(
    imports: Imports,
    read: Read,
    k: number,
    from: number,
    carry: ReadonlyMap<string, InputNode>,
    rows: ReadonlyMap<number, Node>,
  ): Node {
    const { body, lowerer: l } = imports;
    const { name } = read.shape;
    const { levels } = this;
    const member = levels.members.get(name) ?? internalError(`no member ${name}`);
    const perTuple = read.used.length / imports.axis.size;
    const inElement = read.event.reduce((n, d) => n * d, 1);
    const slots = levels.widths[k];
    const before = this.statements
      .slice(0, k)
      .reduce((n, s, j) => n + (s.stmt.name === name ? levels.widths[j] : 0), 0);
    // Where each element stands: in the start's list, at a place of this level, or so many back.
    const starts = new Map<number, number>();
    const indices = new Float64Array(read.positions.length);
    let readsNow = false;
    const kinds = read.positions.map((p, i) => {
      if (read.used[Math.floor(i / inElement)] === 0) return 0;
      const at = levels.placeOf(name, p);
      if (at === undefined) {
        if (!starts.has(p)) starts.set(p, starts.size);
        indices[i] = starts.get(p) ?? 0;
        return 1;
      }
      const level = from + Math.floor(i / inElement / perTuple / slots);
      if (at.level === level) {
        readsNow = true;
        indices[i] = at.place;
        return 2;
      }
      indices[i] = (level - at.level - 1) * member.width + at.place;
      return 3;
    });
    const parts: Node[] = [];
    const offsets = [0, 0, starts.size, starts.size + (readsNow ? before : 0)];
    if (starts.size > 0) {
      const whole = assemblePartly(l.g, read.shape, this.base.get(name) ?? []);
      const chosen = elementsAt(l, whole, read.shape, Float64Array.from(starts.keys()));
      const node = withType(l, chosen, read.shape.scalar);
      parts.push(imports.handIn({ node, axes: [] }).node);
    }
    if (readsNow) parts.push(this.levelRow(body, name, rows, k));
    const carried = carry.get(name);
    if (carried !== undefined) parts.push(carried);
    const pool =
      parts.length === 0
        ? body.full([1, ...read.shape.event], 0, read.shape.scalar)
        : parts.length === 1
          ? parts[0]
          : body.concat(parts, 0);
    const at = indices.map((v, i) => v + offsets[kinds[i]]);
    const { node } = imports.data(at, read.axes, read.event, "int");
    return body.gather(pool, node, 0);
  }

  /** The elements that a phase has made of statement k. */
  collect(k: number, from: number, to: number, ys: Node): void {
    const { l, levels } = this;
    const { shape, positions, stmt } = this.statements[k];
    const width = levels.widths[k];
    const rows: number[] = [];
    const own: number[] = [];
    for (let at = from; at < to; at++) {
      levels
        .tuplesAt(k, at)
        .slice(0, levels.countAt(k, at))
        .forEach((tuple, slot) => {
          own.push(positions[tuple]);
          rows.push((at - from) * width + slot);
        });
    }
    const eventSize = shape.event.reduce((n, d) => n * d, 1);
    const flat = l.g.reshape(ys, [(to - from) * width, eventSize]);
    const isAll = rows.length === (to - from) * width;
    const index = l.g.constant(rows, [rows.length], "int");
    const found = this.#found.get(stmt.name) ?? internalError(`no member ${stmt.name}`);
    found.positions.push(...own);
    found.values.push(isAll ? flat : l.g.gather(flat, index, 0));
  }
}
