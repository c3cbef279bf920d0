/**
 * Running chains: what a worker thread and the main thread both do. A job is plain data over shared
 * memory; threads take the next chain that nobody has taken, so short runs never wait for threads.
 */
import { type CpuProgram, instantiate } from "../device/cpu/compile.js";
import type {
  ChainOutcome,
  ChainProgress,
  HmcOptions,
  NutsOptions,
} from "../inference/contract.js";
import { runChain } from "../inference/hamiltonian/chain.js";

export type ChainOptions = NutsOptions | HmcOptions;

/** Everything a thread needs; survives `postMessage`. */
export interface ChainJob {
  readonly program: CpuProgram;
  readonly memory: WebAssembly.Memory;
  readonly options: ChainOptions;
  readonly seed: number;
  /** Draws and statistics of each chain, in shared memory where there are threads. */
  readonly storage: readonly {
    readonly constrained: Float64Array;
    readonly statistics: Float64Array;
  }[];
  /** `[next chain, stop flag]`. */
  readonly control: Int32Array;
}

export const NEXT_CHAIN = 0;
export const STOP_FLAG = 1;

export type ChainEvent =
  | { readonly kind: "progress"; readonly chain: number; readonly progress: ChainProgress }
  | { readonly kind: "done"; readonly chain: number; readonly outcome: ChainOutcome };

/** Steps of the chains that this thread takes, one after another. */
export function* takeChains(job: ChainJob): Generator<ChainEvent, void> {
  for (;;) {
    const chain = Atomics.add(job.control, NEXT_CHAIN, 1);
    if (chain >= job.options.chains) return;
    const instance = instantiate(job.program, job.memory, chain);
    const steps = runChain(
      instance,
      job.options,
      { seed: job.seed, chain },
      {
        shouldStop: () => Atomics.load(job.control, STOP_FLAG) !== 0,
        storage: job.storage[chain],
      },
    );
    for (;;) {
      const step = steps.next();
      if (step.done) {
        yield { kind: "done", chain, outcome: withoutStorage(step.value) };
        break;
      }
      yield { kind: "progress", chain, progress: step.value };
    }
  }
}

/** The draws lie in shared memory already and need not be sent. */
function withoutStorage(outcome: ChainOutcome): ChainOutcome {
  if (outcome.kind === "failed") return outcome;
  const empty = new Float64Array(0);
  return { ...outcome, storage: { constrained: empty, statistics: empty } };
}
