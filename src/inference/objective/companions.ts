/**
 * Values beside a draw that estimators of its gradient need: relaxed draws and means of bits and
 * labels, and the log density of noise that was accepted or refused. Each is a definition beside the
 * site's own, over noise that they share.
 */
import type { DistExpr } from "../../model/ir.js";
import { drawnFrom, type Strategy } from "../../model/strategy.js";
import { discreteRules } from "./discrete.js";
import type { Rule } from "./reparam.js";
import { argsOf, weakDerivatives } from "./weak.js";

export type CompanionKind =
  /** A relaxed draw, whose rounding is the draw. */
  | "relaxed"
  /** A relaxed draw given the draw. */
  | "conditional"
  /** The mean of the bit, or of the label's weights. */
  | "mean"
  /** Of measure-valued derivatives: `mvd:rate.plus`, `mvd:rate.weight`, … */
  | `mvd:${string}`;

export function companionName(site: string, kind: CompanionKind): string {
  return `${site}~${kind}`;
}

/** Of the relaxations that are control variates. */
export const temperature = 0.5;

/** The companions of a site's draw under a strategy. */
export function companionsOf(strategy: Strategy, d: DistExpr): Map<CompanionKind, Rule> {
  const name = drawnFrom(d) ?? "";
  const rules = discreteRules[name];
  if (strategy.kind === "rebar" && rules !== undefined) {
    return new Map([
      ["relaxed", rules.relaxed(temperature)],
      ["conditional", rules.conditional(temperature)],
    ]);
  }
  if (strategy.kind === "mvd") {
    return new Map(
      Object.entries(weakDerivatives[name]?.(argsOf(d)) ?? {}).flatMap(([parameter, parts]) =>
        (["plus", "minus", "weight", "parameter"] as const).map((part) => [
          `mvd:${parameter}.${part}` as const,
          { laws: parts.laws, draw: parts[part] },
        ]),
      ),
    );
  }
  const baseline = strategy.kind === "reinforce" ? strategy.baseline : "none";
  if (strategy.kind === "enumerate" && rules !== undefined) return new Map([["mean", rules.mean]]);
  const isBit = name === "Bernoulli";
  if (rules !== undefined && (baseline === "muprop" || (baseline === "nvil" && isBit))) {
    return new Map([["mean", rules.mean]]);
  }
  return new Map();
}
