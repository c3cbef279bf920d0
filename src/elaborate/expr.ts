/** Expressions: AST to typed model IR. One rule a kind of node; undefined after an error. */
import type { Span } from "../base/span.js";
import type { BuiltinName } from "../model/builtins.js";
import {
  type Binder,
  bool,
  type Expr,
  int,
  type ReduceOp,
  real,
  type ScalarKind,
  type Type,
} from "../model/ir.js";
import { printType } from "../model/print.js";
import { constantSize, sizeConst, subSizes } from "../model/size.js";
import { freeVariables } from "../model/traverse.js";
import type * as ast from "../syntax/ast.js";
import { boolToInt, builtinAliases, builtinCall, builtinRules } from "./builtins.js";
import { entryOf } from "./callables.js";
import { callExpr, memberExpr } from "./calls.js";
import { type Cx, quote } from "./context.js";
import { indexExpr, variableReference } from "./indexing.js";
import { combinatorNames, foreignAdvice, suggestions } from "./names.js";
import type { Entry, Scope } from "./scope.js";
import { canBeInType, dimsAgree, toSize } from "./sizes.js";
import { staticItem } from "./unroll.js";

type Node<K extends ast.Expr["kind"]> = Extract<ast.Expr, { kind: K }>;
type Rule<K extends ast.Expr["kind"]> = (cx: Cx, e: Node<K>, scope: Scope) => Expr | undefined;

const operatorBuiltin: { readonly [K in ast.BinaryOp]: BuiltinName } = {
  "^": "pow",
  "@": "matmul",
  "*": "mul",
  "/": "div",
  "%": "mod",
  "+": "add",
  "-": "sub",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "==": "eq",
  "!=": "ne",
  "&&": "and",
  "||": "or",
};

const rules: { readonly [K in ast.Expr["kind"]]: Rule<K> } = {
  number: (_cx, e) => ({
    kind: "const",
    value: e.value,
    span: e.span,
    type: e.isInt ? int : real,
  }),
  bool: (_cx, e) => ({ kind: "const", value: e.value ? 1 : 0, span: e.span, type: bool }),
  string: (cx, e) => cx.reporter.report("string_value", e.span, { text: quote(e.span) }),
  array: arrayExpr,
  name: nameExpr,
  unary: (cx, e, scope) => {
    const operand = cx.expr(e.operand, scope);
    if (operand === undefined) return undefined;
    return builtinCall(e.op === "-" ? "neg" : "not", [operand], {
      cx,
      span: e.span,
      shown: e.op,
    });
  },
  binary: (cx, e, scope) => {
    const left = cx.expr(e.left, scope);
    const right = cx.expr(e.right, rightScope(cx, e.op, left, scope));
    if (left === undefined || right === undefined) return undefined;
    return builtinCall(operatorBuiltin[e.op], [left, right], {
      cx,
      span: e.span,
      shown: e.op,
    });
  },
  if: ifExpr,
  call: callExpr,
  index: (cx, e, scope) => {
    const held = entryOf(cx, e, scope);
    if (held !== undefined) return entryExpr(cx, held, quote(e.span), e.span);
    return staticItem(cx, e, scope) ?? indexExpr(cx, e, scope);
  },
  member: (cx, e, scope) => {
    const held = entryOf(cx, e, scope);
    if (held !== undefined) return entryExpr(cx, held, quote(e.span), e.span);
    const whole = e.target.kind === "index" ? e.target.target : e.target;
    const of = whole.kind === "name" ? scope.lookup(whole.name) : undefined;
    const isData = cx.model.objective !== undefined && whole.kind === "name";
    if (of?.kind === "trace" || (isData && of === undefined && whole.name === "data")) {
      return cx.reporter.report("site_value_type", e.span, { text: quote(e.span) });
    }
    return memberExpr(cx, e, scope);
  },
  lambda: (cx, e) => cx.reporter.report("lambda_value", e.span, {}),
  comprehension: (cx, e, scope) => {
    const inner = openBinders(cx, e.binders, scope);
    const body = cx.expr(e.body, inner.scope);
    if (inner.binders === undefined || body === undefined) return undefined;
    if (!inner.binders.every((b) => canBeInType(cx, b.size, b.span))) return undefined;
    const dims = [...inner.binders.map((b) => b.size), ...body.type.dims];
    const type = { scalar: body.type.scalar, dims };
    return { kind: "comprehension", binders: inner.binders, body, span: e.span, type };
  },
  reduce: reduceExpr,
};

/** The entry: the typed expression, or undefined where an error has been reported. */
export function elaborateExpr(cx: Cx, e: ast.Expr, scope: Scope): Expr | undefined {
  const rule = rules[e.kind] as Rule<typeof e.kind>;
  return rule(cx, e as never, scope);
}

function arrayExpr(cx: Cx, e: Node<"array">, scope: Scope): Expr | undefined {
  const items = e.items.map((x) => cx.expr(x, scope));
  if (!items.every((x) => x !== undefined)) return undefined;
  if (items.length === 0) {
    return { kind: "array", items, span: e.span, type: { scalar: "real", dims: [sizeConst(0)] } };
  }
  const scalar = items.map((x) => x.type.scalar).reduce(joinScalars);
  for (const x of items.slice(1)) {
    const isBoolMix = (x.type.scalar === "bool") !== (items[0].type.scalar === "bool");
    if (isBoolMix || !dimsAgree(items[0].type.dims, x.type.dims, cx.model)) {
      return cx.reporter.report("array_items", x.span, {
        first: printType(items[0].type),
        other: printType(x.type),
      });
    }
  }
  const dims = [sizeConst(items.length), ...items[0].type.dims];
  return { kind: "array", items, span: e.span, type: { scalar, dims } };
}

function joinScalars(a: ScalarKind, b: ScalarKind): ScalarKind {
  if (a === b) return a;
  return a === "real" || b === "real" ? "real" : "int";
}

/** Constants that a program may use without defining them; a definition of its own comes first. */
const constants: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  pi: Math.PI,
};

function nameExpr(cx: Cx, e: Node<"name">, scope: Scope): Expr | undefined {
  const entry = scope.lookup(e.name);
  if (entry === undefined) return unknownValue(cx, e.name, e.span, scope);
  return entryExpr(cx, entry, e.name, e.span);
}

const entryNouns = {
  instance: "a module",
  function: "a function",
  family: "a list of definitions",
  program: "a model or guide",
  trace: "a draw of all sites",
} as const;

/** The value that a name holds; `shown` is how it is written. */
function entryExpr(cx: Cx, entry: Entry, shown: string, span: Span): Expr | undefined {
  switch (entry.kind) {
    case "input":
      return { kind: "var", name: entry.input.name, role: "input", span, type: entry.input.type };
    case "size":
      return { kind: "var", name: entry.name, role: "input", span, type: int };
    case "variable":
      return variableReference(cx, entry.variable, span, "whole");
    case "index":
      return { kind: "var", name: entry.binder.name, role: "index", span, type: int };
    case "local":
      return { kind: "var", name: entry.name, role: "local", span, type: entry.type };
    case "alias":
      return cx.model.copy(entry.value, span);
    case "dist":
      return cx.reporter.report("distribution_as_value", span, { name: shown });
    case "pending":
      return cx.reporter.report("use_before_definition", span, { name: shown }, [
        { span: entry.span, text: "defined here" },
      ]);
    case "instance":
    case "function":
    case "family":
    case "program":
    case "trace":
      return cx.reporter.report("not_a_number", span, {
        name: shown,
        what: entryNouns[entry.kind],
      });
    case "broken":
      return undefined;
  }
}

function unknownValue(cx: Cx, name: string, span: Span, scope: Scope): Expr | undefined {
  if (Object.hasOwn(constants, name)) {
    return { kind: "const", value: constants[name], span, type: real };
  }
  if (
    Object.hasOwn(cx.distributions, name) ||
    (combinatorNames as readonly string[]).includes(name)
  ) {
    return cx.reporter.report("distribution_as_value", span, { name });
  }
  const isFunction =
    Object.hasOwn(builtinRules, name) ||
    Object.hasOwn(builtinAliases, name) ||
    scope.env.fns.has(name);
  if (isFunction) return cx.reporter.report("function_as_value", span, { name });
  if (scope.env.modules.has(name)) return cx.reporter.report("import_as_value", span, { name });
  const other = scope.env.others.get(name);
  if (other !== undefined) {
    return cx.reporter.report("declaration_as_value", span, { name, kind: other.kind });
  }
  return cx.reporter.report("unknown_name", span, {
    name,
    near: suggestions(cx, name, scope, "value"),
    advice: foreignAdvice(name, Object.keys(cx.distributions)),
  });
}

/** A scalar bool, known before sampling or not. */
export function conditionExpr(cx: Cx, e: ast.Expr, scope: Scope): Expr | undefined {
  const condition = cx.expr(e, scope);
  if (condition === undefined) return undefined;
  if (condition.type.scalar === "bool" && condition.type.dims.length === 0) return condition;
  return cx.reporter.report("expected_bool", e.span, {
    what: "the condition of `if`",
    actual: printType(condition.type),
    text: quote(e.span),
  });
}

/** Loop variables that a condition depends on, added to those already guarded. */
export function guardedBy(cx: Cx, condition: Expr | undefined, scope: Scope): ReadonlySet<string> {
  if (condition === undefined) return new Set(cx.model.binders.keys());
  const names = [...freeVariables(condition)].filter((n) => cx.model.binders.has(n));
  return new Set([...scope.guarded, ...names]);
}

/** The right of `c && d` and `c || d` counts only where `c` leaves it open: `c` guards it. */
function rightScope(cx: Cx, op: ast.BinaryOp, left: Expr | undefined, scope: Scope): Scope {
  const isShort = op === "&&" || op === "||";
  // Arrays of bools are evaluated whole.
  if (!isShort || (left !== undefined && left.type.dims.length > 0)) return scope;
  return scope.child(guardedBy(cx, left, scope));
}

function ifExpr(cx: Cx, e: Node<"if">, scope: Scope): Expr | undefined {
  const condition = conditionExpr(cx, e.condition, scope);
  const inner = scope.child(guardedBy(cx, condition, scope));
  const yes = cx.expr(e.then, inner);
  const no = cx.expr(e.else, inner);
  if (condition === undefined || yes === undefined || no === undefined) return undefined;
  const isBoolMix = (yes.type.scalar === "bool") !== (no.type.scalar === "bool");
  if (isBoolMix || !dimsAgree(yes.type.dims, no.type.dims, cx.model)) {
    return cx.reporter.report("branches_differ", e.span, {
      left: printType(yes.type),
      right: printType(no.type),
    });
  }
  const type = { scalar: joinScalars(yes.type.scalar, no.type.scalar), dims: yes.type.dims };
  // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
  return { kind: "if", condition, then: yes, else: no, span: e.span, type };
}

/** A loop range `from..to` with its variable under a unique name. */
export function openBinder(
  cx: Cx,
  b: { readonly variable: ast.Name; readonly from: ast.Expr; readonly to: ast.Expr },
  span: Span,
  scope: Scope,
): Binder | undefined {
  const from = rangeEnd(cx, b.from, scope);
  const to = rangeEnd(cx, b.to, scope);
  if (from === undefined || to === undefined) return undefined;
  const size = subSizes(toSize(to, cx.model), toSize(from, cx.model));
  const count = constantSize(size);
  if (count !== undefined && count < 0) {
    return cx.reporter.report("range_negative", span, {
      text: `${quote(b.from.span)}..${quote(b.to.span)}`,
    });
  }
  const binder = { name: cx.model.freshName(b.variable.text), from, to, size, span };
  cx.model.binders.set(binder.name, binder);
  const low = cx.model.interval(from).lo;
  const high = cx.model.interval(to).hi - 1;
  cx.model.intervals.set(binder.name, { lo: low, hi: high });
  return binder;
}

function rangeEnd(cx: Cx, e: ast.Expr, scope: Scope): Expr | undefined {
  const value = cx.expr(e, scope);
  if (value === undefined) return undefined;
  if (value.type.scalar !== "int" || value.type.dims.length > 0) {
    return cx.reporter.report("size_not_int", e.span, {
      text: quote(e.span),
      actual: printType(value.type),
    });
  }
  if (cx.model.isRandom(value)) {
    return cx.reporter.report("size_is_random", e.span, { text: quote(e.span) });
  }
  return value;
}

/** Declares a loop variable; an error where the name is taken. The scope is always usable. */
export function declareIndex(
  cx: Cx,
  name: ast.Name,
  binder: Binder | undefined,
  outer: Scope,
  inner: Scope,
): void {
  const taken = outer.lookup(name.text);
  if (taken !== undefined) {
    cx.reporter.report("name_taken", name.span, { name: name.text, what: "loop variable" }, [
      { span: taken.span, text: `\`${name.text}\` is first defined here` },
    ]);
  }
  inner.set(
    name.text,
    binder === undefined
      ? { kind: "broken", span: name.span }
      : { kind: "index", span: name.span, binder },
  );
}

/** The scope inside several binders, each of which sees those before it. */
export function openBinders(
  cx: Cx,
  binders: readonly ast.Binder[],
  scope: Scope,
): { readonly scope: Scope; readonly binders?: readonly Binder[] } {
  let inner = scope;
  const opened: (Binder | undefined)[] = [];
  for (const b of binders) {
    const binder = openBinder(cx, b, b.span, inner);
    const next = inner.child();
    declareIndex(cx, b.variable, binder, inner, next);
    opened.push(binder);
    inner = next;
  }
  return opened.every((b) => b !== undefined)
    ? { scope: inner, binders: opened }
    : { scope: inner };
}

const reduceOps: readonly string[] = "sum prod max min mean logsumexp all any".split(" ");

function reduceExpr(cx: Cx, e: Node<"reduce">, scope: Scope): Expr | undefined {
  const inner = openBinders(cx, e.binders, scope);
  const body = cx.expr(e.body, inner.scope);
  const written = e.op.text;
  const op = (builtinAliases[written] ?? written) as ReduceOp;
  if (!reduceOps.includes(op)) {
    return cx.reporter.report("unknown_reduction", e.op.span, { name: written });
  }
  if (inner.binders === undefined || body === undefined) return undefined;
  if (body.type.dims.length > 0) {
    return cx.reporter.report("reduce_body", e.body.span, {
      op: written,
      actual: printType(body.type),
    });
  }
  const wantsBool = op === "all" || op === "any";
  if (wantsBool && body.type.scalar !== "bool") {
    return cx.reporter.report("expected_bool", e.body.span, {
      what: `\`${written}\``,
      actual: printType(body.type),
      text: quote(e.body.span),
    });
  }
  const term = wantsBool ? body : boolToInt(body);
  return {
    kind: "reduce",
    op,
    binders: inner.binders,
    body: term,
    span: e.span,
    type: reduceType(op, term),
  };
}

function reduceType(op: ReduceOp, body: Expr): Type {
  if (op === "all" || op === "any") return bool;
  if (op === "mean" || op === "logsumexp") return real;
  return { scalar: body.type.scalar, dims: [] };
}
