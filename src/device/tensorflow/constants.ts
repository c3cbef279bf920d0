/** Constants that are too large for the text of a graph: variables that are set once. */
import type { ConstNode } from "../../tensor/ops.js";
import type { RealType } from "./graph/maths.js";
import type { Scope } from "./graph/scope.js";
import type { KeepConstant } from "./lower/block.js";
import type { Sender } from "./sender.js";
import { Variable } from "./variables.js";

/** Elements from which on a constant is a variable: a graph has at most 2 GiB. */
const MANY = 1 << 14;

/** Where constants go from a graph in `scope`: the sender has their numbers. */
export function constantKeeper(scope: Scope, real: RealType, sender: Sender): KeepConstant {
  const kept = new Map<ConstNode, Variable>();
  return (n) => {
    if (n.data.length < MANY || n.data.every((v) => Object.is(v, n.data[0]))) return undefined;
    const known = kept.get(n);
    if (known !== undefined) return known.read();
    const made = new Variable(scope, `data_${kept.size}`, real, n.shape);
    kept.set(n, made);
    sender.add(made);
    sender.give(made, n.data);
    return made.read();
  };
}
