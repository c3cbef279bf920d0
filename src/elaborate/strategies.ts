/** `using reparam | reinforce(baseline: b) | gumbel(t) | …`: the strategy that it names. */
import { nearestNames } from "../base/nearest.js";
import type { DistExpr, Expr } from "../model/ir.js";
import {
  type Baseline,
  baselines,
  drawnFrom,
  isValidStrategy,
  type Strategy,
  type StrategyKind,
  strategyKinds,
  validStrategies,
} from "../model/strategy.js";
import type * as ast from "../syntax/ast.js";
import type { Cx } from "./context.js";
import type { Scope } from "./scope.js";

/** The strategy as written, valid for draws of `dist`; undefined after an error. */
export function strategyOf(
  cx: Cx,
  e: ast.Expr,
  dist: DistExpr,
  scope: Scope,
): Strategy | undefined {
  const name = e.kind === "name" ? e.name : calledName(e);
  const kind = strategyKinds.find((k) => k === name);
  if (kind === undefined) {
    const near = name === undefined ? [] : nearestNames(name, strategyKinds);
    return cx.reporter.report("strategy_unknown", e.span, { name: name ?? "this", near });
  }
  if (!isValidStrategy(kind, dist)) {
    return cx.reporter.report("strategy_invalid", e.span, {
      strategy: kind,
      dist: drawnFrom(dist) ?? dist.kind,
      valid: validStrategies(dist),
    });
  }
  return withArguments(cx, kind, e, e.kind === "call" ? e.args : [], scope);
}

function calledName(e: ast.Expr): string | undefined {
  return e.kind === "call" && e.callee.kind === "name" ? e.callee.name : undefined;
}

const usages: { readonly [K in StrategyKind]: string } = {
  reparam: "reparam",
  reinforce: `reinforce(baseline: ${baselines.join(" | ")})`,
  gumbel: "gumbel(temperature)",
  straight_through: "straight_through(temperature)",
  rebar: "rebar",
  enumerate: "enumerate",
  mvd: "mvd",
};

function withArguments(
  cx: Cx,
  kind: StrategyKind,
  e: ast.Expr,
  args: readonly ast.Arg[],
  scope: Scope,
): Strategy | undefined {
  const { span } = e;
  const wrong = () => cx.reporter.report("strategy_usage", span, { usage: usages[kind] });
  if (kind === "reinforce") {
    if (args.length === 0) return { kind, span, baseline: "none" };
    const [{ name, value }] = args;
    const given = value.kind === "name" ? value.name : undefined;
    const baseline = baselines.find((b): b is Baseline => b === given);
    const fits = args.length === 1 && (name === undefined || name.text === "baseline");
    return fits && baseline !== undefined ? { kind, span, baseline } : wrong();
  }
  if (kind === "gumbel" || kind === "straight_through") {
    const [first, ...others] = args;
    if (others.length > 0) return wrong();
    if (first === undefined)
      return kind === "gumbel" ? wrong() : { kind, span, temperature: one(e) };
    if (first.name !== undefined && first.name.text !== "temperature") return wrong();
    const temperature = cx.expr(first.value, scope);
    if (temperature === undefined) return undefined;
    const isScalar = temperature.type.dims.length === 0 && temperature.type.scalar !== "bool";
    if (!isScalar || cx.model.interval(temperature).hi <= 0) return wrong();
    return { kind, span, temperature };
  }
  return args.length === 0 ? { kind, span } : wrong();
}

function one(e: ast.Expr): Expr {
  return { kind: "const", value: 1, span: e.span, type: { scalar: "real", dims: [] } };
}
