/** What a rewriting needs to know of each site: how it is read, and points of its support. */
import type { RandomStream } from "../../math/rng/random.js";
import type { Support } from "../../model/ir.js";
import type { DirectJoint, DirectSite } from "../logjoint/direct.js";

export interface SiteFacts {
  readonly name: string;
  readonly direct: DirectSite;
  /** Read as a plain value. */
  readonly isPoint: boolean;
  /** Its scalars are > 0 almost surely, so that powers and logs separate. */
  readonly isPositive: boolean;
  /** Its scalars are < 1 too. */
  readonly isUnit: boolean;
  /** D of symmetric positive definite matrices. */
  readonly matrix: number | undefined;
}

export function factsOf(joint: DirectJoint, points: ReadonlySet<string>): SiteFacts[] {
  return joint.sites.map((direct) => {
    const { latent, supports } = direct;
    const every = (f: (s: Support) => boolean): boolean => supports.length > 0 && supports.every(f);
    const last = latent.dims[latent.dims.length - 1] ?? 1;
    const isMatrix = latent.elements === undefined && every((s) => s.kind === "cov");
    return {
      name: latent.name,
      direct,
      isPoint: points.has(latent.name),
      isPositive: every(isPositive) || (isMatrix && last === 1),
      isUnit: every(isUnit),
      matrix: isMatrix ? last : undefined,
    };
  });
}

const bound = (s: Support, side: "lower" | "upper"): number | undefined => {
  const e = s.kind === "interval" ? s[side] : undefined;
  return e?.kind === "const" ? e.value : undefined;
};

function isPositive(s: Support): boolean {
  switch (s.kind) {
    case "positive":
    case "nonnegative":
    case "unit":
    case "simplex":
      return true;
    case "interval":
      return (bound(s, "lower") ?? -1) >= 0;
    default:
      return false;
  }
}

function isUnit(s: Support): boolean {
  if (s.kind === "unit" || s.kind === "simplex") return true;
  return isPositive(s) && (bound(s, "upper") ?? 2) <= 1;
}

/** A random point of the support in the coordinates of the site's input; undefined if unknown. */
export function randomPoint(facts: SiteFacts, rng: RandomStream): Float64Array | undefined {
  const { direct } = facts;
  const { input, isFree, latent, supports } = direct;
  const out = new Float64Array(input.shape[0]);
  if (isFree) return out.map(() => rng.normal());
  const [support] = supports;
  if (support === undefined || supports.some((s) => s.kind !== support.kind)) return undefined;
  const d = latent.dims[latent.dims.length - 1] ?? 1;
  switch (support.kind) {
    case "real":
      return out.map(() => 3 * rng.normal());
    case "positive":
    case "nonnegative":
      return out.map(() => Math.exp(1.5 * rng.normal()));
    case "unit":
      return out.map(() => 0.02 + 0.96 * rng.uniform());
    case "interval": {
      const lower = bound(support, "lower");
      const upper = bound(support, "upper");
      if (supports.length > 1) return undefined;
      if (support.lower !== undefined && lower === undefined) return undefined;
      if (support.upper !== undefined && upper === undefined) return undefined;
      return out.map(() => {
        if (lower === undefined) return (upper ?? 0) - Math.exp(rng.normal());
        if (upper === undefined) return lower + Math.exp(rng.normal());
        return lower + (upper - lower) * (0.02 + 0.96 * rng.uniform());
      });
    }
    case "simplex":
      if (latent.elements !== undefined) return undefined;
      for (let i = 0; i < out.length; i += d) {
        out.set(rng.dirichlet(new Float64Array(d).fill(2)), i);
      }
      return out;
    case "cov":
      if (latent.elements !== undefined) return undefined;
      for (let i = 0; i < out.length; i += d * d) out.set(randomCovariance(rng, d), i);
      return out;
    default:
      return undefined;
  }
}

/** I + A Aᵀ, symmetric to the last bit. */
function randomCovariance(rng: RandomStream, d: number): Float64Array {
  const a = Float64Array.from({ length: d * d }, () => rng.normal());
  const x = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < d; k++) sum += a[i * d + k] * a[j * d + k];
      x[i * d + j] = sum;
      x[j * d + i] = sum;
    }
  }
  return x;
}
