/** What the methods of a run share: its data, and how failures to begin are told. */
import { diagnostic, fail, TildeError } from "../base/diagnostic.js";
import type { GraphDevice } from "../device/contract.js";
import type { ChainFailure } from "../inference/contract.js";
import type { LogJoint } from "../inference/logjoint/index.js";
import type { Conditioned } from "../passes/condition/index.js";
import type { Shelf } from "./device/auto.js";
import { explainFailure } from "./explain-failure.js";
import type { InferOptions } from "./options.js";
import type { Checkpoint } from "./storage/checkpoint.js";
import type { DataFile, RunRecord } from "./storage/record.js";

export interface Run {
  readonly conditioned: Conditioned;
  readonly seed: number;
  readonly start: number;
  readonly options: InferOptions;
  /** The files that the data came from. */
  readonly files?: readonly DataFile[];
  /** Of a run in a folder that is taken up again: what it was. */
  readonly resumed?: RunRecord;
  /** A device that takes whole graphs, where one was asked for and the method runs there. */
  readonly device?: GraphDevice;
  /** Devices to choose from, where the choice is left to measurement. */
  readonly shelf?: Shelf;
  /** Of a run in a folder that is no chain: where its state goes. */
  readonly checkpoint?: Checkpoint;
}

/** Where and why a chain could not begin. */
export function failureOf(failure: ChainFailure, joint: LogJoint): TildeError {
  if (failure.kind === "step_size") {
    return new TildeError([diagnostic("no_step_size", undefined, { search: failure.search })]);
  }
  const { tries } = failure;
  const why = explainFailure(joint, failure.position);
  const reason = why ?? "the gradient of the log density is not finite";
  const params = { tries, reason, sites: [] };
  return new TildeError([diagnostic("initialisation_failed", undefined, params)]);
}

/** @throws TildeError where a method has nothing to move through */
export function refuseNothing(
  { dimension, sum }: { readonly dimension: number; readonly sum?: unknown },
  method: string,
): void {
  if (dimension > 0) return;
  fail(sum === undefined ? "no_latent_sites" : "no_continuous_sites", undefined, { method });
}

/** What is carried from step to step needs steps of learning by gradients. */
export function refuseStates({ model }: Conditioned, method: string): void {
  const [state] = model.states ?? [];
  if (state !== undefined) fail("state_method", state.next.span, { name: state.param, method });
}

/** Methods that sample need a prior on everything that they sample. */
export function refuseParams(conditioned: Conditioned, method: string): void {
  const param = conditioned.model.variables.find((v) => v.role === "param");
  if (param !== undefined) fail("param_needs_prior", param.span, { name: param.name, method });
}
