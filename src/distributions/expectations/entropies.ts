/**
 * Entropies −E log q(x) in nats (Lazo and Rathie 1978; Cover and Thomas 2006, table 17.1; Wishart:
 * Bishop 2006, equation B.82).
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { logOdds, successProbability } from "../discrete/bernoulli.js";
import { alongEvent, sumEvent, sumLogDiagonal } from "../shared/batch.js";
import { lbeta, lmvgamma } from "../shared/gamma.js";
import { HALF_LOG_2PI, LOG_2, LOG_PI, logComplement, logProbability } from "../shared/logs.js";
import { arg } from "../shared/spec.js";
import type { EntropyRule } from "./contract.js";
import { gaussian } from "./gaussian.js";
import { logWeights, timesLog } from "./labels.js";
import { EULER } from "./moments.js";

const LOG_2PI = 2 * HALF_LOG_2PI;

/** −log of the scale plus a number. */
const scaled =
  (name: string, constant: number): EntropyRule =>
  (g, args) =>
    g.add(g.log(arg(args, name)), constant);

const gammaEntropy = (g: GraphBuilder, shape: Node): Node =>
  g.add(g.add(shape, g.lgamma(shape)), g.mul(g.sub(1, shape), g.digamma(shape)));

/** (ν + 1)/2 (ψ((ν + 1)/2) − ψ(ν/2)) + log(√ν B(ν/2, ½)) + log σ */
const student: EntropyRule = (g, args) => {
  const [nu, sigma] = [arg(args, "nu"), arg(args, "sigma")];
  const [below, above] = [g.mul(0.5, nu), g.mul(0.5, g.add(nu, 1))];
  const slope = g.mul(above, g.sub(g.digamma(above), g.digamma(below)));
  const size = g.add(g.mul(0.5, g.log(nu)), lbeta(g, below, 0.5));
  return g.add(g.add(slope, size), g.log(sigma));
};

/** Σ_i ψ((ν − i)/2) + D log 2, i < D: E log |X| − log |V| of a Wishart. */
function expectedLogDet(g: GraphBuilder, nu: Node, size: number): Node {
  let sum: Node = g.full(nu.shape, size * LOG_2);
  for (let i = 0; i < size; i++) sum = g.add(sum, g.digamma(g.mul(0.5, g.sub(nu, i))));
  return sum;
}

/** Of a Wishart of scale I, and how it grows with log |V|/2. */
function wishartEntropy(g: GraphBuilder, nu: Node, size: number): Node {
  const kernel = g.mul(g.mul(0.5, g.sub(nu, size + 1)), expectedLogDet(g, nu, size));
  const normaliser = g.add(g.mul(nu, (size * LOG_2) / 2), lmvgamma(g, size, g.mul(0.5, nu)));
  return g.sub(g.add(normaliser, g.mul(nu, size / 2)), kernel);
}

const normalVector: (name: string) => EntropyRule = (name) => (g, args) => {
  const { size, logScale } = gaussian(g, { name, args });
  return g.add(logScale, size * (HALF_LOG_2PI + 0.5));
};

export const entropies: Readonly<Record<string, EntropyRule>> = {
  Normal: scaled("sigma", HALF_LOG_2PI + 0.5),
  LogNormal: (g, args) =>
    g.add(arg(args, "mu"), g.add(g.log(arg(args, "sigma")), HALF_LOG_2PI + 0.5)),
  HalfNormal: scaled("sigma", HALF_LOG_2PI + 0.5 - LOG_2),
  Exponential: (g, args) => g.sub(1, g.log(arg(args, "rate"))),
  Gamma: (g, args) => g.sub(gammaEntropy(g, arg(args, "shape")), g.log(arg(args, "rate"))),
  ChiSquare: (g, args) => g.add(gammaEntropy(g, g.mul(0.5, arg(args, "nu"))), LOG_2),
  InverseGamma: (g, args) => {
    const [shape, scale] = [arg(args, "shape"), arg(args, "scale")];
    const slope = g.mul(g.add(shape, 1), g.digamma(shape));
    return g.sub(g.add(g.add(shape, g.log(scale)), g.lgamma(shape)), slope);
  },
  Beta: (g, args) => {
    const [a, b] = [arg(args, "a"), arg(args, "b")];
    const sum = g.add(a, b);
    const own = g.add(g.mul(g.sub(a, 1), g.digamma(a)), g.mul(g.sub(b, 1), g.digamma(b)));
    return g.add(g.sub(lbeta(g, a, b), own), g.mul(g.sub(sum, 2), g.digamma(sum)));
  },
  /** With H_b = ψ(b + 1) + γ. */
  Kumaraswamy: (g, args) => {
    const [a, b] = [arg(args, "a"), arg(args, "b")];
    const harmonic = g.add(g.digamma(g.add(b, 1)), EULER);
    const slopes = g.add(g.sub(1, g.reciprocal(b)), g.mul(g.sub(1, g.reciprocal(a)), harmonic));
    return g.sub(slopes, g.add(g.log(a), g.log(b)));
  },
  Laplace: scaled("b", 1 + LOG_2),
  Logistic: scaled("s", 2),
  Gumbel: scaled("beta", 1 + EULER),
  Cauchy: scaled("sigma", 2 * LOG_2 + LOG_PI),
  HalfCauchy: scaled("sigma", LOG_2 + LOG_PI),
  StudentT: student,
  HalfStudentT: (g, args) => g.sub(student(g, args), LOG_2),
  Uniform: (g, args) => g.log(g.sub(arg(args, "b"), arg(args, "a"))),
  Weibull: (g, args) => {
    const [shape, scale] = [arg(args, "shape"), arg(args, "scale")];
    const slope = g.mul(EULER, g.sub(1, g.reciprocal(shape)));
    return g.add(g.add(slope, g.log(g.div(scale, shape))), 1);
  },
  Pareto: (g, args) => {
    const [low, alpha] = [arg(args, "x_min"), arg(args, "alpha")];
    return g.add(g.add(g.log(g.div(low, alpha)), g.reciprocal(alpha)), 1);
  },
  VonMises: (g, args) => {
    const kappa = arg(args, "kappa");
    return g.sub(g.add(g.logI0(kappa), LOG_2PI), g.mul(kappa, g.besselRatio(kappa)));
  },
  Bernoulli: (g, args) => {
    const p = successProbability(g, args);
    const { success, failure } = logOdds(g, args);
    return g.neg(g.add(timesLog(g, p, success), timesLog(g, g.sub(1, p), failure)));
  },
  Categorical: (g, args) => {
    const logs = logWeights(g, args);
    return g.neg(sumEvent(g, timesLog(g, g.exp(logs), logs), 1));
  },
  Geometric: (g, args) => {
    const p = arg(args, "p");
    const failures = timesLog(g, g.sub(1, p), logComplement(g, p));
    return g.neg(g.add(g.div(failures, p), logProbability(g, p)));
  },
  Dirichlet: (g, args) => {
    const alpha = arg(args, "alpha");
    const size = alpha.shape[alpha.shape.length - 1];
    const sum = sumEvent(g, alpha, 1);
    const normaliser = g.sub(sumEvent(g, g.lgamma(alpha), 1), g.lgamma(sum));
    const logs = g.sub(g.digamma(alpha), alongEvent(g, g.digamma(sum), [size]));
    return g.sub(normaliser, sumEvent(g, g.mul(g.sub(alpha, 1), logs), 1));
  },
  MvNormal: normalVector("MvNormal"),
  LowRankMvNormal: normalVector("LowRankMvNormal"),
  MatrixNormal: (g, args) => {
    const [u, v] = [arg(args, "U"), arg(args, "V")];
    const [rows, columns] = [u.shape[u.shape.length - 1], v.shape[v.shape.length - 1]];
    const [left, right] = [u, v].map((x) => sumLogDiagonal(g, g.cholesky(x)));
    const scale = g.add(g.mul(columns, left), g.mul(rows, right));
    return g.add(scale, rows * columns * (HALF_LOG_2PI + 0.5));
  },
  Wishart: (g, args) => {
    const v = arg(args, "V");
    const size = v.shape[v.shape.length - 1];
    const scale = g.mul(size + 1, sumLogDiagonal(g, g.cholesky(v)));
    return g.add(scale, wishartEntropy(g, arg(args, "nu"), size));
  },
  /** X = Y⁻¹ with Y ~ Wishart(ν, S⁻¹), and log |dY/dX| = −(D + 1) log |X|. */
  InverseWishart: (g, args) => {
    const [nu, s] = [arg(args, "nu"), arg(args, "S")];
    const size = s.shape[s.shape.length - 1];
    const scale = g.mul(size + 1, sumLogDiagonal(g, g.cholesky(s)));
    const turned = g.mul(size + 1, expectedLogDet(g, nu, size));
    return g.sub(g.add(scale, wishartEntropy(g, nu, size)), turned);
  },
};
