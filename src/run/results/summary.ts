/** The summary of a fit: one row per scalar, the sampler's diagnostics, timing. */
import type { Diagnostic } from "../../base/diagnostic.js";
import {
  moments,
  type SamplerDiagnostics,
  samplerDiagnostics,
  VariableDiagnostics,
  type VariableSummary,
} from "../diagnostics/index.js";
import { forEachColumn, openColumns } from "./columns.js";
import type { ExactFigures, FitData } from "./fit.js";
import { histogramOf } from "./histogram.js";
import { readableNames } from "./readout.js";

/** Variables of more scalars than this are cut in the summary, which says so. */
export const MAX_ELEMENTS = 1000;

export interface SummaryRow
  extends Partial<VariableSummary>,
    Partial<Pick<ExactFigures, "values" | "probabilities" | "mostProbable">> {
  readonly name: string;
  readonly mean: number;
  /** Counts of the draws in bins of equal width over their bulk; see `histogramOf`. */
  readonly histogram?: readonly number[];
}

export interface Summary {
  readonly rows: readonly SummaryRow[];
  /** Variables whose elements beyond the first 1000 are left out. */
  readonly cut: readonly { readonly name: string; readonly total: number }[];
  /** Absent for methods that do not sample. */
  readonly sampler?: SamplerDiagnostics;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Every readable variable, or those of `names`.
 * @throws TildeError for a name that the model does not define.
 */
export function summarise(fit: FitData, names?: readonly string[]): Summary {
  const { columns, cut } = openColumns(fit, names ?? readableNames(fit), MAX_ELEMENTS);
  const draws = fit.chains[0]?.draws ?? 0;
  const diagnostics = new VariableDiagnostics(Math.max(1, fit.chains.length), draws);
  const rows: SummaryRow[] = [];
  if (fit.chains.length > 0) {
    forEachColumn(fit, columns, ({ name }, x) => rows.push(row(name, x, fit, diagnostics)));
  }
  const sampler = samples(fit) ? diagnoseSampler(fit, rows) : undefined;
  return { rows, cut, sampler, warnings: [...fit.warnings, ...(sampler?.warnings ?? [])] };
}

function samples(fit: FitData): boolean {
  return fit.method === "nuts" || fit.method === "hmc";
}

function row(
  name: string,
  x: Float64Array,
  fit: FitData,
  diagnostics: VariableDiagnostics,
): SummaryRow {
  const exact = fit.exact?.get(name);
  if (exact !== undefined) return { ...exact, name, histogram: exact.probabilities };
  if (fit.isPoint) return { name, mean: x[0] };
  const figures = samples(fit) ? diagnostics.summarise(x) : independent(x);
  return { name, ...figures, histogram: histogramOf(x, figures) };
}

/** Of independent draws every one counts, and there are no chains to compare. */
function independent(x: Float64Array) {
  const { mean, sd } = moments(x);
  const sorted = x.slice().sort();
  const quantile = (p: number): number => {
    const at = p * (sorted.length - 1);
    const low = Math.floor(at);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
  };
  const mcseMean = sd / Math.sqrt(x.length);
  return { mean, sd, mcseMean, q5: quantile(0.05), q50: quantile(0.5), q95: quantile(0.95) };
}

function diagnoseSampler(fit: FitData, rows: readonly SummaryRow[]): SamplerDiagnostics {
  const none = new Float64Array(0);
  return samplerDiagnostics({
    chains: fit.chains.map(({ statistics }) => ({
      divergent: statistics.divergent ?? none,
      treeDepth: statistics.treedepth ?? none,
      energy: statistics.energy ?? none,
    })),
    variables: rows.map((r) => [r.name, r as SummaryRow & VariableSummary] as const),
    draws: fit.chains[0]?.draws ?? 0,
    targetAccept: fit.targetAccept ?? 0.8,
    maxTreeDepth: fit.method === "nuts" ? fit.maxTreeDepth : undefined,
  });
}

/** Whether nothing speaks against trusting the fit. */
export function passed(fit: FitData, summary: Summary): boolean {
  return (summary.sampler?.passed ?? true) && fit.warnings.length === 0;
}

/** The content of `summary.json`. NaN and infinities become null, which JSON can hold. */
export function summaryJson(fit: FitData, summary: Summary): Record<string, unknown> {
  const variables: Record<string, Record<string, unknown>> = {};
  for (const r of summary.rows) {
    const figures: Record<string, number | undefined> = {
      mean: r.mean,
      sd: r.sd,
      mcse_mean: r.mcseMean,
      q5: r.q5,
      q50: r.q50,
      q95: r.q95,
      ess_bulk: r.essBulk,
      ess_tail: r.essTail,
      rhat: r.rhat,
      most_probable: r.mostProbable,
    };
    variables[r.name] = {};
    for (const [key, x] of Object.entries(figures)) {
      if (x !== undefined) variables[r.name][key] = Number.isFinite(x) ? x : null;
    }
    const { values, probabilities } = r;
    if (values === undefined || probabilities === undefined) continue;
    const pairs = values.map((v, k) => [String(v), probabilities[k]] as const);
    variables[r.name].probabilities = Object.fromEntries(pairs);
  }
  return {
    model: fit.conditioned.model.name,
    method: fit.method,
    seed: fit.seed,
    variables,
    diagnostics: diagnosticsJson(fit, summary),
    timing: {
      compile_s: fit.timing.compileSeconds,
      warmup_s: fit.timing.warmupSeconds,
      sample_s: fit.timing.sampleSeconds,
      gradients: fit.timing.gradients,
    },
  };
}

function diagnosticsJson(fit: FitData, summary: Summary): Record<string, unknown> {
  const finite = (x: number): number | null => (Number.isFinite(x) ? x : null);
  const s = summary.sampler;
  const warnings = summary.warnings.map((w) => ({
    code: w.code,
    message: w.message,
    help: w.help ?? null,
  }));
  const common = {
    chains: fit.chains.length,
    draws: fit.chains[0]?.draws ?? 0,
    interrupted: fit.interrupted,
    passed: passed(fit, summary),
    warnings,
    ...fit.figures,
  };
  if (s === undefined) return common;
  return {
    ...common,
    warmup: fit.warmup,
    divergences: s.divergent,
    tree_depth_hits: s.treeDepthHits,
    ebfmi: s.ebfmi.map(finite),
    max_rhat: finite(s.maxRhat),
    min_ess_bulk: finite(s.minEssBulk),
    min_ess_tail: finite(s.minEssTail),
    step_size: fit.chains.map((c) => c.stepSize ?? null),
  };
}
