/** A failing case made small: parts of its text and data are taken away while it fails the same way. */
import type { Span } from "../../src/base/span.js";
import { formatSource } from "../../src/syntax/format.js";
import { parseSource } from "../../src/syntax/parse.js";
import type { Case } from "./case.js";
import type { Plain } from "./inputs.js";

interface Edit {
  readonly span: Span;
  readonly text: string;
}

/**
 * The smallest case found that still fails; each step is the first edit of the syntax tree (the large
 * ones before the small ones) or of the data after which it does.
 * @param most how many cases are tried
 */
export async function shrink(
  start: Case,
  fails: (c: Case) => Promise<boolean>,
  most = 600,
): Promise<Case> {
  let best = start;
  let tried = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const next of smaller(best)) {
      if (++tried > most) return tidy(best);
      if (!(await fails(next))) continue;
      best = next;
      isSmaller = true;
      break;
    }
  }
  return tidy(best);
}

function tidy(c: Case): Case {
  const made = formatSource({ path: "case.ppl", text: c.text });
  return "diagnostics" in made ? c : { ...c, text: made.text };
}

function* smaller(c: Case): Generator<Case> {
  const { ast, diagnostics } = parseSource({ path: "case.ppl", text: c.text });
  if (diagnostics.length > 0) return;
  for (const name of Object.keys(c.data)) {
    const { [name]: value, ...data } = c.data;
    yield { ...c, data };
    if (typeof value === "number" && Number.isInteger(value) && value > 1) {
      yield { ...c, data: shorter(c.data, name, value, 1) };
      if (value > 2) yield { ...c, data: shorter(c.data, name, value, 2) };
    }
  }
  const edits = [...editsOf({ ...ast }, c.text)].sort(
    (a, b) =>
      b.span.end - b.span.start - b.text.length - (a.span.end - a.span.start - a.text.length),
  );
  for (const { span, text } of edits) {
    if (text.length >= span.end - span.start) continue;
    yield { ...c, text: c.text.slice(0, span.start) + text + c.text.slice(span.end) };
  }
}

/** The size and every axis that is as long cut. */
function shorter(data: Case["data"], size: string, from: number, to: number): Case["data"] {
  const cut = (v: Plain): Plain => {
    if (!Array.isArray(v)) return v;
    return (v.length === from ? v.slice(0, to) : v).map(cut);
  };
  return Object.fromEntries(Object.entries(data).map(([k, v]) => [k, k === size ? to : cut(v)]));
}

const constants = ["1", "0.5", "0"];
const expressions: ReadonlySet<unknown> = new Set([
  "array",
  "name",
  "unary",
  "binary",
  "if",
  "call",
  "index",
  "member",
  "comprehension",
  "reduce",
]);
const statements: ReadonlySet<unknown> = new Set([
  "sample",
  "observe",
  "let",
  "param",
  "factor",
  "for",
  "if",
  "return",
]);

/** Any part of the tree, seen by its fields. */
type Node = { readonly span: Span; readonly kind?: unknown; readonly [key: string]: unknown };

function isNode(x: unknown): x is Node {
  return typeof x === "object" && x !== null && "span" in x && !Array.isArray(x);
}

function childrenOf(node: Node): Node[] {
  const found: Node[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === "span") continue;
    if (isNode(value)) found.push(value);
    if (Array.isArray(value)) found.push(...value.filter(isNode));
  }
  return found;
}

/** Every way to leave a part out, at every node. */
function* editsOf(node: Node, text: string): Generator<Edit> {
  const { span } = node;
  const of = (n: Node) => text.slice(n.span.start, n.span.end);
  const isStatement =
    statements.has(node.kind) &&
    ("body" in node ||
      "target" in node ||
      "dist" in node ||
      (isNode(node.then) && node.then.kind === "block") ||
      node.kind === "factor");
  if (isStatement) {
    yield { span, text: "" };
    for (const child of childrenOf(node)) {
      if (child.kind === "block") yield { span, text: of(child).replace(/^\{|\}$/g, "") };
    }
  } else if (expressions.has(node.kind)) {
    for (const child of childrenOf(node)) {
      yield { span, text: of(child) };
      for (const inner of childrenOf(child)) yield { span, text: of(inner) };
    }
    for (const constant of constants) yield { span, text: constant };
  } else if (["fn", "dist", "guide", "module", "objective"].includes(String(node.kind))) {
    yield { span, text: "" };
  } else if ("type" in node || "default" in node) {
    // An input, with the comma after or before it.
    const after = text.slice(span.end).match(/^\s*,\s*/)?.[0].length ?? 0;
    const before = after > 0 ? 0 : (text.slice(0, span.start).match(/,\s*$/)?.[0].length ?? 0);
    yield { span: { ...span, start: span.start - before, end: span.end + after }, text: "" };
  }
  for (const child of childrenOf(node)) yield* editsOf(child, text);
}
