/**
 * A program that draws, as one that computes: each site becomes a definition over noise inputs. What
 * the strategies do to gradients is said here by `stop_gradient`; terms that they add to the
 * objective stand in `score.ts`.
 */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import type { Binder, DistExpr, Expr, Model, Stmt, Variable } from "../../model/ir.js";
import type { Size } from "../../model/size.js";
import {
  drawnFrom,
  isValidStrategy,
  type Strategy,
  type StrategyKind,
} from "../../model/strategy.js";
import type { NoiseLaw } from "./contract.js";
import { discreteRules } from "./discrete.js";
import { at, binderTo, call, constant, elementwise, loopVariable } from "./expressions.js";
import { type ReparamRule, reparamRules } from "./reparam.js";

type Site = Extract<Stmt, { kind: "site" }>;

/** A noise array of a site: its elements are those of the site's array. */
export interface NoiseVariable {
  readonly name: string;
  readonly site: string;
  readonly law: NoiseLaw;
}

export interface Unfolded {
  /** Sites are definitions; the noise variables are params without statements. */
  readonly model: Model;
  readonly noise: readonly NoiseVariable[];
}

/** The strategy of a site: as written, else the valid one of least variance that stands here. */
export function strategyFor(site: Site, frozen: boolean): { strategy: Strategy; chosen: boolean } {
  if (site.using !== undefined) return { strategy: site.using, chosen: false };
  const { span } = site;
  if (isValidStrategy("reparam", site.dist))
    return { strategy: { kind: "reparam", span }, chosen: true };
  // An index must be a number when the graph is built, as each of the enumerated values is.
  const isLabel = drawnFrom(site.dist) === "Categorical" && !frozen;
  if (isLabel) return { strategy: { kind: "enumerate", span }, chosen: true };
  const baseline = frozen ? "none" : "moving_average";
  return { strategy: { kind: "reinforce", span, baseline }, chosen: true };
}

const supported: readonly StrategyKind[] = [
  "reparam",
  "reinforce",
  "gumbel",
  "straight_through",
  "enumerate",
];

/** The program with its sites drawn; with `frozen` no gradient passes through any of them. */
export function unfold(model: Model, frozen: boolean): Unfolded {
  const noise = new Map<string, NoiseVariable>();
  const extra: Variable[] = [];
  const byName = new Map(model.variables.map((v) => [v.name, v]));
  let fresh = 0;
  const freshName = (): string => `draw#${fresh++}`;
  const noiseOf = (site: string, law: NoiseLaw, span: Span): Expr => {
    const name = `${site}~${law}`;
    const variable = byName.get(site);
    const type = { scalar: "real" as const, dims: variable?.type.dims ?? [] };
    if (!noise.has(name)) {
      noise.set(name, { name, site, law });
      const support = { kind: "real" as const };
      extra.push({ name, role: "param", span, type, eventRank: 0, support, random: true });
    }
    return { kind: "var", name, role: "param", span, type };
  };
  const drawn = (s: Site): Stmt => {
    const { strategy } = strategyFor(s, frozen);
    if (!supported.includes(strategy.kind)) {
      fail("strategy_missing", strategy.span, { site: s.name, strategy: strategy.kind });
    }
    if (strategy.kind === "enumerate" && !frozen) {
      // Every value is put in its place in turn; what stands here drops out.
      const value = constant(0, s.span, s.dist.event.scalar);
      return { kind: "let", span: s.span, name: s.name, indices: s.indices, value };
    }
    const rule = ruleOf(s, strategy);
    const eps = at(noiseOf(s.name, rule.law, s.span), s.indices);
    const value = drawOf(s.dist, eps, rule, freshName);
    const isStopped = frozen || strategy.kind === "reinforce";
    const isReal = value.type.scalar === "real";
    const held = isStopped && isReal ? elementwise("stop_gradient", value) : value;
    return { kind: "let", span: s.span, name: s.name, indices: s.indices, value: held };
  };
  const go = (list: readonly Stmt[]): Stmt[] =>
    list.map((s): Stmt => {
      if (s.kind === "site") return drawn(s);
      if (s.kind === "for") return { ...s, body: go(s.body) };
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      if (s.kind === "if") return { ...s, then: go(s.then), else: go(s.else) };
      return s;
    });
  const body = go(model.body);
  const relaxed = new Set<string>();
  const mark = (list: readonly Stmt[]): void => {
    for (const s of list) {
      if (s.kind === "let" && s.value.type.scalar === "real") relaxed.add(s.name);
      else if (s.kind === "for") mark(s.body);
      else if (s.kind === "if") mark([...s.then, ...s.else]);
    }
  };
  mark(body);
  const variables = model.variables.map((v): Variable => {
    if (v.role !== "site") return v;
    const scalar = relaxed.has(v.name) ? "real" : v.type.scalar;
    return { ...v, role: "let", type: { ...v.type, scalar } };
  });
  return {
    model: { ...model, variables: [...variables, ...extra], body },
    noise: [...noise.values()],
  };
}

function ruleOf(s: Site, strategy: Strategy): ReparamRule {
  const name = drawnFrom(s.dist);
  const missing = () =>
    fail("strategy_missing", s.dist.span, { site: s.name, strategy: strategy.kind });
  if (name === undefined || s.restricted) return missing();
  if (strategy.kind === "gumbel" || strategy.kind === "straight_through") {
    const make = discreteRules[name]?.relaxed;
    return make === undefined
      ? missing()
      : make(strategy.temperature, strategy.kind === "straight_through");
  }
  return reparamRules[name] ?? discreteRules[name]?.hard ?? missing();
}

/** The draw of a distribution, repeated where the distribution is. */
function drawOf(d: DistExpr, noise: Expr, rule: ReparamRule, fresh: () => string): Expr {
  if (d.kind === "named") return rule.draw(d.args, noise);
  if (d.kind !== "iid") return noise;
  // Scalars beside the array of all repetitions: one elementwise expression.
  const isScalar = d.base.kind === "named" && Object.values(d.base.args).every(isScalarExpr);
  if (isScalar && d.base.event.dims.length === 0) return drawOf(d.base, noise, rule, fresh);
  const binders = d.sizes.map((size): Binder => binderTo(fresh(), size, sizeExpr(size, d.span)));
  const indices = binders.map((b) => loopVariable(b.name, d.span));
  const body = drawOf(d.base, at(noise, indices), rule, fresh);
  const type = { scalar: body.type.scalar, dims: [...d.sizes, ...body.type.dims] };
  return { kind: "comprehension", binders, body, span: d.span, type };
}

const isScalarExpr = (e: Expr): boolean => e.type.dims.length === 0;

/** A size as an int expression: its names are inputs or sizes of the conditioned program. */
export function sizeExpr(size: Size, span: Span): Expr {
  const int = { scalar: "int" as const, dims: [] };
  const terms = size.terms.map((t) =>
    t.names
      .map((name): Expr => ({ kind: "var", name, role: "input", span, type: int }))
      .reduce((a, b) => call("mul", [a, b], int), constant(t.coefficient, span, "int")),
  );
  return terms.reduce((a, b) => call("add", [a, b], int), constant(0, span, "int"));
}
