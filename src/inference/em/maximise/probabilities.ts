/** Probabilities: simplexes with Q(v) = Σ a_k log v_k, scalars with a log v + b log(1 − v). */
import type { Statistic } from "../../expectation/contract.js";
import { CLIMB, type ClosedForm, FOUND } from "./contract.js";
import { simplexNodes, unitNodes } from "./nodes.js";

/** Counts below zero by no more than this part of the largest are rounding. */
const ROUNDING = 1e-12;

/** @returns undefined where the statistics are not log alone */
export function simplexForm(
  statistics: readonly Statistic[],
  size: number,
): ClosedForm | undefined {
  if (statistics.length !== 1 || statistics[0].kind !== "log") return undefined;
  return {
    name: "normalised counts",
    nodes: simplexNodes(size, ROUNDING),
    maximise: ([counts], v) => {
      const found = v.slice();
      for (let from = 0; from < v.length; from += size) {
        let total = 0;
        let largest = 0;
        for (let k = from; k < from + size; k++) {
          total += Math.max(0, counts[k]);
          largest = Math.max(largest, Math.abs(counts[k]));
        }
        if (largest === 0) continue;
        for (let k = from; k < from + size; k++) {
          // A negative count (a Dirichlet prior below 1) has its maximum on the edge, at infinity.
          if (counts[k] < -ROUNDING * largest) return { kind: "singular", scalar: k };
          found[k] = Math.max(0, counts[k]) / total;
        }
      }
      v.set(found);
      return FOUND;
    },
  };
}

/** @returns undefined where the statistics are not log and log1m */
export function unitForm(statistics: readonly Statistic[]): ClosedForm | undefined {
  const log = statistics.findIndex((s) => s.kind === "log");
  const log1m = statistics.findIndex((s) => s.kind === "log1m");
  if (statistics.length !== 2 || log < 0 || log1m < 0) return undefined;
  return {
    name: "relative frequencies",
    nodes: unitNodes(log, log1m, ROUNDING),
    maximise: (eta, v) => {
      const found = v.slice();
      for (let i = 0; i < v.length; i++) {
        const [a, b] = [eta[log][i], eta[log1m][i]];
        const largest = Math.max(Math.abs(a), Math.abs(b));
        if (largest === 0) continue;
        if (Math.min(a, b) < -ROUNDING * largest) return { kind: "singular", scalar: i };
        if (!Number.isFinite(a + b)) return CLIMB;
        found[i] = Math.max(0, a) / (Math.max(0, a) + Math.max(0, b));
      }
      v.set(found);
      return FOUND;
    },
  };
}
