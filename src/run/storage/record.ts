/**
 * What a run was, beside its draws: `run.json` with the program's text, the data, the options and
 * what a draw holds, from its start on; `fit.json` with what it came to, at its end. Together with
 * the draws they are the whole fit, so that it can be read back, and a run be taken up again.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDeviceName } from "../../device/contract.js";
import type { DataValue } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import { printModel } from "../../model/print.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { checkSource, type Declared, selectModel } from "../compile.js";
import type { Method } from "../methods.js";
import type { DiscreteRange, DrawStatistic, FitData, MethodName } from "../results/fit.js";
import { readReason } from "../sources.js";
import { hashOf, readPlain, writePlain } from "./plain.js";

/** Files of other versions are refused. */
const VERSION = 1;

/** A data file and what it held. */
export interface DataFile {
  readonly path: string;
  readonly hash: string;
}

/** A latent variable without its declaration, which the program has. */
export interface RecordedLatent {
  readonly name: string;
  readonly dims: readonly number[];
  readonly offset: number;
  readonly length: number;
  readonly elements?: Float64Array;
}

export interface RunRecord {
  readonly program: {
    readonly path: string;
    readonly text: string;
    readonly model: string;
    /** Of the model as it was understood, imports and all. */
    readonly hash: string;
  };
  readonly data: ReadonlyMap<string, DataValue>;
  readonly files: readonly DataFile[];
  readonly method: MethodName;
  /** All options of the method; only of runs that can be taken up again. */
  readonly options?: Method;
  readonly seed: number;
  /** Whether components that can change places are relabelled when the draws are read. */
  readonly relabel: boolean;
  readonly latents: readonly RecordedLatent[];
  readonly ranges?: ReadonlyMap<string, DiscreteRange>;
  readonly statistics: readonly DrawStatistic[];
  /** Of chains that share one file of draws: how many. */
  readonly together?: number;
  /** Where the run was done, which decides the rounding of its numbers; absent for the CPU's kernels. */
  readonly device?: GraphDeviceName;
  /** Data that other programs than the model read, as those that objectives compare it with. */
  readonly others?: ReadonlyMap<string, DataValue>;
}

/** What belongs to a record beside the fit itself. */
export interface Origin {
  readonly options?: Method;
  readonly files?: readonly DataFile[];
  readonly relabel: boolean;
  readonly together?: number;
  readonly device?: GraphDeviceName;
  readonly others?: ReadonlyMap<string, DataValue>;
}

type Recorded = Pick<FitData, "conditioned" | "method" | "seed" | "latents" | "ranges">;

/** The record of a run. */
export function recordOf(
  fit: Recorded,
  statistics: readonly DrawStatistic[],
  { options, files, relabel, together, device, others }: Origin,
): RunRecord {
  const { conditioned, method, seed, latents, ranges } = fit;
  const { model } = conditioned;
  const { source } = model.span;
  return {
    program: {
      path: existsSync(source.path) ? resolve(source.path) : source.path,
      text: source.text,
      model: model.name,
      hash: modelHash(model),
    },
    data: dataOf(conditioned),
    files: files ?? [],
    method,
    ...(options !== undefined && { options }),
    seed,
    relabel,
    latents: latents.map(({ name, dims, offset, length, elements }) => ({
      name,
      dims,
      offset,
      length,
      ...(elements !== undefined && { elements }),
    })),
    ...(ranges !== undefined && { ranges }),
    statistics,
    ...(together !== undefined && { together }),
    ...(device !== undefined && { device }),
    ...(others !== undefined && { others }),
  };
}

/** Everything that was given to a model: inputs, observed sites, sizes. */
function dataOf({ model, sizes, inputs, observed }: Conditioned): Map<string, DataValue> {
  const found = new Map<string, DataValue>([...inputs, ...observed]);
  for (const name of model.boundSizes) {
    const value = sizes.get(name) ?? internalError(`no size ${name}`);
    if (!found.has(name)) found.set(name, { dims: [], data: Float64Array.of(value) });
  }
  return found;
}

/** Of the model as the compiler understood it: comments, names of files and data do not count. */
export function modelHash(model: Model): string {
  const variables = model.variables.map((v) => ({ ...v, given: undefined, random: true }));
  return hashOf(printModel({ ...model, variables }));
}

/** What decides the draws of a chain, as a hash. */
export function fingerprintOf(record: RunRecord): string {
  const { program, data, method, options, seed, together, device, others = new Map() } = record;
  const parts = [...data, ...others]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { dims, data: x, missing }]) => {
      const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
      return [name, dims, hashOf(bytes), missing === undefined ? "" : hashOf(missing)];
    });
  const { hash } = program;
  const shared = together === undefined ? [] : [together, device ?? null];
  return hashOf(JSON.stringify([VERSION, hash, parts, method, options ?? null, seed, ...shared]));
}

/** @throws TildeError where that fails */
export function writeRecord(directory: string, record: RunRecord): void {
  writePlain(join(directory, "run"), { version: VERSION, ...record });
}

/** @throws TildeError where the folder holds no fit, or one that is broken */
export function readRecord(directory: string): RunRecord {
  return readPart<RunRecord>(directory, "run");
}

/** The content of `run.json` or `fit.json`. @throws TildeError */
export function readPart<T>(directory: string, name: "run" | "fit"): T {
  const path = join(directory, `${name}.json`);
  if (!existsSync(directory)) {
    return fail("file_unreadable", undefined, {
      path: directory,
      reason: "there is no such folder",
    });
  }
  if (!existsSync(path)) return fail("fit_missing", undefined, { directory, file: `${name}.json` });
  let read: { readonly version?: unknown };
  try {
    read = readPlain(join(directory, name)) as { version?: unknown };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === undefined ? (error as Error).message : readReason(error);
    return fail("fit_broken", undefined, { directory, reason });
  }
  if (read?.version !== VERSION) {
    const reason = `\`${name}.json\` is of version ${read?.version}, and this Tilde reads ${VERSION}`;
    return fail("fit_broken", undefined, { directory, reason });
  }
  // Written by `writeRecord` or `writeOutcome` of the same version.
  return read as T;
}

/**
 * The model of a record, from the text that was kept.
 * @throws TildeError where the text does not make the same model any more
 */
export function modelOf(directory: string, record: RunRecord): Model {
  return programOf(directory, record).model;
}

/** The same with what else the text declares. @throws TildeError as `modelOf` does */
export function programOf(
  directory: string,
  { program }: RunRecord,
): { readonly model: Model; readonly declared: Declared } {
  const source = { path: program.path, text: program.text };
  const declared = checkSource(source);
  const model = selectModel(declared, source, program.model);
  if (modelHash(model) !== program.hash) {
    const what = `a file that \`${program.path}\` imports`;
    fail("fit_changed", undefined, { directory, what });
  }
  return { model, declared };
}

/** Writes `fit.json`. @throws TildeError */
export function writeOutcome(directory: string, outcome: object): void {
  writePlain(join(directory, "fit"), { version: VERSION, ...outcome });
}
