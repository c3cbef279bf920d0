/** Pages name files, anchors and tests that exist. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

function markdown(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const isOurs = !["node_modules", "dist", "api", ".git", "coverage"].includes(entry.name);
      return isOurs ? markdown(path) : [];
    }
    return entry.name.endsWith(".md") ? [path] : [];
  });
}
const pages = markdown(root);

/** What GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

/** Text without code, where brackets mean something else. */
const prose = (text: string): string =>
  text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");

function anchorsOf(path: string): Set<string> {
  const text = readFileSync(path, "utf8").replace(/^```[\s\S]*?^```$/gm, "");
  return new Set([...text.matchAll(/^#+ (.*)$/gm)].map((m) => anchorOf(m[1])));
}

test("links lead somewhere", () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, target] of prose(readFileSync(page, "utf8")).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, anchor] = target.split("#");
      const path = file === "" ? page : join(dirname(page), file);
      const isThere = existsSync(path);
      const hasAnchor =
        anchor === undefined || !path.endsWith(".md") || (isThere && anchorsOf(path).has(anchor));
      if (!isThere || !hasAnchor) broken.push(`${relative(root, page)}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("FEATURES.md names tests that exist", () => {
  const text = readFileSync(join(root, "FEATURES.md"), "utf8");
  const rows = text.split("\n").filter((line) => /^\| (?!feature|-)/.test(line));
  expect(rows.length).toBeGreaterThan(30);
  const missing: string[] = [];
  for (const row of rows) {
    const cells = row.split("|");
    const named = [...(cells[3] ?? "").matchAll(/`([^`]+)`/g)].map((m) => m[1]);
    const works = /\bworks?\b/.test(cells[2] ?? "");
    if (works && named.length === 0) missing.push(`${cells[1].trim()}: no test`);
    // Within a row a path goes on from the one before it: `tests/cli/a.test.ts`, `b.test.ts`.
    let folder = "";
    for (const name of named) {
      const path = name.startsWith("tests/") ? name : join(folder, name);
      if (!existsSync(join(root, path))) missing.push(name);
      folder = dirname(path);
    }
  }
  expect(missing).toEqual([]);
});
