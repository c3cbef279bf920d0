/**
 * `docs/diagnostics.md` lists every diagnostic with an example: the first one that the wrong
 * programs of `tests/golden` produce, else the sample's text. `UPDATE_GOLDEN=1` rewrites the page.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Diagnostic, diagnostic } from "../../src/base/diagnostic.js";
import { dataMessages } from "../../src/base/messages/data.js";
import { type MessageCode, messageTable } from "../../src/base/messages/index.js";
import { methodMessages } from "../../src/base/messages/method.js";
import { simulateMessages } from "../../src/base/messages/simulate.js";
import { syntaxMessages } from "../../src/base/messages/syntax.js";
import { typeMessages } from "../../src/base/messages/types.js";
import { check, renderDiagnostic } from "../../src/index.js";
import { samples } from "./diagnostic-samples.js";

const page = new URL("../../docs/diagnostics.md", import.meta.url);
const golden = new URL("../golden/", import.meta.url);

/** Every code that the wrong programs show, with its first example as text. */
function shownByPrograms(): Map<string, string> {
  const shown = new Map<string, string>();
  for (const folder of ["syntax", "check"]) {
    const root = new URL(`${folder}/`, golden);
    const names = readdirSync(root).filter((f) => f.endsWith(".ppl"));
    for (const name of names.sort()) {
      const file = new URL(name, root);
      for (const d of check(readFileSync(file, "utf8"), file.pathname)) {
        const text = renderDiagnostic(d).replaceAll(root.pathname, "");
        if (!shown.has(d.code)) shown.set(d.code, text);
      }
    }
  }
  return shown;
}

function fromSample<C extends MessageCode>(code: C): Diagnostic | undefined {
  const params = samples[code];
  return params === undefined ? undefined : diagnostic(code, undefined, params);
}

const stages = [
  { title: "Spelling and structure of the text", messages: syntaxMessages },
  { title: "Names, types, shapes and supports", messages: typeMessages },
  { title: "Data and options", messages: dataMessages },
  { title: "Fits", messages: methodMessages },
  { title: "Simulation", messages: simulateMessages },
];

function render(): { readonly text: string; readonly without: readonly string[] } {
  const shown = shownByPrograms();
  const without: string[] = [];
  const lines = [
    "# Diagnostics",
    "",
    "Everything that Tilde says about a program, its data, or a fit, by its code. `tilde check FILE",
    "--json` and `TildeError.diagnostics` carry the code; it never changes its meaning. The examples",
    "are output: names, types and values in them are those of one program among many.",
    "",
    "An error stops the run; a warning does not. How they are shown is told in",
    "[language.md](language.md#errors).",
    "",
    "<!-- Written by tests/examples/diagnostics-page.test.ts; UPDATE_GOLDEN=1 rewrites it. -->",
  ];
  for (const { title, messages } of stages) {
    lines.push("", `## ${title}`);
    for (const code of Object.keys(messages).sort() as MessageCode[]) {
      const sample = fromSample(code);
      const example = shown.get(code) ?? (sample && renderDiagnostic(sample));
      if (example === undefined) without.push(code);
      lines.push("", `### ${code}`, "", "```", example ?? "", "```");
    }
  }
  return { text: `${lines.join("\n")}\n`, without };
}

test("every diagnostic has an example and stands on the page", () => {
  const { text, without } = render();
  // A new diagnostic needs a wrong program in tests/golden, or parameters in diagnostic-samples.ts.
  expect(without).toEqual([]);
  const codes = stages.flatMap((s) => Object.keys(s.messages));
  expect(codes.sort()).toEqual(Object.keys(messageTable).sort());
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(page, text);
  expect(readFileSync(page, "utf8")).toBe(text);
});

test("every diagnostic says what to do", () => {
  for (const code of Object.keys(samples) as MessageCode[]) {
    const d = fromSample(code);
    expect(d?.help, code).toBeDefined();
    expect(d?.message, code).toMatch(/\S/);
    expect(`${d?.message} ${d?.help}`, code).not.toMatch(/undefined|NaN|\[object/);
  }
});
