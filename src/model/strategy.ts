/**
 * How the gradient of an expectation passes through a random draw (`x ~ D using …`), and for which
 * distributions each way exists.
 */
import type { Span } from "../base/span.js";
import type { DistExpr, Expr } from "./ir.js";

/** What is subtracted from the cost before it multiplies the score. */
export const baselines = ["none", "constant", "moving_average", "nvil", "muprop"] as const;
export type Baseline = (typeof baselines)[number];

export type Strategy =
  /** The draw as a differentiable function of noise whose law is fixed. */
  | { readonly kind: "reparam"; readonly span: Span }
  /** (cost − baseline) · ∇ log density: the score function. */
  | { readonly kind: "reinforce"; readonly span: Span; readonly baseline: Baseline }
  /** A relaxed draw in the simplex; biased. */
  | { readonly kind: "gumbel"; readonly span: Span; readonly temperature: Expr }
  /** A hard draw with the gradient of the relaxed one; biased. */
  | { readonly kind: "straight_through"; readonly span: Span; readonly temperature: Expr }
  /** The score function with the relaxed draw as its control variate; unbiased. */
  | { readonly kind: "rebar"; readonly span: Span }
  /** The exact sum over the values. */
  | { readonly kind: "enumerate"; readonly span: Span }
  /** Measure-valued derivatives: differences of the cost at two coupled draws. */
  | { readonly kind: "mvd"; readonly span: Span };
export type StrategyKind = Strategy["kind"];

export const strategyKinds: readonly StrategyKind[] = [
  "reparam",
  "reinforce",
  "gumbel",
  "straight_through",
  "rebar",
  "enumerate",
  "mvd",
];

/** Draws that are a differentiable function of the parameters and of fixed noise. */
export const reparameterised: ReadonlySet<string> = new Set([
  "Normal",
  "HalfNormal",
  "LogNormal",
  "Cauchy",
  "HalfCauchy",
  "Laplace",
  "Logistic",
  "Gumbel",
  "Exponential",
  "Uniform",
  "Kumaraswamy",
  "Weibull",
  "Pareto",
  "MvNormal",
  "Gamma",
  "InverseGamma",
  "ChiSquare",
  "Beta",
  "Dirichlet",
  "StudentT",
]);

/** Finitely many values that stand in the distribution itself. */
const finite: ReadonlySet<string> = new Set(["Bernoulli", "Categorical"]);

/** Whose densities have derivatives in their parameters that are differences of two densities. */
const weak: ReadonlySet<string> = new Set([
  "Normal",
  "Bernoulli",
  "Poisson",
  "Exponential",
  "Gamma",
]);

/** The one distribution that the draws have, repeated or not; undefined for mixtures and the like. */
export function drawnFrom(d: DistExpr): string | undefined {
  if (d.kind === "iid") return drawnFrom(d.base);
  return d.kind === "named" ? d.name : undefined;
}

/**
 * Whether a strategy can be used for draws of `d`. The score function needs no more than a density;
 * `Flat` is none.
 */
export function isValidStrategy(kind: StrategyKind, d: DistExpr): boolean {
  const name = drawnFrom(d);
  switch (kind) {
    case "reparam":
      return name !== undefined && reparameterised.has(name);
    case "reinforce":
      return name !== "Flat";
    case "gumbel":
    case "straight_through":
    case "rebar":
    case "enumerate":
      return name !== undefined && finite.has(name);
    case "mvd":
      return name !== undefined && weak.has(name);
  }
}

/** Every strategy that is valid for `d`, best first. */
export function validStrategies(d: DistExpr): StrategyKind[] {
  return strategyKinds.filter((k) => isValidStrategy(k, d));
}
