/**
 * `docs/diagnostics.md` lists every diagnostic with an example: the first one that the wrong
 * programs of `tests/golden` produce, else the sample's text. `UPDATE_GOLDEN=1` rewrites the page.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Diagnostic, diagnostic } from "../../src/base/diagnostic.js";
import { type MessageCode, messageTable } from "../../src/base/messages/index.js";
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

/** The stages in the order of the page: each file of messages is one; files without a title come last. */
const titles: Readonly<Record<string, string>> = {
  syntax: "Spelling and structure of the text",
  types: "Names, types, shapes and supports",
  data: "Data and options",
  discrete: "Discrete sites",
  method: "Fits",
  simulate: "Simulation",
};

async function stagesOf(): Promise<{ title: string; codes: MessageCode[] }[]> {
  const root = new URL("../../src/base/messages/", import.meta.url);
  const stages: { file: string; title: string; codes: MessageCode[] }[] = [];
  for (const name of readdirSync(root).sort()) {
    const file = name.replace(/\.ts$/, "");
    if (file === "index" || file === "entry") continue;
    const tables = (await import(`../../src/base/messages/${file}.ts`)) as Record<string, object>;
    const codes = Object.entries(tables)
      .filter(([table]) => table.endsWith("Messages"))
      .flatMap(([, table]) => Object.keys(table))
      .filter((code) => code in messageTable) as MessageCode[];
    if (codes.length > 0) stages.push({ file, title: titles[file] ?? file, codes: codes.sort() });
  }
  const order = (file: string): number => (Object.keys(titles).indexOf(file) + 99) % 99;
  return stages.sort((a, b) => order(a.file) - order(b.file));
}

async function render(): Promise<{ readonly text: string; readonly without: readonly string[] }> {
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
  for (const { title, codes } of await stagesOf()) {
    lines.push("", `## ${title}`);
    for (const code of codes) {
      const sample = fromSample(code);
      const example = shown.get(code) ?? (sample && renderDiagnostic(sample));
      if (example === undefined) without.push(code);
      lines.push("", `### ${code}`, "", "```", example ?? "", "```");
    }
  }
  return { text: `${lines.join("\n")}\n`, without };
}

test("every diagnostic has an example and stands on the page", async () => {
  const { text, without } = await render();
  // A new diagnostic needs a wrong program in tests/golden, or parameters in diagnostic-samples.ts.
  expect(without).toEqual([]);
  const codes = (await stagesOf()).flatMap((s) => s.codes);
  expect(codes.sort()).toEqual(Object.keys(messageTable).sort());
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(page, text);
  expect(readFileSync(page, "utf8")).toBe(text);
});

test("every diagnostic says what to do", () => {
  const known = Object.keys(samples).filter((code) => code in messageTable) as MessageCode[];
  for (const code of known) {
    const d = fromSample(code);
    expect(d?.help, code).toBeDefined();
    expect(d?.message, code).toMatch(/\S/);
    expect(`${d?.message} ${d?.help}`, code).not.toMatch(/undefined|NaN|\[object/);
  }
});
