/** Scalar code of kernel expressions and statements: complete for the IR. */
import { assertNever, internalError } from "../../base/internal.js";
import type {
  BinaryInstr,
  Conversion,
  Expr,
  ScalarType,
  Stmt,
  UnaryInstr,
} from "../../kernel/ir.js";
import { expandTile } from "../../kernel/tile.js";
import { emitAddress } from "./address.js";
import type { FunctionBuilder } from "./builder.js";
import { inlineBody } from "./inline.js";
import type { PlainOp } from "./opcodes.js";

type ForStmt = Extract<Stmt, { readonly kind: "for" }>;

const floatUnary: Partial<Record<UnaryInstr, PlainOp>> = {
  neg: "f64.neg",
  abs: "f64.abs",
  sqrt: "f64.sqrt",
  floor: "f64.floor",
  ceil: "f64.ceil",
  trunc: "f64.trunc",
  nearest: "f64.nearest",
};

const floatBinary: Partial<Record<BinaryInstr, PlainOp>> = {
  add: "f64.add",
  sub: "f64.sub",
  mul: "f64.mul",
  div: "f64.div",
  min: "f64.min",
  max: "f64.max",
  copysign: "f64.copysign",
  eq: "f64.eq",
  ne: "f64.ne",
  lt: "f64.lt",
  le: "f64.le",
  gt: "f64.gt",
  ge: "f64.ge",
};
/** The suffix of the instruction `type.suffix`; integer operations are signed. */
const intBinary = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div_s",
  rem: "rem_s",
  and: "and",
  or: "or",
  xor: "xor",
  shl: "shl",
  shr_s: "shr_s",
  shr_u: "shr_u",
  rotl: "rotl",
  eq: "eq",
  ne: "ne",
  lt: "lt_s",
  le: "le_s",
  gt: "gt_s",
  ge: "ge_s",
  lt_u: "lt_u",
} as const satisfies Partial<Record<BinaryInstr, string>>;

const conversions: Record<Exclude<Conversion, "f64_via_f32">, PlainOp> = {
  f64_from_i32: "f64.convert_i32_s",
  f64_from_i64: "f64.convert_i64_s",
  f64_from_u32: "f64.convert_i32_u",
  i32_from_f64: "i32.trunc_sat_f64_s",
  i64_from_f64: "i64.trunc_sat_f64_s",
  i64_from_i32: "i64.extend_i32_s",
  i64_from_u32: "i64.extend_i32_u",
  i32_from_i64: "i32.wrap_i64",
  i64_bits: "i64.reinterpret_f64",
  f64_bits: "f64.reinterpret_i64",
};

/** Emits scalar code into a function. */
export class ScalarEmitter {
  readonly fb: FunctionBuilder;
  /** Reads of locals that live elsewhere (in vector lanes): true if `readLocal` emitted one. */
  readonly #readLocal: (name: string, type: ScalarType) => boolean;
  /** Locals that are not negative: of the function, and indices of enclosing loops. */
  readonly #counters: Set<string>;

  constructor(
    fb: FunctionBuilder,
    readLocal: (name: string, type: ScalarType) => boolean = () => false,
    counters: ReadonlySet<string> = new Set(),
  ) {
    this.fb = fb;
    this.#readLocal = readLocal;
    this.#counters = new Set(counters);
  }

  /** Loop indices known not to be negative here. */
  get counters(): ReadonlySet<string> {
    return this.#counters;
  }

  /** Pushes the address of `buffer[index]` but for the returned static offset. */
  address(buffer: string, index: Expr): number {
    const emit = (e: Expr) => this.expr(e);
    return emitAddress(this.fb, buffer, index, emit, (name) => this.#counters.has(name));
  }

  /** Pushes the value of an expression. */
  expr(e: Expr): void {
    const { fb } = this;
    switch (e.kind) {
      case "const":
        this.#constant(e.type, e.value);
        return;
      case "local":
        if (!this.#readLocal(e.name, e.type)) fb.index("local.get", fb.lookup(e.name));
        return;
      case "load": {
        const offset = this.address(e.buffer, e.index);
        const { element } = fb.module.placement(e.buffer);
        fb.push({ op: `${element}.load`, offset });
        if (element === "f32") fb.plain("f64.promote_f32");
        return;
      }
      case "unary":
        this.#unary(e.fn, e.x);
        return;
      case "binary":
        this.#binary(e.fn, e.x, e.y);
        return;
      case "select":
        this.expr(e.then);
        this.expr(e.else);
        this.expr(e.condition);
        fb.plain("select");
        return;
      case "convert":
        this.expr(e.x);
        if (e.fn === "f64_via_f32") {
          fb.plain("f32.demote_f64");
          fb.plain("f64.promote_f32");
        } else fb.plain(conversions[e.fn]);
        return;
      case "call":
        this.#call(e.fn, e.args);
        return;
      default:
        assertNever(e, "scalar expression");
    }
  }

  statements(list: readonly Stmt[]): void {
    for (const stmt of list) this.statement(stmt);
  }

  statement(stmt: Stmt): void {
    const { fb } = this;
    switch (stmt.kind) {
      case "set": {
        this.expr(stmt.value);
        fb.index("local.set", fb.declare(stmt.local.name, stmt.local.type));
        return;
      }
      case "store": {
        const { element } = fb.module.placement(stmt.buffer);
        const offset = this.address(stmt.buffer, stmt.index);
        this.expr(stmt.value);
        if (element === "f32") fb.plain("f32.demote_f64");
        fb.push({ op: `${element}.store`, offset });
        return;
      }
      case "for":
        if (stmt.concurrent && fb.module.concurrentLoop?.(this, stmt)) return;
        if (stmt.parallel !== undefined && fb.module.parallelLoop?.(this, stmt)) return;
        this.loop(stmt);
        return;
      case "tile":
        if (fb.module.tile === undefined) this.statements(expandTile(stmt));
        else fb.module.tile(this, stmt);
        return;
      case "while":
        this.#while(stmt.condition, stmt.body);
        return;
      case "if":
        this.expr(stmt.condition);
        fb.push({ op: "if" });
        this.statements(stmt.then);
        if (stmt.else.length > 0) {
          fb.plain("else");
          this.statements(stmt.else);
        }
        fb.plain("end");
        return;
      case "call": {
        const { result } = fb.module.definition(stmt.fn);
        for (const arg of stmt.args) this.expr(arg);
        fb.index("call", fb.module.scalarIndex(stmt.fn));
        if (stmt.result !== undefined) {
          fb.index("local.set", fb.declare(stmt.result.name, stmt.result.type));
        } else if (result !== undefined) {
          fb.plain("drop");
        }
        return;
      }
      case "return":
        if (stmt.value !== undefined) this.expr(stmt.value);
        fb.plain("return");
        return;
      default:
        assertNever(stmt, "kernel statement");
    }
  }

  /** `from` and `to` are evaluated once, before the first iteration. */
  loop(stmt: ForStmt): void {
    const { fb } = this;
    this.expr(stmt.from);
    fb.index("local.set", fb.declare(stmt.index, "i32"));
    this.loopFromCurrent(stmt, this.bound(stmt.to));
  }

  /** Evaluates a loop bound once; the result pushes its value. */
  bound(to: Expr): () => void {
    const { fb } = this;
    if (to.kind === "const") return () => fb.i32(Number(to.value));
    const end = fb.newLocal("i32");
    this.expr(to);
    fb.index("local.set", end);
    return () => fb.index("local.get", end);
  }

  /** The loop from the present value of its index, as a do-while behind a guard. */
  loopFromCurrent(
    stmt: ForStmt,
    end: () => void,
    body: () => void = () => this.statements(stmt.body),
  ): void {
    const { fb } = this;
    const counter = fb.declare(stmt.index, "i32");
    this.withCounter(stmt, () => {
      fb.push({ op: "block" });
      fb.index("local.get", counter);
      end();
      fb.plain(stmt.step > 0 ? "i32.ge_s" : "i32.le_s");
      fb.index("br_if", 0);
      fb.push({ op: "loop" });
      body();
      fb.index("local.get", counter);
      fb.i32(stmt.step);
      fb.plain("i32.add");
      fb.index("local.tee", counter);
      end();
      fb.plain(stmt.step > 0 ? "i32.lt_s" : "i32.gt_s");
      fb.index("br_if", 0);
      fb.plain("end");
      fb.plain("end");
    });
  }

  /** Emits with the loop's index known to be non-negative, where it is. */
  withCounter(stmt: ForStmt, emit: () => void): void {
    const counts =
      !this.#counters.has(stmt.index) &&
      stmt.from.kind === "const" &&
      Number(stmt.from.value) >= 0 &&
      stmt.step > 0;
    if (counts) this.#counters.add(stmt.index);
    emit();
    if (counts) this.#counters.delete(stmt.index);
  }

  #while(condition: Expr, body: readonly Stmt[]): void {
    const { fb } = this;
    fb.push({ op: "block" });
    fb.push({ op: "loop" });
    this.expr(condition);
    fb.plain("i32.eqz");
    fb.index("br_if", 1);
    this.statements(body);
    fb.index("br", 0);
    fb.plain("end");
    fb.plain("end");
  }

  #constant(type: ScalarType, value: number | bigint): void {
    switch (type) {
      case "f64":
        this.fb.push({ op: "f64.const", value: Number(value) });
        return;
      case "i32":
        this.fb.i32(Number(value));
        return;
      case "i64":
        this.fb.push({ op: "i64.const", value: BigInt(value) });
        return;
      default:
        assertNever(type, "constant");
    }
  }

  #unary(fn: UnaryInstr, x: Expr): void {
    const { fb } = this;
    if (x.type === "f64") {
      if (fn === "eqz") {
        this.expr(x);
        fb.push({ op: "f64.const", value: 0 });
        fb.plain("f64.eq");
        return;
      }
      this.expr(x);
      fb.plain(floatUnary[fn] ?? internalError(`${fn} of f64`));
      return;
    }
    const type = x.type;
    switch (fn) {
      case "eqz":
        this.expr(x);
        fb.plain(`${type}.eqz`);
        return;
      case "neg":
        this.#constant(type, 0);
        this.expr(x);
        fb.plain(`${type}.sub`);
        return;
      case "abs": {
        const value = fb.newLocal(type);
        this.expr(x);
        fb.index("local.set", value);
        fb.index("local.get", value);
        this.#constant(type, 0);
        fb.index("local.get", value);
        fb.plain(`${type}.sub`);
        fb.index("local.get", value);
        this.#constant(type, 0);
        fb.plain(`${type}.ge_s`);
        fb.plain("select");
        return;
      }
      default:
        internalError(`${fn} of ${type}`);
    }
  }

  #binary(fn: BinaryInstr, x: Expr, y: Expr): void {
    const { fb } = this;
    const type = x.type;
    if (type !== "f64" && (fn === "min" || fn === "max")) {
      const left = fb.newLocal(type);
      const right = fb.newLocal(type);
      this.expr(x);
      fb.index("local.set", left);
      this.expr(y);
      fb.index("local.set", right);
      fb.index("local.get", left);
      fb.index("local.get", right);
      fb.index("local.get", left);
      fb.index("local.get", right);
      fb.plain(fn === "min" ? `${type}.lt_s` : `${type}.gt_s`);
      fb.plain("select");
      return;
    }
    this.expr(x);
    this.expr(y);
    if (type === "f64") {
      fb.plain(floatBinary[fn] ?? internalError(`${fn} of f64`));
      return;
    }
    if (fn === "min" || fn === "max" || fn === "copysign") internalError(`${fn} of ${type}`);
    fb.plain(`${type}.${intBinary[fn]}`);
  }

  #call(name: string, args: readonly Expr[]): void {
    const { fb } = this;
    for (const arg of args) this.expr(arg);
    const definition = fb.module.definition(name);
    const body = inlineBody(definition);
    if (body === undefined) {
      fb.index("call", fb.module.scalarIndex(name));
      return;
    }
    fb.scoped(() => {
      // The last argument is on top of the stack.
      for (const { name: param, type } of [...definition.params].reverse()) {
        fb.index("local.set", fb.declare(param, type));
      }
      const inner = new ScalarEmitter(fb);
      inner.statements(body.sets);
      inner.expr(body.result);
    });
  }
}
