/**
 * `w ~ StickBreaking(alpha)` and `G ~ DirichletProcess(alpha, base)` written as labels in an
 * unbounded plate, before names are looked at: `z[i] ~ Categorical(w)` becomes `z[i] ~ CRP(alpha)`,
 * and `theta[i] ~ G` becomes labels, a plate `G[k] ~ base` and `let theta[i] = G[label[i]]`. The
 * random measure is integrated out in both (Blackwell and MacQueen 1973; Sethuraman 1994). New
 * names hold a dot or blank, so that none of the model's can meet them.
 */
import type { Span } from "../../base/span.js";
import type * as ast from "../../syntax/ast.js";
import { type Cx, quote } from "../context.js";
import type { Scope } from "../scope.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

interface Process {
  readonly dist: "StickBreaking" | "DirichletProcess";
  readonly stmt: ast.SampleStmt;
  readonly alpha: ast.Expr;
  /** Of a DirichletProcess. */
  readonly base?: ast.Expr;
  /** Statements that draw from it. */
  draws: number;
}

const usages = {
  StickBreaking: "w ~ StickBreaking(alpha)",
  DirichletProcess: "G ~ DirichletProcess(alpha, base)",
} as const;
const parameters = {
  StickBreaking: ["alpha"],
  DirichletProcess: ["alpha", "base"],
} as const;

/** The body without draws of random measures; reports those that cannot be written so. */
export function withoutProcesses(cx: Cx, body: ast.Block, scope: Scope): ast.Block {
  const found = new Map<string, Process>();
  for (const s of body.statements) {
    const process = processOf(cx, s);
    if (process !== undefined) found.set(process.stmt.target.name.text, process);
  }
  if (found.size === 0) return body;
  const statements = body.statements.flatMap((s) => rewrite(cx, s, found));
  for (const [name, { dist, draws, stmt }] of found) {
    // Uses of the weights have been told of; of a measure, its atoms keep the name.
    if (dist === "StickBreaking") scope.set(name, { kind: "broken", span: stmt.target.name.span });
    if (draws === 0) cx.reporter.report("process_draws", stmt.target.span, { name, dist });
  }
  return { ...body, statements };
}

/** A top-level draw of a random measure. */
function processOf(cx: Cx, s: ast.Stmt): Process | undefined {
  if (s.kind !== "sample" || s.dist.kind !== "call" || s.dist.callee.kind !== "name") {
    return undefined;
  }
  const dist = s.dist.callee.name;
  if (dist !== "StickBreaking" && dist !== "DirichletProcess") return undefined;
  if (s.target.indices.length > 0 || s.type !== undefined) {
    const text = quote(s.target.span);
    return cx.reporter.report("process_target", s.target.span, { text, dist });
  }
  const args = argumentsOf(s.dist, parameters[dist]);
  if (args === undefined) {
    const usage = usages[dist];
    return cx.reporter.report("process_arguments", s.dist.span, { dist, usage });
  }
  return { dist, stmt: s, alpha: args[0], base: args[1], draws: 0 };
}

/** The arguments in the order of `names`; undefined where they do not fit. */
export function argumentsOf(call: CallAst, names: readonly string[]): ast.Expr[] | undefined {
  const out = new Array<ast.Expr | undefined>(names.length).fill(undefined);
  let position = 0;
  for (const a of call.args) {
    const at = a.name === undefined ? position++ : names.indexOf(a.name.text);
    if (at < 0 || at >= names.length || out[at] !== undefined) return undefined;
    out[at] = a.value;
  }
  return out.every((e) => e !== undefined) ? out : undefined;
}

type Found = ReadonlyMap<string, Process>;

function rewrite(cx: Cx, s: ast.Stmt, found: Found): ast.Stmt[] {
  switch (s.kind) {
    case "for":
      return [{ ...s, body: rewriteBlock(cx, s.body, found) }];
    case "if": {
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the AST, never awaited
      const made = { ...s, then: rewriteBlock(cx, s.then, found) };
      return [s.else === undefined ? made : { ...made, else: rewriteBlock(cx, s.else, found) }];
    }
    case "sample":
      return rewriteSample(cx, s, found);
    default:
      reportUses(cx, s, found);
      return [s];
  }
}

function rewriteBlock(cx: Cx, b: ast.Block, found: Found): ast.Block {
  return { ...b, statements: b.statements.flatMap((s) => rewrite(cx, s, found)) };
}

function rewriteSample(cx: Cx, s: ast.SampleStmt, found: Found): ast.Stmt[] {
  const own = found.get(s.target.name.text);
  if (own?.stmt === s) {
    reportUses(cx, s.dist, found);
    return own.base === undefined ? [] : [plateOf(s, own.base)];
  }
  const weights = weightsOf(s.dist, found);
  if (weights !== undefined) {
    weights.draws++;
    reportUses(cx, s.target.indices, found);
    return [{ ...s, dist: crp(weights.alpha, s.dist.span) }];
  }
  const measure = s.dist.kind === "name" ? found.get(s.dist.name) : undefined;
  if (measure?.base !== undefined) {
    measure.draws++;
    reportUses(cx, s.target.indices, found);
    return drawsOf(s, measure);
  }
  reportUses(cx, s, found);
  return [s];
}

/** The process behind `Categorical(w)`. */
function weightsOf(dist: ast.Expr, found: Found): Process | undefined {
  if (dist.kind !== "call" || dist.callee.kind !== "name") return undefined;
  if (dist.callee.name !== "Categorical") return undefined;
  const p = argumentsOf(dist, ["p"])?.[0];
  const process = p?.kind === "name" ? found.get(p.name) : undefined;
  return process?.dist === "StickBreaking" ? process : undefined;
}

function crp(alpha: ast.Expr, span: Span): ast.Expr {
  return { kind: "call", span, callee: nameExpr("CRP", span), args: [{ span, value: alpha }] };
}

function nameExpr(name: string, span: Span): ast.Expr {
  return { kind: "name", span, name };
}

/** `for k in 0.. { G[k] ~ base }`. */
function plateOf(s: ast.SampleStmt, base: ast.Expr): ast.Stmt {
  const { name } = s.target;
  const { span } = name;
  const variable = { text: `${name.text}.k`, span };
  const target = { span, name, indices: [nameExpr(variable.text, span)] };
  const draw: ast.Stmt = { kind: "sample", span: s.span, target, dist: base };
  const zero: ast.Expr = { kind: "number", span, value: 0, isInt: true };
  const body: ast.Block = { kind: "block", span: s.span, statements: [draw] };
  return { kind: "for", span: s.span, variable, from: zero, body };
}

/** `theta.label[i] ~ CRP(alpha)` and `let theta[i] = G[theta.label[i]]`. */
function drawsOf(s: ast.SampleStmt, measure: Process): ast.Stmt[] {
  const { target } = s;
  const name = { text: `${target.name.text}.label`, span: target.name.span };
  const label: ast.Stmt = {
    kind: "sample",
    span: s.span,
    target: { ...target, name },
    dist: crp(measure.alpha, measure.alpha.span),
  };
  const whole = nameExpr(name.text, target.span);
  const indices = target.indices.map((value) => ({ kind: "at", span: value.span, value }) as const);
  const read: ast.Expr =
    indices.length === 0 ? whole : { kind: "index", span: target.span, target: whole, indices };
  const value: ast.Expr = {
    kind: "index",
    span: s.dist.span,
    target: nameExpr(measure.stmt.target.name.text, s.dist.span),
    indices: [{ kind: "at", span: target.span, value: read }],
  };
  return [label, { kind: "let", span: s.span, target, type: s.type, value }];
}

/** Reports every other mention of a random measure. */
function reportUses(cx: Cx, node: unknown, found: Found): void {
  if (Array.isArray(node)) {
    for (const x of node) reportUses(cx, x, found);
    return;
  }
  if (typeof node !== "object" || node === null) return;
  if (isName(node)) {
    const process = found.get(node.name);
    if (process === undefined) return;
    cx.reporter.report("process_use", node.span, { name: node.name, dist: process.dist });
    return;
  }
  for (const [key, child] of Object.entries(node)) {
    // Spans hold the whole source.
    if (key !== "span") reportUses(cx, child, found);
  }
}

function isName(node: object): node is Extract<ast.Expr, { kind: "name" }> {
  return "kind" in node && node.kind === "name";
}
