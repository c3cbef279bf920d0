/**
 * `docs/language.md`: its programs are run through the checker, and its tables are made from the
 * language's own. `UPDATE_GOLDEN=1` rewrites the tables and what is said about wrong programs.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { binaryOperators, prefixStrength } from "../../grammar/operators.js";
import { reservedWords } from "../../grammar/tokens.js";

import type {
  Bound,
  Distribution,
  EventSupport,
  ParamSpec,
} from "../../src/distributions/contract.js";
import { distributions } from "../../src/distributions/index.js";
import { builtinAliases, builtinRules } from "../../src/elaborate/builtins.js";
import { combinatorNames } from "../../src/elaborate/names.js";
import { typeNames } from "../../src/elaborate/type-names.js";
import { check, renderDiagnostics } from "../../src/index.js";
import {
  binaryBuiltins,
  reductionBuiltins,
  structuralBuiltins,
  unaryBuiltins,
} from "../../src/model/builtins.js";
import { builtinNotes, distributionNotes } from "./language-notes.js";

const page = new URL("../../docs/language.md", import.meta.url);
const update = process.env.UPDATE_GOLDEN === "1";
const text = readFileSync(page, "utf8");

const code = (s: string): string => `\`${s.replaceAll("|", "\\|")}\``;
const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function usage(d: Distribution, spec: readonly ParamSpec[]): string {
  const positional = new Set(d.parameterisations[0].map((p) => p.name));
  const one = (p: ParamSpec): string => {
    if (p.default !== undefined) return `${p.name} = ${p.default}`;
    return p.optional || !positional.has(p.name) ? `${p.name}:` : p.name;
  };
  return `${d.name}(${spec.map(one).join(", ")})`;
}
const bound = (b: Bound): string =>
  typeof b === "number" ? (Math.abs(b) === Math.PI ? (b < 0 ? "−π" : "π") : String(b)) : b.param;

function support(s: EventSupport, rank: number): string {
  switch (s.kind) {
    case "interval":
      if (s.lower !== undefined && s.upper !== undefined) {
        return `${bound(s.lower)} to ${bound(s.upper)}`;
      }
      if (s.lower !== undefined) return `${bound(s.lower)} and above`;
      return s.upper === undefined ? "real" : `${bound(s.upper)} and below`;
    case "integers":
      return `${bound(s.lower)}, …, ${bound(s.upper)}`;
    case "category":
      return s.extra === undefined ? "0, …, K − 1" : "0, …, K";
    case "real":
    case "count":
      return rank === 0 ? s.kind : rank === 1 ? `${s.kind}[K]` : `${s.kind}[R, C]`;
    default:
      return s.kind;
  }
}

function distributionTable(): string {
  const lines = [row("distribution", "values", "density or mass"), row("---", "---", "---")];
  for (const [name, note] of Object.entries(distributionNotes)) {
    const d = distributions[name];
    const forms = d.parameterisations.map((p) => code(usage(d, p))).join(" ");
    const present = new Set(d.parameterisations[0].filter((p) => !p.optional).map((p) => p.name));
    lines.push(row(forms, support(d.support(present), d.event.rank), note));
  }
  return lines.join("\n");
}

function builtinTable(): string {
  const groups = [
    { title: "of one argument, element by element", names: unaryBuiltins },
    { title: "of two arguments, element by element", names: binaryBuiltins },
    { title: "of all elements of an array", names: reductionBuiltins },
    { title: "of vectors and matrices", names: structuralBuiltins },
  ];
  const lines = [row("function", "also", "value"), row("---", "---", "---")];
  for (const { title, names } of groups) {
    lines.push(row(`*${title}*`, "", ""));
    for (const name of names) {
      const { usage } = builtinRules[name];
      if (!/^\w+\(/.test(usage)) continue;
      const others = Object.keys(builtinAliases).filter((a) => builtinAliases[a] === name);
      lines.push(row(code(usage), others.map(code).join(" "), builtinNotes[name]));
    }
  }
  return lines.join("\n");
}

function operatorTable(): string {
  const meaning: Readonly<Record<number, string>> = {
    8: "power",
    7: "negative, not (before their operand)",
    6: "matrix product: matrix·matrix, matrix·vector, vector·matrix, vector·vector",
    5: "times, divided by, remainder",
    4: "plus, minus",
    3: "comparison",
    2: "and",
    1: "or",
    0: "choice",
  };
  const by = new Map<number, string[]>([
    [prefixStrength, ["-", "!"]],
    [0, ["if c then a else b"]],
  ]);
  for (const [op, { strength }] of Object.entries(binaryOperators)) {
    by.set(strength, [...(by.get(strength) ?? []), op]);
  }
  const strengths = [...by.keys()].sort((a, b) => b - a);
  const lines = strengths.map((s) => row((by.get(s) ?? []).map(code).join(" "), meaning[s]));
  return [row("operators", "meaning"), row("---", "---"), ...lines].join("\n");
}

function stdlibList(): string {
  const root = new URL("../../stdlib/", import.meta.url);
  const files = readdirSync(root).filter((f) => f.endsWith(".ppl"));
  return files
    .sort()
    .map((file) => {
      const fns = readFileSync(new URL(file, root), "utf8").matchAll(/^fn (\w+)/gm);
      return `- ${code(file.slice(0, -4))}: ${[...fns].map((m) => code(m[1])).join(", ")}`;
    })
    .join("\n");
}

function wrapped(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words.map(code)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 99) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines.join("\n");
}

const sections: Readonly<Record<string, { readonly text: string }>> = {
  words: { text: wrapped(reservedWords) },
  operators: { text: operatorTable() },
  stdlib: { text: stdlibList() },
  builtins: { text: builtinTable() },
  distributions: { text: distributionTable() },
};

/** The page with its generated parts as they should be. */
function withSections(source: string): string {
  let result = source;
  for (const [name, { text: body }] of Object.entries(sections)) {
    const pattern = new RegExp(`<!-- ${name} -->[\\s\\S]*?<!-- end -->`);
    expect(result, `a place for ${name}`).toMatch(pattern);
    const inner = `\n${body}\n`;
    result = result.replace(pattern, () => `<!-- ${name} -->${inner}<!-- end -->`);
  }
  return result;
}

interface Block {
  readonly source: string;
  readonly isWrong: boolean;
  /** The `text` block right below it, where there is one. */
  readonly said: string | undefined;
}
const blockPattern = /```ppl( wrong)?\n([\s\S]*?)```\n(?:\n```text\n([\s\S]*?)```\n)?/g;

function blocksOf(source: string): Block[] {
  return [...source.matchAll(blockPattern)].map((m) => ({
    source: m[2],
    isWrong: m[1] !== undefined,
    said: m[3],
  }));
}

test("the tables are those of the language", () => {
  const wanted = withSections(text);
  if (update && wanted !== text) writeFileSync(page, wanted);
  expect(readFileSync(page, "utf8")).toBe(wanted);
  expect(Object.keys(distributionNotes).sort()).toEqual(Object.keys(distributions).sort());
  for (const name of Object.keys(typeNames))
    expect(text, name).toMatch(new RegExp(`\`${name}[\`([]`));
  for (const name of combinatorNames) expect(text).toContain(`\`${name}(`);
});

test("right programs compile without a word", () => {
  const right = blocksOf(text).filter((b) => !b.isWrong);
  expect(right.length).toBeGreaterThan(8);
  for (const { source, said } of right) {
    expect(renderDiagnostics(check(source, "model.ppl")), source).toBe("");
    expect(said).toBeUndefined();
  }
});

test("wrong programs are answered as the page says", () => {
  const source = readFileSync(page, "utf8");
  const rewritten = source.replace(blockPattern, (all, wrong, program: string) => {
    if (wrong === undefined) return all;
    const said = renderDiagnostics(check(program, "model.ppl"));
    return `\`\`\`ppl wrong\n${program}\`\`\`\n\n\`\`\`text\n${said}\n\`\`\`\n`;
  });
  if (update && rewritten !== source) writeFileSync(page, rewritten);
  expect(readFileSync(page, "utf8")).toBe(rewritten);
  for (const b of blocksOf(rewritten).filter((x) => x.isWrong)) {
    expect(b.said, b.source).toMatch(/: (error|warning): /);
  }
});

test("the files named in inference.md are there", () => {
  const body = readFileSync(new URL("inference.md", page), "utf8");
  const files = [...body.matchAll(/`((?:src|grammar|tests)\/[\w./-]+)`/g)].map((m) => m[1]);
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) expect(existsSync(new URL(`../${file}`, page)), file).toBe(true);
});

test("links lead to places of the page", () => {
  const slug = (title: string): string =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
  for (const file of ["language.md", "inference.md", "diagnostics.md"]) {
    const body = readFileSync(new URL(file, page), "utf8");
    for (const [, target, anchor] of body.matchAll(/\]\(([\w./-]*)#([\w-]+)\)/g)) {
      const titles = readFileSync(
        target === "" ? new URL(file, page) : new URL(target, page),
        "utf8",
      )
        .split("\n")
        .filter((line) => line.startsWith("#"))
        .map((line) => slug(line.replace(/^#+ /, "")));
      expect(titles, `${file} → ${target}#${anchor}`).toContain(anchor);
    }
  }
});
