/**
 * Several sites that are one normal vector given the parameters, in small blocks: latent factors
 * with missing data, crossed intercepts, sites that read each other. Sums of products over two sites
 * are no statistic of either, so the blocks' precisions are read by probing, and expectations are
 * taken over sigma points, which are exact for quadratics (Julier & Uhlmann 1997).
 */
import { internalError } from "../../base/internal.js";
import {
  cholesky,
  choleskyInverse,
  choleskyLogDeterminant,
  matvec,
} from "../../math/linalg/index.js";
import type { Statistic } from "../expectation/contract.js";
import type { EStep, LatentFactor, Scenario } from "./e-step.js";
import type { Expected } from "./expected.js";

interface Member {
  readonly latent: LatentFactor;
  readonly statistics: readonly Statistic[];
  /** The block of each scalar, and its place in that block. */
  readonly block: Int32Array;
  readonly place: Int32Array;
  /** The scalars of this site in each block. */
  readonly own: readonly (readonly number[])[];
  readonly value: number;
}

export interface JointBlocks {
  readonly members: readonly Member[];
  /** Scalars in each block. */
  readonly sizes: Int32Array;
  readonly largest: number;
}

/** Blocks of more scalars take too many sigma points. */
const BLOCK_LIMIT = 64;

/**
 * The blocks, where all sites are jointly normal in blocks by their first index, or in one block.
 * The parameters must stand at values of no particular kind.
 */
export function findJointBlocks(
  expected: Expected,
  latents: readonly LatentFactor[],
): JointBlocks | undefined {
  const sizes = latents.map((l) => expected.joint.sites[l.site].direct.latent.dims[0] ?? 1);
  const isAligned = sizes.every((n) => n === sizes[0]);
  const labelings = [
    ...(isAligned ? [(l: LatentFactor) => firstIndices(expected, l)] : []),
    (l: LatentFactor) => new Int32Array(l.length),
  ];
  for (const labels of labelings) {
    const made = makeBlocks(expected, latents, labels);
    if (made !== undefined && isJointlyNormal(expected, made)) return made;
  }
  return undefined;
}

function firstIndices(expected: Expected, { site, length }: LatentFactor): Int32Array {
  const { dims, elements } = expected.joint.sites[site].direct.latent;
  const stride = dims.slice(1).reduce((n, d) => n * d, 1);
  return Int32Array.from({ length }, (_, i) => Math.floor((elements?.[i] ?? i) / stride));
}

function makeBlocks(
  expected: Expected,
  latents: readonly LatentFactor[],
  labelsOf: (l: LatentFactor) => Int32Array,
): JointBlocks | undefined {
  const count = 1 + latents.reduce((m, l) => labelsOf(l).reduce((n, b) => Math.max(n, b), m), 0);
  const sizes = new Int32Array(count);
  const members: Member[] = [];
  for (const latent of latents) {
    const site = expected.joint.sites[latent.site];
    if (site.kind === "point") return undefined;
    const statistics = site.statistics.map((s) => s.statistic);
    const isNormal = statistics.every(
      (s) =>
        s.kind === "value" || s.kind === "products" || (s.kind === "power" && s.exponent === 2),
    );
    const value = statistics.findIndex((s) => s.kind === "value");
    if (!isNormal || value < 0) return undefined;
    const block = labelsOf(latent);
    // At the parameters' values of no particular kind: what has no weight there has none anywhere.
    const weights = expected.natural(latent.site);
    const own: number[][] = Array.from({ length: count }, () => []);
    const place = block.map((b, i) => {
      own[b].push(i);
      return sizes[b]++;
    });
    for (const [j, s] of statistics.entries()) {
      if (s.kind !== "products") continue;
      const crosses = (i: number, p: number) => block[i] !== block[s.second[p]];
      if (s.first.some((i, p) => crosses(i, p) && weights[j][p] !== 0)) return undefined;
    }
    members.push({ latent, statistics, block, place, own, value });
  }
  const largest = sizes.reduce((m, n) => Math.max(m, n), 0);
  return largest > BLOCK_LIMIT ? undefined : { members, sizes, largest };
}

const copy = (list: readonly Float64Array[]): Float64Array[] => list.map((a) => a.slice());

function zero(expected: Expected, members: readonly Member[]): void {
  for (const m of members) for (const s of expected.statistics[m.latent.site]) s.fill(0);
}

/** Whether each site's natural parameters move with the others' values only, and in its block. */
function isJointlyNormal(expected: Expected, { members, sizes }: JointBlocks): boolean {
  for (const a of members) {
    for (const b of members) {
      if (a === b) continue;
      zero(expected, members);
      const base = copy(expected.natural(a.latent.site));
      const largest = base.reduce((m, n) => n.reduce((x, v) => Math.max(x, Math.abs(v)), m), 0);
      const limit = 1e-10 * Math.max(largest, Number.MIN_VALUE);
      const moved = (): Float64Array[] =>
        copy(expected.natural(a.latent.site)).map((n, j) => {
          return n.map((v, i) => (Math.abs(v - base[j][i]) > limit ? 1 : 0));
        });
      // Products of the other site enter nowhere; its values only where this one is linear.
      const other = expected.statistics[b.latent.site];
      other.forEach((s, j) => {
        if (j === b.value) return;
        for (let i = 0; i < s.length; i++) s[i] = 1 + 0.37 * (i % 7);
      });
      if (moved().some((n) => n.includes(1))) return false;
      zero(expected, members);
      for (let bit = 1; bit === 1 || bit < sizes.length; bit *= 2) {
        for (const side of [0, bit]) {
          const values = other[b.value];
          values.forEach((_, i) => {
            values[i] = (b.block[i] & bit) === side ? 1 + 0.37 * (i % 7) : 0;
          });
          const found = moved();
          for (const [j, n] of found.entries()) {
            for (let i = 0; i < n.length; i++) {
              if (n[i] === 0) continue;
              if (j !== a.value || (a.block[i] & bit) !== side) return false;
            }
          }
        }
      }
    }
  }
  zero(expected, members);
  return true;
}

export function jointNormalEStep(expected: Expected, blocks: JointBlocks): EStep {
  const { members, sizes, largest } = blocks;
  const means = Array.from(sizes, (n) => new Float64Array(n));
  const roots = Array.from(sizes, (n) => new Float64Array(n * n));
  const variances = Array.from(sizes, (n) => new Float64Array(n));
  const names = members.map((m) => m.latent.name).join(", ");
  const bySite = new Map(members.map((m) => [m.latent.site, m]));

  /** Statistics of every site where each block is at `point(block, place)`. */
  const loadPoint = (point: (b: number, i: number) => number): void => {
    for (const { latent, statistics, block, place } of members) {
      const out = expected.statistics[latent.site];
      const h = Float64Array.from(block, (b, i) => point(b, place[i]));
      statistics.forEach((s, j) => {
        const to = out[j];
        if (s.kind === "value") to.set(h);
        else if (s.kind === "power") for (let i = 0; i < h.length; i++) to[i] = h[i] * h[i];
        else if (s.kind === "products") {
          for (let p = 0; p < to.length; p++) to[p] = h[s.first[p]] * h[s.second[p]];
        }
      });
    }
  };
  const scenarios = Array.from({ length: 2 * largest }, (_, s): Scenario => {
    const column = s >> 1;
    const reach = (s % 2 === 0 ? 1 : -1) * Math.sqrt(largest);
    return {
      weight: 1 / (2 * largest),
      load: () => {
        loadPoint((b, i) => {
          const n = sizes[b];
          return means[b][i] + (column < n ? reach * roots[b][i * n + column] : 0);
        });
      },
    };
  });

  /** Precision and linear part of every block at the present parameters. */
  const read = (): { precision: Float64Array[]; linear: Float64Array[] } => {
    const precision = Array.from(sizes, (n) => new Float64Array(n * n));
    const linear = Array.from(sizes, (n) => new Float64Array(n));
    const add = (b: number, i: number, j: number, by: number): void => {
      precision[b][i * sizes[b] + j] += by;
    };
    zero(expected, members);
    const bases = members.map(({ latent, statistics, block, place }) => {
      const natural = copy(expected.natural(latent.site));
      statistics.forEach((s, j) => {
        natural[j].forEach((eta, at) => {
          const i = s.kind === "products" ? s.first[at] : at;
          const k = s.kind === "products" ? s.second[at] : at;
          if (block[i] !== block[k]) return;
          if (s.kind === "value") linear[block[i]][place[i]] += eta;
          else {
            add(block[i], place[i], place[k], -eta);
            add(block[i], place[k], place[i], -eta);
          }
        });
      });
      return natural;
    });
    // Cross terms: how the linear part of one site moves with the values of those before it.
    members.forEach((b, second) => {
      const values = expected.statistics[b.latent.site][b.value];
      const most = b.own.reduce((m, list) => Math.max(m, list.length), 0);
      if (second === members.length - 1) return;
      for (let local = 0; local < most; local++) {
        b.own.forEach((list) => {
          if (local < list.length) values[list[local]] = 1;
        });
        members.slice(second + 1).forEach((a, offset) => {
          const natural = expected.natural(a.latent.site)[a.value];
          const base = bases[second + 1 + offset][a.value];
          for (let i = 0; i < natural.length; i++) {
            const list = b.own[a.block[i]];
            if (local >= list.length) continue;
            const slope = natural[i] - base[i];
            const [p, q] = [a.place[i], b.place[list[local]]];
            add(a.block[i], p, q, -slope);
            add(a.block[i], q, p, -slope);
          }
        });
        values.fill(0);
      }
    });
    return { precision, linear };
  };

  return {
    description: `exact; ${names}: one normal in blocks of up to ${largest}`,
    exact: true,
    start: () => {
      for (const m of means) m.fill(0);
      for (const [b, r] of roots.entries()) {
        const n = sizes[b];
        for (let i = 0; i < n; i++) r[i * n + i] = 1;
      }
    },
    update: () => {
      const { precision, linear } = read();
      zero(expected, members);
      let total = expected.terms();
      for (let b = 0; b < sizes.length; b++) {
        const n = sizes[b];
        const factor = cholesky(precision[b], n);
        if (factor === undefined) return { kind: "improper", name: members[0].latent.name };
        const covariance = choleskyInverse(factor, n);
        const mean = matvec(covariance, linear[b], n, n);
        const root = cholesky(covariance, n);
        if (root === undefined) return { kind: "improper", name: members[0].latent.name };
        means[b].set(mean);
        roots[b].set(root);
        let quadratic = 0;
        for (let i = 0; i < n; i++) {
          quadratic += linear[b][i] * mean[i];
          variances[b][i] = covariance[i * n + i];
        }
        const logDet = choleskyLogDeterminant(factor, n);
        total += (quadratic - logDet + n * Math.log(2 * Math.PI)) / 2;
      }
      return Number.isFinite(total) ? total : { kind: "not_finite", value: total };
    },
    overrideCounts: () => internalError("no discrete sites"),
    scenarios: () => scenarios,
    moments: (site) => {
      const m = bySite.get(site) ?? internalError("a site without moments");
      const of = (list: readonly Float64Array[]) =>
        Float64Array.from(m.block, (b, i) => list[b][m.place[i]]);
      return { mean: of(means), sd: of(variances).map(Math.sqrt) };
    },
    factor: () => undefined,
    marginals: () => [],
  };
}
