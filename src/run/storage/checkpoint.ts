/**
 * Runs that are no chains (`svi`, `nce`, `vi`, `em`, `cavi`) in a folder: the record that they begin
 * with, and beside it, in place of a chain's, the state that they had last. States are replaced as a
 * whole: whoever reads sees one or the next.
 */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { GraphDeviceName } from "../../device/contract.js";
import type { Checkpoints } from "../../inference/checkpoints.js";
import type { DataValue } from "../../model/data.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { Method } from "../methods.js";
import type { MethodName } from "../results/fit.js";
import { stateFile, unwritable } from "./folder.js";
import { packPlain, unpackPlain } from "./plain.js";
import {
  type DataFile,
  fingerprintOf,
  type Origin,
  type RunRecord,
  recordOf,
  writeRecord,
} from "./record.js";
import { clearRun, readState, writeState } from "./stream.js";

const CLIMBS: readonly MethodName[] = ["svi", "nce", "vi", "em", "cavi"];

/** Whether runs of a method leave states, from which they can be taken up again. */
export function keepsStates(method: MethodName): boolean {
  return CLIMBS.includes(method);
}

/** States are written this often, and less often where that would take more than 2 % of the time. */
const EVERY_MS = 1000;
const LONGEST_PART = 0.02;

/** What a run begins with, as its record has it. */
export interface CheckpointJob {
  readonly directory: string;
  readonly conditioned: Conditioned;
  readonly seed: number;
  readonly method: Method;
  readonly files?: readonly DataFile[];
  /** Data that programs beside the model read. */
  readonly others?: ReadonlyMap<string, DataValue>;
  /** Of a run that is taken up again: what it was. */
  readonly resumed?: RunRecord;
}

/** What the file holds. */
interface Written {
  readonly fingerprint: string;
  readonly state: unknown;
}

/** The checkpoints of a run. */
export class Checkpoint {
  /** What belongs to the record beside the fit, now and at the end. */
  #origin: Origin;
  readonly #job: CheckpointJob;
  readonly #record: RunRecord;
  readonly #now: () => number;
  readonly #path: string;
  /** Hashing the data takes a while: once. */
  #fingerprint: string | undefined;
  #last: number;
  /** When a write was found to be due: reading the state off a device is part of its cost. */
  #begun: number;
  #hasBegun = false;
  #cost = 0;

  /** @param now milliseconds on a clock that never goes back */
  constructor(job: CheckpointJob, now: () => number = () => performance.now()) {
    this.#job = job;
    this.#now = now;
    this.#last = now();
    this.#begun = this.#last;
    const { method, files, others, resumed } = job;
    const directory = resolve(job.directory);
    this.#path = stateFile(directory, 0);
    this.#origin = {
      options: method,
      files,
      relabel: false,
      ...(others !== undefined && others.size > 0 && { others }),
      ...(resumed?.device !== undefined && { device: resumed.device }),
    };
    this.#record = resumed ?? this.#recorded();
  }

  /** Writes the record, and makes room; of a run that is taken up again what it left stays. */
  #begin(): void {
    const directory = resolve(this.#job.directory);
    if (this.#hasBegun || this.#job.resumed !== undefined) return;
    this.#hasBegun = true;
    try {
      for (const name of ["fit.json", "fit.bin", "summary.json", "draws.csv", "params.json"]) {
        rmSync(join(directory, name), { force: true });
      }
      clearRun(directory, 1);
    } catch (error) {
      unwritable(directory, error);
    }
    writeRecord(directory, this.#recorded());
  }

  /** What the record of the fit in the end needs. */
  get origin(): Origin {
    return this.#origin;
  }

  /**
   * The checkpoints of a method whose states are `S`: from here on the folder is the run's.
   * @throws TildeError where the folder cannot be written; so do they
   */
  of<S>(): Checkpoints<S> {
    this.#begin();
    const past = this.#read();
    return {
      // Written by the same method, under the same options.
      ...(past !== undefined && { past: past.state as S }),
      isDue: () => {
        this.#begun = this.#now();
        const wait = Math.max(EVERY_MS, this.#cost / LONGEST_PART);
        return this.#begun - this.#last > wait;
      },
      write: (state) => {
        const written: Written = { fingerprint: this.#known(), state };
        try {
          writeState(this.#path, packPlain(written));
        } catch (error) {
          unwritable(this.#path, error);
        }
        this.#last = this.#now();
        this.#cost = this.#last - this.#begun;
      },
    };
  }

  /** Whether the run goes on from a state, and what it would begin with is of no use. */
  get hasPast(): boolean {
    return this.#job.resumed !== undefined && this.#read() !== undefined;
  }

  /** Tells where the run is done, which decides the rounding of its numbers. */
  on(device: GraphDeviceName): void {
    if (this.#origin.device === device) return;
    this.#origin = { ...this.#origin, device };
    // Before the run's first look at its checkpoints the record is still to come.
    if (!this.#hasBegun && this.#job.resumed === undefined) return;
    writeRecord(resolve(this.#job.directory), this.#recorded());
  }

  /** Of a run that has come to its end. */
  clear(): void {
    try {
      rmSync(this.#path, { force: true });
    } catch (error) {
      unwritable(this.#path, error);
    }
  }

  #recorded(): RunRecord {
    const { conditioned, seed, method } = this.#job;
    const fit = { conditioned, method: method.method, seed, latents: [] };
    return recordOf(fit, [], this.#origin);
  }

  #read(): Written | undefined {
    let numbers: Float64Array | undefined;
    try {
      numbers = readState(this.#path);
    } catch (error) {
      unwritable(this.#path, error);
    }
    if (numbers === undefined) return undefined;
    const found = unpackPlain(numbers) as Partial<Written>;
    const { fingerprint, state } = found;
    return fingerprint === this.#known() ? { fingerprint, state } : undefined;
  }

  #known(): string {
    this.#fingerprint ??= fingerprintOf(this.#record);
    return this.#fingerprint;
  }
}
