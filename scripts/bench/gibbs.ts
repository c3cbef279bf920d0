/**
 * Gibbs against JAGS in one run: effective draws of the slowest scalar for each second of sampling
 * (of processor time), one core, warmup and compilation apart, the same models, the same estimate of the effective
 * sample size for both. Run by itself (`node dist/scripts/bench/gibbs.js [repeats]`), for it needs
 * Rscript with rjags; without them only our own figures are printed.
 */
import { describePlan } from "../../src/inference/gibbs/plan.js";
import { type Figure, jsonLine, median, table } from "./figures.js";
import { gibbsModels } from "./gibbs-models.js";
import { checkMeans, hasJags, jags, type Length, ours, planOf } from "./gibbs-runs.js";

const LENGTH: Length = { chains: 4, warmup: 1000, draws: 50_000 };
const TARGET = 5;

const repeats = Number(process.argv[2] ?? 3);
const isCompared = hasJags();
const figures: Figure[] = [];
for (const model of gibbsModels) {
  const own: number[] = [];
  const ratios: number[] = [];
  const other: number[] = [];
  for (let k = 0; k < repeats; k++) {
    const a = ours(model, k, LENGTH);
    own.push(a.rate);
    if (!isCompared) continue;
    const b = jags(model, k, LENGTH);
    checkMeans(model, a, b);
    other.push(b.rate);
    ratios.push(a.rate / b.rate);
  }
  console.log(describePlan(planOf(model)).join("\n"));
  figures.push({
    figure: isCompared ? `Gibbs over JAGS: ${model.name}` : `Gibbs: ${model.name}`,
    unit: isCompared ? "x" : "1/s",
    median: median(isCompared ? ratios : own),
    min: Math.min(...(isCompared ? ratios : own)),
    target: isCompared ? TARGET : 0,
    bound: "at least",
    parts: isCompared ? { tilde: median(own), jags: median(other) } : undefined,
  });
}
console.log(table(figures));
console.log(figures.map(jsonLine).join("\n"));
