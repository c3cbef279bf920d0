/** How a pass is run: recorded for `--dump`, verified where asked. */
import type { Graph } from "../tensor/ops.js";
import { verifyGraph } from "../tensor/verify.js";

/** Graph → graph. */
export type GraphPass = (graph: Graph) => Graph;

export interface PassOptions {
  /** Sees the result of each pass under its name. */
  readonly record?: (name: string, graph: Graph) => void;
  /** Checks the result; on in tests, off where a model is compiled for use. */
  readonly verify?: boolean;
}

/** Runs `f`, verifies its result under the pass's name, and hands it to the recorder. */
export function runPass(
  name: string,
  f: GraphPass,
  graph: Graph,
  options: PassOptions = {},
): Graph {
  const result = f(graph);
  // Recorded first, so that a graph that fails the verifier can still be looked at.
  options.record?.(name, result);
  if (options.verify === true) verifyGraph(result, name);
  return result;
}
