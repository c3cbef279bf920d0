/** Pictures of draws: trace, rank, density, pair, forest, energy. */
import { averageRanks, quantileOfSorted } from "../../math/quantile.js";
import { energyBfmi } from "../diagnostics/index.js";
import type { Posterior } from "../posterior.js";
import {
  areCounts,
  type Curve,
  densityOf,
  highestDensity,
  histogramBars,
  MASS,
  sharesOf,
} from "./estimates.js";
import type { IntervalRow, Layer, Panel, Picture, Tone } from "./picture.js";
import { divergentRows, type Scalar, type Scalars, scalarsOf } from "./scalars.js";

const HDI = `${(100 * MASS).toFixed(0)} % HDI`;

function titleOf(posterior: Posterior, what: string): string {
  return `${posterior.fit.conditioned.model.name}: ${what}`;
}

function chainOf({ draws }: Scalars, { values }: Scalar, c: number): Float64Array {
  return values.subarray(c * draws, (c + 1) * draws);
}

/** Chains that are coloured apart; of more, lines would be a blur. */
const MOST_CHAINS = 12;
/** Points of one chain's line. */
const MOST_POINTS = 500;

/** Each scalar's density by chain beside its draws in order; divergences as marks below. */
export function tracePicture(posterior: Posterior, vars?: readonly string[]): Picture {
  const scalars = scalarsOf(posterior, vars, 8);
  const chains = Math.min(scalars.chains, MOST_CHAINS);
  const divergent = divergentRows(posterior).filter((r) => r < chains * scalars.draws);
  const every = Math.ceil(scalars.draws / MOST_POINTS);
  const panels = scalars.list.flatMap((s): Panel[] => {
    const densities: Layer[] = [];
    const lines: Layer[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (let c = 0; c < chains; c++) {
      const x = chainOf(scalars, s, c);
      densities.push(...densityLayers(x, c));
      const at = Array.from({ length: Math.ceil(x.length / every) }, (_, k) => k * every);
      lines.push({ kind: "line", x: at.map((t) => t + 1), y: at.map((t) => x[t]), tone: c });
      least = at.reduce((a, t) => Math.min(a, x[t]), least);
    }
    if (divergent.length > 0) {
      const x = divergent.map((r) => (r % scalars.draws) + 1);
      lines.push({ kind: "points", x, y: x.map(() => least), tone: "warn" });
    }
    return [
      { title: s.name, x: { title: "" }, y: { title: "" }, layers: densities },
      { title: s.name, x: { title: "draw" }, y: { title: "" }, layers: lines },
    ];
  });
  const notes = [
    `${chains} of ${scalars.chains} chains in colours${every > 1 ? `, every ${every}. draw` : ""}`,
    ...(divergent.length > 0 ? [`${divergent.length} divergent draws marked`] : []),
    ...scalars.notes,
  ];
  return { kind: "trace", title: titleOf(posterior, "trace"), notes, columns: 2, panels };
}

function densityLayers(x: Float64Array, tone: Tone): Layer[] {
  if (areCounts(x)) {
    const { left, y } = sharesOf(x);
    return [{ kind: "line", x: left.map((v) => v + 0.4), y, tone }];
  }
  const curve = densityOf(x);
  return curve === undefined ? [] : [{ kind: "line", ...curve, tone }];
}

/** Bins of ranks. */
const RANK_BINS = 20;

/**
 * Ranks of each chain's draws among all chains', binned (Vehtari et al. 2021, section 4): chains
 * that explore the same distribution stay in the band.
 */
export function rankPicture(posterior: Posterior, vars?: readonly string[]): Picture {
  const scalars = scalarsOf(posterior, vars, 12);
  const { chains, draws } = scalars;
  const expected = draws / RANK_BINS;
  const spread = 2.576 * Math.sqrt((expected * (RANK_BINS - 1)) / RANK_BINS);
  const edges = Array.from({ length: RANK_BINS + 1 }, (_, k) => (k * chains * draws) / RANK_BINS);
  const panels = scalars.list.map((s): Panel => {
    const ranks = averageRanks(s.values);
    const band = {
      low: edges.map(() => Math.max(0, expected - spread)),
      high: edges.map(() => expected + spread),
    };
    const layers: Layer[] = [
      { kind: "area", x: edges, ...band, tone: "shade" },
      { kind: "rule", axis: "y", at: expected, tone: "faint" },
    ];
    for (let c = 0; c < Math.min(chains, MOST_CHAINS); c++) {
      const counts = new Array<number>(RANK_BINS).fill(0);
      for (let t = 0; t < draws; t++) {
        const at = Math.floor(((ranks[c * draws + t] - 0.5) * RANK_BINS) / (chains * draws));
        counts[Math.min(RANK_BINS - 1, Math.max(0, at))] += 1;
      }
      const y = [...counts, counts[RANK_BINS - 1]];
      layers.push({ kind: "line", x: edges, y, tone: c, isStep: true });
    }
    return { title: s.name, x: { title: "rank" }, y: { title: "draws" }, layers };
  });
  const notes = [
    "chains in colours; of uniform, independent ranks 99 % are in the band",
    ...scalars.notes,
  ];
  return { kind: "rank", title: titleOf(posterior, "ranks by chain"), notes, columns: 3, panels };
}

/** Each scalar's density with its mean and narrowest interval. */
export function densityPicture(posterior: Posterior, vars?: readonly string[]): Picture {
  const scalars = scalarsOf(posterior, vars, 16);
  const panels = scalars.list.map((s): Panel => {
    const sorted = s.values.slice().sort();
    const [low, high] = highestDensity(sorted, MASS);
    const mean = s.values.reduce((a, b) => a + b, 0) / s.values.length;
    const title = `${s.name}: ${short(mean)} [${short(low)}, ${short(high)}]`;
    const layers: Layer[] = [];
    const curve = areCounts(s.values) ? undefined : densityOf(s.values);
    if (curve === undefined) {
      layers.push({ kind: "bars", ...sharesOf(s.values), tone: 0 });
    } else {
      layers.push(under(curve, low, high), { kind: "line", ...curve, tone: 0 });
      layers.push({ kind: "rule", axis: "x", at: mean, tone: "ink" });
    }
    const y = curve === undefined ? "share" : "density";
    return { title, x: { title: "" }, y: { title: y }, layers };
  });
  const notes = [`mean and ${HDI}`, ...scalars.notes];
  return { kind: "density", title: titleOf(posterior, "densities"), notes, columns: 3, panels };
}

/** The area under a curve between two places. */
function under({ x, y }: Curve, low: number, high: number): Layer {
  const inside = Array.from(x.keys()).filter((k) => x[k] >= low && x[k] <= high);
  return {
    kind: "area",
    x: inside.map((k) => x[k]),
    low: inside.map(() => 0),
    high: inside.map((k) => y[k]),
    tone: "shade",
  };
}

function short(x: number): string {
  const size = Math.abs(x);
  if (x === 0) return "0";
  return size >= 1e5 || size < 1e-3 ? x.toExponential(1) : String(Number(x.toPrecision(3)));
}

/** Points of a scatter plot. */
const MOST_DOTS = 1000;

/** Scalars against each other below the diagonal, their densities on it; divergences stand out. */
export function pairPicture(posterior: Posterior, vars?: readonly string[]): Picture {
  const scalars = scalarsOf(posterior, vars, 5);
  const { list } = scalars;
  const divergent = divergentRows(posterior);
  const total = list[0]?.values.length ?? 0;
  const every = Math.max(1, Math.ceil(total / MOST_DOTS));
  const rows = Array.from({ length: Math.ceil(total / every) }, (_, k) => k * every);
  const panels = list.flatMap((down, i) =>
    list.map((across, j): Panel => {
      const isLast = i === list.length - 1;
      const x = { title: isLast ? across.name : "" };
      if (j > i) return { title: "", x: { title: "" }, y: { title: "" }, layers: [] };
      if (j === i) {
        const bars = histogramBars(across.values, areCounts(across.values) ? 12 : 30);
        const layers: Layer[] = [{ kind: "bars", ...bars, tone: 0 }];
        return { title: across.name, x, y: { title: "" }, layers };
      }
      const at = (s: Scalar, which: readonly number[]) => which.map((r) => s.values[r]);
      const layers: Layer[] = [{ kind: "points", x: at(across, rows), y: at(down, rows), tone: 0 }];
      if (divergent.length > 0) {
        const [u, v] = [at(across, divergent), at(down, divergent)];
        layers.push({ kind: "points", x: u, y: v, tone: "warn" });
      }
      return { title: "", x, y: { title: j === 0 ? down.name : "" }, layers };
    }),
  );
  const notes = [
    ...(divergent.length > 0 ? [`${divergent.length} divergent draws stand out`] : []),
    ...scalars.notes,
  ];
  const columns = Math.max(1, list.length);
  return { kind: "pair", title: titleOf(posterior, "pairs"), notes, columns, panels };
}

/** Intervals of all scalars under each other. */
export function forestPicture(posterior: Posterior, vars?: readonly string[]): Picture {
  const scalars = scalarsOf(posterior, vars, 60);
  const rows = scalars.list.map(({ name, values }): IntervalRow => {
    const sorted = values.slice().sort();
    const [low, high] = highestDensity(sorted, MASS);
    return {
      name,
      low,
      high,
      midLow: quantileOfSorted(sorted, 0.25),
      middle: quantileOfSorted(sorted, 0.5),
      midHigh: quantileOfSorted(sorted, 0.75),
    };
  });
  const least = Math.min(...rows.map((r) => r.low));
  const most = Math.max(...rows.map((r) => r.high));
  const layers: Layer[] = [{ kind: "intervals", rows }];
  if (least < 0 && most > 0) layers.unshift({ kind: "rule", axis: "x", at: 0, tone: "faint" });
  const panels = [{ title: "", x: { title: "" }, y: { title: "" }, layers }];
  const notes = [`median, quartiles and ${HDI}`, ...scalars.notes];
  return { kind: "forest", title: titleOf(posterior, "intervals"), notes, columns: 1, panels };
}

/**
 * Energies against their changes from draw to draw (Betancourt 2016): where changes are much
 * narrower, momentum draws do not reach the tails.
 */
export function energyPicture(posterior: Posterior): Picture {
  const energies = posterior.fit.chains.flatMap((c) => c.statistics.energy ?? []);
  const all = energies.flatMap((e) => Array.from(e));
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  const changes = energies.flatMap((e) => Array.from(e.subarray(1), (v, t) => v - e[t]));
  const layers: Layer[] = [];
  const curves = [
    ["energy around its mean", all.map((e) => e - mean)],
    ["change from draw to draw", changes],
  ] as const;
  for (const [tone, [series, x]] of curves.entries()) {
    const curve = densityOf(x);
    if (curve !== undefined) layers.push({ kind: "line", ...curve, tone, series });
  }
  const bfmi = energies.map((e) => energyBfmi(e).toFixed(2)).join(", ");
  const notes = [`E-BFMI by chain: ${bfmi} (below 0.3 is a problem)`];
  const panels = [{ title: "", x: { title: "energy" }, y: { title: "density" }, layers }];
  return { kind: "energy", title: titleOf(posterior, "energy"), notes, columns: 1, panels };
}
