/** Data files: JSON (an object of names to values) and CSV (a column is a vector). */
import { readFile } from "node:fs/promises";
import { fail } from "../../base/diagnostic.js";
import { lineColumn } from "../../base/span.js";
import { readReason } from "../sources.js";
import { jsonErrorPosition } from "./json-position.js";
import { mergeData, type RawData, readObject } from "./values.js";

/** @throws TildeError where a file cannot be read or is not JSON or CSV. */
export async function loadDataFiles(paths: readonly string[]): Promise<RawData> {
  const parts: RawData[] = [];
  for (const path of paths) {
    const text = await readText(path);
    parts.push(/\.(csv|tsv)$/i.test(path) ? await parseCsv(path, text) : parseJson(path, text));
  }
  return mergeData(parts);
}

async function readText(path: string): Promise<string> {
  try {
    const text = await readFile(path, "utf8");
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  } catch (error) {
    return fail("file_unreadable", undefined, { path, reason: readReason(error) });
  }
}

export function parseJson(path: string, text: string): RawData {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail("data_parse", undefined, { path, reason: jsonReason(text, error as Error) });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const reason = "the file does not hold an object of names to values";
    return fail("data_parse", undefined, { path, reason });
  }
  return readObject(value as Record<string, unknown>);
}

function jsonReason(text: string, error: Error): string {
  const at = jsonErrorPosition(text);
  if (at === undefined) return `it is not JSON (${error.message})`;
  const { line, column } = lineColumn(text, at);
  const found = text[at];
  const what = found === undefined ? "it ends too early" : `unexpected ${JSON.stringify(found)}`;
  return `it is not JSON: ${what} at line ${line}, column ${column}`;
}

async function parseCsv(path: string, text: string): Promise<RawData> {
  // Loaded on first use: most runs read JSON.
  const { parse } = await import("csv-parse/sync");
  const [first] = text.split("\n", 1);
  if (first.includes(";") && !/[,\t]/.test(first)) {
    const reason = "its columns are separated by semicolons; CSV has commas, and points in numbers";
    return fail("data_parse", undefined, { path, reason });
  }
  let rows: string[][];
  try {
    rows = parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      delimiter: /\.tsv$/i.test(path) ? "\t" : ",",
    }) as string[][];
  } catch (error) {
    return fail("data_parse", undefined, { path, reason: (error as Error).message });
  }
  if (rows.length === 0) return fail("data_parse", undefined, { path, reason: "it is empty" });
  const [header, ...body] = rows;
  const columns = new Map<string, unknown[]>();
  header.forEach((name, k) => {
    // Row numbers often stand under no name; no model can use them.
    if (name === "") return;
    if (columns.has(name)) {
      fail("data_parse", undefined, { path, reason: `two columns are named \`${name}\`` });
    }
    columns.set(
      name,
      body.map((row) => numberCell(row[k])),
    );
  });
  return readObject(Object.fromEntries(columns));
}

/** Numbers and booleans as such; other text is kept, and is a problem only if it is used. */
function numberCell(cell: string): unknown {
  if (cell === "") return null;
  if (/^(true|false)$/i.test(cell)) return cell.toLowerCase() === "true";
  const x = Number(cell);
  return Number.isNaN(x) ? cell : x;
}
