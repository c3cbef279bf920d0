/**
 * Particles of an estimated program: its open sites drawn M times, by a proposal or by the program
 * itself, with the values of the other sites given.
 */
import { fail } from "../../base/diagnostic.js";
import type { Expr, Model, Stmt } from "../../model/ir.js";
import { mapExpr } from "../../model/traverse.js";
import type { Node } from "../../tensor/ops.js";
import { variableNode } from "../logjoint/variables.js";
import type { BoundEstimate, Program } from "./conditioned-program.js";
import type { NoiseInput } from "./contract.js";
import { unfold } from "./draws.js";
import { openInputs } from "./estimate-binding.js";
import { type Builder, dimsOf, lower, softness, type Trace, withStreams } from "./programs.js";
import { readingsOf, rewriteReadings } from "./relax.js";
import { filterStmts, mapStmt, replicate } from "./replicate.js";

/** Particles with the program that drew them. */
export interface Particles {
  readonly program: Program;
  /** All values that the program has at them: `copies ++ [particles] ++ the site's own`. */
  readonly trace: Trace;
}

/**
 * The program that draws open sites as a function of the given ones: inputs of their names are these,
 * and labels among them are read as those of the estimate's own program.
 */
export function openedProgram(e: BoundEstimate, source: Program, given: Trace): Program {
  const names = new Set([...given.values.keys()].filter((name) => !e.own.has(name)));
  const readings = readingsOf(e.base.conditioned.model, (name) => {
    const soft = names.has(name) ? softness(e.base, given, name) : undefined;
    return soft === true ? fail("estimate_relaxed", e.span, { program: e.name, site: name }) : soft;
  });
  const { conditioned } = source;
  const model = rewriteReadings(openInputs(conditioned.model, names), readings);
  return { ...source, conditioned: { ...conditioned, model } };
}

/**
 * Draws `count` particles for each copy of `given`.
 * @param given values of the sites that are not open, as far as data do not give them
 * @param held whether params are constants
 * @param isStopped whether no gradient passes the draws
 */
export function drawParticles(
  b: Builder,
  e: BoundEstimate,
  name: string,
  given: Trace,
  count: number,
  held: boolean,
  isStopped = false,
): Particles {
  const { g } = b;
  const values = new Map([...given.values].filter(([site]) => !e.own.has(site)));
  const source = e.proposal ?? e.base;
  const opened = openedProgram(e, source, given);
  const model = withWrittenScores(opened.conditioned.model);
  const conditioned = { ...opened.conditioned, model };
  const program: Program = { ...opened, conditioned, held, isParticles: true };
  const streamed = withStreams(program);
  const text: Model = {
    ...streamed,
    body: filterStmts(streamed.body, (s) => isDrawn(s, e.own)),
  };
  const known = new Set(model.variables.map((v) => v.name));
  const outer = given.copies.loops;
  const copies = { loops: [...outer, { name: `${name}.particle`, count }] };
  const all = new Map<string, Node>();
  for (const [site, node] of values) {
    const shape = [...node.shape];
    shape.splice(outer.length, 0, count);
    const axes = node.shape.map((_, k) => (k < outer.length ? k : k + 1));
    all.set(site, g.broadcast(node, shape, axes));
  }
  const copied = asGiven(replicate(text, new Set([...e.own, ...all.keys()]), copies), e.own);
  const unfolded = unfold(copied, isStopped);
  const laws = new Map(unfolded.noise.map((n) => [n.name, n]));
  const { l, vars } = lower(b, program, unfolded.model, held, (variable) => {
    const value = all.get(variable);
    if (value !== undefined) return value;
    const law = laws.get(variable);
    if (law === undefined) return undefined;
    const dims = dimsOf(l.conditioned, vars, variable);
    const input: NoiseInput = { name: `${name}.${variable}`, law: law.law, dims };
    if (!b.noise.some((n) => n.name === input.name)) b.noise.push(input);
    return g.input(input.name, dims);
  });
  const companions = new Map(unfolded.companions.map((n) => [n, variableNode(l, vars, n)]));
  const drawn = new Map<string, Node>();
  for (const site of e.own) drawn.set(site, variableNode(l, vars, site));
  const passed = [...all].filter(([site]) => known.has(site));
  const trace: Trace = { name, copies, values: new Map([...passed, ...drawn]), companions };
  // What is not drawn here is no site of it.
  const body = filterStmts(model.body, (s) => isDrawn(s, e.own));
  return {
    program: { ...program, conditioned: { ...conditioned, model: { ...model, body } } },
    trace,
  };
}

/** The particles with all values of the estimate's own program. */
export function wholeTrace(b: Builder, e: BoundEstimate, given: Trace, made: Particles): Trace {
  const { g } = b;
  const outer = given.copies.loops.length;
  const count = made.trace.copies.loops[outer].count;
  const values = new Map<string, Node>();
  for (const [site, node] of given.values) {
    if (e.own.has(site)) continue;
    const shape = [...node.shape];
    shape.splice(outer, 0, count);
    const axes = node.shape.map((_, k) => (k < outer ? k : k + 1));
    values.set(site, g.broadcast(node, shape, axes));
  }
  for (const site of e.own) {
    const node = made.trace.values.get(site);
    if (node !== undefined) values.set(site, node);
  }
  return { ...made.trace, values };
}

function isDrawn(s: Stmt, own: ReadonlySet<string>): boolean {
  if (s.kind === "site") return own.has(s.name);
  return s.kind === "let" || s.kind === "param";
}

/** Sites that are not drawn here, as params: the lowering is asked for their values. */
function asGiven(model: Model, own: ReadonlySet<string>): Model {
  const isGiven = (name: string): boolean => !own.has(name);
  const rewrite = (e: Expr): Expr =>
    mapExpr(e, (x) => {
      if (x.kind !== "var" || x.role !== "site" || !isGiven(x.name)) return undefined;
      return { ...x, role: "param" };
    });
  return {
    ...model,
    variables: model.variables.map((v) =>
      v.role === "site" && isGiven(v.name) ? { ...v, role: "param" as const } : v,
    ),
    body: model.body.map((s) => mapStmt(s, rewrite)),
  };
}

/**
 * Particles pass gradients by their paths, or by their scores with the objective as a whole: other
 * strategies of the text, which need costs of their own, give way.
 */
function withWrittenScores(model: Model): Model {
  const each = (s: Stmt): Stmt => {
    if (s.kind === "for") return { ...s, body: s.body.map(each) };
    // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
    if (s.kind === "if") return { ...s, then: s.then.map(each), else: s.else.map(each) };
    if (s.kind !== "site" || s.using === undefined) return s;
    const { using } = s;
    const isKept =
      using.kind === "reparam" || (using.kind === "reinforce" && using.baseline !== "muprop");
    return isKept ? s : { ...s, using: undefined };
  };
  return { ...model, body: model.body.map(each) };
}
