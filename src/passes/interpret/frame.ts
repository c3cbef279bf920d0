/**
 * Where compiled expressions read their variables: an array of slots, one a name. Expressions are
 * compiled once into closures and run many times, one index tuple at a time.
 */
import { internalError } from "../../base/internal.js";
import { type DataValue, elementCount } from "../../model/data.js";
import type { Expr } from "../../model/ir.js";
import type { Size } from "../../model/size.js";

/** A whole array that may still be in the making: elements are asked for before they are read. */
export interface Tracked extends DataValue {
  /** Absent where every element has its value. */
  readonly pending?: {
    /** Elements (events) that have no value yet. */
    readonly remaining: () => number;
    readonly isDefined: (element: number) => boolean;
    readonly eventSize: number;
    /** Gives one element its value, or fails where nothing defines it. */
    readonly need: (element: number) => void;
  };
}

/** The value of a name: a number for scalars where that is convenient. */
export type SlotValue = number | Tracked | undefined;

/** One run's variables. */
export interface Frame {
  readonly slots: SlotValue[];
}

export type ScalarFn = (f: Frame) => number;
export type ArrayFn = (f: Frame) => DataValue;

/** The compiler of expressions as its rooms see it. */
export interface Compiler {
  /** The value of an expression of rank 0. */
  readonly scalar: (e: Expr) => ScalarFn;
  /** The value of an expression of rank 1 or more. */
  readonly array: (e: Expr) => ArrayFn;
  /** The value of an expression of any rank, with dims. */
  readonly value: (e: Expr) => ArrayFn;
  readonly size: (s: Size) => ScalarFn;
  /** The slot of a name, made on first use. */
  readonly slot: (name: string) => number;
  /** Every name that has a slot. */
  readonly names: ReadonlyMap<string, number>;
}

export function scalarValue(x: number): DataValue {
  return { dims: [], data: Float64Array.of(x) };
}

/** An array of `dims` for a result. */
export function emptyArray(dims: readonly number[]): {
  readonly dims: readonly number[];
  readonly data: Float64Array;
} {
  return { dims, data: new Float64Array(elementCount(dims)) };
}

/** Reads a slot as a number. */
export function slotNumber(f: Frame, slot: number, name: string): number {
  const v = f.slots[slot];
  if (typeof v === "number") return v;
  if (v === undefined) return internalError(`${name} has no value`);
  if (v.pending !== undefined && !v.pending.isDefined(0)) v.pending.need(0);
  return v.data[0];
}

/** Reads a slot as a whole array; elements that have no value yet get one first. */
export function slotArray(f: Frame, slot: number, name: string): DataValue {
  const v = f.slots[slot];
  if (typeof v === "number") return scalarValue(v);
  if (v === undefined) return internalError(`${name} has no value`);
  completeArray(v);
  return v;
}

/** Gives every element that has no value yet its value. */
export function completeArray(v: Tracked): void {
  const { pending } = v;
  if (pending === undefined) return;
  const count = pending.eventSize === 0 ? 0 : v.data.length / pending.eventSize;
  for (let i = 0; i < count && pending.remaining() > 0; i++) {
    if (!pending.isDefined(i)) pending.need(i);
  }
}
