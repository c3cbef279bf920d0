/**
 * Values of what is typed. Names of fits, models and methods and the session's own functions are
 * answered here; everything else is an expression of the language, into which the values that it
 * reads from the session enter as inputs.
 */
import { fail } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import type { Span } from "../../base/span.js";
import type * as ast from "../../syntax/ast.js";
import { type Method, type MethodName, methodNames, methods } from "../methods.js";
import { comesInChains } from "../results/summary.js";
import type { InferenceThread, Watch } from "./inference.js";
import {
  type Evaluation,
  evaluateTyped,
  simulate,
  type Typed,
  textOf,
  typeOf,
} from "./language.js";
import {
  fitMembers,
  isDrawSummary,
  isSessionFunction,
  type SessionFunctionName,
  sessionFunctions,
} from "./names.js";
import { summariseDraws } from "./over-draws.js";
import { type Bound, definedNames, rewriteExpr, rewriteStmt } from "./rewrite.js";
import { clustersText, figuresText } from "./shown.js";
import type { FitValue, NumberValue, Value } from "./values.js";
import { valueWords } from "./values.js";

/** What evaluation works with. */
export interface Cx extends Evaluation {
  readonly thread: InferenceThread;
  readonly watch: (method: Method) => Watch & { readonly close?: () => void };
  /** The session's own functions, which evaluate their arguments in turn. */
  readonly callSession: (cx: Cx, name: SessionFunctionName, e: Call) => Promise<Value>;
  readonly callMethod: (cx: Cx, name: MethodName, e: Call) => Promise<Value>;
}
export type Call = Extract<ast.Expr, { kind: "call" }>;

/** An expression whose free names are all in `inputs`. */
export interface Closed {
  readonly expr: ast.Expr;
  readonly inputs: ReadonlyMap<string, NumberValue>;
}

/** @throws TildeError where the expression has errors */
export async function evaluate(cx: Cx, e: ast.Expr): Promise<Value> {
  const object = await objectOf(cx, e, []);
  if (object !== undefined) return object;
  const { expr, inputs } = await close(cx, e);
  const plain = expr.kind === "name" ? inputs.get(expr.name) : undefined;
  if (plain !== undefined) return plain;
  const typed = typeOf(cx, expr, inputs);
  if (typed.kind === "number") return await evaluateTyped(cx, typed, inputs, typed.warnings);
  cx.warn(typed.warnings);
  return { kind: "dist", expr, captured: inputs };
}

/** The type of an expression that is not evaluated, or what kind of thing it is. */
export async function typed(
  cx: Cx,
  e: ast.Expr,
): Promise<Value | (Typed & { readonly inputs: Closed["inputs"] })> {
  const object = await objectOf(cx, e, []);
  if (object !== undefined && object.kind !== "dist") return object;
  const { expr, inputs } = await close(cx, e);
  const plain = expr.kind === "name" ? inputs.get(expr.name) : undefined;
  return plain ?? { ...typeOf(cx, expr, inputs), inputs };
}

/** A number or an array, or an error that names what stands there instead. */
export async function evaluateNumber(cx: Cx, e: ast.Expr): Promise<NumberValue> {
  const v = await evaluate(cx, e);
  return v.kind === "array" || v.kind === "draws" ? v : notNumber(e.span, v);
}

function notNumber(span: Span, v: Value): never {
  const params = { text: textOf(span), what: valueWords[v.kind], wanted: "a number or an array" };
  return fail("session_kind", span, params);
}

/** Statements run forward: what they define. */
export async function runStatement(
  cx: Cx,
  stmt: ast.Stmt,
): Promise<ReadonlyMap<string, NumberValue>> {
  const closing = new Closing(cx);
  const bound = definedNames(stmt).map((n) => ({ name: n.text }));
  const rewritten = await rewriteStmt(stmt, bound, closing.replace);
  return await simulate(cx, [rewritten], closing.inputs, stmt.span);
}

/** `e` with the session's values as inputs under names of their own. */
export async function close(cx: Cx, e: ast.Expr): Promise<Closed> {
  const closing = new Closing(cx);
  const expr = await rewriteExpr(e, [], closing.replace);
  return { expr, inputs: closing.inputs };
}

class Closing {
  readonly inputs = new Map<string, NumberValue>();

  constructor(
    readonly cx: Cx,
    /** Names that are taken, also in expressions around this one. */
    readonly known: Map<string, NumberValue> = new Map(),
  ) {}

  readonly replace = async (
    e: ast.Expr,
    bound: readonly Bound[],
  ): Promise<ast.Expr | undefined> => {
    const summary = await this.#summary(e, bound);
    if (summary !== undefined) return summary;
    const object = await objectOf(this.cx, e, bound);
    if (object === undefined) return undefined;
    if (object.kind === "array" || object.kind === "draws") {
      return this.#name(textOf(e.span), object, e.span);
    }
    if (object.kind !== "dist") return notNumber(e.span, object);
    // A distribution stands for its text; the values that it read come with it.
    return await rewriteExpr(object.expr, [], async (x) => {
      const value = x.kind === "name" ? object.captured.get(x.name) : undefined;
      return value === undefined ? undefined : this.#name(textOf(x.span), value, x.span);
    });
  };

  #name(text: string, value: NumberValue, span: Span): ast.Expr {
    let name = text;
    for (let k = 2; (this.known.get(name) ?? value) !== value; k++) name = `${text} (${k})`;
    this.known.set(name, value);
    this.inputs.set(name, value);
    return { kind: "name", span, name };
  }

  /** `mean(…)` and its like of draws: a plain value. */
  async #summary(e: ast.Expr, bound: readonly Bound[]): Promise<ast.Expr | undefined> {
    if (e.kind !== "call" || e.callee.kind !== "name") return undefined;
    const { name } = e.callee;
    const { workspace } = this.cx;
    if (!isDrawSummary(name) || workspace.isFunction(name)) return undefined;
    if (workspace.values.has(name) || bound.some((b) => b.name === name)) return undefined;
    const wanted = name === "quantile" ? 2 : 1;
    if (e.args.length !== wanted || e.args.some((a) => a.name !== undefined)) {
      if (name !== "quantile" && name !== "median") return undefined;
      const usage = name === "quantile" ? "quantile(x, 0.9)" : "median(x)";
      return fail("session_usage", e.span, {
        usage,
        what: `\`${name}\` takes ${wanted} arguments`,
      });
    }
    const inner = new Closing(this.cx, this.known);
    const arg = await rewriteExpr(e.args[0].value, bound, inner.replace);
    const hasDraws = [...inner.inputs.values()].some((v) => v.kind === "draws");
    if (!hasDraws && name !== "median" && name !== "quantile") return undefined;
    const p = name === "quantile" ? await evaluateNumber(this.cx, e.args[1].value) : undefined;
    if (p?.kind === "draws" || p?.value.data.some((x) => !(x >= 0 && x <= 1)) === true) {
      const { span } = e.args[1];
      fail("session_values", span, { text: textOf(span), wanted: "probabilities from 0 to 1" });
    }
    const loops = await usedBinders(arg, bound);
    if (loops.length === 0) {
      const value = await this.#evaluated(arg, inner.inputs);
      return this.#name(textOf(e.span), summariseDraws(name, value, p), e.span);
    }
    // Inside a loop all of its summaries are made at once, and the one at hand is read.
    const binders = loops.map((b) => this.#rectangular(b, bound, e.span));
    const all: ast.Expr = { kind: "comprehension", span: e.span, binders, body: arg };
    const value = await this.#evaluated(all, new Map([...this.inputs, ...inner.inputs]));
    const whole = this.#name(`${textOf(e.span)} of all`, summariseDraws(name, value, p), e.span);
    const indices = binders.map((b): ast.Index => {
      const variable: ast.Expr = { kind: "name", span: b.span, name: b.variable.text };
      const at: ast.Expr = {
        kind: "binary",
        op: "-",
        span: b.span,
        left: variable,
        right: b.from,
      };
      return { kind: "at", span: b.span, value: at };
    });
    const lead: ast.Index[] = (p?.value.dims ?? []).map(() => ({ kind: "range", span: e.span }));
    return { kind: "index", span: e.span, target: whole, indices: [...lead, ...indices] };
  }

  #rectangular({ name, binder }: Bound, bound: readonly Bound[], span: Span): ast.Binder {
    const isFree = (x: ast.Expr): boolean =>
      x.kind === "number" || (x.kind === "name" && !bound.some((b) => b.name === x.name));
    if (binder !== undefined && isFree(binder.from) && isFree(binder.to)) return binder;
    return fail("session_loop_draws", span, { text: textOf(span), name });
  }

  async #evaluated(expr: ast.Expr, inputs: Closed["inputs"]): Promise<NumberValue> {
    const plain = expr.kind === "name" ? inputs.get(expr.name) : undefined;
    if (plain !== undefined) return plain;
    const found = typeOf(this.cx, expr, inputs);
    if (found.kind === "number") {
      return await evaluateTyped(this.cx, found, inputs, found.warnings);
    }
    return fail("session_kind", expr.span, {
      text: textOf(expr.span),
      what: valueWords.dist,
      wanted: "a number or an array",
    });
  }
}

/** The loops around an expression whose variables it reads. */
async function usedBinders(e: ast.Expr, bound: readonly Bound[]): Promise<Bound[]> {
  const used = new Set<string>();
  await rewriteExpr(e, [], async (x, inner) => {
    if (x.kind === "name" && !inner.some((b) => b.name === x.name)) used.add(x.name);
    return undefined;
  });
  return bound.filter((b) => used.has(b.name));
}

/** What an expression stands for where it is no expression of the language alone. */
async function objectOf(cx: Cx, e: ast.Expr, bound: readonly Bound[]): Promise<Value | undefined> {
  switch (e.kind) {
    case "string":
      return { kind: "string", text: e.value };
    case "name":
      return bound.some((b) => b.name === e.name) ? undefined : named(cx, e.name);
    case "member": {
      const target = await receiver(cx, e.target, bound);
      return target === undefined ? undefined : memberOf(e, target);
    }
    case "call": {
      const { callee } = e;
      if (callee.kind === "member") return await methodCall(cx, e, callee, bound);
      if (callee.kind !== "name" || bound.some((b) => b.name === callee.name)) return undefined;
      const { name } = callee;
      if (cx.workspace.isFunction(name)) return undefined;
      if (isDrawSummary(name)) return undefined;
      if (isSessionFunction(name)) return await cx.callSession(cx, name, e);
      if (isMethod(name)) return await cx.callMethod(cx, name, e);
      return undefined;
    }
    default:
      return undefined;
  }
}

/** `fit.predict(x: 1)` is `predict(fit, x: 1)`. */
async function methodCall(
  cx: Cx,
  e: Call,
  callee: Extract<ast.Expr, { kind: "member" }>,
  bound: readonly Bound[],
): Promise<Value | undefined> {
  const { text } = callee.name;
  const target = await objectOf(cx, callee.target, bound);
  if (target === undefined) return undefined;
  if (isSessionFunction(text)) {
    const first: ast.Arg = { span: callee.target.span, value: callee.target };
    return await cx.callSession(cx, text, { ...e, args: [first, ...e.args] });
  }
  if (target.kind === "array" || target.kind === "draws" || target.kind === "dist") {
    return undefined;
  }
  const known = Object.keys(sessionFunctions);
  return fail("session_member", callee.name.span, {
    text: textOf(callee.target.span),
    what: valueWords[target.kind],
    name: `${text}(…)`,
    near: nearestNames(text, known).map((n) => `${n}(…)`),
    known: known.map((n) => `\`${n}(…)\``).join(", "),
  });
}

/** What stands before a dot, where it is no number: those have no members. */
async function receiver(
  cx: Cx,
  e: ast.Expr,
  bound: readonly Bound[],
): Promise<Exclude<Value, NumberValue> | undefined> {
  const v = await objectOf(cx, e, bound);
  if (v === undefined || v.kind === "array" || v.kind === "draws") return undefined;
  return v.kind === "dist" ? undefined : v;
}

export function isMethod(name: string): name is MethodName {
  return (methodNames as readonly string[]).includes(name);
}

function named({ workspace }: Cx, name: string): Value | undefined {
  const value = workspace.values.get(name);
  if (value !== undefined) return value;
  const decl = workspace.decls.get(name);
  if (decl?.kind === "model") return { kind: "model", name };
  if (decl === undefined && isMethod(name)) return { kind: "method", method: methods[name]() };
  return undefined;
}

function memberOf(
  e: Extract<ast.Expr, { kind: "member" }>,
  target: Exclude<Value, NumberValue>,
): Value {
  const name = e.name.text;
  const known: string[] = [];
  if (target.kind === "fit") {
    const { posterior } = target;
    if (posterior.names.includes(name)) return drawsOf(target, name);
    if (Object.hasOwn(fitMembers, name)) return fitMember(target, name);
    known.push(...posterior.names, ...Object.keys(fitMembers));
  } else if (target.kind === "predictions") {
    const found = target.variables.get(name);
    if (found !== undefined) return found;
    known.push(...target.variables.keys());
  }
  return fail("session_member", e.name.span, {
    text: textOf(e.target.span),
    what: valueWords[target.kind],
    name,
    near: nearestNames(name, known),
    known: known.length === 0 ? "no members" : known.map((n) => `\`${n}\``).join(", "),
  });
}

/** A variable of a fit: its draws, or the one point of a point estimate. */
export function drawsOf({ posterior }: FitValue, name: string): NumberValue {
  const { fit } = posterior;
  const variable = fit.conditioned.model.variables.find((v) => v.name === name);
  const scalar = variable?.type.scalar ?? "real";
  const draws = posterior.draws(name);
  if (fit.isPoint) {
    return { kind: "array", scalar, value: { dims: draws.shape.slice(2), data: draws.data } };
  }
  return { kind: "draws", scalar, draws, inChains: comesInChains(fit) };
}

function fitMember({ posterior }: FitValue, name: string): Value {
  switch (name) {
    case "summary":
      return { kind: "summary", summary: posterior.summary() };
    case "names":
      return { kind: "text", text: posterior.names.join(", ") };
    case "method":
      return { kind: "text", text: posterior.method };
    case "params":
      return { kind: "text", text: JSON.stringify(posterior.params ?? {}, null, 2) };
    case "clusters":
      return { kind: "text", text: clustersText(posterior) };
    case "figures":
      return { kind: "text", text: figuresText(posterior.fit.figures) };
    default: {
      const { warnings } = posterior;
      const text = warnings.map((w) => w.message).join("\n");
      return { kind: "text", text: text === "" ? "no warnings" : text };
    }
  }
}
