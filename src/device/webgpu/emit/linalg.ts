/**
 * Factorisations, solves and running sums. One text serves a workgroup a matrix (its lanes share
 * the inner loops, with barriers between) and a thread a matrix (one lane, no barriers).
 */
import type {
  CholeskyNode,
  CumulativeNode,
  LogAbsDetNode,
  Node,
  SolveNode,
  TriangularSolveNode,
} from "../../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../../tensor/shape-rules.js";
import { type BlockContext, LANES, type Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { foldText } from "../wgsl/elementwise.js";
import { literal } from "../wgsl/literal.js";
import { fixed, type Ix, modIx, overIx, plusIx, timesIx, unravel } from "./indices.js";
import { item, labelOf, threadsTask } from "./map.js";
import { ValueEmitter } from "./values.js";

/** Matrices up to this size, if there are many, have a thread each. */
const SMALL = 12;
const MANY = 32;

/** How a task shares a matrix among threads. */
interface Shares {
  readonly unit: "threads" | "groups";
  readonly matrix: Ix;
  readonly lane: string;
  readonly lanes: number;
  readonly barrier: string;
}

function sharesOf(size: number, matrices: number): Shares {
  if (size <= 2 || (size <= SMALL && matrices >= MANY)) {
    return { unit: "threads", matrix: item, lane: "0u", lanes: 1, barrier: "" };
  }
  const matrix: Ix = { text: "group", depth: 0 };
  return { unit: "groups", matrix, lane: "lane", lanes: LANES, barrier: "storageBarrier();" };
}

/** `for` over the lanes' shares of `count` things. */
function each(s: Shares, index: string, count: string, body: string): string {
  return `for (var ${index} = ${s.lane}; ${index} < ${count}; ${index} += ${s.lanes}u) {\n${body}\n}`;
}

/** Copies matrix number `s.matrix` of a node to `target` (the first element's place). */
function copyIn(emitter: ValueEmitter, s: Shares, x: Node, target: string, lower: boolean): void {
  const { scopes } = emitter;
  const [rows, columns] = x.shape.slice(-2);
  const batch = x.shape.slice(0, -2);
  const at = unravel(s.matrix, batch).map((ix) => emitter.bindIx(ix));
  const e = scopes.name("e");
  const body = scopes.within(false, () => {
    const flat: Ix = { text: e, depth: scopes.depth };
    const [row, column] = [overIx(flat, columns), modIx(flat, columns)].map((ix) =>
      emitter.bindIx(ix),
    );
    const value = emitter.value(x, [...at, row, column]);
    const kept = lower ? `select(0.0f, ${value.text}, ${column.text} <= ${row.text})` : value.text;
    scopes.line(`ws[${target} + ${e}] = ${kept};`);
  });
  scopes.line(each(s, e, `${rows * columns}u`, body));
  scopes.line(s.barrier);
}

function matrixTask(
  emitter: ValueEmitter,
  s: Shares,
  matrices: number,
  work: number,
  writes: readonly Region[],
  node: Node,
): Task {
  const serial = Math.max(1, work / s.lanes);
  const task = threadsTask(emitter, matrices, serial, writes, labelOf(node), node.origin);
  if (s.unit === "threads") return { ...task, work: undefined };
  const size = node.shape[node.shape.length - 1] ?? 1;
  return { ...task, work: undefined, unit: "groups", rounds: matrices * (serial + 2 * size) };
}

/** The place of a matrix in a region. */
function placeOf(emitter: ValueEmitter, s: Shares, region: Region, size: number): string {
  const start = emitter.bindIx(timesIx(s.matrix, size));
  return emitter.bindIx({ text: `(${region.name} + ${start.text})`, depth: 0 }).text;
}

export function choleskyTasks(context: BlockContext, node: CholeskyNode, out: Region): Task[] {
  const n = node.shape[node.shape.length - 1];
  const matrices = sizeOf(node.shape.slice(0, -2));
  const s = sharesOf(n, matrices);
  const emitter = new ValueEmitter(context);
  const a = placeOf(emitter, s, out, n * n);
  copyIn(emitter, s, node.x, a, true);
  // Right-looking. A bad pivot makes all after it NaN, and so the last one.
  emitter.scopes.line(`for (var j = 0u; j < ${n}u; j++) {
let d = ws[${a} + j * ${n + 1}u];
let root = select(nan_value(), sqrt(max(d, 0.0f)), d > 0.0f && !is_nan(d) && !is_inf(d));
${s.barrier}
${each(s, "i", `${n}u - j`, `let place = ${a} + (j + i) * ${n}u + j;\nws[place] = select(ws[place] / root, root, i == 0u);`)}
${s.barrier}
let left = ${n - 1}u - j;
${each(
  s,
  "e",
  "left * left",
  `let row = j + 1u + e / left;
let column = j + 1u + e % left;
if (column <= row) {
let place = ${a} + row * ${n}u + column;
ws[place] = ws[place] - ws[${a} + row * ${n}u + j] * ws[${a} + column * ${n}u + j];
}`,
)}
${s.barrier}
}
let bad = is_nan(ws[${a} + ${n * n - 1}u]);
${s.barrier}
${each(s, "e", `${n * n}u`, `if (bad) { ws[${a} + e] = nan_value(); }`)}
${s.barrier}`);
  return [matrixTask(emitter, s, matrices, n * n * n, [out], node)];
}

export function triangularTasks(
  context: BlockContext,
  node: TriangularSolveNode,
  out: Region,
): Task[] {
  const [n, columns] = node.shape.slice(-2);
  const matrices = sizeOf(node.shape.slice(0, -2));
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const wide = matrices * columns < MANY && n > SMALL;
  const s: Shares = wide
    ? { ...sharesOf(n, 1), matrix: { text: "group", depth: 0 } }
    : { unit: "threads", matrix: item, lane: "0u", lanes: 1, barrier: "" };
  const b = emitter.bindIx(overIx(s.matrix, columns));
  const column = emitter.bindIx(modIx(s.matrix, columns));
  const start = plusIx(timesIx(b, n * columns), column);
  const x = emitter.bindIx({ text: `(${out.name} + ${start.text})`, depth: 0 }).text;
  const batch = unravel(b, node.shape.slice(0, -2)).map((ix) => emitter.bindIx(ix));
  const load = (node: Node, row: Ix, col: Ix): string =>
    emitter.value(node, [...(node.shape.length === 2 ? [] : batch), row, col]).text;
  const copy = scopes.within(false, () => {
    const row: Ix = { text: "r", depth: scopes.depth };
    scopes.line(`ws[${x} + r * ${columns}u] = ${load(node.b, row, column)};`);
  });
  scopes.line(each(s, "r", `${n}u`, copy));
  scopes.line(s.barrier);
  // Column-oriented: what is solved is taken from all rows that are left.
  const step = scopes.within(false, () => {
    const { transposed } = node;
    scopes.line(`let i = ${transposed ? `${n - 1}u - k` : "k"};`);
    const i: Ix = { text: "i", depth: scopes.depth };
    const pivot = load(node.l, i, i);
    scopes.line(`let solved = ws[${x} + i * ${columns}u] / ${pivot};`);
    scopes.line(s.barrier);
    scopes.line(`if (${s.lane} == 0u) { ws[${x} + i * ${columns}u] = solved; }`);
    const update = scopes.within(false, () => {
      scopes.line(`let r = ${transposed ? "e" : "i + 1u + e"};`);
      const r: Ix = { text: "r", depth: scopes.depth };
      const l = transposed ? load(node.l, i, r) : load(node.l, r, i);
      scopes.line(`ws[${x} + r * ${columns}u] = ws[${x} + r * ${columns}u] - ${l} * solved;`);
    });
    scopes.line(each(s, "e", transposed ? "i" : `${n - 1}u - i`, update));
    scopes.line(s.barrier);
  });
  scopes.line(`for (var k = 0u; k < ${n}u; k++) {\n${step}\n}`);
  return [matrixTask(emitter, s, matrices * columns, n * n, [out], node)];
}

/** LU with partial pivoting of the matrix at `a`; `swap` moves what belongs to its rows. */
function eliminate(s: Shares, a: string, n: number, rhs: string, columns: number): string {
  const swapRow = (place: string, width: number): string =>
    each(
      s,
      "c",
      `${width}u`,
      `let upper = ${place} + j * ${width}u + c;
let lower = ${place} + pivot * ${width}u + c;
let kept = ws[upper];
let moved = ws[lower];
if (pivot != j) { ws[upper] = moved; ws[lower] = kept; }`,
    );
  return `for (var j = 0u; j < ${n}u; j++) {
var pivot = j;
var largest = abs(ws[${a} + j * ${n + 1}u]);
for (var r = j + 1u; r < ${n}u; r++) {
let size = abs(ws[${a} + r * ${n}u + j]);
if (size > largest) { largest = size; pivot = r; }
}
${s.barrier}
${swapRow(a, n)}
${columns > 0 ? swapRow(rhs, columns) : ""}
${s.barrier}
let d = ws[${a} + j * ${n + 1}u];
let left = ${n - 1}u - j;
${each(s, "i", "left", `let place = ${a} + (j + 1u + i) * ${n}u + j;\nws[place] = ws[place] / d;`)}
${s.barrier}
${each(
  s,
  "e",
  "left * left",
  `let row = j + 1u + e / left;
let place = ${a} + row * ${n}u + j + 1u + e % left;
ws[place] = ws[place] - ws[${a} + row * ${n}u + j] * ws[${a} + j * ${n}u + j + 1u + e % left];`,
)}
${
  columns > 0
    ? each(
        s,
        "e",
        `left * ${columns}u`,
        `let row = j + 1u + e / ${columns}u;
let place = ${rhs} + row * ${columns}u + e % ${columns}u;
ws[place] = ws[place] - ws[${a} + row * ${n}u + j] * ws[${rhs} + j * ${columns}u + e % ${columns}u];`,
      )
    : ""
}
${s.barrier}
}`;
}

export function solveTasks(context: BlockContext, node: SolveNode, out: Region): Task[] {
  const [n, columns] = node.shape.slice(-2);
  const matrices = sizeOf(node.shape.slice(0, -2));
  const s = sharesOf(n, matrices);
  const emitter = new ValueEmitter(context);
  const work = context.regions.make("w", matrices * n * n);
  const a = placeOf(emitter, s, work, n * n);
  const x = placeOf(emitter, s, out, n * columns);
  copyIn(emitter, s, node.a, a, false);
  copyIn(emitter, s, node.b, x, false);
  const { scopes } = emitter;
  scopes.line(eliminate(s, a, n, x, columns));
  scopes.line(`var singular = false;
for (var j = 0u; j < ${n}u; j++) {
let d = ws[${a} + j * ${n + 1}u];
if (d == 0.0f || is_nan(d)) { singular = true; }
}
for (var k = 0u; k < ${n}u; k++) {
let j = ${n - 1}u - k;
let d = ws[${a} + j * ${n + 1}u];
${s.barrier}
${each(s, "c", `${columns}u`, `ws[${x} + j * ${columns}u + c] = ws[${x} + j * ${columns}u + c] / d;`)}
${s.barrier}
${each(
  s,
  "e",
  `j * ${columns}u`,
  `let row = e / ${columns}u;
let place = ${x} + row * ${columns}u + e % ${columns}u;
ws[place] = ws[place] - ws[${a} + row * ${n}u + j] * ws[${x} + j * ${columns}u + e % ${columns}u];`,
)}
${s.barrier}
}
${each(s, "e", `${n * columns}u`, `if (singular) { ws[${x} + e] = nan_value(); }`)}
${s.barrier}`);
  return [matrixTask(emitter, s, matrices, n * n * n, [out, work], node)];
}

export function logAbsDetTasks(context: BlockContext, node: LogAbsDetNode, out: Region): Task[] {
  const n = node.x.shape[node.x.shape.length - 1];
  const matrices = sizeOf(node.shape);
  const s = sharesOf(n, matrices);
  const emitter = new ValueEmitter(context);
  const work = context.regions.make("w", matrices * n * n);
  const a = placeOf(emitter, s, work, n * n);
  copyIn(emitter, s, node.x, a, false);
  emitter.scopes.line(eliminate(s, a, n, a, 0));
  emitter.scopes.line(`if (${s.lane} == 0u) {
var total = 0.0f;
var singular = false;
for (var j = 0u; j < ${n}u; j++) {
let d = abs(ws[${a} + j * ${n + 1}u]);
if (d == 0.0f) { singular = true; }
total = total + m_log(d);
}
ws[${out.name} + ${s.matrix.text}] = select(total, -inf_value(), singular);
}
${s.barrier}`);
  return [matrixTask(emitter, s, matrices, n * n * n, [out, work], node)];
}

/** Lines shorter than this have a thread each; so have many lines. */
const SHORT_LINE = 128;
const MANY_LINES = 4096;

export function cumulativeTasks(context: BlockContext, node: CumulativeNode, out: Region): Task[] {
  const { axis, shape } = node;
  const length = shape[axis];
  const stride = stridesOf(shape)[axis];
  const lines = sizeOf(shape) / length;
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const { start, combine } = foldText[node.fn];
  const isShared = length > SHORT_LINE && lines < MANY_LINES;
  const line: Ix = isShared ? { text: "group", depth: 0 } : item;
  const others = unravel(
    line,
    shape.map((n, k) => (k === axis ? 1 : n)),
  ).map((ix) => emitter.bindIx(ix));
  const base = emitter.bindIx(
    others.reduce(
      (sum, ix, k) => (k === axis ? sum : plusIx(sum, timesIx(ix, stridesOf(shape)[k]))),
      fixed(0),
    ),
  );
  /** Runs over steps `from … to` of the line, `acc` holding what is before. */
  const run = (from: string, to: string, body: (value: string, place: string) => string): void => {
    const k = scopes.name("k");
    const inner = scopes.within(false, () => {
      const step: Ix = { text: k, depth: scopes.depth };
      const along = node.reverse
        ? emitter.bindIx({ text: `(${length - 1}u - ${k})`, depth: scopes.depth })
        : step;
      const value = emitter.value(
        node.x,
        others.map((ix, a) => (a === axis ? along : ix)),
      );
      const place = `${out.name} + ${plusIx(base, timesIx(along, stride)).text}`;
      scopes.line(body(value.text, place));
    });
    scopes.line(`for (var ${k} = ${from}; ${k} < ${to}; ${k}++) {\n${inner}\n}`);
  };
  const store = (value: string, place: string): string => {
    const next = `acc = ${combine("acc", value)};`;
    const write = `ws[${place}] = acc;`;
    return node.exclusive ? `${write}\n${next}` : `${next}\n${write}`;
  };
  scopes.line(`var acc = ${literal(start)};`);
  if (!isShared) {
    run("0u", `${length}u`, store);
    return [threadsTask(emitter, lines, length, [out], labelOf(node), node.origin)];
  }
  // Each lane sums a stretch; then all before it are added; then it writes its stretch.
  const share = Math.ceil(length / LANES);
  scopes.line(`let begin = min(lane * ${share}u, ${length}u);`);
  scopes.line(`let end = min(begin + ${share}u, ${length}u);`);
  run("begin", "end", (value) => `acc = ${combine("acc", value)};`);
  scopes.line(`lanes[lane] = acc;
workgroupBarrier();
for (var reach = 1u; reach < ${LANES}u; reach <<= 1u) {
var before = ${literal(start)};
if (lane >= reach) { before = lanes[lane - reach]; }
workgroupBarrier();
lanes[lane] = ${combine("before", "lanes[lane]")};
workgroupBarrier();
}
acc = ${literal(start)};
if (lane > 0u) { acc = lanes[lane - 1u]; }
workgroupBarrier();`);
  run("begin", "end", store);
  const task = threadsTask(emitter, lines, 2 * share + 8, [out], labelOf(node), node.origin);
  const shared = [{ name: "lanes", type: "f32", length: LANES } as const];
  return [{ ...task, unit: "groups", rounds: lines * (2 * share + 16), shared }];
}
