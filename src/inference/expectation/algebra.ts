/** Arithmetic of values: sums, products, and the moves of elements that every array operation is. */
import { internalError } from "../../base/internal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Shape } from "../../tensor/ops.js";
import { constant, isZero, multiply, scalarConstant } from "./arrays.js";
import { mapped, numbersOver, sumOfConstants, total, whole, withFactor } from "./coefficients.js";
import { multiplyReadings } from "./readings.js";
import type { SiteFacts } from "./sites.js";
import { rename, replace } from "./substitute.js";
import { sumTerm } from "./summation.js";
import {
  type Axis,
  AxisSource,
  axesSize,
  type Coefficient,
  type Constant,
  isPure,
  type Reading,
  type Term,
  type Value,
} from "./terms.js";

export class Algebra {
  readonly axes = new AxisSource();

  constructor(
    readonly g: GraphBuilder,
    readonly sites: readonly SiteFacts[],
  ) {}

  /** A value of one coefficient. */
  ofCoefficient(c: Coefficient, dims: Value["dims"]): Value {
    return { dims, terms: c.kind === "constant" && isZero(c) ? [] : [term([c])] };
  }

  ofReading(r: Reading, dims: Value["dims"]): Value {
    return { dims, terms: [{ coefficients: [], readings: [r], sums: [] }] };
  }

  /** Known numbers as a value of that shape. */
  ofNumbers(data: Float64Array, shape: Shape): Value {
    const dims = shape.map((s) => this.axes.dim(s));
    if (data.length > 1 && data.every((v) => Object.is(v, data[0]))) {
      return this.ofCoefficient(scalarConstant(data[0]), dims);
    }
    return this.ofCoefficient(constant(dims.flat(), data), dims);
  }

  full(shape: Shape, v: number): Value {
    return this.ofCoefficient(
      scalarConstant(v),
      shape.map((s) => this.axes.dim(s)),
    );
  }

  /** A pure value as one coefficient. */
  collapse(v: Value): Coefficient {
    if (!isPure(v)) internalError("a value that reads sites is no coefficient");
    const parts = v.terms.map((t) => whole(this.g, t.coefficients, t.sums));
    if (parts.length === 0) return scalarConstant(0);
    return parts.reduce((a, b) => total(this.g, a, b));
  }

  /** The numbers of a known pure value, row-major; undefined where it depends on points. */
  numbers(v: Value): Float64Array | undefined {
    const c = this.collapse(v);
    return c.kind === "constant" ? numbersOver(c, v.dims.flat()) : undefined;
  }

  /** The second value with the dims of the first. */
  align(x: Value, y: Value): [Value, Value] {
    let a = x;
    let b = y;
    for (let k = 0; k < x.dims.length; k++) [a, b] = this.alike(a, k, b, k);
    const map = new Map<Axis, readonly Axis[]>();
    b.dims.forEach((comps, k) => {
      comps.forEach((axis, i) => {
        map.set(axis, [a.dims[k][i]]);
      });
    });
    return [a, { dims: a.dims, terms: b.terms.map((t) => rename(this.g, t, map)) }];
  }

  /** Both with composites of the same sizes at a dimension. */
  private alike(x: Value, i: number, y: Value, j: number): [Value, Value] {
    const sx = x.dims[i].map((a) => a.size);
    const sy = y.dims[j].map((a) => a.size);
    if (sx.length === sy.length && sx.every((s, k) => s === sy[k])) return [x, y];
    const sizes = commonFactors(sx, sy);
    return sizes === undefined
      ? [this.regroup(x, i, [product(sx)]), this.regroup(y, j, [product(sx)])]
      : [this.regroup(x, i, sizes), this.regroup(y, j, sizes)];
  }

  /** One dimension as the composite of axes of the given sizes. */
  private regroup(v: Value, k: number, sizes: readonly number[]): Value {
    const comps = this.split(v, v.dims[k], sizes);
    if (comps !== undefined) {
      const dims = comps.value.dims.map((d, i) => (i === k ? comps.axes : d));
      return { dims, terms: comps.value.terms };
    }
    const axes = sizes.map((s) => this.axes.make(s));
    const at = Int32Array.from({ length: product(sizes) }, (_, i) => i);
    const taken = this.take(v, k, axes, at);
    return { dims: v.dims.map((d, i) => (i === k ? axes : d)), terms: taken };
  }

  /** Splits axes of a composite so that it has the given sizes; undefined where they straddle. */
  private split(
    v: Value,
    comps: readonly Axis[],
    sizes: readonly number[],
  ): { readonly value: Value; readonly axes: readonly Axis[] } | undefined {
    const map = new Map<Axis, readonly Axis[]>();
    const out: Axis[] = [];
    let k = 0;
    for (const axis of comps) {
      const parts: number[] = [];
      let left = axis.size;
      while (left > 1) {
        const size = sizes[k];
        if (size === undefined || left % size !== 0) return undefined;
        parts.push(size);
        left /= size;
        k++;
      }
      if (axis.size === 0) {
        parts.push(0);
        k++;
      }
      const made = parts.length === 1 ? [axis] : parts.map((s) => this.axes.make(s));
      if (parts.length > 1) map.set(axis, made);
      out.push(...made);
    }
    if (k !== sizes.length) return undefined;
    if (map.size === 0) return { value: v, axes: out };
    return {
      axes: out,
      value: {
        dims: v.dims.map((d) => d.flatMap((a) => map.get(a) ?? [a])),
        terms: v.terms.map((t) => rename(this.g, t, map)),
      },
    };
  }

  /** Terms with a dimension's composite at `at`, a position for each element over `added`. */
  private take(v: Value, k: number, added: readonly Axis[], at: Int32Array): Term[] {
    const comps = v.dims[k];
    if (comps.length === 0) return [...v.terms];
    const maps = new Map<Axis, Int32Array>();
    let stride = 1;
    for (let i = comps.length - 1; i >= 0; i--) {
      const { size } = comps[i];
      const below = stride;
      maps.set(
        comps[i],
        at.map((p) => Math.floor(p / below) % size),
      );
      stride *= size;
    }
    return v.terms.map((t) => replace(this.g, t, { added, maps }));
  }

  /** Elements at known positions along a dimension, which `shape` takes the place of. */
  gather(v: Value, k: number, at: ArrayLike<number>, shape: Shape): Value {
    const added = shape.map((s) => this.axes.dim(s));
    const terms = this.take(v, k, added.flat(), Int32Array.from(at));
    return { dims: [...v.dims.slice(0, k), ...added, ...v.dims.slice(k + 1)], terms };
  }

  slice(v: Value, starts: readonly number[], sizes: Shape, shape: Shape): Value {
    return starts.reduce((x, start, k) => {
      if (sizes[k] === shape[k]) return x;
      return this.gather(
        x,
        k,
        Array.from({ length: sizes[k] }, (_, i) => start + i),
        [sizes[k]],
      );
    }, v);
  }

  /** `v` placed at `start` along a dimension of `size`; zero elsewhere. */
  place(v: Value, k: number, start: number, size: number): Value {
    const from = axesSize(v.dims[k]);
    if (from === size) return v;
    if (from === 0)
      return { dims: v.dims.map((d, i) => (i === k ? this.axes.dim(size) : d)), terms: [] };
    const inside = (i: number): boolean => i >= start && i < start + from;
    const at = Array.from({ length: size }, (_, i) => (inside(i) ? i - start : 0));
    const moved = this.gather(v, k, at, [size]);
    const mask = Float64Array.from({ length: size }, (_, i) => (inside(i) ? 1 : 0));
    return this.masked(moved, constant(moved.dims[k], mask));
  }

  /** Every term times a 0/1 array. */
  masked(v: Value, mask: Coefficient): Value {
    const terms = v.terms.flatMap((t) => this.nonZero(withCoefficient(this.g, t, mask)));
    return { dims: v.dims, terms };
  }

  private nonZero(t: Term): Term[] {
    return t.coefficients.some((c) => c.kind === "constant" && isZero(c)) ? [] : [t];
  }

  reshape(v: Value, shape: Shape): Value {
    if (shape.includes(0)) return { dims: shape.map((s) => this.axes.dim(s)), terms: [] };
    const all = v.dims.flat();
    const sizes = shape.filter((s) => s !== 1);
    const finest = commonFactors(
      all.map((a) => a.size),
      sizes,
    );
    const flat: Value = { dims: [all], terms: v.terms };
    const made = this.regroup(flat, 0, finest ?? sizes);
    const axes = [...made.dims[0]];
    const dims = shape.map((size) => {
      const own: Axis[] = [];
      if (size === 1) return own;
      let n = 1;
      do {
        const a = axes.shift() ?? internalError("reshape runs out of axes");
        own.push(a);
        n *= a.size;
      } while (n < size && n > 0);
      return own;
    });
    return { dims, terms: made.terms };
  }

  transpose(v: Value, perm: readonly number[]): Value {
    return { dims: perm.map((k) => v.dims[k]), terms: v.terms };
  }

  broadcast(v: Value, shape: Shape, axes: readonly number[]): Value {
    const dims = shape.map((s, k) => {
      const own = axes.indexOf(k);
      return own < 0 ? this.axes.dim(s) : v.dims[own];
    });
    return { dims, terms: v.terms };
  }

  add(x: Value, y: Value): Value {
    const [a, b] = this.align(x, y);
    return { dims: a.dims, terms: this.gatherConstants([...a.terms, ...b.terms]) };
  }

  /** Known terms are added up where the sum is no larger than they are. */
  private gatherConstants(terms: readonly Term[]): Term[] {
    const out: Term[] = [];
    for (const t of terms) {
      const c = knownOf(t);
      const k = c === undefined ? -1 : out.findIndex((o) => isSummable(c, knownOf(o)));
      const d = k < 0 ? undefined : knownOf(out[k]);
      if (c === undefined || d === undefined) {
        out.push(t);
        continue;
      }
      out[k] = term([sumOfConstants(numbersOf(d), numbersOf(c))]);
    }
    return out.flatMap((t) => this.nonZero(t));
  }

  scale(v: Value, factor: number): Value {
    if (factor === 0) return { dims: v.dims, terms: [] };
    const c = scalarConstant(factor);
    return { dims: v.dims, terms: v.terms.map((t) => withCoefficient(this.g, t, c)) };
  }

  mul(x: Value, y: Value): Value {
    const [a, b] = this.align(x, y);
    const terms = a.terms.flatMap((s) => b.terms.flatMap((t) => this.times(s, t)));
    return { dims: a.dims, terms };
  }

  square(x: Value): Value {
    const terms = x.terms.flatMap((s, i) => {
      const later = x.terms.slice(i + 1).flatMap((t) => this.times(s, t));
      const two = scalarConstant(2);
      return [...this.times(s, s), ...later.map((t) => withCoefficient(this.g, t, two))];
    });
    return { dims: x.dims, terms: this.gatherConstants(terms) };
  }

  private times(s: Term, t: Term): Term[] {
    const fresh = new Map(t.sums.map((a) => [a, [this.axes.make(a.size)]] as const));
    const u = fresh.size === 0 ? t : rename(this.g, t, fresh);
    let coefficients = s.coefficients;
    for (const c of u.coefficients) coefficients = withFactor(this.g, coefficients, c);
    const readings = multiplyReadings([...s.readings, ...u.readings], this.sites);
    return this.nonZero({ coefficients, readings, sums: [...s.sums, ...u.sums] });
  }

  /** Σ over dimensions, which leave. */
  sum(v: Value, dims: readonly number[]): Value {
    // Axes of their own: the value's stay dims of whatever else is made of it.
    const fresh = new Map(
      dims.flatMap((k) => v.dims[k]).map((a) => [a, [this.axes.make(a.size)]] as const),
    );
    const axes = [...fresh.values()].flat();
    const summed = v.terms.flatMap((t) =>
      this.nonZero(sumTerm(this.g, this.sites, rename(this.g, t, fresh), axes)),
    );
    return {
      dims: v.dims.filter((_, k) => !dims.includes(k)),
      terms: this.gatherConstants(summed),
    };
  }

  /** `[…b, m, k] × […b, k, n]`, a batch absent on one side or the same. */
  matmul(x: Value, y: Value): Value {
    const fresh = new Map(y.dims.flat().map((a) => [a, [this.axes.make(a.size)]] as const));
    const right: Value = {
      dims: y.dims.map((d) => d.flatMap((a) => fresh.get(a) ?? [a])),
      terms: y.terms.map((t) => rename(this.g, t, fresh)),
    };
    const batchX = x.dims.slice(0, -2);
    const batchY = right.dims.slice(0, -2);
    const [m, k] = x.dims.slice(-2);
    const [k2, n] = right.dims.slice(-2);
    const pad = (own: Value["dims"], other: Value["dims"]): Value["dims"] =>
      own.length > 0 ? own : other.map((d) => d.map((a) => this.axes.make(a.size)));
    const left: Value = { dims: [...pad(batchX, batchY), m, k, n], terms: x.terms };
    const spread: Value = {
      dims: [...pad(batchY, batchX), m.map((a) => this.axes.make(a.size)), k2, n],
      terms: right.terms,
    };
    const last = left.dims.length - 2;
    return this.sum(this.mul(left, spread), [last]);
  }

  /** A pure value with a function of its elements taken. */
  map(v: Value, f: (x: number) => number, onNode: Parameters<typeof mapped>[2]): Value {
    return this.ofCoefficient(mapped(this.collapse(v), f, onNode), v.dims);
  }
}

export function term(coefficients: readonly Coefficient[]): Term {
  return { coefficients, readings: [], sums: [] };
}

export function withCoefficient(g: GraphBuilder, t: Term, c: Coefficient): Term {
  return { ...t, coefficients: withFactor(g, t.coefficients, c) };
}

/** A term that is one known array, and perhaps a number that it is multiplied with. */
interface KnownTerm {
  readonly axes: readonly Axis[];
  readonly factors: readonly Constant[];
}

function knownOf(t: Term): KnownTerm | undefined {
  if (t.readings.length > 0 || t.sums.length > 0) return undefined;
  const factors = t.coefficients.filter((c): c is Constant => c.kind === "constant");
  const arrays = factors.filter((c) => c.axes.length > 0);
  if (factors.length !== t.coefficients.length || arrays.length > 1) return undefined;
  return { axes: arrays[0]?.axes ?? [], factors };
}

const numbersOf = ({ factors }: KnownTerm): Constant => factors.reduce(multiply, scalarConstant(1));

/** Whether a sum is no larger than the larger of two. */
function isSummable(a: KnownTerm, b: KnownTerm | undefined): boolean {
  if (b === undefined) return false;
  const [less, more] = a.axes.length < b.axes.length ? [a, b] : [b, a];
  return less.axes.every((x) => more.axes.includes(x));
}

const product = (sizes: readonly number[]): number => sizes.reduce((n, s) => n * s, 1);

/** The coarsest list of sizes that refines both; undefined where their borders do not nest. */
function commonFactors(x: readonly number[], y: readonly number[]): number[] | undefined {
  if (x.includes(0) || y.includes(0)) return undefined;
  const out: number[] = [];
  let [i, j] = [0, 0];
  let [a, b] = [1, 1];
  while (i < x.length || j < y.length || a > 1 || b > 1) {
    if (a === 1) a = x[i++] ?? 1;
    if (b === 1) b = y[j++] ?? 1;
    const least = Math.min(a, b);
    if (least === 1 || a % least !== 0 || b % least !== 0) return undefined;
    out.push(least);
    a /= least;
    b /= least;
  }
  return out;
}
