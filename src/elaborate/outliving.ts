/** Supports that outlive a binder. */
import type { Support } from "../model/ir.js";
import { freeVariables, supportExprs } from "../model/traverse.js";

/** The support itself, or the whole line of its kind where its bounds follow the binder `name`. */
export function outliving(s: Support, name: string): Support {
  if (!supportExprs(s).some((e) => freeVariables(e).has(name))) return s;
  return s.kind === "interval" ? { kind: "real" } : { kind: "int" };
}
