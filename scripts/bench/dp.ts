/**
 * Dirichlet-process mixtures of univariate normals on one core: milliseconds a sweep of collapsed
 * Gibbs at N = 10 000, and effective draws a second of the number of clusters and of α at N = 200,
 * where JAGS is installed beside those of its truncated stick-breaking text.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CollapsedState } from "../../src/inference/dp/samplers/collapsed.js";
import { DP_DEFAULTS, runDp } from "../../src/inference/dp/samplers/run.js";
import { stream } from "../../src/math/rng/random.js";
import { VariableDiagnostics } from "../../src/run/diagnostics/index.js";
import { normalGammaModel, normalModel } from "../../tests/helpers/cluster-models.js";
import { type Figure, least, median, milliseconds } from "./figures.js";

const BASE = { m: 0, kappa: 0.1, shape: 2, rate: 1 };

/** Normals around `centres` in equal parts. */
function mixtureData(items: number, centres: readonly number[], sd: number): Float64Array {
  const rng = stream(7, 0, 0, 0);
  return Float64Array.from(
    { length: items },
    (_, i) => centres[i % centres.length] + sd * rng.normal(),
  );
}

function sweepFigure(kind: "normal" | "normal-gamma"): Figure {
  const y = mixtureData(10_000, [-8, -4, -1, 2, 5, 9], 0.7);
  const model =
    kind === "normal" ? normalModel(y, { sigma: 0.7, mean: 0, sd: 5 }) : normalGammaModel(y, BASE);
  if (model.conjugate === undefined) throw new Error("not conjugate");
  const state = new CollapsedState(model.items, model.conjugate, 1, stream(1, 0, 0, 0));
  let sweep = 0;
  const one = () => state.sweep(1, stream(1, 0, 1, ++sweep));
  for (let k = 0; k < 50; k++) one();
  const times = Array.from({ length: 101 }, () => milliseconds(one));
  return {
    figure: `collapsed sweep, N = 10 000, ${kind} base`,
    unit: "ms",
    median: median(times),
    min: least(times),
    target: 10,
    bound: "at most",
    parts: { clusters: state.partition.count },
  };
}

interface Rates {
  readonly clusters: number;
  readonly alpha: number;
  readonly meanClusters: number;
  readonly meanAlpha: number;
}

function ratesOf(clusters: Float64Array, alpha: Float64Array, seconds: number): Rates {
  const diagnostics = new VariableDiagnostics(1, clusters.length);
  const mean = (v: Float64Array) => v.reduce((s, x) => s + x, 0) / v.length;
  return {
    clusters: diagnostics.essBulk(clusters) / seconds,
    alpha: diagnostics.essBulk(alpha) / seconds,
    meanClusters: mean(clusters),
    meanAlpha: mean(alpha),
  };
}

function ourRates(y: Float64Array, draws: number, seed: number): Rates {
  const model = normalGammaModel(y, { ...BASE, alpha: { kind: "gamma", shape: 2, rate: 1 } });
  let begun = 0;
  const options = { ...DP_DEFAULTS, warmup: 500, draws };
  const run = runDp(model, options, { seed, chain: 0 }, undefined, (p) => {
    if (p.phase === "warmup" && p.done === p.total) begun = performance.now();
  });
  const seconds = (performance.now() - begun) / 1000;
  return ratesOf(Float64Array.from(run.clusters), run.alpha, seconds);
}

/** Undefined where R, rjags or JAGS is not there. */
function jagsRates(y: Float64Array, draws: number, seed: number): Rates | undefined {
  const folder = mkdtempSync(join(tmpdir(), "dp-"));
  try {
    const [data, out] = [join(folder, "data.csv"), join(folder, "draws.csv")];
    writeFileSync(data, [...y].join("\n"));
    const script = "scripts/reference/jags_dpmm.R";
    const args = [script, data, out, "30", "1000", `${draws}`, `${seed}`];
    const { status } = spawnSync("Rscript", args, { stdio: "ignore" });
    if (status !== 0) return undefined;
    const [head, , ...lines] = readFileSync(out, "utf8").trim().split("\n");
    const rows = lines.map((l) => l.split(",").map(Number));
    const column = (k: number) => Float64Array.from(rows, (r) => r[k]);
    return ratesOf(column(0), column(1), Number(head.slice(2)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function dpFigures(seeds = 3): Figure[] {
  const figures: Figure[] = [sweepFigure("normal"), sweepFigure("normal-gamma")];
  const y = mixtureData(200, [-4, 0, 3], 1);
  const ours: Rates[] = [];
  const theirs: Rates[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    ours.push(ourRates(y, 20_000, seed));
    const found = jagsRates(y, 5000, seed);
    if (found === undefined) {
      console.error("no R with rjags: nothing to compare effective draws with");
      return figures;
    }
    theirs.push(found);
  }
  for (const what of ["clusters", "alpha"] as const) {
    const mean = what === "clusters" ? "meanClusters" : "meanAlpha";
    const ratios = theirs.map((r, k) => ours[k][what] / r[what]);
    figures.push({
      figure: `effective draws a second of ${what} over those of JAGS, 200 items`,
      unit: "ratio",
      median: median(ratios),
      min: least(ratios),
      target: 20,
      bound: "at least",
      parts: {
        ours: median(ours.map((r) => r[what])),
        jags: median(theirs.map((r) => r[what])),
        our_mean: median(ours.map((r) => r[mean])),
        jags_mean: median(theirs.map((r) => r[mean])),
      },
    });
  }
  return figures;
}
