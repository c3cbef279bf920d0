/** The compiler of expressions with local definitions, as its rules see it. */
import type { Expr } from "../../model/ir.js";
import type { ArrayFn, Compiler, ScalarFn } from "./frame.js";

/** A compiler that also knows the local definitions met so far. */
export interface LocalCompiler extends Compiler {
  /** Makes `name` stand for `value`; returns its slot, which is emptied to forget the value. */
  readonly defineLocal: (name: string, value: Expr) => number;
  /** Makes `name` stand for a value that is written into its slot. */
  readonly bindLocal: (name: string) => number;
  /** Slots of local definitions. */
  readonly localSlots: ReadonlySet<number>;
  readonly local: (name: string) => { readonly slot: number; readonly value: ScalarFn | ArrayFn };
}
