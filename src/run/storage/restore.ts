/** A fit from what its folder holds. */
import { resolve } from "node:path";
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { type DpChain, leftChain } from "../../inference/dp/model/chain.js";
import type { DpPlan } from "../../inference/dp/model/dp-plan.js";
import { planDp } from "../../inference/dp/model/plan.js";
import { truncatedModel } from "../../inference/dp/model/truncated.js";
import { condition } from "../../passes/condition/index.js";
import { makeInstance } from "../gibbs-chain.js";
import { withoutSwitching } from "../labels/relabel.js";
import { partitionsOfChains, wholeOf } from "../process-fit.js";
import type { FitData } from "../results/fit.js";
import { readJournal, sizeOfMixture } from "./journal.js";
import { latentsOf, type Outcome, openChain, openTogether } from "./outcome.js";
import { fingerprintOf, modelOf, type RunRecord } from "./record.js";

/**
 * A fit from its record, outcome and files of draws.
 * @throws TildeError where a file lacks draws, or the text makes another model by now
 */
export function restoreFit(directory: string, record: RunRecord, outcome: Outcome): FitData {
  const given = condition(modelOf(directory, record), record.data);
  const { chains, process, ...rest } = outcome;
  const plan = process === undefined ? undefined : planDp(given, makeInstance, record.method);
  const conditioned =
    process?.truncation === undefined
      ? given
      : truncatedModel(given, process.truncation).conditioned;
  const fit: FitData = {
    ...rest,
    stored: resolve(directory),
    conditioned,
    method: record.method,
    seed: record.seed,
    latents: latentsOf(conditioned, record),
    ...(record.ranges !== undefined && { ranges: record.ranges }),
    chains:
      record.together === undefined
        ? chains.map(({ file, draws, ...adapted }) =>
            openChain(directory, record, file, draws, adapted),
          )
        : chains.flatMap(({ file: _, draws, ...adapted }) =>
            openTogether(directory, record, draws, adapted),
          ),
    ...(process !== undefined &&
      plan !== undefined &&
      restoredProcess(directory, record, plan, chains, process)),
  };
  return record.relabel ? withoutSwitching(fit) : fit;
}

/** What a fit has of a mixture; draws by name where they follow from the files of the chains. */
function restoredProcess(
  directory: string,
  record: RunRecord,
  plan: DpPlan,
  stored: Outcome["chains"],
  { streamed, chains, partitions, label }: NonNullable<Outcome["process"]>,
): Pick<FitData, "process" | "whole"> {
  if (streamed !== true) {
    if (partitions === undefined) return internalError("a mixture without partitions");
    return { process: { plan, chains, partitions, label } };
  }
  const own = stored.map(({ file }) => streamedChain(directory, record, plan, file));
  const draws = stored[0]?.draws ?? 0;
  return {
    process: { plan, chains: own, partitions: partitionsOfChains(plan, own, draws), label },
    whole: wholeOf(plan, own, draws),
  };
}

/** A chain of a mixture from its file. @throws TildeError where it cannot be read */
function streamedChain(directory: string, record: RunRecord, plan: DpPlan, file: number): DpChain {
  const found = readJournal(directory, fingerprintOf(record), file, sizeOfMixture(plan));
  if (found === undefined || record.options?.method !== "gibbs") {
    const reason = `\`chain-${file}.draws\` is damaged`;
    return fail("fit_broken", undefined, { directory, reason });
  }
  return leftChain(plan, record.options.draws, found);
}
