/**
 * The walls: imports go down only, methods and devices do not know each other, and no module
 * depends on itself at run time. Also: no code from strings, no clock seeds, bounded file sizes.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** Rooms from the ground up; a room may import from lower levels and from itself. */
const levels: readonly (readonly string[])[] = [
  ["base"],
  ["grammar", "math"],
  ["syntax", "model", "tensor", "kernel"],
  ["distributions"],
  ["passes"],
  ["elaborate", "inference", "device"],
  ["run"],
  ["cli", "index"],
  ["page"],
];
/** Rooms on one level that one may import from the other, with the reason. */
const allowedSideways: readonly (readonly [from: string, to: string])[] = [];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts"))
    .map((f) => join(folder, f));
}
const files = [...sourceFiles("src"), ...sourceFiles("grammar")];
const texts = new Map(files.map((f) => [f, readFileSync(join(root, f), "utf8")]));

function importsOf(file: string): Import[] {
  const text = texts.get(file) ?? "";
  const found: Import[] = [];
  const statement = /^(?:import|export)\s+(type\s+)?([^;]*?)\s*from\s+"(\.[^"]+)";/gms;
  for (const [, type, names, path] of text.matchAll(statement)) {
    const to = relative(root, resolve(root, dirname(file), path.replace(/\.js$/, ".ts")));
    const named = /^\{(.*)\}$/s.exec(names.trim())?.[1].split(",") ?? [""];
    const allTypes = named.every((n) => n.trim() === "" || n.trim().startsWith("type "));
    const isNamed = names.trim().startsWith("{");
    found.push({ from: file, to, typeOnly: type !== undefined || (isNamed && allTypes) });
  }
  return found;
}
const imports = files.flatMap(importsOf);

function roomOf(file: string): string {
  const parts = file.split("/");
  if (parts[0] === "grammar") return "grammar";
  return parts.length === 2 ? "index" : parts[1];
}
const levelOf = (room: string): number => levels.findIndex((l) => l.includes(room));

describe("imports", () => {
  test("every room is on a level", () => {
    expect([...new Set(files.map(roomOf))].filter((r) => levelOf(r) < 0)).toEqual([]);
  });

  test("every import names a file that exists", () => {
    expect(imports.filter((i) => !texts.has(i.to))).toEqual([]);
  });

  test("go down only", () => {
    const wrong = imports.filter(({ from, to }) => {
      const [a, b] = [roomOf(from), roomOf(to)];
      if (a === b || levelOf(b) < levelOf(a)) return false;
      return !allowedSideways.some(([x, y]) => x === a && y === b);
    });
    expect(wrong.map((i) => `${i.from} -> ${i.to}`)).toEqual([]);
  });

  test("inference methods do not import each other", () => {
    const methods = [
      ...["nuts", "hmc", "map", "laplace", "prior", "enumerate", "gibbs", "exact"],
      ...["cavi", "em", "vi", "svi", "dp"],
    ];
    // A transition of another sampler is a block of a Gibbs sweep.
    const composed = new Set(["gibbs -> nuts", "gibbs -> hmc"]);
    const methodOf = (f: string) => methods.find((m) => f.startsWith(`src/inference/${m}/`));
    const wrong = imports.filter(({ from, to }) => {
      const [a, b] = [methodOf(from), methodOf(to)];
      return a !== undefined && b !== undefined && a !== b && !composed.has(`${a} -> ${b}`);
    });
    expect(wrong.map((i) => `${i.from} -> ${i.to}`)).toEqual([]);
  });

  test("there is no cycle at run time", () => {
    const edges = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) {
      if (!typeOnly) edges.set(from, [...(edges.get(from) ?? []), to]);
    }
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
      state.set(file, "done");
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

describe("habits", () => {
  const matching = (pattern: RegExp): string[] =>
    files.filter((f) => !f.includes("/generated/") && pattern.test(texts.get(f) ?? ""));

  test("no code is made from strings", () => {
    expect(matching(/\bnew Function\(|\beval\(/)).toEqual([]);
  });
  test("nothing takes its randomness from the clock or the host", () => {
    expect(matching(/Math\.random\(|Date\.now\(\)/)).toEqual([]);
  });
  test("no `any` and no silenced type errors", () => {
    expect(matching(/: any\b|\bas any\b(?! [a-z])|@ts-ignore|@ts-expect-error/)).toEqual([]);
  });
  test("files stay readable: at most 500 lines, 800 for a table of rules or texts", () => {
    const tables = [/messages\//, /builtins\.ts$/];
    const long = files.filter((f) => {
      if (f.includes("/generated/")) return false;
      const limit = tables.some((t) => t.test(f)) ? 800 : 500;
      // A text that ends in a line end has one piece more than lines.
      return (texts.get(f) ?? "").split("\n").length - 1 > limit;
    });
    expect(long).toEqual([]);
  });
});
