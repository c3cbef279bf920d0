/**
 * The value of a node: a tensor whose axes are the node's, each of the node's size or of size 1 where
 * the value repeats along it. TensorFlow's own broadcasting then does what `broadcast` nodes ask.
 */
import type { Shape } from "../../../tensor/ops.js";
import { cast, type RealType, typed } from "../graph/maths.js";
import type { Scope, Tensor } from "../graph/scope.js";
import { type Attrs, intAttr, type TfType, typeAttr } from "../graph/types.js";

export type ValueKind = "real" | "bool" | "index";

/** How a scope is asked for the same numbers in another type. */
export interface Value {
  readonly shape: Shape;
  as(kind: ValueKind): Tensor;
  /** With every axis at the node's size. */
  full(kind: ValueKind, shape: Shape): Tensor;
}

/** The attributes of operations with a tensor of sizes. */
export const sized = (type: TfType, name = "Tshape"): Attrs => ({
  T: typeAttr(type),
  [name]: typeAttr("int32"),
});

export function reshape(t: Tensor, shape: Shape): Tensor {
  return t.scope.op("Reshape", [t, t.scope.ints([...shape])], t.type, { attrs: sized(t.type) });
}

/** A computed value. Other types of it are made in its scope, once. */
export class TensorValue implements Value {
  readonly #known = new Map<ValueKind, Tensor>();
  readonly #full = new Map<ValueKind, Tensor>();

  constructor(
    readonly tensor: Tensor,
    readonly shape: Shape,
    readonly real: RealType,
  ) {}

  as(kind: ValueKind): Tensor {
    const known = this.#known.get(kind);
    if (known !== undefined) return known;
    const made = this.#make(kind);
    this.#known.set(kind, made);
    return made;
  }

  #make(kind: ValueKind): Tensor {
    const { tensor, real } = this;
    if (kind === "real") return cast(tensor, real);
    if (kind === "index") return cast(tensor, "int32");
    if (tensor.type === "bool") return tensor;
    const zero = tensor.scope.constant(tensor.type, [0]);
    return tensor.scope.op("NotEqual", [tensor, zero], "bool", { attrs: typed(tensor.type) });
  }

  full(kind: ValueKind, shape: Shape): Tensor {
    const t = this.as(kind);
    if (this.shape.every((size, k) => size === shape[k])) return t;
    const known = this.#full.get(kind);
    if (known !== undefined) return known;
    const made = broadcastTo(t, shape);
    this.#full.set(kind, made);
    return made;
  }
}

function broadcastTo(t: Tensor, shape: Shape): Tensor {
  const sizes = t.scope.ints([...shape]);
  return t.scope.op("BroadcastTo", [t, sizes], t.type, { attrs: sized(t.type, "Tidx") });
}

/** A constant, made in the scope that asks for it. One number for all elements has axes of size 1. */
export class ConstantValue implements Value {
  readonly shape: Shape;
  readonly #data: Float64Array;
  readonly #full = new Map<ValueKind, Tensor>();

  constructor(
    readonly scope: Scope,
    data: Float64Array,
    shape: Shape,
    readonly real: RealType,
  ) {
    const isUniform = data.length > 1 && data.every((v) => Object.is(v, data[0]));
    this.shape = isUniform ? shape.map(() => 1) : shape;
    this.#data = isUniform ? data.slice(0, 1) : data;
  }

  as(kind: ValueKind): Tensor {
    if (kind === "bool") return this.scope.constant("bool", this.#data.map(isTrue), this.shape);
    const type = kind === "index" ? "int32" : this.real;
    return this.scope.constant(type, this.#data, this.shape);
  }

  full(kind: ValueKind, shape: Shape): Tensor {
    const t = this.as(kind);
    if (this.shape.every((size, k) => size === shape[k])) return t;
    const known = this.#full.get(kind);
    if (known !== undefined) return known;
    const made = broadcastTo(t, shape);
    this.#full.set(kind, made);
    return made;
  }
}

function isTrue(v: number): number {
  return v === 0 ? 0 : 1;
}

/** The shape that operands of these shapes broadcast to: equal ranks. */
export function joint(shapes: readonly Shape[]): Shape {
  return shapes[0].map((size, k) => shapes.map((s) => s[k]).find((s) => s !== 1) ?? size);
}

/** Tensors of real numbers as one vector. */
export function asVector(scope: Scope, parts: readonly Tensor[], real: RealType): Tensor {
  if (parts.length === 0) return scope.constant(real, [], [0]);
  const flat = parts.map((t) => reshape(scope.bring(t), [-1]));
  if (flat.length === 1) return flat[0];
  const attrs = { N: intAttr(flat.length), ...sized(real, "Tidx") };
  return scope.op("ConcatV2", [...flat, scope.ints(0)], real, { attrs });
}
