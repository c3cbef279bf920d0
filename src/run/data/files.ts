/**
 * Data files: JSON (an object of names to values), and tables, where a column is a vector: CSV, TSV,
 * Parquet, Arrow and Feather.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fail, TildeError } from "../../base/diagnostic.js";
import { lineColumn } from "../../base/span.js";
import { readReason } from "../sources.js";
import { hashOf } from "../storage/plain.js";
import { jsonErrorPosition } from "./json-position.js";
import { mergeData, type RawData, readObject } from "./values.js";

/** @throws TildeError where a file cannot be read or is not what its name says. */
export async function loadDataFiles(paths: readonly string[]): Promise<RawData> {
  const parts: RawData[] = [];
  for (const path of paths) parts.push(await loadDataFile(path));
  return mergeData(parts);
}

async function loadDataFile(path: string): Promise<RawData> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return fail("file_unreadable", undefined, { path, reason: readReason(error) });
  }
  if (bytes.length === 0) return fail("data_parse", undefined, { path, reason: "it is empty" });
  const files = [{ path: resolve(path), hash: hashOf(bytes) }];
  return { ...(await parseBytes(path, bytes)), files };
}

const begins = (bytes: Uint8Array, text: string): boolean =>
  String.fromCharCode(...bytes.subarray(0, text.length)) === text;

/** What bytes say comes before what the file's name says. */
async function parseBytes(path: string, bytes: Uint8Array): Promise<RawData> {
  if (begins(bytes, "PAR1") || /\.(parquet|pq)$/i.test(path)) {
    const { parseParquet } = await import("./parquet.js");
    return await whole(path, "Parquet", parseParquet(path, bytes));
  }
  if (begins(bytes, "FEA1")) {
    const reason = "it is Feather of version 1: write version 2, which is Arrow's own format";
    return fail("data_parse", undefined, { path, reason });
  }
  if (begins(bytes, "ARROW1") || /\.(arrows?|feather|ipc)$/i.test(path)) {
    const { parseArrow } = await import("./arrow.js");
    return await whole(path, "Arrow", parseArrow(path, bytes));
  }
  const decoded = new TextDecoder("utf-8", { ignoreBOM: false }).decode(bytes);
  const [, ending = ""] = /\.(csv|tsv)$/i.exec(path) ?? [];
  if (ending === "") return parseJson(path, decoded);
  const { parseTable } = await import("./csv.js");
  return await parseTable(path, decoded, ending.toLowerCase() === "csv" ? "csv" : "tsv");
}

/** What a reader of binary files cannot make sense of. */
async function whole(path: string, format: string, work: Promise<RawData>): Promise<RawData> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TildeError) throw error;
    const { message } = error as Error;
    const reason = `it is no whole ${format} file (${message})`;
    return fail("data_parse", undefined, { path, reason });
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
