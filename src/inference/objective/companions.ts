/**
 * Values beside a draw that estimators of its gradient need: relaxed draws and means of bits, and
 * the log density of noise that was accepted or refused. Each is a definition beside the site's own,
 * over noise that they share.
 */
import { drawnFrom, type Strategy } from "../../model/strategy.js";
import type { DistExpr, Expr } from "../../model/ir.js";
import type { NoiseLaw } from "./contract.js";
import { elementwise as f } from "./expressions.js";
import { acceptedRules } from "./gamma.js";

type Args = Extract<DistExpr, { kind: "named" }>["args"];

/** A function of several noise arrays. */
export interface Rule {
  readonly laws: readonly NoiseLaw[];
  readonly draw: (args: Args, noise: readonly Expr[]) => Expr;
}

export type CompanionKind =
  /** A relaxed bit, whose rounding is the draw. */
  | "relaxed"
  /** A relaxed bit drawn given the draw. */
  | "conditional"
  /** The mean of the bit. */
  | "mean"
  /** log π of the accepted noise. */
  | "accepted";

export function companionName(site: string, kind: CompanionKind): string {
  return `${site}~${kind}`;
}

const temperature = 0.5;

const logitsOf = (a: Args): Expr => a.logits ?? f("logit", a.p);
const meanOf = (a: Args): Expr => a.p ?? f("sigmoid", a.logits);
const soft = (z: Expr): Expr => f("sigmoid", f("div", z, temperature));

/** σ((logit p − logit u)/λ): above ½ exactly where u < p, which is the draw. */
const relaxed: Rule = {
  laws: ["uniform"],
  draw: (a, [u]) => soft(f("sub", logitsOf(a), f("logit", u))),
};

/**
 * The same for a fresh u given the draw b, uniform on (0, p) where b = 1 and on (p, 1) elsewhere
 * (Tucker et al. 2017, appendix C).
 */
const conditional: Rule = {
  laws: ["uniform", "uniform"],
  draw: (a, [u, v]) => {
    const p = meanOf(a);
    const b = f("stop_gradient", f("real", f("lt", u, p)));
    const below = f("mul", p, v);
    // logit of p + v (1 − p), by way of the part above it
    const above = f("mul", f("sub", 1, p), v);
    const low = f("sub", logitsOf(a), f("logit", below));
    const high = f("add", logitsOf(a), f("logit", above));
    return soft(f("add", f("mul", b, low), f("mul", f("sub", 1, b), high)));
  },
};

/** The uniform gives the shape of a repeated draw. */
const mean: Rule = {
  laws: ["uniform"],
  draw: (a, [u]) => f("add", meanOf(a), f("mul", u, 0)),
};

/** The companions of a site's draw under a strategy. */
export function companionsOf(strategy: Strategy, d: DistExpr): Map<CompanionKind, Rule> {
  const name = drawnFrom(d) ?? "";
  if (strategy.kind === "rebar" && name === "Bernoulli") {
    return new Map([
      ["relaxed", relaxed],
      ["conditional", conditional],
    ]);
  }
  const baseline = strategy.kind === "reinforce" ? strategy.baseline : "none";
  if ((baseline === "muprop" || baseline === "nvil") && name === "Bernoulli") {
    return new Map([["mean", mean]]);
  }
  const accepted = acceptedRules[name];
  if (strategy.kind === "reparam" && accepted !== undefined) {
    return new Map([["accepted", { laws: accepted.laws, draw: accepted.logNoise }]]);
  }
  return new Map();
}
