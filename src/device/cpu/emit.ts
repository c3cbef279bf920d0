/** A kernel module as a WebAssembly module: what is reachable from the exported functions. */
import { internalError } from "../../base/internal.js";
import type { Expr, KernelFunction, KernelModule, Stmt } from "../../kernel/ir.js";
import { mathFunction } from "../../kernel/mathlib/index.js";
import { FunctionBuilder, type ModuleScope } from "./builder.js";
import { operands, straightLine } from "./inline.js";
import { type Layout, type Placement, placeBuffers } from "./layout.js";
import { nonNegativeLocals } from "./non-negative.js";
import type { WasmFunction, WasmModule } from "./opcodes.js";
import { planFunction, type VectorPlan } from "./plan.js";
import {
  CAPTURED_BUFFER,
  dispatchFunction,
  MOST_CAPTURED,
  MOST_CHUNKS,
  MOST_JOBS,
  napFunction,
  PATIENCE,
  POOL_BUFFER,
  poolBuffers,
  runFunction,
  SERVE,
  serveFunction,
} from "./pool.js";
import { ScalarEmitter } from "./scalar.js";
import { emitTile } from "./tile.js";
import { emitParallelLoop } from "./vector.js";
import { VectorEmitter } from "./vector-body.js";

export interface EmitOptions {
  /** The memory is a SharedArrayBuffer, so that threads can each run an instance. Default true. */
  readonly sharedMemory?: boolean;
  /** Parallel loops as two-lane vectors. Default true; off for tests that compare the two. */
  readonly simd?: boolean;
  /** Fused multiplication and addition where a sum is marked so: only where the engine has it. */
  readonly fused?: boolean;
  /** Concurrent loops as jobs that helpers may serve. Default: as `sharedMemory`. */
  readonly threads?: boolean;
  /** Seconds after which a helper that is silent is taken for dead. */
  readonly patience?: number;
}

export interface Emitted {
  readonly wasm: WasmModule;
  readonly layout: Layout;
  /** Bits of the literals that lie at the end of the constant region, from `literalOffset`. */
  readonly literals: BigUint64Array;
  readonly literalOffset: number;
  /** Concurrent loops that helpers can serve. */
  readonly jobs: number;
}

/** Emits every exported function of the module and whatever they call. */
export function emitModule(module: KernelModule, options: EmitOptions = {}): Emitted {
  const shared = options.sharedMemory ?? true;
  const threads = shared && (options.threads ?? true) && module.functions.some(hasConcurrent);
  const emitter = new ModuleEmitter(
    threads ? { ...module, buffers: [...module.buffers, ...poolBuffers()] } : module,
    {
      simd: options.simd ?? true,
      fused: options.fused ?? false,
      threads,
      patience: options.patience ?? PATIENCE,
    },
  );
  return emitter.emit(shared);
}

const DISPATCH = "%dispatch";

/** Locals that the body of a loop reads and does not assign, but for the loop's index. */
function freeLocals(loop: ForStmt): string[] {
  const read = new Set<string>();
  const own = new Set([loop.index]);
  const expr = (e: Expr): void => {
    if (e.kind === "local") read.add(e.name);
    operands(e).forEach(expr);
  };
  const visit = (stmt: Stmt): void => {
    switch (stmt.kind) {
      case "set":
        expr(stmt.value);
        own.add(stmt.local.name);
        return;
      case "store":
        expr(stmt.index);
        expr(stmt.value);
        return;
      case "for":
        expr(stmt.from);
        expr(stmt.to);
        own.add(stmt.index);
        stmt.body.forEach(visit);
        return;
      case "tile":
        for (const e of [stmt.left.at, stmt.right.at, stmt.out.at, stmt.steps, stmt.onto]) expr(e);
        return;
      case "while":
        expr(stmt.condition);
        stmt.body.forEach(visit);
        return;
      case "if":
        expr(stmt.condition);
        stmt.then.forEach(visit);
        stmt.else.forEach(visit);
        return;
      case "call":
        stmt.args.forEach(expr);
        if (stmt.result !== undefined) own.add(stmt.result.name);
        return;
      case "return":
        return;
    }
  };
  loop.body.forEach(visit);
  return [...read].filter((name) => !own.has(name));
}

function hasConcurrent({ body }: { readonly body: readonly Stmt[] }): boolean {
  return body.some((stmt) => {
    if (stmt.kind === "for") return stmt.concurrent === true || hasConcurrent(stmt);
    if (stmt.kind === "while") return hasConcurrent(stmt);
    if (stmt.kind === "if") return hasConcurrent({ body: [...stmt.then, ...stmt.else] });
    return false;
  });
}

type ForStmt = Extract<Stmt, { readonly kind: "for" }>;

class ModuleEmitter implements ModuleScope {
  readonly parallelLoop: ModuleScope["parallelLoop"];
  readonly tile: ModuleScope["tile"];
  readonly concurrentLoop: ModuleScope["concurrentLoop"];
  readonly fused: boolean;
  /** Wasm indices of the bodies of jobs. */
  readonly #jobs: number[] = [];
  #inJob = false;
  readonly #patience: number;
  readonly #layout: Layout;
  readonly #own: ReadonlyMap<string, KernelFunction>;
  /** Wasm indices by key: the name, or the name and `#lanes` for the two-lane form. */
  readonly #indices = new Map<string, number>();
  readonly #queue: (() => WasmFunction)[] = [];
  readonly #plans = new Map<string, VectorPlan | undefined>();
  readonly #pure = new Map<string, boolean>();
  readonly #literals = new Map<bigint, number>();

  constructor(
    module: KernelModule,
    { simd, fused, threads, patience }: Required<Omit<EmitOptions, "sharedMemory">>,
  ) {
    this.parallelLoop = simd ? emitParallelLoop : undefined;
    this.tile = simd ? emitTile : undefined;
    this.concurrentLoop = threads ? (scalar, loop) => this.#job(scalar, loop) : undefined;
    this.fused = fused;
    this.#patience = patience;
    this.#layout = placeBuffers(module.buffers);
    this.#own = new Map(module.functions.map((fn) => [fn.name, fn]));
    for (const name of this.#own.keys()) {
      // It would be called in the library's place, by its other functions too.
      if (mathFunction(name)) internalError(`kernel function ${name} hides the library's`);
    }
  }

  emit(sharedMemory: boolean): Emitted {
    for (const fn of this.#own.values()) if (fn.exported) this.scalarIndex(fn.name);
    const functions: WasmFunction[] = [];
    // Emitting a function queues what it calls.
    for (let k = 0; k < this.#queue.length; k++) functions.push(this.#queue[k]());
    // Only now all jobs are known.
    const dispatch = this.#indices.get(DISPATCH);
    if (dispatch !== undefined) functions[dispatch] = dispatchFunction(this.#jobs);
    const literalOffset = this.#layout.constantBytes;
    const layout = {
      ...this.#layout,
      constantBytes: literalOffset + 8 * this.#literals.size,
    };
    const literals = BigUint64Array.from(this.#literals.keys());
    return {
      wasm: { functions, sharedMemory },
      layout,
      literals,
      literalOffset,
      jobs: this.#jobs.length,
    };
  }

  placement(buffer: string): Placement {
    const found = this.#layout.placements[buffer];
    return found ?? internalError(`kernel buffer ${buffer} is not declared`);
  }

  definition(name: string): KernelFunction {
    const found = this.#own.get(name) ?? mathFunction(name);
    return found ?? internalError(`kernel function ${name} is not defined`);
  }

  scalarIndex(name: string): number {
    return this.#enqueue(name, () => this.#scalarForm(this.definition(name)));
  }

  vectorIndex(name: string): number {
    return this.#enqueue(`${name}#lanes`, () => this.#vectorForm(this.definition(name)));
  }

  #enqueue(key: string, form: () => WasmFunction): number {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.#queue.length;
    this.#indices.set(key, index);
    this.#queue.push(form);
    return index;
  }

  vectorPlan(name: string): VectorPlan | undefined {
    if (!this.#plans.has(name)) {
      // Entered first: a function that calls itself has no two-lane form.
      this.#plans.set(name, undefined);
      this.#plans.set(name, planFunction(this.definition(name), this));
    }
    return this.#plans.get(name);
  }

  isPure(name: string): boolean {
    let pure = this.#pure.get(name);
    if (pure === undefined) {
      // Assumed while it is found out, so that recursion ends.
      this.#pure.set(name, true);
      pure = this.definition(name).body.every((stmt) => this.#pureStatement(stmt));
      this.#pure.set(name, pure);
    }
    return pure;
  }

  #pureStatement(stmt: Stmt): boolean {
    const expr = (e: Expr | undefined) => e === undefined || this.#pureExpr(e);
    const all = (list: readonly Stmt[]) => list.every((inner) => this.#pureStatement(inner));
    switch (stmt.kind) {
      case "set":
      case "return":
        return expr(stmt.value);
      case "store":
      case "tile":
        return false;
      case "for":
        return expr(stmt.from) && expr(stmt.to) && all(stmt.body);
      case "while":
        return expr(stmt.condition) && all(stmt.body);
      case "if":
        return expr(stmt.condition) && all(stmt.then) && all(stmt.else);
      case "call":
        return stmt.args.every(expr) && this.isPure(stmt.fn);
    }
  }

  #pureExpr(e: Expr): boolean {
    if (e.kind === "load") return false;
    if (e.kind === "call" && !this.isPure(e.fn)) return false;
    return operands(e).every((operand) => this.#pureExpr(operand));
  }

  literalAddress(bits: bigint): number {
    let slot = this.#literals.get(bits);
    if (slot === undefined) {
      slot = this.#literals.size;
      this.#literals.set(bits, slot);
    }
    return this.#layout.constantBytes + 8 * slot;
  }

  /** A function of its own for the body, and a call that shares out its iterations. */
  #job(scalar: ScalarEmitter, loop: ForStmt): boolean {
    const { fb } = scalar;
    const count = loop.to.kind === "const" ? Number(loop.to.value) : -1;
    if (this.#inJob || loop.from.kind !== "const" || loop.from.value !== 0) return false;
    if (count < 2 || count > MOST_CHUNKS || this.#jobs.length >= MOST_JOBS) return false;
    const captured = freeLocals(loop)
      .map((name) => ({ name, type: fb.typeOf(name) }))
      .flatMap(({ name, type }) => (type === undefined ? [] : [{ name, type }]));
    if (captured.length > MOST_CAPTURED) return false;
    const slots = this.placement(CAPTURED_BUFFER).offset;
    const job = this.#jobs.length + 1;
    this.#jobs.push(
      this.#enqueue(`%job${job}`, () => {
        const own = new FunctionBuilder(this, ["i32"]);
        own.bind(loop.index, "i32", 0);
        captured.forEach(({ name, type }, k) => {
          own.base();
          own.push({ op: `${type}.load`, offset: slots + 8 * k });
          own.index("local.set", own.declare(name, type));
        });
        const outer = captured.map((c) => c.name);
        const known = [loop.index, ...outer.filter((name) => scalar.counters.has(name))];
        const unknown = outer.filter((name) => !scalar.counters.has(name));
        const counters = nonNegativeLocals(loop.body, unknown, known);
        const emitter = new ScalarEmitter(own, undefined, counters);
        this.#inJob = true;
        emitter.statements(loop.body);
        this.#inJob = false;
        return own.finish(`%job${job}`, undefined, false);
      }),
    );
    captured.forEach(({ name, type }, k) => {
      fb.base();
      fb.index("local.get", fb.lookup(name));
      fb.push({ op: `${type}.store`, offset: slots + 8 * k });
    });
    fb.i32(job);
    fb.i32(count);
    fb.index("call", this.#runIndex());
    return true;
  }

  #runIndex(): number {
    const pool = this.placement(POOL_BUFFER);
    const dispatch = this.#enqueue(DISPATCH, () => dispatchFunction([]));
    this.#enqueue(SERVE, () => serveFunction(pool, { dispatch }));
    const nap = this.#enqueue("%nap", () => napFunction(pool));
    return this.#enqueue("%run", () => runFunction(pool, { dispatch, nap }, this.#patience));
  }

  #scalarForm(fn: KernelFunction): WasmFunction {
    const fb = new FunctionBuilder(
      this,
      fn.params.map(({ type }) => type),
    );
    for (const [k, { name, type }] of fn.params.entries()) fb.bind(name, type, k);
    const params = fn.params.map(({ name }) => name);
    new ScalarEmitter(fb, undefined, nonNegativeLocals(fn.body, params)).statements(fn.body);
    if (fn.result !== undefined && fn.body.at(-1)?.kind !== "return") fb.plain("unreachable");
    return fb.finish(fn.name, fn.result, fn.exported);
  }

  #vectorForm(fn: KernelFunction): WasmFunction {
    const plan = this.vectorPlan(fn.name) ?? internalError(`no two-lane form of ${fn.name}`);
    const body = straightLine(fn) ?? internalError(`${fn.name} is not straight-line code`);
    const fb = new FunctionBuilder(
      this,
      fn.params.map(() => "v128"),
    );
    const emitter = new VectorEmitter(new ScalarEmitter(fb), plan, 1, new Map(), undefined);
    for (const [k, { name }] of fn.params.entries()) emitter.bind(name, k);
    emitter.statements(body.sets);
    emitter.vector(body.result, 0);
    return fb.finish(`${fn.name}#lanes`, "v128", false);
  }
}
