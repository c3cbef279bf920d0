/** How many clusters a fit found, in a line. */
import type { FitData } from "../run/results/fit.js";
import { figure } from "./table.js";

/** Numbers of clusters that are named, at most. */
const MOST_NAMED = 4;

/** `clusters: 8.40 on average, 5 to 12 (90 %); 8 0.19, 7 0.18, …`; undefined where none were sought. */
export function clustersLine({ figures }: FitData): string | undefined {
  const { clusters } = figures;
  const masses =
    typeof clusters === "object" && "probabilities" in clusters
      ? clusters.probabilities
      : undefined;
  if (!Array.isArray(masses)) return undefined;
  const p = masses.map(Number);
  const mean = p.reduce((sum, mass, k) => sum + k * mass, 0);
  const below = p.map((_, k) => p.slice(0, k + 1).reduce((a, b) => a + b, 0));
  const at = (level: number): number =>
    Math.max(
      0,
      below.findIndex((mass) => mass >= level),
    );
  const likely = p
    .map((mass, k) => ({ mass, k }))
    .filter(({ mass }) => mass >= 0.005)
    .sort((a, b) => b.mass - a.mass)
    .slice(0, MOST_NAMED)
    .map(({ mass, k }) => `${k} (${mass.toFixed(2)})`);
  const range = `${at(0.05)} to ${at(0.95)} with 90 %`;
  return `clusters: ${figure(mean)} on average, ${range}; most often ${likely.join(", ")}`;
}
