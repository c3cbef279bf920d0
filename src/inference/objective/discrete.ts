/**
 * Draws of distributions with finitely many values, and what estimators need beside them, as
 * functions of noise. Hard draws invert the distribution function or take the largest perturbed
 * log probability; relaxed ones (Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017) are
 * differentiable and biased. A bit's relaxed value is a number in [0, 1], a label's are K weights.
 */
import type { DistExpr, Expr, Type } from "../../model/ir.js";
import { call, constant, elementwise as f } from "./expressions.js";
import type { Rule } from "./reparam.js";

type Args = Extract<DistExpr, { kind: "named" }>["args"];
type Temperature = Expr | number;

interface DiscreteRules {
  readonly hard: Rule;
  /** The draw whose rounding `relaxed` is, on the same noise. */
  readonly rounded: Rule;
  /** At temperature t → 0 it is the hard draw. */
  readonly relaxed: (temperature: Temperature) => Rule;
  /** The value of the rounded draw with the derivative of the relaxed one. */
  readonly straightThrough: (temperature: Temperature) => Rule;
  /** The relaxed draw once more, given the rounded one. */
  readonly conditional: (temperature: Temperature) => Rule;
  /** The mean of the number, or of the weights. */
  readonly mean: Rule;
}

const logitsOf = (a: Args): Expr => a.logits ?? f("logit", a.p);
const meanOf = (a: Args): Expr => a.p ?? f("sigmoid", a.logits);
const scalarInt: Type = { scalar: "int", dims: [] };
const soften = (x: Expr, t: Temperature): Expr => f("sigmoid", f("div", x, t));
/** A definition of the value of `hard` and the derivative of `soft`. */
const through = (soft: Expr, hard: Expr): Expr =>
  f("add", soft, f("stop_gradient", f("sub", hard, soft)));

/** logit p − logit u: above 0 exactly where u < p, which is the draw. */
const noisyLogit = (a: Args, u: Expr): Expr => f("sub", logitsOf(a), f("logit", u));

const bits: DiscreteRules = {
  hard: { laws: ["uniform"], draw: (a, [u]) => f("lt", u, meanOf(a)) },
  rounded: { laws: ["uniform"], draw: (a, [u]) => f("lt", u, meanOf(a)) },
  relaxed: (t) => ({ laws: ["uniform"], draw: (a, [u]) => soften(noisyLogit(a, u), t) }),
  straightThrough: (t) => ({
    laws: ["uniform"],
    draw: (a, [u]) => {
      const noisy = noisyLogit(a, u);
      return through(soften(noisy, t), f("real", f("lt", f("neg", noisy), 0)));
    },
  }),
  /**
   * For a fresh u given the draw b, uniform on (0, p) where b = 1 and on (p, 1) elsewhere (Tucker et
   * al. 2017, appendix C). With s = ±1 for b and l = logit p, logit p − logit u is
   * s (log(1 + e^(s l) (1 − v)) − log v), which no p comes to infinity in.
   */
  conditional: (t) => ({
    laws: ["uniform", "uniform"],
    draw: (a, [u, v]) => {
      const b = f("stop_gradient", f("real", f("lt", u, meanOf(a))));
      const sign = f("sub", f("mul", 2, b), 1);
      const inner = f("add", f("mul", sign, logitsOf(a)), f("log1p", f("neg", v)));
      const size = f("sub", f("softplus", inner), f("log", v));
      return soften(f("mul", sign, size), t);
    },
  }),
  /** The uniform gives the shape of a repeated draw. */
  mean: { laws: ["uniform"], draw: (a, [u]) => f("add", meanOf(a), f("mul", u, 0)) },
};

const logProbabilities = (a: Args): Expr =>
  a.logits === undefined ? f("log", a.p) : call("log_softmax", [a.logits], a.logits.type);
const probabilities = (a: Args): Expr => a.p ?? call("softmax", [a.logits], a.logits.type);
const gumbel = (u: Expr): Expr => f("neg", f("log", f("neg", f("log", u))));
const softmax = (x: Expr, t: Temperature): Expr => {
  const scaled = f("div", x, t);
  return call("softmax", [scaled], scaled.type);
};
/** Which of the numbers is the largest, as bools. */
const isLargest = (x: Expr): Expr => f("le", call("max", [x], { scalar: "real", dims: [] }), x);
const corner = (x: Expr): Expr => f("stop_gradient", f("mul", isLargest(x), 1));
const perturbed = (a: Args, u: Expr): Expr => f("add", logProbabilities(a), gumbel(u));
/** Where a probability is too small for a number, its reciprocal is this. */
const largestLog = 700;

const labels: DiscreteRules = {
  /** How many of the cumulated probabilities lie below u. */
  hard: {
    laws: ["uniform"],
    draw: (a, [u]) => {
      const p = probabilities(a);
      const below = f("lt", call("cumsum", [p], p.type), u);
      const ones = call("int", [below], { scalar: "int", dims: below.type.dims });
      const count = call("sum", [ones], scalarInt);
      // Rounding can leave the last cumulated probability below u.
      const one = constant(1, u.span, "int");
      const last = call("sub", [call("size", [p], scalarInt), one], scalarInt);
      return call("minimum", [count, last], scalarInt);
    },
  },
  /** Σ_k k [k is the largest] (Gumbel 1954; Maddison, Tarlow and Minka 2014) */
  rounded: {
    laws: ["uniforms"],
    draw: (a, [u]) => {
      const isIt = isLargest(perturbed(a, u));
      const ints: Type = { scalar: "int", dims: isIt.type.dims };
      const from = constant(0, u.span, "int");
      const all = call("range", [from, call("size", [isIt], scalarInt)], ints);
      return call("sum", [call("mul", [call("int", [isIt], ints), all], ints)], scalarInt);
    },
  },
  relaxed: (t) => ({ laws: ["uniforms"], draw: (a, [u]) => softmax(perturbed(a, u), t) }),
  straightThrough: (t) => ({
    laws: ["uniforms"],
    draw: (a, [u]) => through(softmax(perturbed(a, u), t), corner(perturbed(a, u))),
  }),
  /**
   * −log(−log v_k) where k is the label, −log(−log v_j / p_j − log v_k) elsewhere (Tucker et al.
   * 2017, appendix C).
   */
  conditional: (t) => ({
    laws: ["uniforms", "uniforms"],
    draw: (a, [u, v]) => {
      const b = corner(perturbed(a, u));
      const rate = f("neg", f("log", v));
      const top = call("sum", [f("mul", b, rate)], { scalar: "real", dims: [] });
      const inverse = f("exp", f("minimum", f("neg", logProbabilities(a)), largestLog));
      const other = f("add", f("mul", rate, inverse), top);
      const z = f("add", f("mul", b, top), f("mul", f("sub", 1, b), other));
      return softmax(f("neg", f("log", z)), t);
    },
  }),
  mean: { laws: ["uniforms"], draw: (a, [u]) => f("add", probabilities(a), f("mul", u, 0)) },
};

export const discreteRules: Readonly<Record<string, DiscreteRules>> = {
  Bernoulli: bits,
  Categorical: labels,
};
