/**
 * Fisher information of normal vectors in mean and covariance, and steps along their natural
 * parameters Σ⁻¹ μ and −½ Σ⁻¹. With G the gradient in Σ and δ = 2 Σ G Σ, a step of size ρ is
 * Σ'⁻¹ = Σ⁻¹ − 2 ρ G and μ' = μ + ρ Σ' ∇_μ (Khan and Lin 2017, section 3.1).
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Family, Fisher } from "./family.js";

/** The last two axes swapped. */
export function swap(g: GraphBuilder, x: Node): Node {
  const axes = x.shape.map((_, k) => k);
  return g.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/** X + Xᵀ */
export const both = (g: GraphBuilder, x: Node): Node => g.add(x, swap(g, x));

/** What stands on and below the diagonal of `[…, n, n]`, the diagonal times `part`. */
export function lower(g: GraphBuilder, x: Node, part = 1): Node {
  return g.mul(
    x,
    pattern(g, x, (i, j) => (i > j ? 1 : i === j ? part : 0)),
  );
}

/** I in the shape of `[…, n, n]`. */
const identity = (g: GraphBuilder, x: Node): Node => pattern(g, x, (i, j) => (i === j ? 1 : 0));

function pattern(g: GraphBuilder, x: Node, at: (i: number, j: number) => number): Node {
  const rank = x.shape.length;
  const n = x.shape[rank - 1];
  const data = Float64Array.from({ length: n * n }, (_, k) => at(Math.floor(k / n), k % n));
  return g.broadcast(g.constant(data, [n, n]), x.shape, [rank - 2, rank - 1]);
}

/** M v for `[…, n, m]` and `[…, m]`. */
const apply = (g: GraphBuilder, m: Node, v: Node): Node => {
  const product = g.matmul(m, g.reshape(v, [...v.shape, 1]));
  return g.reshape(product, product.shape.slice(0, -1));
};

/** L⁻¹ X, or L⁻ᵀ X. */
const solved = (g: GraphBuilder, l: Node, x: Node, transposed = false): Node =>
  g.triangularSolve(l, x, transposed);

/** (L Lᵀ)⁻¹ X */
const inverseTimes = (g: GraphBuilder, l: Node, x: Node): Node =>
  solved(g, l, solved(g, l, x), true);

/** L⁻¹ S L⁻ᵀ of a symmetric S. */
const whitened = (g: GraphBuilder, l: Node, s: Node): Node =>
  solved(g, l, swap(g, solved(g, l, s)));

/** L M Lᵀ */
const between = (g: GraphBuilder, l: Node, m: Node): Node => g.matmul(g.matmul(l, m), swap(g, l));

const vector = (g: GraphBuilder, f: (x: Node) => Node, v: Node): Node => {
  const image = f(g.reshape(v, [...v.shape, 1]));
  return g.reshape(image, v.shape);
};

/** The least eigenvalue of what a precision is multiplied by. */
const floor = 0.1;

/**
 * I + S, where its eigenvalues are at least a tenth; elsewhere ½ I + ½ (I + S)², the same up to the
 * second order and positive definite for every S (Lin, Schmidt and Khan 2020, equation 9).
 */
function guarded(g: GraphBuilder, s: Node): Node {
  const eye = identity(g, s);
  const plain = g.add(eye, s);
  const squared = g.mul(0.5, g.add(eye, g.matmul(plain, swap(g, plain))));
  const factor = g.cholesky(g.sub(plain, g.mul(floor, eye)));
  // NaN where there is no factor.
  const total = g.reduce("sum", factor, [factor.shape.length - 2, factor.shape.length - 1]);
  const exists = g.eq(total, total);
  const batch = exists.shape.map((_, k) => k);
  return g.select(g.broadcast(exists, s.shape, batch), plain, squared);
}

const scaled = (g: GraphBuilder, rate: Node, x: Node): Node =>
  g.mul(g.broadcast(rate, x.shape, []), x);

/**
 * Mean and factor after a step: with S = L⁻¹ δ_Σ L⁻ᵀ and B = I − ρ S, Σ' = L B⁻¹ Lᵀ and
 * μ' = μ + ρ Σ' Σ⁻¹ δ_μ.
 */
function moved(
  g: GraphBuilder,
  l: Node,
  mu: Node,
  whiteSlope: Node | undefined,
  meanSlope: Node | undefined,
  rate: Node,
): { readonly factor: Node; readonly mu: Node } {
  const b =
    whiteSlope === undefined ? identity(g, l) : guarded(g, g.neg(scaled(g, rate, whiteSlope)));
  const k = g.cholesky(b);
  const inverse = inverseTimes(g, k, identity(g, b));
  const factor = g.matmul(l, g.cholesky(inverse));
  if (meanSlope === undefined) return { factor, mu };
  const along = vector(g, (x) => g.matmul(l, inverseTimes(g, k, solved(g, l, x))), meanSlope);
  return { factor, mu: g.add(mu, scaled(g, rate, along)) };
}

/** MvNormal(mu, cov) */
export const byCovariance: Family = {
  fisher: (g, a, u) => {
    const l = g.cholesky(a.cov);
    const left = inverseTimes(g, l, u.cov);
    const image = swap(g, inverseTimes(g, l, swap(g, left)));
    return { mu: vector(g, (x) => inverseTimes(g, l, x), u.mu), cov: g.mul(0.5, image) };
  },
  direction: (g, a, d) => ({
    ...(d.mu && { mu: apply(g, a.cov, d.mu) }),
    ...(d.cov && { cov: g.matmul(g.matmul(a.cov, both(g, d.cov)), a.cov) }),
  }),
  step: (g, a, d, rate) => {
    const l = g.cholesky(a.cov);
    const next = moved(g, l, a.mu, d.cov && whitened(g, l, d.cov), d.mu, rate);
    return {
      ...(d.mu && { mu: next.mu }),
      ...(d.cov && { cov: g.matmul(next.factor, swap(g, next.factor)) }),
    };
  },
};

/**
 * MvNormal(mu, cholesky: L). With T the lower part of Lᵀ ∇_L, Lᵀ G L = ½ (T + Tᵀ − diag T), and
 * δ_L = L (T − ½ diag T).
 */
export const byFactor: Family = {
  fisher: (g, a, u) => {
    const l = a.cholesky;
    const white = both(g, solved(g, l, u.cholesky));
    return {
      mu: vector(g, (x) => inverseTimes(g, l, x), u.mu),
      cholesky: lower(g, solved(g, l, white, true)),
    };
  },
  direction: (g, a, d) => {
    const l = a.cholesky;
    const white = d.cholesky && lower(g, g.matmul(swap(g, l), lower(g, d.cholesky)), 0.5);
    return {
      ...(d.mu && { mu: vector(g, (x) => g.matmul(l, g.matmul(swap(g, l), x)), d.mu) }),
      ...(white && { cholesky: g.matmul(l, white) }),
    };
  },
  step: (g, a, d, rate) => {
    const l = a.cholesky;
    const white = d.cholesky && both(g, solved(g, l, d.cholesky));
    const next = moved(g, l, a.mu, white, d.mu, rate);
    return {
      ...(d.mu && { mu: next.mu }),
      ...(d.cholesky && { cholesky: next.factor }),
    };
  },
};

/** MvNormal(mu, precision: P), whose natural parameter is P itself: P' = P + ρ δ_P. */
export const byPrecision: Family = {
  fisher: (g, a, u) => {
    const l = g.cholesky(a.precision);
    const left = inverseTimes(g, l, u.precision);
    const image = swap(g, inverseTimes(g, l, swap(g, left)));
    return { mu: apply(g, a.precision, u.mu), precision: g.mul(0.5, image) };
  },
  direction: (g, a, d) => {
    const l = g.cholesky(a.precision);
    const slope = d.precision && both(g, d.precision);
    return {
      ...(d.mu && { mu: vector(g, (x) => inverseTimes(g, l, x), d.mu) }),
      ...(slope && { precision: g.matmul(g.matmul(a.precision, slope), a.precision) }),
    };
  },
  step: (g, a, d, rate) => {
    const l = g.cholesky(a.precision);
    const b = d.precision
      ? guarded(g, scaled(g, rate, whitened(g, l, d.precision)))
      : identity(g, a.precision);
    const k = g.cholesky(b);
    const along = (x: Node): Node =>
      solved(g, l, inverseTimes(g, k, g.matmul(swap(g, l), x)), true);
    return {
      ...(d.mu && { mu: g.add(a.mu, scaled(g, rate, vector(g, along, d.mu))) }),
      ...(d.precision && { precision: between(g, l, b) }),
    };
  },
};

/**
 * LowRankMvNormal(mu, W, diag): Σ = W Wᵀ + Δ, which is no linear family; Fisher information alone. With
 * S = Σ⁻¹ = Δ⁻¹ − Q Qᵀ (Woodbury), G = ½ S dΣ S, and the images are 2 G W and diag G: no matrix of
 * the vector's size is made.
 */
export const byLowRank: Fisher = (g, a, u) => {
  const { W: w, diag } = a;
  const across = (x: Node): Node =>
    g.broadcast(
      x,
      w.shape,
      x.shape.map((_, k) => k),
    );
  const weighted = g.div(w, across(diag));
  const inner = g.matmul(swap(g, w), weighted);
  const capacity = g.cholesky(g.add(inner, identity(g, inner)));
  const q = swap(g, solved(g, capacity, swap(g, weighted)));
  const inverse = (x: Node): Node => g.sub(g.div(x, across(diag)), through(x));
  const through = (x: Node): Node => g.matmul(q, g.matmul(swap(g, q), x));
  const rows = (x: Node): Node => g.reduce("sum", x, [x.shape.length - 1]);
  const mean = vector(g, (x) => g.sub(g.div(x, g.reshape(diag, x.shape)), through(x)), u.mu);
  const [su, sw] = [inverse(u.W), inverse(w)];
  // S dΣ S W with dΣ = U Wᵀ + W Uᵀ + diag(v).
  const near = g.matmul(su, g.matmul(swap(g, w), sw));
  const far = g.matmul(sw, g.matmul(swap(g, u.W), sw));
  const own = inverse(g.mul(across(u.diag), sw));
  // (S ∘ S) v
  const ends = g.sub(
    g.div(u.diag, g.square(diag)),
    g.mul(2, g.mul(g.div(u.diag, diag), rows(g.square(q)))),
  );
  const middle = g.matmul(swap(g, q), g.mul(across(u.diag), q));
  const rest = rows(g.mul(g.matmul(q, middle), q));
  const turned = g.mul(2, rows(g.mul(su, sw)));
  return {
    mu: mean,
    W: g.add(g.add(near, far), own),
    diag: g.mul(0.5, g.add(turned, g.add(ends, rest))),
  };
};
