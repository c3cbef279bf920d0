/** Values as tables and lines of text. */
import { diagnostic } from "../../base/diagnostic.js";
import { elementCount, elementName, unravel } from "../../model/data.js";
import { VariableDiagnostics } from "../diagnostics/index.js";
import type { Posterior } from "../posterior.js";
import type { Figure } from "../results/fit.js";
import { histogramOf } from "../results/histogram.js";
import { MAX_ELEMENTS, type Summary, type SummaryRow } from "../results/summary.js";
import { elementsOf, quantileOf, summariseDraws } from "./over-draws.js";
import { type DrawsValue, dimsOf, numberText } from "./values.js";

/** Rows of draws: one for each element, as fits are summarised. */
export function summaryOfDraws(name: string, v: DrawsValue): Summary {
  const dims = dimsOf(v);
  const total = elementCount(dims);
  const [chains, draws] = v.draws.shape;
  const diagnostics = v.inChains ? new VariableDiagnostics(chains, draws) : undefined;
  const rows: SummaryRow[] = [];
  let k = 0;
  for (const x of elementsOf(v)) {
    if (k === MAX_ELEMENTS) break;
    const row = elementName(name, unravel(k, dims));
    k++;
    const figures = diagnostics?.summarise(x) ?? independent(x);
    rows.push({ name: row, ...figures, histogram: histogramOf(x, figures) });
  }
  const cut = total > MAX_ELEMENTS ? [{ name, total }] : [];
  return { rows, cut, warnings: [] };
}

function independent(x: Float64Array) {
  const sorted = x.slice().sort();
  const one = (name: "mean" | "sd"): number =>
    summariseDraws(name, {
      kind: "draws",
      scalar: "real",
      draws: { data: x, shape: [1, x.length] },
      inChains: false,
    }).value.data[0];
  const [mean, sd] = [one("mean"), one("sd")];
  const [q5, q50, q95] = [0.05, 0.5, 0.95].map((p) => quantileOf(sorted, p));
  return { mean, sd, mcseMean: sd / Math.sqrt(x.length), q5, q50, q95 };
}

/** Several variables in one table. */
export function joinSummaries(parts: readonly Summary[]): Summary {
  return {
    rows: parts.flatMap((p) => p.rows),
    cut: parts.flatMap((p) => p.cut),
    warnings: [],
  };
}

/** How many clusters there are, and which items go together. */
export function clustersText(posterior: Posterior): string {
  const { process } = posterior.fit;
  const labels = [...(posterior.fit.ranges?.keys() ?? [])];
  if (process === undefined && labels.length !== 1) return "the fit has no labels of clusters";
  const clusters = posterior.clusters(process?.label ?? labels[0]);
  const counts = Array.from(clusters.count, (p, k) => `${k}: ${numberText(p)}`);
  const { labels: partition } = clusters.partition();
  return [
    `clusters: ${counts.filter((c) => !c.endsWith(": 0")).join(", ")}`,
    `partition: [${Array.from(partition).join(", ")}]`,
  ].join("\n");
}

/** `elbo: final -12.3, history of 40`, a line each. */
export function figuresText(figures: Readonly<Record<string, Figure>>): string {
  const lines = Object.entries(figures).map(([name, f]) => `${name}: ${figureText(f)}`);
  return lines.length === 0 ? "the method says nothing about itself" : lines.join("\n");
}

function figureText(f: Figure): string {
  if (typeof f === "number") return numberText(f);
  if (typeof f !== "object") return String(f);
  if (isList(f)) {
    const shown = f.slice(0, 8).map(figureText).join(", ");
    return f.length > 8 ? `[${shown}, … ${f.length} in all]` : `[${shown}]`;
  }
  return Object.entries(f)
    .map(([k, v]) => `${k} ${figureText(v)}`)
    .join(", ");
}

function isList(f: Figure): f is readonly Figure[] {
  return Array.isArray(f);
}

/** The warning that a declaration broke another one. */
export function brokenBy(name: string, by: string) {
  return diagnostic("session_broken", undefined, { name, by });
}
