/**
 * Reads nodes as values of the algebra: as they are, as their logarithm, or as a power. Logarithms
 * and powers are taken node by node where products and moves of elements allow it, so that what
 * has several pieces (concatenations, cumulative products) needs no single term.
 */
import { internalError } from "../../base/internal.js";
import { stream } from "../../math/rng/random.js";
import { evaluateNode, evaluateWith, valueOfNode } from "../../tensor/evaluate.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import { binaryAt, ternaryAt, unaryAt } from "../../tensor/scalar-fns.js";
import { dependents, operandsOf, topological } from "../../tensor/traverse.js";
import { uniformValue } from "../../tensor/elementwise-builder.js";
import type { Algebra } from "./algebra.js";
import { constant } from "./arrays.js";
import { numbersOver, powerOf, withFactor } from "./coefficients.js";
import { choleskyOf, inverseFactor, inverseMatrix, logDeterminantOf } from "./matrices.js";
import { isValue, readingLog, readingPower } from "./readings.js";
import { randomPoint } from "./sites.js";
import { type Coefficient, Obstacle, type Reading, sitesOf, type Value } from "./terms.js";

/** Random points of the supports at which a condition must agree to count as known. */
const TRIALS = 4;
const SEED = 20_181_203;

export class Reader {
  private readonly values = new Map<Node, Value>();
  private readonly logs = new Map<Node, Value>();
  private readonly powers = new Map<string, Value>();
  /** Whether nodes depend on any input. */
  private readonly dependence = new Map<Node, boolean>();
  /** Nodes that depend on an input that is read through its statistics. */
  private readonly random: ReadonlySet<Node>;
  private readonly leaves = new Map<Node, Value>();
  private readonly draws: readonly ReadonlyMap<Node, Float64Array>[];

  constructor(
    readonly a: Algebra,
    outputs: readonly Node[],
  ) {
    const order = topological(outputs);
    const inputs = order.filter((n) => n.op === "input");
    const bySite = new Map<Node, number>(a.sites.map((s, k) => [s.direct.input, k]));
    const read = inputs.filter((n) => {
      const site = bySite.get(n);
      return site !== undefined && !a.sites[site].isPoint;
    });
    for (const n of read) {
      const axes = a.axes.dim(n.shape[0]);
      const index = Int32Array.from({ length: n.shape[0] }, (_, i) => i);
      const site = bySite.get(n) ?? internalError("an input of no site");
      const fn = { kind: "power", exponent: 1 } as const;
      this.leaves.set(n, a.ofReading({ site, fn, axes, index }, [axes]));
    }
    const varying = dependents(order, inputs);
    for (const n of order) this.dependence.set(n, varying.has(n));
    this.random = dependents(order, read);
    this.draws = Array.from({ length: TRIALS }, (_, trial) => {
      const given = new Map<Node, Float64Array>();
      a.sites.forEach((s, k) => {
        const point = randomPoint(s, stream(SEED, trial, k, 0));
        if (point !== undefined) given.set(s.direct.input, point);
      });
      return given;
    });
  }

  /** Whether a node (also one made since) depends on any input. */
  private varies(n: Node): boolean {
    const known = this.dependence.get(n);
    if (known !== undefined) return known;
    const found = n.op === "input" || operandsOf(n).some((x) => this.varies(x));
    this.dependence.set(n, found);
    return found;
  }

  /** The node as it is. */
  value(n: Node): Value {
    const known = this.values.get(n);
    if (known !== undefined) return known;
    const made = this.random.has(n)
      ? this.randomValue(n)
      : this.varies(n)
        ? this.opaque(n)
        : this.knownValue(n);
    this.values.set(n, made);
    return made;
  }

  /** A node that depends on points: one coefficient, without the axes that it repeats along. */
  private opaque(n: Node): Value {
    const { a } = this;
    if (n.op === "broadcast") return a.broadcast(this.value(n.x), n.shape, n.axes);
    const dims = n.shape.map((s) => a.axes.dim(s));
    const axes = dims.flat();
    const node = a.g.reshape(
      n,
      axes.map((x) => x.size),
    );
    return a.ofCoefficient({ kind: "node", axes, node }, dims);
  }

  /** A node of constants, computed now over no more axes than it depends on. */
  private knownValue(n: Node): Value {
    const { a } = this;
    const numbers = (x: Node): Float64Array =>
      a.numbers(this.value(x)) ?? internalError("a constant that is not known");
    const elementwise = (xs: readonly Node[], f: (v: readonly number[]) => number): Value => {
      const [first, ...rest] = xs.map((x) => this.value(x));
      let all = [first];
      for (const y of rest) {
        const [x0, y0] = a.align(all[0], y);
        all = [...all.map((v) => a.align(x0, v)[1]), y0];
        all[0] = x0;
      }
      const parts = all.map((v) => a.collapse(a.align(all[0], v)[1]));
      const axes = all[0].dims.flat().filter((x) => parts.some((p) => p.axes.includes(x)));
      const data = parts.map((p) => numbersOver(p, axes));
      const out = data[0].map((_, i) => f(data.map((d) => d[i])));
      return a.ofCoefficient(constant(axes, out), all[0].dims);
    };
    switch (n.op) {
      case "const":
        return a.ofNumbers(n.data, n.shape);
      case "unary":
        return elementwise([n.x], ([x]) => unaryAt[n.fn](x));
      case "binary":
        return elementwise([n.x, n.y], ([x, y]) => binaryAt[n.fn](x, y));
      case "ternary":
        return elementwise([n.x, n.y, n.z], ([x, y, z]) => ternaryAt[n.fn](x, y, z));
      case "reduce":
        if (n.fn === "sum") return a.sum(this.value(n.x), n.axes);
        break;
      case "scan":
      case "output":
      case "input":
        return a.ofNumbers(evaluateNode(n), n.shape);
      default: {
        const moved = this.moved(n, (x) => this.value(x));
        if (moved !== undefined) return moved;
      }
    }
    return a.ofNumbers(valueOfNode(n, numbers), n.shape);
  }

  /** Operations that move elements, of whatever `read` gives for their operands. */
  private moved(n: Node, read: (x: Node) => Value): Value | undefined {
    const { a } = this;
    switch (n.op) {
      case "broadcast":
        return a.broadcast(read(n.x), n.shape, n.axes);
      case "reshape":
        return a.reshape(read(n.x), n.shape);
      case "transpose":
        return a.transpose(read(n.x), n.perm);
      case "slice":
        return a.slice(read(n.x), n.starts, n.shape, n.x.shape);
      case "gather": {
        if (this.varies(n.indices)) return undefined;
        const at = a.numbers(this.value(n.indices));
        return at === undefined ? undefined : a.gather(read(n.x), n.axis, at, n.indices.shape);
      }
      case "concat": {
        let start = 0;
        const size = n.shape[n.axis];
        const parts = n.xs.map((x) => {
          const placed = a.place(read(x), n.axis, start, size);
          start += x.shape[n.axis];
          return placed;
        });
        return parts.reduce((x, y) => a.add(x, y));
      }
      default:
        return undefined;
    }
  }

  private randomValue(n: Node): Value {
    const { a } = this;
    const leaf = this.leaves.get(n);
    if (leaf !== undefined) return leaf;
    const moved = this.moved(n, (x) => this.value(x));
    if (moved !== undefined) return moved;
    switch (n.op) {
      case "unary":
        return this.unaryValue(n);
      case "binary":
        return this.binaryValue(n);
      case "ternary":
        if (n.fn === "select") return this.selected(n, (x) => this.value(x));
        break;
      case "pad":
        return n.starts.reduce((v, start, k) => a.place(v, k, start, n.shape[k]), this.value(n.x));
      case "scatter_add":
        return this.scattered(n) ?? this.refuse(n);
      case "reduce":
        if (n.fn === "sum") return a.sum(this.value(n.x), n.axes);
        break;
      case "cumulative":
        if (n.fn === "sum") return this.cumulated(n, this.value(n.x));
        break;
      case "matmul":
        return a.matmul(this.value(n.x), this.value(n.y));
      case "cholesky":
        return choleskyOf(a, this.value(n.x));
      case "triangular_solve":
        return this.triangularSolve(n);
      case "solve": {
        const inverse = this.random.has(n.a)
          ? inverseMatrix(a, this.value(n.a))
          : this.inverseOf(n.a, (l, b) => a.g.solve(l, b));
        if (inverse !== undefined) return a.matmul(inverse, this.value(n.b));
        break;
      }
      case "log_abs_det":
        return logDeterminantOf(a, this.value(n.x));
      default:
    }
    return this.refuse(n);
  }

  private unaryValue(n: NodeOf<"unary">): Value {
    const { a } = this;
    switch (n.fn) {
      case "neg":
        return a.scale(this.value(n.x), -1);
      case "square":
        return a.square(this.value(n.x));
      case "sqrt":
        return this.power(n.x, 0.5);
      case "reciprocal":
        return this.power(n.x, -1);
      case "log":
        return this.log(n.x);
      case "log1p":
        return this.logOnePlus(n.x);
      case "exp":
        if (n.x.op === "unary" && n.x.fn === "log") return this.value(n.x.x);
        break;
      case "abs":
        if (this.agreed(a.g.ge(n.x, 0))?.every((v) => v === 1)) return this.value(n.x);
        break;
      default:
    }
    return this.refuse(n);
  }

  private binaryValue(n: NodeOf<"binary">): Value {
    const { a } = this;
    const [x, y] = [n.x, n.y];
    switch (n.fn) {
      case "add":
        return a.add(this.value(x), this.value(y));
      case "sub":
        return a.add(this.value(x), a.scale(this.value(y), -1));
      case "mul":
        if (x === y) return a.square(this.value(x));
        return a.mul(this.value(x), this.value(y));
      case "div":
        return a.mul(this.value(x), this.power(y, -1));
      case "pow": {
        const p = this.exponentOf(y);
        if (p === undefined) break;
        if (p === 2) return a.square(this.value(x));
        return this.power(x, p);
      }
      case "max":
      case "min": {
        const first = n.fn === "max" ? a.g.ge(x, y) : a.g.le(x, y);
        const holds = this.agreed(first);
        if (holds?.every((v) => v === 1)) return this.value(x);
        if (holds?.every((v) => v === 0)) return this.value(y);
        break;
      }
      default: {
        const numbers = this.agreed(n);
        if (n.dtype === "bool" && numbers !== undefined) return a.ofNumbers(numbers, n.shape);
      }
    }
    return this.refuse(n);
  }

  private exponentOf(y: Node): number | undefined {
    if (this.varies(y)) return undefined;
    const c = this.a.collapse(this.value(y));
    return c.kind === "constant" && c.axes.length === 0 ? c.data[0] : uniformValue(y);
  }

  /** `condition ? x : y` of what `read` gives, where the condition is known. */
  private selected(n: NodeOf<"ternary">, read: (x: Node) => Value): Value {
    const { a } = this;
    if (this.varies(n.x) && !this.random.has(n.x)) {
      // Points decide: a mask at run time. An infinite branch is a bound, and is added.
      const other = uniformValue(n.z);
      if (other !== undefined && !Number.isFinite(other)) {
        const penalty = this.opaque(a.g.select(n.x, 0, n.z));
        return a.add(read(n.y), penalty);
      }
      const inside = a.collapse(this.opaque(a.g.select(n.x, a.g.ones(n.shape), 0)));
      const outside = a.collapse(this.opaque(a.g.select(n.x, a.g.zeros(n.shape), 1)));
      return this.chosen(read(n.y), read(n.z), inside, outside, n.shape);
    }
    const holds = this.random.has(n.x) ? this.agreed(n.x) : a.numbers(this.value(n.x));
    if (holds === undefined) return this.refuse(n);
    if (holds.every((v) => v !== 0)) return read(n.y);
    if (holds.every((v) => v === 0)) return read(n.z);
    const over = a.ofNumbers(Float64Array.from(holds), n.shape).dims.flat();
    const inside = constant(over, Float64Array.from(holds));
    const outside = constant(
      over,
      Float64Array.from(holds, (v) => (v === 0 ? 1 : 0)),
    );
    return this.chosen(read(n.y), read(n.z), inside, outside, n.shape);
  }

  private chosen(
    x: Value,
    y: Value,
    inside: Coefficient,
    outside: Coefficient,
    shape: readonly number[],
  ): Value {
    const { a } = this;
    const axes = [...inside.axes];
    const dims = shape.map((s) => (s === 1 ? [] : [axes.shift() ?? internalError("no axis")]));
    const like: Value = { dims, terms: [] };
    const [, p] = a.align(like, x);
    const [, q] = a.align(like, y);
    return a.add(a.masked(p, inside), a.masked(q, outside));
  }

  /** The values of a node that are the same at all random points; undefined where they differ. */
  private agreed(n: Node): Float64Array | undefined {
    const inputs = topological([n]).filter((x) => x.op === "input");
    let first: Float64Array | undefined;
    for (const given of this.draws) {
      if (!inputs.every((x) => given.has(x))) return undefined;
      const [found] = evaluateWith([n], given);
      if (first === undefined) first = found;
      else if (!found.every((v, i) => v === first?.[i])) return undefined;
    }
    return first;
  }

  /** Elements put to different places of zeros; undefined where two meet. */
  private scattered(n: NodeOf<"scatter_add">): Value | undefined {
    const { a } = this;
    if (this.varies(n.indices) || n.indices.shape.length !== 1) return undefined;
    const to = a.numbers(this.value(n.indices));
    if (to === undefined || new Set(to).size !== to.length) return undefined;
    const size = n.shape[n.axis];
    const from = new Float64Array(size);
    const mask = new Float64Array(size);
    to.forEach((place, k) => {
      from[place] = k;
      mask[place] = 1;
    });
    const moved = a.gather(this.value(n.x), n.axis, from, [size]);
    return a.masked(moved, constant(moved.dims[n.axis], mask));
  }

  /** Running sums as a product with a triangle of ones. */
  private cumulated(n: NodeOf<"cumulative">, x: Value): Value {
    const { a } = this;
    const size = n.shape[n.axis];
    const length = x.dims.length;
    const last = a.transpose(x, [...otherThan(length, n.axis), n.axis]);
    const ones = new Float64Array(size * size);
    for (let from = 0; from < size; from++) {
      for (let to = 0; to < size; to++) {
        const [early, late] = n.reverse ? [to, from] : [from, to];
        ones[from * size + to] = early < late || (early === late && !n.exclusive) ? 1 : 0;
      }
    }
    const rows: Value = { ...last, dims: [...last.dims.slice(0, -1), [], last.dims[length - 1]] };
    const made = a.matmul(rows, a.ofNumbers(ones, [size, size]));
    const dims = [...made.dims.slice(0, -2), made.dims[made.dims.length - 1]];
    const back = Array.from({ length }, (_, k) => {
      if (k === n.axis) return length - 1;
      return k < n.axis ? k : k - 1;
    });
    return a.transpose({ dims, terms: made.terms }, back);
  }

  private triangularSolve(n: NodeOf<"triangular_solve">): Value {
    const { a } = this;
    const inverse = this.random.has(n.l)
      ? inverseFactor(a, this.value(n.l))
      : this.inverseOf(n.l, (l, b) => a.g.triangularSolve(l, b));
    if (inverse === undefined) return this.refuse(n);
    const rank = inverse.dims.length;
    const swap = [...otherThan(rank - 1, rank - 2), rank - 1, rank - 2];
    return a.matmul(n.transposed ? a.transpose(inverse, swap) : inverse, this.value(n.b));
  }

  /** The inverse of a matrix that reads no statistics. */
  private inverseOf(m: Node, solve: (m: Node, b: Node) => Node): Value {
    const { g } = this.a;
    if (m.op === "broadcast" && m.axes.length >= 2) {
      const rank = m.shape.length;
      const own = m.axes.slice(-2);
      if (own[0] === rank - 2 && own[1] === rank - 1) {
        return this.a.broadcast(this.inverseOf(m.x, solve), m.shape, m.axes);
      }
    }
    const d = m.shape[m.shape.length - 1];
    const eye = Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
    const rank = m.shape.length;
    const full = g.broadcast(g.constant(eye, [d, d]), m.shape, [rank - 2, rank - 1]);
    const inverse = solve(m, full);
    return this.varies(m)
      ? this.opaque(inverse)
      : this.a.ofNumbers(evaluateNode(inverse), inverse.shape);
  }

  /** log of the node. */
  log(n: Node): Value {
    const known = this.logs.get(n);
    if (known !== undefined) return known;
    const made = this.makeLog(n);
    this.logs.set(n, made);
    return made;
  }

  private makeLog(n: Node): Value {
    const { a } = this;
    if (!this.random.has(n)) {
      return this.varies(n)
        ? this.opaque(a.g.log(n))
        : a.map(this.value(n), Math.log, (x) => a.g.log(x));
    }
    // Where the whole has no logarithm (a factor off its diagonal), what is taken of it may.
    const moved = attempt(() => this.moved(n, (x) => this.log(x)));
    if (moved !== undefined) return moved;
    switch (n.op) {
      case "unary":
        if (n.fn === "exp") return this.value(n.x);
        if (n.fn === "square") return a.scale(this.log(n.x), 2);
        if (n.fn === "sqrt") return a.scale(this.log(n.x), 0.5);
        if (n.fn === "reciprocal") return a.scale(this.log(n.x), -1);
        break;
      case "binary":
        if (n.fn === "mul" && this.isPositive(n.x) && this.isPositive(n.y)) {
          return a.add(this.log(n.x), this.log(n.y));
        }
        if (n.fn === "div" && this.isPositive(n.x) && this.isPositive(n.y)) {
          return a.add(this.log(n.x), a.scale(this.log(n.y), -1));
        }
        if (n.fn === "sub" && uniformValue(n.x) === 1) return this.logComplement(n.y);
        if (n.fn === "pow" && !this.random.has(n.y)) {
          return a.mul(this.log(n.x), this.value(n.y));
        }
        break;
      case "ternary":
        if (n.fn === "select") return this.selected(n, (x) => this.log(x));
        break;
      case "reduce":
        if (n.fn === "prod") return a.sum(this.log(n.x), n.axes);
        break;
      case "cumulative":
        if (n.fn === "prod") return this.cumulated(n, this.log(n.x));
        break;
      default:
    }
    return this.logOfTerm(n);
  }

  private isPositive(n: Node): boolean {
    if (this.varies(n)) return true;
    return everyNumber(this.a.collapse(this.value(n)), (v) => v >= 0);
  }

  private logOfTerm(n: Node): Value {
    const { a } = this;
    const v = this.value(n);
    const [t] = v.terms;
    if (v.terms.length !== 1 || t.sums.length > 0) {
      return this.refuse(n, "the logarithm of a sum", v);
    }
    let out: Value = { dims: v.dims, terms: [] };
    for (const c of t.coefficients) {
      const log = a.map(a.ofCoefficient(c, v.dims), Math.log, (x) => a.g.log(x));
      out = a.add(out, log);
    }
    for (const r of t.readings) {
      const { factor, reading } = readingLog(r, a.sites);
      out = a.add(out, a.scale(a.ofReading(reading, v.dims), factor));
    }
    return out;
  }

  /** log(1 + v) where v is −p of a p in the unit interval. */
  private logOnePlus(n: Node): Value {
    const { a } = this;
    if (!this.random.has(n)) {
      return this.varies(n)
        ? this.opaque(a.g.log1p(n))
        : a.map(this.value(n), Math.log1p, (x) => a.g.log1p(x));
    }
    if (n.op === "unary" && n.fn === "neg") return this.logComplement(n.x);
    if (n.op === "ternary" && n.fn === "select") {
      return this.selected(n, (x) => this.logOnePlus(x));
    }
    return this.moved(n, (x) => this.logOnePlus(x)) ?? this.refuse(n, "the logarithm of a sum");
  }

  /** log(1 − v) of a value in the unit interval. */
  private logComplement(n: Node): Value {
    const { a } = this;
    const moved = this.moved(n, (x) => this.logComplement(x));
    if (moved !== undefined && this.random.has(n)) return moved;
    if (n.op === "ternary" && n.fn === "select") {
      return this.selected(n, (x) => this.logComplement(x));
    }
    if (!this.random.has(n)) {
      return this.varies(n)
        ? this.opaque(a.g.log1p(a.g.neg(n)))
        : a.map(
            this.value(n),
            (x) => Math.log1p(-x),
            (x) => a.g.log1p(a.g.neg(x)),
          );
    }
    if (n.op === "binary" && n.fn === "sub" && uniformValue(n.x) === 1) return this.log(n.y);
    const v = this.value(n);
    const [t] = v.terms;
    const r: Reading | undefined = t?.readings[0];
    const alone = v.terms.length === 1 && t.sums.length === 0 && t.readings.length === 1;
    if (!alone || t.coefficients.length > 0 || !isValue(r) || !a.sites[r.site].isUnit) {
      return this.refuse(n, "the logarithm of a difference", v);
    }
    return a.ofReading({ ...r, fn: { kind: "log1m" } }, v.dims);
  }

  /** The node to a constant power. */
  power(n: Node, p: number): Value {
    if (p === 1) return this.value(n);
    const key = `${n.id}:${p}`;
    const known = this.powers.get(key);
    if (known !== undefined) return known;
    const made = this.makePower(n, p);
    this.powers.set(key, made);
    return made;
  }

  private makePower(n: Node, p: number): Value {
    const { a } = this;
    if (!this.random.has(n)) {
      const c = this.varies(n) ? a.collapse(this.opaque(n)) : a.collapse(this.value(n));
      return a.ofCoefficient(powerOf(a.g, c, p), this.value(n).dims);
    }
    const moved = this.moved(n, (x) => this.power(x, p));
    if (moved !== undefined) return moved;
    switch (n.op) {
      case "unary":
        if (n.fn === "neg" && p === -1) return a.scale(this.power(n.x, p), -1);
        if (n.fn === "sqrt") return this.power(n.x, p / 2);
        if (n.fn === "reciprocal") return this.power(n.x, -p);
        if (n.fn === "square" && 2 * p === Math.round(2 * p) && p > 0 && p % 1 === 0) {
          return this.power(n.x, 2 * p);
        }
        break;
      case "binary": {
        const signs = p === -1 || (this.isPositive(n.x) && this.isPositive(n.y));
        if (n.fn === "mul" && signs) return a.mul(this.power(n.x, p), this.power(n.y, p));
        if (n.fn === "div" && signs) return a.mul(this.power(n.x, p), this.power(n.y, -p));
        if (n.fn === "pow") {
          const q = this.exponentOf(n.y);
          if (q !== undefined) return this.power(n.x, p * q);
        }
        break;
      }
      case "ternary":
        if (n.fn === "select") return this.selected(n, (x) => this.power(x, p));
        break;
      default:
    }
    return this.powerOfTerm(n, p);
  }

  private powerOfTerm(n: Node, p: number): Value {
    const { a } = this;
    const v = this.value(n);
    const [t] = v.terms;
    const single = v.terms.length === 1 && t.sums.length === 0;
    const positive = single && t.readings.every((r) => a.sites[r.site].isPositive);
    if (!positive && Number.isInteger(p) && p > 0 && p <= 4) {
      let out = v;
      for (let k = 1; k < p; k++) out = a.mul(out, v);
      return out;
    }
    if (!single) return this.refuse(n, `a sum to the power of ${p}`, v);
    const readings = t.readings.map((r) => readingPower(r, p, a.sites));
    let coefficients: Coefficient[] = [];
    for (const c of t.coefficients) {
      coefficients = withFactor(a.g, coefficients, powerOf(a.g, c, p));
    }
    return { dims: v.dims, terms: [{ coefficients, readings, sums: [] }] };
  }

  /** The sites that a node reads stand in the way. */
  private refuse(n: Node, what?: string, v?: Value): never {
    const read = new Set(topological([n]));
    const sites = new Set(
      v !== undefined
        ? sitesOf(v.terms)
        : this.a.sites.flatMap((s, k) => (read.has(s.direct.input) && !s.isPoint ? [k] : [])),
    );
    const names = [...sites].map((k) => `\`${this.a.sites[k].name}\``).join(", ");
    const verb = sites.size === 1 ? "enters" : "enter";
    throw new Obstacle(sites, `${names} ${verb} through ${what ?? describe(n)}`);
  }
}

const otherThan = (length: number, axis: number): number[] =>
  Array.from({ length }, (_, k) => k).filter((k) => k !== axis);

/** What `f` gives; undefined where it meets an obstacle. */
function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (e) {
    if (e instanceof Obstacle) return undefined;
    throw e;
  }
}

function everyNumber(c: Coefficient, holds: (v: number) => boolean): boolean {
  return c.kind === "node" || c.data.every(holds);
}

/** An operation in words. */
function describe(n: Node): string {
  switch (n.op) {
    case "unary":
    case "binary":
    case "ternary":
      return n.fn === "select" ? "a condition" : n.fn;
    case "scan":
    case "output":
      return "a recurrence";
    case "reduce":
      return `a ${n.fn}`;
    default:
      return n.op.replace("_", " ");
  }
}
