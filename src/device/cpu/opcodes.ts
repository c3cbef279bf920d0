/**
 * The WebAssembly instructions this compiler emits and their encodings (WebAssembly core
 * specification 3.0, binary format, with its SIMD and threads chapters). A function body is a list of
 * `Instr`; `encode.ts` writes it as bytes and `wat.ts` as text.
 */

export type ValType = "i32" | "i64" | "f64" | "v128";

/** One byte, or a prefix (0xfc, 0xfd, 0xfe) and a LEB128 number. */
type Code = number | readonly [prefix: number, code: number];

/** Instructions without immediates. */
export const plainOps = {
  unreachable: 0x00,
  else: 0x05,
  end: 0x0b,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  "i32.eqz": 0x45,
  "i32.eq": 0x46,
  "i32.ne": 0x47,
  "i32.lt_s": 0x48,
  "i32.lt_u": 0x49,
  "i32.gt_s": 0x4a,
  "i32.le_s": 0x4c,
  "i32.ge_s": 0x4e,
  "i64.eqz": 0x50,
  "i64.eq": 0x51,
  "i64.ne": 0x52,
  "i64.lt_s": 0x53,
  "i64.lt_u": 0x54,
  "i64.gt_s": 0x55,
  "i64.le_s": 0x57,
  "i64.ge_s": 0x59,
  "f64.eq": 0x61,
  "f64.ne": 0x62,
  "f64.lt": 0x63,
  "f64.gt": 0x64,
  "f64.le": 0x65,
  "f64.ge": 0x66,
  "i32.add": 0x6a,
  "i32.sub": 0x6b,
  "i32.mul": 0x6c,
  "i32.div_s": 0x6d,
  "i32.rem_s": 0x6f,
  "i32.and": 0x71,
  "i32.or": 0x72,
  "i32.xor": 0x73,
  "i32.shl": 0x74,
  "i32.shr_s": 0x75,
  "i32.shr_u": 0x76,
  "i32.rotl": 0x77,
  "i64.add": 0x7c,
  "i64.sub": 0x7d,
  "i64.mul": 0x7e,
  "i64.div_s": 0x7f,
  "i64.rem_s": 0x81,
  "i64.and": 0x83,
  "i64.or": 0x84,
  "i64.xor": 0x85,
  "i64.shl": 0x86,
  "i64.shr_s": 0x87,
  "i64.shr_u": 0x88,
  "i64.rotl": 0x89,
  "f64.abs": 0x99,
  "f64.neg": 0x9a,
  "f64.ceil": 0x9b,
  "f64.floor": 0x9c,
  "f64.trunc": 0x9d,
  "f64.nearest": 0x9e,
  "f64.sqrt": 0x9f,
  "f64.add": 0xa0,
  "f64.sub": 0xa1,
  "f64.mul": 0xa2,
  "f64.div": 0xa3,
  "f64.min": 0xa4,
  "f64.max": 0xa5,
  "f64.copysign": 0xa6,
  "i32.wrap_i64": 0xa7,
  "i64.extend_i32_s": 0xac,
  "i64.extend_i32_u": 0xad,
  "f64.convert_i32_s": 0xb7,
  "f64.convert_i32_u": 0xb8,
  "f64.convert_i64_s": 0xb9,
  "f32.demote_f64": 0xb6,
  "f64.promote_f32": 0xbb,
  "i64.reinterpret_f64": 0xbd,
  "f64.reinterpret_i64": 0xbf,
  "i32.trunc_sat_f64_s": [0xfc, 0x02],
  "i64.trunc_sat_f64_s": [0xfc, 0x06],
  "i64x2.splat": [0xfd, 0x12],
  "f64x2.splat": [0xfd, 0x14],
  "f64x2.eq": [0xfd, 0x47],
  "f64x2.ne": [0xfd, 0x48],
  "f64x2.lt": [0xfd, 0x49],
  "f64x2.gt": [0xfd, 0x4a],
  "f64x2.le": [0xfd, 0x4b],
  "f64x2.ge": [0xfd, 0x4c],
  "v128.not": [0xfd, 0x4d],
  "v128.and": [0xfd, 0x4e],
  "v128.or": [0xfd, 0x50],
  "v128.xor": [0xfd, 0x51],
  "v128.bitselect": [0xfd, 0x52],
  "f32x4.demote_f64x2_zero": [0xfd, 0x5e],
  "f64x2.promote_low_f32x4": [0xfd, 0x5f],
  "f32x4.add": [0xfd, 0xe4],
  "f32x4.mul": [0xfd, 0xe6],
  "f64x2.ceil": [0xfd, 0x74],
  "f64x2.floor": [0xfd, 0x75],
  "f64x2.trunc": [0xfd, 0x7a],
  "f64x2.nearest": [0xfd, 0x94],
  "i64x2.abs": [0xfd, 0xc0],
  "i64x2.neg": [0xfd, 0xc1],
  "i64x2.shl": [0xfd, 0xcb],
  "i64x2.shr_s": [0xfd, 0xcc],
  "i64x2.shr_u": [0xfd, 0xcd],
  "i64x2.add": [0xfd, 0xce],
  "i64x2.sub": [0xfd, 0xd1],
  "i64x2.mul": [0xfd, 0xd5],
  "i64x2.eq": [0xfd, 0xd6],
  "i64x2.ne": [0xfd, 0xd7],
  "i64x2.lt_s": [0xfd, 0xd8],
  "i64x2.gt_s": [0xfd, 0xd9],
  "i64x2.le_s": [0xfd, 0xda],
  "i64x2.ge_s": [0xfd, 0xdb],
  "f64x2.abs": [0xfd, 0xec],
  "f64x2.neg": [0xfd, 0xed],
  "f64x2.sqrt": [0xfd, 0xef],
  "f64x2.add": [0xfd, 0xf0],
  "f64x2.sub": [0xfd, 0xf1],
  "f64x2.mul": [0xfd, 0xf2],
  "f64x2.div": [0xfd, 0xf3],
  "f64x2.min": [0xfd, 0xf4],
  "f64x2.max": [0xfd, 0xf5],
  "f64x2.convert_low_i32x4_s": [0xfd, 0xfe],
  // Relaxed SIMD: the first two multiplied, the third added, rounded once or twice.
  "f32x4.relaxed_madd": [0xfd, 0x105],
  "f64x2.relaxed_madd": [0xfd, 0x107],
} as const satisfies Record<string, Code>;
export type PlainOp = keyof typeof plainOps;

/** Instructions whose immediate is one index: of a local, a global, a function or a label. */
export const indexOps = {
  br: 0x0c,
  br_if: 0x0d,
  call: 0x10,
  "local.get": 0x20,
  "local.set": 0x21,
  "local.tee": 0x22,
  "global.get": 0x23,
} as const satisfies Record<string, Code>;
export type IndexOp = keyof typeof indexOps;

/** Structured control; the immediate is the optional result type. */
export const blockOps = { block: 0x02, loop: 0x03, if: 0x04 } as const;
export type BlockOp = keyof typeof blockOps;

/** Memory accesses: encoding and log₂ of the natural alignment. */
export const memoryOps = {
  "i32.load": [0x28, 2],
  "i64.load": [0x29, 3],
  "f32.load": [0x2a, 2],
  "f64.load": [0x2b, 3],
  "i32.store": [0x36, 2],
  "i64.store": [0x37, 3],
  "f32.store": [0x38, 2],
  "f64.store": [0x39, 3],
  "v128.load": [[0xfd, 0x00], 3],
  "v128.load32_splat": [[0xfd, 0x09], 2],
  "v128.load64_splat": [[0xfd, 0x0a], 3],
  "v128.store": [[0xfd, 0x0b], 3],
  "v128.load64_zero": [[0xfd, 0x5d], 2],
  // Threads: atomic, and aligned by law.
  "memory.atomic.notify": [[0xfe, 0x00], 2],
  "memory.atomic.wait32": [[0xfe, 0x01], 2],
  "i32.atomic.load": [[0xfe, 0x10], 2],
  "i32.atomic.store": [[0xfe, 0x17], 2],
  "i32.atomic.rmw.add": [[0xfe, 0x1e], 2],
  "i32.atomic.rmw.cmpxchg": [[0xfe, 0x48], 2],
} as const satisfies Record<string, readonly [Code, number]>;
export type MemoryOp = keyof typeof memoryOps;

/** Memory accesses of one lane: a memory immediate and a lane. */
export const laneMemoryOps = {
  "v128.load64_lane": [[0xfd, 0x57], 3],
  "v128.store64_lane": [[0xfd, 0x5b], 3],
} as const satisfies Record<string, readonly [Code, number]>;
export type LaneMemoryOp = keyof typeof laneMemoryOps;

export const laneOps = {
  "i64x2.extract_lane": [0xfd, 0x1d],
  "i64x2.replace_lane": [0xfd, 0x1e],
  "f64x2.extract_lane": [0xfd, 0x21],
  "f64x2.replace_lane": [0xfd, 0x22],
} as const satisfies Record<string, Code>;
export type LaneOp = keyof typeof laneOps;

export type Instr =
  | { readonly op: PlainOp }
  | { readonly op: IndexOp; readonly index: number }
  | { readonly op: BlockOp; readonly result?: ValType }
  | { readonly op: MemoryOp; readonly offset: number }
  | { readonly op: LaneMemoryOp; readonly offset: number; readonly lane: number }
  | { readonly op: LaneOp; readonly lane: number }
  | { readonly op: "i32.const" | "f64.const"; readonly value: number }
  | { readonly op: "i64.const"; readonly value: bigint };

/** A function of a WebAssembly module, before encoding. `locals` excludes the parameters. */
export interface WasmFunction {
  readonly name: string;
  readonly params: readonly ValType[];
  readonly result?: ValType;
  readonly locals: readonly ValType[];
  readonly code: readonly Instr[];
  readonly exported: boolean;
}

/** A module that imports `env.memory` and the immutable i32 global `env.base`. */
export interface WasmModule {
  readonly functions: readonly WasmFunction[];
  readonly sharedMemory: boolean;
}
