/** Tables as text: comma-separated (CSV) and tab-separated (TSV). */
import { fail } from "../../base/diagnostic.js";
import { type RawData, readColumns } from "./values.js";

/** What the columns of each kind of file are separated by. */
const separators = { csv: ",", tsv: "\t" } as const;
const names: Readonly<Record<string, string>> = {
  ";": "semicolons",
  ",": "commas",
  "\t": "tabs",
};

export async function parseTable(
  path: string,
  text: string,
  kind: keyof typeof separators,
): Promise<RawData> {
  // Loaded on first use: most runs read JSON.
  const { parse } = await import("csv-parse/sync");
  const delimiter = separators[kind];
  checkSeparator(path, text, delimiter);
  let rows: string[][];
  try {
    rows = parse(text, { bom: true, trim: true, skip_empty_lines: true, delimiter }) as string[][];
  } catch (error) {
    return fail("data_parse", undefined, { path, reason: (error as Error).message });
  }
  const [header, ...body] = rows;
  if (header === undefined) return fail("data_parse", undefined, { path, reason: "it is empty" });
  return readColumns(
    path,
    header.map((name, k) => ({ name, values: () => body.map((row) => numberCell(row[k])) })),
  );
}

/** A header without the separator that holds another one was written by another convention. */
function checkSeparator(path: string, text: string, delimiter: string): void {
  const [first] = text.split(/\r?\n/, 1);
  if (first.includes(delimiter)) return;
  const other = Object.keys(names).find((mark) => first.includes(mark));
  if (other === undefined) return;
  const hints: Readonly<Record<string, string>> = {
    ";": `write it with ${names[delimiter]} and with points in numbers`,
    ",": "name it `.csv`",
    "\t": "name it `.tsv`",
  };
  const reason = `its columns are separated by ${names[other]}: ${hints[other]}`;
  fail("data_parse", undefined, { path, reason });
}

/** Numbers and booleans as such; other text is kept, and is a problem only if it is used. */
function numberCell(cell: string): unknown {
  if (cell === "") return null;
  if (/^(true|false)$/i.test(cell)) return cell.toLowerCase() === "true";
  const x = Number(cell);
  return Number.isNaN(x) ? cell : x;
}
