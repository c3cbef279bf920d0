/**
 * Rows of minibatches, drawn within a loop: the beginning of the Fisher–Yates shuffle of
 * src/inference/stochastic/rows.ts, to the last number, in operations on whole vectors. Who follows
 * whom in the chains of swaps (see src/device/webgpu/emit/rows.ts) comes from a sorted list of the
 * swaps' targets. The order of all rows is a variable that each step changes where it swaps.
 */
import { cast, Maths, typed } from "../graph/maths.js";
import type { Scope, Tensor } from "../graph/scope.js";
import { boolAttr, intAttr, typeAttr } from "../graph/types.js";
import { gather } from "../lower/structural.js";
import { reshape, sized } from "../lower/value.js";
import type { Sender } from "../sender.js";
import type { Session } from "../session.js";
import { Variable } from "../variables.js";

export class Shuffle {
  readonly #order: Variable;

  constructor(
    scope: Scope,
    readonly sender: Sender,
    name: string,
    readonly all: number,
    readonly rows: number,
  ) {
    // Whole numbers up to 2⁵³, whatever the loop's own numbers are: all kernels have doubles.
    this.#order = new Variable(scope, name, "double", [all]);
    sender.add(this.#order);
    this.#order.expose(`${name}_now`);
  }

  /** Sets the order; absent, to 0, 1, 2, … */
  rewind(given?: Float64Array): void {
    const order = given ?? new Float64Array(this.all).map((_, k) => k);
    this.sender.give(this.#order, order);
  }

  /** The order after the steps so far. */
  read(session: Session): Float64Array {
    this.sender.flush(session);
    return session.run("reading the order of rows", [], [`${this.#order.name}_now`])[0];
  }

  /**
   * One step, in the body of a loop: of uniforms `[rows]` the rows' numbers (doubles), and the name
   * of the node after which the order has changed.
   */
  step(scope: Scope, uniforms: Tensor): { readonly rows: Tensor; readonly done: string } {
    const { all, rows: count } = this;
    const m = new Maths(scope, "double");
    const places = scope.constant("double", iota(count), [count]);
    const left = m.sub(all, places);
    const moved = m.call("Floor", m.call("Minimum", m.mul(uniforms, left), m.sub(left, 1)));
    const targets = m.add(places, moved);
    // Swaps sorted by target, then by number.
    const keys = m.add(m.mul(targets, count), places);
    const sorted = sortedUp(m, keys, count);
    const before = (key: Tensor, place: Tensor): { exists: Tensor; swap: Tensor } => {
      const at = cast(lowerBound(sorted, key, count), "double");
      const found = gather(sorted, cast(m.call("Maximum", m.sub(at, 1), 0), "int32"));
      const ofSame = m.compare("Equal", m.call("Floor", m.div(found, count)), place);
      const exists = m.logical("LogicalAnd", ofSame, m.compare("Greater", at, 0));
      return { exists, swap: m.sub(found, m.mul(place, count)) };
    };
    const earlier = before(m.mul(places, count + 1), places);
    const twin = before(keys, targets);
    let origin = cast(m.select(earlier.exists, earlier.swap, places), "int32");
    for (let reach = 1; reach < count; reach *= 2) origin = gather(origin, origin);
    const order = this.#order.handle(scope);
    const read = (at: Tensor): Tensor =>
      scope.op("ResourceGather", [order, at], "double", {
        attrs: {
          dtype: typeAttr("double"),
          Tindices: typeAttr("int32"),
          batch_dims: intAttr(0),
          validate_indices: boolAttr(true),
        },
      });
    const first = read(origin);
    const ofTwin = gather(first, cast(m.select(twin.exists, twin.swap, places), "int32"));
    const rows = m.select(twin.exists, ofTwin, read(cast(targets, "int32")));
    // A place behind the rows ends with what its last swap brought. Who brings nothing there writes
    // its own row once more.
    const ends = scope.op(
      "Slice",
      [joinedEnd(m, sorted), scope.ints([1]), scope.ints([count])],
      "double",
      {
        attrs: sized("double", "Index"),
      },
    );
    const rank = lowerBound(sorted, keys, count);
    const isLast = m.compare(
      "NotEqual",
      m.call("Floor", m.div(gather(ends, rank), count)),
      targets,
    );
    const isTail = m.logical("LogicalAnd", isLast, m.compare("GreaterEqual", targets, count));
    const at = concatenated(scope, places, m.select(isTail, targets, places));
    const values = concatenated(scope, rows, m.select(isTail, first, rows));
    const done = scope.library.name("shuffled");
    scope.ops("ResourceScatterUpdate", [order, cast(at, "int32"), values], [], {
      name: done,
      attrs: { dtype: typeAttr("double"), Tindices: typeAttr("int32") },
    });
    return { rows, done };
  }
}

function iota(length: number): Float64Array {
  return Float64Array.from({ length }, (_, k) => k);
}

/** In ascending order. */
function sortedUp(m: Maths, x: Tensor, count: number): Tensor {
  const inputs = [m.neg(x), m.scope.ints(count)];
  const attrs = { ...typed("double"), sorted: boolAttr(true) };
  return m.neg(m.scope.ops("TopKV2", inputs, ["double", "int32"], { attrs })[0]);
}

/** Of each value how many elements of the sorted list are smaller, int32. */
function lowerBound(sorted: Tensor, values: Tensor, count: number): Tensor {
  const { scope } = values;
  const inputs = [reshape(scope.bring(sorted), [1, count]), reshape(values, [1, count])];
  const attrs = { ...typed("double"), out_type: typeAttr("int32") };
  return reshape(scope.op("LowerBound", inputs, "int32", { attrs }), [count]);
}

function concatenated(scope: Scope, x: Tensor, y: Tensor): Tensor {
  const attrs = { N: intAttr(2), ...sized("double", "Tidx") };
  return scope.op("ConcatV2", [x, y, scope.ints(0)], "double", { attrs });
}

/** The list with a number below all targets behind it. */
function joinedEnd(m: Maths, sorted: Tensor): Tensor {
  return concatenated(m.scope, sorted, m.scope.constant("double", [-1], [1]));
}
