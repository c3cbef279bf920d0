/**
 * Reads a node as an affine function of smaller nodes (atoms) with constant coefficients. Elements
 * are rows, in row-major order: row i is `constant[i] + Σ dense rows · atom + Σ weight · atom[index]`.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import { evaluateNode, valueOfNode } from "../../tensor/evaluate.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import { otherAxes, sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import { isConstant } from "../simplify/facts.js";

/** `matrix` (rows × columns) times the vector `atom`. */
export interface DenseTerm {
  readonly atom: Node;
  readonly columns: number;
  readonly matrix: Float64Array;
}
/** `weights[i] · atom[indices[i]]`; the indices are a constant node, so equal ones are identical. */
export interface PickTerm {
  readonly atom: Node;
  readonly indices: NodeOf<"const">;
  readonly weights: Float64Array;
}
export interface Affine {
  readonly rows: number;
  readonly constant: Float64Array;
  readonly dense: readonly DenseTerm[];
  readonly picks: readonly PickTerm[];
}

/** More entries than this in one coefficient matrix are not worth the memory (64 MiB). */
const MAX_ENTRIES = 1 << 23;

/** Numbers that the affine function reads: its dimension. */
export function atomCount(a: Affine): number {
  const picked = new Set(a.picks.map((p) => p.atom));
  let count = a.dense.reduce((n, d) => n + d.columns, 0);
  for (const p of picked) count += sizeOf(p.shape);
  return count;
}

/** What evaluating the function row by row costs, in multiplications. */
export function rowCost(a: Affine): number {
  return a.rows * (1 + a.picks.length + a.dense.reduce((n, d) => n + d.columns, 0));
}

function constantOf(values: Float64Array): Affine {
  return { rows: values.length, constant: values, dense: [], picks: [] };
}

/** What nodes are known to be; shared subexpressions are read once. */
type Known = Map<Node, Affine | undefined>;

/** `n` as an affine function of atoms that are smaller than it; undefined if it is none. */
export function affineOf(g: GraphBuilder, n: Node, known: Known = new Map()): Affine | undefined {
  if (known.has(n)) return known.get(n);
  const result = readAffine(g, n, known);
  known.set(n, result);
  return result;
}

function readAffine(g: GraphBuilder, n: Node, known: Known): Affine | undefined {
  if (isConstant(n)) return constantOf(evaluateNode(n));
  switch (n.op) {
    case "reshape":
      return affineOf(g, n.x, known);
    case "unary": {
      if (n.fn !== "neg") return undefined;
      const x = affineOf(g, n.x, known);
      return x === undefined ? undefined : scaleRows(x, () => -1);
    }
    case "binary":
      return affineBinary(g, n, known);
    case "broadcast":
    case "transpose":
    case "slice":
      return picked(g, n, n.x, known);
    case "gather":
      return n.indices.op === "const" ? picked(g, n, n.x, known) : undefined;
    case "matmul":
      return affineProduct(g, n);
    case "reduce":
      return n.fn === "sum" ? affineSum(g, n, known) : undefined;
    default:
      return undefined;
  }
}

function affineBinary(g: GraphBuilder, n: NodeOf<"binary">, known: Known): Affine | undefined {
  if (n.fn === "add" || n.fn === "sub") {
    const x = affineOf(g, n.x, known);
    const y = x === undefined ? undefined : affineOf(g, n.y, known);
    if (x === undefined || y === undefined) return undefined;
    return add(x, n.fn === "add" ? y : scaleRows(y, () => -1));
  }
  if (n.fn !== "mul") return undefined;
  for (const [factor, rest] of [
    [n.y, n.x],
    [n.x, n.y],
  ]) {
    const scalar = factor.op === "broadcast" && factor.axes.length === 0 && !isConstant(factor);
    if (!isConstant(factor) && !scalar) continue;
    const x = affineOf(g, rest, known);
    if (x === undefined) return undefined;
    if (scalar) return scaleByNode(g, x, factor.x);
    const c = evaluateNode(factor);
    return scaleRows(x, (i) => c[i]);
  }
  return undefined;
}

/** Each row times its own constant. */
export function scaleRows(a: Affine, factor: (row: number) => number): Affine {
  return {
    rows: a.rows,
    constant: a.constant.map((v, i) => v * factor(i)),
    dense: a.dense.map((d) => ({
      ...d,
      matrix: d.matrix.map((v, k) => v * factor(Math.floor(k / d.columns))),
    })),
    picks: a.picks.map((p) => ({ ...p, weights: p.weights.map((v, i) => v * factor(i)) })),
  };
}

/** All rows times one random scalar: the atoms take it, and the constant becomes its column. */
function scaleByNode(g: GraphBuilder, a: Affine, s: Node): Affine {
  const scaled: Affine = {
    rows: a.rows,
    constant: new Float64Array(a.rows),
    dense: a.dense.map((d) => ({ ...d, atom: g.mul(d.atom, s) })),
    picks: a.picks.map((p) => ({ ...p, atom: g.mul(p.atom, s) })),
  };
  if (a.constant.every((v) => v === 0)) return scaled;
  const column = { atom: g.reshape(s, [1]), columns: 1, matrix: a.constant };
  return add(scaled, { ...constantOf(new Float64Array(a.rows)), dense: [column] });
}

function addArrays(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((v, i) => v + b[i]);
}

function add(a: Affine, b: Affine): Affine {
  const dense = [...a.dense];
  for (const d of b.dense) {
    const k = dense.findIndex((e) => e.atom === d.atom);
    if (k < 0) dense.push(d);
    else dense[k] = { ...d, matrix: addArrays(dense[k].matrix, d.matrix) };
  }
  const picks = [...a.picks];
  for (const p of b.picks) {
    const k = picks.findIndex((e) => e.atom === p.atom && e.indices === p.indices);
    if (k < 0) picks.push(p);
    else picks[k] = { ...p, weights: addArrays(picks[k].weights, p.weights) };
  }
  return { rows: a.rows, constant: addArrays(a.constant, b.constant), dense, picks };
}

/** Rows of `x` chosen by an operation that moves elements: where from is its value on 0, 1, 2 …. */
function picked(g: GraphBuilder, n: Node, x: Node, known: Known): Affine | undefined {
  const size = sizeOf(x.shape);
  const rows = sizeOf(n.shape);
  const positions = Float64Array.from({ length: size }, (_, i) => i);
  const from = valueOfNode(n, (operand) =>
    operand === x ? positions : (operand as NodeOf<"const">).data,
  );
  const source = affineOf(g, x, known);
  if (source !== undefined && (size >= rows || atomCount(source) < size)) {
    return selectRows(g, source, from);
  }
  if (size >= rows) return undefined;
  const atom = g.reshape(x, [size]);
  const ones = new Float64Array(rows).fill(1);
  const none = constantOf(new Float64Array(rows));
  if (size === 1) return { ...none, dense: [{ atom, columns: 1, matrix: ones }] };
  const indices = g.constant(from, [rows], "int");
  return { ...none, picks: [{ atom, indices, weights: ones }] };
}

function selectRows(g: GraphBuilder, a: Affine, from: Float64Array): Affine | undefined {
  const rows = from.length;
  const entries = Math.max(0, ...a.dense.map((d) => d.columns * rows));
  if (entries > MAX_ENTRIES) return undefined;
  return {
    rows,
    constant: from.map((i) => a.constant[i]),
    dense: a.dense.map((d) => {
      const matrix = new Float64Array(rows * d.columns);
      from.forEach((i, row) => {
        matrix.set(d.matrix.subarray(i * d.columns, (i + 1) * d.columns), row * d.columns);
      });
      return { ...d, matrix };
    }),
    picks: a.picks.map((p) => ({
      atom: p.atom,
      indices: g.constant(
        from.map((i) => p.indices.data[i]),
        [rows],
        "int",
      ),
      weights: from.map((i) => p.weights[i]),
    })),
  };
}

/** A constant matrix times a vector of atoms, `[N, K] × [K, 1]` or `[1, K] × [K, N]`. */
function affineProduct(g: GraphBuilder, n: NodeOf<"matmul">): Affine | undefined {
  const left = isConstant(n.x);
  const [matrix, vector] = left ? [n.x, n.y] : [n.y, n.x];
  if (!isConstant(matrix) || matrix.shape.length !== 2 || n.shape.length !== 2) return undefined;
  if (n.shape[left ? 1 : 0] !== 1) return undefined;
  const columns = matrix.shape[left ? 1 : 0];
  const rows = sizeOf(n.shape);
  const stored = left ? matrix : g.transpose(matrix);
  const term = { atom: g.reshape(vector, [columns]), columns, matrix: evaluateNode(stored) };
  return { ...constantOf(new Float64Array(rows)), dense: [term] };
}

/** Rows summed in groups: a product written as a sum over one axis. */
function affineSum(g: GraphBuilder, n: NodeOf<"reduce">, known: Known): Affine | undefined {
  const x = affineOf(g, n.x, known);
  if (x === undefined) return undefined;
  const rows = sizeOf(n.shape);
  const widths = [...x.dense.map((d) => d.columns), ...x.picks.map((p) => sizeOf(p.atom.shape))];
  if (widths.some((w) => w * rows > MAX_ENTRIES)) return undefined;
  const kept = otherAxes(n.x.shape.length, n.axes);
  const from = stridesOf(n.x.shape);
  const to = stridesOf(n.shape);
  const rowOf = (i: number): number =>
    kept.reduce((r, axis, k) => r + (Math.floor(i / from[axis]) % n.x.shape[axis]) * to[k], 0);
  const target = Int32Array.from({ length: x.rows }, (_, i) => rowOf(i));
  const constant = new Float64Array(rows);
  x.constant.forEach((v, i) => {
    constant[target[i]] += v;
  });
  let result = constantOf(constant);
  const addDense = (atom: Node, columns: number, fill: (m: Float64Array) => void): void => {
    const matrix = new Float64Array(rows * columns);
    fill(matrix);
    const term = { atom, columns, matrix };
    result = add(result, { ...constantOf(new Float64Array(rows)), dense: [term] });
  };
  for (const d of x.dense) {
    addDense(d.atom, d.columns, (m) => {
      d.matrix.forEach((v, k) => {
        m[target[Math.floor(k / d.columns)] * d.columns + (k % d.columns)] += v;
      });
    });
  }
  for (const p of x.picks) {
    const columns = sizeOf(p.atom.shape);
    addDense(p.atom, columns, (m) => {
      p.weights.forEach((w, i) => {
        m[target[i] * columns + p.indices.data[i]] += w;
      });
    });
  }
  return result;
}

/** A pick as the dense term with one column for each element of its atom. */
export function pickAsDense(p: PickTerm): DenseTerm {
  const columns = sizeOf(p.atom.shape);
  const matrix = new Float64Array(p.weights.length * columns);
  p.weights.forEach((w, i) => {
    matrix[i * columns + p.indices.data[i]] = w;
  });
  return { atom: p.atom, columns, matrix };
}
