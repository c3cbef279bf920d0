/** Two-lane instructions of kernel operations. */
import type { BinaryInstr, Expr, UnaryInstr } from "../../kernel/ir.js";
import type { FunctionBuilder } from "./builder.js";
import type { Instr, PlainOp } from "./opcodes.js";

/** Where loop invariants are computed, and the v128 local of each, by the text of its IR. */
export interface Hoist {
  readonly preheader: Instr[];
  readonly locals: Map<string, number>;
}

export const vectorUnary: Partial<Record<UnaryInstr, PlainOp>> = {
  neg: "f64x2.neg",
  abs: "f64x2.abs",
  sqrt: "f64x2.sqrt",
  floor: "f64x2.floor",
  ceil: "f64x2.ceil",
  trunc: "f64x2.trunc",
  nearest: "f64x2.nearest",
};
export const vectorFloat: Partial<Record<BinaryInstr, PlainOp>> = {
  add: "f64x2.add",
  sub: "f64x2.sub",
  mul: "f64x2.mul",
  div: "f64x2.div",
  min: "f64x2.min",
  max: "f64x2.max",
};
export const vectorInt: Partial<Record<BinaryInstr, PlainOp>> = {
  add: "i64x2.add",
  sub: "i64x2.sub",
  mul: "i64x2.mul",
  and: "v128.and",
  or: "v128.or",
  xor: "v128.xor",
};
export const vectorShift: Partial<Record<BinaryInstr, PlainOp>> = {
  shl: "i64x2.shl",
  shr_s: "i64x2.shr_s",
  shr_u: "i64x2.shr_u",
};
export const floatCompare: Partial<Record<BinaryInstr, PlainOp>> = {
  eq: "f64x2.eq",
  ne: "f64x2.ne",
  lt: "f64x2.lt",
  le: "f64x2.le",
  gt: "f64x2.gt",
  ge: "f64x2.ge",
};
export const intCompare: Partial<Record<BinaryInstr, PlainOp>> = {
  eq: "i64x2.eq",
  ne: "i64x2.ne",
  lt: "i64x2.lt_s",
  le: "i64x2.le_s",
  gt: "i64x2.gt_s",
  ge: "i64x2.ge_s",
};
export const maskLogic: Partial<Record<BinaryInstr, PlainOp>> = {
  and: "v128.and",
  or: "v128.or",
  xor: "v128.xor",
};

export const signBits = 1n << 63n;

export function extractOp(type: Expr["type"]): "f64x2.extract_lane" | "i64x2.extract_lane" {
  return type === "f64" ? "f64x2.extract_lane" : "i64x2.extract_lane";
}

export function literalBits(e: Extract<Expr, { readonly kind: "const" }>): bigint {
  if (e.type === "i64") return BigInt.asUintN(64, BigInt(e.value));
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Number(e.value));
  return view.getBigUint64(0);
}

/** From an i32 condition on the stack to an i64: all ones if true, else 0. */
export function widenCondition(fb: FunctionBuilder): void {
  fb.plain("i32.eqz");
  fb.plain("i64.extend_i32_u");
  fb.push({ op: "i64.const", value: 1n });
  fb.plain("i64.sub");
}

/** Joins two scalars of a type, pushed by `emit`, to a vector. */
export function joinLanes(
  fb: FunctionBuilder,
  type: Expr["type"],
  emit: (lane: number) => void,
): void {
  emit(0);
  fb.plain(type === "f64" ? "f64x2.splat" : "i64x2.splat");
  emit(1);
  fb.push({ op: type === "f64" ? "f64x2.replace_lane" : "i64x2.replace_lane", lane: 1 });
}
