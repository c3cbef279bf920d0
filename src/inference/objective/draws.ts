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
import { companionName, companionsOf, type Rule } from "./companions.js";
import { acceptedRules } from "./gamma.js";
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
  /** Definitions beside the sites', by their names. */
  readonly companions: readonly string[];
}

/** The strategy of a site: as written, else the valid one of least variance that stands here. */
export function strategyFor(site: Site, frozen: boolean): { strategy: Strategy; chosen: boolean } {
  if (site.using !== undefined) return { strategy: site.using, chosen: false };
  const { span } = site;
  if (isValidStrategy("reparam", site.dist))
    return { strategy: { kind: "reparam", span }, chosen: true };
  // An index must be a number when the graph is built, as each of the enumerated values is.
  const name = drawnFrom(site.dist);
  const hasValues = (name === "Categorical" || name === "Bernoulli") && !frozen;
  if (hasValues) return { strategy: { kind: "enumerate", span }, chosen: true };
  const baseline = frozen ? "none" : "moving_average";
  return { strategy: { kind: "reinforce", span, baseline }, chosen: true };
}

const supported: readonly StrategyKind[] = [
  "reparam",
  "reinforce",
  "gumbel",
  "straight_through",
  "rebar",
  "enumerate",
];

/** The program with its sites drawn; with `frozen` no gradient passes through any of them. */
export function unfold(model: Model, frozen: boolean): Unfolded {
  const noise = new Map<string, NoiseVariable>();
  const extra: Variable[] = [];
  const byName = new Map(model.variables.map((v) => [v.name, v]));
  let fresh = 0;
  const freshName = (): string => `draw#${fresh++}`;
  const noiseOf = (site: string, law: NoiseLaw, number: number, span: Span): Expr => {
    const name = number === 0 ? `${site}~${law}` : `${site}~${law}.${number}`;
    const variable = byName.get(site);
    const type = { scalar: "real" as const, dims: variable?.type.dims ?? [] };
    if (!noise.has(name)) {
      noise.set(name, { name, site, law });
      const support = { kind: "real" as const };
      extra.push({ name, role: "param", span, type, eventRank: 0, support, random: true });
    }
    return { kind: "var", name, role: "param", span, type };
  };
  const companions: string[] = [];
  /** The first of a law is the same for the draw and its companions, and so on. */
  const noisesOf = (s: Site, laws: readonly NoiseLaw[]): Expr[] =>
    laws.map((law, k) => {
      const number = laws.slice(0, k).filter((l) => l === law).length;
      return at(noiseOf(s.name, law, number, s.span), s.indices);
    });
  const drawn = (s: Site): Stmt[] => {
    const { strategy, chosen } = strategyFor(s, frozen);
    if (!supported.includes(strategy.kind)) {
      fail("strategy_missing", strategy.span, { site: s.name, strategy: strategy.kind });
    }
    const let_ = (name: string, value: Expr): Stmt => {
      return { kind: "let", span: s.span, name, indices: s.indices, value };
    };
    const isBit = drawnFrom(s.dist) === "Bernoulli";
    if (strategy.kind === "enumerate" && !frozen && !(chosen && isBit)) {
      // Every value is put in its place in turn; what stands here drops out.
      return [let_(s.name, constant(0, s.span, s.dist.event.scalar))];
    }
    const rule = ruleOf(s, strategy);
    const value = drawOf(s.dist, noisesOf(s, rule.laws), rule, freshName);
    const isStopped = frozen || strategy.kind === "reinforce";
    const isReal = value.type.scalar === "real";
    const held = isStopped && isReal ? elementwise("stop_gradient", value) : value;
    const beside = frozen ? [] : [...companionsOf(strategy, s.dist)];
    const variable = byName.get(s.name);
    const more = beside.map(([kind, own]): Stmt => {
      const name = companionName(s.name, kind);
      if (variable !== undefined && !companions.includes(name)) {
        companions.push(name);
        const type = { ...variable.type, scalar: "real" as const };
        const support = { kind: "real" as const };
        extra.push({ ...variable, name, role: "let", type, support });
      }
      return let_(name, drawOf(s.dist, noisesOf(s, own.laws), own, freshName));
    });
    return [let_(s.name, held), ...more];
  };
  const go = (list: readonly Stmt[]): Stmt[] =>
    list.flatMap((s): Stmt[] => {
      if (s.kind === "site") return drawn(s);
      if (s.kind === "for") return [{ ...s, body: go(s.body) }];
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      if (s.kind === "if") return [{ ...s, then: go(s.then), else: go(s.else) }];
      return [s];
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
    companions,
  };
}

function ruleOf(s: Site, strategy: Strategy): Rule {
  const accepted = acceptedRules[drawnFrom(s.dist) ?? ""];
  if (accepted !== undefined && !s.restricted) return accepted;
  const { law, draw } = plainRuleOf(s, strategy);
  return { laws: [law], draw: (args, [noise]) => draw(args, noise) };
}

function plainRuleOf(s: Site, strategy: Strategy): ReparamRule {
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
function drawOf(d: DistExpr, noise: readonly Expr[], rule: Rule, fresh: () => string): Expr {
  if (d.kind === "named") return rule.draw(d.args, noise);
  if (d.kind !== "iid") return noise[0];
  // Scalars beside the array of all repetitions: one elementwise expression.
  const isScalar = d.base.kind === "named" && Object.values(d.base.args).every(isScalarExpr);
  if (isScalar && d.base.event.dims.length === 0) return drawOf(d.base, noise, rule, fresh);
  const binders = d.sizes.map((size): Binder => binderTo(fresh(), size, sizeExpr(size, d.span)));
  const indices = binders.map((b) => loopVariable(b.name, d.span));
  const each = noise.map((n) => at(n, indices));
  const body = drawOf(d.base, each, rule, fresh);
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
