/** Random valid kernel modules: what the emitter and the interpreter are compared on. */
import {
  add,
  binary,
  call,
  convert,
  f64,
  get,
  giveBack,
  i32,
  i64,
  index,
  load,
  loop,
  lt,
  perform,
  select,
  set,
  store,
  unary,
  when,
  whileLoop,
} from "../../src/kernel/build.js";
import type {
  BinaryInstr,
  Expr,
  KernelModule,
  Local,
  ScalarType,
  Stmt,
  UnaryInstr,
} from "../../src/kernel/ir.js";
import type { RandomStream } from "../../src/math/rng/index.js";

/** Elements of every buffer but `wide`, which serves offsets and strides of 2 and 3. */
export const LENGTH = 13;
const WIDE = 64;

const floatUnary: readonly UnaryInstr[] = [
  "neg",
  "abs",
  "sqrt",
  "floor",
  "ceil",
  "trunc",
  "nearest",
];
const floatBinary: readonly BinaryInstr[] = ["add", "sub", "mul", "div", "min", "max"];
const compares: readonly BinaryInstr[] = ["eq", "ne", "lt", "le", "gt", "ge"];
const intBinary: readonly BinaryInstr[] = [
  ...(["add", "sub", "mul", "min", "max", "and", "or", "xor"] as const),
  ...(["shl", "shr_s", "shr_u", "rotl"] as const),
];
const functions1 = ["exp", "log1p", "tanh", "square", "lgamma", "sin", "own"] as const;

/** The sign and payload of a NaN are not specified: what reads bits must not see one. */
function withoutNaN(x: Expr): Expr {
  return select(binary("eq", x, x), x, f64(1));
}

/** A generator of modules whose choices come from a stream. */
export class RandomKernel {
  readonly #random: RandomStream;
  #count = 0;
  /** Assigned locals in scope, by type. */
  #scope: Local[] = [];
  /** Loop indices in scope; each stays below `LENGTH`. */
  #indices: string[] = [];
  #inParallel = false;

  constructor(random: RandomStream) {
    this.#random = random;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)];
  }
  #chance(percent: number): boolean {
    return this.#random.int(100) < percent;
  }
  #fresh(type: ScalarType): Local {
    return { name: `v${this.#count++}`, type };
  }
  #inner<T>(build: () => T): T {
    const scope = [...this.#scope];
    const indices = [...this.#indices];
    const value = build();
    this.#scope = scope;
    this.#indices = indices;
    return value;
  }

  module(): KernelModule {
    const data = (length: number) =>
      Float64Array.from({ length }, () => {
        const x = this.#random.normal() * 3;
        return this.#chance(10) ? this.#pick([0, -0, Infinity, -Infinity, NaN, 1]) : x;
      });
    const ints = (length: number) => Int32Array.from({ length }, () => this.#random.int(LENGTH));
    const n: Local = { name: "n", type: "i32" };
    const x: Local = { name: "x", type: "f64" };
    this.#scope = [n, x];
    const main = [...this.#statements(3, 3), ...this.#parallel(), ...this.#statements(2, 2)];
    const total = this.#scope.filter(({ type }) => type === "f64").map(get);
    this.#scope = [x];
    this.#indices = [];
    const own = this.#float(3);
    return {
      buffers: [
        { name: "c", element: "f64", length: WIDE, region: "constant", data: data(WIDE) },
        { name: "k", element: "i32", length: WIDE, region: "constant", data: ints(WIDE) },
        { name: "a", element: "f64", length: LENGTH, region: "workspace", data: data(LENGTH) },
        { name: "b", element: "f64", length: LENGTH, region: "workspace" },
        { name: "j", element: "i32", length: LENGTH, region: "workspace", data: ints(LENGTH) },
        { name: "wide", element: "f64", length: WIDE, region: "workspace", data: data(WIDE) },
      ],
      functions: [
        {
          name: "main",
          params: [n, x],
          result: "f64",
          exported: true,
          body: [...main, giveBack(total.reduce((sum, term) => add(sum, term)))],
        },
        { name: "own", params: [x], result: "f64", exported: false, body: [giveBack(own)] },
      ],
    };
  }

  #float(depth: number): Expr {
    const locals = this.#scope.filter(({ type }) => type === "f64");
    if (depth === 0 || this.#chance(15)) {
      if (locals.length > 0 && this.#chance(50)) return get(this.#pick(locals));
      if (this.#indices.length > 0 && this.#chance(80)) return this.#loadFloat();
      return f64(this.#pick([0, -0, 1, 0.5, -2.25, 1e300, NaN, Infinity]));
    }
    const next = () => this.#float(depth - 1);
    switch (this.#random.int(9)) {
      case 0:
        return unary(this.#pick(floatUnary), next());
      case 1:
        return select(this.#condition(depth - 1), next(), next());
      case 2:
        return this.#insideOwn() ? next() : call(this.#pick(functions1), [next()]);
      case 3:
        return convert("f64_from_i32", this.#int(depth - 1));
      case 4:
        return this.#bits(withoutNaN(next()));
      case 5:
        return binary("copysign", next(), withoutNaN(next()));
      default:
        return binary(this.#pick(floatBinary), next(), next());
    }
  }

  /** `own` calls nothing: its only local is x, and no index is in scope. */
  #insideOwn(): boolean {
    return this.#scope.length === 1;
  }

  /** A walk through i64: shifts, sums and masks of the bits. */
  #bits(x: Expr): Expr {
    const fn = this.#pick(["and", "or", "xor", "add", "sub", "mul"] as const);
    const shift = this.#pick(["shl", "shr_s", "shr_u"] as const);
    const mixed = binary(
      fn,
      convert("i64_bits", x),
      i64(this.#pick([1n, -1n, 0x7fffn, 1n << 62n])),
    );
    const shifted = binary(shift, mixed, i64(BigInt(this.#random.int(64))));
    return select(
      binary(this.#pick(compares), shifted, i64(12345n)),
      x,
      convert("f64_from_i64", shifted),
    );
  }

  #loadFloat(): Expr {
    const i = index(this.#pick(this.#indices));
    if (this.#insideOwn()) return f64(2);
    const mixed = add(
      binary("mul", i, i32(this.#random.int(4))),
      this.#chance(50) ? i32(this.#random.int(8)) : index(this.#pick(this.#indices)),
    );
    switch (this.#random.int(6)) {
      case 0:
        return load("c", mixed);
      case 1:
        // Parallel loops store to `wide`: reading it there would make iterations depend.
        return this.#inParallel
          ? f64(7)
          : load("wide", add(i, i32(this.#random.int(WIDE - LENGTH))));
      case 2:
        return load("c", binary("sub", add(i, i32(5)), i32(this.#random.int(5))));
      case 3:
        return load("a", load("k", add(i, i32(3)), "i32"));
      default:
        return load(this.#pick(["a", "c"]), i);
    }
  }

  #int(depth: number): Expr {
    const locals = this.#scope.filter(({ type }) => type === "i32");
    if (depth === 0 || this.#chance(20)) {
      if (locals.length > 0 && this.#chance(30)) return get(this.#pick(locals));
      if (this.#indices.length === 0) return i32(this.#random.int(9) - 4);
      const i = index(this.#pick(this.#indices));
      return this.#chance(50) ? i : load("k", add(i, i32(this.#random.int(9))), "i32");
    }
    const next = () => this.#int(depth - 1);
    switch (this.#random.int(6)) {
      case 0:
        return unary(this.#pick(["neg", "abs", "eqz"]), next());
      case 1:
        return this.#condition(depth - 1);
      case 2:
        return convert("i32_from_f64", this.#float(depth - 1));
      case 3:
        return select(this.#condition(depth - 1), next(), next());
      default:
        return binary(this.#pick(intBinary), next(), next());
    }
  }

  #condition(depth: number): Expr {
    if (depth <= 0 || this.#chance(60)) {
      const next = this.#chance(70) ? () => this.#float(0) : () => this.#int(0);
      const x = next();
      return binary(this.#pick(compares), x, x.type === "f64" ? this.#float(0) : this.#int(0));
    }
    const next = () => this.#condition(depth - 1);
    return this.#chance(30)
      ? unary("eqz", next())
      : binary(this.#pick(["and", "or", "xor"]), next(), next());
  }

  #assign(type: ScalarType, depth: number): Stmt {
    const value = type === "f64" ? this.#float(depth) : this.#int(depth);
    const local = this.#fresh(type);
    this.#scope.push(local);
    return set(local, value);
  }

  #statements(count: number, depth: number): Stmt[] {
    return Array.from({ length: count }, () => this.#statement(depth)).flat();
  }

  #statement(depth: number): Stmt[] {
    switch (depth === 0 ? 0 : this.#random.int(7)) {
      case 1: {
        const result = this.#fresh("f64");
        const stmt = perform(this.#pick(functions1), [this.#float(2)], result);
        this.#scope.push(result);
        return [stmt];
      }
      case 2:
        return [
          this.#inner(() => {
            const condition = this.#condition(2);
            const then = this.#inner(() => this.#statements(2, depth - 1));
            return when(
              condition,
              then,
              this.#inner(() => this.#statements(1, depth - 1)),
            );
          }),
        ];
      case 3:
        return [this.#loop(depth - 1)];
      case 4: {
        const counter = this.#fresh("i32");
        const body = this.#inner(() => this.#statements(2, depth - 1));
        const step = set(counter, add(get(counter), i32(1)));
        return [set(counter, i32(0)), whileLoop(lt(get(counter), i32(3)), [...body, step])];
      }
      case 5:
        return [this.#assign("i32", 3)];
      default:
        return [this.#assign("f64", 3)];
    }
  }

  #loop(depth: number): Stmt {
    return this.#inner(() => {
      const name = `i${this.#count++}`;
      this.#indices.push(name);
      const body = this.#statements(2, depth);
      if (this.#chance(50)) body.push(store("wide", index(name), this.#float(2)));
      if (this.#chance(30)) {
        return { ...loop(name, i32(LENGTH - 1), i32(-1), body), step: -1 } as Stmt;
      }
      return loop(name, i32(0), i32(this.#random.int(LENGTH + 1)), body);
    });
  }

  /** A parallel loop with reductions whose sums are of small integers, exact in any order. */
  #parallel(): Stmt[] {
    const total = this.#fresh("f64");
    const least = this.#fresh("f64");
    const first = [set(total, f64(3)), set(least, f64(1e9))];
    this.#inParallel = true;
    const body = this.#inner(() => {
      const name = `i${this.#count++}`;
      this.#indices = [name];
      const stmts: Stmt[] = [];
      for (let k = 0; k < 4; k++) stmts.push(this.#assign(this.#chance(25) ? "i32" : "f64", 3));
      if (this.#chance(50)) stmts.push(...this.#accumulation(name));
      const clipped = binary("min", binary("max", this.#float(2), f64(-1000)), f64(1000));
      stmts.push(
        set(total, add(get(total), unary("nearest", clipped))),
        set(least, binary("min", this.#float(2), get(least))),
        store("b", index(name), this.#float(3)),
        store("j", index(name), this.#int(2)),
        store("wide", add(binary("mul", index(name), i32(3)), i32(2)), this.#float(1)),
      );
      const to = this.#chance(50)
        ? i32(this.#random.int(LENGTH + 1))
        : get({ name: "n", type: "i32" });
      const reductions = [
        { local: total.name, fn: "add" as const },
        { local: least.name, fn: "min" as const },
      ];
      return loop(name, i32(this.#random.int(2)), to, stmts, { reductions });
    });
    this.#inParallel = false;
    this.#scope.push(total, least);
    return [...first, body];
  }

  /** A private sum over an inner loop: what outer-loop vectorisation is for. */
  #accumulation(outer: string): Stmt[] {
    const sum = this.#fresh("f64");
    const name = `i${this.#count++}`;
    const at = add(binary("mul", index(name), i32(4)), index(outer));
    const term = binary("mul", load("c", at), load("a", index(name)));
    const body = [set(sum, add(get(sum), term))];
    this.#scope.push(sum);
    return [set(sum, f64(0)), loop(name, i32(0), i32(5), body)];
  }
}
