/**
 * Programs made of programs: `marginal(q, keep: [x], particles: M)` and `normalize(p, particles: M)`,
 * where they are drawn from or evaluated, or by a name: `let m = marginal(q, particles: M)`.
 */
import type { Expr } from "../model/ir.js";
import { type Estimate, type EstimateKind, estimateKinds } from "../model/objective.js";
import { printType } from "../model/print.js";
import { walkExpr } from "../model/traverse.js";
import type * as ast from "../syntax/ast.js";
import { type Cx, quote } from "./context.js";
import type { FileEnv, Scope } from "./scope.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** A definition that names a program. */
interface ProgramLet {
  readonly name: ast.Name;
  readonly value: CallAst;
}

/** True of a call of `marginal` or `normalize`, where the file has no function of that name. */
export function isEstimate(e: ast.Expr, env: FileEnv): e is CallAst {
  return kindOf(e, env) !== undefined;
}

function kindOf(e: ast.Expr, env: FileEnv): EstimateKind | undefined {
  if (e.kind !== "call" || e.callee.kind !== "name") return undefined;
  const { name } = e.callee;
  return env.fns.has(name) ? undefined : estimateKinds.find((k) => k === name);
}

/** The text of an objective without the lets that name programs, which are to be declared. */
export function withoutPrograms(
  body: ast.Block,
  env: FileEnv,
): { readonly body: ast.Block; readonly lets: readonly ProgramLet[] } {
  const lets: ProgramLet[] = [];
  const statements = body.statements.filter((s) => {
    const isPlain = s.kind === "let" && s.type === undefined && s.target.indices.length === 0;
    if (!isPlain || !isEstimate(s.value, env)) return true;
    lets.push({ name: s.target.name, value: s.value });
    return false;
  });
  return { body: { ...body, statements }, lets };
}

/** Declares the names of programs, once inputs are known. */
export function declareEstimates(cx: Cx, lets: readonly ProgramLet[], scope: Scope): void {
  for (const { name, value } of lets) {
    const entry = scope.lookup(name.text);
    if (entry !== undefined) {
      const note = [{ span: entry.span, text: `\`${name.text}\` is first defined here` }];
      cx.reporter.report("name_taken", name.span, { name: name.text, what: "program" }, note);
      continue;
    }
    cx.model.freshName(name.text);
    const made = estimateOf(cx, value, name.text, scope);
    if (made === undefined) {
      scope.set(name.text, { kind: "broken", span: name.span });
      continue;
    }
    cx.model.objective?.estimates.set(made.name, made);
    scope.set(name.text, { kind: "program", span: name.span, name: made.name });
  }
}

/** The name of a program that stands where it is used: the same text is the same program. */
export function inlineEstimate(cx: Cx, e: CallAst, scope: Scope): string | undefined {
  const name = quote(e.span);
  const found = cx.model.objective?.estimates;
  if (found?.has(name)) return name;
  const made = estimateOf(cx, e, name, scope);
  if (made === undefined) return undefined;
  found?.set(name, made);
  return name;
}

function estimateOf(cx: Cx, e: CallAst, name: string, scope: Scope): Estimate | undefined {
  const kind = kindOf(e, scope.env);
  if (kind === undefined) return undefined;
  const usage = (): undefined => cx.reporter.report("estimate_usage", e.span, { kind });
  const [first, ...rest] = e.args;
  if (first === undefined || first.name !== undefined) return usage();
  const named = new Map(rest.map((a) => [a.name?.text, a.value]));
  const known = kind === "marginal" ? ["keep", "proposal", "particles"] : ["proposal", "particles"];
  const isKnown = rest.every((a) => a.name !== undefined && known.includes(a.name.text));
  const count = named.get("particles");
  if (!isKnown || named.size !== rest.length || count === undefined) return usage();
  const program = argumentOf(cx, first.value, kind, scope);
  const written = named.get("proposal");
  const proposal = written && argumentOf(cx, written, kind, scope);
  const keep = keptSites(cx, named.get("keep"));
  const particles = particlesOf(cx, count, kind, scope);
  if (program === undefined || keep === "wrong" || particles === undefined) return undefined;
  if (written !== undefined && proposal === undefined) return undefined;
  const { span } = e;
  return {
    ...{ name, span, kind, program, particles },
    ...(keep !== undefined && { keep }),
    ...(proposal !== undefined && { proposal }),
  };
}

/** The model or guide that an estimate is made of. */
function argumentOf(cx: Cx, e: ast.Expr, kind: EstimateKind, scope: Scope): string | undefined {
  if (isEstimate(e, scope.env)) {
    return cx.reporter.report("estimate_nested", e.span, { name: quote(e.span), kind });
  }
  const entry = e.kind === "name" ? scope.lookup(e.name) : undefined;
  if (entry?.kind === "broken") return undefined;
  if (entry?.kind !== "program") {
    return cx.reporter.report("estimate_program", e.span, { name: quote(e.span), kind });
  }
  if (cx.model.objective?.estimates.has(entry.name)) {
    return cx.reporter.report("estimate_nested", e.span, { name: quote(e.span), kind });
  }
  return entry.name;
}

/** `[x, y]`: names of sites, which are those of the program that the objective is used with. */
function keptSites(cx: Cx, e: ast.Expr | undefined): Estimate["keep"] | "wrong" {
  if (e === undefined) return undefined;
  if (e.kind !== "array" || e.items.some((i) => i.kind !== "name")) {
    cx.reporter.report("estimate_keep", e.span, { text: quote(e.span) });
    return "wrong";
  }
  if (e.items.length === 0) {
    cx.reporter.report("estimate_keep_empty", e.span, {});
    return "wrong";
  }
  return e.items.flatMap((i) => (i.kind === "name" ? [{ name: i.name, span: i.span }] : []));
}

function particlesOf(cx: Cx, e: ast.Expr, kind: EstimateKind, scope: Scope): Expr | undefined {
  const value = cx.expr(e, scope);
  if (value === undefined) return undefined;
  const { scalar, dims } = value.type;
  let inLoop = false;
  walkExpr(value, (x) => {
    if (x.kind === "var" && x.role === "index") inLoop = true;
  });
  if (scalar === "int" && dims.length === 0 && !cx.model.isRandom(value) && !inLoop) return value;
  const actual = inLoop ? "a number that changes in a loop" : printType(value.type);
  return cx.reporter.report("estimate_particles_type", e.span, { kind, actual });
}
