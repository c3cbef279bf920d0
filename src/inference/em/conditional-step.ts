/**
 * The exact E-step where every block of a normal site hangs on one discrete element (mixtures of
 * factor analysers and their like): q(z, x) = q(z) q(x | z). Given z = k for all elements at once
 * the blocks have natural parameters η_k; integrating them out adds log ∫ exp(η_k · T) to the table
 * of z, and the rest is a sum over discrete sites (Ghahramani & Hinton 1996; Tipping & Bishop 1999b).
 */
import { internalError } from "../../base/internal.js";
import { type NormalSite, normalMoments, normalSite } from "./conditional-normal.js";
import type { EStep, LatentFactor, Scenario } from "./e-step.js";
import type { Expected } from "./expected.js";

/** Where each block of the site stands in a pattern's table. */
export interface Attachment {
  readonly latent: LatentFactor;
  readonly site: NormalSite;
  readonly pattern: number;
  /** The row of the table that each block hangs on. */
  readonly rows: Int32Array;
  /** Values of the element. */
  readonly values: number;
}

/**
 * Finds by probing which row of a table the natural parameters of each block depend on: rows whose
 * number has a bit are given counts, then those without it, and what answers to just one of the
 * two in every bit hangs on one row.
 * @returns undefined where a block depends on several rows, or on none, or is not normal
 */
export function findAttachment(expected: Expected, latent: LatentFactor): Attachment | undefined {
  const site = expected.joint.sites[latent.site];
  if (site.kind === "point") return undefined;
  expected.counts.forEach((counts) => {
    for (let i = 0; i < counts.length; i++) counts[i] = 1 + 0.37 * (i % 7);
  });
  const normal = normalSite(
    site.statistics.map((s) => s.statistic),
    latent.length,
    expected.natural(latent.site),
  );
  if (normal === undefined) return undefined;
  let found: Attachment | undefined;
  for (const [p, pattern] of expected.kernels.patterns.entries()) {
    const { references, shared, tuples } = pattern;
    for (const counts of expected.counts) counts.fill(0);
    const base = copy(expected.natural(latent.site));
    const all = expected.counts[p];
    const answers = (has: (row: number) => boolean): Uint8Array => {
      const width = all.length / (shared ? 1 : tuples);
      for (let i = 0; i < all.length; i++) {
        // Uneven weights, so that what rows add cannot cancel.
        const row = Math.floor(i / width);
        all[i] = has(row) ? 1 + 0.37 * ((i % width) + 1) : 0;
      }
      const answer = changedBlocks(normal, base, expected.natural(latent.site));
      all.fill(0);
      return answer;
    };
    const touched = answers(() => true);
    if (touched.every((t) => t === 0)) continue;
    if (found !== undefined || shared || references.length !== 1) return undefined;
    if (touched.some((t) => t === 0)) return undefined;
    const rows = new Int32Array(normal.blocks.count);
    for (let bit = 1; bit < tuples; bit *= 2) {
      const on = answers((row) => (row & bit) !== 0);
      const off = answers((row) => (row & bit) === 0);
      for (let b = 0; b < rows.length; b++) {
        if (on[b] === off[b]) return undefined;
        if (on[b] === 1) rows[b] |= bit;
      }
    }
    found = { latent, site: normal, pattern: p, rows, values: references[0].axis.size };
  }
  return found;
}

const copy = (list: readonly Float64Array[]): Float64Array[] => list.map((a) => a.slice());

function changedBlocks(
  { blocks, statistics, first }: NormalSite,
  before: readonly Float64Array[],
  after: readonly Float64Array[],
): Uint8Array {
  const owner = new Int32Array(blocks.members.length);
  for (let b = 0; b < blocks.count; b++) {
    for (let m = blocks.memberStart[b]; m < blocks.memberStart[b + 1]; m++) {
      owner[blocks.members[m]] = b;
    }
  }
  const out = new Uint8Array(blocks.count);
  statistics.forEach((s, j) => {
    for (let i = 0; i < after[j].length; i++) {
      const scalar = s.kind === "products" ? first[i] : i;
      if (after[j][i] !== before[j][i]) out[owner[scalar]] = 1;
    }
  });
  return out;
}

export function conditionalEStep(expected: Expected, attachment: Attachment): EStep {
  const { latent, site, pattern, rows, values } = attachment;
  const { length } = latent;
  const own = expected.statistics[latent.site];
  const counts = expected.counts[pattern];
  const zeros = own.map((o) => new Float64Array(o.length));
  const given = Array.from({ length: values }, () => zeros.map((z) => z.slice()));
  const mean = zeros.map((z) => z.slice());
  const log = new Float64Array(site.blocks.count);
  const kept = expected.counts.map((c) => c.slice());
  const loadStatistics = (from: readonly Float64Array[]): void => {
    own.forEach((o, j) => {
      o.set(from[j]);
    });
  };
  const loadCounts = (keep: (p: number) => boolean): void => {
    expected.counts.forEach((c, p) => {
      if (keep(p)) c.set(kept[p]);
      else c.fill(0);
    });
  };
  /** The column of the kept counts for one value, nothing else. */
  const loadColumn = (k: number): void => {
    loadCounts(() => false);
    for (let at = k; at < counts.length; at += values) counts[at] = kept[pattern][at];
  };
  /** E T of every statistic: of each block over the values of its element. */
  const average = (): void => {
    const { blocks, statistics } = site;
    mean.forEach((m) => {
      m.fill(0);
    });
    for (let b = 0; b < blocks.count; b++) {
      for (let k = 0; k < values; k++) {
        const weight = kept[pattern][rows[b] * values + k];
        statistics.forEach((s, j) => {
          const isPairs = s.kind === "products";
          const list = isPairs ? blocks.pairs : blocks.members;
          const start = isPairs ? blocks.pairStart : blocks.memberStart;
          for (let m = start[b]; m < start[b + 1]; m++) {
            mean[j][list[m]] += weight * given[k][j][list[m]];
          }
        });
      }
    }
  };
  const scenarios: Scenario[] = [
    // What reads no element of the pattern: linear in E T.
    {
      weight: 1,
      load: () => {
        loadStatistics(mean);
        loadCounts((p) => p !== pattern);
      },
    },
    ...given.flatMap((statistics, k): Scenario[] => [
      {
        weight: 1,
        load: () => {
          loadStatistics(statistics);
          loadColumn(k);
        },
      },
      {
        weight: -1,
        load: () => {
          loadStatistics(statistics);
          loadCounts(() => false);
        },
      },
    ]),
  ];
  const names = expected.kernels.discrete.map((s) => s.name).join(", ");
  return {
    description: `exact; ${names} summed, ${latent.name} given its value: Normal`,
    exact: true,
    start: (rng) => {
      const begin = latent.begin(rng);
      for (const list of given) {
        list.forEach((g, j) => {
          g.set(begin[j]);
        });
      }
      for (const [p, c] of kept.entries()) {
        const { references } = expected.kernels.patterns[p];
        c.fill(1 / references.reduce((n, r) => n * r.axis.size, 1));
      }
      average();
    },
    update: () => {
      const added = new Float64Array(counts.length);
      for (let k = 0; k < values; k++) {
        loadStatistics(zeros);
        loadCounts(() => false);
        for (let at = k; at < counts.length; at += values) counts[at] = 1;
        const natural = expected.natural(latent.site);
        if (!normalMoments(site, natural, given[k], log)) {
          return { kind: "improper", name: latent.name };
        }
        for (let b = 0; b < rows.length; b++) added[rows[b] * values + k] += log[b];
      }
      loadStatistics(zeros);
      expected.refreshTables();
      const table = expected.tables[pattern];
      for (let i = 0; i < table.length; i++) table[i] += added[i];
      const logSum = expected.sumDiscrete();
      if (logSum === -Infinity) return { kind: "impossible" };
      const value = expected.terms() + logSum;
      if (!Number.isFinite(value)) return { kind: "not_finite", value };
      expected.counts.forEach((c, p) => {
        kept[p].set(c);
      });
      average();
      return value;
    },
    overrideCounts: (write) => {
      write(expected.counts);
      expected.counts.forEach((c, p) => {
        kept[p].set(c);
      });
      average();
    },
    scenarios: () => scenarios,
    moments: (asked) => {
      if (asked !== latent.site) return internalError("a site without a factor");
      const value = site.statistics.findIndex((s) => s.kind === "value");
      const second = new Float64Array(length);
      const first = value < 0 ? new Float64Array(length) : mean[value].slice();
      site.statistics.forEach((s, j) => {
        if (s.kind === "power") second.set(mean[j]);
        if (s.kind !== "products") return;
        for (let p = 0; p < s.first.length; p++) {
          if (s.first[p] === s.second[p]) second[s.first[p]] = mean[j][p];
        }
      });
      return { mean: first, sd: second.map((s, i) => Math.sqrt(Math.max(0, s - first[i] ** 2))) };
    },
    factor: () => undefined,
    marginals: () => {
      // The tables still hold what was added.
      return expected.marginals();
    },
  };
}
