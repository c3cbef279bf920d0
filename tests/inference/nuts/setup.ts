/** Compiled instances of hand-written models, and draws from them. */
import {
  type CpuInstance,
  compileKernels,
  createMemory,
  instantiate,
} from "../../../src/device/cpu/compile.js";
import {
  type ChainControls,
  type ChainResult,
  HMC_DEFAULTS,
  type HmcOptions,
  NUTS_DEFAULTS,
  type NutsOptions,
} from "../../../src/inference/contract.js";
import { finishChain } from "../../../src/inference/hamiltonian/chain.js";
import {
  STATISTIC_COUNT,
  STATISTICS,
  type Statistic,
} from "../../../src/inference/hamiltonian/shape.js";
import { withHmc } from "../../../src/inference/hmc/assemble.js";
import { withNuts } from "../../../src/inference/nuts/assemble.js";
import type { KernelModule } from "../../../src/kernel/ir.js";
import { VariableDiagnostics, type VariableSummary } from "../../../src/run/diagnostics/index.js";

/** One workspace of a module. */
export function single(module: KernelModule): CpuInstance {
  const program = compileKernels(module);
  return instantiate(program, createMemory(program, 1), 0);
}

export interface Fit {
  readonly chains: readonly ChainResult[];
  /** Of constrained element `index`, over all chains. */
  summary(index: number): VariableSummary;
  /** Chain after chain. */
  draws(index: number): Float64Array;
  statistic(name: Statistic): Float64Array;
}

/** Runs all chains of NUTS or HMC one after another; a failed chain is an error. */
export function sample(
  model: KernelModule,
  options: Partial<NutsOptions> | (Partial<HmcOptions> & { readonly method: "hmc" }) = {},
  seed = 1,
  controls: ChainControls = {},
): Fit {
  const full: NutsOptions | HmcOptions =
    options.method === "hmc" ? { ...HMC_DEFAULTS, ...options } : { ...NUTS_DEFAULTS, ...options };
  const module =
    full.method === "hmc"
      ? withHmc(model, full.metric)
      : withNuts(model, full.metric, full.maxTreeDepth);
  const program = compileKernels(module);
  const memory = createMemory(program, full.chains);
  const chains = Array.from({ length: full.chains }, (_, chain) => {
    const instance = instantiate(program, memory, chain);
    const outcome = finishChain(instance, full, { seed, chain }, controls);
    if (outcome.kind === "failed") throw new Error(JSON.stringify(outcome.failure));
    return outcome;
  });
  const column = (rows: (c: ChainResult) => Float64Array, width: number, index: number) =>
    Float64Array.from(
      chains.flatMap((c) => Array.from({ length: c.draws }, (_, t) => rows(c)[t * width + index])),
    );
  const width = chains[0].storage.constrained.length / Math.max(full.draws, 1);
  const draws = (index: number) => column((c) => c.storage.constrained, width, index);
  return {
    chains,
    draws,
    summary: (index) =>
      new VariableDiagnostics(chains.length, chains[0].draws).summarise(draws(index)),
    statistic: (name) =>
      column((c) => c.storage.statistics, STATISTIC_COUNT, STATISTICS.indexOf(name)),
  };
}
