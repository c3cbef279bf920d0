import { describe, expect, it } from "vitest";
import { formatSource } from "../../src/syntax/format.js";
import { maxChain, maxErrors, maxFileSize, maxNesting } from "../../src/syntax/limits.js";
import { printAst } from "../../src/syntax/print-ast.js";
import { codes, parseGood } from "./helpers.js";

const model = (body: string) => `model m() {\n${body}\n}\n`;
const repeat = (text: string, n: number) => text.repeat(n);

/** Each nests `n` levels deep through one way the grammar recurses. */
const nestings: [string, (n: number) => string][] = [
  ["parentheses", (n) => `let a = ${repeat("(", n)}1${repeat(")", n)}`],
  ["calls", (n) => `let a = ${repeat("f(", n)}1${repeat(")", n)}`],
  ["named calls", (n) => `let a = ${repeat("f(x: ", n)}1${repeat(")", n)}`],
  ["arrays", (n) => `let a = ${repeat("[", n)}1${repeat("]", n)}`],
  ["indices", (n) => `let a = ${repeat("x[", n)}1${repeat("]", n)}`],
  ["sums", (n) => `let a = ${repeat("sum(for i in 0..3: ", n)}1${repeat(")", n)}`],
  ["blocks", (n) => `${repeat("for i in 0..3 { ", n)}${repeat("}", n)}`],
  ["if blocks", (n) => `${repeat("if a { } else { ", n)}${repeat("}", n)}`],
  ["if expressions", (n) => `let a = ${repeat("if b then 1 else ", n)}2`],
  ["if conditions", (n) => `let a = ${repeat("if ", n)}b${repeat(" then 1 else 2", n)}`],
  ["lambdas", (n) => `let a = ${repeat("x => ", n)}1`],
  ["calls of conditions of arrays", (n) => mixed(Math.ceil(n / 3))],
  [
    "binders of one for",
    (n) => `for ${Array.from({ length: n }, (_, i) => `i${i} in 0..(3)`).join(", ")} { }`,
  ],
  ["else-if", (n) => `if a { } ${repeat("else if b { } ", n)}`],
];
function mixed(n: number): string {
  return `let a = ${repeat("-f(x: if b then [", n)}1${repeat("] else 2)", n)}`;
}

const chains: [string, (n: number) => string][] = [
  ["signs", (n) => `let a = ${repeat("-", n)}1`],
  ["negations", (n) => `let a = ${repeat("!", n)}b`],
  ["powers", (n) => `let a = 1${repeat("^1", n)}`],
  ["sums", (n) => `let a = 1${repeat(" + 1", n)}`],
  ["members", (n) => `let a = x${repeat(".y", n)}`],
  ["calls of calls", (n) => `let a = f${repeat("()", n)}`],
  ["indices of elements", (n) => `let a = x${repeat("[0]", n)}`],
];

describe("depth", () => {
  it.each(nestings)("%s nest to the limit", (_, nest) => {
    // The model's own braces are one level, the brackets inside a block another.
    const text = model(nest(maxNesting - 3));
    printAst(parseGood(text));
    expect("text" in formatSource({ path: "p", text })).toBe(true);
  });

  it.each(nestings)("%s beyond it give one diagnostic, however deep", (_, nest) => {
    for (const n of [maxNesting + 1, 20_000]) {
      expect(codes(model(nest(n)))).toEqual([
        expect.stringMatching(/^(nested_too_deeply|expression_too_long)$/),
      ]);
    }
  });

  it.each(chains)("%s chain to the limit", (_, chain) => {
    expect(printAst(parseGood(model(chain(maxChain - 1)))).length).toBeGreaterThan(maxChain);
  });

  it.each(chains)("%s beyond it give one diagnostic, however long", (_, chain) => {
    for (const n of [maxChain + 1, 50_000]) {
      expect(codes(model(chain(n)))).toEqual(["expression_too_long"]);
    }
  });

  it("counts the path to a leaf, not the size: long arrays and blocks are fine", () => {
    const items = Array.from({ length: 3000 }, (_, i) => `${i} + 1`).join(", ");
    parseGood(model(`let a = [${items}]`));
    parseGood(model(repeat("x ~ Normal(0, 1 + 2)\n", 3000)));
    parseGood(model(repeat("if a { } else { }\n", 1500)));
  });

  it("brackets left open by the thousand end in diagnostics", () => {
    expect(codes(model(repeat("f(", 5000)))).not.toEqual([]);
    expect(codes(repeat("model m() { ", 3000))).not.toEqual([]);
    expect(codes(repeat(")", 5000))).toHaveLength(maxErrors + 1);
  });
});

describe("size", () => {
  it("a file beyond the limit gives one diagnostic", () => {
    expect(codes(" ".repeat(maxFileSize + 1))).toEqual(["file_too_large"]);
    expect(codes(" ".repeat(maxFileSize))).toEqual([]);
  });

  it("at most fifty errors are shown, then one that says so", () => {
    const all = codes(model(repeat("a = 1\n", 200)));
    expect(all).toHaveLength(maxErrors + 1);
    expect(all.at(-1)).toBe("too_many_errors");
    expect(codes(repeat("# x\n", 200)).at(-1)).toBe("too_many_errors");
  });
});
