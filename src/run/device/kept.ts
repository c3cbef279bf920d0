/**
 * Where the draws of many chains go as they come: to the run's file, block by block with what the
 * chains need to go on, or to memory. The CPU computes the model's own coordinates, in f64.
 */
import { existsSync } from "node:fs";
import { internalError } from "../../base/internal.js";
import type { GraphProgram } from "../../device/contract.js";
import type { LogJoint } from "../../inference/logjoint/index.js";
import { pack } from "../../inference/state.js";
import { batch } from "../../passes/batch/index.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { ChainDraws, DrawStatistic } from "../results/fit.js";
import type { Streamed } from "../storage/begin.js";
import {
  type BlockPlace,
  type DrawsLayout,
  lastState,
  type Scanned,
  scanDraws,
} from "../storage/blocks.js";
import { drawsFile, stateFile, unwritable } from "../storage/folder.js";
import { openTogether } from "../storage/outcome.js";
import { readState, writeState } from "../storage/stream.js";
import { TOGETHER_FILE, TogetherWriter } from "../storage/together.js";
import { openCpuGraphs } from "./cpu-graphs.js";

/** A draw of every chain. */
export interface KeptDraw {
  /** Unconstrained positions, `[chains, dimension]`. */
  readonly q: Float64Array;
  /** Of each statistic that is kept, one number a chain, or one for all. */
  readonly statistics: Readonly<Partial<Record<DrawStatistic, ArrayLike<number> | number>>>;
}

/** Takes draws of all chains in order. */
export interface ManyKeeper {
  /** Draws that an earlier run has made, and the state that it gave last. */
  readonly past?: { readonly draws: number; readonly state: Float64Array };
  /** After the warmup: what the chains need to go on from there. */
  readonly warm: (state: Float64Array) => void;
  /**
   * The next draw.
   * @param state reads what the chains need to go on behind it; absent where there is no such state,
   *   and draws behind the last one are made again by whoever goes on
   */
  readonly add: (draw: KeptDraw, state?: () => Promise<Float64Array>) => Promise<void>;
  /**
   * Between draws: where it is time for it, keeps what the chains need to go on behind all draws
   * that were added. For chains whose draws come without states.
   * @param isNow it is time, as behind the warmup
   */
  readonly rest: (state: () => Promise<Float64Array>, isNow?: boolean) => Promise<void>;
  /** Behind the last draw. Of a device that was lost there is no state. */
  readonly end: (state?: () => Promise<Float64Array>) => Promise<void>;
  /** Draws so far, of an earlier run too. */
  readonly draws: number;
  /** The chains, with as many draws as were added. */
  readonly chains: (stepSize: number) => readonly ChainDraws[];
  readonly close: () => void;
}

/**
 * Where the states of streamed chains are: behind blocks of draws, or, larger than these, in the
 * file beside, whose state is replaced each time.
 */
export type States = "behind" | "beside";

/** States beside are written this often, and less often where that takes more of the time. */
const REST_MS = 1000;
const LONGEST_PART = 0.02;

/**
 * @param names of the statistics that are kept, in their order
 * @param streamed the file that the draws go to instead of to memory
 * @throws TildeError where the file cannot be read or written; so do its methods
 */
export async function openKeeper(
  joint: LogJoint,
  { chains, draws }: { readonly chains: number; readonly draws: number },
  names: readonly DrawStatistic[],
  streamed: Streamed | undefined,
  states: States = "behind",
): Promise<ManyKeeper> {
  const program = await constrainer(joint, chains);
  const width = joint.constrained.shape[0];
  const constrain = async (q: Float64Array): Promise<Float64Array> =>
    (await program.run({ q })).constrained;
  const columnsOf = ({ statistics }: KeptDraw): ArrayLike<number>[] =>
    names.map((name) => {
      const found = statistics[name] ?? internalError(`a draw has no ${name}`);
      return typeof found === "number" ? new Float64Array(chains).fill(found) : found;
    });
  const shape = { chains, width, statistics: names.length };
  if (streamed === undefined) {
    const memory = inMemory(shape, draws, names);
    return {
      warm: () => {},
      add: async (draw) => memory.add(await constrain(draw.q), columnsOf(draw)),
      rest: async () => {},
      end: async () => {},
      get draws() {
        return memory.draws();
      },
      chains: memory.chains,
      close: () => program.close(),
    };
  }
  const { directory, record, job } = streamed;
  const past = states === "behind" ? pastOf(streamed) : pastBeside(streamed);
  const writer = new TogetherWriter(job, shape, past?.scanned);
  const beside = stateFile(directory, TOGETHER_FILE);
  const flush = async (state?: () => Promise<Float64Array>): Promise<void> => {
    let found: ArrayLike<number> = [];
    try {
      if (state !== undefined) found = await state();
    } finally {
      // Of a device that was lost meanwhile the draws are here.
      writer.write(found);
    }
  };
  let rested = performance.now();
  let wait = REST_MS;
  /** The draws so far are whole blocks when the state that knows their number is written. */
  const rest = async (state: () => Promise<Float64Array>): Promise<void> => {
    const begun = performance.now();
    const found = await state();
    writer.write([]);
    try {
      writeState(beside, pack([[writer.draws], found]));
    } catch (error) {
      unwritable(beside, error);
    }
    rested = performance.now();
    wait = Math.max(REST_MS, (rested - begun) / LONGEST_PART);
  };
  return {
    rest: async (state, isNow = false) => {
      if (isNow || performance.now() - rested > wait) await rest(state);
    },
    ...(past !== undefined && { past: { draws: past.scanned?.draws ?? 0, state: past.state } }),
    warm: (state) => {
      try {
        writeState(beside, state);
      } catch (error) {
        unwritable(beside, error);
      }
    },
    add: async (draw, state) => {
      writer.add(await constrain(draw.q), columnsOf(draw));
      if (writer.isDue()) await flush(state);
    },
    end: async (state) => {
      if (states === "beside" && state !== undefined) await rest(state);
      else await flush(state);
    },
    get draws() {
      return writer.draws;
    },
    chains: (stepSize) => openTogether(directory, record, writer.draws, { stepSize }),
    close: () => {
      writer.close();
      program.close();
    },
  };
}

/** Positions of all chains → their latent scalars, `[chains, width]`. */
async function constrainer({ q, constrained }: LogJoint, chains: number): Promise<GraphProgram> {
  const g = new SimplifyingBuilder();
  const all = g.input("q", [chains, ...q.shape]);
  const [node] = batch(g, [constrained], chains, new Map([[q, all]]));
  const graph = simplify({ inputs: [all], outputs: [{ name: "constrained", node }] });
  return await openCpuGraphs().compileGraph(graph);
}

/**
 * Where an earlier run can be taken up: behind the last block with a state, or behind the warmup.
 * Blocks without one, which a lost device leaves, are made again.
 */
function pastOf({
  directory,
  job,
}: Streamed): { readonly scanned?: Scanned; readonly state: Float64Array } | undefined {
  const path = drawsFile(directory, TOGETHER_FILE);
  try {
    const warm = readState(stateFile(directory, TOGETHER_FILE));
    const found = existsSync(path) ? scanDraws(path) : undefined;
    if (found?.layout.fingerprint !== job.layout.fingerprint) return undefined;
    const last = found.blocks.findLastIndex((b) => b.state > 0);
    const kept = found.blocks[last];
    if (kept === undefined) return warm && { state: warm };
    const end = endOf(found.layout, kept);
    const blocks = found.blocks.slice(0, last + 1);
    const scanned = { ...found, blocks, draws: kept.first + kept.draws, end };
    return { scanned, state: lastState(path, scanned) ?? internalError("a state has gone") };
  } catch (error) {
    return unwritable(path, error);
  }
}

/** The same for states beside: blocks behind the draws that the state knows are made again. */
function pastBeside({
  directory,
  job,
}: Streamed): { readonly scanned?: Scanned; readonly state: Float64Array } | undefined {
  const path = drawsFile(directory, TOGETHER_FILE);
  try {
    const found = existsSync(path) ? scanDraws(path) : undefined;
    if (found?.layout.fingerprint !== job.layout.fingerprint) return undefined;
    const beside = readState(stateFile(directory, TOGETHER_FILE));
    if (beside === undefined) return undefined;
    const [draws, state] = [beside[0], beside.slice(1)];
    if (draws === 0) return { state };
    const last = found.blocks.findIndex((b) => b.first + b.draws === draws);
    // A file that has lost blocks begins anew.
    if (last < 0) return undefined;
    const blocks = found.blocks.slice(0, last + 1);
    const scanned = { ...found, blocks, draws, end: endOf(found.layout, found.blocks[last]) };
    return { scanned, state };
  } catch (error) {
    return unwritable(path, error);
  }
}

/** Behind a block, in bytes. */
function endOf({ width, statistics }: DrawsLayout, { offset, draws, state }: BlockPlace): number {
  return offset + 8 * (draws * (width + statistics) + state);
}

/** Draws chain by chain in memory. */
function inMemory(
  { chains, width, statistics: count }: { chains: number; width: number; statistics: number },
  draws: number,
  names: readonly DrawStatistic[],
) {
  const values = Array.from({ length: chains }, () => new Float64Array(draws * width));
  const kept = Array.from({ length: chains }, () =>
    Array.from({ length: count }, () => new Float64Array(draws)),
  );
  let done = 0;
  return {
    add: (rows: Float64Array, columns: readonly ArrayLike<number>[]): void => {
      for (let c = 0; c < chains; c++) {
        values[c].set(rows.subarray(c * width, (c + 1) * width), done * width);
        for (let k = 0; k < count; k++) kept[c][k][done] = columns[k][c];
      }
      done++;
    },
    draws: () => done,
    chains: (stepSize: number): ChainDraws[] =>
      values.map((own, c) => ({
        values: own.subarray(0, done * width),
        draws: done,
        stepSize,
        statistics: Object.fromEntries(names.map((n, k) => [n, kept[c][k].subarray(0, done)])),
      })),
  };
}
