/** Arithmetic on real tensors of a scope, with the usual broadcasting. */
import type { TfOp } from "./ops.js";
import type { Scope, Tensor } from "./scope.js";
import { type Attrs, boolAttr, type TfType, typeAttr } from "./types.js";

export type RealType = "double" | "float";
export type Real = Tensor | number;

/** The attribute of most operations: their operands' type. */
export const typed = (type: TfType): Attrs => ({ T: typeAttr(type) });

/** Another type for the same numbers. */
export function cast(t: Tensor, type: TfType): Tensor {
  if (t.type === type) return t;
  const attrs = { SrcT: typeAttr(t.type), DstT: typeAttr(type), Truncate: boolAttr(false) };
  return t.scope.op("Cast", [t], type, { attrs });
}

/** Another type for the same bits. */
export function bitcast(t: Tensor, type: TfType): Tensor {
  const attrs = { T: typeAttr(t.type), type: typeAttr(type) };
  return t.scope.op("Bitcast", [t], type, { attrs });
}

export class Maths {
  constructor(
    readonly scope: Scope,
    readonly type: RealType,
  ) {}

  lift(x: Real): Tensor {
    return typeof x === "number" ? this.scope.constant(this.type, [x]) : x;
  }
  call(op: TfOp, ...xs: readonly Real[]): Tensor {
    const inputs = xs.map((x) => this.lift(x));
    return this.scope.op(op, inputs, this.type, { attrs: typed(this.type) });
  }
  compare(op: TfOp, x: Real, y: Real): Tensor {
    const inputs = [this.lift(x), this.lift(y)];
    return this.scope.op(op, inputs, "bool", { attrs: typed(this.type) });
  }
  logical(op: "LogicalAnd" | "LogicalOr" | "LogicalNot", ...xs: readonly Tensor[]): Tensor {
    return this.scope.op(op, xs, "bool");
  }
  isNan(x: Tensor): Tensor {
    return this.scope.op("IsNan", [x], "bool", { attrs: typed(this.type) });
  }
  select(where: Tensor, x: Real, y: Real): Tensor {
    return this.call2("SelectV2", [where, this.lift(x), this.lift(y)]);
  }
  call2(op: TfOp, inputs: readonly Tensor[]): Tensor {
    return this.scope.op(op, inputs, this.type, { attrs: typed(this.type) });
  }
  add(x: Real, y: Real): Tensor {
    return this.call("AddV2", x, y);
  }
  sub(x: Real, y: Real): Tensor {
    return this.call("Sub", x, y);
  }
  mul(x: Real, y: Real): Tensor {
    return this.call("Mul", x, y);
  }
  div(x: Real, y: Real): Tensor {
    return this.call("RealDiv", x, y);
  }
  neg(x: Real): Tensor {
    return this.call("Neg", x);
  }
  /** c[0] + c[1] x + c[2] x² + … by Horner's rule. */
  polynomial(c: readonly number[], x: Tensor): Tensor {
    let sum: Real = c[c.length - 1];
    for (let k = c.length - 2; k >= 0; k--) sum = this.add(this.mul(sum, x), c[k]);
    return this.lift(sum);
  }
  rational(p: readonly number[], q: readonly number[], x: Tensor): Tensor {
    return this.div(this.polynomial(p, x), this.polynomial(q, x));
  }
}
