/**
 * Expectations of x, log x, powers and exponentials under each distribution (Johnson, Kotz and
 * Balakrishnan 1994 and 1995; Johnson, Kemp and Kotz 2005). They are ∞ where the integral diverges.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { NodeArgs } from "../contract.js";
import { successProbability } from "../discrete/bernoulli.js";
import { arg } from "../shared/spec.js";
import type { MomentRule, Moments } from "./contract.js";

export const EULER = 0.5772156649015329;
const ZETA_2 = Math.PI ** 2 / 6;

/** `value` where `holds`, ∞ elsewhere; the condition's argument is made harmless there. */
function whereFinite(
  g: GraphBuilder,
  holds: (x: Node) => Node,
  x: Node,
  safe: number,
  value: (x: Node) => Node,
): Node {
  const is = holds(x);
  return g.select(is, value(g.select(is, x, safe)), Infinity);
}

/** log Γ(a + k) − log Γ(a), ∞ for a + k ≤ 0. */
function logRising(g: GraphBuilder, a: Node | number, k: Node | number): Node {
  return whereFinite(
    g,
    (x) => g.gt(x, 0),
    g.add(a, k),
    1,
    (sum) => g.sub(g.lgamma(sum), g.lgamma(a)),
  );
}

const powerOf = (g: GraphBuilder, k: Node | number, ratio: Node): Node => g.mul(k, g.log(ratio));

/** Shape α and rate β, as nodes or numbers. */
function gammaMoments(g: GraphBuilder, shape: Node, rate: Node): Moments {
  return {
    range: "positive",
    mean: () => g.div(shape, rate),
    variance: () => g.div(shape, g.square(rate)),
    log: () => g.sub(g.digamma(shape), g.log(rate)),
    power: (k, c) => g.exp(g.sub(logRising(g, shape, k), powerOf(g, k, g.mul(rate, c)))),
    exponential: (t, c) =>
      whereFinite(
        g,
        (x) => g.lt(x, 1),
        g.div(t, rate),
        0,
        (x) => g.exp(g.neg(g.add(g.mul(shape, g.log1p(g.neg(x))), g.mul(t, c)))),
      ),
  };
}

/** A count with the given mean. */
const count = (mean: () => Node): Moments => ({ range: "count", mean });

const harmonic = (g: GraphBuilder, x: Node): Node => g.add(g.digamma(g.add(x, 1)), EULER);

const both = (args: NodeArgs, a: string, b: string): [Node, Node] => [arg(args, a), arg(args, b)];

export const moments: Readonly<Record<string, MomentRule>> = {
  Normal: (g, args) => {
    const [mu, sigma] = both(args, "mu", "sigma");
    return {
      range: "real",
      mean: () => mu,
      variance: () => g.square(sigma),
      // Leone, Nelson and Nottingham (1961): the folded normal.
      deviation: (c) => {
        const d = g.div(g.sub(mu, c), g.mul(sigma, Math.SQRT2));
        const tails = g.mul(Math.sqrt(1 / Math.PI), g.exp(g.neg(g.square(d))));
        return g.mul(g.mul(sigma, Math.SQRT2), g.add(tails, g.mul(d, g.erf(d))));
      },
      exponential: (t, c) =>
        g.exp(g.add(g.mul(t, g.sub(mu, c)), g.mul(0.5, g.square(g.mul(t, sigma))))),
    };
  },
  LogNormal: (g, args) => {
    const [mu, sigma] = both(args, "mu", "sigma");
    const power = (k: Node | number, c: Node | number): Node =>
      g.exp(g.add(g.mul(k, g.sub(mu, g.log(c))), g.mul(0.5, g.square(g.mul(k, sigma)))));
    return {
      range: "positive",
      mean: () => power(1, 1),
      variance: () => g.mul(g.expm1(g.square(sigma)), g.square(power(1, 1))),
      log: () => mu,
      logVariance: () => g.square(sigma),
      power,
    };
  },
  HalfNormal: (g, args) => {
    const sigma = arg(args, "sigma");
    return {
      range: "positive",
      mean: () => g.mul(sigma, Math.sqrt(2 / Math.PI)),
      variance: () => g.mul(g.square(sigma), 1 - 2 / Math.PI),
      log: () => g.sub(g.log(sigma), (EULER + Math.LN2) / 2),
      logVariance: () => g.full(sigma.shape, (3 * ZETA_2) / 4),
      power: (k, c) => {
        const scale = g.div(g.mul(sigma, Math.SQRT2), c);
        return g.exp(g.add(powerOf(g, k, scale), logRising(g, 0.5, g.mul(0.5, k))));
      },
    };
  },
  Gamma: (g, args) => gammaMoments(g, arg(args, "shape"), arg(args, "rate")),
  ChiSquare: (g, args) => {
    const nu = arg(args, "nu");
    return gammaMoments(g, g.mul(0.5, nu), g.full(nu.shape, 0.5));
  },
  Exponential: (g, args) => {
    const rate = arg(args, "rate");
    return {
      ...gammaMoments(g, g.ones(rate.shape), rate),
      logVariance: () => g.full(rate.shape, ZETA_2),
    };
  },
  InverseGamma: (g, args) => {
    const [shape, scale] = both(args, "shape", "scale");
    return {
      range: "positive",
      mean: () =>
        whereFinite(
          g,
          (x) => g.gt(x, 1),
          shape,
          2,
          (x) => g.div(scale, g.sub(x, 1)),
        ),
      variance: () =>
        whereFinite(
          g,
          (x) => g.gt(x, 2),
          shape,
          3,
          (x) => g.div(g.square(g.div(scale, g.sub(x, 1))), g.sub(x, 2)),
        ),
      log: () => g.sub(g.log(scale), g.digamma(shape)),
      power: (k, c) => g.exp(g.add(powerOf(g, k, g.div(scale, c)), logRising(g, shape, g.neg(k)))),
    };
  },
  Weibull: (g, args) => {
    const [shape, scale] = both(args, "shape", "scale");
    const power = (k: Node | number, c: Node | number): Node =>
      g.exp(g.add(powerOf(g, k, g.div(scale, c)), logRising(g, 1, g.div(k, shape))));
    return {
      range: "positive",
      mean: () => power(1, 1),
      variance: () => g.sub(power(2, 1), g.square(power(1, 1))),
      log: () => g.sub(g.log(scale), g.div(EULER, shape)),
      logVariance: () => g.div(ZETA_2, g.square(shape)),
      power,
    };
  },
  Pareto: (g, args) => {
    const [low, alpha] = both(args, "x_min", "alpha");
    const power = (k: Node | number, c: Node | number): Node =>
      whereFinite(
        g,
        (x) => g.gt(x, 0),
        g.sub(alpha, k),
        1,
        (rest) => g.mul(g.div(alpha, rest), g.exp(powerOf(g, k, g.div(low, c)))),
      );
    return {
      range: "positive",
      mean: () => power(1, 1),
      variance: () =>
        whereFinite(
          g,
          (x) => g.gt(x, 2),
          alpha,
          3,
          (x) => g.div(g.mul(x, g.square(g.div(low, g.sub(x, 1)))), g.sub(x, 2)),
        ),
      log: () => g.add(g.log(low), g.reciprocal(alpha)),
      logVariance: () => g.square(g.reciprocal(alpha)),
      power,
      lower: () => low,
    };
  },
  Beta: (g, args) => {
    const [a, b] = both(args, "a", "b");
    const sum = g.add(a, b);
    return {
      range: "unit",
      mean: () => g.div(a, sum),
      variance: () => g.div(g.mul(a, b), g.mul(g.square(sum), g.add(sum, 1))),
      log: () => g.sub(g.digamma(a), g.digamma(sum)),
      logComplement: () => g.sub(g.digamma(b), g.digamma(sum)),
      power: (k, c) => {
        const rising = g.sub(logRising(g, a, k), logRising(g, sum, k));
        return whereFinite(
          g,
          (x) => g.gt(x, 0),
          g.add(a, k),
          1,
          () => g.exp(g.sub(rising, g.mul(k, g.log(c)))),
        );
      },
      lower: () => g.zeros(a.shape),
      upper: () => g.ones(a.shape),
    };
  },
  Kumaraswamy: (g, args) => {
    const [a, b] = both(args, "a", "b");
    // x^a is the smallest of b numbers that are uniform on the unit interval.
    const power = (k: Node | number, c: Node | number): Node => {
      const order = g.div(k, a);
      const ratio = g.sub(logRising(g, 1, order), logRising(g, g.add(b, 1), order));
      return whereFinite(
        g,
        (x) => g.gt(x, -1),
        order,
        0,
        () => g.exp(g.sub(ratio, g.mul(k, g.log(c)))),
      );
    };
    return {
      range: "unit",
      mean: () => power(1, 1),
      variance: () => g.sub(power(2, 1), g.square(power(1, 1))),
      log: () => g.neg(g.div(harmonic(g, b), a)),
      power,
      lower: () => g.zeros(a.shape),
      upper: () => g.ones(a.shape),
    };
  },
  Uniform: (g, args) => {
    const [a, b] = both(args, "a", "b");
    return {
      range: "real",
      mean: () => g.mul(0.5, g.add(a, b)),
      variance: () => g.div(g.square(g.sub(b, a)), 12),
      lower: () => a,
      upper: () => b,
    };
  },
  VonMises: (g, args) => {
    const { shape } = arg(args, "kappa");
    return {
      range: "real",
      lower: () => g.full(shape, -Math.PI),
      upper: () => g.full(shape, Math.PI),
    };
  },
  Laplace: (g, args) => {
    const [mu, b] = both(args, "mu", "b");
    return {
      range: "real",
      mean: () => mu,
      variance: () => g.mul(2, g.square(b)),
      deviation: (c) => {
        const d = g.abs(g.sub(mu, c));
        return g.add(d, g.mul(b, g.exp(g.neg(g.div(d, b)))));
      },
      exponential: (t, c) =>
        whereFinite(
          g,
          (x) => g.lt(x, 1),
          g.square(g.mul(t, b)),
          0,
          (x) => g.div(g.exp(g.mul(t, g.sub(mu, c))), g.sub(1, x)),
        ),
    };
  },
  Logistic: (g, args) => {
    const [mu, s] = both(args, "mu", "s");
    return { range: "real", mean: () => mu, variance: () => g.mul(2 * ZETA_2, g.square(s)) };
  },
  Gumbel: (g, args) => {
    const [mu, beta] = both(args, "mu", "beta");
    return {
      range: "real",
      mean: () => g.add(mu, g.mul(beta, EULER)),
      variance: () => g.mul(ZETA_2, g.square(beta)),
      exponential: (t, c) =>
        g.exp(g.add(g.mul(t, g.sub(mu, c)), logRising(g, 1, g.neg(g.mul(t, beta))))),
    };
  },
  StudentT: (g, args) => {
    const [nu, sigma] = both(args, "nu", "sigma");
    return {
      range: "real",
      // NaN without a mean, as for the distribution itself; the second moment is ∞ first.
      mean: () => g.select(g.gt(nu, 1), arg(args, "mu"), Number.NaN),
      variance: () =>
        whereFinite(
          g,
          (x) => g.gt(x, 2),
          nu,
          3,
          (x) => g.mul(g.square(sigma), g.div(x, g.sub(x, 2))),
        ),
    };
  },
  Geometric: (g, args) => {
    const p = arg(args, "p");
    return count(() => g.div(g.sub(1, p), p));
  },
  Poisson: (g, args) =>
    count(() => (args.log_rate === undefined ? arg(args, "rate") : g.exp(args.log_rate))),
  Binomial: (g, args) => count(() => g.mul(arg(args, "n"), successProbability(g, args))),
  NegativeBinomial: (_g, args) => count(() => arg(args, "mean")),
};
