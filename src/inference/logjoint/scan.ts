/**
 * Recurrences as scans. Everything in the loop's body that does not depend on the recurrence is
 * computed outside for all steps at once and handed in row by row; earlier elements are carried,
 * as many steps back as the body reads.
 */
import { fail, TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Expr } from "../../model/ir.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { type Axis, axisSizes, type Context, type Lowered, spread } from "./context.js";
import { applySpecs, type DimSpec, dimSpec, flattenIndex, nameOf, usedTuples } from "./indexing.js";
import { runLevels } from "./levels.js";
import { hostInts, type Lowerer } from "./lowerer.js";
import {
  type ArrayShape,
  assemblePartly,
  definedElements,
  type Piece,
  valueOver,
} from "./pieces.js";
import { bodyLowerer, Handed, Imports, type Refuse, withoutAxis, withType } from "./scan-body.js";
import { contextOf, type Definition, targetPositions, tupleCount } from "./scopes.js";
import type { Variables } from "./variable-table.js";

type LetStmt = Extract<Definition["stmt"], { kind: "let" }>;

/** One recurrent variable: which dim the loop walks, and where step 0 writes. */
interface Member {
  readonly shape: ArrayShape;
  /** The loop dim that is walked. */
  readonly dim: number;
  /** Step s writes the row at `start + s`. */
  readonly start: number;
  readonly rowShape: ArrayShape;
  /** Carried rows by lag (index 0 is lag 1), made as the body reads them. */
  readonly carry: InputNode[];
  /** The row of this step, once its statements are lowered. */
  pieces: Piece[];
}

/**
 * The piece of each variable that the scan computes. The loop that is walked is the outermost one
 * along which every read goes a fixed number of steps back; where there is none, the elements go by
 * levels.
 */
export function runScan(
  l: Lowerer,
  vars: Variables,
  definitions: readonly Definition[],
  shapes: ReadonlyMap<string, ArrayShape>,
  base: ReadonlyMap<string, readonly Piece[]>,
): Map<string, Piece> {
  const first = definitions[0];
  const refuse = (reason: string): never =>
    fail("recurrence_unsupported", first.stmt.span, { name: first.stmt.name, reason });
  const contexts = definitions.map((d) => contextOf(l, vars.contexts, d.scope));
  const shared = contexts[0].axes.filter((a) =>
    contexts.every((c) => c.axes.some((b) => b.name === a.name)),
  );
  if (contexts.every((c) => tupleCount(c) === 0)) return new Map();
  for (const axis of shared) {
    try {
      return scanAlong(l, definitions, contexts, axis, shapes, base, refuse);
    } catch (error) {
      const isRefusal =
        error instanceof TildeError && error.diagnostics[0].code === "recurrence_unsupported";
      if (!isRefusal) throw error;
    }
  }
  return runLevels(l, definitions, contexts, shapes, base, refuse);
}

function scanAlong(
  l: Lowerer,
  definitions: readonly Definition[],
  contexts: readonly Context[],
  axis: Axis,
  shapes: ReadonlyMap<string, ArrayShape>,
  base: ReadonlyMap<string, readonly Piece[]>,
  refuse: Refuse,
): Map<string, Piece> {
  const body = new GraphBuilder();
  const members = new Map<string, Member>();
  definitions.forEach((d, k) => {
    if (members.has(d.stmt.name)) return;
    const shape = shapes.get(d.stmt.name) ?? internalError(`no shape of ${d.stmt.name}`);
    members.set(d.stmt.name, memberOf(l, d, contexts[k], axis, shape, refuse));
  });

  const handed = new Handed();
  const imports = new Imports(l, body, handed, axis);
  const inner = bodyLowerer(imports, members, refuse, (e, context) =>
    readMember(inner, imports, members, e, context, refuse),
  );

  for (let k = 0; k < definitions.length; k++) {
    const stmt = definitions[k].stmt as LetStmt;
    const member = members.get(stmt.name) ?? internalError(`no member ${stmt.name}`);
    const bodyContext = withoutAxis(contexts[k], axis);
    imports.remember(bodyContext, { ...contexts[k], axes: [axis, ...bodyContext.axes] });
    const rowIndices = stmt.indices.filter((_, d) => d !== member.dim);
    const positions = targetPositions(
      inner,
      stmt.name,
      rowIndices,
      member.rowShape.batch,
      bodyContext,
    );
    const values = valueOver(inner, stmt.value, bodyContext, member.shape.event);
    const eventSize = member.shape.event.reduce((n, d) => n * d, 1);
    member.pieces = [
      ...member.pieces,
      { positions, values: body.reshape(values, [tupleCount(bodyContext), eventSize]) },
    ];
  }
  return finish(l, body, axis, members, handed, base, refuse);
}

/** Closes the body over its carries and reads the scan's rows back as pieces. */
function finish(
  l: Lowerer,
  body: GraphBuilder,
  axis: Axis,
  members: ReadonlyMap<string, Member>,
  handed: Handed,
  base: ReadonlyMap<string, readonly Piece[]>,
  refuse: Refuse,
): Map<string, Piece> {
  const carry: InputNode[] = [];
  const nextCarry: Node[] = [];
  const init: Node[] = [];
  const ys: Node[] = [];
  for (const [name, m] of members) {
    const defined = definedElements(m.rowShape, m.pieces);
    if (defined.includes(0)) refuse(`a step does not define every element of a row of ${name}`);
    const row = assemblePartly(body, m.rowShape, m.pieces);
    ys.push(row);
    const known = base.get(name) ?? [];
    m.carry.forEach((input, k) => {
      carry.push(input);
      nextCarry.push(k === 0 ? row : m.carry[k - 1]);
      const at = m.start - (k + 1);
      const row0 = at < 0 ? l.g.zeros(input.shape) : knownRow(l, m, known, at);
      init.push(withType(l, row0, input.dtype));
    });
  }
  const scanned = l.g.scanOf(
    { length: axis.size, init, xs: handed.xs, consts: handed.consts },
    { carry, slices: handed.slices, consts: handed.shared, nextCarry, ys },
  );
  const out = new Map<string, Piece>();
  let k = 0;
  for (const [name, m] of members) {
    const rows = scanned.ys[k++];
    const eventSize = m.shape.event.reduce((n, d) => n * d, 1);
    const positions = rowPositions(m, axis.size);
    out.set(name, { positions, values: l.g.reshape(rows, [positions.length, eventSize]) });
  }
  return out;
}

/**
 * The row at `at` of what is defined outside the loop. Only its own elements are picked, so that
 * the gradient does not pass through the whole array.
 */
function knownRow(l: Lowerer, m: Member, known: readonly Piece[], at: number): Node {
  const { batch } = m.shape;
  const inside = batch.slice(m.dim + 1).reduce((n, d) => n * d, 1);
  const rows: Piece[] = [];
  for (const { positions, values } of known) {
    const chosen: number[] = [];
    const to: number[] = [];
    positions.forEach((p, i) => {
      if (Math.floor(p / inside) % batch[m.dim] !== at) return;
      const before = Math.floor(p / (inside * batch[m.dim]));
      chosen.push(i);
      to.push(before * inside + (p % inside));
    });
    if (chosen.length === 0) continue;
    const indices = l.g.constant(chosen, [chosen.length], "int");
    rows.push({ positions: Float64Array.from(to), values: l.g.gather(values, indices, 0) });
  }
  return assemblePartly(l.g, m.rowShape, rows);
}

/** Row-major positions of the scanned rows, step by step. */
function rowPositions(m: Member, steps: number): Float64Array {
  const { batch } = m.shape;
  const inside = batch.slice(m.dim + 1).reduce((n, d) => n * d, 1);
  const before = batch.slice(0, m.dim).reduce((n, d) => n * d, 1);
  const out = new Float64Array(steps * before * inside);
  let next = 0;
  for (let s = 0; s < steps; s++) {
    for (let a = 0; a < before; a++) {
      for (let b = 0; b < inside; b++) {
        out[next++] = (a * batch[m.dim] + m.start + s) * inside + b;
      }
    }
  }
  return out;
}

function memberOf(
  l: Lowerer,
  d: Definition,
  context: Context,
  axis: Axis,
  shape: ArrayShape,
  refuse: Refuse,
): Member {
  const walked: { dim: number; start: number }[] = [];
  d.stmt.indices.forEach((index, dim) => {
    const at = l.lower(index, context);
    if (!at.axes.some((a) => a.name === axis.name)) return;
    const values = hostInts(l, at);
    const isUnitStep = at.axes.length === 1 && values.every((v, i) => v === values[0] + i);
    if (!isUnitStep) refuse("its target does not go up by one each step");
    walked.push({ dim, start: values[0] });
  });
  if (walked.length !== 1) refuse("the loop must walk exactly one axis of it");
  const [{ dim, start }] = walked;
  const batch = shape.batch.filter((_, k) => k !== dim);
  return { shape, dim, start, rowShape: { ...shape, batch }, carry: [], pieces: [] };
}

/** `m[t − 1]`, `m[t − k]` over inner loops, or an element of this very step. */
function readMember(
  l: Lowerer,
  imports: Imports,
  members: ReadonlyMap<string, Member>,
  e: Expr,
  context: Context,
  refuse: Refuse,
): Lowered | undefined {
  if (e.kind === "var" && members.has(e.name)) return refuse(`\`${e.name}\` is read as a whole`);
  if (e.kind !== "index") return undefined;
  const { target, indices } = flattenIndex(e);
  if (target.kind !== "var") return undefined;
  const member = members.get(target.name);
  if (member === undefined) return undefined;
  const outer = imports.outerOf(context);
  const { batch, event } = member.shape;
  const dims = [...batch, ...event];
  const what = nameOf(target);
  const specs = dims.map((size, dim): DimSpec => {
    const index = indices[dim];
    if (index === undefined) return { kind: "keep" };
    const spec = dimSpec(imports.lowerer, index, size, dim, outer, what, e.span);
    const moves = spec.kind === "gather" && spec.axes.some((a) => a.name === imports.axis.name);
    if (moves && dim !== member.dim) refuse(`it reads \`${what}\` at places that change`);
    return spec;
  });
  const own = specs[member.dim];
  if (own.kind !== "gather") return refuse(`it reads a fixed element of \`${what}\``);
  const { lags, axes } = lagsOf(own, member, outer, refuse, what);
  const furthest = lags.reduce((a, b) => Math.max(a, b), 0);
  const rowOf = (lag: number): Node => rowAt(l, member, lag, refuse, what);
  if (axes.length === 0 && own.event.length === 0) {
    const rowSpecs = specs.filter((_, d) => d !== member.dim);
    return applySpecs(l, rowOf(lags[0]), rowSpecs, context);
  }
  const nearest = lags.reduce((a, b) => Math.min(a, b), furthest);
  const rows = Array.from({ length: furthest - nearest + 1 }, (_, k) => rowOf(nearest + k));
  const values = lags.map((lag) => lag - nearest);
  const window = specs.map((s, d) =>
    d === member.dim ? ({ kind: "gather", values, axes, event: own.event } as const) : s,
  );
  return applySpecs(l, l.g.stack(rows, member.dim), window, context);
}

/** How many steps back each read goes: the same at every step where the read counts. */
function lagsOf(
  spec: Extract<DimSpec, { kind: "gather" }>,
  member: Member,
  outer: Context,
  refuse: Refuse,
  what: string,
): { lags: Float64Array; axes: Axis[] } {
  const [scanAxis] = outer.axes;
  const inner = spec.axes.filter((a) => a.name !== scanAxis.name);
  const all = [scanAxis, ...inner];
  const width = spec.event.reduce((n, d) => n * d, 1);
  const rest = axisSizes(inner).reduce((n, d) => n * d, 1);
  const eventAxis: Axis = { name: "#event", size: width };
  const values = spread(spec.values, [...spec.axes, eventAxis], [...all, eventAxis]);
  const counts = usedTuples(all, outer);
  const lags = new Float64Array(rest * width).fill(Number.NaN);
  for (let s = 0; s < scanAxis.size; s++) {
    for (let i = 0; i < rest; i++) {
      if (counts[s * rest + i] === 0) continue;
      for (let k = 0; k < width; k++) {
        const lag = member.start + s - values[(s * rest + i) * width + k];
        const at = i * width + k;
        if (Number.isNaN(lags[at])) lags[at] = lag;
        else if (lags[at] !== lag) refuse(`it reads \`${what}\` at a distance that changes`);
      }
    }
  }
  // A read that never counts may go anywhere; one step back is always there.
  const settled = lags.map((lag) => (Number.isNaN(lag) ? 1 : lag));
  if (settled.some((lag) => lag < 0)) refuse(`it reads later elements of \`${what}\``);
  return { lags: settled, axes: inner };
}

/** The row `lag` steps back; lag 0 is what this step has defined so far. */
function rowAt(l: Lowerer, m: Member, lag: number, refuse: Refuse, what: string): Node {
  if (lag === 0) {
    if (m.pieces.length === 0) refuse(`it reads \`${what}\` before it is defined in the step`);
    return assemblePartly(l.g, m.rowShape, m.pieces);
  }
  while (m.carry.length < lag) {
    const name = `carry_${m.shape.name}_${m.carry.length + 1}`;
    const shape = [...m.rowShape.batch, ...m.rowShape.event];
    m.carry.push(l.g.input(name, shape, m.shape.scalar));
  }
  return m.carry[lag - 1];
}
