/**
 * Measure-valued derivatives (Pflug 1989; Mohamed, Rosca, Figurnov and Mnih 2020, table 1): for a
 * parameter φ of a distribution, ∂/∂φ E[f(z)] = E[c (f(z⁺) − f(z⁻))], with z⁺ and z⁻ drawn on the same
 * noise as far as that goes, so that their difference varies little. No derivative of f is needed.
 */
import type { DistExpr, Expr, Type } from "../../model/ir.js";
import { countRules, rateOf } from "./counts.js";
import { call, elementwise as f } from "./expressions.js";
import { acceptedRules } from "./gamma.js";
import type { RuleLaw } from "./reparam.js";
import { baseOf } from "./replicate.js";

export type Args = Extract<DistExpr, { kind: "named" }>["args"];
type Draw = (a: Args, noise: readonly Expr[]) => Expr;

/** One parameter: expressions over the same noise. */
export interface WeakDerivative {
  readonly laws: readonly RuleLaw[];
  readonly plus: Draw;
  readonly minus: Draw;
  /** c, in the shape of the draw. */
  readonly weight: Draw;
  /** φ, in the shape of the draw: what gradients go on through. */
  readonly parameter: Draw;
}

export function argsOf(d: DistExpr): Args {
  const base = baseOf(d);
  return base.kind === "named" ? base.args : {};
}

/** An expression in the shape of the noise. */
const like = (x: Expr, n: Expr): Expr => f("add", x, f("mul", n, 0));
const exponential = (u: Expr): Expr => f("neg", f("log", u));
const isBelow = (u: Expr, x: number): Expr => f("lt", u, x);
const bool = (e: Expr): Type => ({ scalar: "bool", dims: e.type.dims });

/** −1 or 1 */
const coin = (u: Expr): Expr => f("sub", f("mul", 2, f("mul", isBelow(u, 0.5), 1)), 1);
const root2Pi = Math.sqrt(2 * Math.PI);

/** μ ± σ √(−2 log u), a Weibull of shape 2; c = 1/(σ √(2π)). */
const normalMean: WeakDerivative = {
  laws: ["uniform"],
  plus: (a, [u]) => f("add", a.mu, f("mul", a.sigma, f("sqrt", f("mul", 2, exponential(u))))),
  minus: (a, [u]) => f("sub", a.mu, f("mul", a.sigma, f("sqrt", f("mul", 2, exponential(u))))),
  weight: (a, [u]) => like(f("div", 1 / root2Pi, a.sigma), u),
  parameter: (a, [u]) => like(a.mu, u),
};

/**
 * μ + σ m with m of the double-sided Maxwell distribution, against μ + σ m v with v uniform, which is
 * normal; c = 1/σ. m² is twice a Gamma of shape 3/2: two exponentials and half a squared normal.
 */
function maxwell(u: Expr, n: Expr, sign: Expr): Expr {
  return f("mul", coin(sign), f("sqrt", f("add", f("mul", 2, exponential(u)), f("square", n))));
}
const normalScale: WeakDerivative = {
  laws: ["uniform", "normal", "uniform", "uniform"],
  plus: (a, [u, n, sign]) => f("add", a.mu, f("mul", a.sigma, maxwell(u, n, sign))),
  minus: (a, [u, n, sign, v]) =>
    f("add", a.mu, f("mul", a.sigma, f("mul", v, maxwell(u, n, sign)))),
  weight: (a, [u]) => like(f("div", 1, a.sigma), u),
  parameter: (a, [u]) => like(a.sigma, u),
};

const meanOf = (a: Args): Expr => a.p ?? f("sigmoid", a.logits);
/** f(1) − f(0) */
const bernoulli: WeakDerivative = {
  laws: ["uniform"],
  plus: (_, [u]) => call("lt", [f("mul", u, 0), f("add", u, 1)], bool(u)),
  minus: (_, [u]) => call("lt", [f("add", u, 1), f("mul", u, 0)], bool(u)),
  weight: (_, [u]) => f("add", f("mul", u, 0), 1),
  parameter: (a, [u]) => like(meanOf(a), u),
};

const count: Draw = (a, [u]) => countRules.Poisson.draw(a, [u]);
/** f(z + 1) − f(z) */
const poisson: WeakDerivative = {
  laws: ["uniform"],
  plus: (a, noise) => {
    const z = count(a, noise);
    return call("round", [f("add", z, 1)], z.type);
  },
  minus: count,
  weight: (_, [u]) => f("add", f("mul", u, 0), 1),
  parameter: (a, [u]) => like(rateOf(a), u),
};

/** An exponential against itself with one more added; c = 1/λ. */
const exponentialRate: WeakDerivative = {
  laws: ["uniform", "uniform"],
  plus: (a, [u]) => f("div", exponential(u), a.rate),
  minus: (a, [u, v]) => f("div", f("add", exponential(u), exponential(v)), a.rate),
  weight: (a, [u]) => like(f("div", 1, a.rate), u),
  parameter: (a, [u]) => like(a.rate, u),
};

const gamma = acceptedRules.Gamma;
const width = gamma.laws.length;

/** A Gamma of shape α against one of shape α + 1, which is it plus an exponential; c = α/β. */
const gammaRate: WeakDerivative = {
  laws: [...gamma.laws, "uniform"],
  plus: (a, noise) => gamma.draw(a, noise),
  minus: (a, noise) => f("add", gamma.draw(a, noise), f("div", exponential(noise[width]), a.rate)),
  weight: (a, [n]) => like(f("div", a.shape, a.rate), n),
  parameter: (a, [n]) => like(a.rate, n),
};

/**
 * z against ρ z with ρ = u^(1/α), c = 1/(α (1 − ρ)). By the integrals of Frullani for log z and of
 * Dirichlet for ψ(α), log z − ψ(α) = ∫₀^∞ ((1 + t)^−α − e^(−z t)) dt/t, and e^(−z t) times the density
 * of a Gamma(α, 1) is (1 + t)^−α times that of z/(1 + t); with ρ = 1/(1 + t),
 * ∂/∂α E[f(z)] = E ∫₀¹ (f(z) − f(ρ z)) ρ^(α − 1)/(1 − ρ) dρ. The difference of costs makes up for the
 * pole at ρ = 1 where f has a derivative.
 */
const gammaShape: WeakDerivative = {
  laws: [...gamma.laws, "uniform"],
  plus: (a, noise) => gamma.draw(a, noise),
  minus: (a, noise) =>
    f("mul", gamma.draw(a, noise), f("exp", f("div", f("log", noise[width]), a.shape))),
  weight: (a, noise) => {
    // 1 − ρ = −expm1(log u / α)
    const rest = f("neg", f("expm1", f("div", f("log", noise[width]), a.shape)));
    return f("div", 1, f("mul", a.shape, rest));
  },
  parameter: (a, [n]) => like(a.shape, n),
};

/** The derivatives of each distribution that has them, by its parameters. */
export const weakDerivatives: Readonly<
  Record<string, (a: Args) => Readonly<Record<string, WeakDerivative>>>
> = {
  Normal: () => ({ mu: normalMean, sigma: normalScale }),
  Bernoulli: () => ({ p: bernoulli }),
  Poisson: () => ({ rate: poisson }),
  Exponential: () => ({ rate: exponentialRate }),
  Gamma: () => ({ shape: gammaShape, rate: gammaRate }),
};
