/** The function under construction: its instruction list and its wasm locals. */
import { internalError } from "../../base/internal.js";
import type { KernelFunction, ScalarType, Stmt, Tile } from "../../kernel/ir.js";
import type { Placement } from "./layout.js";
import type { IndexOp, Instr, PlainOp, ValType, WasmFunction } from "./opcodes.js";
import type { VectorPlan } from "./plan.js";
import type { ScalarEmitter } from "./scalar.js";

type ForStmt = Extract<Stmt, { readonly kind: "for" }>;

/** What a function body asks of the module around it. */
export interface ModuleScope {
  /**
   * Emits a parallel loop with two lanes, or answers false where it has to stay scalar. Absent
   * without SIMD. Handed in, since the vectoriser itself emits scalar code.
   */
  readonly parallelLoop?: (scalar: ScalarEmitter, loop: ForStmt) => boolean;
  /** Emits a tile of a product with vectors. Absent without SIMD; handed in likewise. */
  readonly tile?: (scalar: ScalarEmitter, tile: Tile) => void;
  placement(buffer: string): Placement;
  /** The IR of a called function: the module's own, else the math library's. */
  definition(name: string): KernelFunction;
  /**
   * Emits a loop whose iterations helpers may take, or answers false where it is a loop like any
   * other.
   */
  readonly concurrentLoop?: (scalar: ScalarEmitter, loop: ForStmt) => boolean;
  /** Whether `relaxed_madd` may be used for sums that are marked so. */
  readonly fused: boolean;
  /** Wasm index of the scalar form; the function is emitted if it was not yet. */
  scalarIndex(name: string): number;
  /** The plan of a function's two-lane form; undefined if it has none. */
  vectorPlan(name: string): VectorPlan | undefined;
  /** Wasm index of the two-lane form of a function that has one; emitted if it was not yet. */
  vectorIndex(name: string): number;
  /** Neither loads nor stores, in it and in what it calls: a function of its arguments alone. */
  isPure(name: string): boolean;
  /** Absolute address of a literal in the constant region. */
  literalAddress(bits: bigint): number;
}

export class FunctionBuilder {
  readonly module: ModuleScope;
  readonly params: readonly ValType[];
  #code: Instr[] = [];
  readonly #locals: ValType[] = [];
  #scope = new Map<string, { index: number; type: ScalarType }>();
  #base: number | undefined;
  #names = 0;

  constructor(module: ModuleScope, params: readonly ValType[]) {
    this.module = module;
    this.params = params;
  }

  /** Binds a kernel local to a parameter of the wasm function. */
  bind(name: string, type: ScalarType, index: number): void {
    this.#scope.set(name, { index, type });
  }

  /** Runs `emit` with fresh names: the body of an inlined function. */
  scoped(emit: () => void): void {
    const outer = this.#scope;
    this.#scope = new Map();
    emit();
    this.#scope = outer;
  }

  /** A name that no kernel local has. */
  freshName(): string {
    this.#names += 1;
    return `%${this.#names}`;
  }

  newLocal(type: ValType): number {
    this.#locals.push(type);
    return this.params.length + this.#locals.length - 1;
  }

  /** The wasm local of a kernel local that is assigned here. */
  declare(name: string, type: ScalarType): number {
    const known = this.#scope.get(name);
    if (known !== undefined) {
      if (known.type !== type) internalError(`kernel local ${name} is ${known.type} and ${type}`);
      return known.index;
    }
    const index = this.newLocal(type);
    this.#scope.set(name, { index, type });
    return index;
  }

  /** The type of a kernel local that is bound here. */
  typeOf(name: string): ScalarType | undefined {
    return this.#scope.get(name)?.type;
  }

  lookup(name: string): number {
    return this.#scope.get(name)?.index ?? internalError(`kernel local ${name} is read unassigned`);
  }

  plain(op: PlainOp): void {
    this.#code.push({ op });
  }
  push(instr: Instr): void {
    this.#code.push(instr);
  }
  /** With the one peephole that matters for size: set then get of one local is a tee. */
  index(op: IndexOp, index: number): void {
    const last = this.#code.at(-1);
    if (op === "local.get" && last?.op === "local.set" && last.index === index) {
      this.#code[this.#code.length - 1] = { op: "local.tee", index };
    } else {
      this.#code.push({ op, index });
    }
  }
  i32(value: number): void {
    this.#code.push({ op: "i32.const", value });
  }

  /** The address of the instance's workspace, fetched once per call of the function. */
  base(): void {
    this.#base ??= this.newLocal("i32");
    this.index("local.get", this.#base);
  }

  /** Runs `emit` with its instructions going to `target`. */
  into(target: Instr[], emit: () => void): void {
    const outer = this.#code;
    this.#code = target;
    emit();
    this.#code = outer;
  }
  append(code: readonly Instr[]): void {
    for (const instr of code) this.#code.push(instr);
  }

  finish(name: string, result: ValType | undefined, exported: boolean): WasmFunction {
    const prologue: Instr[] =
      this.#base === undefined
        ? []
        : [
            { op: "global.get", index: 0 },
            { op: "local.set", index: this.#base },
          ];
    const code = [...prologue, ...this.#code];
    return { name, params: this.params, result, locals: this.#locals, code, exported };
  }
}
