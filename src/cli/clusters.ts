/** How many clusters a fit found, in a line. */
import type { FitData } from "../run/results/fit.js";
import { figure } from "./table.js";

/** Numbers of clusters that are named, at most. */
const MOST_NAMED = 4;

/** `clusters: 8.40 on average, 5 to 12 with 90 %; most often 8 (0.19), …`; undefined without any. */
export function clustersLine({ figures }: FitData): string | undefined {
  const { clusters } = figures;
  if (typeof clusters !== "object" || !("probabilities" in clusters)) return undefined;
  const counts = Object.entries(clusters.probabilities)
    .map(([k, mass]) => ({ k: Number(k), mass: Number(mass) }))
    .sort((a, b) => a.k - b.k);
  if (counts.length === 0) return undefined;
  const mean = counts.reduce((sum, { k, mass }) => sum + k * mass, 0);
  const at = (level: number): number => {
    let below = 0;
    for (const { k, mass } of counts) {
      below += mass;
      if (below >= level) return k;
    }
    return counts[counts.length - 1].k;
  };
  const likely = counts
    .filter(({ mass }) => mass >= 0.005)
    .sort((a, b) => b.mass - a.mass)
    .slice(0, MOST_NAMED)
    .map(({ mass, k }) => `${k} (${mass.toFixed(2)})`);
  const range = `${at(0.05)} to ${at(0.95)} with 90 %`;
  return `clusters: ${figure(mean)} on average, ${range}; most often ${likely.join(", ")}`;
}
