/**
 * Where ascent begins. Symmetric starts are saddle points of mixtures, so the discrete sites start
 * at random assignments: of all elements, or of a few seeds for each value, the other elements
 * counting nothing in the first sweep (Forgy's start of k-means, for any discrete model).
 */
import type { RandomStream } from "../../math/rng/random.js";
import type { DiscreteSite } from "../logjoint/discrete/index.js";
import { elementsOf, type Pattern, sizeOfSites } from "./patterns.js";

export type StartKind = "seeds" | "soft";

/** Seeds of each value. */
const SEEDS = 2;

/** Writes the counts of a random assignment into the tables' counts. */
export function startCounts(
  kind: StartKind,
  sites: readonly DiscreteSite[],
  patterns: readonly Pattern[],
  counts: readonly Float64Array[],
  rng: RandomStream,
): void {
  const weights = kind === "seeds" ? seeds(sites, rng) : soft(sites, rng);
  patterns.forEach((pattern, p) => {
    const out = counts[p].fill(0);
    const { references, tuples, shared } = pattern;
    const sizes = references.map((r) => r.axis.size);
    const width = sizes.reduce((n, d) => n * d, 1);
    for (let i = 0; i < tuples; i++) {
      const base = shared ? 0 : i * width;
      for (let at = 0; at < width; at++) {
        let weight = 1;
        let rest = at;
        for (let r = references.length - 1; r >= 0 && weight > 0; r--) {
          weight *= weights[references[r].elements[i]][rest % sizes[r]];
          rest = Math.floor(rest / sizes[r]);
        }
        out[base + at] += weight;
      }
    }
  });
}

/** A random probability vector for each element. */
function soft(sites: readonly DiscreteSite[], rng: RandomStream): Float64Array[] {
  const out = new Array<Float64Array>(sizeOfSites(sites));
  for (const s of sites) {
    for (let e = 0; e < elementsOf(s); e++) {
      out[s.offset + e] = rng.dirichlet(new Float64Array(s.count).fill(1));
    }
  }
  return out;
}

/** One value for each of a few elements, and no weight at all for the others. */
function seeds(sites: readonly DiscreteSite[], rng: RandomStream): Float64Array[] {
  const out = new Array<Float64Array>(sizeOfSites(sites));
  /** Sites of one size choose the same elements, so that what reads both counts. */
  const chosen = new Map<number, Int32Array>();
  for (const s of sites) {
    const n = elementsOf(s);
    const none = new Float64Array(s.count);
    const at = (k: number): Float64Array => none.map((_, j) => (j === k ? 1 : 0));
    const units = Array.from({ length: s.count }, (_, k) => at(k));
    for (let e = 0; e < n; e++) out[s.offset + e] = none;
    let order = chosen.get(n);
    if (order === undefined) {
      order = shuffled(n, rng);
      chosen.set(n, order);
    }
    const few = Math.min(n, SEEDS * s.count);
    for (let j = 0; j < few; j++) {
      const e = order[j];
      out[s.offset + e] = units[j % s.count];
      // Its neighbours in order come along: links of a chain are seen too.
      for (const near of [e - 1, e + 1]) {
        if (near < 0 || near >= n || n < 4 * few) continue;
        if (out[s.offset + near] === none) out[s.offset + near] = units[j % s.count];
      }
    }
  }
  return out;
}

function shuffled(n: number, rng: RandomStream): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
