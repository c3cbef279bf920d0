/**
 * Reads nodes as values of the algebra: as they are, as their logarithm, or as a power. Logarithms
 * and powers are taken node by node where products and moves of elements allow it, so that what
 * has several pieces (concatenations, cumulative products) needs no single term.
 */
import { internalError } from "../../base/internal.js";
import { stream } from "../../math/rng/random.js";
import { uniformValue } from "../../tensor/elementwise-builder.js";
import { evaluateNode } from "../../tensor/evaluate.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import { dependents, operandsOf, topological } from "../../tensor/traverse.js";
import type { Algebra } from "./algebra.js";
import { Known } from "./known.js";
import { logOnePlus, makeLog } from "./logs.js";
import {
  choleskyOf,
  diagonalOf,
  inverseFactor,
  inverseMatrix,
  logDeterminantOf,
} from "./matrices.js";
import { cumulated, moved, otherThan, scattered } from "./moves.js";
import { makePower } from "./powers.js";
import { randomPoint } from "./sites.js";
import { axesSize, type Coefficient, Obstacle, sitesOf, type Value } from "./terms.js";

/** Random points of the supports at which a condition must agree to count as known. */
const TRIALS = 3;
const SEED = 20_181_203;

export class Reader {
  private readonly values = new Map<Node, Value>();
  private readonly logs = new Map<Node, Value>();
  private readonly powers = new Map<string, Value>();
  /** Whether nodes depend on any input. */
  private readonly dependence = new Map<Node, boolean>();
  /** Nodes that depend on an input that is read through its statistics. */
  readonly random: ReadonlySet<Node>;
  private readonly leaves = new Map<Node, Value>();
  private readonly constants: Known;
  private readonly draws: readonly ReadonlyMap<Node, Float64Array>[];

  constructor(
    readonly a: Algebra,
    outputs: readonly Node[],
  ) {
    this.constants = new Known(a);
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
  varies(n: Node): boolean {
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
        : this.constants.value(n);
    this.values.set(n, made);
    return made;
  }

  /** A node that depends on points: one coefficient, without the axes that it repeats along. */
  opaque(n: Node): Value {
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

  /** Operations that move elements, of whatever `read` gives for their operands. */
  moved(n: Node, read: (x: Node) => Value): Value | undefined {
    return moved(this.a, n, read, (x) => this.numbers(x));
  }

  /** The numbers of a node of constants; undefined for others. */
  private numbers(n: Node): Float64Array | undefined {
    return this.varies(n) ? undefined : this.a.numbers(this.value(n));
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
        return this.scattered(n);
      case "reduce":
        if (n.fn === "sum") return a.sum(this.value(n.x), n.axes);
        break;
      case "cumulative":
        if (n.fn === "sum") return cumulated(a, n, this.value(n.x));
        break;
      case "matmul":
        return this.matrixProduct(this.value(n.x), this.value(n.y));
      case "cholesky":
        return choleskyOf(a, this.value(n.x));
      case "triangular_solve":
        return this.triangularSolve(n);
      case "solve": {
        const inverse = this.random.has(n.a)
          ? inverseMatrix(a, this.value(n.a))
          : this.inverseOf(n.a, (l, b) => a.g.solve(l, b));
        if (inverse !== undefined) return this.matrixProduct(inverse, this.value(n.b));
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
        return logOnePlus(this, n.x);
      case "exp":
        if (n.x.op === "unary" && n.x.fn === "log") return this.value(n.x.x);
        break;
      case "abs":
        if (this.holds(a.g.ge(n.x, 0), true)) return this.value(n.x);
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
        if (this.holds(first, true)) return this.value(x);
        if (this.holds(first, false)) return this.value(y);
        break;
      }
      default: {
        const known = n.dtype === "bool" ? this.agreed(n) : undefined;
        if (known !== undefined) return known;
      }
    }
    return this.refuse(n);
  }

  exponentOf(y: Node): number | undefined {
    if (this.varies(y)) return undefined;
    const c = this.a.collapse(this.value(y));
    return c.kind === "constant" && c.axes.length === 0 ? c.data[0] : uniformValue(y);
  }

  /** `condition ? x : y` of what `read` gives, where the condition is known. */
  selected(n: NodeOf<"ternary">, read: (x: Node) => Value): Value {
    const { a } = this;
    if (this.varies(n.x) && !this.random.has(n.x)) {
      // Points decide: a mask at run time. An infinite branch is a bound, and is added.
      const other = uniformValue(n.z);
      if (other !== undefined && !Number.isFinite(other)) {
        const penalty = this.opaque(a.g.select(n.x, 0, n.z));
        return a.add(read(n.y), penalty);
      }
      const inside = this.opaque(a.g.select(n.x, a.g.ones(n.shape), 0));
      const outside = this.opaque(a.g.select(n.x, a.g.zeros(n.shape), 1));
      return a.add(a.mul(read(n.y), inside), a.mul(read(n.z), outside));
    }
    const holds = this.random.has(n.x) ? this.agreed(n.x) : this.value(n.x);
    if (holds === undefined) return this.refuse(n);
    if (every(a, holds, true)) return read(n.y);
    if (every(a, holds, false)) return read(n.z);
    const outside = a.map(
      holds,
      (v) => (v === 0 ? 1 : 0),
      (x) => x,
    );
    return a.add(a.mul(read(n.y), holds), a.mul(read(n.z), outside));
  }

  /** The value of a node that is the same at all random points; undefined where they differ. */
  private agreed(n: Node): Value | undefined {
    const { a } = this;
    const inputs = topological([n]).filter((x) => x.op === "input");
    let first: Value | undefined;
    for (const given of this.draws) {
      if (!inputs.every((x) => given.has(x))) return undefined;
      const outer = (x: Node): Value | undefined => (this.varies(x) ? undefined : this.value(x));
      const found = new Known(a, given, outer).value(n);
      if (first === undefined) first = found;
      else if (!isEqual(a, first, found)) return undefined;
    }
    return first;
  }

  /** A matrix product; with a diagonal factor, rows or columns are scaled. */
  private matrixProduct(x: Value, y: Value): Value {
    const { a } = this;
    const scaled = (matrix: Value, by: Value, isRows: boolean): Value => {
      const shape = matrix.dims.map(axesSize);
      const rank = shape.length;
      const own = by.dims.map((_, k) => rank - 1 - by.dims.length + k);
      const last = isRows ? rank - 2 : rank - 1;
      return a.mul(matrix, a.broadcast(by, shape, [...own.slice(0, -1), last]));
    };
    const fits = (matrix: Value, other: Value): boolean => other.dims.length >= matrix.dims.length;
    const left = fits(x, y) ? diagonalOf(a, x) : undefined;
    if (left !== undefined) return scaled(y, left, true);
    const right = fits(y, x) ? diagonalOf(a, y) : undefined;
    return right === undefined ? a.matmul(x, y) : scaled(x, right, false);
  }

  /** Whether a condition is true (or false) everywhere on the supports. */
  private holds(n: Node, wanted: boolean): boolean {
    const found = this.agreed(n);
    return found !== undefined && every(this.a, found, wanted);
  }

  private scattered(n: NodeOf<"scatter_add">): Value {
    const to = this.numbers(n.indices);
    const made = to === undefined ? undefined : scattered(this.a, n, this.value(n.x), to);
    return made ?? this.refuse(n);
  }

  private triangularSolve(n: NodeOf<"triangular_solve">): Value {
    const { a } = this;
    const inverse = this.random.has(n.l)
      ? inverseFactor(a, this.value(n.l))
      : this.inverseOf(n.l, (l, b) => a.g.triangularSolve(l, b));
    if (inverse === undefined) return this.refuse(n);
    const rank = inverse.dims.length;
    const swap = [...otherThan(rank - 1, rank - 2), rank - 1, rank - 2];
    const left = n.transposed ? a.transpose(inverse, swap) : inverse;
    return this.matrixProduct(left, this.value(n.b));
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

  /** Known to be no negative number, or unknown. */
  isPositive(n: Node): boolean {
    if (this.varies(n)) return true;
    return everyNumber(this.a.collapse(this.value(n)), (v) => v >= 0);
  }

  /** log of the node. */
  log(n: Node): Value {
    const known = this.logs.get(n);
    if (known !== undefined) return known;
    const made = makeLog(this, n);
    this.logs.set(n, made);
    return made;
  }

  /** The node to a constant power. */
  power(n: Node, p: number): Value {
    if (p === 1) return this.value(n);
    const key = `${n.id}:${p}`;
    const known = this.powers.get(key);
    if (known !== undefined) return known;
    const made = makePower(this, n, p);
    this.powers.set(key, made);
    return made;
  }

  /** The sites that a node reads stand in the way. */
  refuse(n: Node, what?: string, v?: Value): never {
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

/** Whether all elements of a known condition are true, or all false. */
function every(a: Algebra, v: Value, wanted: boolean): boolean {
  return everyNumber(a.collapse(v), (x) => (x !== 0) === wanted);
}

function isEqual(a: Algebra, x: Value, y: Value): boolean {
  const [p, q] = [a.collapse(x), a.collapse(y)];
  if (p.kind === "node" || q.kind === "node") return false;
  const [v] = p.data;
  if (p.data.every((e) => e === v) && q.data.every((e) => e === v)) return true;
  const alike =
    p.axes.length === q.axes.length && p.axes.every((s, k) => s.size === q.axes[k].size);
  return alike && p.data.every((e, i) => e === q.data[i]);
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
