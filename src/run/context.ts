/** What the methods of a run share: its data, and how failures to begin are told. */
import { fail, TildeError } from "../base/diagnostic.js";
import type { ChainFailure } from "../inference/contract.js";
import type { LogJoint } from "../inference/logjoint/index.js";
import type { Conditioned } from "../passes/condition/index.js";
import { explainFailure } from "./explain-failure.js";
import type { InferOptions } from "./options.js";

export interface Run {
  readonly conditioned: Conditioned;
  readonly seed: number;
  readonly start: number;
  readonly options: InferOptions;
}

/** Where and why a chain could not begin. */
export function failureOf(failure: ChainFailure, joint: LogJoint): TildeError {
  try {
    if (failure.kind === "step_size") {
      const reason =
        failure.search === "unbounded"
          ? "no step is too large, as with a density that is flat or improper"
          : "no step is small enough, as with a density that jumps";
      fail("initialisation_failed", undefined, { tries: 1, reason, sites: [] });
    }
    const why = explainFailure(joint, failure.position);
    const reason = why ?? "the gradient of the log density is not finite";
    fail("initialisation_failed", undefined, { tries: failure.tries, reason, sites: [] });
  } catch (error) {
    if (error instanceof TildeError) return error;
    throw error;
  }
}

/** Methods that sample need a prior on everything that they sample. */
export function refuseParams(conditioned: Conditioned, method: string): void {
  const param = conditioned.model.variables.find((v) => v.role === "param");
  if (param !== undefined) fail("param_needs_prior", param.span, { name: param.name, method });
}
