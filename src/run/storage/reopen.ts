/** Folders whose run may not be finished: what can be read of them, and whether they can go on. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fail } from "../../base/diagnostic.js";
import { leftChain } from "../../inference/dp/model/chain.js";
import { planDp } from "../../inference/dp/model/plan.js";
import type { Model } from "../../model/ir.js";
import { type Conditioned, condition } from "../../passes/condition/index.js";
import type { Declared } from "../compile.js";
import { superchainsOf } from "../device/many.js";
import { makeInstance } from "../gibbs-chain.js";
import { withoutSwitching } from "../labels/relabel.js";
import type { GibbsOptions } from "../methods.js";
import { processFit } from "../process-fit.js";
import type { FitData } from "../results/fit.js";
import { keepsStates } from "./checkpoint.js";
import { stateFile } from "./folder.js";
import { readJournal, sizeOfMixture } from "./journal.js";
import { latentsOf, type Outcome, openChain, openTogether, scanChain } from "./outcome.js";
import { hashOf } from "./plain.js";
import {
  fingerprintOf,
  modelOf,
  programOf,
  type RunRecord,
  readPart,
  readRecord,
} from "./record.js";
import { restoreFit } from "./restore.js";
import { readState } from "./stream.js";
import { TOGETHER_FILE } from "./together.js";

/**
 * The fit in a folder: whole, or of a run that was killed the draws that it had finished, as after
 * an interruption.
 * @throws TildeError where there is none
 */
export function readFit(directory: string): FitData {
  const record = readRecord(directory);
  const isStreamed = record.options !== undefined;
  if (isStreamed && !existsSync(join(directory, "fit.json"))) return killedFit(directory, record);
  return restoreFit(directory, record, readPart<Outcome>(directory, "fit"));
}

function killedFit(directory: string, record: RunRecord): FitData {
  const { options, method, seed } = record;
  if (options !== undefined && keepsStates(options.method)) {
    return fail("fit_unfinished", undefined, { directory, method });
  }
  const conditioned = condition(modelOf(directory, record), record.data);
  const isChain =
    options?.method === "nuts" || options?.method === "hmc" || options?.method === "gibbs";
  const count = isChain ? options.chains : 0;
  const files = Array.from({ length: count }, (_, file) => file);
  if (record.together !== undefined) return killedTogether(directory, record, conditioned);
  const counts = files.map((file) => scanChain(directory, record, file)?.draws ?? 0);
  const begun = files.filter((file) => counts[file] > 0);
  const draws = begun.length === 0 ? 0 : Math.min(...begun.map((file) => counts[file]));
  if (conditioned.model.unbounded !== undefined && options?.method === "gibbs") {
    return killedMixture(directory, record, conditioned, options);
  }
  const isHamiltonian = options?.method === "nuts" || options?.method === "hmc";
  const fit: FitData = {
    stored: directory,
    conditioned,
    method,
    seed,
    latents: latentsOf(conditioned, record),
    ...(record.ranges !== undefined && { ranges: record.ranges }),
    chains: begun.map((file) => openChain(directory, record, file, draws)),
    timing: {
      compileSeconds: 0,
      warmupSeconds: Math.max(0, ...files.map((f) => readState(stateFile(directory, f))?.[0] ?? 0)),
      sampleSeconds: 0,
      gradients: 0,
    },
    isPoint: false,
    interrupted: true,
    warmup: isChain ? options.warmup : 0,
    ...(isHamiltonian && { targetAccept: options.targetAccept }),
    ...(options?.method === "nuts" && { maxTreeDepth: options.maxTreeDepth }),
    warnings: [],
    figures: {},
  };
  return record.relabel ? withoutSwitching(fit) : fit;
}

/** Of many chains in one file. */
function killedTogether(directory: string, record: RunRecord, conditioned: Conditioned): FitData {
  const { options, method, seed, device } = record;
  const draws = scanChain(directory, record, TOGETHER_FILE)?.draws ?? 0;
  const chains = openTogether(directory, record, draws);
  const isNuts = options?.method === "nuts";
  const isHamiltonian = isNuts || options?.method === "hmc";
  return {
    stored: directory,
    conditioned,
    method,
    seed,
    latents: latentsOf(conditioned, record),
    chains,
    superchains: chains.length === 0 ? undefined : superchainsOf(chains.length),
    timing: { compileSeconds: 0, warmupSeconds: 0, sampleSeconds: 0, gradients: 0 },
    isPoint: false,
    interrupted: true,
    warmup: isHamiltonian ? options.warmup : 0,
    ...(isHamiltonian && { targetAccept: options.targetAccept }),
    ...(isNuts && { maxTreeDepth: options.maxTreeDepth }),
    warnings: [],
    figures: device === undefined ? {} : { device },
  };
}

function killedMixture(
  directory: string,
  record: RunRecord,
  conditioned: Conditioned,
  { chains: count, draws, warmup }: GibbsOptions,
): FitData {
  const plan = planDp(conditioned, makeInstance, "gibbs");
  const fingerprint = fingerprintOf(record);
  const chains = Array.from({ length: count }, (_, chain) => {
    const left = readJournal(directory, fingerprint, chain, sizeOfMixture(plan));
    return left === undefined || left.draws === 0 ? [] : [leftChain(plan, draws, left)];
  }).flat();
  return {
    ...processFit(plan, chains),
    stored: directory,
    conditioned,
    method: record.method,
    seed: record.seed,
    timing: { compileSeconds: 0, warmupSeconds: 0, sampleSeconds: 0, gradients: 0 },
    interrupted: true,
    warmup,
  };
}

/** A run to go on with, or the fit that it came to. */
export interface OpenedRun {
  readonly record: RunRecord;
  readonly program: Model;
  /** What else the program's text declares, for methods that learn. */
  readonly declared: Declared;
  /** Where nothing is left to do. */
  readonly fit?: FitData;
}

/**
 * @throws TildeError where the folder's run cannot go on: it was not streamed, or the files of its
 * model or data are not what they were
 */
export function openRun(directory: string): OpenedRun {
  const record = readRecord(directory);
  const { model: program, declared } = programOf(directory, record);
  if (existsSync(join(directory, "fit.json"))) {
    const outcome = readPart<Outcome>(directory, "fit");
    if (!outcome.interrupted)
      return { record, program, declared, fit: restoreFit(directory, record, outcome) };
  }
  if (record.options === undefined) {
    return fail("resume_impossible", undefined, { directory, method: record.method });
  }
  const { path, text } = record.program;
  const given = [{ path, hash: hashOf(text) }, ...record.files];
  for (const file of given) {
    // A folder that was moved elsewhere goes on with its own copies.
    if (!existsSync(file.path) || hashOf(readFileSync(file.path)) === file.hash) continue;
    fail("fit_changed", undefined, { directory, what: `\`${shown(file.path)}\`` });
  }
  return { record, program, declared };
}

/** As one would type it. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}
