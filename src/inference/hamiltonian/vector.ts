/** Loops over the elements of vectors, marked for SIMD. */
import { add, f64, get, i32, index, load, loop, mul, set, store } from "../../kernel/build.js";
import type { Expr, Local, Stmt } from "../../kernel/ir.js";

/** An f64 or i32 local by name. */
export const real = (name: string): Local => ({ name, type: "f64" });
export const whole = (name: string): Local => ({ name, type: "i32" });

/** A vector loop over the first `n` elements. */
export function over(
  n: number,
  body: (i: Expr) => readonly Stmt[],
  sums: readonly Local[] = [],
): Stmt {
  const reductions = sums.map(({ name }) => ({ local: name, fn: "add" as const }));
  return loop("i", i32(0), i32(n), body(index("i")), { reductions });
}

/** `sum = sum + value` for a local that a loop lists as a sum. */
export function accumulate(sum: Local, value: Expr): Stmt {
  return set(sum, add(get(sum), value));
}

/** Locals set to 0, to be accumulated. */
export function zeroed(sums: readonly Local[]): readonly Stmt[] {
  return sums.map((sum) => set(sum, f64(0)));
}

/** Part of a buffer: its elements from `offset` on. */
export interface Slice {
  readonly buffer: string;
  readonly offset?: Expr;
}

export function at(slice: Slice, i: Expr): Expr {
  return load(slice.buffer, position(slice, i));
}
export function put(slice: Slice, i: Expr, value: Expr): Stmt {
  return store(slice.buffer, position(slice, i), value);
}
function position({ offset }: Slice, i: Expr): Expr {
  return offset === undefined ? i : add(offset, i);
}

/** Copies n elements of each pair. */
export function copy(
  n: number,
  ...pairs: readonly (readonly [from: Slice, to: Slice])[]
): readonly Stmt[] {
  return [over(n, (i) => pairs.map(([from, to]) => put(to, i, at(from, i))))];
}

/** Row-major matrix-vector products: `use` receives row i's inner product with `x`. */
export function rowProducts(
  n: number,
  matrix: string,
  x: Slice,
  use: (i: Expr, product: Expr) => readonly Stmt[],
): Stmt {
  const sum = real("row_sum");
  const start = whole("row_start");
  const row = index("row");
  return loop("row", i32(0), i32(n), [
    set(start, mul(row, i32(n))),
    ...zeroed([sum]),
    over(n, (i) => [accumulate(sum, mul(load(matrix, add(get(start), i)), at(x, i)))], [sum]),
    ...use(row, get(sum)),
  ]);
}
