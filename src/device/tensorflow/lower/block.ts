/**
 * The nodes of a graph, or of a loop's body, as TensorFlow's. A node is put into the outermost scope
 * that knows its operands: what a loop does not change is computed before it.
 */
import { internalError } from "../../../base/internal.js";
import type { ConstNode, InputNode, Node, NodeOf, Op } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { operandsOf, topological } from "../../../tensor/traverse.js";
import { Maths, type RealType } from "../graph/maths.js";
import type { Scope, Tensor } from "../graph/scope.js";
import type { TfType } from "../graph/types.js";
import { linalgRules } from "./linalg.js";
import { reductionRules } from "./reduce.js";
import { binaryRules, type ScalarRule, ternaryRules, unaryRules } from "./scalar.js";
import { emitScan } from "./scan.js";
import { structuralRules } from "./structural.js";
import { ConstantValue, joint, TensorValue, type Value, type ValueKind } from "./value.js";

/** Constants of more elements are read from outside by the functions that use them. */
const FEW = 64;

export type NodeRule<K extends Op> = (b: Block, n: NodeOf<K>) => Value;

/** Where constants too large for a graph are kept; undefined: the constant is in the graph. */
export type KeepConstant = (n: ConstNode) => Tensor | undefined;

export class Block {
  readonly maths: Maths;
  readonly #values = new Map<Node, Value>();
  readonly #scans = new Map<Node, readonly Value[]>();

  constructor(
    readonly scope: Scope,
    readonly real: RealType,
    readonly keep: KeepConstant,
    readonly parent?: Block,
    /** The type in which matrices are multiplied. */
    readonly products: RealType = real,
  ) {
    this.maths = new Maths(scope, real);
  }

  /** A block inside this one: of a function of its scope, or of the same scope. */
  inner(scope = this.scope): Block {
    return new Block(scope, this.real, this.keep, this, this.products);
  }

  /** Gives the value of a node from outside: of an input, mostly. */
  set(n: Node, t: Tensor): void {
    this.#values.set(n, new TensorValue(t, n.shape, this.real));
  }
  give(n: InputNode, value: Value): void {
    this.#values.set(n, value);
  }

  /** The value of a node that was computed, here or outside; constants are made where needed. */
  at(n: Node): Value {
    if (n.op === "const") {
      const block = sizeOf(n.shape) <= FEW ? this : this.#root();
      return block.#values.get(n) ?? block.#constant(n);
    }
    const home = this.#home(n);
    const known = home === undefined ? undefined : home.#values.get(n);
    return known ?? internalError(`no value for node ${n.id} (${n.op})`);
  }
  as(n: Node, kind: ValueKind): Tensor {
    return this.at(n).as(kind);
  }
  /** With all elements. */
  full(n: Node, kind: ValueKind = "real"): Tensor {
    return this.at(n).full(kind, n.shape);
  }

  #constant(n: ConstNode): Value {
    const kept = this.keep(n);
    const value =
      kept === undefined
        ? new ConstantValue(this.scope, n.data, n.shape, this.real)
        : new TensorValue(kept, n.shape, this.real);
    this.#values.set(n, value);
    return value;
  }

  #home(n: Node): Block | undefined {
    if (this.#values.has(n) || this.#scans.has(n)) return this;
    return this.parent === undefined ? undefined : this.parent.#home(n);
  }
  #root(): Block {
    return this.parent === undefined ? this : this.parent.#root();
  }
  #depth(): number {
    return this.parent === undefined ? 0 : 1 + this.parent.#depth();
  }

  /** Computes these nodes and all that they need. */
  compute(outputs: readonly Node[]): void {
    for (const n of topological(outputs)) {
      if (n.op === "const" || this.#home(n) !== undefined) continue;
      if (n.op === "input") internalError(`no value for the input ${n.name}`);
      this.#place(n).#emit(n);
    }
  }

  /** The innermost of the blocks that the operands are in. */
  #place(n: Node): Block {
    let found = this.#root();
    for (const x of operandsOf(n)) {
      const home = this.#home(x);
      if (home !== undefined && home.#depth() > found.#depth()) found = home;
    }
    return found;
  }

  #emit(n: Node): void {
    if (n.op === "scan") {
      this.#scans.set(n, emitScan(this, n));
      return;
    }
    // The entry at `n.op` takes exactly this member of the union.
    const rule = rules[n.op as keyof typeof rules] as (b: Block, n: Node) => Value;
    this.#values.set(n, rule(this, n));
  }

  scanResults(n: Node): readonly Value[] {
    const home = this.#home(n);
    const known = home === undefined ? undefined : home.#scans.get(n);
    return known ?? internalError("a scan that was not computed");
  }

  /** A value of the node's full shape. */
  value(n: Node, t: Tensor): Value {
    return new TensorValue(t, n.shape, this.real);
  }

  /** An elementwise function of operands as they are. */
  elementwise<Args extends readonly Tensor[]>(
    rule: ScalarRule<Args>,
    operands: readonly Node[],
  ): Value {
    const values = operands.map((x) => this.at(x));
    const shape = joint(values.map((v) => v.shape));
    const tensors = values.map((v, k) =>
      rule.needsEqualShapes ? v.full(rule.takes[k], shape) : v.as(rule.takes[k]),
    );
    return new TensorValue(
      rule.emit(this.maths, ...(tensors as unknown as Args)),
      shape,
      this.real,
    );
  }

  /** A node of one result of the real type. */
  op(...args: Parameters<Scope["op"]>): Tensor {
    return this.scope.op(...args);
  }
  get type(): TfType {
    return this.real;
  }
}

const rules: { readonly [K in Exclude<Op, "const" | "input" | "scan">]: NodeRule<K> } = {
  unary: (b, n) => b.elementwise(unaryRules[n.fn], [n.x]),
  binary: (b, n) => b.elementwise(binaryRules[n.fn], [n.x, n.y]),
  ternary: (b, n) => b.elementwise(ternaryRules[n.fn], [n.x, n.y, n.z]),
  output: (b, n) => b.scanResults(n.source)[n.index],
  ...structuralRules,
  ...reductionRules,
  ...linalgRules,
};
