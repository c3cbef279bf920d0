/** JavaScript values (from JSON, CSV or the API) as rectangular arrays of numbers. */
import { type Diagnostic, diagnostic, fail } from "../../base/diagnostic.js";
import { type DataValue, elementCount } from "../../model/data.js";

/** What a user may pass: numbers, booleans, null (missing), typed arrays, nested arrays of these. */
export type PlainValue =
  | number
  | boolean
  | null
  | undefined
  | ArrayLike<number>
  | readonly PlainValue[];

/**
 * Values by name. A value that cannot be read is kept as its problem, which counts only where the
 * model wants that name: a data file may hold columns of text that the model does not use.
 */
export interface RawData {
  readonly values: ReadonlyMap<string, DataValue>;
  readonly problems: ReadonlyMap<string, Diagnostic>;
  /** The files that they come from, with a hash of what those held. */
  readonly files?: readonly { readonly path: string; readonly hash: string }[];
}

const specialNumbers: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  "+inf": Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  "-infinity": Number.NEGATIVE_INFINITY,
};
const missingWords: ReadonlySet<string> = new Set(["nan", "na", "", "null"]);

/** A scalar cell: a number, `"missing"`, or undefined where it is neither. */
function scalarOf(x: unknown): number | "missing" | undefined {
  if (typeof x === "number") return Number.isNaN(x) ? "missing" : x;
  if (typeof x === "boolean") return x ? 1 : 0;
  // Larger integers are not among the numbers: they would be rounded without a word.
  if (typeof x === "bigint") return Number.isSafeInteger(Number(x)) ? Number(x) : undefined;
  if (x === null || x === undefined) return "missing";
  if (typeof x !== "string") return undefined;
  const word = x.trim().toLowerCase();
  if (missingWords.has(word)) return "missing";
  return specialNumbers[word];
}

function describe(x: unknown): string {
  if (typeof x === "string")
    return `the text ${JSON.stringify(x.length > 20 ? `${x.slice(0, 20)}…` : x)}`;
  if (Array.isArray(x)) return `a list of ${x.length}`;
  if (typeof x === "bigint") return `the integer ${x}, which is beyond 2^53,`;
  if (x instanceof Date) return "a date";
  return typeof x === "object" ? "an object" : `a ${typeof x}`;
}

const isList = (x: unknown): x is ArrayLike<unknown> =>
  Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView));

/** No model has arrays of more dimensions; lists nested deeper are a mistake or an attack. */
const MAX_DEPTH = 16;

/** Reads one value; a problem names the input and the position. */
export function readValue(name: string, value: unknown): DataValue | Diagnostic {
  if (value instanceof Float64Array) return withMissing(value.slice(), [value.length]);
  const dims = dimsOf(value);
  if (dims === undefined) {
    return diagnostic("data_too_deep", undefined, { name, most: MAX_DEPTH });
  }
  const data = new Float64Array(elementCount(dims));
  const missing: number[] = [];
  let next = 0;
  /** Where `visit` is: the first `depth` indices count. */
  const path = new Array<number>(dims.length).fill(0);
  const place = (depth: number): string => path.slice(0, depth).join("][");
  const visit = (x: unknown, depth: number): Diagnostic | undefined => {
    if (depth === dims.length) {
      const scalar = scalarOf(x);
      if (scalar === undefined) {
        const at = depth === 0 ? "the top" : `[${place(depth)}]`;
        return diagnostic("data_not_number", undefined, { name, at, got: describe(x) });
      }
      if (scalar === "missing") missing.push(next);
      data[next++] = scalar === "missing" ? Number.NaN : scalar;
      return undefined;
    }
    if (depth > 0 && scalarOf(x) === "missing") {
      const count = elementCount(dims.slice(depth));
      for (let k = 0; k < count; k++) missing.push(next + k);
      data.fill(Number.NaN, next, next + count);
      next += count;
      return undefined;
    }
    if (!isList(x) || x.length !== dims[depth]) {
      return diagnostic("data_ragged", undefined, {
        name,
        at: `\`${name}${depth === 0 ? "" : `[${place(depth)}]`}\``,
        got: isList(x) ? `${x.length} entries` : describe(x),
        expected: `${dims[depth]} entries`,
      });
    }
    for (let i = 0; i < x.length; i++) {
      path[depth] = i;
      const problem = visit(x[i], depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return visit(value, 0) ?? finished(data, dims, missing);
}

/** The lengths of nested lists, as their first entries tell them; undefined where too many. */
function dimsOf(value: unknown): number[] | undefined {
  const dims: number[] = [];
  let x = value;
  while (isList(x)) {
    if (dims.length === MAX_DEPTH) return undefined;
    dims.push(x.length);
    // A row may be missing as a whole; the first one that is there tells the shape.
    let k = 0;
    while (k < x.length && scalarOf(x[k]) === "missing") k++;
    x = x[k];
  }
  return dims;
}

function withMissing(data: Float64Array, dims: readonly number[]): DataValue {
  const missing: number[] = [];
  data.forEach((x, i) => {
    if (Number.isNaN(x)) missing.push(i);
  });
  return finished(data, dims, missing);
}

function finished(
  data: Float64Array,
  dims: readonly number[],
  missing: readonly number[],
): DataValue {
  if (missing.length === 0) return { dims, data };
  const flags = new Uint8Array(data.length);
  for (const i of missing) flags[i] = 1;
  return { dims, data, missing: flags };
}

/** An object of names to values. */
export function readObject(object: Readonly<Record<string, unknown>>): RawData {
  const values = new Map<string, DataValue>();
  const problems = new Map<string, Diagnostic>();
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    // As the lexer composes names, so that `é` typed either way is one name.
    const name = key.normalize("NFC");
    const read = readValue(name, value);
    if ("data" in read) values.set(name, read);
    else problems.set(name, read);
  }
  return { values, problems };
}

/** A column of a table, read when its turn comes. */
export interface TableColumn {
  readonly name: string;
  readonly values: () => ArrayLike<unknown>;
}

/** The columns of the table in a file. @throws TildeError where two have one name */
export function readColumns(path: string, columns: readonly TableColumn[]): RawData {
  const found = new Map<string, ArrayLike<unknown>>();
  for (const { name, values } of columns) {
    // Row numbers often stand under no name; no model can use them.
    if (name === "") continue;
    if (found.has(name)) {
      fail("data_parse", undefined, { path, reason: `two columns are named \`${name}\`` });
    }
    found.set(name, values());
  }
  return readObject(Object.fromEntries(found));
}

/** Later sources win where a name stands in several. */
export function mergeData(parts: readonly RawData[]): RawData {
  const values = new Map<string, DataValue>();
  const problems = new Map<string, Diagnostic>();
  for (const part of parts) {
    for (const [name, value] of part.values) {
      values.set(name, value);
      problems.delete(name);
    }
    for (const [name, problem] of part.problems) {
      problems.set(name, problem);
      values.delete(name);
    }
  }
  const files = parts.flatMap((part) => part.files ?? []);
  return files.length === 0 ? { values, problems } : { values, problems, files };
}
