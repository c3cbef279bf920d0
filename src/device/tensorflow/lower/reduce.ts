/** Sums, products, largest and smallest elements; running sums and products. */
import type { Op, ReduceFn } from "../../../tensor/ops.js";
import { reduceAt } from "../../../tensor/scalar-fns.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import type { TfOp } from "../graph/ops.js";
import { boolAttr } from "../graph/types.js";
import type { NodeRule } from "./block.js";
import { ConstantValue, sized } from "./value.js";

const folds: { readonly [F in ReduceFn]: TfOp } = {
  sum: "Sum",
  prod: "Prod",
  max: "Max",
  min: "Min",
};

export const reductionRules: {
  readonly [K in Extract<Op, "reduce" | "cumulative">]: NodeRule<K>;
} = {
  reduce: (b, n) => {
    // Of nothing: TensorFlow's largest and smallest numbers are finite.
    if (sizeOf(n.x.shape) === 0) {
      const data = new Float64Array(sizeOf(n.shape)).fill(reduceAt[n.fn].start);
      return new ConstantValue(b.scope, data, n.shape, b.real);
    }
    if (n.axes.length === 0) return b.value(n, b.full(n.x));
    const attrs = { ...sized(b.type, "Tidx"), keep_dims: boolAttr(false) };
    const inputs = [b.full(n.x), b.scope.ints(n.axes)];
    return b.value(n, b.op(folds[n.fn], inputs, b.type, { attrs }));
  },
  cumulative: (b, n) => {
    const attrs = {
      ...sized(b.type, "Tidx"),
      exclusive: boolAttr(n.exclusive),
      reverse: boolAttr(n.reverse),
    };
    const op = n.fn === "sum" ? "Cumsum" : "Cumprod";
    return b.value(n, b.op(op, [b.full(n.x), b.scope.ints(n.axis)], b.type, { attrs }));
  },
};
