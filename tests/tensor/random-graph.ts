/**
 * Seeded random graphs and helpers to compare them: every op occurs, values stay moderate, so that
 * finite differences and reordered sums can be compared tightly.
 */
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import type { Node, Shape } from "../../src/tensor/ops.js";
import { sizeOf } from "../../src/tensor/shape-rules.js";

/** A small generator for tests (mulberry32): uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Uniform values in [low, high]. */
export function uniform(rand: () => number, n: number, low = -1, high = 1): Float64Array {
  return Float64Array.from({ length: n }, () => low + (high - low) * rand());
}

/**
 * Central differences of the scalar `f` by the reference evaluator. With h = 1e-5 (1 + |x|) the
 * truncation error is about h² f‴ / 6 ~ 1e-10 and rounding ε f / h ~ 1e-11, for values of order 1.
 */
export function finiteDifferences(
  output: Node,
  inputs: Readonly<Record<string, Float64Array>>,
  name: string,
): Float64Array {
  const at = (k: number, h: number): number => {
    const moved = Float64Array.from(inputs[name]);
    moved[k] += h;
    return evaluate([output], { ...inputs, [name]: moved })[0][0];
  };
  return inputs[name].map((x, k) => {
    const h = 1e-5 * (1 + Math.abs(x));
    return (at(k, h) - at(k, -h)) / (2 * h);
  });
}

/** Largest |a − b| / (1 + max(|a|, |b|)); equal infinities and two NaN count as equal. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) continue;
    const d = Math.abs(a[i] - b[i]) / (1 + Math.max(Math.abs(a[i]), Math.abs(b[i])));
    worst = Number.isNaN(d) ? Infinity : Math.max(worst, d);
  }
  return worst;
}

/** A random scalar of random nodes over the inputs `a` [3], `b` [2, 3] and `s` []. */
export function randomScalar(g: GraphBuilder, rand: () => number, steps: number): Node {
  const pool: Node[] = [
    g.input("a", [3]),
    g.input("b", [2, 3]),
    g.input("s", []),
    g.constant(uniform(rand, 3), [3]),
    g.constant(uniform(rand, 6), [2, 3]),
    g.constant(1 + rand()),
  ];
  const int = (n: number): number => Math.floor(rand() * n);
  const any = (): Node => pool[int(pool.length)];
  const choose = <T>(xs: readonly T[]): T => xs[int(xs.length)];
  const ofShape = (shape: Shape): Node => {
    const fits = pool.filter((n) => n.shape.length === 0 || n.shape.join() === shape.join());
    return choose(fits);
  };
  /** Bounded and smooth, so that compositions neither blow up nor leave domains. */
  const tame = (x: Node): Node => g.tanh(x);
  const steppers: readonly (() => Node | undefined)[] = [
    () => choose([g.sin, g.cos, g.tanh, g.sigmoid, g.softplus, g.neg, g.atan]).call(g, any()),
    () => g.exp(tame(any())),
    () => g.log(g.add(1.5, g.square(tame(any())))),
    () => g.square(tame(any())),
    () => g.lgamma(g.add(1.2, g.square(any()))),
    () => g.sqrt(g.add(0.5, g.square(any()))),
    () => {
      const x = any();
      return choose([g.add, g.sub, g.mul]).call(g, x, tame(ofShape(x.shape)));
    },
    () => {
      const x = any();
      return g.div(tame(x), g.add(1.5, tame(ofShape(x.shape))));
    },
    () => {
      const x = any();
      return g.select(g.lt(x, ofShape(x.shape)), tame(x), g.sin(ofShape(x.shape)));
    },
    () => {
      const x = any();
      return g.sum(x, x.shape.length > 0 && rand() < 0.6 ? [int(x.shape.length)] : undefined);
    },
    () => {
      const x = tame(any());
      return g.logsumexp(x, x.shape.length > 0 ? [x.shape.length - 1] : undefined);
    },
    () => {
      const x = any();
      return x.shape.length === 2 ? g.transpose(x) : undefined;
    },
    () => {
      const x = any();
      return x.shape.length === 1 ? g.broadcast(x, [2, x.shape[0]], [1]) : undefined;
    },
    () => {
      const x = any();
      return x.shape.length === 0 ? g.broadcast(x, [3]) : undefined;
    },
    () => {
      const x = any();
      return g.reshape(x, x.shape.length === 1 ? [1, ...x.shape] : [sizeOf(x.shape)]);
    },
    () => {
      const x = any();
      if (x.shape.length === 0) return undefined;
      const sizes = x.shape.map((s) => Math.max(1, s - int(2)));
      return g.slice(
        x,
        x.shape.map((s, k) => s - sizes[k]),
        sizes,
      );
    },
    () => {
      const x = any();
      return x.shape.length === 0
        ? undefined
        : g.pad(
            x,
            x.shape.map(() => 1),
            x.shape.map((s) => s + 2),
          );
    },
    () => {
      const x = any();
      return x.shape.length === 0 ? undefined : g.concat([x, tame(x)], int(x.shape.length));
    },
    () => {
      const x = any();
      if (x.shape.length === 0) return undefined;
      const axis = int(x.shape.length);
      const picks = Float64Array.from({ length: 1 + int(4) }, () => int(x.shape[axis]));
      return g.gather(x, g.constant(picks, [picks.length], "int"), axis);
    },
    () => {
      const x = any();
      if (x.shape.length === 0) return undefined;
      const axis = int(x.shape.length);
      const at = Float64Array.from({ length: x.shape[axis] }, () => int(3));
      const shape = x.shape.map((s, k) => (k === axis ? 3 : s));
      return g.scatterAdd(x, g.constant(at, [at.length], "int"), axis, shape);
    },
    () => {
      const x = tame(any());
      if (x.shape.length === 0) return undefined;
      return g.cumulative(choose(["sum", "prod"] as const), x, int(x.shape.length), {
        reverse: rand() < 0.5,
        exclusive: rand() < 0.5,
      });
    },
    () => {
      const x = tame(any());
      return x.shape.length === 2 ? g.matmul(x, g.transpose(x)) : undefined;
    },
    () => {
      const x = tame(any());
      if (x.shape.length !== 1 || x.shape[0] === 0) return undefined;
      const loop = g.scan(
        { length: x.shape[0], init: [g.constant(0.3)], xs: [x] },
        (b, [c], [v]) => {
          const next = b.tanh(b.add(b.mul(c, 0.7), v));
          return { carry: [next], ys: [b.mul(next, v)] };
        },
      );
      return g.add(loop.ys[0], loop.carry[0]);
    },
  ];
  for (let k = 0; k < steps; k++) {
    const made = choose(steppers)();
    // Shapes of more than a few dozen elements would only make the test slow.
    if (made !== undefined && sizeOf(made.shape) <= 40 && sizeOf(made.shape) > 0) pool.push(made);
  }
  const used = pool.slice(-4).map((n) => g.mul(g.sum(tame(n)), 0.5 + rand()));
  return used.reduce((total, n) => g.add(total, n));
}

/** Input values for `randomScalar`. */
export function randomInputs(rand: () => number): Record<string, Float64Array> {
  return { a: uniform(rand, 3), b: uniform(rand, 6), s: uniform(rand, 1) };
}

/** A builder and a scalar: for tables of cases. */
export function built(f: (g: GraphBuilder) => Node): { g: GraphBuilder; node: Node } {
  const g = new GraphBuilder();
  return { g, node: f(g) };
}
