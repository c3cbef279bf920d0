/**
 * A sampling session: chains over threads, progress, cancelling. The same seed gives the same draws
 * whatever the number of threads, since random numbers depend on seed, chain and iteration alone.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { InternalError } from "../base/internal.js";
import { type CpuProgram, createMemory } from "../device/cpu/compile.js";
import type { ChainOutcome, ChainProgress } from "../inference/contract.js";
import { STATISTIC_COUNT } from "../inference/hamiltonian/shape.js";
import {
  type ChainEvent,
  type ChainJob,
  type ChainOptions,
  STOP_FLAG,
  takeChains,
} from "./chains.js";

export interface SessionProgress extends ChainProgress {
  readonly chain: number;
}

export interface SessionOptions {
  readonly sampler: ChainOptions;
  readonly seed: number;
  /** At most this many threads; the default is one per core. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SessionProgress) => void;
}

/** One chain's end and where its draws are. */
export interface SessionChain {
  readonly outcome: ChainOutcome;
  readonly constrained: Float64Array;
  readonly statistics: Float64Array;
}

/** An error of the caller's own `onProgress`, which ends the run and is given back as it is. */
export class CallbackError extends Error {}

/** How long the main thread works alone before threads are started: most runs end within it. */
const ALONE_MS = 30;
/** How long the main thread works between looks at timers and signals. */
const SLICE_MS = 15;

const workerUrl = new URL("./worker.js", import.meta.url);

/** How many threads a run may use. */
export function threadCount(options: SessionOptions): number {
  const wanted = options.threads ?? availableParallelism();
  // The compiled worker is absent where the sources run without a build: then this thread does all.
  const possible = existsSync(workerUrl) ? wanted : 1;
  return Math.max(1, Math.min(possible, options.sampler.chains));
}

/**
 * Runs all chains; `width` is the number of latent scalars per draw. A chain that fails ends the
 * others: nothing is made of a run without it.
 * @throws CallbackError where `onProgress` throws.
 */
export async function runSession(
  program: CpuProgram,
  width: number,
  options: SessionOptions,
): Promise<SessionChain[]> {
  const { sampler, signal } = options;
  const shared = program.sharedMemory;
  const allot = (length: number): Float64Array =>
    new Float64Array(shared ? new SharedArrayBuffer(length * 8) : new ArrayBuffer(length * 8));
  const job: ChainJob = {
    // The constants are written to the memory here; threads need not carry them.
    program: { ...program, constants: [] },
    memory: createMemory(program, sampler.chains),
    options: sampler,
    seed: options.seed,
    storage: Array.from({ length: sampler.chains }, () => ({
      constrained: allot(sampler.draws * width),
      statistics: allot(sampler.draws * STATISTIC_COUNT),
    })),
    control: new Int32Array(shared ? new SharedArrayBuffer(8) : new ArrayBuffer(8)),
  };
  const outcomes = new Map<number, ChainOutcome>();
  const stop = (): void => {
    Atomics.store(job.control, STOP_FLAG, 1);
  };
  let callbackError: CallbackError | undefined;
  const receive = (event: ChainEvent): void => {
    if (event.kind === "done") {
      outcomes.set(event.chain, event.outcome);
      if (event.outcome.kind === "failed") stop();
      return;
    }
    try {
      if (callbackError === undefined) {
        options.onProgress?.({ ...event.progress, chain: event.chain });
      }
    } catch (error) {
      callbackError = new CallbackError("onProgress failed", { cause: error });
      stop();
    }
  };
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  const workers: Promise<void>[] = [];
  try {
    const start = performance.now();
    let sliceStart = start;
    for (const event of takeChains(job)) {
      receive(event);
      const now = performance.now();
      if (shared && workers.length === 0 && now - start > ALONE_MS) {
        const more = Math.min(threadCount(options), sampler.chains) - 1;
        for (let k = 0; k < more; k++) workers.push(startWorker(job, receive));
      }
      if (now - sliceStart > SLICE_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        sliceStart = performance.now();
      }
    }
    await Promise.all(workers);
    if (callbackError !== undefined) throw callbackError;
  } finally {
    signal?.removeEventListener("abort", stop);
    // After a failure here, threads still at work must not keep the process alive.
    stop();
  }
  return job.storage.map((storage, chain) => {
    const outcome = outcomes.get(chain);
    if (outcome === undefined) throw new InternalError(`chain ${chain} left no outcome`);
    return { outcome, ...storage };
  });
}

function startWorker(job: ChainJob, receive: (event: ChainEvent) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // The process's own flags are of no use to a worker, and some (--input-type) it refuses.
    const worker = new Worker(workerUrl, { workerData: job, execArgv: [] });
    worker.on("message", receive);
    worker.on("error", (error) => {
      reject(new InternalError("a worker thread failed", { cause: error }));
    });
    worker.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new InternalError(`a worker thread ended with code ${code}`));
    });
  });
}
