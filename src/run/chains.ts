/**
 * Running chains: what a worker thread and the main thread both do. A job is plain data over shared
 * memory; threads take the next chain that nobody has taken, so short runs never wait for threads.
 */
import { internalError } from "../base/internal.js";
import { type CpuProgram, instantiate } from "../device/cpu/compile.js";
import type {
  ChainControls,
  ChainFailure,
  ChainKey,
  ChainProgress,
  ChainStorage,
  HmcOptions,
  NutsOptions,
} from "../inference/contract.js";
import type { GibbsFailure } from "../inference/gibbs/chain.js";
import { runChain } from "../inference/hamiltonian/chain.js";
import type { Conditioned } from "../passes/condition/index.js";
import type { GibbsOptions } from "./methods.js";
import { type ChainStream, openStream, StreamError, type StreamJob } from "./storage/stream.js";

/** What the chains of a job do. All of it survives `postMessage`. */
export type ChainWork =
  | {
      readonly kind: "hamiltonian";
      readonly program: CpuProgram;
      readonly memory: WebAssembly.Memory;
      readonly options: NutsOptions | HmcOptions;
    }
  | {
      /** Each thread plans the sampler and compiles its kernels for itself. */
      readonly kind: "gibbs";
      readonly conditioned: Conditioned;
      readonly options: GibbsOptions;
    };

/** Everything a thread needs. */
export interface ChainJob {
  readonly work: ChainWork;
  readonly seed: number;
  /** Draws and statistics of each chain, in shared memory where there are threads. */
  readonly storage: readonly ChainStorage[];
  /** The files that they go to instead. */
  readonly stream?: StreamJob;
  /** `[next chain, stop flag]`. */
  readonly control: Int32Array;
}

export const NEXT_CHAIN = 0;
export const STOP_FLAG = 1;

/** How a chain ended; its draws lie in the job's storage. */
export type ChainEnd =
  | {
      readonly kind: "finished" | "stopped";
      readonly draws: number;
      readonly seconds: { readonly warmup: number; readonly sampling: number };
      readonly stepSize?: number;
      readonly dimension?: number;
      readonly inverseMetric?: readonly number[];
      /** Gradient evaluations of both phases. */
      readonly gradients: number;
    }
  | { readonly kind: "failed"; readonly failure: ChainFailure | GibbsFailure | StreamFailure };

/** A chain's file could not be written or read. */
export interface StreamFailure {
  readonly kind: "unwritable";
  readonly path: string;
  readonly reason: string;
}

export type ChainEvent =
  | { readonly kind: "progress"; readonly chain: number; readonly progress: ChainProgress }
  | { readonly kind: "done"; readonly chain: number; readonly end: ChainEnd };

/** See `ChainControls`; the storage has the rows of a block where there is a sink. */
export type GibbsControls = Pick<ChainControls, "shouldStop" | "sink" | "past"> & {
  readonly storage: ChainStorage;
};

/** Runs a Gibbs chain. Its sampler is loaded by those who use it (`gibbs-chain.ts`). */
export type GibbsRunner = (
  key: ChainKey,
  controls: GibbsControls,
) => Generator<ChainProgress, ChainEnd>;

/**
 * Steps of the chains that this thread takes, one after another.
 * @param gibbs what runs the chains of a job of that kind
 */
export function* takeChains(job: ChainJob, gibbs?: GibbsRunner): Generator<ChainEvent, void> {
  for (;;) {
    const chain = Atomics.add(job.control, NEXT_CHAIN, 1);
    if (chain >= job.work.options.chains) return;
    let steps: Generator<ChainProgress, ChainEnd>;
    if (job.work.kind === "gibbs") {
      const run = gibbs ?? internalError("a Gibbs chain without its sampler");
      const key = { seed: job.seed, chain };
      steps = withStorage(job, chain, (controls) => run(key, controls));
    } else {
      const { work } = job;
      steps = withStorage(job, chain, (controls) => hamiltonianChain(job, work, chain, controls));
    }
    for (;;) {
      const step = steps.next();
      if (step.done) {
        yield { kind: "done", chain, end: step.value };
        break;
      }
      yield { kind: "progress", chain, progress: step.value };
    }
  }
}

/** The chain's draws go to memory, or block by block to its file and on from what stands there. */
function* withStorage(
  job: ChainJob,
  chain: number,
  run: (controls: GibbsControls) => Generator<ChainProgress, ChainEnd>,
): Generator<ChainProgress, ChainEnd> {
  const shouldStop = stopsOf(job);
  if (job.stream === undefined) return yield* run({ shouldStop, storage: job.storage[chain] });
  let stream: ChainStream | undefined;
  try {
    stream = openStream(job.stream, chain);
    return yield* run({ shouldStop, ...stream });
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    const { path, reason } = error;
    return { kind: "failed", failure: { kind: "unwritable", path, reason } };
  } finally {
    stream?.close();
  }
}

function stopsOf(job: ChainJob): () => boolean {
  return () => Atomics.load(job.control, STOP_FLAG) !== 0;
}

function* hamiltonianChain(
  job: ChainJob,
  work: Extract<ChainWork, { kind: "hamiltonian" }>,
  chain: number,
  controls: GibbsControls,
): Generator<ChainProgress, ChainEnd> {
  const instance = instantiate(work.program, work.memory, chain);
  const outcome = yield* runChain(instance, work.options, { seed: job.seed, chain }, controls);
  if (outcome.kind === "failed") return outcome;
  const { kind, draws, seconds, stepSize, gradients } = outcome;
  return {
    kind,
    draws,
    seconds,
    stepSize,
    dimension: instance.f64("q").length,
    inverseMetric: Array.from(outcome.inverseMetric),
    gradients: gradients.warmup + gradients.sampling,
  };
}
