/** Log probabilities of labels, and p log p where p may be 0. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { NodeArgs } from "../contract.js";
import { alongEvent } from "../shared/batch.js";
import { logProbability } from "../shared/logs.js";
import { arg } from "../shared/spec.js";

/** log p_k of a Categorical, `batch ++ [K]`. */
export function logWeights(g: GraphBuilder, args: NodeArgs): Node {
  const { logits } = args;
  if (logits === undefined) return logProbability(g, arg(args, "p"));
  const last = logits.shape.length - 1;
  return g.sub(logits, alongEvent(g, g.logsumexp(logits, [last]), [logits.shape[last]]));
}

/** p · log r, and 0 for p = 0 whatever r is. */
export function timesLog(g: GraphBuilder, p: Node, logR: Node): Node {
  const occurs = g.gt(p, 0);
  return g.select(occurs, g.mul(p, g.select(occurs, logR, 0)), 0);
}
