/** Arguments of the session's own functions: values, and options as plain data. */
import { type Diagnostic, fail, TildeError } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import type { Span } from "../../base/span.js";
import { type DataValue, elementCount } from "../../model/data.js";
import type * as ast from "../../syntax/ast.js";
import { type Call, type Cx, evaluate, evaluateNumber } from "./evaluate.js";
import { textOf } from "./language.js";
import { type SessionFunctionName, sessionFunctions, snakeCase } from "./names.js";
import { type Value, valueWords } from "./values.js";

export interface Arguments {
  readonly positional: readonly ast.Expr[];
  readonly named: ReadonlyMap<string, ast.Arg>;
}

/**
 * Arguments by place and by name.
 * @throws TildeError where there are too few or too many by place, or one stands twice
 */
export function argumentsOf(
  fn: SessionFunctionName,
  e: Call,
  least: number,
  most = Number.POSITIVE_INFINITY,
): Arguments {
  const { usage } = sessionFunctions[fn];
  const positional = e.args.filter((a) => a.name === undefined).map((a) => a.value);
  const named = new Map<string, ast.Arg>();
  for (const a of e.args) {
    if (a.name === undefined) continue;
    const { text } = a.name;
    if (named.has(text)) {
      fail("session_usage", a.name.span, { usage, what: `\`${text}\` is given twice` });
    }
    named.set(text, a);
  }
  const { length } = positional;
  if (length < least || length > most) {
    const what = `\`${fn}\` takes ${least === most ? least : `at least ${least}`} ${least === 1 ? "argument" : "arguments"} by place, not ${length}`;
    fail("session_usage", e.span, { usage, what });
  }
  return { positional, named };
}

/** @throws TildeError for the first argument by name that is not among `known` */
export function checkNamed(
  fn: string,
  named: ReadonlyMap<string, ast.Arg>,
  known: readonly string[],
): void {
  for (const [name, arg] of named) {
    if (known.includes(name)) continue;
    const near = nearestNames(name, known);
    fail("session_argument", arg.name?.span, { fn, name, near, known });
  }
}

/** A value of one kind, or an error that says what stands there. */
export async function expectKind<K extends Value["kind"]>(
  cx: Cx,
  e: ast.Expr,
  kind: K,
): Promise<Extract<Value, { kind: K }>> {
  const v = await evaluate(cx, e);
  // The comparison narrows, which the generic cannot express.
  if (v.kind === kind) return v as Extract<Value, { kind: K }>;
  const params = { text: textOf(e.span), what: valueWords[v.kind], wanted: valueWords[kind] };
  return fail("session_kind", e.span, params);
}

/** Values for a model, by name. */
export async function dataOf(
  cx: Cx,
  named: Iterable<readonly [string, ast.Arg]>,
): Promise<Map<string, DataValue>> {
  const out = new Map<string, DataValue>();
  for (const [name, { value }] of named) {
    const v = await evaluateNumber(cx, value);
    if (v.kind === "draws") {
      const params = { text: textOf(value.span), what: "draws", wanted: "one value" };
      return fail("session_kind", value.span, params);
    }
    out.set(name, v.value);
  }
  return out;
}

export async function wholeNumber(cx: Cx, e: ast.Expr, least: number): Promise<number> {
  const v = await evaluateNumber(cx, e);
  const x = v.kind === "array" && v.value.dims.length === 0 ? v.value.data[0] : Number.NaN;
  if (Number.isSafeInteger(x) && x >= least) return x;
  const wanted = `a whole number of at least ${least}`;
  return fail("session_values", e.span, { text: textOf(e.span), wanted });
}

/**
 * An option as plain data: numbers, words (`full_rank`), lists (`[[z, x]]`) and, as calls with names
 * only, objects (`table(mu: slice)`). A name that the session knows is its value.
 */
export async function optionOf(cx: Cx, e: ast.Expr): Promise<unknown> {
  if (e.kind === "string" || e.kind === "bool") return e.value;
  if (e.kind === "array") {
    const items: unknown[] = [];
    for (const item of e.items) items.push(await optionOf(cx, item));
    return items;
  }
  if (e.kind === "name" && cx.workspace.values.get(e.name)?.kind !== "array") return e.name;
  if (e.kind === "call" && e.args.length > 0 && e.args.every((a) => a.name !== undefined)) {
    const entries: [string, unknown][] = [];
    for (const a of e.args) entries.push([a.name?.text ?? "", await optionOf(cx, a.value)]);
    return Object.fromEntries(entries);
  }
  const v = await evaluateNumber(cx, e);
  if (v.kind === "array") return nested(v.value, v.scalar === "bool");
  const params = { text: textOf(e.span), what: "draws", wanted: "one value" };
  return fail("session_kind", e.span, params);
}

/** An array as nested lists. */
function nested({ dims, data }: DataValue, isBool: boolean): unknown {
  const plain = (x: number): unknown => (isBool ? x === 1 : x);
  const at = (axis: number, start: number): unknown => {
    if (axis === dims.length) return plain(data[start]);
    const size = elementCount(dims.slice(axis + 1));
    return Array.from({ length: dims[axis] }, (_, k) => at(axis + 1, start + k * size));
  };
  return at(0, 0);
}

/** What `work` throws, at a place in the line; options are spelt as the language spells names. */
export async function placed<T>(span: Span, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TildeError)) throw error;
    throw new TildeError(error.diagnostics.map((d) => placedDiagnostic(d, span)));
  }
}

function placedDiagnostic(d: Diagnostic, span: Span): Diagnostic {
  const isOption = d.code === "bad_option" || d.code === "unknown_option";
  const words = (text: string): string =>
    text.replace(/`(\w+)`/g, (_, name: string) => `\`${snakeCase(name)}\``);
  const { message } = d;
  const input = d.code === "data_missing_input" ? /input `(\w+)/.exec(message)?.[1] : undefined;
  const help =
    input === undefined
      ? d.help
      : `define it, \`${input} = …\`, or give it: \`condition(m, ${input}: …)\``;
  return {
    ...d,
    span: d.span ?? span,
    message: isOption ? words(message) : message,
    ...(help === undefined ? {} : { help: isOption ? words(help) : help }),
  };
}
