/**
 * Fisher information of exponential families in their arguments, and steps along natural parameters:
 * with δ = F⁻¹ ∇ in the arguments a and η(a) the natural parameters, η' = η + ρ (∂η/∂a) δ is a step
 * along the natural gradient (Amari 1998; Hoffman, Blei, Wang and Paisley 2013, section 2.2). Where η
 * is affine in the arguments this is a' = a + ρ δ.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Family, Fisher } from "./family.js";
import { byCovariance, byFactor, byLowRank, byPrecision } from "./normal-families.js";

const times = (g: GraphBuilder, rate: Node, x: Node): Node =>
  g.mul(x.shape.length === 0 ? rate : g.broadcast(rate, x.shape, []), x);

/** Positive numbers fall to a tenth of themselves at most. */
const floor = 0.1;
const kept = (g: GraphBuilder, x: Node, before: Node): Node => g.max(x, g.mul(floor, before));

/** a' = a + ρ δ, in which the named arguments stay positive. */
const affine =
  (positive: ReadonlySet<string>): Family["step"] =>
  (g, a, direction, rate) =>
    Object.fromEntries(
      Object.entries(direction).map(([name, d]) => {
        const moved = g.add(a[name], times(g, rate, d));
        return [name, positive.has(name) ? kept(g, moved, a[name]) : moved];
      }),
    );

/** One argument at each draw with the given information. */
const single = (
  name: string,
  information: (g: GraphBuilder, x: Node) => Node,
  isPositive: boolean,
): Family => ({
  fisher: (g, a, u) => ({ [name]: g.mul(information(g, a[name]), u[name]) }),
  direction: (g, a, d) => ({ [name]: g.div(d[name], information(g, a[name])) }),
  step: affine(new Set(isPositive ? [name] : [])),
});

/** Two positive arguments with information [[x, y], [y, z]]. */
const pair = (
  [first, second]: readonly [string, string],
  information: (g: GraphBuilder, a: Node, b: Node) => readonly [Node, Node, Node],
): Family => ({
  fisher: (g, a, u) => {
    const [x, y, z] = information(g, a[first], a[second]);
    return {
      [first]: g.add(g.mul(x, u[first]), g.mul(y, u[second])),
      [second]: g.add(g.mul(y, u[first]), g.mul(z, u[second])),
    };
  },
  direction: (g, a, d) => {
    const [x, y, z] = information(g, a[first], a[second]);
    if (d[second] === undefined) return { [first]: g.div(d[first], x) };
    if (d[first] === undefined) return { [second]: g.div(d[second], z) };
    const det = g.sub(g.mul(x, z), g.square(y));
    return {
      [first]: g.div(g.sub(g.mul(z, d[first]), g.mul(y, d[second])), det),
      [second]: g.div(g.sub(g.mul(x, d[second]), g.mul(y, d[first])), det),
    };
  },
  step: affine(new Set([first, second])),
});

const inverseSquare = (g: GraphBuilder, x: Node): Node => g.reciprocal(g.square(x));

/**
 * Arguments μ and σ. The natural parameters are μ/σ² and −1/(2σ²), so that with δ the step is
 * 1/σ'² = 1/σ² − 2 ρ δ_σ/σ³ and μ' = μ + ρ (σ'²/σ²) δ_μ.
 */
const normal: Family = {
  fisher: (g, a, u) => {
    const precision = inverseSquare(g, a.sigma);
    return { mu: g.mul(precision, u.mu), sigma: g.mul(2, g.mul(precision, u.sigma)) };
  },
  direction: (g, a, d) => {
    const variance = g.square(a.sigma);
    return {
      ...(d.mu && { mu: g.mul(variance, d.mu) }),
      ...(d.sigma && { sigma: g.mul(0.5, g.mul(variance, d.sigma)) }),
    };
  },
  step: (g, a, d, rate) => {
    const precision = inverseSquare(g, a.sigma);
    const cubed = g.mul(precision, g.reciprocal(a.sigma));
    const next =
      d.sigma === undefined
        ? precision
        : kept(g, g.sub(precision, times(g, rate, g.mul(2, g.mul(cubed, d.sigma)))), precision);
    const part = g.div(precision, next);
    return {
      ...(d.mu && { mu: g.add(a.mu, times(g, rate, g.mul(part, d.mu))) }),
      ...(d.sigma && { sigma: g.reciprocal(g.sqrt(next)) }),
    };
  },
};

/** Sums over the last axis, repeated along it. */
const along = (g: GraphBuilder, x: Node): Node => {
  const last = x.shape.length - 1;
  return g.unreduce(g.reduce("sum", x, [last]), x, [last]);
};

/** Logits of K labels. The information is singular along a shift of all, which changes nothing. */
const labels: Family = {
  fisher: (g, a, u) => {
    const p = softmax(g, a.logits);
    return { logits: g.mul(p, g.sub(u.logits, along(g, g.mul(p, u.logits)))) };
  },
  direction: (g, a, d) => {
    const ratio = g.div(d.logits, softmax(g, a.logits));
    const size = ratio.shape[ratio.shape.length - 1];
    return { logits: g.sub(ratio, g.div(along(g, ratio), size)) };
  },
  step: affine(new Set()),
};

function softmax(g: GraphBuilder, x: Node): Node {
  const last = x.shape.length - 1;
  return g.exp(g.sub(x, g.unreduce(g.logsumexp(x, [last]), x, [last])));
}

const trigamma = (g: GraphBuilder, x: Node): Node => g.unary("trigamma", x);

/** diag(ψ'(α)) − ψ'(Σ α) 1 1ᵀ, inverted by the formula of Sherman and Morrison. */
const dirichlet: Family = {
  fisher: (g, a, u) => {
    const shared = g.mul(trigamma(g, along(g, a.alpha)), along(g, u.alpha));
    return { alpha: g.sub(g.mul(trigamma(g, a.alpha), u.alpha), shared) };
  },
  direction: (g, a, d) => {
    const inverse = g.reciprocal(trigamma(g, a.alpha));
    const own = g.mul(inverse, d.alpha);
    const shared = trigamma(g, along(g, a.alpha));
    const rest = g.sub(g.reciprocal(shared), along(g, inverse));
    return { alpha: g.add(own, g.mul(inverse, g.div(along(g, own), rest))) };
  },
  step: affine(new Set(["alpha"])),
};

const bit = (g: GraphBuilder, x: Node): Node => g.mul(g.sigmoid(x), g.sigmoid(g.neg(x)));

/** Probabilities that follow one another on a simplex. */
const shares: Fisher = (g, a, u) => ({ p: g.div(u.p, a.p) });

/** n trials, n given. */
const trials =
  (name: "p" | "logits", information: (g: GraphBuilder, x: Node) => Node): Fisher =>
  (g, a, u) => ({
    n: g.zeros(a.n.shape),
    [name]: g.mul(g.mul(a.n, information(g, a[name])), u[name]),
  });

/** Directions: A = I₁(κ)/I₀(κ) is the mean of cos(x − μ), and dA/dκ = 1 − A² − A/κ. */
const directions: Fisher = (g, a, u) => {
  const ratio = g.unary("bessel_ratio", a.kappa);
  const slope = g.sub(g.sub(1, g.square(ratio)), g.div(ratio, a.kappa));
  return { mu: g.mul(g.mul(a.kappa, ratio), u.mu), kappa: g.mul(slope, u.kappa) };
};

/** The natural parameter is −1/(2σ²), as that of a Normal with its mean at 0. */
const halfNormal: Family = {
  fisher: (g, a, u) => ({ sigma: g.mul(2, g.mul(inverseSquare(g, a.sigma), u.sigma)) }),
  direction: (g, a, d) => ({ sigma: g.mul(0.5, g.mul(g.square(a.sigma), d.sigma)) }),
  step: (g, a, d, rate) => {
    const mu = g.zeros(a.sigma.shape);
    return { sigma: normal.step(g, { ...a, mu }, d, rate).sigma };
  },
};

const oneMinus = (g: GraphBuilder, p: Node): Node => g.sub(1, p);

/** By distribution and the names of its arguments; those with a step in closed form. */
export const families: Readonly<Record<string, Family>> = {
  "Normal mu sigma": normal,
  "LogNormal mu sigma": normal,
  "Bernoulli logits": single("logits", bit, false),
  "Categorical logits": labels,
  "Exponential rate": single("rate", inverseSquare, true),
  "Poisson log_rate": single("log_rate", (g, x) => g.exp(x), false),
  "Gamma rate shape": pair(["shape", "rate"], (g, a, b) => [
    trigamma(g, a),
    g.neg(g.reciprocal(b)),
    g.mul(a, inverseSquare(g, b)),
  ]),
  "InverseGamma scale shape": pair(["shape", "scale"], (g, a, b) => [
    trigamma(g, a),
    g.neg(g.reciprocal(b)),
    g.mul(a, inverseSquare(g, b)),
  ]),
  "Beta a b": pair(["a", "b"], (g, a, b) => {
    const shared = trigamma(g, g.add(a, b));
    return [g.sub(trigamma(g, a), shared), g.neg(shared), g.sub(trigamma(g, b), shared)];
  }),
  "Dirichlet alpha": dirichlet,
  "ChiSquare nu": single("nu", (g, x) => g.mul(0.25, trigamma(g, g.mul(0.5, x))), true),
  "HalfNormal sigma": halfNormal,
  "MvNormal cov mu": byCovariance,
  "MvNormal cholesky mu": byFactor,
  "MvNormal mu precision": byPrecision,
};

/** F u of all families that there are gradients for: those, and such as have no step in closed form. */
export const informations: Readonly<Record<string, Fisher>> = {
  ...Object.fromEntries(Object.entries(families).map(([name, f]) => [name, f.fisher])),
  "Bernoulli p": (g, a, u) => ({ p: g.div(u.p, g.mul(a.p, oneMinus(g, a.p))) }),
  "Binomial n p": trials("p", (g, p) => g.reciprocal(g.mul(p, oneMinus(g, p)))),
  "Binomial logits n": trials("logits", bit),
  "Categorical p": shares,
  "Geometric p": (g, a, u) => ({ p: g.div(u.p, g.mul(g.square(a.p), oneMinus(g, a.p))) }),
  "LowRankMvNormal W diag mu": byLowRank,
  "Poisson rate": (g, a, u) => ({ rate: g.div(u.rate, a.rate) }),
  "VonMises kappa mu": directions,
};
