import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { NodeArgs } from "../contract.js";
import { arg } from "./spec.js";

/** (x − location) / scale, of the shape of x. */
export function standardise(
  g: GraphBuilder,
  x: Node,
  args: NodeArgs,
  location: string,
  scale: string,
): Node {
  return g.div(g.sub(x, arg(args, location)), arg(args, scale));
}
