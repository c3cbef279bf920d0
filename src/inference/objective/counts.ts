/** Draws of counts, which have no differentiable form. */
import type { DistExpr, Expr, Type } from "../../model/ir.js";
import { call, elementwise as f } from "./expressions.js";
import type { Rule } from "./reparam.js";

type Args = Extract<DistExpr, { kind: "named" }>["args"];

/** Half the window that the inversion searches. */
const half = 32;

export const rateOf = (a: Args): Expr => a.rate ?? f("exp", a.log_rate);

/**
 * Inversion: how many k have P(X ≤ k) < u, by bisection of a window of 64 counts around the
 * Cornish–Fisher expansion of the quantile, λ + √λ n + (n² − 1)/6 (Cornish and Fisher 1938), with n
 * the normal quantile of u. Uniforms of 53 bits reach |n| ≤ 8.3, where the expansion is off by a few
 * counts at any λ; where it lies below 32 the window begins at 0.
 */
function poisson(rate: Expr, u: Expr): Expr {
  const dims = u.type.dims;
  const int: Type = { scalar: "int", dims };
  const n = f("normal_quantile", u);
  const expansion = f(
    "add",
    f("add", rate, f("mul", f("sqrt", rate), n)),
    f("div", f("sub", f("square", n), 1), 6),
  );
  const floor = call("floor", [expansion], int);
  const low = f("maximum", f("sub", floor, half), 0);
  const span = u.span;
  const lets: { name: string; value: Expr }[] = [];
  const local = (name: string, value: Expr): Expr => {
    const unique = `${name}@${span.start}.${lets.length}`;
    lets.push({ name: unique, value });
    return { kind: "var", name: unique, role: "local", span, type: value.type };
  };
  let k = local("count", low);
  const lambda = local("rate", rate);
  for (let step = half; step >= 1; step /= 2) {
    const last = f("add", k, step - 1);
    const below = f("lt", cdf(last, lambda), u);
    k = local("count", f("add", k, f("mul", f("mul", below, 1), step)));
  }
  const result = call("round", [k], int);
  return { kind: "block", lets, result, span, type: int };
}

/** One rule a distribution over counts. */
export const countRules: Readonly<Record<string, Rule>> = {
  Poisson: { laws: ["uniform"], draw: (a, [u]) => poisson(rateOf(a), u) },
};

/** P(X ≤ k) */
function cdf(k: Expr, rate: Expr): Expr {
  const { span } = k;
  const event: Type = { scalar: "int", dims: rate.type.dims };
  const support = { kind: "count" as const };
  const dist: DistExpr = { kind: "named", name: "Poisson", args: { rate }, event, support, span };
  const type: Type = { scalar: "real", dims: k.type.dims };
  return { kind: "dist_method", dist, method: "cdf", args: [k], span, type };
}
