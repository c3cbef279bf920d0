/** What a run came to: `fit.json`, all of a fit but its record and its draws. */
import { join, resolve } from "node:path";
import { type Diagnostic, fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { LabelRows, Partitions } from "../../inference/dp/index.js";
import type { DpChain } from "../../inference/dp/model/chain.js";
import { STATISTICS } from "../../inference/hamiltonian/shape.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { ProcessFit } from "../process-fit.js";
import {
  type ChainDraws,
  type DrawStatistic,
  type FitData,
  latentLength,
  type VariableDraws,
} from "../results/fit.js";
import { type DrawsLayout, DrawsWriter, type Scanned, scanDraws } from "./blocks.js";
import { drawsFile, unwritable } from "./folder.js";
import {
  fingerprintOf,
  type Origin,
  type RunRecord,
  recordOf,
  writeOutcome,
  writeRecord,
} from "./record.js";
import { type Adapted, storedChain } from "./stored-chain.js";
import { chainsTogether, TOGETHER_FILE, TogetherWriter } from "./together.js";

/** All of a fit that its record and the files of draws do not hold. */
export interface Outcome
  extends Omit<
    FitData,
    "conditioned" | "latents" | "ranges" | "method" | "seed" | "chains" | "process" | "stored"
  > {
  readonly chains: readonly (Adapted & { readonly file: number; readonly draws: number })[];
  readonly process?: {
    /** Empty where they lie in the files of the chains. */
    readonly chains: readonly DpChain[];
    readonly streamed?: boolean;
    /** Of those with draws in memory. */
    readonly partitions?: Omit<Partitions, "labels"> & { readonly labels: Int32Array };
    readonly label: string;
    /** Components of the truncated model that stands in for the text's. */
    readonly truncation?: number;
  };
}

/** More chains than this go to one file. */
const OWN_FILES = 64;
/** About so many bytes of draws are a block. */
const BLOCK_BYTES = 1 << 20;

/**
 * Writes a fit whose draws are in memory: record, draws and outcome.
 * @param origin of a run that can be taken up again
 * @throws TildeError where that fails
 */
export function storeFit(fit: FitData, directory: string, origin?: Origin): void {
  if (fit.stored === resolve(directory)) return;
  const statistics = statisticsOf(fit);
  const conditioned = fit.process?.plan.conditioned ?? fit.conditioned;
  const isMany = fit.chains.length > OWN_FILES;
  const together = isMany ? fit.chains.length : undefined;
  const record = recordOf({ ...fit, conditioned }, statistics, {
    ...{ relabel: false, together },
    ...origin,
  });
  writeRecord(directory, record);
  const width = latentLength(fit.latents);
  if (together !== undefined) {
    const layout = {
      width: together * width,
      statistics: together * statistics.length,
      fingerprint: fingerprintOf(record),
    };
    storeTogether(fit, directory, layout, statistics);
    storeOutcome(fit, directory, true);
    return;
  }
  const layout = { width, statistics: statistics.length, fingerprint: fingerprintOf(record) };
  const rows = Math.max(1, Math.floor(BLOCK_BYTES / (8 * (width + statistics.length + 1))));
  fit.chains.forEach((chain, k) => {
    const path = drawsFile(directory, k);
    const columns = statistics.map(
      (name) => chain.statistics[name] ?? internalError(`a chain has no ${name}`),
    );
    try {
      const writer = new DrawsWriter(path, layout);
      try {
        for (let first = 0; first < chain.draws; first += rows) {
          const count = Math.min(rows, chain.draws - first);
          const own = new Float64Array(count * statistics.length);
          columns.forEach((column, s) => {
            for (let t = 0; t < count; t++) own[t * statistics.length + s] = column[first + t];
          });
          const constrained = chain.values.subarray(first * width, (first + count) * width);
          writer.append(first, count, { constrained, statistics: own }, []);
        }
      } finally {
        writer.close();
      }
    } catch (error) {
      unwritable(path, error);
    }
  });
  storeOutcome(fit, directory, false);
}

/** Writes the draws of many chains to one file. @throws TildeError where that fails */
function storeTogether(
  { chains, latents }: FitData,
  directory: string,
  layout: DrawsLayout,
  names: readonly DrawStatistic[],
): void {
  const width = latentLength(latents);
  const { draws } = chains[0];
  const shape = { chains: chains.length, width, statistics: names.length };
  const writer = new TogetherWriter({ directory, layout, draws }, shape);
  const values = chains.map((c) => c.values);
  const columns = names.map((name) =>
    chains.map((c) => c.statistics[name] ?? internalError(`a chain has no ${name}`)),
  );
  try {
    const row = new Float64Array(chains.length * width);
    for (let t = 0; t < draws; t++) {
      values.forEach((own, c) => {
        row.set(own.subarray(t * width, (t + 1) * width), c * width);
      });
      writer.add(
        row,
        columns.map((own) => own.map((column) => column[t])),
      );
      if (writer.isDue()) writer.write([]);
    }
    writer.write([]);
  } finally {
    writer.close();
  }
}

/** The statistics that every chain has. */
function statisticsOf({ chains }: FitData): DrawStatistic[] {
  return STATISTICS.filter((s) => chains.length > 0 && chains.every((c) => c.statistics[s]));
}

/**
 * Writes `fit.json`.
 * @param together whether the chains share one file of draws
 * @throws TildeError where that fails
 */
export function storeOutcome(
  fit: FitData,
  directory: string,
  together = fit.chains[0]?.pages?.together !== undefined,
): void {
  const { conditioned, latents: _, ranges: __, method: ___, seed: ____, ...rest } = fit;
  const { chains, process, warnings, whole, stored, ...plain } = rest;
  const isStreamed = stored === resolve(directory);
  const outcome: Outcome = {
    ...plain,
    // Of a mixture in files draws by name follow from them.
    whole:
      isStreamed && process !== undefined
        ? undefined
        : whole && new Map([...whole].map(plainDraws)),
    // Places in the text go with the text.
    warnings: warnings.map(
      ({ span: _span, notes: _notes, ...d }): Diagnostic => ({ ...d, notes: [] }),
    ),
    // Chains of one file are told apart by their places in it.
    // Field by field: to spread a chain would read all its draws.
    chains: (together ? chains.slice(0, 1) : chains).map((chain, k) => ({
      // After an interruption there may be files without draws.
      file: chain.pages?.file ?? k,
      draws: chain.draws,
      stepSize: chain.stepSize,
      dimension: chain.dimension,
      inverseMetric: chain.inverseMetric,
      thin: chain.thin,
    })),
    ...(process !== undefined && {
      process: storedProcess(process, conditioned, isStreamed),
    }),
  };
  writeOutcome(directory, outcome);
}

function plainDraws([name, { data, shape }]: readonly [string, VariableDraws]) {
  return [name, { data, shape }] as const;
}

const all = (labels: LabelRows): Int32Array => labels.subarray(0, labels.length).slice();

function inMemory(chain: DpChain): DpChain {
  return { ...chain, draws: { ...chain.draws, labels: all(chain.draws.labels) } };
}

function storedProcess(
  { chains, partitions, label, plan }: ProcessFit,
  { model, sizes }: Conditioned,
  streamed: boolean,
): Outcome["process"] {
  const isTruncated = model.unbounded === undefined;
  const size = plan.conditioned.model.unbounded?.size;
  return {
    ...(streamed
      ? { chains: [], streamed }
      : {
          chains: chains.map(inMemory),
          partitions: { ...partitions, labels: all(partitions.labels) },
        }),
    label,
    ...(isTruncated && { truncation: sizes.get(size ?? "") ?? internalError("no truncation") }),
  };
}

export function latentsOf({ model }: Conditioned, { latents }: RunRecord): FitData["latents"] {
  return latents.map((latent) => ({
    ...latent,
    variable:
      model.variables.find((v) => v.name === latent.name) ?? internalError(`no ${latent.name}`),
  }));
}

/** @throws TildeError where the file holds fewer draws than `draws`, or those of another run */
export function openChain(
  directory: string,
  record: RunRecord,
  file: number,
  draws: number,
  adapted: Adapted = {},
): ChainDraws {
  const found = scanChain(directory, record, file);
  if (found === undefined || found.draws < draws) return damaged(directory, file, found, draws);
  return storedChain(directory, file, found, record.statistics, draws, adapted);
}

/**
 * Chains that share a file; none where there are no draws.
 * @throws TildeError where the file holds fewer draws than `draws`, or those of another run
 */
export function openTogether(
  directory: string,
  record: RunRecord,
  draws: number,
  adapted: Adapted = {},
): readonly ChainDraws[] {
  if (draws === 0) return [];
  const found = scanChain(directory, record, TOGETHER_FILE);
  if (found === undefined || found.draws < draws)
    return damaged(directory, TOGETHER_FILE, found, draws);
  const chains = record.together ?? internalError("chains have files of their own");
  return chainsTogether(directory, found, record.statistics, chains, draws, adapted);
}

function damaged(
  directory: string,
  file: number,
  found: Scanned | undefined,
  draws: number,
): never {
  const reason = `\`chain-${file}.draws\` is damaged: ${found?.draws ?? 0} of ${draws} draws can be read`;
  return fail("fit_broken", undefined, { directory, reason });
}

/** What a chain's file holds; undefined where there is none of this run. */
export function scanChain(directory: string, record: RunRecord, file: number): Scanned | undefined {
  let found: Scanned | undefined;
  try {
    found = scanDraws(drawsFile(directory, file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const reason = `\`${join(directory, `chain-${file}.draws`)}\`: ${(error as Error).message}`;
    return fail("fit_broken", undefined, { directory, reason });
  }
  if (found?.layout.fingerprint !== fingerprintOf(record)) return undefined;
  return found;
}
