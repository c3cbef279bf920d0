/**
 * The operations of the tensor graph: pure functions of arrays with static shapes. The node union
 * is closed; every pass and device answers each member in a total table.
 */
import type { Span } from "../base/span.js";

export type Shape = readonly number[];
/** Every dtype is stored as f64 by the CPU device; int and bool tags keep meaning and checks. */
export type DType = "real" | "int" | "bool";

export const unaryFns = [
  "neg",
  "not",
  "abs",
  "sign",
  "floor",
  "ceil",
  "round", // halves away from zero
  "trunc",
  "exp",
  "log",
  "log1p",
  "expm1",
  "sqrt",
  "square",
  "reciprocal",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
  "sigmoid",
  "softplus", // log(1 + exp x)
  "log1mexp", // log(1 - exp x) for x < 0
  "lgamma",
  "digamma",
  "trigamma",
  "erf",
  "erfc",
  "erfcx", // exp(x²) erfc(x)
  "log_ndtr", // log Φ(x)
  "ndtri", // Φ⁻¹(p)
  "log_i0", // log I₀(x)
  "bessel_ratio", // I₁(x) / I₀(x), the derivative of log_i0
] as const;
export type UnaryFn = (typeof unaryFns)[number];

export const binaryFns = [
  "add",
  "sub",
  "mul",
  "div",
  "pow",
  "atan2",
  "mod", // result has the sign of the divisor
  "max",
  "min",
  "lt",
  "le",
  "gt",
  "ge",
  "eq",
  "ne",
  "and",
  "or",
  "gamma_p", // regularised lower incomplete gamma P(a, x)
  "gamma_p_da", // ∂P(a, x)/∂a; no gradient
] as const;
export type BinaryFn = (typeof binaryFns)[number];

export const ternaryFns = [
  "select", // x ? y : z
  "beta_inc", // regularised incomplete beta I_z(x, y); gradient in z only
] as const;
export type TernaryFn = (typeof ternaryFns)[number];

export const reduceFns = ["sum", "prod", "max", "min"] as const;
export type ReduceFn = (typeof reduceFns)[number];

/** Where in the model's text a node comes from, for messages of failures at run time. */
export interface Origin {
  readonly span: Span;
  readonly label: string;
}

interface NodeBase {
  /** Unique in its builder and increasing: operands have smaller ids than the node. */
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly origin?: Origin;
}

/** Row-major data of `shape`. */
export interface ConstNode extends NodeBase {
  readonly op: "const";
  readonly data: Float64Array;
}
export interface InputNode extends NodeBase {
  readonly op: "input";
  readonly name: string;
}
export interface UnaryNode extends NodeBase {
  readonly op: "unary";
  readonly fn: UnaryFn;
  readonly x: Node;
}
/** Operands have the node's shape: broadcasting is explicit. */
export interface BinaryNode extends NodeBase {
  readonly op: "binary";
  readonly fn: BinaryFn;
  readonly x: Node;
  readonly y: Node;
}
export interface TernaryNode extends NodeBase {
  readonly op: "ternary";
  readonly fn: TernaryFn;
  readonly x: Node;
  readonly y: Node;
  readonly z: Node;
}
/** `axes[k]` is the output axis of input axis k (increasing); other output axes repeat. */
export interface BroadcastNode extends NodeBase {
  readonly op: "broadcast";
  readonly x: Node;
  readonly axes: readonly number[];
}
export interface ReshapeNode extends NodeBase {
  readonly op: "reshape";
  readonly x: Node;
}
/** Output axis k is input axis `perm[k]`. */
export interface TransposeNode extends NodeBase {
  readonly op: "transpose";
  readonly x: Node;
  readonly perm: readonly number[];
}
/** The box of the node's shape that starts at `starts`. */
export interface SliceNode extends NodeBase {
  readonly op: "slice";
  readonly x: Node;
  readonly starts: readonly number[];
}
/** `x` placed at `starts` into zeros of the node's shape: the adjoint of slice. */
export interface PadNode extends NodeBase {
  readonly op: "pad";
  readonly x: Node;
  readonly starts: readonly number[];
}
export interface ConcatNode extends NodeBase {
  readonly op: "concat";
  readonly xs: readonly Node[];
  readonly axis: number;
}
/** Shape `x[..axis] ++ indices ++ x[axis+1..]`; indices are ints in range. */
export interface GatherNode extends NodeBase {
  readonly op: "gather";
  readonly x: Node;
  readonly indices: Node;
  readonly axis: number;
}
/** Adjoint of gather: zeros of the node's shape with `x` added at `indices` along `axis`. */
export interface ScatterAddNode extends NodeBase {
  readonly op: "scatter_add";
  readonly x: Node;
  readonly indices: Node;
  readonly axis: number;
}
/** Over `axes`, which leave the shape. Empty: 0, 1, −inf, +inf. */
export interface ReduceNode extends NodeBase {
  readonly op: "reduce";
  readonly fn: ReduceFn;
  readonly x: Node;
  readonly axes: readonly number[];
}
export interface CumulativeNode extends NodeBase {
  readonly op: "cumulative";
  readonly fn: "sum" | "prod";
  readonly x: Node;
  readonly axis: number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
}
/** `[…b, m, k] × […b, k, n]`; batch axes are equal, or absent on one side. */
export interface MatmulNode extends NodeBase {
  readonly op: "matmul";
  readonly x: Node;
  readonly y: Node;
}
/** Lower factor of `[…b, n, n]` (only the lower triangle is read); NaN where not positive definite. */
export interface CholeskyNode extends NodeBase {
  readonly op: "cholesky";
  readonly x: Node;
}
/** Solves `L X = B` or `Lᵀ X = B`: l `[…b, n, n]` lower, b `[…b, n, m]`; l's batch may be absent. */
export interface TriangularSolveNode extends NodeBase {
  readonly op: "triangular_solve";
  readonly l: Node;
  readonly b: Node;
  readonly transposed: boolean;
}
/** Solves `A X = B` by LU with partial pivoting; a `[…b, n, n]`, b `[…b, n, m]`. */
export interface SolveNode extends NodeBase {
  readonly op: "solve";
  readonly a: Node;
  readonly b: Node;
}
/** `log |det A|` of `[…b, n, n]`, shape `[…b]`. */
export interface LogAbsDetNode extends NodeBase {
  readonly op: "log_abs_det";
  readonly x: Node;
}
/**
 * A loop of `length` steps. Its results are read by `output` nodes: first the final carries, then
 * the stacked ys (step axis first). `reverse` walks the steps from the last to the first; ys and
 * xs keep their positions.
 */
export interface ScanNode extends NodeBase {
  readonly op: "scan";
  readonly length: number;
  readonly reverse: boolean;
  readonly init: readonly Node[];
  /** Each of shape `[length, …]`; the body sees one row. */
  readonly xs: readonly Node[];
  readonly consts: readonly Node[];
  readonly body: ScanBody;
}
export interface ScanBody {
  readonly carry: readonly InputNode[];
  readonly slices: readonly InputNode[];
  readonly consts: readonly InputNode[];
  readonly nextCarry: readonly Node[];
  readonly ys: readonly Node[];
}
export interface OutputNode extends NodeBase {
  readonly op: "output";
  readonly source: ScanNode;
  readonly index: number;
}

export type Node =
  | ConstNode
  | InputNode
  | UnaryNode
  | BinaryNode
  | TernaryNode
  | BroadcastNode
  | ReshapeNode
  | TransposeNode
  | SliceNode
  | PadNode
  | ConcatNode
  | GatherNode
  | ScatterAddNode
  | ReduceNode
  | CumulativeNode
  | MatmulNode
  | CholeskyNode
  | TriangularSolveNode
  | SolveNode
  | LogAbsDetNode
  | ScanNode
  | OutputNode;
export type Op = Node["op"];
export type NodeOf<O extends Op> = Extract<Node, { readonly op: O }>;

/** A program: named inputs to named outputs. */
export interface Graph {
  readonly inputs: readonly InputNode[];
  readonly outputs: readonly { readonly name: string; readonly node: Node }[];
}
