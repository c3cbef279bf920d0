/**
 * Checks a kernel module: types of every expression, locals assigned with one type and before
 * use, buffers and functions that exist, constant indices in bounds, results on every path. A
 * violation is our own bug, so it is an internal error that names the function.
 */
import { assertNever, internalError } from "../base/internal.js";
import type {
  BinaryInstr,
  Buffer,
  Conversion,
  Expr,
  KernelFunction,
  KernelModule,
  ScalarType,
  Stmt,
  UnaryInstr,
} from "./ir.js";
import { mathFunction } from "./mathlib/index.js";
import { expandTile, TILE_COLUMNS } from "./tile.js";

const unaryTypes: Record<UnaryInstr, readonly ScalarType[]> = {
  neg: ["f64", "i32", "i64"],
  abs: ["f64", "i32", "i64"],
  sqrt: ["f64"],
  floor: ["f64"],
  ceil: ["f64"],
  trunc: ["f64"],
  nearest: ["f64"],
  eqz: ["f64", "i32", "i64"],
};

const numbers: readonly ScalarType[] = ["f64", "i32", "i64"];
const integers: readonly ScalarType[] = ["i32", "i64"];

/** Operand types, and whether the result is an i32 condition. */
const binaryTypes: Record<BinaryInstr, { of: readonly ScalarType[]; condition?: true }> = {
  add: { of: numbers },
  sub: { of: numbers },
  mul: { of: numbers },
  div: { of: numbers },
  rem: { of: integers },
  min: { of: numbers },
  max: { of: numbers },
  copysign: { of: ["f64"] },
  and: { of: integers },
  or: { of: integers },
  xor: { of: integers },
  shl: { of: integers },
  shr_s: { of: integers },
  shr_u: { of: integers },
  rotl: { of: integers },
  eq: { of: numbers, condition: true },
  ne: { of: numbers, condition: true },
  lt: { of: numbers, condition: true },
  le: { of: numbers, condition: true },
  gt: { of: numbers, condition: true },
  ge: { of: numbers, condition: true },
  lt_u: { of: integers, condition: true },
};

const conversionTypes: Record<Conversion, readonly [from: ScalarType, to: ScalarType]> = {
  f64_from_i32: ["i32", "f64"],
  f64_from_i64: ["i64", "f64"],
  f64_from_u32: ["i32", "f64"],
  i32_from_f64: ["f64", "i32"],
  i64_from_f64: ["f64", "i64"],
  i64_from_i32: ["i32", "i64"],
  i64_from_u32: ["i32", "i64"],
  i32_from_i64: ["i64", "i32"],
  i64_bits: ["f64", "i64"],
  f64_bits: ["i64", "f64"],
  f64_via_f32: ["f64", "f64"],
};

/** Verifies every function of a module; returns nothing, or throws an internal error. */
export function verifyModule(module: KernelModule): void {
  const buffers = new Map<string, Buffer>();
  for (const buffer of module.buffers) {
    if (buffers.has(buffer.name)) internalError(`two kernel buffers named ${buffer.name}`);
    if (!(Number.isInteger(buffer.length) && buffer.length >= 0)) {
      internalError(`kernel buffer ${buffer.name} has length ${buffer.length}`);
    }
    const isF64 = buffer.data instanceof Float64Array;
    if (buffer.element === "f32" && (buffer.region === "constant" || buffer.data !== undefined)) {
      internalError(`kernel buffer ${buffer.name} of f32 has data`);
    }
    if (buffer.data !== undefined && isF64 !== (buffer.element === "f64")) {
      internalError(`kernel buffer ${buffer.name} has data of the wrong type`);
    }
    if (buffer.data !== undefined && buffer.data.length !== buffer.length) {
      internalError(`kernel buffer ${buffer.name} has ${buffer.data.length} of ${buffer.length}`);
    }
    if (buffer.data === undefined && buffer.region === "constant") {
      internalError(`constant kernel buffer ${buffer.name} has no data`);
    }
    buffers.set(buffer.name, buffer);
  }
  const functions = new Map<string, KernelFunction>();
  for (const fn of module.functions) {
    if (functions.has(fn.name)) internalError(`two kernel functions named ${fn.name}`);
    functions.set(fn.name, fn);
  }
  for (const fn of module.functions) {
    new FunctionVerifier(fn, buffers, (name) => functions.get(name) ?? mathFunction(name)).run();
  }
}

/** The type of what is read from a buffer. */
function typeOf({ element }: Buffer): ScalarType {
  return element === "f32" ? "f64" : element;
}

/** Whether a loop on one thread surely runs: its ends are numbers with a step between them. */
function runsOnce(stmt: Extract<Stmt, { readonly kind: "for" }>): boolean {
  const { from, to, step } = stmt;
  if (stmt.concurrent || stmt.parallel !== undefined) return false;
  if (from.kind !== "const" || to.kind !== "const") return false;
  return step > 0 ? from.value < to.value : from.value > to.value;
}

class FunctionVerifier {
  readonly #fn: KernelFunction;
  readonly #buffers: ReadonlyMap<string, Buffer>;
  readonly #lookup: (name: string) => KernelFunction | undefined;
  readonly #types = new Map<string, ScalarType>();
  readonly #openIndices = new Set<string>();

  constructor(
    fn: KernelFunction,
    buffers: ReadonlyMap<string, Buffer>,
    lookup: (name: string) => KernelFunction | undefined,
  ) {
    this.#fn = fn;
    this.#buffers = buffers;
    this.#lookup = lookup;
  }

  run(): void {
    const { params, exported, result, body } = this.#fn;
    for (const { name, type } of params) {
      if (this.#types.has(name)) this.#fail(`two parameters named ${name}`);
      if (exported && type === "i64") this.#fail("an exported function takes no i64");
      this.#types.set(name, type);
    }
    if (exported && result === "i64") this.#fail("an exported function gives no i64");
    const assigned = new Set(params.map(({ name }) => name));
    const returns = this.#block(body, assigned);
    if (result !== undefined && !returns) this.#fail("a path ends without a result");
  }

  #fail(what: string): never {
    return internalError(`kernel function ${this.#fn.name}: ${what}`);
  }

  /** Checks statements in order; true if every path through them returns. */
  #block(body: readonly Stmt[], assigned: Set<string>): boolean {
    let returns = false;
    for (const stmt of body) {
      if (returns) this.#fail("a statement follows a return");
      returns = this.#statement(stmt, assigned);
    }
    return returns;
  }

  #statement(stmt: Stmt, assigned: Set<string>): boolean {
    switch (stmt.kind) {
      case "set":
        this.#expect(stmt.value, stmt.local.type, assigned);
        this.#assign(stmt.local.name, stmt.local.type, assigned);
        return false;
      case "store": {
        const buffer = this.#access(stmt.buffer, stmt.index, assigned);
        if (buffer.region === "constant") this.#fail(`a store to constant ${buffer.name}`);
        this.#expect(stmt.value, typeOf(buffer), assigned);
        return false;
      }
      case "for":
        return this.#loop(stmt, assigned);
      case "tile": {
        const { left, right, of, columns, width } = stmt;
        for (const { buffer } of [left, right]) {
          if (this.#buffers.get(buffer)?.element !== of) this.#fail(`${buffer} is not ${of}`);
        }
        if (columns !== TILE_COLUMNS[of] || width > columns) this.#fail(`${width} columns`);
        this.#block(expandTile(stmt), new Set(assigned));
        return false;
      }
      case "while":
        this.#expect(stmt.condition, "i32", assigned);
        this.#block(stmt.body, new Set(assigned));
        return false;
      case "if": {
        this.#expect(stmt.condition, "i32", assigned);
        const then = new Set(assigned);
        const otherwise = new Set(assigned);
        const thenReturns = this.#block(stmt.then, then);
        const elseReturns = this.#block(stmt.else, otherwise);
        for (const name of thenReturns ? otherwise : then) {
          if (thenReturns || elseReturns || otherwise.has(name)) assigned.add(name);
        }
        return thenReturns && elseReturns;
      }
      case "call": {
        const callee = this.#callee(stmt.fn, stmt.args, assigned);
        if (stmt.result === undefined) return false;
        if (callee.result !== stmt.result.type) this.#fail(`${stmt.fn} gives ${callee.result}`);
        this.#assign(stmt.result.name, stmt.result.type, assigned);
        return false;
      }
      case "return": {
        const { result } = this.#fn;
        if (stmt.value === undefined) {
          if (result !== undefined) this.#fail("a return without the result");
        } else if (result === undefined) {
          this.#fail("a result where none is declared");
        } else {
          this.#expect(stmt.value, result, assigned);
        }
        return true;
      }
      default:
        return assertNever(stmt, "kernel statement");
    }
  }

  #loop(stmt: Extract<Stmt, { readonly kind: "for" }>, assigned: Set<string>): boolean {
    this.#expect(stmt.from, "i32", assigned);
    this.#expect(stmt.to, "i32", assigned);
    if (!Number.isInteger(stmt.step) || stmt.step === 0) this.#fail(`loop step ${stmt.step}`);
    if (this.#openIndices.has(stmt.index)) this.#fail(`nested loops over ${stmt.index}`);
    if (stmt.concurrent && (stmt.step !== 1 || stmt.parallel !== undefined)) {
      this.#fail("a concurrent loop of lanes or steps");
    }
    for (const { local } of stmt.parallel?.reductions ?? []) {
      if (!assigned.has(local)) this.#fail(`reduction ${local} has no first value`);
      if (this.#types.get(local) !== "f64") this.#fail(`reduction ${local} is not f64`);
    }
    const inside = new Set(assigned);
    this.#assign(stmt.index, "i32", inside);
    this.#openIndices.add(stmt.index);
    if (stmt.concurrent) this.#alone(stmt.body, assigned);
    this.#block(stmt.body, inside);
    this.#openIndices.delete(stmt.index);
    // A loop between numbers that runs at least once assigns what its body does.
    if (runsOnce(stmt)) for (const name of inside) if (name !== stmt.index) assigned.add(name);
    return false;
  }

  /** Threads have locals of their own: what is assigned outside may only be read. */
  #alone(body: readonly Stmt[], outside: ReadonlySet<string>): void {
    for (const stmt of body) {
      if (stmt.kind === "return") this.#fail("a return from a concurrent loop");
      const name =
        stmt.kind === "set"
          ? stmt.local.name
          : stmt.kind === "call"
            ? stmt.result?.name
            : undefined;
      if (name !== undefined && outside.has(name)) {
        this.#fail(`a concurrent loop assigns ${name}, which is set outside`);
      }
      if (stmt.kind === "for" || stmt.kind === "while") this.#alone(stmt.body, outside);
      if (stmt.kind === "if") this.#alone([...stmt.then, ...stmt.else], outside);
    }
  }

  #assign(name: string, type: ScalarType, assigned: Set<string>): void {
    const known = this.#types.get(name);
    if (known !== undefined && known !== type) this.#fail(`${name} is ${known} and ${type}`);
    if (this.#openIndices.has(name)) this.#fail(`the body assigns the loop index ${name}`);
    this.#types.set(name, type);
    assigned.add(name);
  }

  #expect(e: Expr, type: ScalarType, assigned: ReadonlySet<string>): void {
    const actual = this.#typeOf(e, assigned);
    if (actual !== type) this.#fail(`${e.kind} is ${actual} where ${type} is expected`);
  }

  #access(name: string, at: Expr, assigned: ReadonlySet<string>): Buffer {
    const buffer = this.#buffers.get(name) ?? this.#fail(`no buffer ${name}`);
    this.#expect(at, "i32", assigned);
    if (at.kind === "const" && (at.value < 0 || at.value >= buffer.length)) {
      this.#fail(`index ${at.value} of ${name}, whose length is ${buffer.length}`);
    }
    return buffer;
  }

  #callee(name: string, args: readonly Expr[], assigned: ReadonlySet<string>): KernelFunction {
    const callee = this.#lookup(name) ?? this.#fail(`no function ${name}`);
    if (args.length !== callee.params.length) {
      this.#fail(`${name} takes ${callee.params.length} arguments, not ${args.length}`);
    }
    for (const [k, arg] of args.entries()) this.#expect(arg, callee.params[k].type, assigned);
    return callee;
  }

  /** The type of an expression, checked against its annotation. */
  #typeOf(e: Expr, assigned: ReadonlySet<string>): ScalarType {
    const type = this.#derive(e, assigned);
    if (type !== e.type) this.#fail(`a ${e.kind} of type ${type} is annotated ${e.type}`);
    return type;
  }

  #derive(e: Expr, assigned: ReadonlySet<string>): ScalarType {
    switch (e.kind) {
      case "const":
        if ((e.type === "i64") !== (typeof e.value === "bigint")) this.#fail(`literal ${e.value}`);
        if (e.type === "i32" && (Number(e.value) | 0) !== e.value && !Object.is(e.value, -0)) {
          this.#fail(`i32 literal ${e.value}`);
        }
        return e.type;
      case "local": {
        if (!assigned.has(e.name)) this.#fail(`${e.name} is read before it is assigned`);
        return this.#types.get(e.name) ?? this.#fail(`${e.name} has no type`);
      }
      case "load":
        return typeOf(this.#access(e.buffer, e.index, assigned));
      case "unary": {
        const x = this.#typeOf(e.x, assigned);
        if (!unaryTypes[e.fn].includes(x)) this.#fail(`${e.fn} of ${x}`);
        return e.fn === "eqz" ? "i32" : x;
      }
      case "binary": {
        const x = this.#typeOf(e.x, assigned);
        this.#expect(e.y, x, assigned);
        const { of, condition } = binaryTypes[e.fn];
        if (!of.includes(x)) this.#fail(`${e.fn} of ${x}`);
        return condition === true ? "i32" : x;
      }
      case "select": {
        this.#expect(e.condition, "i32", assigned);
        const type = this.#typeOf(e.then, assigned);
        this.#expect(e.else, type, assigned);
        return type;
      }
      case "convert": {
        const [from, to] = conversionTypes[e.fn];
        this.#expect(e.x, from, assigned);
        return to;
      }
      case "call": {
        const { result } = this.#callee(e.fn, e.args, assigned);
        return result ?? this.#fail(`${e.fn} gives no value`);
      }
      default:
        return assertNever(e, "kernel expression");
    }
  }
}
