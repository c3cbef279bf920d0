/** What names stand for in a session, and how values are shown in words. */
import { type DataValue, elementCount } from "../../model/data.js";
import type { ScalarKind } from "../../model/ir.js";
import type * as ast from "../../syntax/ast.js";
import type { Plan } from "../explain.js";
import type { Method } from "../methods.js";
import type { Posterior } from "../posterior.js";
import type { VariableDraws } from "../results/fit.js";
import type { Summary } from "../results/summary.js";

/** A number or an array. */
export interface ArrayValue {
  readonly kind: "array";
  readonly scalar: ScalarKind;
  readonly value: DataValue;
}
/** A quantity that is known by draws: what a fit says of a variable, and what is computed of it. */
export interface DrawsValue {
  readonly kind: "draws";
  readonly scalar: ScalarKind;
  /** `[chains, draws, …dims]`. */
  readonly draws: VariableDraws;
  /** Whether the draws of a chain follow each other, so that their diagnostics mean something. */
  readonly inChains: boolean;
}
/** A distribution as it was written, with the values that its names had then. */
export interface DistValue {
  readonly kind: "dist";
  readonly expr: ast.Expr;
  readonly captured: ReadonlyMap<string, ArrayValue | DrawsValue>;
}
/** A model of the session; `given` are values that `condition` joined it with. */
export interface ModelValue {
  readonly kind: "model";
  readonly name: string;
  readonly given?: ReadonlyMap<string, DataValue>;
}
export interface FitValue {
  readonly kind: "fit";
  readonly posterior: Posterior;
}
/** Draws of several variables, by name. */
export interface PredictionsValue {
  readonly kind: "predictions";
  readonly variables: ReadonlyMap<string, DrawsValue>;
}
export interface MethodValue {
  readonly kind: "method";
  readonly method: Method;
}
/** Things that are only shown. */
export type ShownValue =
  | { readonly kind: "summary"; readonly summary: Summary }
  | { readonly kind: "plan"; readonly plan: Plan }
  | { readonly kind: "text"; readonly text: string };

/** A name or a text among arguments: `guide: full_rank`, `save(fit, "out")`. */
export interface StringValue {
  readonly kind: "string";
  readonly text: string;
}
export type NumberValue = ArrayValue | DrawsValue;
export type Value =
  | NumberValue
  | DistValue
  | ModelValue
  | FitValue
  | PredictionsValue
  | MethodValue
  | StringValue
  | ShownValue;

/** `a fit`, for messages. */
export const valueWords: { readonly [K in Value["kind"]]: string } = {
  array: "a value",
  draws: "draws",
  dist: "a distribution",
  model: "a model",
  fit: "a fit",
  predictions: "predictions",
  method: "a method",
  string: "a text",
  summary: "a summary",
  plan: "a plan",
  text: "a text",
};

export function dimsOf(v: NumberValue): readonly number[] {
  return v.kind === "array" ? v.value.dims : v.draws.shape.slice(2);
}

/** How many draws there are, over all chains. */
export function drawCount({ draws }: DrawsValue): number {
  return draws.shape[0] * draws.shape[1];
}

/** Draw `row` as an array, over the memory of the draws. */
export function drawAt(v: DrawsValue, row: number): DataValue {
  const dims = dimsOf(v);
  const size = elementCount(dims);
  return { dims, data: v.draws.data.subarray(row * size, (row + 1) * size) };
}

export function scalarValue(x: number, scalar: ScalarKind = "real"): ArrayValue {
  return { kind: "array", scalar, value: { dims: [], data: Float64Array.of(x) } };
}

/** Whole numbers are ints; a file of data says no more than that. */
export function arrayOfData(value: DataValue): ArrayValue {
  const isWhole = value.missing === undefined && value.data.every(Number.isSafeInteger);
  return { kind: "array", scalar: isWhole ? "int" : "real", value };
}

/** `real`, `int[3, 2]`. */
export function typeText(scalar: ScalarKind, dims: readonly number[]): string {
  return dims.length === 0 ? scalar : `${scalar}[${dims.join(", ")}]`;
}

/** Seven significant digits, as few as tell the number apart. */
export function numberText(x: number, scalar: ScalarKind = "real"): string {
  if (scalar === "bool" && (x === 0 || x === 1)) return x === 1 ? "true" : "false";
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (Number.isSafeInteger(x)) return scalar === "real" && Object.is(x, -0) ? "0" : String(x);
  return String(Number(x.toPrecision(7)));
}

/** Elements of one axis that are shown, half from each end. */
const MOST = 100;
const MOST_ROWS = 20;

/** An array as one would write it; of long ones the beginning and the end. */
export function arrayText({ scalar, value }: ArrayValue): string {
  const { dims, data, missing } = value;
  const cell = (i: number): string =>
    missing?.[i] === 1 ? "missing" : numberText(data[i], scalar);
  if (dims.length === 0) return cell(0);
  if (dims.length === 1) return `[${shortened(dims[0], MOST, cell).join(", ")}]`;
  const columns = dims[dims.length - 1];
  const widths = columnWidths(dims, columns, cell);
  const block = (axis: number, start: number, indent: string): string => {
    const size = elementCount(dims.slice(axis + 1));
    if (axis === dims.length - 1) {
      const cells = shortened(columns, MOST_ROWS, (k) => cell(start + k).padStart(widths[k]));
      return `[${cells.join(", ")}]`;
    }
    const rows = shortened(dims[axis], MOST_ROWS, (k) =>
      block(axis + 1, start + k * size, `${indent} `),
    );
    return `[${rows.join(`,\n${indent} `)}]`;
  };
  return block(0, 0, "");
}

function columnWidths(
  dims: readonly number[],
  columns: number,
  cell: (i: number) => string,
): number[] {
  const rows = elementCount(dims.slice(0, -1));
  // Rows that are not shown do not widen the others beyond what one row of a matrix would.
  const shown = Math.min(rows, 4 * MOST_ROWS);
  return Array.from({ length: columns }, (_, k) => {
    let width = 0;
    for (let r = 0; r < shown; r++) width = Math.max(width, cell(r * columns + k).length);
    return width;
  });
}

function shortened(count: number, most: number, text: (k: number) => string): string[] {
  if (count <= most) return Array.from({ length: count }, (_, k) => text(k));
  const half = Math.floor(most / 2);
  const first = Array.from({ length: half }, (_, k) => text(k));
  const last = Array.from({ length: half }, (_, k) => text(count - half + k));
  return [...first, "…", ...last];
}
