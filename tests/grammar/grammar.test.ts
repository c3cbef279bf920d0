import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { generatedFiles } from "../../grammar/generated-files.js";
import { createLexer } from "../../grammar/lexer.js";
import { binaryOperators } from "../../grammar/operators.js";
import { TildeParser } from "../../grammar/parser.js";
import { categoryTexts, productions } from "../../grammar/productions.js";
import { allTokens, matchIdentifier, reservedWords } from "../../grammar/tokens.js";

describe("the grammar", () => {
  it("is unambiguous with two tokens of lookahead, and left-recursive nowhere", () => {
    expect(() => new TildeParser({ validate: true })).not.toThrow();
  });

  it("has a sound token table, fast by first character", () => {
    const lexer = createLexer({ validate: true });
    expect(lexer.lexerDefinitionErrors).toEqual([]);
  });

  it("names only rules that exist, and uses every rule but `file`", () => {
    const rules = productions();
    const names = new Set(rules.map((r) => r.name));
    const used = new Set(JSON.stringify(rules).match(/(?<="kind":"rule","name":")\w+/g));
    expect([...used].filter((name) => !names.has(name))).toEqual([]);
    expect([...names].filter((name) => !used.has(name))).toEqual(["file"]);
  });

  it("gives a binding strength to exactly the binary operators", () => {
    expect(categoryTexts("BinaryOperator").sort()).toEqual(Object.keys(binaryOperators).sort());
  });

  it("has distinct token names", () => {
    const names = allTokens.map((t) => t.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("reserves 21 words", () => {
    expect(reservedWords).toHaveLength(21);
    expect(reservedWords).not.toContain("on");
  });
});

describe("identifiers", () => {
  it.each([
    ["μ1 ", "μ1"],
    ["_x", "_x"],
    ["名前", "名前"],
    ["σ²", "σ"],
    ["x'", "x"],
    ["a-b", "a"],
  ])("%s begins with %s", (text, name) => expect(matchIdentifier(text, 0)).toBe(name));

  it.each(["²", "1x", "-", "", "∞", "😀"])("%s begins with none", (text) =>
    expect(matchIdentifier(text, 0)).toBeUndefined(),
  );
});

describe("generated files", () => {
  const folder = join(import.meta.dirname, "..", "..", "grammar", "generated");
  it.each([...generatedFiles()])("%s is what `npm run generate` writes", (name, text) => {
    expect(readFileSync(join(folder, name), "utf8")).toBe(text);
  });

  it("no other file stands beside them", () => {
    expect(readdirSync(folder).sort()).toEqual([...generatedFiles().keys()].sort());
  });

  it("every pattern of the editor grammar compiles", () => {
    const grammar: unknown = JSON.parse(generatedFiles().get("tilde.tmLanguage.json") ?? "");
    const patterns = JSON.stringify(grammar).match(/(?<="(?:match|begin|end)":)"(?:[^"\\]|\\.)*"/g);
    expect(patterns?.length).toBeGreaterThan(10);
    for (const p of patterns ?? []) expect(() => new RegExp(JSON.parse(p), "u")).not.toThrow();
  });
});
