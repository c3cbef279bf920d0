/** Pictures of what climbs (elbo) and of clusters. */
import type { Clusters } from "../clusters.js";
import type { Posterior } from "../posterior.js";
import type { Figure, FitData } from "../results/fit.js";
import type { Layer, Panel, Picture } from "./picture.js";

interface History {
  readonly name: string;
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** What a fit's method recorded while it climbed: bounds, likelihoods, the players' values. */
export function historiesOf({ figures }: FitData): readonly History[] {
  const found: History[] = [];
  const read = (name: string, figure: Figure | undefined): void => {
    if (!isTable(figure)) return;
    const values = numbers(figure.history);
    if (values.length === 0) return;
    const steps = numbers(figure.steps);
    const isStepped = steps.length === values.length;
    found.push({ name, values, steps: isStepped ? steps : values.map((_, k) => k + 1) });
  };
  for (const name of ["elbo", "value", "log_likelihood"]) read(name, figures[name]);
  const { players } = figures;
  if (isTable(players)) for (const [name, f] of Object.entries(players)) read(name, f);
  return found;
}

function isTable(f: Figure | undefined): f is { readonly [key: string]: Figure } {
  return typeof f === "object" && !Array.isArray(f);
}

function numbers(f: Figure | undefined): number[] {
  return Array.isArray(f) ? f.filter((v): v is number => typeof v === "number") : [];
}

/** The objective by step. */
export function elboPicture(posterior: Posterior): Picture {
  const { fit } = posterior;
  const panels = historiesOf(fit).map(({ name, steps, values }): Panel => {
    // The first steps are often so low that nothing else could be seen.
    const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
    const quarter = sorted[Math.floor(sorted.length / 4)];
    const floor = quarter - 5 * (sorted[sorted.length - 1] - quarter);
    const from = values.findIndex((v) => v >= floor);
    const layers: Layer[] = [
      { kind: "line", x: steps.slice(from), y: values.slice(from), tone: 0 },
    ];
    const isLearned = name === "value" && typeof fit.figures.objective === "string";
    const title = isLearned ? String(fit.figures.objective) : name.replace("_", " ");
    return { title, x: { title: "step" }, y: { title: "" }, layers };
  });
  const model = fit.conditioned.model.name;
  return { kind: "elbo", title: `${model}: objective by step`, notes: [], columns: 2, panels };
}

/** The site of labels that `clusters` is asked for: the first that has values and one dimension. */
export function labelsOf({ fit }: Posterior): string | undefined {
  if (fit.process !== undefined) return fit.process.label;
  for (const [name, { count }] of fit.ranges ?? []) {
    const latent = fit.latents.find((v) => v.name === name);
    if (latent?.dims.length === 1 && latent.length > 1 && count > 1) return name;
  }
  return undefined;
}

/** Items of a matrix that is drawn. */
const MOST_ITEMS = 300;

/** How many clusters, and which items go together, ordered by the partition of least loss. */
export function clustersPicture(posterior: Posterior, vars?: readonly string[]): Picture {
  const name = vars?.[0] ?? labelsOf(posterior);
  const clusters = posterior.clusters(name);
  const model = posterior.fit.conditioned.model.name;
  const panels = [countPanel(clusters)];
  const notes: string[] = [];
  const { labels } = clusters.partition();
  const order = Array.from(labels.keys()).sort((a, b) => labels[a] - labels[b] || a - b);
  const every = Math.ceil(order.length / MOST_ITEMS);
  const shown = order.filter((_, k) => k % every === 0);
  if (every > 1) notes.push(`every ${every}. of ${order.length} items`);
  const { similarity } = clusters;
  const values = shown.flatMap((i) => shown.map((j) => similarity[i * order.length + j]));
  panels.push({
    title: "probability that two items are in one cluster",
    x: { title: "item, by cluster" },
    y: { title: "" },
    layers: [{ kind: "cells", size: shown.length, values }],
  });
  return { kind: "clusters", title: `${model}: clusters of ${name}`, notes, columns: 2, panels };
}

function countPanel({ count }: Clusters): Panel {
  const likely = Array.from(count.keys()).filter((k) => count[k] > 0.0005);
  const bars = {
    left: likely.map((k) => k - 0.4),
    right: likely.map((k) => k + 0.4),
    y: likely.map((k) => count[k]),
  };
  const layers: Layer[] = [{ kind: "bars", ...bars, tone: 0 }];
  return {
    title: "number of clusters",
    x: { title: "clusters" },
    y: { title: "probability" },
    layers,
  };
}
