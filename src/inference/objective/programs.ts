/**
 * The programs of an objective with their data, and how they are lowered: to values of all sites
 * (a draw), or to log densities at given values.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Law } from "../../distributions/expectations/index.js";
import type { DistExpr, Expr, Model, Stmt, Variable } from "../../model/ir.js";
import type { Size } from "../../model/size.js";
import { dependsOnRandom, mapExpr, stmtExprs, walkExpr, walkStmts } from "../../model/traverse.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { InputNode, Node, Shape } from "../../tensor/ops.js";
import { inputsOf } from "../../tensor/transform.js";
import { axisSizes, type Context } from "../logjoint/context.js";
import { distributionOf, namedArgs } from "../logjoint/dist.js";
import { describe, startLowering, termNode } from "../logjoint/index.js";
import type { Lowerer } from "../logjoint/lowerer.js";
import { contextOf, type Scope, type Term, targetPositions } from "../logjoint/scopes.js";
import type { Variables } from "../logjoint/variable-table.js";
import { variableNode } from "../logjoint/variables.js";
import { type Program, plainName } from "./conditioned-program.js";
import type { NoiseInput, ParamSlot } from "./contract.js";
import { unfold } from "./draws.js";
import { at } from "./expressions.js";
import { paramNode } from "./parameters.js";
import { givenName, heldName, type Redraw } from "./redraw.js";
import { linearMasses, readingsOf, rewriteReadings } from "./relax.js";
import { baseOf, type Copies, dependents, mapStmt, replicate } from "./replicate.js";
import type { StoppingBuilder } from "./stopping.js";

export {
  type Batch,
  conditionProgram,
  type Program,
  withSizes,
} from "./conditioned-program.js";

/** Values of a draw's sites, each of the shape `copies ++ the site's own`. */
export interface Trace {
  readonly name: string;
  /** The guide that it was drawn from, if from one. */
  readonly guide?: string;
  readonly copies: Copies;
  readonly values: ReadonlyMap<string, Node>;
  /** What estimators need beside the draws, by their names. */
  readonly companions?: ReadonlyMap<string, Node>;
  /** Of a draw by resampling: the log mean weight of the particles that it was chosen from. */
  readonly logMean?: Node;
}

/** The sites that a program draws, and those of its model that are images of them. */
function drawnNames({ variables, images = {} }: Model): string[] {
  const sites = variables.filter((v) => v.role === "site").map((v) => v.name);
  return [...sites, ...Object.keys(images)];
}

/** Builds nodes of programs in one graph. */
export interface Builder {
  readonly g: StoppingBuilder;
  readonly theta: InputNode;
  readonly noise: NoiseInput[];
  /** Params that another player moves. */
  readonly held?: (slot: ParamSlot) => boolean;
}

/** The input of a stream, or the data as they are. */
export function dataNode(
  b: Builder,
  program: Program,
  name: string,
  scalar: Variable["type"]["scalar"],
): Node {
  const { conditioned, streams } = program;
  const value = conditioned.observed.get(name) ?? conditioned.inputs.get(name);
  if (value === undefined) return internalError(`no data ${name}`);
  if (!streams.has(name)) return b.g.constant(value.data, value.dims, scalar);
  // Programs may read the same data as numbers of different kinds.
  const rows = b.g.input(`data.${name}`, value.dims);
  if (scalar === "real") return rows;
  return scalar === "bool" ? b.g.ne(rows, 0) : b.g.trunc(rows);
}

/**
 * The program's text with streamed inputs, and those that a draw gives, as params, whose values the
 * lowering is asked for.
 */
export function withStreams(program: Program, given: ReadonlySet<string> = new Set()): Model {
  const { model } = program.conditioned;
  const isAsked = (name: string): boolean => program.streams.has(name) || given.has(name);
  const names = new Set(model.inputs.map((i) => i.name).filter(isAsked));
  if (names.size === 0) return model;
  const rewrite = (e: Expr): Expr =>
    mapExpr(e, (x) =>
      x.kind === "var" && x.role === "input" && names.has(x.name)
        ? { ...x, role: "param" }
        : undefined,
    );
  const added = model.inputs
    .filter((i) => names.has(i.name))
    .map((i): Variable => {
      const { name, span, type, support } = i;
      return { name, span, type, support, role: "param", eventRank: 0, random: true };
    });
  return {
    ...model,
    variables: [...model.variables, ...added],
    body: model.body.map((s) => mapStmt(s, rewrite)),
    ...(model.states && {
      states: model.states.map((s) => ({ ...s, next: rewrite(s.next) })),
    }),
  };
}

export function lower(
  b: Builder,
  program: Program,
  model: Model,
  frozen: boolean,
  value: (name: string) => Node | undefined,
): ReturnType<typeof startLowering> {
  const { conditioned } = program;
  const given = { ...conditioned, model, observed: new Map() };
  const lowering: ReturnType<typeof startLowering> = startLowering(given, b.g, (l, variable) => {
    const slot = program.slots.get(variable.name);
    if (variable.role === "param" && slot !== undefined) {
      const node = paramNode(l, lowering.vars, b.g, b.theta, slot);
      const isHeld =
        frozen || program.held === true || slot.isState === true || b.held?.(slot) === true;
      return isHeld ? b.g.stopGradient(node) : node;
    }
    const known = value(variable.name);
    if (known !== undefined) return known;
    if (conditioned.observed.has(variable.name) || program.streams.has(variable.name)) {
      return dataNode(b, program, variable.name, variable.type.scalar);
    }
    return internalError(`${variable.name} has no value`);
  });
  return lowering;
}

/** The program's text over its params and data alone. */
export function lowerProgram(
  b: Builder,
  program: Program,
  value: (name: string) => Node | undefined,
): ReturnType<typeof startLowering> {
  return lower(b, program, withStreams(program), false, value);
}

/** Draws every site of the program, once for each copy. */
export function drawTrace(
  b: Builder,
  program: Program,
  name: string,
  copies: Copies,
  frozen: boolean,
): Trace {
  const text = withStreams(program);
  const sites = program.conditioned.model.variables.filter((v) => v.role === "site");
  const drawn = new Set(sites.map((v) => v.name));
  const copied = replicate(text, drawn, copies);
  const { model, noise, companions } = unfold(copied, frozen);
  const laws = new Map(noise.map((n) => [n.name, n]));
  const { l, vars } = lower(b, program, model, frozen, (variable) => {
    const law = laws.get(variable);
    if (law === undefined) return undefined;
    const dims = dimsOf(l.conditioned, vars, variable);
    const input: NoiseInput = { name: `${name}.${variable}`, law: law.law, dims };
    if (!b.noise.some((n) => n.name === input.name)) b.noise.push(input);
    return b.g.input(input.name, dims);
  });
  const values = new Map<string, Node>();
  for (const site of drawnNames(program.conditioned.model)) {
    values.set(site, variableNode(l, vars, site));
  }
  const guide = program.isGuide ? program.conditioned.model.name : undefined;
  const beside = new Map(companions.map((n) => [n, variableNode(l, vars, n)]));
  return { name, copies, values, guide, companions: beside };
}

/**
 * The draw with values of one site given, and of what depends on it drawn again on the same noise.
 * With a spread the copies have one axis more, in front.
 * @param given values in the draw's own shape
 * @param held those of the draw, which earlier elements of a spread keep
 */
export function redrawTrace(
  b: Builder,
  program: Program,
  trace: Trace,
  redraw: Redraw,
  given: Node,
  held: Node,
): Trace {
  const { site, again, spread } = redraw;
  const text = withStreams(program);
  const sites = program.conditioned.model.variables.filter((v) => v.role === "site");
  const copied = replicate(text, new Set(sites.map((v) => v.name)), trace.copies);
  const count = spread?.axes.reduce((n, a) => n * spread.dims[a], 1) ?? 1;
  const lead = { name: `${trace.name}.${site}~element`, count };
  const spreadOut = spread === undefined ? copied : replicate(copied, again, { loops: [lead] });
  const { model, noise } = unfold(spreadOut, false, redraw);
  const laws = new Map(noise.map((n) => [n.name, n]));
  const { l, vars } = lower(b, program, model, false, (variable) => {
    if (spread === undefined && variable === site) return given;
    if (variable === givenName(site)) return given;
    if (variable === heldName(site)) return held;
    const known = trace.values.get(variable);
    if (known !== undefined) return known;
    const law = laws.get(variable);
    if (law === undefined) return undefined;
    const dims = dimsOf(l.conditioned, vars, variable);
    const input: NoiseInput = { name: `${trace.name}.${variable}`, law: law.law, dims };
    if (!b.noise.some((n) => n.name === input.name)) b.noise.push(input);
    return b.g.input(input.name, dims);
  });
  const values = new Map<string, Node>();
  for (const name of drawnNames(program.conditioned.model)) {
    if (again.has(name)) {
      values.set(name, variableNode(l, vars, name));
      continue;
    }
    const node = name === site ? given : trace.values.get(name);
    if (node === undefined) continue;
    const axes = node.shape.map((_, k) => k + 1);
    values.set(
      name,
      spread === undefined ? node : b.g.broadcast(node, [count, ...node.shape], axes),
    );
  }
  const loops = spread === undefined ? trace.copies.loops : [lead, ...trace.copies.loops];
  return { name: trace.name, guide: trace.guide, copies: { loops }, values };
}

export function dimsOf(conditioned: Conditioned, vars: Variables, name: string): number[] {
  const variable = vars.byName.get(name) ?? internalError(`no variable ${name}`);
  return variable.type.dims.map((d) => sizeNumber(conditioned, d));
}

export function sizeNumber(conditioned: Conditioned, size: Size): number {
  return size.terms.reduce(
    (sum, t) =>
      sum + t.names.reduce((p, n) => p * (conditioned.sizes.get(n) ?? Number.NaN), t.coefficient),
    0,
  );
}

/** One statement's log density: `copies ++ its loops ++ lifted dims`, before minibatch scaling. */
export interface EvaluatedTerm {
  readonly statement: Term["stmt"];
  readonly node: Node;
  /** How many of the axes are loops, copies left out. */
  readonly loops: number;
  readonly scale: number;
  /** Of a site's statement: the elements of the site's loops, row by row, copies included. */
  readonly positions?: Float64Array;
  /**
   * Of a statement with one named distribution, repeated or not: its arguments for every draw,
   * `copies ++ loops ++ repetitions ++ lifted dims ++ the argument's own`.
   */
  readonly args?: () => Readonly<Record<string, Node>>;
  /** A site that the term is the mean over, given all others: it does not depend on its draws. */
  readonly without?: string;
}

/**
 * The program's text at the values of a trace, copied as the draw is.
 * @param asMasses whether relaxed sites are factors, linear in their numbers or weights
 */
function lowerAt(
  b: Builder,
  program: Program,
  trace: Trace,
  frozen: boolean,
  asMasses: boolean,
): { readonly model: Model; readonly lowering: ReturnType<typeof startLowering> } {
  const { conditioned } = program;
  const sites = conditioned.model.variables.filter((v) => v.role === "site");
  const drawn = sites.filter((v) => trace.values.has(v.name)).map((v) => v.name);
  // A guide of a drawn datum reads that datum: `log_prob(q, y)` with `y ~ p`.
  const inputs = conditioned.model.inputs.map((i) => i.name).filter((n) => trace.values.has(n));
  const present = new Set([...drawn, ...inputs]);
  for (const v of sites) {
    if (present.has(v.name)) continue;
    const given = conditioned.observed.get(v.name);
    if (given !== undefined && given.missing === undefined) continue;
    missingSite(program, trace, v);
  }
  const readings = readingsOf(conditioned.model, (name) => softness(program, trace, name));
  const read = rewriteReadings(withStreams(program, new Set(inputs)), readings);
  const text = asMasses ? linearMasses(read, readings) : read;
  checkLabels(text, trace);
  const observing: Model = { ...text, body: text.body.map((s) => observeGiven(s, present, text)) };
  const model = replicate(observing, present, trace.copies);
  const lowering = lower(b, program, model, frozen, (name) =>
    present.has(name) ? trace.values.get(name) : undefined,
  );
  return { model, lowering };
}

/** The log density of every statement at the values of a draw and at the data. */
export function evaluateTerms(
  b: Builder,
  program: Program,
  trace: Trace,
  frozen: boolean,
): EvaluatedTerm[] {
  const { conditioned } = program;
  const { model, lowering } = lowerAt(b, program, trace, frozen, true);
  const { l, vars } = lowering;
  const copies = trace.copies.loops.length;
  return vars.statements.terms.map((term) => {
    const origin = { span: term.stmt.span, label: describe(term) };
    const node = b.g.withOrigin(origin, () => termNode(l, vars, term.stmt, term.scope));
    const { axes } = contextOf(l, vars.contexts, term.scope);
    const loops = axisSizes(axes).length - copies;
    const { stmt } = term;
    const scale = scaleOf(term.scope, program);
    if (stmt.kind !== "site") return { statement: stmt, node, loops, scale };
    const batch = batchOf(conditioned, model, stmt.name);
    const context = contextOf(l, vars.contexts, term.scope);
    const positions = targetPositions(l, stmt.name, stmt.indices, batch, context);
    const args = () => statementArgs(l, stmt.dist, context);
    return { statement: stmt, node, loops, scale, positions, args };
  });
}

/** The draws that a statement makes, each from the same named distribution. */
export interface SiteLaw {
  readonly site: string;
  readonly restricted: boolean;
  readonly law: Law;
  /** `copies ++ loops ++ repetitions ++ lifted dims` */
  readonly batch: Shape;
  /** How many numbers or labels one draw has. */
  readonly eventSize: number;
  /** Where each draw stands among those that make up the site's array with its copies. */
  readonly rows: Float64Array;
}

/**
 * What the statements of one site draw from, in the places of `evaluateTerms`; undefined for other
 * statements and where it is no named distribution.
 */
export function siteLaws(
  b: Builder,
  program: Program,
  trace: Trace,
  frozen: boolean,
  site: string,
): (SiteLaw | undefined)[] {
  const { model, lowering } = lowerAt(b, program, trace, frozen, false);
  const { l, vars } = lowering;
  return vars.statements.terms.map((term): SiteLaw | undefined => {
    const { stmt } = term;
    if (stmt.kind !== "site" || stmt.name !== site) return undefined;
    const base = baseOf(stmt.dist);
    const context = contextOf(l, vars.contexts, term.scope);
    const args = statementArgs(l, stmt.dist, context);
    const [first] = Object.entries(args);
    if (base.kind !== "named" || first === undefined) return undefined;
    const { event, parameterisations } = distributionOf(base);
    const rank = parameterisations.flat().find((p) => p.name === first[0])?.rank ?? 0;
    const batch = first[1].shape.slice(0, first[1].shape.length - rank);
    const sized = event.rank === 0 ? [] : args[event.sizeFrom ?? ""]?.shape.slice(-event.rank);
    if (sized === undefined || sized.length !== event.rank) return undefined;
    const dims = batchOf(program.conditioned, model, site);
    const positions = targetPositions(l, site, stmt.indices, dims, context);
    const draws = batch.reduce((n, d) => n * d, 1);
    const each = positions.length === 0 ? 0 : draws / positions.length;
    const rows = new Float64Array(draws).map((_, k) => {
      return positions[Math.floor(k / each)] * each + (k % each);
    });
    return {
      site,
      restricted: stmt.restricted,
      law: { name: base.name, args },
      batch,
      eventSize: sized.reduce((n, d) => n * d, 1),
      rows,
    };
  });
}

function statementArgs(
  l: Lowerer,
  dist: DistExpr,
  context: Context,
  lead: readonly number[] = [],
): Record<string, Node> {
  if (dist.kind === "iid") {
    const sizes = dist.sizes.map((d) => sizeNumber(l.conditioned, d));
    return statementArgs(l, dist.base, context, [...lead, ...sizes]);
  }
  if (dist.kind !== "named") return {};
  const { args, shape } = namedArgs(l, dist, { axes: context.axes, lead }, context);
  const specs = distributionOf(dist).parameterisations.flat();
  return Object.fromEntries(
    Object.entries(args).map(([name, node]) => {
      const rank = specs.find((p) => p.name === name)?.rank ?? 0;
      const own = rank === 0 ? [] : node.shape.slice(-rank);
      const full = [...shape, ...own];
      if (node.shape.length === full.length) return [name, node];
      const axes = node.shape.map((_, k) => full.length - node.shape.length + k);
      return [name, l.g.broadcast(node, full, axes)];
    }),
  );
}

/** Lengths of the axes of a site that are loops, copies included. */
function batchOf(conditioned: Conditioned, model: Model, site: string): number[] {
  const variable = model.variables.find((v) => v.name === site);
  if (variable === undefined) return internalError(`no site ${site}`);
  const { dims } = variable.type;
  return dims.slice(0, dims.length - variable.eventRank).map((d) => sizeNumber(conditioned, d));
}

/**
 * Whether a drawn bit or label is a number or weights between the corners; undefined where data or a
 * constant give it.
 */
export function softness(program: Program, trace: Trace, name: string): boolean | undefined {
  const node = trace.values.get(name);
  const variable = program.conditioned.model.variables.find((v) => v.name === name);
  if (node === undefined || variable === undefined) return undefined;
  if (node.dtype === "real" && variable.type.scalar !== "real") return true;
  return inputsOf([node]).length === 0 ? undefined : false;
}

/** Positions must be known when the graph is built; drawn labels are not. */
function checkLabels(model: Model, trace: Trace): void {
  const drawn = [...trace.values].filter(([, n]) => n.dtype !== "real" && inputsOf([n]).length > 0);
  if (drawn.length === 0) return;
  const names = dependents(model, new Set(drawn.map(([name]) => name)));
  walkStmts(model.body, (s) => {
    for (const root of stmtExprs(s)) {
      walkExpr(root, (e) => {
        if (e.kind !== "index") return;
        const at = e.indices.find((i) => i.kind === "at" && dependsOnRandom(i.value, names));
        if (at !== undefined) fail("draw_as_index", e.span, { name: drawn[0][0] });
      });
    }
  });
}

function missingSite(program: Program, trace: Trace, v: Variable): never {
  const { model } = program.conditioned;
  if (trace.guide !== undefined) {
    return fail("guide_misses_site", v.span, { name: v.name, guide: trace.guide });
  }
  const params = { name: v.name, program: model.name, trace: trace.name };
  return fail("trace_misses_site", v.span, params);
}

/** Observed sites are observed values of the copies' text: the data are not copied. */
function observeGiven(s: Stmt, drawn: ReadonlySet<string>, model: Model): Stmt {
  const each = (list: readonly Stmt[]): Stmt[] => list.map((t) => observeGiven(t, drawn, model));
  if (s.kind === "for") return { ...s, body: each(s.body) };
  // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
  if (s.kind === "if") return { ...s, then: each(s.then), else: each(s.else) };
  if (s.kind !== "site" || drawn.has(s.name)) return s;
  const variable = model.variables.find((v) => v.name === s.name);
  if (variable === undefined) return internalError(`no site ${s.name}`);
  const whole: Expr = {
    kind: "var",
    name: s.name,
    role: "site",
    span: s.span,
    type: variable.type,
  };
  return { kind: "observe", span: s.span, value: at(whole, s.indices), dist: s.dist };
}

/** Statements in a loop over cut data stand for all the others. */
function scaleOf(scope: Scope, program: Program): number {
  let scale = 1;
  for (let s: Scope | undefined = scope; s !== undefined; s = s.parent) {
    if (s.step?.kind !== "for") continue;
    scale *= program.scale.get(plainName(s.step.binder.size) ?? "") ?? 1;
  }
  return scale;
}

/** The sum over all axes but the copies'. */
export function sumPerCopy(b: Builder, terms: readonly EvaluatedTerm[], copies: Copies): Node {
  const shape = copies.loops.map((c) => c.count);
  return terms.reduce<Node>(
    (total, t) => b.g.add(total, b.g.mul(t.scale, sumBeyond(b.g, t.node, shape.length))),
    shape.length === 0 ? b.g.constant(0) : b.g.zeros(shape),
  );
}

export function sumBeyond(g: StoppingBuilder, x: Node, rank: number): Node {
  if (x.shape.length === rank) return x;
  const axes = Array.from({ length: x.shape.length - rank }, (_, i) => rank + i);
  return g.reduce("sum", x, axes);
}
