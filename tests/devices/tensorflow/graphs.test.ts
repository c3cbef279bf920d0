/** Array operations and random graphs on TensorFlow, in both precisions, against the evaluator. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { withGradient } from "../../../src/passes/grad/index.js";
import { SimplifyingBuilder, simplify } from "../../../src/passes/simplify/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph, Node, Op } from "../../../src/tensor/ops.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { topological } from "../../../src/tensor/traverse.js";
import { randomProgram } from "../../passes/lower/random-program.js";
import { distance, randomScalar, seeded, uniform } from "../../tensor/random-graph.js";
import { deviceForTests } from "./harness.js";

function graphOf(outputs: readonly Node[]): Graph {
  const inputs = inputsOf(outputs);
  return { inputs, outputs: outputs.map((node, k) => ({ name: String(k), node })) };
}

/** Inputs rounded to f32, so that both sides see the same numbers. */
function randomInputs(graph: Graph, seed = 1): Record<string, Float64Array> {
  const rand = seeded(seed);
  return Object.fromEntries(
    graph.inputs.map((n) => [n.name, uniform(rand, sizeOf(n.shape)).map(Math.fround)]),
  );
}

type Case = (g: GraphBuilder) => readonly Node[];
const iotaOf = (g: GraphBuilder, values: readonly number[]): Node =>
  g.constant(Float64Array.from(values), [values.length], "int");

/** A positive definite batch [b, n, n] of an input of that shape. */
function definite(g: GraphBuilder, x: Node): Node {
  const n = x.shape[x.shape.length - 1];
  const eye = Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? n : 0));
  const rank = x.shape.length;
  const shift = g.broadcast(g.constant(eye, [n, n]), x.shape, [rank - 2, rank - 1]);
  return g.add(g.matmul(x, g.transpose(x)), shift);
}

const both = [false, true] as const;
const cases: Readonly<Record<string, Case>> = {
  "elementwise operations of what repeats": (g) => {
    const [x, y] = [g.input("x", [4]), g.input("y", [3])];
    const [rows, columns] = [g.broadcast(x, [4, 3], [0]), g.broadcast(y, [4, 3], [1])];
    const outer = g.mul(rows, g.exp(columns));
    const where = g.lt(rows, columns);
    return [outer, g.sum(outer, [0]), g.select(where, rows, g.full([4, 3], 2)), g.not(where)];
  },
  "views of what repeats": (g) => {
    const x = g.broadcast(g.sin(g.input("x", [4])), [5, 4, 6], [1]);
    const part = g.slice(x, [1, 2, 0], [3, 1, 6]);
    return [
      g.transpose(x, [2, 0, 1]),
      part,
      g.reshape(x, [20, 6]),
      g.pad(part, [0, 1, 1], [3, 4, 8]),
      g.concat([x, x], 2),
      g.gather(x, iotaOf(g, [3, 1]), 1),
      g.reduce("prod", x, [0, 2]),
      g.cumulative("sum", x, 0, { reverse: false, exclusive: false }),
      g.broadcast(g.slice(x, [0, 0, 0], [1, 4, 1]), [2, 1, 4, 1, 3], [1, 2, 3]),
    ];
  },
  "truth values moved about": (g) => {
    const where = g.lt(0, g.input("x", [4, 3]));
    const t = g.transpose(where);
    return [
      t,
      g.reshape(where, [2, 6]),
      g.sum(where, [0]),
      g.concat([t, t], 0),
      g.and(where, where),
    ];
  },
  "broadcast, transpose, slice, reshape": (g) => {
    const x = g.input("x", [4, 6]);
    const t = g.transpose(x);
    const b = g.broadcast(g.exp(g.slice(x, [1, 2], [1, 3])), [5, 1, 3], [1, 2]);
    return [t, b, g.reshape(g.mul(t, t), [3, 8]), g.reshape(g.slice(x, [1, 1], [3, 4]), [2, 6])];
  },
  "pad and concat of expressions": (g) => {
    const [x, y] = [g.input("x", [3, 4]), g.input("y", [2, 4])];
    const all = g.concat([g.sin(x), y, g.mul(y, y)], 0);
    return [all, g.pad(all, [1, 2], [9, 7]), g.concat([x, g.neg(x)], 1)];
  },
  "gather by constants and values, along every axis": (g) => {
    const x = g.input("x", [7, 3]);
    const dynamic = g.min(g.floor(g.mul(3.5, g.add(1, g.input("u", [5])))), 6);
    return [
      g.gather(x, iotaOf(g, [6, 0, 3, 3]), 0),
      g.gather(g.exp(x), iotaOf(g, [2, 0]), 1),
      g.gather(x, dynamic, 0),
      g.gather(g.transpose(x), g.reshape(dynamic, [5, 1]), 1),
    ];
  },
  "scatter_add along every axis, many to one": (g) => {
    const x = g.input("x", [2, 6, 3]);
    const long = g.input("l", [5000]);
    const groups = Float64Array.from({ length: 5000 }, (_, k) => (k * k) % 7);
    const index = g.min(g.floor(g.mul(4, g.add(1, g.input("u", [9])))), 6);
    return [
      g.scatterAdd(x, iotaOf(g, [4, 0, 4, 1, 4, 0]), 1, [2, 5, 3]),
      g.scatterAdd(x, iotaOf(g, [2, 0, 2]), 2, [2, 6, 4]),
      g.scatterAdd(g.input("y", [9, 2]), index, 0, [7, 2]),
      g.scatterAdd(g.input("z", [4, 3, 3]), g.reshape(index, [3, 3]), 1, [4, 7]),
      g.scatterAdd(long, g.constant(groups, [5000], "int"), 0, [8]),
    ];
  },
  "reductions of every kind, of nothing too": (g) => {
    const x = g.add(1.1, g.mul(0.1, g.input("x", [5, 6, 7])));
    const none = g.slice(x, [0, 0, 0], [5, 0, 7]);
    return (["sum", "prod", "max", "min"] as const).flatMap((fn) => [
      g.reduce(fn, x, [0]),
      g.reduce(fn, x, [1, 2]),
      g.reduce(fn, x, [0, 1, 2]),
      g.reduce(fn, none, [1]),
      g.reduce(fn, none, [0, 1, 2]),
    ]);
  },
  "arrays of nothing": (g) => {
    const x = g.input("x", [4, 3]);
    const none = g.exp(g.slice(x, [1, 0], [0, 3]));
    const full = g.broadcast(g.slice(x, [0, 0], [1, 3]), [1, 0, 3], [0, 2]);
    return [
      none,
      g.transpose(none),
      g.concat([none, x], 0),
      g.pad(none, [1, 0], [2, 3]),
      g.matmul(g.transpose(none), none),
      g.scatterAdd(none, iotaOf(g, []), 0, [2, 3]),
      g.gather(x, iotaOf(g, []), 0),
      full,
    ];
  },
  "long sums along rows, columns and all": (g) => {
    const y = g.sin(g.input("x", [300, 400]));
    return [g.sum(y, [1]), g.sum(y, [0]), g.sum(y), g.reduce("max", y, [0])];
  },
  "cumulative, all directions": (g) => {
    const x = g.input("x", [3, 5, 2]);
    return (["sum", "prod"] as const).flatMap((fn) =>
      both.flatMap((reverse) =>
        both.map((exclusive) => g.cumulative(fn, x, 1, { reverse, exclusive })),
      ),
    );
  },
  "products of matrices, batches and transposes": (g) => {
    const [x, y] = [g.input("x", [7, 30]), g.input("y", [30, 5])];
    const [batch, small] = [g.input("b", [3, 4, 7]), g.input("s", [2, 30, 6])];
    return [
      g.matmul(x, g.mul(2, y)),
      g.matmul(batch, x),
      g.matmul(x, small),
      g.matmul(g.transpose(y), g.transpose(x)),
      g.matmul(g.transpose(batch, [0, 2, 1]), batch),
      g.matmul(g.transpose(small, [0, 2, 1]), g.transpose(x)),
      g.matmul(small, g.transpose(small, [0, 2, 1])),
    ];
  },
  "cholesky and triangular solves": (g) =>
    [
      [1, 3],
      [40, 4],
      [2, 30],
    ].flatMap(([b, n]) => {
      const l = g.cholesky(definite(g, g.input(`x${n}`, [b, n, n])));
      const rhs = g.input(`b${n}`, [b, n, 2]);
      const one = g.reshape(g.slice(l, [0, 0, 0], [1, n, n]), [n, n]);
      return [
        l,
        g.triangularSolve(l, rhs, false),
        g.triangularSolve(l, rhs, true),
        g.triangularSolve(one, rhs, true),
      ];
    }),
  "solve and log |det|": (g) =>
    [
      [1, 2],
      [40, 4],
      [2, 30],
    ].flatMap(([b, n]) => {
      const eye = Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 1 ? 3 : 0));
      const shift = g.broadcast(g.constant(eye, [n, n]), [b, n, n], [1, 2]);
      const a = g.add(g.input(`x${n}`, [b, n, n]), shift);
      return [g.solve(a, g.input(`b${n}`, [b, n, 3])), g.logAbsDet(a)];
    }),
  "large constants and inputs stay on the device": (g) => {
    const data = Float64Array.from({ length: 40_000 }, (_, k) => Math.fround(Math.sin(k)));
    const x = g.input("x", [200, 200]);
    return [g.sum(g.mul(x, g.constant(data, [200, 200]))), g.gather(x, iotaOf(g, [7]), 0)];
  },
  "a scan with carries, rows, constants and stacked results": (g) => {
    const [xs, k, c0] = [g.input("xs", [6, 3]), g.input("k", [3]), g.input("c", [3])];
    return both.flatMap((reverse) => {
      const { carry, ys } = g.scan(
        { length: 6, reverse, init: [c0, g.constant(0)], xs: [xs], consts: [k] },
        (b, [c, n], [x], [w]) => ({
          carry: [b.tanh(b.add(b.mul(c, b.exp(w)), x)), b.add(n, b.sum(c))],
          ys: [b.mul(c, x), b.square(w)],
        }),
      );
      return [...carry, ...ys];
    });
  },
  "a scan whose carries change places, one without steps, one over what repeats": (g) => {
    const [a, b] = [g.input("a", [2]), g.input("b", [2])];
    const swap = g.scan({ length: 3, init: [a, b] }, (_, [x, y]) => ({ carry: [y, x], ys: [] }));
    const none = g.scan(
      { length: 0, init: [a], xs: [g.slice(g.stack([a, b]), [0, 0], [0, 2])] },
      (s, [c], [x]) => ({
        carry: [s.add(c, x)],
        ys: [s.mul(c, x)],
      }),
    );
    const same = g.scan(
      { length: 4, init: [a], xs: [g.broadcast(b, [4, 2], [1])] },
      (s, [c], [x]) => ({ carry: [s.add(c, s.exp(x))], ys: [s.mul(c, x)] }),
    );
    return [swap, none, same].flatMap((r) => [...r.carry, ...r.ys]);
  },
  "scans inside scans, twice with one body": (g) => {
    const run = (x: Node): Node => {
      const { carry } = g.scan({ length: 3, init: [x], consts: [g.exp(x)] }, (s, [c], _, [k]) => {
        const inner = s.scan({ length: 2, init: [c], consts: [k] }, (t, [d], _x, [w]) => ({
          carry: [t.mul(0.5, t.add(t.sin(d), t.square(w)))],
          ys: [],
        }));
        return { carry: inner.carry, ys: [] };
      });
      return carry[0];
    };
    const x = g.input("x", [4]);
    return [run(x), run(g.neg(x))];
  },
  "outputs that are inputs, constants and the same": (g) => {
    const x = g.input("x", [3]);
    const y = g.exp(x);
    return [x, g.constant(Float64Array.from([1, 2, 3]), [3]), y, y, g.constant(4)];
  },
};

/**
 * Relative to 1 + size: a few hundred roundings of the precision; solutions of random 30 × 30
 * systems carry their condition number, about 100.
 */
const precisions = [
  { precision: "f64", rounding: 1e-13, solving: 1e-11 },
  { precision: "f32", rounding: 1e-5, solving: 2e-3 },
] as const;

for (const { precision, rounding, solving } of precisions) {
  const device = await deviceForTests(precision);
  afterAll(() => device?.close());

  describe.skipIf(device === undefined)(`graphs on TensorFlow in ${precision}`, () => {
    const on = device as GraphDevice;
    const seen = new Set<Op>();

    async function check(
      graph: Graph,
      tolerance: number,
      values: Readonly<Record<string, Float64Array>> = randomInputs(graph),
      label = "",
    ): Promise<void> {
      const exact = evaluateGraph(graph, values);
      const program = await on.compileGraph(graph);
      // Twice: inputs that are left out keep their values.
      await program.run(values);
      const actual = await program.run({});
      program.close();
      for (const { name, node } of graph.outputs) {
        const d = distance(actual[name], exact[name]);
        expect(d, `${label} output ${name}, ${node.op}`).toBeLessThan(tolerance);
      }
    }

    test.each(Object.entries(cases))("%s", async (name, build) => {
      const outputs = build(new GraphBuilder());
      for (const n of topological(outputs)) seen.add(n.op);
      await check(graphOf(outputs), name.startsWith("solve") ? solving : rounding);
    });

    test("every operation was met", () => {
      const all = [
        ...["unary", "binary", "ternary", "broadcast", "reshape", "transpose", "slice", "pad"],
        ...["concat", "gather", "scatter_add", "reduce", "cumulative", "matmul", "cholesky"],
        ...["triangular_solve", "solve", "log_abs_det", "scan", "output", "const", "input"],
      ];
      expect(all.filter((op) => !seen.has(op as Op))).toEqual([]);
    });

    test("matrices without a factor or an inverse give NaN, the others of the batch do not", async () => {
      const g = new GraphBuilder();
      const data = (...x: number[]): Node => g.constant(Float64Array.from(x), [2, 2, 2]);
      const bad = g.cholesky(data(1, 2, 2, 1, 4, 0, 2, 5));
      const singular = data(1, 2, 2, 4, 4, 1, 1, 2);
      const rhs = g.constant(Float64Array.from([1, 2, 3, 4]), [2, 2, 1]);
      const graph = graphOf([bad, g.solve(singular, rhs), g.logAbsDet(singular)]);
      await check(graph, rounding);
      const zero = graphOf([g.triangularSolve(data(1, 0, 1, 0, 2, 0, 1, 1), rhs, false)]);
      const program = await on.compileGraph(zero);
      const result = (await program.run({}))["0"];
      expect([...result]).toEqual([NaN, NaN, 1.5, 2.5]);
      program.close();
    });

    test("random graphs with their gradients", async () => {
      for (let seed = 1; seed <= 6; seed++) {
        const g = new SimplifyingBuilder();
        const scalar = randomScalar(g, seeded(seed), 25);
        const graph = simplify({
          inputs: inputsOf([scalar]),
          outputs: [{ name: "f", node: scalar }],
        });
        const wrt = Object.fromEntries(graph.inputs.map((n) => [n.name, `d${n.name}`]));
        const whole = simplify(withGradient(graph, "f", wrt, new SimplifyingBuilder()));
        // Another seed than the constants': equal numbers would sit on the steps of comparisons.
        await check(whole, 30 * rounding, randomInputs(whole, 1000 + seed), `seed ${seed}`);
      }
    });

    // Values of order 1 to 100 after up to 37 operations, some of which cancel.
    test("random programs of many shapes", async () => {
      for (let seed = 0; seed < 12; seed++) {
        const { outputs, inputs } = randomProgram(seeded(77_000 + 7 * seed), 8 + ((7 * seed) % 30));
        const graph = graphOf(outputs);
        const values = Object.fromEntries(
          graph.inputs.map((n) => [n.name, inputs[n.name].map(Math.fround)]),
        );
        await check(graph, 100 * rounding, values, `seed ${seed}`);
      }
    });
  });
}
