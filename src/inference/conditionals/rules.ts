/**
 * How the natural parameters of a conditional are read off a gradient. For v in an exponential
 * family, ∂ log p / ∂v = J_T(v)ᵀ η whatever the model around v: gradients at a few reference points
 * give η by a small linear system. The points lie far apart so that each equation is dominated by
 * one unknown; powers of two keep the scaling exact.
 */
import { internalError } from "../../base/internal.js";
import { cholesky, choleskyInverse, identity, matmul } from "../../math/linalg/index.js";
import type { RandomStream } from "../../math/rng/random.js";
import type { FamilyName } from "../expfam/index.js";

/** A vector, and the sum of the magnitudes that each of its numbers is the sum of. */
export interface Predicted {
  readonly value: Float64Array;
  readonly scale: Float64Array;
}

export interface ConditionalRule {
  readonly family: FamilyName;
  /** Points (of `size` numbers, or `size`² for matrices) where gradients are taken. */
  readonly references: (size: number) => readonly Float64Array[];
  /** η from the gradients there, in the order of the references. */
  readonly read: (gradients: readonly Float64Array[], size: number) => Float64Array;
  /** Whether only the gradient along the simplex counts: likelihoods may be written through 1 − v₀. */
  readonly tangent?: true;
  /** J_T(v)ᵀ η. */
  readonly gradient: (eta: Float64Array, v: Float64Array, size: number) => Predicted;
  /** A random point of the support, of random magnitude. */
  readonly point: (rng: RandomStream, size: number) => Float64Array;
}

const FAR = 2 ** 20;
const NEAR = 2 ** -20;

/** eˣ for x uniform on (−r, r). */
const magnitude = (rng: RandomStream, r: number): number => Math.exp(r * (2 * rng.uniform() - 1));

const pair = (a: number, b: number): Predicted => ({
  value: Float64Array.of(a + b),
  scale: Float64Array.of(Math.abs(a) + Math.abs(b)),
});

/** T = (v, v²). */
const normal: ConditionalRule = {
  family: "Normal",
  references: () => [Float64Array.of(0), Float64Array.of(FAR)],
  read: ([[g0], [g1]]) => Float64Array.of(g0, (g1 - g0) / (2 * FAR)),
  gradient: ([a, b], [v]) => pair(a, 2 * b * v),
  point: (rng) => Float64Array.of(rng.normal() * magnitude(rng, 8)),
};

/** T = (v, v vᵀ). */
const mvNormal: ConditionalRule = {
  family: "MvNormal",
  references: (size) => [
    new Float64Array(size),
    ...Array.from({ length: size }, (_, d) => {
      const v = new Float64Array(size);
      v[d] = FAR;
      return v;
    }),
  ],
  read: ([origin, ...columns], size) => {
    const eta = new Float64Array(size + size * size);
    eta.set(origin);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        const [a, b] = [columns[i][j] - origin[j], columns[j][i] - origin[i]];
        const half = (a + b) / (4 * FAR);
        eta[size + i * size + j] = half;
        eta[size + j * size + i] = half;
      }
    }
    return eta;
  },
  gradient: (eta, v, size) => {
    const value = eta.slice(0, size);
    const scale = value.map(Math.abs);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const term = 2 * eta[size + i * size + j] * v[j];
        value[i] += term;
        scale[i] += Math.abs(term);
      }
    }
    return { value, scale };
  },
  point: (rng, size) => Float64Array.from({ length: size }, () => rng.normal() * magnitude(rng, 4)),
};

/** T = (log v, v). */
const gamma: ConditionalRule = {
  family: "Gamma",
  references: () => [Float64Array.of(NEAR), Float64Array.of(FAR)],
  read: ([[g0], [g1]]) => {
    const first = (NEAR * g0 - NEAR * g1) / (1 - NEAR * NEAR);
    return Float64Array.of(first, g1 - first * NEAR);
  },
  gradient: ([a, b], [v]) => pair(a / v, b),
  point: (rng) => Float64Array.of(magnitude(rng, 6)),
};

/** T = (log v, 1/v). */
const inverseGamma: ConditionalRule = {
  family: "InverseGamma",
  references: () => [Float64Array.of(NEAR), Float64Array.of(FAR)],
  read: ([[g0], [g1]]) => {
    const near = NEAR * NEAR * g0;
    const first = (FAR * g1 - near * NEAR) / (1 - NEAR * NEAR);
    return Float64Array.of(first, first * NEAR - near);
  },
  gradient: ([a, b], [v]) => pair(a / v, -b / (v * v)),
  point: (rng) => Float64Array.of(magnitude(rng, 6)),
};

/** T = (log v, log(1 − v)). */
const beta: ConditionalRule = {
  family: "Beta",
  references: () => [Float64Array.of(NEAR), Float64Array.of(1 - NEAR)],
  read: ([[g0], [g1]]) => {
    const weight = NEAR * (1 - NEAR);
    const [f0, f1] = [weight * g0, weight * g1];
    const determinant = 1 - 2 * NEAR;
    const first = (f0 * (1 - NEAR) - f1 * NEAR) / determinant;
    return Float64Array.of(first, (f0 * NEAR - f1 * (1 - NEAR)) / determinant);
  },
  gradient: ([a, b], [v]) => pair(a / v, -b / (1 - v)),
  point: (rng) => Float64Array.of(0.001 + 0.998 * rng.uniform()),
};

/** T = log v, in the coordinates of the whole vector: densities read each entry by itself. */
const dirichlet: ConditionalRule = {
  family: "Dirichlet",
  references: (size) => [new Float64Array(size).fill(1 / size)],
  read: ([g], size) => g.map((d) => d / size),
  gradient: (eta, v) => {
    const value = eta.map((e, k) => e / v[k]);
    return { value, scale: value.map(Math.abs) };
  },
  point: (rng, size) => rng.dirichlet(new Float64Array(size).fill(1)),
};

/** A gradient's part along the simplex: its mean taken off. */
export function tangential(g: Float64Array): Float64Array {
  const mean = g.reduce((sum, x) => sum + x, 0) / g.length;
  return g.map((x) => x - mean);
}

/**
 * The same family where densities are written through sums of entries, as 1 − v₀ for v₁: off the
 * simplex they are other functions, so just differences of the gradient's entries count,
 * g_i − g_j = η_i/v_i − η_j/v_j. The centre gives differences of η, another point one of them.
 */
const tangentDirichlet: ConditionalRule = {
  family: "Dirichlet",
  tangent: true,
  references: (size) => [
    new Float64Array(size).fill(1 / size),
    Float64Array.from({ length: size }, (_, k) => (k === 0 ? 0.75 : 0.25 / (size - 1))),
  ],
  read: ([g, h], size) => {
    const d = g.map((x) => (x - g[1]) / size);
    const weight = 4 * (size - 1);
    const second = (h[0] - h[1] - (4 / 3) * d[0]) / (4 / 3 - weight);
    return d.map((x) => x + second);
  },
  gradient: (eta, v) => {
    const whole = eta.map((e, k) => e / v[k]);
    const most = whole.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    return { value: tangential(whole), scale: whole.map(() => most) };
  },
  point: (rng, size) => rng.dirichlet(new Float64Array(size).fill(1)),
};

/** Reference points s·I of the two matrix families. */
const SMALL = 2 ** -10;
const LARGE = 2 ** 10;
const multiples = (size: number) =>
  [SMALL, LARGE].map((s) => identity(size).map((e) => e * s)) as readonly Float64Array[];

/** (G + Gᵀ)/2: the part of a gradient that moves symmetric matrices. */
export function symmetric(g: Float64Array, n: number): Float64Array {
  return g.map((v, at) => (v + g[(at % n) * n + Math.floor(at / n)]) / 2);
}
const meanDiagonal = (g: Float64Array, n: number): number => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += g[i * n + i];
  return sum / n;
};
const plusDiagonal = (g: Float64Array, n: number, by: number): Float64Array =>
  g.map((v, at) => (at % (n + 1) === 0 ? v + by : v));
function inverseOf(v: Float64Array, n: number): Float64Array {
  const l = cholesky(v, n) ?? internalError("a test point is not positive definite");
  return choleskyInverse(l, n);
}
/** A well-conditioned random covariance. */
function definitePoint(rng: RandomStream, n: number): Float64Array {
  const a = Float64Array.from({ length: n * n }, () => rng.normal());
  const t = Float64Array.from(a, (_, at) => a[(at % n) * n + Math.floor(at / n)]);
  const by = magnitude(rng, 2);
  return plusDiagonal(matmul(a, t, n, n, n), n, 0.5).map((v) => v * by);
}

/** T = (log |X|, X): gradient η₁ X⁻¹ + η₂. */
const wishart: ConditionalRule = {
  family: "Wishart",
  references: multiples,
  read: ([g0, g1], n) => {
    const difference = g0.map((v, i) => v - g1[i]);
    const first = meanDiagonal(difference, n) / (1 / SMALL - 1 / LARGE);
    const second = plusDiagonal(symmetric(g1, n), n, -first / LARGE);
    return Float64Array.from([first, ...second]);
  },
  gradient: (eta, v, n) => {
    const inverse = inverseOf(v, n);
    const value = inverse.map((x, i) => eta[0] * x + eta[1 + i]);
    const most = inverse.reduce((m, x) => Math.max(m, Math.abs(eta[0] * x)), 0);
    return { value, scale: value.map((_, i) => most + Math.abs(eta[1 + i])) };
  },
  point: definitePoint,
};

/** T = (log |X|, X⁻¹): gradient η₁ X⁻¹ − X⁻¹ η₂ X⁻¹. */
const inverseWishart: ConditionalRule = {
  family: "InverseWishart",
  references: multiples,
  read: ([g0, g1], n) => {
    const near = g0.map((v) => v * SMALL * SMALL);
    const [u0, u1] = [meanDiagonal(near, n), meanDiagonal(g1, n) * LARGE];
    const first = (u1 - u0 / LARGE) / (1 - SMALL / LARGE);
    const second = plusDiagonal(
      symmetric(near, n).map((v) => -v),
      n,
      first * SMALL,
    );
    return Float64Array.from([first, ...second]);
  },
  gradient: (eta, v, n) => {
    const inverse = inverseOf(v, n);
    const second = matmul(matmul(inverse, eta.slice(1), n, n, n), inverse, n, n, n);
    const value = inverse.map((x, i) => eta[0] * x - second[i]);
    const most = inverse.reduce(
      (m, x, i) => Math.max(m, Math.abs(eta[0] * x) + Math.abs(second[i])),
      0,
    );
    return { value, scale: value.map(() => most) };
  },
  point: definitePoint,
};

/** By the form of the support; the first that fits is taken. */
export const scalarRules = {
  real: [normal],
  positive: [gamma, inverseGamma],
  unit: [beta],
} as const;
export const rules = { mvNormal, dirichlet, tangentDirichlet, wishart, inverseWishart } as const;
