/**
 * A sampling session: chains over threads, progress, cancelling. The same seed gives the same draws
 * whatever the number of threads, since random numbers depend on seed, chain and iteration alone.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { InternalError } from "../base/internal.js";
import type { ChainProgress, ChainStorage } from "../inference/contract.js";
import { CallbackError } from "./callback.js";
import {
  type ChainEnd,
  type ChainEvent,
  type ChainJob,
  type ChainWork,
  type GibbsRunner,
  STOP_FLAG,
  takeChains,
} from "./chains.js";
import type { StreamJob } from "./storage/stream.js";

export interface SessionProgress extends ChainProgress {
  readonly chain: number;
}

export interface SessionOptions {
  readonly seed: number;
  /** At most this many threads; the default is one per core. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SessionProgress) => void;
}

/** One chain's end and where its draws are, unless they are in its file. */
export interface SessionChain extends Partial<ChainStorage> {
  readonly end: ChainEnd;
}

export { CallbackError };

/**
 * How long the main thread works alone before threads are started: most runs end within it. Threads
 * that plan and compile the sampler for themselves are worth more waiting.
 */
const ALONE_MS: { readonly [K in ChainWork["kind"]]: number } = { hamiltonian: 30, gibbs: 200 };
/** How long the main thread works between looks at timers and signals. */
const SLICE_MS = 15;

const workerUrl = new URL("./worker.js", import.meta.url);

/** How many threads a run of so many chains may use. */
export function threadCount(chains: number, options: Pick<SessionOptions, "threads">): number {
  const wanted = options.threads ?? availableParallelism();
  // The compiled worker is absent where the sources run without a build: then this thread does all.
  const possible = existsSync(workerUrl) ? wanted : 1;
  return Math.max(1, Math.min(possible, chains));
}

/** Numbers of a draw. */
export interface DrawLayout {
  /** Latent scalars. */
  readonly width: number;
  readonly statistics: number;
}

/**
 * Runs all chains. A chain that fails ends the others: nothing is made of a run without it.
 * @param shared whether memory is shared, as threads need it
 * @param gibbs what runs the chains of that kind in this thread
 * @param stream the files that the draws go to instead of to memory
 * @throws CallbackError where `onProgress` throws.
 */
export async function runSession(
  work: ChainWork,
  layout: DrawLayout,
  shared: boolean,
  options: SessionOptions,
  gibbs?: GibbsRunner,
  stream?: StreamJob,
): Promise<SessionChain[]> {
  const { signal } = options;
  const { chains, draws } = work.options;
  const allot = (length: number): Float64Array =>
    new Float64Array(shared ? new SharedArrayBuffer(length * 8) : new ArrayBuffer(length * 8));
  const job: ChainJob = {
    work,
    seed: options.seed,
    storage: Array.from({ length: stream === undefined ? chains : 0 }, () => ({
      constrained: allot(draws * layout.width),
      statistics: allot(draws * layout.statistics),
    })),
    ...(stream !== undefined && { stream }),
    control: new Int32Array(shared ? new SharedArrayBuffer(8) : new ArrayBuffer(8)),
  };
  const ends = new Map<number, ChainEnd>();
  const stop = (): void => {
    Atomics.store(job.control, STOP_FLAG, 1);
  };
  let callbackError: CallbackError | undefined;
  const receive = (event: ChainEvent): void => {
    if (event.kind === "done") {
      ends.set(event.chain, event.end);
      if (event.end.kind === "failed") stop();
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
    for (const event of takeChains(job, gibbs)) {
      receive(event);
      const now = performance.now();
      if (shared && workers.length === 0 && now - start > ALONE_MS[work.kind]) {
        const more = threadCount(chains, options) - 1;
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
  return Array.from({ length: chains }, (_, chain) => {
    const end = ends.get(chain);
    if (end === undefined) throw new InternalError(`chain ${chain} has not ended`);
    return { end, ...job.storage[chain] };
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
