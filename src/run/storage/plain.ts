/**
 * Plain data in two files: JSON for people, and beside it the arrays as bytes, so that a million
 * numbers are neither text nor rounded. Maps, typed arrays, NaN and infinities round-trip.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { internalError } from "../../base/internal.js";
import { replaceFile } from "./folder.js";

/** A tag that no name of a model or a figure can be. */
const TAG = "$";

const arrays = {
  f64: Float64Array,
  i32: Int32Array,
  u8: Uint8Array,
} as const;
type ArrayKind = keyof typeof arrays;
type PlainArray = Float64Array | Int32Array | Uint8Array;

/** Arrays of fewer numbers than this are clearer as text. */
const SHORT = 16;

/** Writes `path.json` and, where there are long arrays, `path.bin`. @throws TildeError */
export function writePlain(path: string, value: unknown): void {
  const { content, bytes } = encoded(value);
  if (bytes.length > 0) replaceFile(`${path}.bin`, bytes);
  // The JSON comes last: where it stands, the bytes that it tells of stand too.
  const file = { ...(bytes.length > 0 && { arrays: hashOf(bytes) }), content };
  replaceFile(`${path}.json`, `${JSON.stringify(file)}\n`);
}

/**
 * What was written there.
 * @throws an `Error` of Node where a file cannot be read, or one that says what is broken
 */
export function readPlain(path: string): unknown {
  const text = readFileSync(`${path}.json`, "utf8");
  const file = JSON.parse(text) as { arrays?: unknown; content?: unknown };
  const hasBytes = file.arrays !== undefined;
  const bytes = hasBytes ? readFileSync(`${path}.bin`) : Buffer.alloc(0);
  if (hasBytes && hashOf(bytes) !== file.arrays) {
    throw new Error(`${path}.bin is not the file that was written with ${path}.json`);
  }
  return decoded(file.content, bytes);
}

/** The same data as one row of numbers, whose bytes are the JSON's length, the JSON and the arrays. */
export function packPlain(value: unknown): Float64Array {
  const { content, bytes } = encoded(value);
  const text = Buffer.from(JSON.stringify(content));
  const behind = 8 + 8 * Math.ceil(text.length / 8);
  const out = new Float64Array((behind + bytes.length) / 8);
  const all = Buffer.from(out.buffer);
  all.writeUInt32LE(text.length, 0);
  all.set(text, 8);
  all.set(bytes, behind);
  return out;
}

/** What `packPlain` was given. @throws an `Error` where the numbers are none of its */
export function unpackPlain(numbers: Float64Array): unknown {
  const all = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const length = all.readUInt32LE(0);
  const content = JSON.parse(all.toString("utf8", 8, 8 + length)) as unknown;
  return decoded(content, all.subarray(8 + 8 * Math.ceil(length / 8)));
}

/** As JSON holds it, and the long arrays beside it, each from a multiple of 8 on. */
function encoded(value: unknown): { readonly content: unknown; readonly bytes: Buffer } {
  const parts: Uint8Array[] = [];
  let length = 0;
  const encode = (x: unknown): unknown => {
    if (typeof x === "number") {
      return Number.isFinite(x) && !Object.is(x, -0)
        ? x
        : { [TAG]: "number", value: numberText(x) };
    }
    if (x === null || typeof x === "string" || typeof x === "boolean") return x;
    if (Array.isArray(x)) return x.map((v) => encode(v));
    if (ArrayBuffer.isView(x)) return array(x as PlainArray);
    if (x instanceof Map) {
      return { [TAG]: "map", entries: [...x].map(([k, v]) => [encode(k), encode(v)]) };
    }
    if (typeof x !== "object") return internalError(`no plain data: ${typeof x}`);
    return Object.fromEntries(
      Object.entries(x)
        .filter(([, v]) => v !== undefined)
        .map(([k, v]) => [k, encode(v)]),
    );
  };
  const array = (x: PlainArray): unknown => {
    const kind = (Object.keys(arrays) as ArrayKind[]).find((k) => x instanceof arrays[k]);
    if (kind === undefined) return internalError(`no plain data: ${x.constructor.name}`);
    if (x.length < SHORT) return { [TAG]: kind, values: Array.from(x, (v) => encode(v)) };
    const at = length;
    const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
    const padding = (8 - (bytes.length % 8)) % 8;
    parts.push(bytes, new Uint8Array(padding));
    length += bytes.length + padding;
    return { [TAG]: kind, at, length: x.length };
  };
  const content = encode(value);
  return { content, bytes: Buffer.concat(parts) };
}

function decoded(content: unknown, bytes: Buffer): unknown {
  const decode = (x: unknown): unknown => {
    if (Array.isArray(x)) return x.map(decode);
    if (typeof x !== "object" || x === null) return x;
    const tagged = x as Record<string, unknown>;
    const tag = tagged[TAG];
    if (tag === undefined) {
      return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, decode(v)]));
    }
    if (tag === "number") return Number(tagged.value);
    if (tag === "map")
      return new Map(
        (tagged.entries as unknown[][]).map(([k, v]) => [decode(k), decode(v)] as const),
      );
    const make = arrays[tag as ArrayKind];
    if (tagged.values !== undefined)
      return make.from((tagged.values as unknown[]).map(decode) as number[]);
    const length = tagged.length as number;
    const start = tagged.at as number;
    const own = Uint8Array.prototype.slice.call(
      bytes,
      start,
      start + length * make.BYTES_PER_ELEMENT,
    );
    return new make(own.buffer, 0, length);
  };
  return decode(content);
}

function numberText(x: number): string {
  return Object.is(x, -0) ? "-0" : String(x);
}

export function hashOf(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
