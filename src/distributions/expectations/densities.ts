/** E log p(x) under the law of x, where log p is a sum of functions whose expectations it knows. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { NodeArgs } from "../contract.js";
import { lbeta } from "../shared/gamma.js";
import { HALF_LOG_2PI, LOG_2, logComplement, logProbability } from "../shared/logs.js";
import { arg } from "../shared/spec.js";
import type { DensityRule, Moments } from "./contract.js";

const isPositive = ({ range }: Moments): boolean => range === "positive" || range === "unit";

/** E (x − c)² */
function squaredDeviation(g: GraphBuilder, m: Moments, c: Node | number): Node | undefined {
  if (m.mean === undefined || m.variance === undefined) return undefined;
  return g.add(m.variance(), g.square(g.sub(m.mean(), c)));
}

/** (α − 1) log x − β x + α log β − log Γ(α) */
function gammaDensity(g: GraphBuilder, shape: Node, rate: Node, m: Moments): Node | undefined {
  if (!isPositive(m) || m.log === undefined || m.mean === undefined) return undefined;
  const kernel = g.sub(g.mul(g.sub(shape, 1), m.log()), g.mul(rate, m.mean()));
  return g.add(kernel, g.sub(g.mul(shape, g.log(rate)), g.lgamma(shape)));
}

const logNormaliser = (g: GraphBuilder, sigma: Node): Node => g.add(g.log(sigma), HALF_LOG_2PI);

const half = (g: GraphBuilder, args: NodeArgs): Node => g.mul(0.5, arg(args, "nu"));

export const densities: Readonly<Record<string, DensityRule>> = {
  Normal: (g, args, m) => {
    if (m.range === "count") return undefined;
    const square = squaredDeviation(g, m, arg(args, "mu"));
    if (square === undefined) return undefined;
    const sigma = arg(args, "sigma");
    const kernel = g.mul(-0.5, g.div(square, g.square(sigma)));
    return g.sub(kernel, logNormaliser(g, sigma));
  },
  HalfNormal: (g, args, m) => {
    const square = squaredDeviation(g, m, 0);
    if (!isPositive(m) || square === undefined) return undefined;
    const sigma = arg(args, "sigma");
    const kernel = g.mul(-0.5, g.div(square, g.square(sigma)));
    return g.sub(kernel, g.sub(logNormaliser(g, sigma), LOG_2));
  },
  LogNormal: (g, args, m) => {
    if (!isPositive(m) || m.log === undefined || m.logVariance === undefined) return undefined;
    const sigma = arg(args, "sigma");
    const square = g.add(m.logVariance(), g.square(g.sub(m.log(), arg(args, "mu"))));
    const kernel = g.mul(-0.5, g.div(square, g.square(sigma)));
    return g.sub(g.sub(kernel, m.log()), logNormaliser(g, sigma));
  },
  Gamma: (g, args, m) => gammaDensity(g, arg(args, "shape"), arg(args, "rate"), m),
  ChiSquare: (g, args, m) => {
    const shape = half(g, args);
    return gammaDensity(g, shape, g.full(shape.shape, 0.5), m);
  },
  Exponential: (g, args, m) => {
    if (!isPositive(m) || m.mean === undefined) return undefined;
    const rate = arg(args, "rate");
    return g.sub(g.log(rate), g.mul(rate, m.mean()));
  },
  InverseGamma: (g, args, m) => {
    if (!isPositive(m) || m.log === undefined || m.power === undefined) return undefined;
    const [shape, scale] = [arg(args, "shape"), arg(args, "scale")];
    const kernel = g.add(g.mul(g.add(shape, 1), m.log()), g.mul(scale, m.power(-1, 1)));
    return g.sub(g.sub(g.mul(shape, g.log(scale)), g.lgamma(shape)), kernel);
  },
  Weibull: (g, args, m) => {
    if (!isPositive(m) || m.log === undefined || m.power === undefined) return undefined;
    const [shape, scale] = [arg(args, "shape"), arg(args, "scale")];
    const kernel = g.sub(g.mul(g.sub(shape, 1), m.log()), m.power(shape, scale));
    return g.add(kernel, g.sub(g.log(shape), g.mul(shape, g.log(scale))));
  },
  Pareto: (g, args, m) => {
    if (!isPositive(m) || m.log === undefined || m.lower === undefined) return undefined;
    const [low, alpha] = [arg(args, "x_min"), arg(args, "alpha")];
    const value = g.sub(
      g.add(g.log(alpha), g.mul(alpha, g.log(low))),
      g.mul(g.add(alpha, 1), m.log()),
    );
    return g.select(g.ge(m.lower(), low), value, -Infinity);
  },
  Beta: (g, args, m) => {
    if (m.range !== "unit" || m.log === undefined || m.logComplement === undefined) {
      return undefined;
    }
    const [a, b] = [arg(args, "a"), arg(args, "b")];
    const kernel = g.add(g.mul(g.sub(a, 1), m.log()), g.mul(g.sub(b, 1), m.logComplement()));
    return g.sub(kernel, lbeta(g, a, b));
  },
  Uniform: (g, args, m) => {
    if (m.lower === undefined || m.upper === undefined) return undefined;
    const [a, b] = [arg(args, "a"), arg(args, "b")];
    const within = g.and(g.ge(m.lower(), a), g.le(m.upper(), b));
    return g.select(within, g.neg(g.log(g.sub(b, a))), -Infinity);
  },
  Laplace: (g, args, m) => {
    if (m.deviation === undefined) return undefined;
    const b = arg(args, "b");
    return g.neg(g.add(g.div(m.deviation(arg(args, "mu")), b), g.add(g.log(b), LOG_2)));
  },
  Gumbel: (g, args, m) => {
    if (m.mean === undefined || m.exponential === undefined || m.range === "count") {
      return undefined;
    }
    const [mu, beta] = [arg(args, "mu"), arg(args, "beta")];
    const z = g.div(g.sub(m.mean(), mu), beta);
    const tail = m.exponential(g.neg(g.reciprocal(beta)), mu);
    return g.neg(g.add(g.add(z, tail), g.log(beta)));
  },
  Geometric: (g, args, m) => {
    if (m.range !== "count" || m.mean === undefined) return undefined;
    const p = arg(args, "p");
    return g.add(g.mul(m.mean(), logComplement(g, p)), logProbability(g, p));
  },
};
