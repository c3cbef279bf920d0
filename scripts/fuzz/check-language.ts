/** What must hold of every text: round trips of the formatter, and diagnostics for what is wrong. */
import type { Diagnostic } from "../../src/base/diagnostic.js";
import { printModel } from "../../src/model/print.js";
import { verifyModel } from "../../src/model/verify.js";
import { checkSource } from "../../src/run/compile.js";
import { astEquals } from "../../src/syntax/ast-equals.js";
import { formatSource } from "../../src/syntax/format.js";
import { parseSource } from "../../src/syntax/parse.js";
import { type Case, Finding } from "./case.js";
import type { Choices } from "./choices.js";
import type { Plain } from "./inputs.js";

/** Parse, format, parse: the same tree; a second formatting changes nothing; models verify. */
export function checkText({ text }: Case): void {
  const source = { path: "case.ppl", text };
  const parsed = parseSource(source);
  if (parsed.diagnostics.length > 0)
    throw new Finding(`does not parse: ${messages(parsed.diagnostics)}`);
  const formatted = formatSource(source);
  if ("diagnostics" in formatted) throw new Finding("the formatter refuses what the parser takes");
  const again = parseSource({ path: "case.ppl", text: formatted.text });
  if (!astEquals(parsed.ast, again.ast)) throw new Finding("formatting changes the syntax tree");
  const twice = formatSource({ path: "case.ppl", text: formatted.text });
  if ("diagnostics" in twice || twice.text !== formatted.text) {
    throw new Finding("formatting twice differs from formatting once");
  }
  const checked = checkSource(source);
  const errors = checked.diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Finding(`the checker refuses it: ${messages(errors)}`);
  checkDiagnostics(checked.diagnostics, text);
  for (const model of checked.models.values()) {
    const printed = printModel(verifyModel(model));
    if (/\bundefined\b|\[object|\bNaN\b/.test(printed)) throw new Finding(`printed IR: ${printed}`);
  }
}

/** A text that may be wrong: whatever is said of it is whole and points into it. */
export function checkWrongText(text: string): void {
  const checked = checkSource({ path: "case.ppl", text });
  checkDiagnostics(checked.diagnostics, text);
  for (const model of checked.models.values()) printModel(verifyModel(model));
  const formatted = formatSource({ path: "case.ppl", text });
  if ("diagnostics" in formatted) checkDiagnostics(formatted.diagnostics, text);
}

export function checkDiagnostics(diagnostics: readonly Diagnostic[], text: string): void {
  for (const d of diagnostics) {
    const where = `${d.code}: ${d.message}`;
    if (/\bundefined\b|\[object|\bNaN\b/.test(`${d.message} ${d.help ?? ""}`)) {
      throw new Finding(`a diagnostic with a hole: ${where}`);
    }
    if (d.span === undefined) throw new Finding(`a diagnostic without a place: ${where}`);
    const { start, end } = d.span;
    if (!(start >= 0 && start <= end && end <= text.length)) {
      throw new Finding(`a place outside of the text (${start} to ${end}): ${where}`);
    }
  }
}

function messages(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((d) => `${d.code}: ${d.message}`).join("; ");
}

const token = /\s+|[\p{L}_][\p{L}\p{N}_]*|\d+\.\d+|\d+|\.\.|./gu;

/** The text with a few tokens dropped, doubled, exchanged or replaced. */
export function mutated(text: string, c: Choices): string {
  const list: string[] = text.match(token) ?? [];
  for (let edits = c.between(1, 3); edits > 0 && list.length > 0; edits--) {
    const i = c.below(list.length);
    const j = c.below(list.length);
    switch (c.below(5)) {
      case 0:
        list.splice(i, 1);
        break;
      case 1:
        list.splice(i, 0, list[i]);
        break;
      case 2:
        list[i] = list[j];
        break;
      case 3:
        [list[i], list[j]] = [list[j], list[i]];
        break;
      default:
        list[i] = c.pick([
          "real",
          "1.5",
          "-1",
          "N",
          "[",
          ")",
          "x1",
          "true",
          "0..",
          "let",
          "~",
          "sum",
          "Normal",
          "s2",
        ]);
    }
  }
  return list.join("");
}

/** Data with one value of another shape, type or range. */
export function wrongData(c: Case, choices: Choices): Case {
  const names = Object.keys(c.data);
  if (names.length === 0) return c;
  const name = choices.pick(names);
  const value = c.data[name];
  const wrong = choices.pick<() => Plain | undefined>([
    () => undefined,
    () => null,
    () => [value],
    () => (Array.isArray(value) ? value.slice(1) : -1),
    () => (Array.isArray(value) ? [...value, ...value] : 5),
    () => (Array.isArray(value) && value.length > 0 ? value[0] : 0.5),
    () => (Array.isArray(value) ? value.map(() => null) : [1, 2]),
    () => (Array.isArray(value) ? [...value.slice(1), [1]] : -0.5),
    () => deepMap(value, () => -1),
    () => deepMap(value, () => 1e300),
    () => deepMap(value, () => 0.5),
    () => deepMap(value, () => 7),
    () => [],
    () => 0,
  ])();
  const { [name]: _, ...rest } = c.data;
  return { ...c, data: wrong === undefined ? rest : { ...rest, [name]: wrong } };
}

function deepMap(value: Plain, f: (x: number | boolean | null) => Plain): Plain {
  return Array.isArray(value) ? value.map((v: Plain) => deepMap(v, f)) : f(value as number);
}
