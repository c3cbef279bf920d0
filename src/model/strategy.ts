/**
 * How the gradient of an expectation passes through a random draw (`x ~ D using …`), and for which
 * distributions each way exists.
 */
import type { Span } from "../base/span.js";
import type { BuiltinName } from "./builtins.js";
import type { DistExpr, Expr } from "./ir.js";
import { childExprs, dependsOnRandom } from "./traverse.js";

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

/** The distribution under repetitions. */
export function repeatedFrom(d: DistExpr): DistExpr {
  return d.kind === "iid" ? repeatedFrom(d.base) : d;
}

/** Functions that jump, so that the slope of a draw through them is not that of its law. */
const jumps: ReadonlySet<BuiltinName> = new Set([
  "sign",
  "floor",
  "ceil",
  "round",
  "int",
  "idiv",
  "mod",
  "lt",
  "le",
  "gt",
  "ge",
  "eq",
  "ne",
]);

/**
 * Whether a draw is a function of fixed noise whose slope is that of its law: of the table's
 * distributions the known ones, of the text's those that make it of such draws without a jump.
 */
function isPath(d: DistExpr): boolean {
  const own = repeatedFrom(d);
  if (own.kind === "named") return reparameterised.has(own.name);
  if (own.kind !== "written" || own.event.scalar !== "real") return false;
  const { sampler } = own;
  if (sampler === undefined || sampler.within !== undefined) return false;
  const names = new Set(sampler.draws.map((x) => x.name));
  return sampler.draws.every((x) => isPath(x.dist)) && !jumpsAt(sampler.value, names);
}

/** Whether something that depends on one of the names is cut by a jump. */
function jumpsAt(e: Expr, names: ReadonlySet<string>): boolean {
  if (e.kind === "block") {
    const all = new Set(names);
    for (const l of e.lets) {
      if (jumpsAt(l.value, all)) return true;
      if (dependsOnRandom(l.value, all)) all.add(l.name);
    }
    return jumpsAt(e.result, all);
  }
  if (e.kind === "call" && jumps.has(e.fn) && dependsOnRandom(e, names)) return true;
  if (e.kind === "if" && dependsOnRandom(e.condition, names)) return true;
  return childExprs(e).some((c) => jumpsAt(c, names));
}

/**
 * Whether a strategy can be used for draws of `d`. The score function needs no more than a density;
 * `Flat` is none.
 */
export function isValidStrategy(kind: StrategyKind, d: DistExpr): boolean {
  const name = drawnFrom(d);
  switch (kind) {
    case "reparam":
      return isPath(d);
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
