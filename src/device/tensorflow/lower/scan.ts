/** Scans: a loop whose rows of results are kept in a list. */
import type { Node, NodeOf, Shape } from "../../../tensor/ops.js";
import { typed } from "../graph/maths.js";
import type { Scope, Tensor } from "../graph/scope.js";
import { type Attrs, intAttr, type TfType, typeAttr } from "../graph/types.js";
import { below, next, whileLoop } from "../graph/while.js";
import type { Block } from "./block.js";
import { gather } from "./structural.js";
import { reshape, TensorValue, type Value } from "./value.js";

/** A list of `length` tensors of a shape. */
export function makeList(scope: Scope, shape: Shape, length: Tensor, type: TfType): Tensor {
  const attrs: Attrs = { element_dtype: typeAttr(type), shape_type: typeAttr("int32") };
  const inputs = [scope.ints([...shape]), length];
  return scope.op("TensorListReserve", inputs, "variant", { attrs });
}

export function setItem(scope: Scope, list: Tensor, at: Tensor, item: Tensor): Tensor {
  const attrs: Attrs = { element_dtype: typeAttr(item.type) };
  return scope.op("TensorListSetItem", [list, at, item], "variant", { attrs });
}

/** The list as one tensor, its places first. */
export function stack(scope: Scope, list: Tensor, shape: Shape, type: TfType): Tensor {
  const attrs: Attrs = { element_dtype: typeAttr(type), num_elements: intAttr(-1) };
  return scope.op("TensorListStack", [list, scope.ints([...shape])], type, { attrs });
}

/** Final carries, then stacked ys. */
export function emitScan(b: Block, n: NodeOf<"scan">): readonly Value[] {
  const { body, length } = n;
  const { scope } = b;
  const rowsOf = (y: Node): Shape => [length, ...y.shape];
  if (length === 0) {
    const none = body.ys.map((y) => scope.constant(b.type, new Float64Array(0), rowsOf(y)));
    const initial = n.init.map((x) => b.at(x));
    return [...initial, ...none.map((t, k) => new TensorValue(t, rowsOf(body.ys[k]), b.real))];
  }
  const count = scope.ints(length);
  const lists = body.ys.map((y) => makeList(scope, y.shape, count, b.type));
  const carries = n.init.length;
  // Two scans may share a body: what this one's loop does not change is its own.
  const around = b.inner();
  const initial = [scope.ints(0), ...n.init.map((x) => b.full(x)), ...lists];
  const final = whileLoop(scope, initial, {
    condition: (s, [i]) => below(s, i, s.ints(length)),
    body: (s, [i, ...variables]) => {
      const inner = around.inner(s);
      const last = s.ints(length - 1);
      const row = n.reverse ? s.op("Sub", [last, i], "int32", { attrs: typed("int32") }) : i;
      body.carry.forEach((c, k) => {
        inner.set(c, variables[k]);
      });
      body.consts.forEach((c, k) => {
        around.give(c, b.at(n.consts[k]));
      });
      body.slices.forEach((slice, k) => {
        const xs = b.at(n.xs[k]);
        const shape = xs.shape.slice(1);
        // Rows that are all alike are no business of the loop's.
        const isSame = xs.shape[0] === 1;
        const t = isSame ? reshape(xs.as("real"), shape) : gather(xs.as("real"), row);
        (isSame ? around : inner).give(slice, new TensorValue(t, shape, b.real));
      });
      inner.compute([...body.nextCarry, ...body.ys]);
      const written = body.ys.map((y, k) => setItem(s, variables[carries + k], row, inner.full(y)));
      return [next(s, i), ...body.nextCarry.map((c) => inner.full(c)), ...written];
    },
  });
  const state = n.init.map((x, k) => new TensorValue(final[1 + k], x.shape, b.real));
  const ys = body.ys.map((y, k) => {
    const rows = stack(scope, final[1 + carries + k], y.shape, b.type);
    return new TensorValue(rows, rowsOf(y), b.real);
  });
  return [...state, ...ys];
}
