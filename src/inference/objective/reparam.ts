/**
 * Draws as differentiable functions of noise: x = f(noise; arguments) with noise of a fixed law, so
 * that gradients of expectations go through f (Kingma and Welling 2013, section 2.4). One rule a
 * distribution; each is the inverse distribution function or a location and scale, which make the
 * law exact. The rules write model IR, so that a draw in a recurrence becomes a scan like any let.
 */
import { internalError } from "../../base/internal.js";
import type { DistExpr, Expr, Type } from "../../model/ir.js";
import type { NoiseLaw } from "./contract.js";
import { call, elementwise as f } from "./expressions.js";

type Named = Extract<DistExpr, { kind: "named" }>;

/** The law of a noise array with the site's elements; `uniforms`: K of them for each, of a label. */
export type RuleLaw = NoiseLaw | "uniforms";

/** A function of several noise arrays. */
export interface Rule {
  readonly laws: readonly RuleLaw[];
  readonly draw: (args: Named["args"], noise: readonly Expr[]) => Expr;
}

export interface ReparamRule {
  readonly law: NoiseLaw;
  /** `noise` has the event's type. */
  readonly draw: (args: Named["args"], noise: Expr) => Expr;
}

const shifted = (location: Expr, scale: Expr, x: Expr): Expr =>
  f("add", location, f("mul", scale, x));

/** −log(1 − u), a standard exponential; log1p keeps the small ones. */
const exponential = (u: Expr): Expr => f("neg", f("log1p", f("neg", u)));

export const reparamRules: Readonly<Record<string, ReparamRule>> = {
  Normal: { law: "normal", draw: (a, n) => shifted(a.mu, a.sigma, n) },
  HalfNormal: { law: "normal", draw: (a, n) => f("mul", a.sigma, f("abs", n)) },
  LogNormal: { law: "normal", draw: (a, n) => f("exp", shifted(a.mu, a.sigma, n)) },
  /** μ + σ tan(π (u − ½)) */
  Cauchy: {
    law: "uniform",
    draw: (a, u) => shifted(a.mu, a.sigma, f("tan", f("mul", f("sub", u, 0.5), Math.PI))),
  },
  HalfCauchy: {
    law: "uniform",
    draw: (a, u) => f("mul", a.sigma, f("tan", f("mul", u, Math.PI / 2))),
  },
  /** μ − b sign(v) log(1 − 2|v|), v = u − ½ */
  Laplace: {
    law: "uniform",
    draw: (a, u) => {
      const v = f("sub", u, 0.5);
      const tail = f("log1p", f("mul", f("abs", v), -2));
      return f("sub", a.mu, f("mul", a.b, f("mul", f("sign", v), tail)));
    },
  },
  Logistic: { law: "uniform", draw: (a, u) => shifted(a.mu, a.s, f("logit", u)) },
  /** μ − β log(−log u) */
  Gumbel: {
    law: "uniform",
    draw: (a, u) => f("sub", a.mu, f("mul", a.beta, f("log", f("neg", f("log", u))))),
  },
  Exponential: { law: "uniform", draw: (a, u) => f("div", exponential(u), a.rate) },
  Uniform: { law: "uniform", draw: (a, u) => shifted(a.a, f("sub", a.b, a.a), u) },
  /** (1 − (1 − u)^(1/b))^(1/a), by logarithms */
  Kumaraswamy: {
    law: "uniform",
    draw: (a, u) => f("exp", f("div", f("log1mexp", f("div", f("log", u), a.b)), a.a)),
  },
  /** scale · (−log(1 − u))^(1/shape) */
  Weibull: {
    law: "uniform",
    draw: (a, u) => f("mul", a.scale, f("exp", f("div", f("log", exponential(u)), a.shape))),
  },
  /** x_min · (1 − u)^(−1/α) */
  Pareto: {
    law: "uniform",
    draw: (a, u) => f("mul", a.x_min, f("exp", f("div", exponential(u), a.alpha))),
  },
  /** μ + L n with L Lᵀ = Σ; with a precision P = L Lᵀ it is μ + L⁻ᵀ n. */
  MvNormal: {
    law: "normal",
    draw: (a, n) => {
      if (a.cholesky !== undefined) return f("add", a.mu, product(a.cholesky, n));
      if (a.cov !== undefined) return f("add", a.mu, product(factor(a.cov), n));
      const upper = call("transpose", [factor(a.precision)], a.precision.type);
      return f("add", a.mu, call("solve", [upper, n], n.type));
    },
  },
};

function factor(matrix: Expr): Expr {
  return call("cholesky", [matrix], matrix.type);
}
function product(matrix: Expr, vector: Expr): Expr {
  const type: Type = { scalar: "real", dims: [matrix.type.dims[0]] };
  return call("matmul", [matrix, vector], type);
}

/** The rule of a distribution that has one. */
export function reparamRule(name: string): ReparamRule {
  return reparamRules[name] ?? internalError(`no differentiable draw of ${name}`);
}
