/** Posterior predictive checks: Gelman, Meng and Stern (Statistica Sinica 1996). */

import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { quantileOfSorted } from "../../math/quantile.js";
import { walkStmts } from "../../model/traverse.js";
import type { Posterior } from "../posterior.js";
import { openPredictions } from "../simulate.js";
import { areCounts, densityOf, histogramBars } from "./estimates.js";
import type { Layer, Panel, Picture } from "./picture.js";

export interface CheckedStatistic {
  readonly name: string;
  readonly observed: number;
  /** Of each replication. */
  readonly replicated: Float64Array;
  /** P(T(replicated) > T(observed)) + ½ P(equal): near 0 or 1 the model does not tell such data. */
  readonly p: number;
}

export interface CheckedSite {
  readonly name: string;
  /** Without missing entries. */
  readonly observed: Float64Array;
  readonly replications: number;
  /** `[replications, observations]`. */
  readonly replicated: Float64Array;
  readonly statistics: readonly CheckedStatistic[];
}

/** A number of a data set that replications are compared by. */
export type TestStatistic = (x: Float64Array) => number;

/** Those that are taken where none are named. */
export const testStatistics: { readonly [name: string]: TestStatistic } = {
  mean: meanOf,
  sd: (x) => {
    const m = meanOf(x);
    return Math.sqrt(x.reduce((a, b) => a + (b - m) ** 2, 0) / Math.max(1, x.length - 1));
  },
  min: (x) => x.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  median: (x) => quantileOfSorted(x.slice().sort(), 0.5),
  max: (x) => x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
};

function meanOf(x: Float64Array): number {
  return x.reduce((a, b) => a + b, 0) / x.length;
}

/** Numbers of all replications of a site; beyond it fewer draws are used. */
const MOST_NUMBERS = 1 << 24;

/**
 * Replications of the observed sites, one a draw, and how test statistics of the data lie among
 * theirs.
 * @param options `vars`: just these sites; `statistics`: instead of mean, sd, min, median and max
 * @throws TildeError for a fit without draws or a model without observed sites.
 */
export function checkFit(
  posterior: Posterior,
  options: {
    readonly vars?: readonly string[];
    readonly seed?: number;
    readonly statistics?: Readonly<Record<string, TestStatistic>>;
  } = {},
): readonly CheckedSite[] {
  const { conditioned } = posterior.fit;
  const { vars, statistics = testStatistics } = options;
  const sites = observedSites(posterior).filter((name) => vars?.includes(name) ?? true);
  const { isPoint } = posterior.fit;
  if (sites.length === 0 || isPoint) {
    const { name, body } = conditioned.model;
    const inputs = new Set<string>();
    walkStmts(body, (s) => {
      if (s.kind !== "observe") return;
      const target = s.value.kind === "index" ? s.value.target : s.value;
      if (target.kind === "var" && target.role === "input") inputs.add(target.name);
    });
    if (vars !== undefined && !isPoint && observedSites(posterior).length > 0) {
      return fail("loo_no_observations", undefined, { model: name, names: vars });
    }
    return fail("checks_no_sites", undefined, { model: name, inputs: [...inputs], isPoint });
  }
  const { fit } = posterior;
  const {
    rows: total,
    predictive,
    latent,
  } = openPredictions(fit, undefined, options.seed ?? fit.seed);
  const plans = sites.flatMap((name) => {
    const given = conditioned.observed.get(name);
    if (given === undefined || !predictive.names.includes(name)) return [];
    const kept = Array.from(given.data.keys()).filter((i) => given.missing?.[i] !== 1);
    const every = Math.max(1, Math.ceil((total * kept.length) / MOST_NUMBERS));
    const replications = Math.ceil(total / every);
    const replicated = new Float64Array(replications * kept.length);
    return [{ name, given, kept, every, replications, replicated }];
  });
  // A draw that no site keeps is not simulated.
  for (let row = 0; row < total; row++) {
    const due = plans.filter((p) => row % p.every === 0);
    if (due.length === 0) continue;
    const made = predictive.draw(latent(row), row);
    for (const { name, kept, every, replicated } of due) {
      const value = made.get(name) ?? internalError(`no prediction of ${name}`);
      const from = (row / every) * kept.length;
      kept.forEach((i, k) => {
        replicated[from + k] = value.data[i];
      });
    }
  }
  return plans.map(({ name, given, kept, replications, replicated }): CheckedSite => {
    const observed = Float64Array.from(kept, (i) => given.data[i]);
    const rows = Array.from({ length: replications }, (_, r) =>
      replicated.subarray(r * kept.length, (r + 1) * kept.length),
    );
    const checked = Object.entries(statistics).map(([label, of]): CheckedStatistic => {
      const at = of(observed);
      const values = Float64Array.from(rows, of);
      const beyond = values.reduce((n, v) => n + (v > at ? 1 : v === at ? 0.5 : 0), 0);
      return { name: label, observed: at, replicated: values, p: beyond / replications };
    });
    return { name, observed, replications, replicated, statistics: checked };
  });
}

/** Sites with values in the data. */
export function observedSites({ fit }: Posterior): string[] {
  const sites = fit.conditioned.model.variables.filter((v) => v.role === "site");
  return sites.map((v) => v.name).filter((name) => fit.conditioned.observed.has(name));
}

/** Replications that are drawn as curves. */
const MOST_CURVES = 50;

/** The data's density among those of replications, and test statistics among theirs. */
export function checkPicture(
  posterior: Posterior,
  vars?: readonly string[],
  seed?: number,
): Picture {
  const checked = checkFit(posterior, { vars, seed }).slice(0, 4);
  const panels = checked.flatMap((site): Panel[] => [
    overlay(site),
    ...site.statistics.map((s) => statisticPanel(s)),
  ]);
  const columns = 1 + (checked[0]?.statistics.length ?? 0);
  return {
    kind: "ppc",
    title: `${posterior.fit.conditioned.model.name}: posterior predictive check`,
    notes: ["the data in black, replications in colour; p = P(T(replicated) ≥ T(data))"],
    columns: Math.min(3, columns),
    panels,
  };
}

function overlay({ name, observed, replicated, replications }: CheckedSite): Panel {
  const n = observed.length;
  const every = Math.max(1, Math.ceil(replications / MOST_CURVES));
  // Few numbers, or whole ones, have no density: their distribution functions are compared.
  const isSteps = n < 10 || areCounts(observed);
  const curveOf = (x: Float64Array, tone: "ink" | "faint"): Layer[] => {
    if (!isSteps) {
      const curve = densityOf(x);
      return curve === undefined ? [] : [{ kind: "line", ...curve, tone }];
    }
    const sorted = x.slice().sort();
    const y = Array.from(sorted, (_, k) => (k + 1) / n);
    return [{ kind: "line", x: [sorted[0], ...sorted], y: [0, ...y], tone, isStep: true }];
  };
  const layers: Layer[] = [];
  for (let r = 0; r < replications; r += every) {
    layers.push(...curveOf(replicated.subarray(r * n, (r + 1) * n), "faint"));
  }
  layers.push(...curveOf(observed, "ink"));
  const y = isSteps ? "share up to here" : "density";
  return { title: name, x: { title: name }, y: { title: y }, layers };
}

function statisticPanel({ name, observed, replicated, p }: CheckedStatistic): Panel {
  const layers: Layer[] = [
    { kind: "bars", ...histogramBars(replicated, 30), tone: 0 },
    { kind: "rule", axis: "x", at: observed, tone: "ink" },
  ];
  const title = `${name}: p = ${p.toFixed(3)}`;
  return { title, x: { title: name }, y: { title: "share" }, layers };
}
