/**
 * The E-step where latent sites are in no family: independent normals on their unconstrained
 * coordinates, fitted to the bound by L-BFGS. Expectations are averages over standard normal numbers
 * that are drawn once and kept, so that the bound is one fixed function of q and the parameters
 * which no step lowers (Giordano, Ingram & Broderick 2024). Conjugate and discrete sites beside
 * them keep their own factors.
 */
import { internalError } from "../../base/internal.js";
import { lbfgs } from "../../math/lbfgs.js";
import type { RandomStream } from "../../math/rng/random.js";
import type { Coordinates } from "./coordinates.js";
import type { EStep, LatentFactor, Scenario } from "./e-step.js";
import type { Expected } from "./expected.js";

/** A latent site that the joint reads as a point. */
export interface PointLatent {
  readonly site: number;
  readonly name: string;
  readonly coordinates: Coordinates;
}

/** Points over which expectations are averages: pairs ±ε, so that linear functions are exact. */
const POINTS = 32;
const FIRST_STEPS = 200;
const STEPS = 20;
/** Standard deviations of q to begin with. */
const NARROW = 0.1;

export function variationalEStep(
  expected: Expected,
  points: readonly PointLatent[],
  factors: readonly LatentFactor[],
): EStep {
  const starts: number[] = [];
  let n = 0;
  for (const p of points) {
    starts.push(n);
    n += p.coordinates.freeLength;
  }
  /** Means, then log standard deviations. */
  let q = new Float64Array(2 * n);
  const noise = Array.from({ length: POINTS }, () => new Float64Array(n));
  /** Own values at each point: `[point][latent]`. */
  const own = noise.map(() => points.map((p) => new Float64Array(p.coordinates.latent.length)));
  const bySite = new Map(factors.map((f) => [f.site, f]));
  const names = points.map((p) => p.name).join(", ");
  let isFresh = true;

  const freeAt = (from: Float64Array, s: number, k: number): Float64Array => {
    const at = starts[k];
    return Float64Array.from({ length: points[k].coordinates.freeLength }, (_, i) => {
      return from[at + i] + Math.exp(from[n + at + i]) * noise[s][at + i];
    });
  };
  const place = (from: Float64Array): void => {
    for (let s = 0; s < POINTS; s++) {
      points.forEach((p, k) => {
        own[s][k].set(p.coordinates.own(freeAt(from, s, k)));
      });
    }
  };
  const load = (s: number): void => {
    points.forEach((p, k) => {
      expected.statistics[p.site][0].set(own[s][k]);
    });
  };
  const scenarios = noise.map((_, s): Scenario => ({ weight: 1 / POINTS, load: () => load(s) }));

  /** E log p + log |J| + the entropy of the normals, and its gradient, at the present counts. */
  const bound = (at: Float64Array, slope: Float64Array): number => {
    place(at);
    slope.fill(0);
    let total = 0;
    for (let s = 0; s < POINTS; s++) {
      load(s);
      expected.refreshTables();
      let value = expected.terms() + expected.energy();
      points.forEach((p, k) => {
        const u = freeAt(at, s, k);
        const logDet = p.coordinates.logDet(u);
        value += logDet.value;
        const pulled = p.coordinates.pull(u, expected.pointGradient(p.site));
        for (let i = 0; i < u.length; i++) {
          const c = starts[k] + i;
          const d = (pulled[i] + logDet.slope[i]) / POINTS;
          slope[c] += d;
          slope[n + c] += d * Math.exp(at[n + c]) * noise[s][c];
        }
      });
      total += value / POINTS;
    }
    for (let c = 0; c < n; c++) {
      total += at[n + c] + 0.5 * (1 + Math.log(2 * Math.PI));
      slope[n + c] += 1;
    }
    return total;
  };

  const averaged = (run: () => readonly Float64Array[]): Float64Array[] => {
    let sums: Float64Array[] | undefined;
    for (let s = 0; s < POINTS; s++) {
      load(s);
      const found = run();
      sums ??= found.map((f) => new Float64Array(f.length));
      found.forEach((f, j) => {
        const sum = sums?.[j] ?? internalError("a statistic without a sum");
        for (let i = 0; i < f.length; i++) sum[i] += f[i] / POINTS;
      });
    }
    return sums ?? [];
  };

  const momentsOf = (k: number) => {
    const { length } = points[k].coordinates.latent;
    const mean = new Float64Array(length);
    const sd = new Float64Array(length);
    for (const row of own) for (let i = 0; i < length; i++) mean[i] += row[k][i] / POINTS;
    for (const row of own) {
      for (let i = 0; i < length; i++) sd[i] += (row[k][i] - mean[i]) ** 2 / POINTS;
    }
    return { mean, sd: sd.map(Math.sqrt) };
  };

  return {
    description: `variational; ${names}: normal in unconstrained coordinates, ${POINTS} points`,
    exact: false,
    start: (rng: RandomStream) => {
      for (let s = 0; s < POINTS; s += 2) {
        for (let c = 0; c < n; c++) {
          noise[s][c] = rng.normal();
          noise[s + 1][c] = -noise[s][c];
        }
      }
      // Each coordinate's numbers have variance 1, as those that they stand for.
      for (let c = 0; c < n; c++) {
        const scale = Math.sqrt(POINTS / noise.reduce((sum, e) => sum + e[c] ** 2, 0));
        for (const e of noise) e[c] *= scale;
      }
      q = Float64Array.from({ length: 2 * n }, (_, i) => (i < n ? 0 : Math.log(NARROW)));
      isFresh = true;
      place(q);
      for (const { site, begin } of factors) {
        begin(rng).forEach((values, j) => {
          expected.statistics[site][j].set(values);
        });
      }
      for (const [p, counts] of expected.counts.entries()) {
        const { references } = expected.kernels.patterns[p];
        counts.fill(1 / references.reduce((m, r) => m * r.axis.size, 1));
      }
    },
    update: () => {
      let entropy = 0;
      place(q);
      for (const { site, factor, name } of factors) {
        const natural = averaged(() => expected.natural(site));
        if (!factor.update(natural)) return { kind: "improper", name };
        factor.statistics(expected.statistics[site]);
        entropy += factor.entropy();
      }
      if (expected.tables.length > 0) {
        const tables = averaged(() => {
          expected.refreshTables();
          return expected.tables;
        });
        expected.tables.forEach((t, p) => {
          t.set(tables[p]);
        });
        const logSum = expected.sumDiscrete();
        if (logSum === -Infinity) return { kind: "impossible" };
        entropy += logSum - expected.energy();
      }
      const objective = (at: Float64Array, gradient: Float64Array): number => {
        const value = -bound(at, gradient);
        for (let i = 0; i < gradient.length; i++) gradient[i] = -gradient[i];
        return value;
      };
      const found = lbfgs(objective, q, { maxIterations: isFresh ? FIRST_STEPS : STEPS });
      isFresh = false;
      const value = entropy - found.value;
      if (!Number.isFinite(value)) return { kind: "not_finite", value };
      q = Float64Array.from(found.x);
      place(q);
      return value;
    },
    save: () => Float64Array.of(isFresh ? 1 : 0, ...q),
    load: (state) => {
      isFresh = state[0] === 1;
      q = state.slice(1);
    },
    overrideCounts: (write) => write(expected.counts),
    scenarios: () => scenarios,
    moments: (site) => {
      const k = points.findIndex((p) => p.site === site);
      if (k >= 0) return momentsOf(k);
      const found = bySite.get(site) ?? internalError("a site without a factor");
      const { length, factor } = found;
      return {
        mean: Float64Array.from({ length }, (_, i) => factor.mean(i)),
        sd: Float64Array.from({ length }, (_, i) => factor.sd(i)),
      };
    },
    factor: (site) => bySite.get(site)?.factor,
    marginals: () => {
      if (expected.tables.length === 0) return [];
      const tables = averaged(() => {
        expected.refreshTables();
        return expected.tables;
      });
      expected.tables.forEach((t, p) => {
        t.set(tables[p]);
      });
      return expected.marginals();
    },
  };
}
