/**
 * The reference interpreter of kernel IR: the slow, obvious twin of the WebAssembly emitter. Tests
 * run both on the same modules.
 */
import { assertNever, internalError } from "../base/internal.js";
import type {
  BinaryInstr,
  Conversion,
  Element,
  Expr,
  KernelFunction,
  KernelModule,
  ScalarType,
  Stmt,
  UnaryInstr,
} from "./ir.js";
import { mathFunction } from "./mathlib/index.js";
import { expandTile } from "./tile.js";

/** i64 values are bigints of 64 signed bits; the others are numbers. */
type Value = number | bigint;
type Frame = Map<string, Value>;

/** One workspace, and calls into the module on it. */
export interface Interpreter {
  call(name: string, ...args: readonly number[]): number;
  f64(buffer: string): Float64Array;
  i32(buffer: string): Int32Array;
}

/** A fresh workspace of a module. Out-of-bounds accesses and unset locals are internal errors. */
export function interpretKernels(module: KernelModule): Interpreter {
  return new Machine(module);
}

const roundEven = (x: number): number => {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x) === 0 ? x * 0 : rest < 0.5 ? floor : floor + 1;
  const even = floor % 2 === 0 ? floor : floor + 1;
  return even === 0 ? x * 0 : even;
};

const floatUnary: Record<UnaryInstr, (x: number) => number> = {
  neg: (x) => -x,
  abs: Math.abs,
  sqrt: Math.sqrt,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  nearest: roundEven,
  eqz: (x) => (x === 0 ? 1 : 0),
};

const bit = (condition: boolean): number => (condition ? 1 : 0);
const onlyIntegers = (): never => internalError("integer operation on f64");

const floatBinary: Record<BinaryInstr, (x: number, y: number) => number> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  min: (x, y) => Math.min(x, y),
  max: (x, y) => Math.max(x, y),
  copysign: (x, y) => {
    const negative = y < 0 || Object.is(y, -0);
    return negative ? -Math.abs(x) : Math.abs(x);
  },
  eq: (x, y) => bit(x === y),
  ne: (x, y) => bit(x !== y),
  lt: (x, y) => bit(x < y),
  le: (x, y) => bit(x <= y),
  gt: (x, y) => bit(x > y),
  ge: (x, y) => bit(x >= y),
  rem: onlyIntegers,
  and: onlyIntegers,
  or: onlyIntegers,
  xor: onlyIntegers,
  shl: onlyIntegers,
  shr_s: onlyIntegers,
  shr_u: onlyIntegers,
  rotl: onlyIntegers,
  lt_u: onlyIntegers,
};

/** On bigints, before wrapping to `bits`; comparisons give 0n or 1n. */
const intBinary: Record<BinaryInstr, (x: bigint, y: bigint, bits: number) => bigint> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / nonZero(y),
  rem: (x, y) => x % nonZero(y),
  min: (x, y) => (x < y ? x : y),
  max: (x, y) => (x > y ? x : y),
  copysign: () => internalError("copysign of integers"),
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  shl: (x, y, bits) => x << (y & BigInt(bits - 1)),
  shr_s: (x, y, bits) => x >> (y & BigInt(bits - 1)),
  shr_u: (x, y, bits) => BigInt.asUintN(bits, x) >> (y & BigInt(bits - 1)),
  rotl: (x, y, bits) => {
    const by = y & BigInt(bits - 1);
    const u = BigInt.asUintN(bits, x);
    return (u << by) | (u >> (BigInt(bits) - by));
  },
  eq: (x, y) => BigInt(x === y),
  ne: (x, y) => BigInt(x !== y),
  lt: (x, y) => BigInt(x < y),
  le: (x, y) => BigInt(x <= y),
  gt: (x, y) => BigInt(x > y),
  ge: (x, y) => BigInt(x >= y),
  lt_u: (x, y, bits) => BigInt(BigInt.asUintN(bits, x) < BigInt.asUintN(bits, y)),
};

function nonZero(y: bigint): bigint {
  return y === 0n ? internalError("kernel integer division by zero") : y;
}

function saturate(x: number, bits: number): bigint {
  if (Number.isNaN(x)) return 0n;
  const limit = 2n ** BigInt(bits - 1);
  if (x >= Number(limit)) return limit - 1n;
  if (x <= -Number(limit)) return -limit;
  return BigInt(Math.trunc(x));
}

const conversions: Record<Conversion, (x: Value) => Value> = {
  f64_from_i32: (x) => Number(x),
  f64_from_i64: (x) => Number(x),
  f64_from_u32: (x) => Number(x) >>> 0,
  i32_from_f64: (x) => Number(saturate(Number(x), 32)),
  i64_from_f64: (x) => saturate(Number(x), 64),
  i64_from_i32: (x) => BigInt(x),
  i64_from_u32: (x) => BigInt.asUintN(32, BigInt(x)),
  i32_from_i64: (x) => Number(BigInt.asIntN(32, BigInt(x))),
  i64_bits: (x) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, Number(x));
    return view.getBigInt64(0);
  },
  f64_bits: (x) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigInt64(0, BigInt(x));
    return view.getFloat64(0);
  },
  f64_via_f32: (x) => Math.fround(Number(x)),
};

/** What a statement list ended with. */
type Outcome = { readonly returned: Value | undefined } | undefined;

type Memory = Float64Array | Float32Array | Int32Array;
const memories: Record<Element, (length: number) => Memory> = {
  f64: (length) => new Float64Array(length),
  f32: (length) => new Float32Array(length),
  i32: (length) => new Int32Array(length),
};

class Machine implements Interpreter {
  readonly #functions: ReadonlyMap<string, KernelFunction>;
  readonly #buffers = new Map<string, Memory>();

  constructor(module: KernelModule) {
    this.#functions = new Map(module.functions.map((fn) => [fn.name, fn]));
    for (const { name, element, length, data } of module.buffers) {
      const store = memories[element](length);
      if (data !== undefined) store.set(data);
      this.#buffers.set(name, store);
    }
  }

  call(name: string, ...args: readonly number[]): number {
    return Number(this.#invoke(name, args) ?? 0);
  }
  f64(buffer: string): Float64Array {
    const store = this.#buffer(buffer);
    return store instanceof Float64Array ? store : internalError(`${buffer} is not f64`);
  }
  i32(buffer: string): Int32Array {
    const store = this.#buffer(buffer);
    return store instanceof Int32Array ? store : internalError(`${buffer} is not i32`);
  }

  #buffer(name: string): Memory {
    return this.#buffers.get(name) ?? internalError(`no kernel buffer ${name}`);
  }

  #invoke(name: string, args: readonly Value[]): Value | undefined {
    const fn = this.#functions.get(name) ?? mathFunction(name);
    if (fn === undefined) return internalError(`no kernel function ${name}`);
    const frame: Frame = new Map(fn.params.map((param, k) => [param.name, args[k]]));
    const outcome = this.#run(fn.body, frame);
    if (fn.result !== undefined && outcome?.returned === undefined) {
      return internalError(`kernel function ${name} ended without a result`);
    }
    return outcome?.returned;
  }

  #run(body: readonly Stmt[], frame: Frame): Outcome {
    for (const stmt of body) {
      const outcome = this.#step(stmt, frame);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }

  #step(stmt: Stmt, frame: Frame): Outcome {
    switch (stmt.kind) {
      case "set":
        frame.set(stmt.local.name, this.#valueOf(stmt.value, frame));
        return undefined;
      case "store": {
        const store = this.#buffer(stmt.buffer);
        store[this.#index(stmt.buffer, stmt.index, frame)] = Number(
          this.#valueOf(stmt.value, frame),
        );
        return undefined;
      }
      case "for": {
        const to = Number(this.#valueOf(stmt.to, frame));
        let i = Number(this.#valueOf(stmt.from, frame));
        for (; stmt.step > 0 ? i < to : i > to; i += stmt.step) {
          frame.set(stmt.index, i);
          const outcome = this.#run(stmt.body, frame);
          if (outcome !== undefined) return outcome;
        }
        return undefined;
      }
      case "tile":
        return this.#run(expandTile(stmt), frame);
      case "while":
        while (this.#valueOf(stmt.condition, frame) !== 0) {
          const outcome = this.#run(stmt.body, frame);
          if (outcome !== undefined) return outcome;
        }
        return undefined;
      case "if": {
        const taken = this.#valueOf(stmt.condition, frame) !== 0;
        return this.#run(taken ? stmt.then : stmt.else, frame);
      }
      case "call": {
        const args = stmt.args.map((arg) => this.#valueOf(arg, frame));
        const value = this.#invoke(stmt.fn, args);
        if (stmt.result !== undefined) {
          frame.set(stmt.result.name, value ?? internalError(`${stmt.fn} gives no value`));
        }
        return undefined;
      }
      case "return":
        return {
          returned: stmt.value === undefined ? undefined : this.#valueOf(stmt.value, frame),
        };
      default:
        return assertNever(stmt, "kernel statement");
    }
  }

  #index(buffer: string, index: Expr, frame: Frame): number {
    const at = Number(this.#valueOf(index, frame));
    const { length } = this.#buffer(buffer);
    if (at < 0 || at >= length) internalError(`index ${at} of ${buffer}, length ${length}`);
    return at;
  }

  #valueOf(e: Expr, frame: Frame): Value {
    switch (e.kind) {
      case "const":
        return e.type === "i64" ? BigInt(e.value) : Number(e.value);
      case "local":
        return frame.get(e.name) ?? internalError(`kernel local ${e.name} is not set`);
      case "load":
        return this.#buffer(e.buffer)[this.#index(e.buffer, e.index, frame)];
      case "unary":
        return unary(e.fn, e.x.type, this.#valueOf(e.x, frame));
      case "binary":
        return binary(e.fn, e.x.type, this.#valueOf(e.x, frame), this.#valueOf(e.y, frame), e.type);
      case "select": {
        // Both sides are evaluated, as the instruction does.
        const then = this.#valueOf(e.then, frame);
        const otherwise = this.#valueOf(e.else, frame);
        return this.#valueOf(e.condition, frame) !== 0 ? then : otherwise;
      }
      case "convert":
        return conversions[e.fn](this.#valueOf(e.x, frame));
      case "call": {
        const args = e.args.map((arg) => this.#valueOf(arg, frame));
        return this.#invoke(e.fn, args) ?? internalError(`${e.fn} gives no value`);
      }
      default:
        return assertNever(e, "kernel expression");
    }
  }
}

/** An integer as a value of its type. */
function wrap(type: ScalarType, value: bigint): Value {
  return type === "i64" ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value));
}

function unary(fn: UnaryInstr, type: ScalarType, x: Value): Value {
  if (type === "f64") return floatUnary[fn](Number(x));
  const value = BigInt(x);
  if (fn === "eqz") return bit(value === 0n);
  if (fn === "neg") return wrap(type, -value);
  if (fn === "abs") return wrap(type, value < 0n ? -value : value);
  return internalError(`${fn} of ${type}`);
}

function binary(fn: BinaryInstr, type: ScalarType, x: Value, y: Value, result: ScalarType): Value {
  if (type === "f64") return floatBinary[fn](Number(x), Number(y));
  return wrap(result, intBinary[fn](BigInt(x), BigInt(y), type === "i64" ? 64 : 32));
}
