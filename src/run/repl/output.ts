/** What an entry answers, and how values become that. */
import type { Diagnostic } from "../../base/diagnostic.js";
import type * as ast from "../../syntax/ast.js";
import type { Plan } from "../explain.js";
import type { Method } from "../methods.js";
import type { Posterior } from "../posterior.js";
import type { Summary } from "../results/summary.js";
import type { Watch } from "./inference.js";
import { textOf } from "./language.js";
import { snakeCase } from "./names.js";
import { joinSummaries, summaryOfDraws } from "./shown.js";
import { arrayText, dimsOf, drawCount, type NumberValue, typeText, type Value } from "./values.js";
import type { NamedValue } from "./workspace.js";

/** What an entry shows, in order. */
export type Output =
  | { readonly kind: "text"; readonly text: string }
  /** What was defined: less to look at than an answer. */
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "diagnostics"; readonly list: readonly Diagnostic[] }
  | { readonly kind: "fit"; readonly posterior: Posterior }
  | { readonly kind: "table"; readonly head: string; readonly summary: Summary }
  | { readonly kind: "plan"; readonly plan: Plan }
  /** A bug of ours. */
  | { readonly kind: "broken"; readonly message: string };

export interface Answer {
  readonly outputs: readonly Output[];
  /** False where something of the entry failed. */
  readonly ok: boolean;
  /** The entry asks to leave. */
  readonly quit: boolean;
}

/** How the client watches what takes long. */
export interface RunOptions {
  /** Ends what runs; of chains the draws so far are kept. */
  readonly stop?: AbortSignal;
  /** Ends it at once. */
  readonly kill?: AbortSignal;
  /** Called when an inference begins. */
  readonly watch?: (method: Method) => Pick<Watch, "onProgress"> & { readonly close?: () => void };
}

/** `m(J: int, sigma: positive[J])`. */
export function headOf(d: ast.Decl): string {
  return `${d.name.text}(${d.params.map((p) => textOf(p.span)).join(", ")})`;
}

/** What a definition says: the type of the value, or, of what took its time, the value. */
export function definedOutputs(name: string, value: NamedValue): Output[] {
  switch (value.kind) {
    case "fit":
      return [{ kind: "fit", posterior: value.posterior }];
    case "array":
    case "draws":
      return [{ kind: "note", text: `${name}: ${typeOfNumber(value)}` }];
    case "dist":
      return [{ kind: "note", text: `${name}: a distribution` }];
    case "model":
      return [{ kind: "note", text: `${name}: ${modelText(value)}` }];
    case "method":
      return [{ kind: "note", text: `${name}: method ${value.method.method}` }];
    case "predictions": {
      const names = [...value.variables].map(([n, v]) => `${name}.${n}: ${typeOfNumber(v)}`);
      return [{ kind: "note", text: names.join("\n") }];
    }
  }
}

export function typeOfNumber(v: NumberValue): string {
  const type = typeText(v.scalar, dimsOf(v));
  return v.kind === "array" ? type : `${type}, ${drawCount(v)} draws`;
}

function modelText({ name, given }: Extract<Value, { kind: "model" }>): string {
  const names = [...(given?.keys() ?? [])];
  if (given === undefined) return `model ${name}`;
  return `model ${name}, given ${names.length === 0 ? "nothing" : names.join(", ")}`;
}

/** Elements of predictions that are shown of each variable. */
const MOST_ROWS = 12;

export function shownOutputs(text: string, value: Value): Output[] {
  switch (value.kind) {
    case "array":
      return [{ kind: "text", text: arrayText(value) }];
    case "draws": {
      const head = `${typeOfNumber(value)}`;
      return [{ kind: "table", head, summary: summaryOfDraws(text, value) }];
    }
    case "predictions": {
      const parts = [...value.variables].map(([name, v]) => {
        const summary = summaryOfDraws(name, v);
        return { ...summary, rows: summary.rows.slice(0, MOST_ROWS) };
      });
      const head = [...value.variables].map(([n, v]) => `${n}: ${typeOfNumber(v)}`).join("\n");
      return [{ kind: "table", head, summary: joinSummaries(parts) }];
    }
    case "summary":
      return [{ kind: "table", head: "", summary: value.summary }];
    case "fit":
      return [{ kind: "fit", posterior: value.posterior }];
    case "plan":
      return [{ kind: "plan", plan: value.plan }];
    case "dist":
      return [{ kind: "text", text: textOf(value.expr.span) }];
    case "model":
      return [{ kind: "text", text: modelText(value) }];
    case "method": {
      const { method, ...options } = value.method;
      const set = Object.entries(options).map(([k, v]) => `${snakeCase(k)}: ${JSON.stringify(v)}`);
      return [{ kind: "text", text: `${method}(${set.join(", ")})` }];
    }
    case "string":
      return [{ kind: "text", text: JSON.stringify(value.text) }];
    case "text":
      return [{ kind: "text", text: value.text }];
  }
}
