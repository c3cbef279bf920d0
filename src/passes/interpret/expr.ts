/** Direct evaluation of one expression, for values that are known before inference. */
import type { DataValue } from "../../model/data.js";
import type { Expr } from "../../model/ir.js";
import { makeCompiler } from "./compile.js";
import type { SlotValue } from "./frame.js";

/**
 * The value of `e`, with variables (and names of sizes) from `scope`.
 * @throws TildeError where an index or a range is out of range, or sizes do not agree.
 */
export function evaluateExpr(e: Expr, scope: (name: string) => DataValue | undefined): DataValue {
  const compiler = makeCompiler();
  const value = compiler.value(e);
  const slots: SlotValue[] = [...compiler.names.keys()].map((name) => scope(name));
  return value({ slots });
}
