/**
 * A builder that simplifies what it is asked to build: rules by op, then constant folding. A graph
 * rebuilt through it is simplified bottom-up, and what a rule makes is simplified in turn.
 *
 * Policy: a rewriting is an identity of real numbers. It may change a result by rounding, and may
 * give a number where the original gave NaN or overflowed (0 · x is 0, exp(log x) is x); it never
 * makes NaN of a number within the range of f64.
 */
import { internalError } from "../../base/internal.js";
import { GraphBuilder } from "../../tensor/builder.js";
import { evaluateWith, valueOfNode } from "../../tensor/evaluate.js";
import type {
  BinaryFn,
  Node,
  OutputNode,
  ReduceFn,
  Shape,
  TernaryFn,
  UnaryFn,
} from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { operandsOf } from "../../tensor/traverse.js";
import type { Values } from "../../tensor/values.js";
import { binaryRules } from "./binary.js";
import { isConstant, operandOf, uniformValue } from "./facts.js";
import { reduceRule } from "./reduce.js";
import { beforeSelect } from "./select.js";
import {
  beforeGather,
  concatRule,
  gatherRule,
  matmulRule,
  padRule,
  reshapeRule,
  scatterAddRule,
  sliceRule,
  transposeRule,
} from "./structural.js";
import { unaryRules } from "./unary.js";

/** Constants are folded up to this many elements (32 MiB); larger ones stay computations. */
const FOLD_LIMIT = 1 << 22;

export class SimplifyingBuilder extends GraphBuilder {
  private readonly folded = new Map<Node, Node>();

  /** A constant array; one value repeated becomes a broadcast, which rules see through. */
  array(data: Float64Array, like: Node): Node {
    if (data.length > 1 && data.every((v) => Object.is(v, data[0]))) {
      return this.full(like.shape, data[0], like.dtype);
    }
    return this.constant(data, like.shape, like.dtype);
  }

  /** The value of `n` as a constant, if it depends on constants alone. */
  private fold(n: Node): Node {
    const operands = operandsOf(n);
    if (operands.length === 0 || !operands.every(isConstant)) return n;
    const known = this.folded.get(n);
    if (known !== undefined) return known;
    if (sizeOf(n.shape) > FOLD_LIMIT) return n;
    const at = (x: Node): Values => {
      if (x.op === "const") return x.data;
      return x.op === "broadcast" && x.x.op === "const"
        ? valueOfNode(x, at)
        : internalError(`${x.op} is no constant`);
    };
    const value = this.array(valueOfNode(n, at), n);
    this.folded.set(n, value);
    return value;
  }

  protected override makeUnary(fn: UnaryFn, x: Node): Node {
    if (isSingle(x)) return this.reshape(this.unary(fn, this.reshape(x, [])), x.shape);
    return (
      unaryRules[fn]?.(this, x) ??
      beforeGather(this, [x], ([inner]) => this.unary(fn, inner)) ??
      beforeSelect(this, [x], ([inner]) => this.unary(fn, inner)) ??
      this.fold(super.makeUnary(fn, x))
    );
  }

  protected override makeBinary(fn: BinaryFn, x: Node, y: Node): Node {
    if (isSingle(x)) {
      const inner = this.binary(fn, this.reshape(x, []), this.reshape(y, []));
      return this.reshape(inner, x.shape);
    }
    if (isConstant(x) && isConstant(y)) return this.fold(super.makeBinary(fn, x, y));
    return (
      binaryRules[fn]?.(this, x, y) ??
      beforeGather(this, [x, y], ([a, b]) => this.binary(fn, a, b)) ??
      beforeSelect(this, [x, y], ([a, b]) => this.binary(fn, a, b)) ??
      super.makeBinary(fn, x, y)
    );
  }

  protected override makeTernary(fn: TernaryFn, x: Node, y: Node, z: Node): Node {
    if (isSingle(x)) {
      const [a, b, c] = [x, y, z].map((n) => this.reshape(n, []));
      return this.reshape(this.ternary(fn, a, b, c), x.shape);
    }
    if (fn === "select") {
      const negated = operandOf(x, "not");
      if (negated !== undefined) return this.ternary("select", negated, z, y);
      if (y.op === "ternary" && y.fn === "select" && y.x === x) {
        return this.ternary("select", x, y.y, z);
      }
      if (z.op === "ternary" && z.fn === "select" && z.x === x) {
        return this.ternary("select", x, y, z.z);
      }
    }
    return (
      beforeGather(this, [x, y, z], ([a, b, c]) => this.ternary(fn, a, b, c)) ??
      beforeSelect(this, [x, y, z], ([a, b, c]) => this.ternary(fn, a, b, c)) ??
      this.fold(super.makeTernary(fn, x, y, z))
    );
  }

  override reshape(x: Node, shape: Shape): Node {
    return reshapeRule(this, x, shape) ?? super.reshape(x, shape);
  }

  override transpose(x: Node, perm?: readonly number[]): Node {
    const r = x.shape.length;
    const order = perm ?? [...Array(r - 2).keys(), r - 1, r - 2];
    return transposeRule(this, x, order) ?? this.fold(super.transpose(x, order));
  }

  override slice(x: Node, starts: readonly number[], sizes: Shape): Node {
    return sliceRule(this, x, starts, sizes) ?? this.fold(super.slice(x, starts, sizes));
  }

  override pad(x: Node, starts: readonly number[], shape: Shape): Node {
    return padRule(this, x, shape) ?? this.fold(super.pad(x, starts, shape));
  }

  override concat(xs: readonly Node[], axis: number): Node {
    if (xs.length === 1) return xs[0];
    return concatRule(this, xs, axis) ?? this.fold(super.concat(xs, axis));
  }

  override gather(x: Node, indices: Node, axis: number): Node {
    return gatherRule(this, x, indices, axis) ?? this.fold(super.gather(x, indices, axis));
  }

  override scatterAdd(x: Node, indices: Node, axis: number, shape: Shape): Node {
    return (
      scatterAddRule(this, x, indices, axis, shape) ??
      this.fold(super.scatterAdd(x, indices, axis, shape))
    );
  }

  override reduce(fn: ReduceFn, x: Node, axes?: readonly number[]): Node {
    const all = axes ?? x.shape.map((_, k) => k);
    if (all.length === 0) return x;
    return reduceRule(this, fn, x, all) ?? this.fold(super.reduce(fn, x, all));
  }

  override cumulative(
    fn: "sum" | "prod",
    x: Node,
    axis: number,
    options: { readonly reverse?: boolean; readonly exclusive?: boolean } = {},
  ): Node {
    return this.fold(super.cumulative(fn, x, axis, options));
  }

  override matmul(x: Node, y: Node): Node {
    if (uniformValue(x) === 0 || uniformValue(y) === 0) {
      return this.zeros(super.matmul(x, y).shape);
    }
    return matmulRule(this, x, y) ?? this.fold(super.matmul(x, y));
  }

  override cholesky(x: Node): Node {
    return this.fold(super.cholesky(x));
  }

  override triangularSolve(l: Node, b: Node, transposed = false): Node {
    return this.fold(super.triangularSolve(l, b, transposed));
  }

  override solve(a: Node, b: Node): Node {
    return this.fold(super.solve(a, b));
  }

  override logAbsDet(x: Node): Node {
    return this.fold(super.logAbsDet(x));
  }

  /** The value of one result of a loop over constants alone; the result itself otherwise. */
  foldOutput(n: OutputNode): Node {
    const operands = operandsOf(n.source);
    if (!operands.every(isConstant) || sizeOf(n.shape) > FOLD_LIMIT) return n;
    return this.array(evaluateWith([n], new Map())[0], n);
  }
}

/** One element that is not a scalar: computed as a scalar, where it meets other scalars. */
function isSingle(n: Node): boolean {
  return n.shape.length > 0 && sizeOf(n.shape) === 1;
}
