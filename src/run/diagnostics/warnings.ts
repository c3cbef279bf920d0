/** What a fit's diagnostics amount to, as warnings that say what to try. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.js";
import { energyBfmi } from "./energy.js";
import { nestedLimit, pooledBfmi } from "./nested.js";
import type { VariableSummary } from "./variable.js";

/** Limits of Vehtari et al. (2021), section 4.1, and of Betancourt (2016) for the energy. */
export const THRESHOLDS = {
  rhat: 1.01,
  essPerChain: 100,
  ebfmi: 0.3,
  /**
   * A divergence says that the sampler left the typical set near there, and is always warned of. A
   * few among thousands are common where a scale nears 0 and move no mean by more than its Monte
   * Carlo error; above this share of the draws the region that they mark off has a mass that counts.
   */
  divergent: 0.005,
} as const;

/** What the sampler reported of one chain, one element per kept draw. */
export interface ChainStatistics {
  readonly divergent: ArrayLike<number>;
  readonly treeDepth: ArrayLike<number>;
  readonly energy: Float64Array;
}

/** The figures of a whole fit. `ebfmi` has one element per chain; the rest are over all chains. */
export interface SamplerDiagnostics {
  readonly divergent: number;
  readonly treeDepthHits: number;
  readonly ebfmi: readonly number[];
  readonly maxRhat: number;
  readonly minEssBulk: number;
  readonly minEssTail: number;
  /**
   * True where nothing speaks against trusting the draws. Of what is warned of, the tree depth costs
   * time and not trust, and a share of divergences up to the limit is tolerated.
   */
  readonly passed: boolean;
  readonly warnings: readonly Diagnostic[];
}

export interface DiagnosedFit {
  readonly chains: readonly ChainStatistics[];
  readonly variables: Iterable<readonly [name: string, summary: VariableSummary]>;
  /** Of each chain. */
  readonly draws: number;
  readonly targetAccept: number;
  /** Absent for methods without trees. */
  readonly maxTreeDepth?: number;
  /** Of many short chains: how many groups began at one point each. */
  readonly superchains?: number;
}

/**
 * Judges a fit. Variables that are constant have no R-hat and are passed over; figures over no
 * variable at all are NaN.
 */
export function samplerDiagnostics(fit: DiagnosedFit): SamplerDiagnostics {
  const { chains, draws, targetAccept, maxTreeDepth } = fit;
  const total = chains.reduce((sum, c) => sum + c.energy.length, 0);
  const divergent = chains.reduce((sum, c) => sum + countWhere(c.divergent, (d) => d !== 0), 0);
  const treeDepthHits =
    maxTreeDepth === undefined
      ? 0
      : chains.reduce((sum, c) => sum + countWhere(c.treeDepth, (d) => d >= maxTreeDepth), 0);
  const { superchains } = fit;
  const ebfmi =
    superchains === undefined
      ? chains.map((c) => energyBfmi(c.energy))
      : pooledBfmi(
          chains.map((c) => c.energy),
          superchains,
        );
  const enoughEss = THRESHOLDS.essPerChain * (superchains ?? chains.length);
  const threshold =
    superchains === undefined
      ? THRESHOLDS.rhat
      : nestedLimit(chains.length, superchains, THRESHOLDS.rhat);
  const rhat = new Extreme((a, b) => a > b);
  const bulk = new Extreme((a, b) => a < b);
  const tail = new Extreme((a, b) => a < b);
  for (const [name, summary] of fit.variables) {
    // A constant's draws are all the same: its R-hat is 0 / 0 and its other figures say nothing.
    if (Number.isNaN(summary.rhat)) continue;
    rhat.see(name, summary.rhat, summary.rhat > threshold);
    bulk.see(name, summary.essBulk, summary.essBulk < enoughEss);
    tail.see(name, summary.essTail, summary.essTail < enoughEss);
  }

  const warnings: Diagnostic[] = [];
  if (divergent > 0) {
    warnings.push(diagnostic("divergences", undefined, { divergent, draws: total, targetAccept }));
  }
  const lowChains = ebfmi.flatMap((b, i) => (b < THRESHOLDS.ebfmi ? [i + 1] : []));
  if (lowChains.length > 0) {
    const worst = Math.min(...lowChains.map((i) => ebfmi[i - 1]));
    const params = { chains: lowChains, worst, threshold: THRESHOLDS.ebfmi };
    warnings.push(diagnostic("low_ebfmi", undefined, params));
  }
  if (draws < 4) warnings.push(diagnostic("no_diagnostics", undefined, { draws }));
  if (rhat.failed.length > 0) {
    warnings.push(diagnostic("high_rhat", undefined, { ...rhat.report(), threshold }));
  }
  if (bulk.failed.length > 0) {
    const params = { ...bulk.report(), threshold: enoughEss };
    warnings.push(diagnostic("low_ess_bulk", undefined, params));
  }
  if (tail.failed.length > 0) {
    const params = { ...tail.report(), threshold: enoughEss };
    warnings.push(diagnostic("low_ess_tail", undefined, params));
  }
  const tolerated = divergent > 0 && divergent <= THRESHOLDS.divergent * total ? 1 : 0;
  const passed = warnings.length === tolerated;
  if (treeDepthHits > 0 && maxTreeDepth !== undefined) {
    const params = { hits: treeDepthHits, draws: total, maxTreeDepth };
    warnings.push(diagnostic("tree_depth", undefined, params));
  }
  return {
    divergent,
    treeDepthHits,
    ebfmi,
    maxRhat: rhat.value,
    minEssBulk: bulk.value,
    minEssTail: tail.value,
    passed,
    warnings,
  };
}

function countWhere(values: ArrayLike<number>, test: (value: number) => boolean): number {
  let n = 0;
  for (let i = 0; i < values.length; i++) if (test(values[i])) n += 1;
  return n;
}

/** The worst value of a figure, and the variables that fail its limit, worst first. */
class Extreme {
  value = Number.NaN;
  readonly failed: { readonly name: string; readonly value: number }[] = [];
  constructor(readonly worse: (a: number, b: number) => boolean) {}

  see(name: string, value: number, fails: boolean): void {
    if (Number.isNaN(this.value) || this.worse(value, this.value)) this.value = value;
    if (fails) this.failed.push({ name, value });
  }

  report(): { readonly variables: readonly string[]; readonly worst: number } {
    this.failed.sort((a, b) => (this.worse(a.value, b.value) ? -1 : 1));
    return { variables: this.failed.map((f) => f.name), worst: this.value };
  }
}
