/** Arrays of numbers over named axes, on the host: alignment, products, contractions. */
import { type Axis, axesSize, type Constant, unionOf } from "./terms.js";

/** Row-major strides of `from`'s axes by axis. */
export function stridesBy(from: readonly Axis[]): Map<Axis, number> {
  const strides = new Map<Axis, number>();
  let s = 1;
  for (let k = from.length - 1; k >= 0; k--) {
    strides.set(from[k], s);
    s *= from[k].size;
  }
  return strides;
}

/** Offsets into an array with the given strides (0 where absent) for each element over `to`. */
export function offsets(to: readonly Axis[], strides: ReadonlyMap<Axis, number>): Int32Array {
  let out = new Int32Array(1);
  for (const axis of to) {
    const { size } = axis;
    const stride = strides.get(axis) ?? 0;
    const next = new Int32Array(out.length * size);
    for (let i = 0, at = 0; i < out.length; i++) {
      for (let k = 0; k < size; k++) next[at++] = out[i] + k * stride;
    }
    out = next;
  }
  return out;
}

const sameAxes = (a: readonly Axis[], b: readonly Axis[]): boolean =>
  a.length === b.length && a.every((x, k) => x === b[k]);

/** An index map over `from`, repeated and reordered over `to` (which contains `from`). */
export function spreadIndex(
  index: Int32Array,
  from: readonly Axis[],
  to: readonly Axis[],
): Int32Array {
  if (sameAxes(from, to)) return index;
  const at = offsets(to, stridesBy(from));
  for (let i = 0; i < at.length; i++) at[i] = index[at[i]];
  return at;
}

/** The same of numbers. Not always a copy. */
export function spreadData(
  data: Float64Array,
  from: readonly Axis[],
  to: readonly Axis[],
): Float64Array {
  const own = from.filter((a) => a.size !== 1);
  const wanted = to.filter((a) => a.size !== 1);
  if (sameAxes(own, wanted)) return data;
  const out = new Float64Array(axesSize(to));
  const start = wanted.indexOf(own[0]);
  if (own.length === 0) return out.fill(data[0]);
  if (own.every((a, k) => wanted[start + k] === a)) {
    // Whole pieces that repeat: no index for each number.
    const inner = axesSize(wanted.slice(start + own.length));
    const period = data.length * inner;
    for (let i = 0; i < data.length; i++) out.fill(data[i], i * inner, (i + 1) * inner);
    for (let at = period; at < out.length; at += period) out.copyWithin(at, 0, period);
    return out;
  }
  const at = offsets(to, stridesBy(from));
  for (let i = 0; i < at.length; i++) out[i] = data[at[i]];
  return out;
}

/** 0 times anything is 0: what a mask switches off stays off, infinite or not. */
export const times = (x: number, y: number): number => (x === 0 || y === 0 ? 0 : x * y);

export function constant(axes: readonly Axis[], data: Float64Array): Constant {
  return { kind: "constant", axes, data };
}

export const scalarConstant = (v: number): Constant => constant([], Float64Array.of(v));

/** `f` of the elements of two arrays over the union of their axes. */
export function zip(a: Constant, b: Constant, f: (x: number, y: number) => number): Constant {
  const axes = b.axes.length > a.axes.length ? unionOf([b, a]) : unionOf([a, b]);
  const x = spreadData(a.data, a.axes, axes);
  const y = spreadData(b.data, b.axes, axes);
  const out = new Float64Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = f(x[i], y[i]);
  return constant(axes, out);
}

export function multiply(a: Constant, b: Constant): Constant {
  if (b.axes.length === 0) return scale(a, b.data[0]);
  return a.axes.length === 0 ? scale(b, a.data[0]) : zip(a, b, times);
}

export function scale(a: Constant, factor: number): Constant {
  if (factor === 1) return a;
  const out = new Float64Array(a.data.length);
  if (factor === 0) return constant(a.axes, out);
  for (let i = 0; i < out.length; i++) out[i] = a.data[i] === 0 ? 0 : a.data[i] * factor;
  return constant(a.axes, out);
}

export const isZero = (a: Constant): boolean => a.data.every((v) => v === 0);

/** Sums `axes` out. */
export function sumOut(a: Constant, axes: ReadonlySet<Axis>): Constant {
  const kept = a.axes.filter((x) => !axes.has(x));
  if (kept.length === a.axes.length) return a;
  const to = offsets(a.axes, stridesBy(kept));
  const out = new Float64Array(axesSize(kept));
  const lost = new Float64Array(out.length);
  for (let i = 0; i < to.length; i++) {
    const o = to[i];
    const before = out[o];
    const v = a.data[i];
    const sum = before + v;
    out[o] = sum;
    // Compensated (Neumaier 1974): sums over all data are formed once and used for ever.
    lost[o] += Math.abs(before) >= Math.abs(v) ? before - sum + v : v - sum + before;
  }
  return constant(
    kept,
    out.map((v, o) => (Number.isFinite(lost[o]) ? v + lost[o] : v)),
  );
}

/** Σ over `axes` of the product, without forming it; all of `axes` are in both. */
export function contract(a: Constant, b: Constant, axes: readonly Axis[]): Constant {
  const summed = new Set(axes);
  const inB = new Set(b.axes);
  const inA = new Set(a.axes);
  const batch = a.axes.filter((x) => inB.has(x) && !summed.has(x));
  const left = a.axes.filter((x) => !inB.has(x));
  const right = b.axes.filter((x) => !inA.has(x));
  const x = spreadData(a.data, a.axes, [...batch, ...axes, ...left]);
  const y = spreadData(b.data, b.axes, [...batch, ...axes, ...right]);
  const [nb, ns, nl, nr] = [batch, axes, left, right].map(axesSize);
  const out = new Float64Array(nb * nl * nr);
  for (let p = 0; p < nb; p++) {
    for (let s = 0; s < ns; s++) {
      const at = p * ns + s;
      for (let i = 0; i < nl; i++) {
        const v = x[at * nl + i];
        if (v === 0) continue;
        const to = (p * nl + i) * nr;
        for (let j = 0; j < nr; j++) out[to + j] += times(v, y[at * nr + j]);
      }
    }
  }
  return constant([...batch, ...left, ...right], out);
}
