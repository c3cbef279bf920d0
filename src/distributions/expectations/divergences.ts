/**
 * Kullback–Leibler divergences of pairs of one family, arranged so that equal arguments give 0 and
 * large ones lose no digits to entropies that cancel (Gil, Alajaji and Linder 2013, table 1).
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { NodeArgs } from "../contract.js";
import { logOdds, successProbability } from "../discrete/bernoulli.js";
import { sumEvent } from "../shared/batch.js";
import { logComplement, logProbability } from "../shared/logs.js";
import { arg } from "../shared/spec.js";
import type { DivergenceRule } from "./contract.js";
import { expectedSquare, gaussian } from "./gaussian.js";
import { logWeights, timesLog } from "./labels.js";

/** ½ (r² − 1 − log r²) + ½ d², r = σ_q/σ_p and d = (μ_q − μ_p)/σ_p. */
const normal: DivergenceRule = (g, q, p) => {
  const scale = arg(p, "sigma");
  const r = g.div(arg(q, "sigma"), scale);
  const d = g.div(g.sub(arg(q, "mu"), arg(p, "mu")), scale);
  return g.mul(0.5, g.add(excess(g, g.square(r)), g.square(d)));
};

/** x − 1 − log x ≥ 0 */
const excess = (g: GraphBuilder, x: Node): Node => g.sub(g.sub(x, 1), g.log(x));

/** (a − a') ψ(a) − log Γ(a) + log Γ(a') */
const shapes = (g: GraphBuilder, a: Node, b: Node): Node =>
  g.add(g.mul(g.sub(a, b), g.digamma(a)), g.sub(g.lgamma(b), g.lgamma(a)));

/** Of gammas and their reciprocals: shapes a, a' and the ratio β'/β of rates or scales. */
function gammas(g: GraphBuilder, a: Node, b: Node, ratio: Node): Node {
  const scales = g.sub(g.mul(a, g.sub(ratio, 1)), g.mul(b, g.log(ratio)));
  return g.add(shapes(g, a, b), scales);
}

const logit = (g: GraphBuilder, args: NodeArgs): { p: Node; yes: Node; no: Node } => {
  const { success, failure } = logOdds(g, args);
  return { p: successProbability(g, args), yes: success, no: failure };
};

/** q log(q/p) + (1 − q) log((1 − q)/(1 − p)) */
const bernoulli = (g: GraphBuilder, q: NodeArgs, p: NodeArgs): Node => {
  const [a, b] = [logit(g, q), logit(g, p)];
  const chance = g.sub(1, a.p);
  const yes = g.sub(timesLog(g, a.p, a.yes), timesLog(g, a.p, b.yes));
  return g.add(yes, g.sub(timesLog(g, chance, a.no), timesLog(g, chance, b.no)));
};

const vectors =
  (qName: string, pName: string): DivergenceRule =>
  (g, q, p) => {
    const [a, b] = [gaussian(g, { name: qName, args: q }), gaussian(g, { name: pName, args: p })];
    const scale = g.sub(b.logScale, a.logScale);
    return g.add(scale, g.mul(0.5, g.sub(expectedSquare(g, a, b), a.size)));
  };

/** log of a rate that may be given as such. */
const logRate = (g: GraphBuilder, args: NodeArgs): Node =>
  args.log_rate ?? logProbability(g, arg(args, "rate"));

/** By the names of both distributions, the guide's first. */
export const divergences: Readonly<Record<string, DivergenceRule>> = {
  "Normal Normal": normal,
  "LogNormal LogNormal": normal,
  "HalfNormal HalfNormal": (g, q, p) => {
    const r = g.div(arg(q, "sigma"), arg(p, "sigma"));
    return g.mul(0.5, excess(g, g.square(r)));
  },
  "Exponential Exponential": (g, q, p) => excess(g, g.div(arg(p, "rate"), arg(q, "rate"))),
  "Gamma Gamma": (g, q, p) =>
    gammas(g, arg(q, "shape"), arg(p, "shape"), g.div(arg(p, "rate"), arg(q, "rate"))),
  "InverseGamma InverseGamma": (g, q, p) =>
    gammas(g, arg(q, "shape"), arg(p, "shape"), g.div(arg(p, "scale"), arg(q, "scale"))),
  "ChiSquare ChiSquare": (g, q, p) => shapes(g, g.mul(0.5, arg(q, "nu")), g.mul(0.5, arg(p, "nu"))),
  "Beta Beta": (g, q, p) => {
    const [a, b, c, d] = [arg(q, "a"), arg(q, "b"), arg(p, "a"), arg(p, "b")];
    const own = g.add(shapes(g, a, c), shapes(g, b, d));
    return g.sub(own, shapes(g, g.add(a, b), g.add(c, d)));
  },
  /** |μ_q − μ_p|/b_p + (b_q/b_p) e^(−|μ_q − μ_p|/b_q) − log(b_q/b_p) − 1. */
  "Laplace Laplace": (g, q, p) => {
    const d = g.abs(g.sub(arg(q, "mu"), arg(p, "mu")));
    const [b, c] = [arg(q, "b"), arg(p, "b")];
    const r = g.div(b, c);
    const near = g.mul(r, g.expm1(g.neg(g.div(d, b))));
    return g.add(g.add(g.div(d, c), near), excess(g, r));
  },
  "VonMises VonMises": (g, q, p) => {
    const [k, l] = [arg(q, "kappa"), arg(p, "kappa")];
    const turned = g.mul(l, g.cos(g.sub(arg(q, "mu"), arg(p, "mu"))));
    const pull = g.mul(g.sub(k, turned), g.besselRatio(k));
    return g.add(pull, g.sub(g.logI0(l), g.logI0(k)));
  },
  "Bernoulli Bernoulli": bernoulli,
  /** The same number of trials: n times that of one. */
  "Binomial Binomial": (g, q, p) =>
    arg(q, "n") === arg(p, "n") ? g.mul(arg(q, "n"), bernoulli(g, q, p)) : undefined,
  "Categorical Categorical": (g, q, p) => {
    const [a, b] = [logWeights(g, q), logWeights(g, p)];
    const weights = g.exp(a);
    return sumEvent(g, g.sub(timesLog(g, weights, a), timesLog(g, weights, b)), 1);
  },
  "Geometric Geometric": (g, q, p) => {
    const [a, b] = [arg(q, "p"), arg(p, "p")];
    const fails = g.sub(1, a);
    const rest = g.sub(
      timesLog(g, fails, logComplement(g, a)),
      timesLog(g, fails, logComplement(g, b)),
    );
    return g.add(g.div(rest, a), g.sub(logProbability(g, a), logProbability(g, b)));
  },
  "Poisson Poisson": (g, q, p) => {
    const [a, b] = [logRate(g, q), logRate(g, p)];
    const rate = g.exp(a);
    const gain = g.sub(timesLog(g, rate, a), timesLog(g, rate, b));
    return g.add(gain, g.sub(g.exp(b), rate));
  },
  "Dirichlet Dirichlet": (g, q, p) => {
    const [a, b] = [arg(q, "alpha"), arg(p, "alpha")];
    const [sa, sb] = [sumEvent(g, a, 1), sumEvent(g, b, 1)];
    return g.sub(sumEvent(g, shapes(g, a, b), 1), shapes(g, sa, sb));
  },
  "MvNormal MvNormal": vectors("MvNormal", "MvNormal"),
  "MvNormal LowRankMvNormal": vectors("MvNormal", "LowRankMvNormal"),
  "LowRankMvNormal MvNormal": vectors("LowRankMvNormal", "MvNormal"),
  "LowRankMvNormal LowRankMvNormal": vectors("LowRankMvNormal", "LowRankMvNormal"),
  "MatrixNormal MatrixNormal": (g, q, p) => matrices(g, q, p),
};

/** Σ = V ⊗ U on both sides: the trace is that of U_p⁻¹ U_q times that of V_p⁻¹ V_q. */
function matrices(g: GraphBuilder, q: NodeArgs, p: NodeArgs): Node {
  const [u, v, s, t] = [arg(q, "U"), arg(q, "V"), arg(p, "U"), arg(p, "V")].map((x) =>
    g.cholesky(x),
  );
  const [rows, columns] = [u.shape[u.shape.length - 1], v.shape[v.shape.length - 1]];
  const white = (l: Node, x: Node): Node => g.triangularSolve(l, x);
  const size = (x: Node): Node => sumEvent(g, g.square(x), 2);
  const halfLog = (x: Node): Node => sumEvent(g, g.log(diagonalOf(g, x)), 1);
  const trace = g.mul(size(white(s, u)), size(white(t, v)));
  const d = white(s, g.sub(arg(q, "M"), arg(p, "M")));
  const axes = d.shape.map((_, k) => k);
  const swapped = g.transpose(d, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
  const squared = size(white(t, swapped));
  const scale = g.add(
    g.mul(columns, g.sub(halfLog(s), halfLog(u))),
    g.mul(rows, g.sub(halfLog(t), halfLog(v))),
  );
  return g.add(scale, g.mul(0.5, g.sub(g.add(trace, squared), rows * columns)));
}

function diagonalOf(g: GraphBuilder, m: Node): Node {
  const n = m.shape[m.shape.length - 1];
  const data = Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0));
  const eye = g.broadcast(g.constant(data, [n, n]), m.shape, [
    m.shape.length - 2,
    m.shape.length - 1,
  ]);
  return sumEvent(g, g.mul(m, eye), 1);
}
