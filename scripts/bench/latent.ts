/**
 * Gibbs of latent counts and hidden states, beside JAGS and beside updates that evaluate the whole
 * density for each element (those of the host): sweeps, and effective draws of the slowest parameter,
 * for each second of processor time, one core, warmup and compilation apart.
 *   node dist/scripts/bench/latent.js [repeats]
 * needs Rscript with rjags for the comparison; without them only our own figures are printed.
 */
import { describePlan } from "../../src/inference/gibbs/plan.js";
import { median } from "./figures.js";
import type { GibbsModel } from "./gibbs-models.js";
import {
  checkMeans,
  hasJags,
  jags,
  type Length,
  type Measured,
  ours,
  planOf,
} from "./gibbs-runs.js";
import { abundance, survival } from "./latent-models.js";

interface Case {
  readonly model: GibbsModel;
  readonly draws: number;
  /** Draws of the host's updates; none where they are compiled anyway. */
  readonly whole: number;
}

const cases: readonly Case[] = [
  { model: abundance(40), draws: 20_000, whole: 300 },
  { model: abundance(400), draws: 2000, whole: 5 },
  { model: survival(50), draws: 5000, whole: 200 },
  { model: survival(250), draws: 1000, whole: 20 },
];

const repeats = Number(process.argv[2] ?? 3);
const isCompared = hasJags();
const line = (who: string, all: readonly Measured[], isLong = true): string => {
  const sweeps = median(all.map((m) => m.sweeps)).toPrecision(3);
  const rate = isLong ? `, ${median(all.map((m) => m.rate)).toPrecision(3)} effective draws/s` : "";
  return `  ${who}: ${sweeps} sweeps/s${rate}`;
};
for (const { model, draws, whole } of cases) {
  const length: Length = { chains: 2, warmup: 300, draws };
  const short: Length = { chains: 1, warmup: 20, draws: whole };
  const own: Measured[] = [];
  const host: Measured[] = [];
  const other: Measured[] = [];
  for (let k = 0; k < repeats; k++) {
    own.push(ours(model, k, length));
    host.push(ours(model, k, short, false));
    if (!isCompared) continue;
    other.push(jags(model, k, length));
    checkMeans(model, own[k], other[k]);
  }
  console.log(model.name);
  for (const text of describePlan(planOf(model))) console.log(`  ${text}`);
  console.log(line("tilde", own));
  console.log(line("whole densities, by the host", host, false));
  if (isCompared) console.log(line("JAGS", other));
}
