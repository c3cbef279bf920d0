/** The summary of a fit: one row per scalar, the sampler's diagnostics, timing. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.js";
import {
  moments,
  type SamplerDiagnostics,
  samplerDiagnostics,
  VariableDiagnostics,
  type VariableSummary,
} from "../diagnostics/index.js";
import { nestedRhat } from "../diagnostics/nested.js";
import { type Column, forEachColumn, openColumns } from "./columns.js";
import { dependents } from "./discrete.js";
import type { ExactFigures, Figure, FitData, Relabelling } from "./fit.js";
import { histogramOf, histogramOfSorted } from "./histogram.js";
import { readableNames } from "./readout.js";
import { solutionWarnings } from "./solutions.js";

/** Variables of more scalars than this are cut in the summary, which says so. */
export const MAX_ELEMENTS = 1000;

export interface SummaryRow
  extends Partial<VariableSummary>,
    Partial<Pick<ExactFigures, "values" | "probabilities" | "mostProbable">> {
  readonly name: string;
  readonly mean: number;
  /** Standard error of a point estimate. */
  readonly se?: number;
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
  const isPoint = pointsOf(fit);
  const isDiscrete = discreteOf(fit);
  const rows: SummaryRow[] = [];
  /** What convergence is judged by. */
  const judged: (readonly [string, VariableSummary])[] = [];
  const add = (column: Column, x: Float64Array): void => {
    const { name, variable, index } = column;
    const exact = fit.exact?.get(name);
    if (exact !== undefined) {
      const histogram = exact.probabilities ?? histogramOfDraws(x, exact);
      rows.push({ ...exact, name, histogram });
    } else if (isPoint(variable)) {
      const se = fit.points?.get(variable)?.se?.[index];
      rows.push(se === undefined ? { name, mean: x[0] } : { name, mean: x[0], se });
    } else if (comesInChains(fit)) {
      const figures = nested(fit, x, diagnostics.summarise(x));
      const { sorted } = diagnostics;
      const histogram = sorted ? histogramOfSorted(sorted, figures) : histogramOf(x, figures);
      rows.push({ name, ...figures, histogram });
      // Labels are names of clusters: what they share is judged, by the number of clusters.
      if (variable === fit.process?.label) return;
      if (!isDiscrete(variable)) judged.push([name, figures]);
      // Quantiles of a few integers tell nothing of tails.
      else if (varies(x)) judged.push([name, { ...figures, essTail: Number.NaN }]);
    } else {
      const figures = independent(x);
      rows.push({ name, ...figures, histogram: histogramOf(x, figures) });
    }
  };
  if (fit.chains.length > 0) forEachColumn(fit, columns, add);
  const sampler = comesInChains(fit) ? diagnoseSampler(fit, judged) : undefined;
  return {
    rows,
    cut,
    sampler,
    warnings: [
      ...fit.warnings,
      ...labelWarnings(fit),
      ...solutionWarnings(fit),
      ...(sampler?.warnings ?? []),
    ],
  };
}

/** Many short chains are judged by superchains. */
function nested(fit: FitData, x: Float64Array, figures: VariableSummary): VariableSummary {
  if (fit.superchains === undefined) return figures;
  const { chains, superchains } = fit;
  return { ...figures, rhat: nestedRhat(x, chains.length, chains[0].draws, superchains) };
}

/** Whether the draws of a fit depend on each other, as those of a Markov chain do. */
export function comesInChains({ method }: FitData): boolean {
  return method === "nuts" || method === "hmc" || method === "gibbs";
}

/** Whether a variable is a point estimate, or computed from such alone. */
function pointsOf(fit: FitData): (variable: string) => boolean {
  if (fit.isPoint) return () => true;
  if (fit.points === undefined) return () => false;
  const { points, conditioned } = fit;
  const drawn = conditioned.model.variables
    .filter((v) => v.role === "site" && !points.has(v.name))
    .map((v) => v.name);
  const random = dependents(conditioned.model, drawn);
  return (variable) => !random.has(variable);
}

/** Whether a variable's draws are whole numbers by its type. */
function discreteOf(fit: FitData): (variable: string) => boolean {
  const found = fit.conditioned.model.variables.filter((v) => v.type.scalar !== "real");
  const names = new Set(found.map((v) => v.name));
  return (variable) => names.has(variable);
}

/**
 * A discrete scalar that nearly always has one value is known all too well: its rank statistics rest
 * on a handful of draws and would warn of nothing.
 */
const NEARLY_CONSTANT = 0.95;

function varies(x: Float64Array): boolean {
  const counts = new Map<number, number>();
  for (const value of x) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(...counts.values()) < NEARLY_CONSTANT * x.length;
}

/** A histogram of draws within the quantiles that are known exactly, where they are. */
function histogramOfDraws(x: Float64Array, exact: ExactFigures): readonly number[] | undefined {
  const { q5, q50, q95 } = exact;
  if (q5 === undefined || q50 === undefined || q95 === undefined) return undefined;
  return x.length > 1 ? histogramOf(x, { q5, q50, q95 }) : undefined;
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

function diagnoseSampler(
  fit: FitData,
  variables: readonly (readonly [string, VariableSummary])[],
): SamplerDiagnostics {
  const none = new Float64Array(0);
  return samplerDiagnostics({
    chains: fit.chains.map(({ statistics }) => ({
      divergent: statistics.divergent ?? none,
      treeDepth: statistics.treedepth ?? none,
      energy: statistics.energy ?? none,
    })),
    variables,
    draws: fit.chains[0]?.draws ?? 0,
    targetAccept: fit.targetAccept ?? 0.8,
    superchains: fit.superchains,
    maxTreeDepth: fit.method === "nuts" ? fit.maxTreeDepth : undefined,
  });
}

/** Of relabelled components: no fault of the run, but said where its chains disagreed. */
function labelWarnings(fit: FitData): Diagnostic[] {
  return (fit.relabellings ?? []).flatMap(({ group, chains, switched }) => {
    const differ = chains.some((p) => p.some((v, k) => v !== chains[0][k]));
    if (!differ && switched < 0.05) return [];
    const names = [...group.variables.map((v) => v.name), ...group.labels];
    return [diagnostic("labels_switched", undefined, { names, differ, switched })];
  });
}

/** Whether nothing speaks against trusting the fit. */
export function passed(fit: FitData, summary: Summary): boolean {
  const isSolved = summary.warnings.every((w) => w.code !== "ode_error");
  return isSolved && (summary.sampler?.passed ?? true) && fit.warnings.length === 0;
}

/** The content of `summary.json`. NaN and infinities become null, which JSON can hold. */
export function summaryJson(fit: FitData, summary: Summary): Record<string, unknown> {
  const variables: Record<string, Record<string, unknown>> = {};
  for (const r of summary.rows) {
    const figures: Record<string, number | undefined> = {
      mean: r.mean,
      sd: r.sd,
      se: r.se,
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

function labelsJson({ group, chains, switched }: Relabelling): Record<string, unknown> {
  return {
    components: group.size,
    variables: group.variables.map((v) => v.name),
    labels: group.labels,
    chains: chains.map((p) => Array.from(p)),
    switched,
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
    ...(fit.relabellings === undefined ? {} : { relabelled: fit.relabellings.map(labelsJson) }),
    ...Object.fromEntries(Object.entries(fit.figures).map(([k, v]) => [k, figureJson(v)])),
  };
  if (s === undefined) return common;
  const chains = {
    ...common,
    warmup: fit.warmup,
    max_rhat: finite(s.maxRhat),
    min_ess_bulk: finite(s.minEssBulk),
    min_ess_tail: finite(s.minEssTail),
  };
  if (fit.method === "gibbs") return chains;
  return {
    ...chains,
    divergences: s.divergent,
    tree_depth_hits: s.treeDepthHits,
    ebfmi: s.ebfmi.map(finite),
    step_size: fit.chains.map((c) => c.stepSize ?? null),
  };
}

/** Histories and tables with numbers that JSON lacks as null, at any depth. */
function figureJson(figure: Figure): unknown {
  if (typeof figure === "number") return Number.isFinite(figure) ? figure : null;
  if (typeof figure !== "object") return figure;
  if (isList(figure)) return figure.map(figureJson);
  return Object.fromEntries(Object.entries(figure).map(([k, v]) => [k, figureJson(v)]));
}

function isList(figure: Figure): figure is readonly Figure[] {
  return Array.isArray(figure);
}
