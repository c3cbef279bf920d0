/**
 * A program that draws, as one that computes: each site becomes a definition over noise inputs. What
 * the strategies do to gradients is said here by `stop_gradient`; terms that they add to the
 * objective stand in `score.ts`.
 */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import type { Binder, DistExpr, Expr, Model, Stmt, Variable } from "../../model/ir.js";
import {
  drawnFrom,
  isValidStrategy,
  repeatedFrom,
  type Strategy,
  type StrategyKind,
} from "../../model/strategy.js";
import { walkStmts } from "../../model/traverse.js";
import { companionName, companionsOf, temperature } from "./companions.js";
import type { NoiseLaw } from "./contract.js";
import { countRules } from "./counts.js";
import { discreteRules } from "./discrete.js";
import { at, binderTo, constant, elementwise as f, loopVariable, sizeExpr } from "./expressions.js";
import { acceptedRules } from "./gamma.js";
import { type Redraw, replaced } from "./redraw.js";
import { labelSize, readingsOf, rewriteReadings } from "./relax.js";
import { type Rule, type RuleLaw, reparamRules } from "./reparam.js";

type Site = Extract<Stmt, { kind: "site" }>;
type Written = Extract<DistExpr, { kind: "written" }>;

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
  const name = drawnFrom(site.dist);
  const hasValues = (name === "Categorical" || name === "Bernoulli") && !frozen;
  if (hasValues) return { strategy: { kind: "enumerate", span }, chosen: true };
  const baseline = frozen ? "none" : "moving_average";
  return { strategy: { kind: "reinforce", span, baseline }, chosen: true };
}

const isRelaxed = (kind: StrategyKind): boolean => kind === "gumbel" || kind === "straight_through";

/**
 * The program with its sites drawn; with `frozen` no gradient passes through any of them. With
 * `redraw` only those that depend on one site, whose values are given.
 */
export function unfold(given: Model, frozen: boolean, redraw?: Redraw): Unfolded {
  const readings = readingsOf(given, (name) => isSoft(given, name, frozen, redraw));
  const model = rewriteReadings(given, readings);
  const lead = redraw?.spread === undefined ? 0 : 1;
  const noise = new Map<string, NoiseVariable>();
  const extra: Variable[] = [];
  const byName = new Map(given.variables.map((v) => [v.name, v]));
  let fresh = 0;
  const freshName = (): string => `draw#${fresh++}`;
  const noiseOf = (s: Site, law: RuleLaw, number: number): Expr => {
    const base = law === "uniforms" ? "uniform" : law;
    const plain = `${s.name}~${law}`;
    const name = number === 0 ? plain : `${plain}.${number}`;
    const wide = law === "uniforms" ? [labelSize(s)] : [];
    // All copies of a draw that is made again see the noise of the draw.
    const own = byName.get(s.name)?.type.dims.slice(lead) ?? [];
    const type = { scalar: "real" as const, dims: [...own, ...wide] };
    if (!noise.has(name)) {
      noise.set(name, { name, site: s.name, law: base });
      const support = { kind: "real" as const };
      extra.push({
        name,
        role: "param",
        span: s.span,
        type,
        eventRank: 0,
        support,
        random: true,
      });
    }
    return { kind: "var", name, role: "param", span: s.span, type };
  };
  const companions: string[] = [];
  /** The first of a law is the same for the draw and its companions, and so on. */
  const noisesOf = (s: Site, laws: readonly RuleLaw[]): Expr[] =>
    laws.map((law, k) => {
      const number = laws.slice(0, k).filter((l) => l === law).length;
      return at(noiseOf(s, law, number), s.indices.slice(lead));
    });
  const let_ = (s: Site, name: string, value: Expr): Stmt => {
    return { kind: "let", span: s.span, name, indices: s.indices, value };
  };
  const madeBy = (s: Site, rule: Rule): Expr =>
    drawOf(s.dist, noisesOf(s, rule.laws), rule, freshName);
  const again = (s: Site, { site, again: sites, mode, spread }: Redraw): Stmt[] => {
    if (!sites.has(s.name)) return [];
    const drawn = (): Expr => madeBy(s, redrawRule(s, mode, frozen));
    if (s.name !== site || spread === undefined) return [let_(s, s.name, drawn())];
    const { value, variables } = replaced(
      s,
      byName.get(s.name),
      readings.get(s.name),
      spread,
      drawn,
    );
    for (const v of variables) if (!extra.some((x) => x.name === v.name)) extra.push(v);
    return [let_(s, s.name, value)];
  };
  const drawn = (s: Site): Stmt[] => {
    if (redraw !== undefined) return again(s, redraw);
    const { strategy } = strategyFor(s, frozen);
    const value = madeBy(s, ruleOf(s, strategy));
    const isStopped = frozen || strategy.kind === "reinforce" || strategy.kind === "mvd";
    const isReal = value.type.scalar === "real";
    const held = isStopped && isReal ? f("stop_gradient", value) : value;
    const beside = frozen ? [] : [...companionsOf(strategy, s.dist)];
    const variable = byName.get(s.name);
    const more = beside.map(([kind, own]): Stmt => {
      const name = companionName(s.name, kind);
      const made = madeBy(s, own);
      if (variable !== undefined && !companions.includes(name)) {
        companions.push(name);
        const { scalar } = made.type;
        const wide = made.type.dims.slice(s.dist.event.dims.length);
        const type = { scalar, dims: [...variable.type.dims, ...wide] };
        const support = { kind: "real" as const };
        const eventRank = variable.eventRank + wide.length;
        extra.push({ ...variable, name, role: "let", type, support, eventRank });
      }
      return let_(s, name, made);
    });
    return [let_(s, s.name, held), ...more];
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
  const variables = model.variables.map((v): Variable => {
    const isDrawn = v.role === "site" && (redraw === undefined || redraw.again.has(v.name));
    return isDrawn ? { ...v, role: "let" } : v;
  });
  return {
    model: { ...model, variables: [...variables, ...extra], body },
    noise: [...noise.values()],
    companions,
  };
}

/** Whether a site's value is a number or weights between the corners; undefined where it is data. */
function isSoft(
  model: Model,
  name: string,
  frozen: boolean,
  redraw: Redraw | undefined,
): boolean | undefined {
  if (redraw !== undefined) {
    const isOwn = name === redraw.site || redraw.again.has(name);
    if (!isOwn || redraw.mode === "hard") return redraw.isSoft(name);
    return true;
  }
  let soft = false;
  walkStmts(model.body, (s) => {
    if (s.kind !== "site" || s.name !== name) return;
    soft = isRelaxed(strategyFor(s, frozen).strategy.kind);
  });
  return soft;
}

const plain = ({ law, draw }: (typeof reparamRules)[string]): Rule => {
  return { laws: [law], draw: (args, [noise]) => draw(args, noise) };
};

function ruleOf(s: Site, strategy: Strategy): Rule {
  const name = drawnFrom(s.dist) ?? "";
  const missing = () =>
    fail("strategy_missing", s.dist.span, { site: s.name, strategy: strategy.kind });
  if (s.restricted) return missing();
  const own = repeatedFrom(s.dist);
  if (own.kind === "written") return writtenRule(own) ?? missing();
  const accepted = acceptedRules[name];
  if (accepted !== undefined) return accepted;
  const rules = discreteRules[name];
  if (rules !== undefined) {
    if (strategy.kind === "gumbel") return rules.relaxed(strategy.temperature);
    if (strategy.kind === "straight_through") return rules.straightThrough(strategy.temperature);
    return strategy.kind === "rebar" ? rules.rounded : rules.hard;
  }
  const path = reparamRules[name];
  return path === undefined ? (countRules[name] ?? missing()) : plain(path);
}

/** A draw that is made again: where gradients are asked for, as a smooth function of its parents. */
function redrawRule(s: Site, mode: Redraw["mode"], frozen: boolean): Rule {
  const { strategy } = strategyFor(s, frozen);
  if (mode === "hard") return ruleOf(s, strategy);
  const name = drawnFrom(s.dist) ?? "";
  // Without jumps the draw itself is smooth in its parents.
  if (isValidStrategy("reparam", s.dist) && repeatedFrom(s.dist).kind === "written") {
    return ruleOf(s, strategy);
  }
  const rules = discreteRules[name];
  if (rules !== undefined) return mode === "mean" ? rules.mean : rules.relaxed(temperature);
  const accepted = acceptedRules[name];
  if (accepted !== undefined) return accepted;
  const path = reparamRules[name];
  if (path !== undefined && !s.restricted) return plain(path);
  return fail("redraw_missing", s.dist.span, { site: s.name });
}

/**
 * A distribution of the text as its own sampler: the draws that it is made of by their rules, each
 * with noise of its own, and then what the text makes of them. Undefined where one has no rule.
 */
function writtenRule({ sampler, event }: Written): Rule | undefined {
  if (sampler === undefined || sampler.within !== undefined) return undefined;
  const parts: { readonly name: string; readonly dist: DistExpr; readonly rule: Rule }[] = [];
  for (const { name, dist } of sampler.draws) {
    const base = repeatedFrom(dist);
    const rule = base.kind === "written" ? writtenRule(base) : hardRule(drawnFrom(dist) ?? "");
    // Noise has the elements of the site: a draw takes all of them, or a number the first one.
    const isWhole = dist.event.dims.length === event.dims.length;
    if (rule === undefined || !(isWhole || dist.event.dims.length === 0)) return undefined;
    if (rule.laws.includes("uniforms")) return undefined;
    parts.push({ name, dist, rule });
  }
  return {
    laws: parts.flatMap((p) => p.rule.laws),
    draw: (_, noise) => {
      let used = 0;
      let fresh = 0;
      const lets = parts.map(({ name, dist, rule }) => {
        const own = noise.slice(used, used + rule.laws.length);
        used += rule.laws.length;
        const first = own.map((n) => {
          const zeros = n.type.dims.map(() => constant(0, n.span, "int"));
          return dist.event.dims.length === 0 ? at(n, zeros) : n;
        });
        return { name, value: drawOf(dist, first, rule, () => `${name} ${fresh++}`) };
      });
      const { value } = sampler;
      return { kind: "block", lets, result: value, span: value.span, type: value.type };
    },
  };
}

function hardRule(name: string): Rule | undefined {
  const path = reparamRules[name];
  const found = acceptedRules[name] ?? discreteRules[name]?.hard ?? countRules[name];
  return found ?? (path === undefined ? undefined : plain(path));
}

/** The draw of a distribution, repeated where the distribution is. */
function drawOf(d: DistExpr, noise: readonly Expr[], rule: Rule, fresh: () => string): Expr {
  if (d.kind === "named") return liftedDraw(d, noise, rule, fresh);
  if (d.kind === "written") return rule.draw({}, noise);
  if (d.kind !== "iid") return noise[0];
  // Scalars beside the array of all repetitions: one elementwise expression.
  const isScalar = d.base.kind === "named" && Object.values(d.base.args).every(isScalarExpr);
  if (isScalar && d.base.event.dims.length === 0) return drawOf(d.base, noise, rule, fresh);
  const binders = d.sizes.map((size): Binder => binderTo(fresh(), size, sizeExpr(size, d.span)));
  return repeated(binders, noise, (each) => drawOf(d.base, each, rule, fresh), d.span);
}

/** A label for each row of a matrix of probabilities. */
function liftedDraw(
  d: Extract<DistExpr, { kind: "named" }>,
  noise: readonly Expr[],
  rule: Rule,
  fresh: () => string,
): Expr {
  const p = d.args.p ?? d.args.logits;
  const isLifted = d.name === "Categorical" && (p?.type.dims.length ?? 0) > 1;
  if (!isLifted) return rule.draw(d.args, noise);
  const dims = p.type.dims.slice(0, -1);
  const binders = dims.map((size): Binder => binderTo(fresh(), size, sizeExpr(size, d.span)));
  const indices = binders.map((b) => loopVariable(b.name, d.span));
  const args = Object.fromEntries(Object.entries(d.args).map(([k, v]) => [k, at(v, indices)]));
  return repeated(binders, noise, (each) => rule.draw(args, each), d.span);
}

function repeated(
  binders: readonly Binder[],
  noise: readonly Expr[],
  draw: (each: readonly Expr[]) => Expr,
  span: Span,
): Expr {
  const indices = binders.map((b) => loopVariable(b.name, span));
  const body = draw(noise.map((n) => at(n, indices)));
  const dims = [...binders.map((b) => b.size), ...body.type.dims];
  return { kind: "comprehension", binders, body, span, type: { scalar: body.type.scalar, dims } };
}

const isScalarExpr = (e: Expr): boolean => e.type.dims.length === 0;
