/** What chains of a Dirichlet-process mixture come to: their draws by name, partitions and figures. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.js";
import { clusterCounts, type Partitions, pointPartition, pooled } from "../inference/dp/index.js";
import type { DpChain } from "../inference/dp/model/chain.js";
import type { DpPlan } from "../inference/dp/model/dp-plan.js";
import { elementCount } from "../model/data.js";
import { VariableDiagnostics } from "./diagnostics/index.js";
import type { Figure, FitData, VariableDraws } from "./results/fit.js";

/** What a fit of a Dirichlet-process mixture holds beside its draws by name. */
export interface ProcessFit {
  readonly plan: DpPlan;
  /** The chains as their sampler left them; none of a variational fit. */
  readonly chains: readonly DpChain[];
  /** Partitions of the items, over all chains. */
  readonly partitions: Partitions;
  readonly label: string;
}

/** The point partition is searched for unasked up to so many items. */
const POINT_LIMIT = 1000;
/** A truncation that changes more than this is told. */
export const TRUNCATION_LIMIT = 0.01;

/** The part of a fit that follows from its chains, each cut to the draws that all of them have. */
export function processFit(plan: DpPlan, chains: readonly DpChain[]) {
  // A run that is interrupted in its warmup has no chains.
  const draws = chains.length === 0 ? 0 : Math.min(...chains.map((c) => c.draws.draws));
  const counts = new Float64Array(chains.length * draws);
  chains.forEach((c, k) => {
    for (let t = 0; t < draws; t++) counts[k * draws + t] = c.draws.clusters[t];
  });
  const partitions = partitionsOfChains(plan, chains, draws);
  const judged =
    draws === 0 ? undefined : new VariableDiagnostics(chains.length, draws).summarise(counts);
  const [first] = chains;
  const warnings: Diagnostic[] = [];
  const truncation = first?.draws.truncation;
  if (truncation !== undefined && truncation.error > TRUNCATION_LIMIT) {
    warnings.push(diagnostic("truncation_matters", undefined, truncation));
  }
  const proposed = chains.reduce((n, c) => n + c.draws.splitMerge.proposed, 0);
  const accepted = chains.reduce((n, c) => n + c.draws.splitMerge.accepted, 0);
  const figures: FitData["figures"] = {
    algorithm: first?.draws.algorithm ?? "none",
    ...(judged !== undefined && {
      clusters: {
        mean: judged.mean,
        sd: judged.sd,
        rhat: judged.rhat,
        ess_bulk: judged.essBulk,
        probabilities: massesOf(counts),
      },
    }),
    ...partitionFigure(partitions),
    ...(proposed > 0 ? { split_merge: { proposed, accepted } } : {}),
    ...(truncation === undefined ? {} : { truncation: { ...truncation } }),
  };
  return {
    latents: [],
    isPoint: false,
    chains: chains.map(({ draws: d }) => ({
      values: new Float64Array(0),
      draws,
      statistics: { lp: d.lp.slice(0, draws) },
    })),
    whole: wholeOf(plan, chains, draws),
    process: { plan, chains, partitions, label: plan.structure.plate.label },
    warnings,
    figures,
  } satisfies Partial<FitData>;
}

/** The first `draws` draws of each chain's labels, one chain after another. */
export function partitionsOfChains(
  { structure: { items } }: DpPlan,
  chains: readonly DpChain[],
  draws: number,
): Partitions {
  if (draws === 0 || chains.length === 0) return { items, draws: 0, labels: new Int32Array(0) };
  return pooled(chains.map(({ draws: d }) => ({ items: d.items, draws, labels: d.labels })));
}

/** Probabilities of numbers of clusters. */
export function massesOf(counts: Float64Array): { readonly [key: string]: Figure } {
  const masses = clusterCounts(Int32Array.from(counts));
  const pairs = [...masses].map((p, k) => [String(k), p] as const).filter(([, p]) => p > 0);
  return Object.fromEntries(pairs);
}

/** The point partition, where it is not too much to ask for unasked. */
export function partitionFigure(partitions: Partitions): { readonly [key: string]: Figure } {
  if (partitions.items > POINT_LIMIT || partitions.draws === 0) return {};
  const point = pointPartition(partitions, "variation-of-information");
  const labels = Array.from(point.labels);
  return { partition: { clusters: point.clusters, loss: point.loss, labels } };
}

/** Draws by name: the concentration, sites outside the plate, labels. */
export function wholeOf(
  plan: DpPlan,
  chains: readonly DpChain[],
  draws: number,
): Map<string, VariableDraws> {
  const { structure, conditioned } = plan;
  const found = new Map<string, VariableDraws>();
  /** Labels stay where they are, in files maybe, until someone wants all of them. */
  const reading = (name: string, dims: readonly number[], row: RowOf): void => {
    const size = elementCount(dims);
    const readRow = (at: number): ArrayLike<number> =>
      row(chains[Math.floor(at / draws)], at % draws);
    found.set(name, {
      shape: [chains.length, draws, ...dims],
      row: readRow,
      get data() {
        const data = new Float64Array(chains.length * draws * size);
        for (let at = 0; at < chains.length * draws; at++) data.set(readRow(at), at * size);
        return data;
      },
    });
  };
  const collect = (name: string, dims: readonly number[], row: RowOf): void => {
    const size = elementCount(dims);
    const data = new Float64Array(chains.length * draws * size);
    chains.forEach((chain, c) => {
      for (let t = 0; t < draws; t++) data.set(row(chain, t), (c * draws + t) * size);
    });
    found.set(name, { data, shape: [chains.length, draws, ...dims] });
  };
  if (structure.concentrationName !== undefined) {
    collect(structure.concentrationName, [], ({ draws: d }, t) => d.alpha.subarray(t, t + 1));
  }
  const width = structure.globals.reduce((n, s) => n + s.length, 0);
  let offset = 0;
  for (const { name, dims, length } of structure.globals) {
    const start = offset;
    offset += length;
    const given = conditioned.observed.get(name);
    collect(name, dims, ({ globals }, t) => {
      const own = globals.subarray(t * width + start, t * width + start + length);
      let next = 0;
      return given?.data.map((v, i) => (given.missing?.[i] === 1 ? own[next++] : v)) ?? own;
    });
  }
  reading(structure.plate.label, structure.labelDims, ({ draws: d }, t) =>
    d.labels.subarray(t * d.items, (t + 1) * d.items),
  );
  const order = conditioned.model.variables.map((v) => v.name);
  return new Map([...found].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
}

type RowOf = (chain: DpChain, t: number) => ArrayLike<number>;
