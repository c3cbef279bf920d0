/**
 * Shape and dtype of every operation, as one total table. A rule checks the operands of a node
 * (a broken one is a bug of the caller: `internalError`) and returns what the node's type must be.
 * Where the shape is an attribute of the node (broadcast, slice …) the rule checks and returns it.
 */
import { internalError } from "../base/internal.js";
import type {
  BinaryFn,
  DType,
  Node,
  NodeOf,
  Op,
  ReduceFn,
  Shape,
  TernaryFn,
  UnaryFn,
} from "./ops.js";

export interface NodeType {
  readonly shape: Shape;
  readonly dtype: DType;
}
/** A node before it has an identity; `shape` and `dtype` count only where they are attributes. */
export type Draft<K extends Op> = Omit<NodeOf<K>, "id" | "origin">;

/** Product of the sizes; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (let k = 0; k < shape.length; k++) n *= shape[k];
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

/** Row-major strides. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let s = 1;
  for (let k = shape.length - 1; k >= 0; k--) {
    strides[k] = s;
    s *= shape[k];
  }
  return strides;
}

/** `shape` without `axes`. */
export function dropAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, k) => !axes.includes(k));
}

/** The axes of `0 … rank − 1` that are not in `axes`, in order. */
export function otherAxes(rank: number, axes: readonly number[]): number[] {
  const rest: number[] = [];
  for (let k = 0; k < rank; k++) if (!axes.includes(k)) rest.push(k);
  return rest;
}

/** The dtype that holds both: bool ⊂ int ⊂ real. */
export function joinDTypes(a: DType, b: DType): DType {
  if (a === "real" || b === "real") return "real";
  return a === "int" || b === "int" ? "int" : "bool";
}

type UnaryKind = "real" | "numeric" | "int" | "bool";
/** real: always real; numeric: int stays int (bool becomes int); int and bool: always that. */
const unaryKinds: { readonly [F in UnaryFn]: UnaryKind } = {
  neg: "numeric",
  not: "bool",
  abs: "numeric",
  sign: "numeric",
  floor: "int",
  ceil: "int",
  round: "int",
  trunc: "int",
  exp: "real",
  log: "real",
  log1p: "real",
  expm1: "real",
  sqrt: "real",
  square: "numeric",
  reciprocal: "real",
  sin: "real",
  cos: "real",
  tan: "real",
  asin: "real",
  acos: "real",
  atan: "real",
  sinh: "real",
  cosh: "real",
  tanh: "real",
  asinh: "real",
  acosh: "real",
  atanh: "real",
  sigmoid: "real",
  softplus: "real",
  log1mexp: "real",
  lgamma: "real",
  digamma: "real",
  trigamma: "real",
  erf: "real",
  erfc: "real",
  erfcx: "real",
  log_ndtr: "real",
  ndtri: "real",
  log_i0: "real",
  bessel_ratio: "real",
};

type BinaryKind = "real" | "numeric" | "join" | "bool";
const binaryKinds: { readonly [F in BinaryFn]: BinaryKind } = {
  add: "numeric",
  sub: "numeric",
  mul: "numeric",
  div: "real",
  pow: "real",
  atan2: "real",
  mod: "numeric",
  max: "join",
  min: "join",
  lt: "bool",
  le: "bool",
  gt: "bool",
  ge: "bool",
  eq: "bool",
  ne: "bool",
  and: "bool",
  or: "bool",
  gamma_p: "real",
  gamma_p_da: "real",
};

const ternaryKinds: {
  readonly [F in TernaryFn]: (x: DType, y: DType, z: DType) => DType;
} = {
  select: (_, y, z) => joinDTypes(y, z),
  beta_inc: () => "real",
};

const reduceKinds: { readonly [F in ReduceFn]: "numeric" | "join" } = {
  sum: "numeric",
  prod: "numeric",
  max: "join",
  min: "join",
};

function numeric(d: DType): DType {
  return d === "real" ? "real" : "int";
}

function check(ok: boolean, op: string, what: () => string): void {
  if (!ok) internalError(`${op}: ${what()}`);
}

function text(...nodes: readonly { readonly shape: Shape }[]): string {
  return nodes.map((n) => `[${n.shape.join(", ")}]`).join(" and ");
}

function checkShape(shape: Shape, op: string): void {
  for (const n of shape) {
    check(Number.isInteger(n) && n >= 0, op, () => `bad shape ${text({ shape })}`);
  }
}

function increasing(axes: readonly number[], rank: number): boolean {
  let last = -1;
  for (const a of axes) {
    if (!Number.isInteger(a) || a <= last || a >= rank) return false;
    last = a;
  }
  return true;
}

/** Checks that the last two axes of `shape` are square and returns the batch axes. */
function squareBatch(x: Node, op: string): Shape {
  const r = x.shape.length;
  check(r >= 2 && x.shape[r - 1] === x.shape[r - 2], op, () => `not square: ${text(x)}`);
  return x.shape.slice(0, r - 2);
}

/** The common batch axes of two matrix operands: equal, or absent on one side. */
function joinBatches(a: Node, b: Node, op: string): Shape {
  const x = a.shape.slice(0, -2);
  const y = b.shape.slice(0, -2);
  check(
    sameShape(x, y) || x.length === 0 || y.length === 0,
    op,
    () => `batch axes differ: ${text(a, b)}`,
  );
  return x.length > 0 ? x : y;
}

export const shapeRules: { readonly [K in Op]: (n: Draft<K>) => NodeType } = {
  const: (n) => {
    checkShape(n.shape, "const");
    check(
      n.data.length === sizeOf(n.shape),
      "const",
      () => `${n.data.length} values for ${text(n)}`,
    );
    return n;
  },
  input: (n) => {
    checkShape(n.shape, "input");
    return n;
  },
  unary: (n) => {
    const kind = unaryKinds[n.fn];
    const dtype = kind === "numeric" ? numeric(n.x.dtype) : kind;
    return { shape: n.x.shape, dtype };
  },
  binary: (n) => {
    check(sameShape(n.x.shape, n.y.shape), n.fn, () => `operands ${text(n.x, n.y)}`);
    const kind = binaryKinds[n.fn];
    if (kind === "real" || kind === "bool") return { shape: n.x.shape, dtype: kind };
    const joined = joinDTypes(n.x.dtype, n.y.dtype);
    return { shape: n.x.shape, dtype: kind === "join" ? joined : numeric(joined) };
  },
  ternary: (n) => {
    const ok = sameShape(n.x.shape, n.y.shape) && sameShape(n.x.shape, n.z.shape);
    check(ok, n.fn, () => `operands ${text(n.x, n.y, n.z)}`);
    return { shape: n.x.shape, dtype: ternaryKinds[n.fn](n.x.dtype, n.y.dtype, n.z.dtype) };
  },
  broadcast: (n) => {
    checkShape(n.shape, "broadcast");
    const ok =
      n.axes.length === n.x.shape.length &&
      increasing(n.axes, n.shape.length) &&
      n.axes.every((a, k) => n.shape[a] === n.x.shape[k]);
    check(ok, "broadcast", () => `${text(n.x)} along axes ${n.axes} of ${text(n)}`);
    return { shape: n.shape, dtype: n.x.dtype };
  },
  reshape: (n) => {
    checkShape(n.shape, "reshape");
    check(sizeOf(n.shape) === sizeOf(n.x.shape), "reshape", () => `${text(n.x)} to ${text(n)}`);
    return { shape: n.shape, dtype: n.x.dtype };
  },
  transpose: (n) => {
    const r = n.x.shape.length;
    const ok =
      n.perm.length === r &&
      increasing(
        [...n.perm].sort((a, b) => a - b),
        r,
      );
    check(ok, "transpose", () => `permutation ${n.perm} of ${text(n.x)}`);
    return { shape: n.perm.map((k) => n.x.shape[k]), dtype: n.x.dtype };
  },
  slice: (n) => {
    checkShape(n.shape, "slice");
    const ok =
      n.shape.length === n.x.shape.length &&
      n.starts.length === n.shape.length &&
      n.shape.every((size, k) => n.starts[k] >= 0 && n.starts[k] + size <= n.x.shape[k]);
    check(ok, "slice", () => `${text(n)} at ${n.starts} of ${text(n.x)}`);
    return { shape: n.shape, dtype: n.x.dtype };
  },
  pad: (n) => {
    checkShape(n.shape, "pad");
    const ok =
      n.shape.length === n.x.shape.length &&
      n.starts.length === n.shape.length &&
      n.x.shape.every((size, k) => n.starts[k] >= 0 && n.starts[k] + size <= n.shape[k]);
    check(ok, "pad", () => `${text(n.x)} at ${n.starts} of ${text(n)}`);
    return { shape: n.shape, dtype: n.x.dtype };
  },
  concat: (n) => {
    check(n.xs.length > 0, "concat", () => "no operands");
    const first = n.xs[0].shape;
    check(
      n.axis >= 0 && n.axis < first.length,
      "concat",
      () => `axis ${n.axis} of ${text(n.xs[0])}`,
    );
    let along = 0;
    let dtype = n.xs[0].dtype;
    for (const x of n.xs) {
      const ok =
        x.shape.length === first.length && x.shape.every((s, k) => k === n.axis || s === first[k]);
      check(ok, "concat", () => `${text(...n.xs)} along ${n.axis}`);
      along += x.shape[n.axis];
      dtype = joinDTypes(dtype, x.dtype);
    }
    return { shape: first.map((s, k) => (k === n.axis ? along : s)), dtype };
  },
  gather: (n) => {
    const ok = n.axis >= 0 && n.axis < n.x.shape.length;
    check(ok, "gather", () => `axis ${n.axis} of ${text(n.x)}`);
    check(n.indices.dtype !== "real", "gather", () => "real indices");
    const shape = [
      ...n.x.shape.slice(0, n.axis),
      ...n.indices.shape,
      ...n.x.shape.slice(n.axis + 1),
    ];
    return { shape, dtype: n.x.dtype };
  },
  scatter_add: (n) => {
    checkShape(n.shape, "scatter_add");
    const ok = n.axis >= 0 && n.axis < n.shape.length;
    check(ok, "scatter_add", () => `axis ${n.axis} of ${text(n)}`);
    check(n.indices.dtype !== "real", "scatter_add", () => "real indices");
    const from = [...n.shape.slice(0, n.axis), ...n.indices.shape, ...n.shape.slice(n.axis + 1)];
    check(
      sameShape(from, n.x.shape),
      "scatter_add",
      () => `${text(n.x)} at ${text(n.indices)} along axis ${n.axis} of ${text(n)}`,
    );
    return { shape: n.shape, dtype: numeric(n.x.dtype) };
  },
  reduce: (n) => {
    check(increasing(n.axes, n.x.shape.length), n.fn, () => `axes ${n.axes} of ${text(n.x)}`);
    const dtype = reduceKinds[n.fn] === "join" ? n.x.dtype : numeric(n.x.dtype);
    return { shape: dropAxes(n.x.shape, n.axes), dtype };
  },
  cumulative: (n) => {
    const ok = n.axis >= 0 && n.axis < n.x.shape.length;
    check(ok, "cumulative", () => `axis ${n.axis} of ${text(n.x)}`);
    return { shape: n.x.shape, dtype: numeric(n.x.dtype) };
  },
  matmul: (n) => {
    const a = n.x.shape;
    const b = n.y.shape;
    const ok = a.length >= 2 && b.length >= 2 && a[a.length - 1] === b[b.length - 2];
    check(ok, "matmul", () => text(n.x, n.y));
    const batch = joinBatches(n.x, n.y, "matmul");
    return { shape: [...batch, a[a.length - 2], b[b.length - 1]], dtype: "real" };
  },
  cholesky: (n) => {
    squareBatch(n.x, "cholesky");
    return { shape: n.x.shape, dtype: "real" };
  },
  triangular_solve: (n) => {
    const batch = squareBatch(n.l, "triangular_solve");
    const b = n.b.shape;
    const ok =
      b.length >= 2 &&
      b[b.length - 2] === n.l.shape[n.l.shape.length - 1] &&
      (batch.length === 0 || sameShape(batch, b.slice(0, -2)));
    check(ok, "triangular_solve", () => text(n.l, n.b));
    return { shape: b, dtype: "real" };
  },
  solve: (n) => {
    const batch = squareBatch(n.a, "solve");
    const b = n.b.shape;
    const ok =
      b.length >= 2 &&
      b[b.length - 2] === n.a.shape[n.a.shape.length - 1] &&
      sameShape(batch, b.slice(0, -2));
    check(ok, "solve", () => text(n.a, n.b));
    return { shape: b, dtype: "real" };
  },
  log_abs_det: (n) => ({ shape: squareBatch(n.x, "log_abs_det"), dtype: "real" }),
  scan: (n) => {
    const { body } = n;
    check(
      n.init.length === body.carry.length && n.init.length === body.nextCarry.length,
      "scan",
      () => "carries of different number",
    );
    check(n.xs.length === body.slices.length, "scan", () => "slices of different number");
    check(n.consts.length === body.consts.length, "scan", () => "consts of different number");
    n.init.forEach((x, k) => {
      const ok =
        sameShape(x.shape, body.carry[k].shape) &&
        sameShape(x.shape, body.nextCarry[k].shape) &&
        // A carry holds what it starts from and what the steps make of it: no narrower than either.
        // (Either may be narrower: simplification makes `0 * x` the zero of its factor's type.)
        joinDTypes(x.dtype, body.carry[k].dtype) === body.carry[k].dtype &&
        joinDTypes(body.nextCarry[k].dtype, body.carry[k].dtype) === body.carry[k].dtype;
      check(ok, "scan", () => `carry ${k}: ${text(x, body.carry[k], body.nextCarry[k])}`);
    });
    n.xs.forEach((x, k) => {
      const ok = x.shape[0] === n.length && sameShape(x.shape.slice(1), body.slices[k].shape);
      check(ok, "scan", () => `xs ${k}: ${text(x, body.slices[k])} for ${n.length} steps`);
    });
    n.consts.forEach((x, k) => {
      const ok = sameShape(x.shape, body.consts[k].shape);
      check(ok, "scan", () => `const ${k}: ${text(x, body.consts[k])}`);
    });
    return { shape: [], dtype: "real" };
  },
  output: (n) => {
    const { source, index } = n;
    const carries = source.init.length;
    check(
      index >= 0 && index < carries + source.body.ys.length,
      "output",
      () => `index ${index} of a scan`,
    );
    if (index < carries) {
      const next = source.body.nextCarry[index];
      return { shape: next.shape, dtype: source.body.carry[index].dtype };
    }
    const y = source.body.ys[index - carries];
    return { shape: [source.length, ...y.shape], dtype: y.dtype };
  },
};

/** The type of any draft or node by the table. */
export function typeOf(n: Draft<Op>): NodeType {
  // The table's entry at `n.op` takes exactly this member of the union.
  return (shapeRules[n.op] as (d: Draft<Op>) => NodeType)(n);
}
