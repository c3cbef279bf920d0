/**
 * The builder of tensor graphs: every node is made here, checked by the shape rules, and shared
 * with its equals (hash-consing). Identities that hold for all values are taken on the way.
 */
import { internalError } from "../base/internal.js";
import { ElementwiseBuilder } from "./elementwise-builder.js";
import type {
  DType,
  InputNode,
  Node,
  OutputNode,
  ReduceFn,
  ScanBody,
  ScanNode,
  Shape,
} from "./ops.js";
import { otherAxes, sameShape } from "./shape-rules.js";

/** What a scan loops over; see `ScanNode`. */
export interface ScanArgs {
  readonly length: number;
  readonly reverse?: boolean;
  readonly init: readonly Node[];
  readonly xs?: readonly Node[];
  readonly consts?: readonly Node[];
}
export interface ScanStep {
  readonly carry: readonly Node[];
  readonly ys: readonly Node[];
}
export interface ScanResult {
  readonly carry: readonly OutputNode[];
  readonly ys: readonly OutputNode[];
}

function isIota(axes: readonly number[]): boolean {
  return axes.every((a, k) => a === k);
}

export class GraphBuilder extends ElementwiseBuilder {
  /** `shape` filled with one value; a broadcast, never an array. */
  full(shape: Shape, value: number, dtype: DType = "real"): Node {
    return this.broadcast(this.constant(value, [], dtype), shape, []);
  }
  zeros(shape: Shape): Node {
    return this.full(shape, 0);
  }
  ones(shape: Shape): Node {
    return this.full(shape, 1);
  }
  /** The ints 0 … n − 1. */
  iota(n: number): Node {
    const numbers = new Float64Array(n);
    for (let i = 0; i < n; i++) numbers[i] = i;
    return this.constant(numbers, [n], "int");
  }

  /** Repeats `x` over the axes of `shape` that are not in `axes` (default: a scalar's, none). */
  broadcast(x: Node, shape: Shape, axes: readonly number[] = []): Node {
    if (axes.length === shape.length && sameShape(x.shape, shape)) return x;
    if (x.op === "broadcast") {
      return this.broadcast(
        x.x,
        shape,
        x.axes.map((a) => axes[a]),
      );
    }
    return this.intern<"broadcast">(`B${x.id}|${shape.join()}|${axes.join()}`, {
      op: "broadcast",
      x,
      shape,
      axes,
      dtype: x.dtype,
    });
  }

  /** The same elements in row-major order under another shape. */
  reshape(x: Node, shape: Shape): Node {
    if (sameShape(x.shape, shape)) return x;
    if (x.op === "reshape") return this.reshape(x.x, shape);
    if (x.op === "const") return this.constant(x.data, shape, x.dtype);
    return this.intern<"reshape">(`R${x.id}|${shape.join()}`, {
      op: "reshape",
      x,
      shape,
      dtype: x.dtype,
    });
  }

  /** Output axis k is input axis `perm[k]`; the default swaps the last two axes. */
  transpose(x: Node, perm?: readonly number[]): Node {
    const r = x.shape.length;
    const order = perm ?? [...Array(r - 2).keys(), r - 1, r - 2];
    if (order.length === r && isIota(order)) return x;
    if (x.op === "transpose") {
      return this.transpose(
        x.x,
        order.map((k) => x.perm[k]),
      );
    }
    return this.intern<"transpose">(`T${x.id}|${order.join()}`, {
      op: "transpose",
      x,
      perm: order,
      shape: [],
      dtype: x.dtype,
    });
  }

  /** The box of `sizes` at `starts`. */
  slice(x: Node, starts: readonly number[], sizes: Shape): Node {
    if (sameShape(x.shape, sizes) && starts.every((s) => s === 0)) return x;
    if (x.op === "slice") {
      return this.slice(
        x.x,
        starts.map((s, k) => s + x.starts[k]),
        sizes,
      );
    }
    return this.intern<"slice">(`S${x.id}|${starts.join()}|${sizes.join()}`, {
      op: "slice",
      x,
      starts,
      shape: sizes,
      dtype: x.dtype,
    });
  }

  /** One index of one axis, which leaves the shape. */
  at(x: Node, axis: number, index: number): Node {
    const starts = x.shape.map((_, k) => (k === axis ? index : 0));
    const sizes = x.shape.map((s, k) => (k === axis ? 1 : s));
    return this.reshape(
      this.slice(x, starts, sizes),
      x.shape.filter((_, k) => k !== axis),
    );
  }

  /** `x` at `starts` in zeros of `shape`. */
  pad(x: Node, starts: readonly number[], shape: Shape): Node {
    if (sameShape(x.shape, shape) && starts.every((s) => s === 0)) return x;
    return this.intern<"pad">(`P${x.id}|${starts.join()}|${shape.join()}`, {
      op: "pad",
      x,
      starts,
      shape,
      dtype: x.dtype,
    });
  }

  concat(xs: readonly Node[], axis: number): Node {
    if (xs.length === 1) return xs[0];
    return this.intern<"concat">(`C${xs.map((x) => x.id).join()}|${axis}`, {
      op: "concat",
      xs,
      axis,
      shape: [],
      dtype: "real",
    });
  }

  /** Joins nodes of one shape along a new axis. */
  stack(xs: readonly Node[], axis = 0): Node {
    return this.concat(
      xs.map((x) => this.reshape(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)])),
      axis,
    );
  }

  /** Elements of `axis` at `indices`, whose axes take the place of `axis`. */
  gather(x: Node, indices: Node, axis: number): Node {
    return this.intern<"gather">(`G${x.id} ${indices.id} ${axis}`, {
      op: "gather",
      x,
      indices,
      axis,
      shape: [],
      dtype: x.dtype,
    });
  }

  /** Zeros of `shape` with `x` added at `indices` of `axis`. */
  scatterAdd(x: Node, indices: Node, axis: number, shape: Shape): Node {
    return this.intern<"scatter_add">(`A${x.id} ${indices.id} ${axis}|${shape.join()}`, {
      op: "scatter_add",
      x,
      indices,
      axis,
      shape,
      dtype: x.dtype,
    });
  }

  /** Over `axes` (default all), which leave the shape. */
  reduce(fn: ReduceFn, x: Node, axes: readonly number[] = otherAxes(x.shape.length, [])): Node {
    if (axes.length === 0) return x;
    const sorted = [...axes].sort((a, b) => a - b);
    return this.intern<"reduce">(`r${fn} ${x.id}|${sorted.join()}`, {
      op: "reduce",
      fn,
      x,
      axes: sorted,
      shape: [],
      dtype: x.dtype,
    });
  }
  sum(x: Node, axes?: readonly number[]): Node {
    return this.reduce("sum", x, axes);
  }
  prod(x: Node, axes?: readonly number[]): Node {
    return this.reduce("prod", x, axes);
  }
  reduceMax(x: Node, axes?: readonly number[]): Node {
    return this.reduce("max", x, axes);
  }
  reduceMin(x: Node, axes?: readonly number[]): Node {
    return this.reduce("min", x, axes);
  }
  /** The mean over `axes` (default all); NaN over no elements. */
  mean(x: Node, axes: readonly number[] = otherAxes(x.shape.length, [])): Node {
    return this.div(
      this.sum(x, axes),
      axes.reduce((n, a) => n * x.shape[a], 1),
    );
  }

  /** Puts back the axes that a reduction of `x` over `axes` took away. */
  unreduce(reduced: Node, x: Node, axes: readonly number[]): Node {
    return this.broadcast(reduced, x.shape, otherAxes(x.shape.length, axes));
  }

  /**
   * log Σ exp x over `axes` (default all), without overflow: −inf over nothing or only −inf.
   * The gradient pass knows this form and differentiates it as softmax.
   */
  logsumexp(x: Node, axes: readonly number[] = otherAxes(x.shape.length, [])): Node {
    if (axes.length === 0) return x;
    const largest = this.reduceMax(x, axes);
    // Subtracting an infinite maximum would give NaN; 0 leaves the infinities as they are.
    const shift = this.select(this.lt(this.abs(largest), Infinity), largest, 0);
    const shifted = this.sub(x, this.unreduce(shift, x, axes));
    return this.add(shift, this.log(this.sum(this.exp(shifted), axes)));
  }

  /** log(exp x + exp y), elementwise, without overflow. */
  logaddexp(x: Node, y: Node): Node {
    const [a, b] =
      x.shape.length === y.shape.length
        ? [x, y]
        : [this.add(x, this.zeros(y.shape)), this.add(y, this.zeros(x.shape))];
    return this.logsumexp(this.stack([a, b], 0), [0]);
  }

  /** Running sums or products along `axis`; `exclusive` leaves out the element itself. */
  cumulative(
    fn: "sum" | "prod",
    x: Node,
    axis: number,
    options: { readonly reverse?: boolean; readonly exclusive?: boolean } = {},
  ): Node {
    const { reverse = false, exclusive = false } = options;
    return this.intern<"cumulative">(`U${fn} ${x.id} ${axis} ${reverse} ${exclusive}`, {
      op: "cumulative",
      fn,
      x,
      axis,
      reverse,
      exclusive,
      shape: x.shape,
      dtype: x.dtype,
    });
  }

  /** `[…b, m, k] × […b, k, n]`; batch axes equal, or absent on one side. */
  matmul(x: Node, y: Node): Node {
    return this.intern<"matmul">(`M${x.id} ${y.id}`, {
      op: "matmul",
      x,
      y,
      shape: [],
      dtype: "real",
    });
  }
  /** `[…b, m, k] × [k]`, shape `[…b, m]`; or `[…b, m, k] × […b, k]` where the batches agree. */
  matvec(x: Node, v: Node): Node {
    const column = this.reshape(v, [...v.shape, 1]);
    const product = this.matmul(x, column);
    return this.reshape(product, product.shape.slice(0, -1));
  }
  /** Σ x y over the last axis. */
  dot(x: Node, y: Node): Node {
    return this.sum(this.mul(x, y), [x.shape.length - 1]);
  }
  /** The lower Cholesky factor; NaN where not positive definite. */
  cholesky(x: Node): Node {
    return this.intern<"cholesky">(`H${x.id}`, { op: "cholesky", x, shape: [], dtype: "real" });
  }
  /** Solves `L X = B`, or `Lᵀ X = B` where `transposed`; b has matrix shape `[…b, n, m]`. */
  triangularSolve(l: Node, b: Node, transposed = false): Node {
    return this.intern<"triangular_solve">(`L${l.id} ${b.id} ${transposed}`, {
      op: "triangular_solve",
      l,
      b,
      transposed,
      shape: [],
      dtype: "real",
    });
  }
  /** Solves `A X = B`. */
  solve(a: Node, b: Node): Node {
    return this.intern<"solve">(`V${a.id} ${b.id}`, {
      op: "solve",
      a,
      b,
      shape: [],
      dtype: "real",
    });
  }
  /** `log |det A|`, shape of the batch. */
  logAbsDet(x: Node): Node {
    return this.intern<"log_abs_det">(`D${x.id}`, {
      op: "log_abs_det",
      x,
      shape: [],
      dtype: "real",
    });
  }

  /** A loop; `body` builds one step with the nested builder and its inputs only. */
  scan(
    args: ScanArgs,
    body: (
      b: GraphBuilder,
      carry: readonly Node[],
      slices: readonly Node[],
      consts: readonly Node[],
    ) => ScanStep,
  ): ScanResult {
    const { xs = [], consts = [] } = args;
    const nested = new GraphBuilder();
    const carry = args.init.map((n, k) => nested.input(`carry${k}`, n.shape, n.dtype));
    const slices = xs.map((n, k) => nested.input(`slice${k}`, n.shape.slice(1), n.dtype));
    const shared = consts.map((n, k) => nested.input(`const${k}`, n.shape, n.dtype));
    const step = body(nested, carry, slices, shared);
    return this.scanOf(args, {
      carry,
      slices,
      consts: shared,
      nextCarry: step.carry,
      ys: step.ys,
    });
  }

  /** A scan whose body exists already. */
  scanOf(args: ScanArgs, body: ScanBody): ScanResult {
    const source = this.scanSource(args, body);
    const carries = args.init.length;
    return {
      carry: args.init.map((_, k) => this.output(source, k)),
      ys: body.ys.map((_, k) => this.output(source, carries + k)),
    };
  }

  /** The scan itself, whose results `output` reads. */
  scanSource(args: ScanArgs, body: ScanBody): ScanNode {
    const { length, reverse = false, init, xs = [], consts = [] } = args;
    const shape: Shape = [];
    const draft = { op: "scan", length, reverse, init, xs, consts, body, shape } as const;
    return this.register<"scan">({ ...draft, dtype: "real" });
  }

  /** Result `index` of a scan of this builder. */
  output(source: ScanNode, index: number): OutputNode {
    return this.intern<"output">(`O${source.id} ${index}`, {
      op: "output",
      source,
      index,
      shape: [],
      dtype: "real",
    });
  }

  /** Checks that an input belongs here; for callers that mix builders. */
  requireInput(name: string): InputNode {
    const found = this.inputs.find((n) => n.name === name);
    return found ?? internalError(`no input ${name}`);
  }
}
