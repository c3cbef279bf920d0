/** Objectives: draws from programs, densities at draws, and the number that is returned. */
import { wholeLine } from "../model/interval.js";
import { type Binder, type Expr, real, type Type } from "../model/ir.js";
import {
  type Draw,
  type Estimate,
  type Evaluation,
  type EvaluationKind,
  evaluationKinds,
  evaluationSize,
} from "../model/objective.js";
import { printType } from "../model/print.js";
import { sizeVar } from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { type Cx, quote } from "./context.js";
import { inlineEstimate, isEstimate } from "./estimates.js";
import type { Scope, VariableInfo } from "./scope.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** What is found while an objective is elaborated. */
export interface ObjectiveState {
  readonly programs: readonly string[];
  readonly draws: Draw[];
  readonly evaluations: Map<string, Evaluation>;
  readonly estimates: Map<string, Estimate>;
}

/** The objective's arguments without a type, which stand for models and guides. */
export function declarePrograms(cx: Cx, decl: ast.ObjectiveDecl, scope: Scope): ObjectiveState {
  const untyped = decl.params.filter((p) => p.type === undefined);
  for (const { name } of untyped) {
    scope.set(name.text, { kind: "program", span: name.span, name: name.text });
    cx.model.freshName(name.text);
  }
  const programs = untyped.map((p) => p.name.text);
  return { programs, draws: [], evaluations: new Map(), estimates: new Map() };
}

/** The text without its `return`, and that; statements that no objective holds are reported. */
export function splitReturn(
  cx: Cx,
  decl: ast.ObjectiveDecl,
): { readonly text: ast.Block; readonly returns: readonly ast.ReturnStmt[] } {
  const { statements } = decl.body;
  let end = statements.length;
  while (end > 0 && statements[end - 1].kind === "return") end--;
  const returns = statements.slice(end).filter((s) => s.kind === "return");
  const check = (list: readonly ast.Stmt[]): void => {
    for (const s of list) {
      if (s.kind === "observe" || s.kind === "factor") {
        cx.reporter.report("objective_statement", s.span, { kind: s.kind });
      } else if (s.kind === "for") check(s.body.statements);
      else if (s.kind === "if") check([...s.then.statements, ...(s.else?.statements ?? [])]);
    }
  };
  check(statements);
  if (returns.length === 0) {
    cx.reporter.report("objective_return", decl.name.span, { name: decl.name.text });
    return { text: decl.body, returns };
  }
  const plain = returns.find((r) => r.players === undefined);
  if (returns.length > 1 && plain !== undefined) {
    cx.reporter.report("player_missing_name", plain.span, {});
  }
  return { text: { ...decl.body, statements: statements.slice(0, end) }, returns };
}

/** Draws, which were collected as variables, are known by name as such from here on. */
export function declareTraces(cx: Cx, scope: Scope): void {
  for (const v of cx.model.variables.values()) {
    if (v.role !== "site") continue;
    v.element = { type: real, support: { kind: "real" } };
    v.elementState = "known";
    scope.set(v.name, { kind: "trace", span: v.span, variable: v });
  }
}

/** `z[k] ~ q` */
export function drawStmt(cx: Cx, s: ast.SampleStmt, scope: Scope, found: ObjectiveState): void {
  const v = cx.model.variables.get(s.target.name.text);
  if (v !== undefined) v.remaining--;
  const program = programOf(cx, s.dist, scope);
  if (program === undefined) {
    if (v !== undefined) v.extents = [];
    return;
  }
  const loops = s.target.indices.map((e) => plainLoop(e, scope));
  const isPlain = s.type === undefined && s.using === undefined;
  const isIndexed = loops.every((b) => b !== undefined) && new Set(loops).size === loops.length;
  // Without its loop's index the draw was marked when it was collected.
  if (v === undefined || !isPlain || !isIndexed || v.broken) {
    cx.reporter.report("objective_draw", s.span, { text: quote(s.span) });
    if (v !== undefined) v.extents = [];
    return;
  }
  found.draws.push({ name: v.name, span: s.span, ...program, loops });
}

/** `q` or `stop_gradient(q)` of an argument q that stands for a model or guide, or of an estimate. */
function programOf(
  cx: Cx,
  e: ast.Expr,
  scope: Scope,
): { readonly program: string; readonly frozen: boolean } | undefined {
  const frozen =
    e.kind === "call" &&
    e.callee.kind === "name" &&
    e.callee.name === "stop_gradient" &&
    e.args.length === 1;
  const inner = frozen ? e.args[0].value : e;
  const entry = inner.kind === "name" ? scope.lookup(inner.name) : undefined;
  if (entry?.kind === "program") return { program: entry.name, frozen };
  if (entry?.kind === "broken") return undefined;
  if (isEstimate(inner, scope.env)) {
    const program = inlineEstimate(cx, inner, scope);
    return program === undefined ? undefined : { program, frozen };
  }
  return cx.reporter.report("objective_argument", e.span, { name: quote(e.span) });
}

/** The loop of an index that is its variable, where it starts at 0. */
function plainLoop(e: ast.Expr, scope: Scope): Binder | undefined {
  const entry = e.kind === "name" ? scope.lookup(e.name) : undefined;
  if (entry?.kind !== "index") return undefined;
  const { from } = entry.binder;
  return from.kind === "const" && from.value === 0 ? entry.binder : undefined;
}

/** The densities that objectives evaluate. */
export function evaluationKind(name: string): EvaluationKind | undefined {
  return evaluationKinds.find((k) => k === name);
}

/** `log_joint(p, z[k])`: an element of the variable that holds the density for all draws. */
export function evaluation(
  cx: Cx,
  e: CallAst,
  kind: EvaluationKind,
  scope: Scope,
): Expr | undefined {
  const found = cx.model.objective;
  if (found === undefined) return cx.reporter.report("objective_only", e.span, { name: kind });
  const wrong = () => cx.reporter.report("objective_evaluation", e.span, { name: kind });
  const [first, second] = e.args;
  if (e.args.length !== 2 || e.args.some((a) => a.name !== undefined)) return wrong();
  const program = programOf(cx, first.value, scope);
  if (program === undefined) return undefined;
  const at = second.value.kind === "index" ? second.value : undefined;
  const target = at?.target ?? second.value;
  if (target.kind !== "name") return wrong();
  const trace = scope.lookup(target.name);
  const isData = trace === undefined && target.name === "data";
  if (trace?.kind !== "trace" && !isData) return trace?.kind === "broken" ? undefined : wrong();
  const draw = trace?.kind === "trace" ? trace.variable : undefined;
  const variable = evaluationVariable(
    cx,
    { kind, ...program, draw: draw?.name, span: e.span },
    draw,
  );
  const inner = scope.child();
  inner.set(variable.name, { kind: "variable", span: e.span, variable });
  const name: ast.Expr = { kind: "name", span: e.span, name: variable.name };
  return cx.expr(at === undefined ? name : { ...at, target: name }, inner);
}

function evaluationVariable(
  cx: Cx,
  what: Omit<Evaluation, "name">,
  draw: VariableInfo | undefined,
): VariableInfo {
  const { kind, frozen, span } = what;
  const program = frozen ? `stop_gradient(${what.program})` : what.program;
  const name = `${kind}(${program}, ${draw?.name ?? "data"})`;
  const known = cx.model.variables.get(name);
  if (known !== undefined) return known;
  const made: Evaluation = { name, ...what };
  cx.model.objective?.evaluations.set(name, made);
  const isVector = kind === "log_probs" || kind === "score";
  const dims = isVector ? [sizeVar(evaluationSize(made))] : [];
  const type: Type = { scalar: "real", dims };
  const variable: VariableInfo = {
    name,
    role: "site",
    span,
    definitions: draw?.definitions ?? [],
    rank: draw?.rank ?? 0,
    ...(draw === undefined && { extents: [] }),
    element: { type, support: { kind: "real" } },
    elementState: "known",
    failedLooks: 0,
    remaining: 0,
    complete: true,
    openLoops: 0,
    random: true,
    interval: wholeLine,
    broken: false,
  };
  cx.model.variables.set(name, variable);
  cx.model.random.add(name);
  return variable;
}

/** The value that the objective returns: one real number. */
export function objectiveValue(cx: Cx, e: ast.Expr, scope: Scope): Expr | undefined {
  const value = cx.expr(e, scope);
  if (value === undefined) return undefined;
  if (value.type.dims.length === 0 && value.type.scalar !== "bool") return value;
  return cx.reporter.report("objective_value", e.span, { actual: printType(value.type) });
}
