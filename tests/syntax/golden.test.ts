/** Wrong programs with their rendered diagnostics; `UPDATE_GOLDEN=1` rewrites the expectations. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderDiagnostics } from "../../src/base/render.js";
import { parseSource } from "../../src/syntax/parse.js";

const folder = join(import.meta.dirname, "..", "golden", "syntax");
const names = readdirSync(folder).filter((name) => name.endsWith(".ppl"));
const update = process.env.UPDATE_GOLDEN === "1";

describe("wrong programs", () => {
  it("are at least thirty", () => expect(names.length).toBeGreaterThanOrEqual(30));

  it.each(names)("%s", (name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const { diagnostics } = parseSource({ path: name, text });
    const rendered = `${renderDiagnostics(diagnostics)}\n`;
    const path = join(folder, name.replace(".ppl", ".expected"));
    if (update) writeFileSync(path, rendered);
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(diagnostics.every((d) => d.help !== undefined)).toBe(true);
    expect(rendered).toBe(readFileSync(path, "utf8"));
  });
});
