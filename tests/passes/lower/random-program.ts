/** Random graphs over every op, several shapes and several outputs. */
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Node, Shape } from "../../../src/tensor/ops.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { uniform } from "../../tensor/random-graph.js";
import type { Inputs } from "./harness.js";

const extents = [0, 1, 1, 2, 3, 5, 8, 40];
const longExtents = [1, 7, 700, 5000];

/** Nodes of all ops over the shapes, or over shapes of rank 0 to 3 with axes of any length. */
export function randomProgram(
  rand: () => number,
  steps: number,
  shapes?: readonly Shape[],
): { outputs: readonly Node[]; inputs: Inputs } {
  const g = new GraphBuilder();
  const int = (n: number): number => Math.floor(rand() * n);
  const choose = <T>(xs: readonly T[]): T => xs[int(xs.length)];
  const long = rand() < 0.3;
  const shapeOf = (): Shape => {
    if (shapes !== undefined) return choose(shapes);
    if (long && rand() < 0.5) return [choose(longExtents)];
    const shape = Array.from({ length: int(4) }, () => choose(extents));
    return sizeOf(shape) > 400 ? shape.slice(0, 1) : shape;
  };
  const inputs: Record<string, Float64Array> = {};
  const pool: Node[] = [];
  for (let k = 0; k < 4; k++) {
    const shape = shapeOf();
    inputs[`x${k}`] = uniform(rand, sizeOf(shape));
    pool.push(g.input(`x${k}`, shape), g.constant(uniform(rand, sizeOf(shape)), shape));
  }
  pool.push(g.constant(1 + rand()));
  const any = (): Node => choose(pool);
  const like = (shape: Shape): Node => {
    const fits = pool.filter((n) => n.shape.join() === shape.join());
    return rand() < 0.2 || fits.length === 0 ? g.constant(rand() - 0.5) : choose(fits);
  };
  const tame = (x: Node): Node => g.tanh(x);
  const ints = (n: number, below: number): Node =>
    g.constant(
      Float64Array.from({ length: n }, () => int(below)),
      [n],
      "int",
    );
  const steppers: readonly (() => Node | undefined)[] = [
    () => g.exp(tame(any())),
    () => choose([g.sin, g.sigmoid, g.softplus, g.neg, g.abs, g.sign, g.round]).call(g, any()),
    () => choose([g.floor, g.ceil, g.trunc, g.log1p]).call(g, g.square(tame(any()))),
    () => {
      const x = any();
      return choose([g.add, g.sub, g.mul, g.max, g.min]).call(g, tame(x), tame(like(x.shape)));
    },
    () => {
      const x = any();
      const y = like(x.shape);
      const both = choose([g.and, g.or]).call(g, g.lt(x, y), g.not(g.ge(x, 0.1)));
      return g.select(both, x, g.square(tame(y)));
    },
    () => {
      const x = any();
      const axes = x.shape.map((_, k) => k).filter(() => rand() < 0.5);
      return g.reduce(choose(["sum", "prod", "max", "min"] as const), tame(x), axes);
    },
    () => {
      const x = any();
      return g.sum(g.mul(tame(x), like(x.shape)));
    },
    () => {
      const x = any();
      if (x.shape.length > 2) return undefined;
      const at = int(x.shape.length + 1);
      const shape = [...x.shape.slice(0, at), choose([1, 2, 3]), ...x.shape.slice(at)];
      return g.broadcast(
        x,
        shape,
        shape.map((_, k) => k).filter((k) => k !== at),
      );
    },
    () => {
      const x = any();
      const shape = choose<Shape>([[sizeOf(x.shape)], [1, ...x.shape], [...x.shape, 1]]);
      return shape.length > 3 ? undefined : g.reshape(x, shape);
    },
    () => {
      const x = any();
      if (sizeOf(x.shape) % 2 !== 0) return undefined;
      return g.reshape(
        x,
        choose<Shape>([
          [2, sizeOf(x.shape) / 2],
          [sizeOf(x.shape) / 2, 2],
        ]),
      );
    },
    () => {
      const x = any();
      if (x.shape.length < 2) return undefined;
      const perm = x.shape.map((_, k) => k);
      for (let k = perm.length - 1; k > 0; k--) {
        const j = int(k + 1);
        [perm[k], perm[j]] = [perm[j], perm[k]];
      }
      return g.transpose(x, perm);
    },
    () => {
      const x = any();
      if (x.shape.length === 0) return undefined;
      const starts = x.shape.map((s) => int(Math.min(s + 1, 3)));
      return g.slice(
        x,
        starts,
        x.shape.map((s, k) => int(s - starts[k] + 1)),
      );
    },
    () => {
      const x = any();
      if (x.shape.length === 0) return undefined;
      const starts = x.shape.map(() => int(3));
      return g.pad(
        x,
        starts,
        x.shape.map((s, k) => s + starts[k] + int(3)),
      );
    },
    () => {
      // What the gradient of slices is.
      const x = any();
      if (x.shape.length !== 1) return undefined;
      const [n] = x.shape;
      return g.add(g.pad(x, [0], [n + 3]), g.add(g.pad(tame(x), [2], [n + 3]), 0.5));
    },
    () => {
      const x = any();
      if (x.shape.length === 0) return undefined;
      return g.concat(
        [x, tame(x), like(x.shape)].filter((n) => n.shape.length > 0),
        int(x.shape.length),
      );
    },
    () => {
      const x = any();
      if (x.shape.length === 0 || sizeOf(x.shape) === 0) return undefined;
      const axis = int(x.shape.length);
      return g.gather(tame(x), ints(choose([0, 1, 4, 9]), x.shape[axis]), axis);
    },
    () => {
      const x = any();
      if (x.shape.length === 0) return undefined;
      const axis = int(x.shape.length);
      const shape = x.shape.map((s, k) => (k === axis ? 1 + int(4) : s));
      return g.scatterAdd(tame(x), ints(x.shape[axis], shape[axis]), axis, shape);
    },
    () => {
      // Indices that are computed, not constant.
      const x = any();
      if (x.shape.length === 0 || x.shape[0] === 0) return undefined;
      const y = like([3]);
      const index = g.floor(
        g.mul(g.sigmoid(y.shape.length === 0 ? g.broadcast(y, [3]) : y), x.shape[0] - 1e-9),
      );
      return g.gather(x, index, 0);
    },
    () => {
      const x = any();
      if (x.shape.length === 0) return undefined;
      const options = { reverse: rand() < 0.5, exclusive: rand() < 0.5 };
      const fn = choose(["sum", "prod"] as const);
      return g.cumulative(fn, tame(x), int(x.shape.length), options);
    },
    () => {
      // Also by a constant, either way round, with one column or more.
      const x = tame(any());
      if (x.shape.length < 2) return undefined;
      const [m, k] = x.shape.slice(-2);
      const n = choose([1, 1, 2, 5]);
      const y = choose([
        () => g.constant(uniform(rand, k * n), [k, n]),
        () => g.transpose(g.constant(uniform(rand, k * n), [n, k])),
        () =>
          g.matmul(
            g.constant(uniform(rand, k * m), [k, m]),
            g.constant(uniform(rand, m * n), [m, n]),
          ),
      ])();
      return g.matmul(x, y);
    },
    () => {
      // The predictor of a regression, a function of it, and back.
      const b = any();
      if (b.shape.length !== 1) return undefined;
      const [k] = b.shape;
      const rows = choose([0, 1, 4, 30, 600]);
      if (k * rows > 30000) return undefined;
      const x = g.constant(uniform(rand, rows * k), [rows, k]);
      const eta = g.reshape(g.matmul(x, g.reshape(tame(b), [k, 1])), [rows]);
      const r = g.reshape(g.sigmoid(eta), [rows, 1]);
      const back = choose([
        () => g.matmul(g.transpose(x), r),
        () => g.transpose(g.matmul(g.reshape(r, [1, rows]), x)),
      ])();
      return g.mul(g.reshape(back, [k]), g.sum(g.softplus(eta)));
    },
    () => {
      const n = choose([1, 2, 4]);
      const x = any();
      if (x.shape.length !== 2 || x.shape[0] !== n) return undefined;
      const k = Math.max(1, x.shape[1]);
      const root = g.constant(uniform(rand, n * n), [n, n]);
      const spd = g.add(g.matmul(root, g.transpose(root)), g.constant(eye(n, 1.5), [n, n]));
      const l = g.cholesky(g.mul(spd, g.add(2, tame(g.sum(x)))));
      const rhs = x.shape[1] === 0 ? g.constant(uniform(rand, n * k), [n, k]) : x;
      return choose([
        () => l,
        () => g.triangularSolve(l, rhs, rand() < 0.5),
        () => g.solve(g.add(spd, g.broadcast(tame(g.sum(x)), [n, n])), rhs),
        () => g.logAbsDet(g.add(spd, g.broadcast(tame(g.sum(x)), [n, n]))),
      ])();
    },
    () => {
      const x = tame(any());
      if (x.shape.length === 0 || sizeOf(x.shape) > 100) return undefined;
      const rest = x.shape.slice(1);
      const carried = tame(like(rest));
      const init = carried.shape.join() === rest.join() ? carried : g.full(rest, 0.2);
      const scale = like([]);
      const loop = g.scan(
        {
          length: x.shape[0],
          reverse: rand() < 0.5,
          init: [init, g.constant(0.4)],
          xs: [x],
          consts: [scale],
        },
        (b, [c, d], [v], [s]) => {
          const next = b.tanh(b.add(b.mul(c, b.add(0.5, b.tanh(s))), b.mul(v, d)));
          const sum = b.tanh(b.sum(b.mul(next, c)));
          return { carry: [next, sum], ys: [b.mul(next, 2), next, sum, v] };
        },
      );
      const stacked = choose(loop.ys.slice(0, 2));
      return rand() < 0.5 ? g.add(stacked, loop.ys[3]) : choose([...loop.carry, ...loop.ys]);
    },
  ];
  for (let k = 0; k < steps; k++) {
    const made = choose(steppers)();
    if (made !== undefined && sizeOf(made.shape) <= 6000 && made.shape.length <= 3) pool.push(made);
  }
  const outputs = pool.slice(-5);
  if (rand() < 0.3) outputs.push(outputs[0]);
  return { outputs: [...outputs, g.sum(tame(outputs[1]))], inputs };
}

function eye(n: number, value: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? value : 0));
}
