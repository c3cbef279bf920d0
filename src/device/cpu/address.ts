/** Addresses of buffer elements: what is constant goes into the instruction's static offset. */
import { internalError } from "../../base/internal.js";
import type { Expr } from "../../kernel/ir.js";
import type { FunctionBuilder } from "./builder.js";
import { elementBytes } from "./layout.js";
import { isNonNegative } from "./non-negative.js";

/** Emits the value of an i32 expression. */
export type EmitExpr = (e: Expr) => void;

/**
 * Pushes the dynamic part of the address of `buffer[index]` and returns the static offset.
 * WebAssembly adds the two without wrapping, so the dynamic part must not be negative: a constant
 * term is split off when it is at most 0 (then the rest is at least the index) or when the rest is
 * provably non-negative.
 */
export function emitAddress(
  fb: FunctionBuilder,
  buffer: string,
  index: Expr,
  emit: EmitExpr,
  nonNegative: (local: string) => boolean,
): number {
  const { element, region, offset } = fb.module.placement(buffer);
  const bytes = elementBytes(element);
  let { rest, constant } = splitConstant(index);
  if (rest !== undefined && constant > 0 && !isNonNegative(rest, nonNegative)) {
    rest = index;
    constant = 0;
  }
  let shift = offset + constant * bytes;
  if (rest !== undefined && shift < 0) {
    rest = index;
    shift = offset;
  }
  if (shift < 0) internalError(`index ${constant} of kernel buffer ${buffer} is negative`);
  if (region === "workspace") fb.base();
  if (rest !== undefined) {
    emitScaled(fb, rest, bytes, emit);
    if (region === "workspace") fb.plain("i32.add");
  } else if (region === "constant") {
    fb.i32(0);
  }
  return shift;
}

function emitScaled(fb: FunctionBuilder, index: Expr, bytes: number, emit: EmitExpr): void {
  emit(index);
  fb.i32(bytes === 8 ? 3 : 2);
  fb.plain("i32.shl");
}

/** `index = rest + constant`; no `rest` when the index is a literal. */
export function splitConstant(index: Expr): { rest: Expr | undefined; constant: number } {
  if (index.kind === "const") return { rest: undefined, constant: Number(index.value) };
  if (index.kind !== "binary" || (index.fn !== "add" && index.fn !== "sub")) {
    return { rest: index, constant: 0 };
  }
  const x = splitConstant(index.x);
  const y = splitConstant(index.y);
  const constant = index.fn === "add" ? x.constant + y.constant : x.constant - y.constant;
  if (y.rest === undefined) return { rest: x.rest, constant };
  if (x.rest === undefined && index.fn === "add") return { rest: y.rest, constant };
  const left: Expr = x.rest ?? { kind: "const", type: "i32", value: 0 };
  return { rest: { ...index, x: left, y: y.rest }, constant };
}
