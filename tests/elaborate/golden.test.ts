/**
 * Every wrong program of `tests/golden/check` with all that is said about it. `UPDATE_GOLDEN=1`
 * rewrites the expectations; read the difference before committing it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderDiagnostics } from "../../src/base/render.js";
import { parseSource } from "../../src/syntax/parse.js";
import { check } from "./helpers.js";

const root = new URL("../golden/check/", import.meta.url);
const names = readdirSync(root)
  .filter((f) => f.endsWith(".ppl"))
  .map((f) => f.slice(0, -4));

/** Imports of the goldens stand in `imports/`. */
function loadImport(path: string | readonly string[]) {
  const url = new URL(`imports/${String(path).replace("./", "")}`, root);
  if (typeof path !== "string" || !existsSync(url)) return undefined;
  return parseSource({ path, text: readFileSync(url, "utf8") }).ast;
}

describe("wrong programs", () => {
  test("there are at least 45", () => {
    expect(names.length).toBeGreaterThanOrEqual(45);
  });
  test.each(names)("%s", (name) => {
    const text = readFileSync(new URL(`${name}.ppl`, root), "utf8");
    const { diagnostics } = check(text, `${name}.ppl`, loadImport);
    expect(diagnostics.length).toBeGreaterThan(0);
    const actual = `${renderDiagnostics(diagnostics)}\n`;
    const expected = new URL(`${name}.expected`, root);
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(expected, actual);
    expect(actual).toBe(readFileSync(expected, "utf8"));
  });
});
