/** Loop variables of binders as closures. */
import type { Binder } from "../../model/ir.js";
import type { Compiler, ScalarFn } from "./frame.js";

/** A half-open range; its variable is a number in `slot`. */
export interface Loop {
  readonly slot: number;
  readonly from: ScalarFn;
  readonly to: ScalarFn;
}

export function compileBinder(c: Compiler, b: Binder): Loop {
  return { slot: c.slot(b.name), from: c.scalar(b.from), to: c.scalar(b.to) };
}
