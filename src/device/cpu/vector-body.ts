/** Two-lane code of the body of a parallel loop, or of a branch-free function. */
import { assertNever, internalError } from "../../base/internal.js";
import { add, convert, i32, index, load } from "../../kernel/build.js";
import type { Expr, Stmt } from "../../kernel/ir.js";
import { inlineBody, keyOf, operands, substitute } from "./inline.js";
import { isMask, reductionTerm, unitStride, type VectorPlan, varies } from "./plan.js";
import { ScalarEmitter } from "./scalar.js";
import {
  extractOp,
  floatCompare,
  type Hoist,
  intCompare,
  joinLanes,
  literalBits,
  maskLogic,
  signBits,
  vectorFloat,
  vectorInt,
  vectorShift,
  vectorUnary,
  widenCondition,
} from "./vector-ops.js";

export const LANES = 2;

/**
 * Emits a body `copies` times side by side, copy u for iterations i + 2u and i + 2u + 1. Varying
 * f64 and i64 locals and masks live in one v128 local a copy, other varying i32 locals in one
 * scalar local a lane. An operation without a two-lane form is evaluated lane by lane.
 */
export class VectorEmitter {
  readonly #scalar: ScalarEmitter;
  readonly #plan: VectorPlan;
  readonly #copies: number;
  readonly #accumulators: ReadonlyMap<string, readonly number[]>;
  readonly #hoist: Hoist | undefined;
  /** Wasm locals of varying kernel locals: one a copy, or one a lane of each copy. */
  readonly #homes = new Map<string, number[]>();

  constructor(
    scalar: ScalarEmitter,
    plan: VectorPlan,
    copies: number,
    accumulators: ReadonlyMap<string, readonly number[]>,
    hoist: Hoist | undefined,
  ) {
    this.#scalar = scalar;
    this.#plan = plan;
    this.#copies = copies;
    this.#accumulators = accumulators;
    this.#hoist = hoist;
  }

  /** Binds a varying parameter to a v128 local. */
  bind(name: string, local: number): void {
    this.#homes.set(name, [local]);
  }

  statements(list: readonly Stmt[]): void {
    for (const stmt of list) this.#statement(stmt);
  }

  #statement(stmt: Stmt): void {
    const scalar = this.#scalar;
    const { fb } = scalar;
    switch (stmt.kind) {
      case "set":
        this.#set(stmt.local.name, stmt.value);
        return;
      case "store":
        for (let copy = 0; copy < this.#copies; copy++) {
          this.#store(stmt.buffer, stmt.index, stmt.value, copy);
        }
        return;
      case "for": {
        scalar.expr(stmt.from);
        fb.index("local.set", fb.declare(stmt.index, "i32"));
        scalar.loopFromCurrent(stmt, scalar.bound(stmt.to), () => this.statements(stmt.body));
        return;
      }
      case "if":
        scalar.expr(stmt.condition);
        fb.push({ op: "if" });
        this.statements(stmt.then);
        if (stmt.else.length > 0) {
          fb.plain("else");
          this.statements(stmt.else);
        }
        fb.plain("end");
        return;
      case "tile":
      case "while":
      case "call":
      case "return":
        internalError(`${stmt.kind} in a vector body`);
        break;
      default:
        assertNever(stmt, "vector statement");
    }
  }

  #set(name: string, value: Expr): void {
    const { fb } = this.#scalar;
    const fn = this.#plan.reductions.get(name);
    if (fn !== undefined) {
      const term = reductionTerm(name, fn, value) ?? internalError(`reduction ${name}`);
      for (let copy = 0; copy < this.#copies; copy++) {
        const accumulator = this.#accumulators.get(name)![copy];
        fb.index("local.get", accumulator);
        this.vector(term, copy);
        fb.plain(`f64x2.${fn}`);
        fb.index("local.set", accumulator);
      }
      return;
    }
    if (!this.#plan.varying.has(name)) {
      this.#scalar.expr(value);
      fb.index("local.set", fb.declare(name, value.type));
      return;
    }
    const mask = this.#plan.masks.has(name);
    if (value.type !== "i32" || mask) {
      const homes = this.#home(name, this.#copies, "v128");
      for (let copy = 0; copy < this.#copies; copy++) {
        if (mask) this.#mask(value, copy);
        else this.vector(value, copy);
        fb.index("local.set", homes[copy]);
      }
      return;
    }
    // A lane may read the old value of the same lane only, so lanes can be written in turn.
    const homes = this.#home(name, this.#copies * LANES, "i32");
    for (let lane = 0; lane < homes.length; lane++) {
      this.#lane(value, Math.floor(lane / LANES), lane % LANES);
      fb.index("local.set", homes[lane]);
    }
  }

  #home(name: string, count: number, type: "v128" | "i32"): readonly number[] {
    let homes = this.#homes.get(name);
    if (homes === undefined) {
      homes = Array.from({ length: count }, () => this.#scalar.fb.newLocal(type));
      this.#homes.set(name, homes);
    }
    return homes;
  }

  #store(buffer: string, index: Expr, value: Expr, copy: number): void {
    const scalar = this.#scalar;
    const { fb } = scalar;
    const { element } = fb.module.placement(buffer);
    const single = element === "f32";
    if (element === "i32" || (single && !unitStride(index, this.#plan))) {
      for (let lane = 0; lane < LANES; lane++) {
        const offset = this.#laneAddress(buffer, index, copy, lane);
        this.#lane(value, copy, lane);
        if (single) fb.plain("f32.demote_f64");
        fb.push({ op: `${element}.store`, offset });
      }
      return;
    }
    if (unitStride(index, this.#plan)) {
      const offset = scalar.address(buffer, this.#atLane(index, copy, 0));
      this.vector(value, copy);
      if (single) {
        fb.plain("f32x4.demote_f64x2_zero");
        fb.push({ op: "v128.store64_lane", offset, lane: 0 });
      } else fb.push({ op: "v128.store", offset });
      return;
    }
    const both = fb.newLocal("v128");
    this.vector(value, copy);
    fb.index("local.set", both);
    for (let lane = 0; lane < LANES; lane++) {
      const offset = this.#laneAddress(buffer, index, copy, lane);
      fb.index("local.get", both);
      fb.push({ op: "v128.store64_lane", offset, lane });
    }
  }

  /** Pushes the two lanes of an f64 or i64 expression. */
  vector(e: Expr, copy: number): void {
    if (!varies(e, this.#plan.varying)) {
      this.#uniform(e);
      return;
    }
    const { fb } = this.#scalar;
    switch (e.kind) {
      case "local":
        fb.index("local.get", this.#homes.get(e.name)![copy]);
        return;
      case "load":
        this.#load(e.buffer, e.index, copy);
        return;
      case "unary":
        this.#unary(e, copy);
        return;
      case "binary":
        this.#binary(e, copy);
        return;
      case "select":
        this.vector(e.then, copy);
        this.vector(e.else, copy);
        this.#mask(e.condition, copy);
        fb.plain("v128.bitselect");
        return;
      case "convert":
        if (e.fn === "i64_bits" || e.fn === "f64_bits") {
          this.vector(e.x, copy);
          return;
        }
        if (e.fn === "f64_from_i32") {
          this.#fromInt(e, copy);
          return;
        }
        this.#byLane(e, copy);
        return;
      case "call":
        this.#call(e, copy);
        return;
      case "const":
        internalError("a literal cannot vary");
        break;
      default:
        assertNever(e, "vector expression");
    }
  }

  /** Pushes a value that is the same in both lanes; computed before the loop if it never changes. */
  #uniform(e: Expr): void {
    const scalar = this.#scalar;
    const { fb } = scalar;
    if (e.kind === "const") {
      fb.i32(0);
      const offset = fb.module.literalAddress(literalBits(e));
      fb.push({ op: "v128.load64_splat", offset });
      return;
    }
    const hoist = this.#hoist;
    if (hoist === undefined || !this.#invariant(e)) {
      this.#splat(e);
      return;
    }
    const key = keyOf(e);
    let local = hoist.locals.get(key);
    if (local === undefined) {
      const home = fb.newLocal("v128");
      fb.into(hoist.preheader, () => {
        this.#splat(e);
        fb.index("local.set", home);
      });
      hoist.locals.set(key, home);
      local = home;
    }
    fb.index("local.get", local);
  }

  #invariant(e: Expr): boolean {
    if (e.kind === "local") return !this.#plan.assigned.has(e.name);
    if (e.kind === "load" && this.#plan.stored.has(e.buffer)) return false;
    return operands(e).every((operand) => this.#invariant(operand));
  }

  #splat(e: Expr): void {
    const scalar = this.#scalar;
    const { fb } = scalar;
    if (e.kind === "load" && fb.module.placement(e.buffer).element === "f64") {
      const offset = scalar.address(e.buffer, e.index);
      fb.push({ op: "v128.load64_splat", offset });
      return;
    }
    scalar.expr(e);
    fb.plain(e.type === "f64" ? "f64x2.splat" : "i64x2.splat");
  }

  #load(buffer: string, index: Expr, copy: number): void {
    const { fb } = this.#scalar;
    const single = fb.module.placement(buffer).element === "f32";
    if (unitStride(index, this.#plan)) {
      const offset = this.#scalar.address(buffer, this.#atLane(index, copy, 0));
      fb.push({ op: single ? "v128.load64_zero" : "v128.load", offset });
      if (single) fb.plain("f64x2.promote_low_f32x4");
    } else if (single) {
      this.#byLane(load(buffer, index), copy);
    } else {
      const upper = this.#laneAddress(buffer, index, copy, 1);
      const lower = this.#laneAddress(buffer, index, copy, 0);
      fb.push({ op: "v128.load64_zero", offset: lower });
      fb.push({ op: "v128.load64_lane", offset: upper, lane: 1 });
    }
  }

  #unary(e: Extract<Expr, { readonly kind: "unary" }>, copy: number): void {
    const { fb } = this.#scalar;
    this.vector(e.x, copy);
    if (e.type === "f64") {
      fb.plain(vectorUnary[e.fn] ?? internalError(`vector ${e.fn} of f64`));
      return;
    }
    if (e.fn === "neg" || e.fn === "abs") {
      fb.plain(`i64x2.${e.fn}`);
      return;
    }
    internalError(`vector ${e.fn} of ${e.type}`);
  }

  #binary(e: Extract<Expr, { readonly kind: "binary" }>, copy: number): void {
    const { fb } = this.#scalar;
    if (e.fn === "copysign") {
      this.vector(e.y, copy);
      this.vector(e.x, copy);
      this.#uniform({ kind: "const", type: "i64", value: signBits });
      fb.plain("v128.bitselect");
      return;
    }
    const shift = vectorShift[e.fn];
    if (e.type === "i64" && shift !== undefined && !varies(e.y, this.#plan.varying)) {
      this.vector(e.x, copy);
      this.#scalar.expr(convert("i32_from_i64", e.y));
      fb.plain(shift);
      return;
    }
    const op = e.type === "f64" ? vectorFloat[e.fn] : vectorInt[e.fn];
    if (op === undefined) {
      this.#byLane(e, copy);
      return;
    }
    if (e.fused && fb.module.fused && e.y.kind === "binary") {
      for (const x of [e.y.x, e.y.y, e.x]) this.vector(x, copy);
      fb.plain("f64x2.relaxed_madd");
      return;
    }
    this.vector(e.x, copy);
    this.vector(e.y, copy);
    fb.plain(op);
  }

  /** f64 of an i32: adjacent elements at once, else lane by lane. */
  #fromInt(e: Extract<Expr, { readonly kind: "convert" }>, copy: number): void {
    const scalar = this.#scalar;
    if (e.x.kind !== "load" || !unitStride(e.x.index, this.#plan)) {
      this.#byLane(e, copy);
      return;
    }
    const offset = scalar.address(e.x.buffer, this.#atLane(e.x.index, copy, 0));
    scalar.fb.push({ op: "v128.load64_zero", offset });
    scalar.fb.plain("f64x2.convert_low_i32x4_s");
  }

  /** Inlined if small; else the callee's vector form; else its scalar form for each lane. */
  #call(e: Extract<Expr, { readonly kind: "call" }>, copy: number): void {
    const { fb } = this.#scalar;
    const definition = fb.module.definition(e.fn);
    const plan = fb.module.vectorPlan(e.fn);
    if (plan === undefined) {
      this.#callByLane(e, copy);
      return;
    }
    const body = inlineBody(definition);
    for (const arg of e.args) this.vector(arg, copy);
    if (body === undefined) {
      fb.index("call", fb.module.vectorIndex(e.fn));
      return;
    }
    fb.scoped(() => {
      const inner = new VectorEmitter(new ScalarEmitter(fb), plan, 1, new Map(), undefined);
      for (const { name } of [...definition.params].reverse()) {
        const local = fb.newLocal("v128");
        fb.index("local.set", local);
        inner.bind(name, local);
      }
      inner.statements(body.sets);
      inner.vector(body.result, 0);
    });
  }

  #callByLane(e: Extract<Expr, { readonly kind: "call" }>, copy: number): void {
    const { fb } = this.#scalar;
    const args = e.args.map((arg) => {
      if (arg.type === "i32" || !varies(arg, this.#plan.varying)) return undefined;
      const local = fb.newLocal("v128");
      this.vector(arg, copy);
      fb.index("local.set", local);
      return local;
    });
    joinLanes(this.#scalar.fb, e.type, (lane) => {
      for (const [k, arg] of e.args.entries()) {
        const local = args[k];
        if (local === undefined) {
          this.#lane(arg, copy, lane);
        } else {
          fb.index("local.get", local);
          fb.push({ op: extractOp(arg.type), lane });
        }
      }
      fb.index("call", fb.module.scalarIndex(e.fn));
    });
  }

  #byLane(e: Expr, copy: number): void {
    joinLanes(this.#scalar.fb, e.type, (lane) => this.#lane(e, copy, lane));
  }

  /** Pushes the scalar value of an expression in one lane. */
  #lane(e: Expr, copy: number, lane: number): void {
    this.#laneEmitter(copy, lane).expr(this.#atLane(e, copy, lane));
  }

  #laneAddress(buffer: string, index: Expr, copy: number, lane: number): number {
    return this.#laneEmitter(copy, lane).address(buffer, this.#atLane(index, copy, lane));
  }

  /** A scalar emitter that reads varying locals from their lane. */
  #laneEmitter(copy: number, lane: number): ScalarEmitter {
    const { fb } = this.#scalar;
    const { varying, masks, index } = this.#plan;
    const read = (name: string, type: Expr["type"]): boolean => {
      if (!varying.has(name) || name === index) return false;
      const homes = this.#homes.get(name) ?? internalError(`vector local ${name} has no value`);
      if (type !== "i32") {
        fb.index("local.get", homes[copy]);
        fb.push({ op: extractOp(type), lane });
      } else if (masks.has(name)) {
        fb.index("local.get", homes[copy]);
        fb.push({ op: "i64x2.extract_lane", lane });
        fb.plain("i32.wrap_i64");
        fb.i32(1);
        fb.plain("i32.and");
      } else {
        fb.index("local.get", homes[copy * LANES + lane]);
      }
      return true;
    };
    return new ScalarEmitter(fb, read, this.#scalar.counters);
  }

  /** The expression with the loop's index replaced by that of a lane. */
  #atLane(e: Expr, copy: number, lane: number): Expr {
    const { index: name, only } = this.#plan;
    const shift = copy * LANES + lane;
    if (name === undefined || (only === undefined && shift === 0)) return e;
    const at = only === undefined ? add(index(name), i32(shift)) : i32(only + shift);
    return substitute(e, new Map([[name, at]]));
  }

  /** Pushes an i32 condition as lanes of all ones or all zeros. */
  #mask(e: Expr, copy: number): void {
    const { fb } = this.#scalar;
    const { varying, masks } = this.#plan;
    if (!varies(e, varying)) {
      this.#scalar.expr(e);
      widenCondition(fb);
      fb.plain("i64x2.splat");
      return;
    }
    if (e.kind === "local" && masks.has(e.name)) {
      fb.index("local.get", this.#homes.get(e.name)![copy]);
      return;
    }
    if (e.kind === "binary" && e.x.type !== "i32") {
      const op = e.x.type === "f64" ? floatCompare[e.fn] : intCompare[e.fn];
      if (op === undefined) {
        this.#maskByLane(e, copy);
        return;
      }
      this.vector(e.x, copy);
      this.vector(e.y, copy);
      fb.plain(op);
      return;
    }
    if (e.kind === "binary" && floatCompare[e.fn] !== undefined) {
      // Exact: every i32 is an f64.
      this.vector(convert("f64_from_i32", e.x), copy);
      this.vector(convert("f64_from_i32", e.y), copy);
      fb.plain(floatCompare[e.fn]!);
      return;
    }
    const logic = e.kind === "binary" ? maskLogic[e.fn] : undefined;
    if (e.kind === "binary" && logic !== undefined && isMask(e, masks)) {
      this.#mask(e.x, copy);
      this.#mask(e.y, copy);
      fb.plain(logic);
      return;
    }
    if (e.kind === "unary" && e.fn === "eqz" && e.x.type === "i32") {
      this.#mask(e.x, copy);
      fb.plain("v128.not");
      return;
    }
    this.#maskByLane(e, copy);
  }

  #maskByLane(e: Expr, copy: number): void {
    const { fb } = this.#scalar;
    joinLanes(fb, "i64", (lane) => {
      this.#lane(e, copy, lane);
      widenCondition(fb);
    });
  }
}
