/** Array operations and random graphs on WebGPU against the f64 evaluator. */
import { afterAll, describe, expect, test } from "vitest";
import {
  compileGraph,
  SOFTWARE_TUNING,
  USUAL_TUNING,
  type WebGpuDevice,
} from "../../../src/device/webgpu/index.js";
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

const device = await deviceForTests();
afterAll(() => device?.close());

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

/**
 * Relative to 1 + size, single precision leaves 6e-8 a rounding; a few hundred of them, and sums of
 * a few thousand terms by trees, stay below 1e-5 for values of order 1. By the kernels of software
 * devices and by those of cards; gives the number of the latter.
 */
async function check(
  on: WebGpuDevice,
  outputs: readonly Node[],
  tolerance = 1e-5,
  inputs?: Readonly<Record<string, Float64Array>>,
): Promise<number> {
  const graph = graphOf(outputs);
  const values = inputs ?? randomInputs(graph);
  const exact = evaluateGraph(graph, values);
  let kernels = 0;
  for (const tuning of [SOFTWARE_TUNING, { ...USUAL_TUNING, subgroups: hasSubgroups }]) {
    const program = await compileGraph(on, graph, { tuning });
    // Twice: the second run starts from used memory.
    await program.run(values);
    const actual = await program.run(values);
    program.close();
    for (const { name, node } of graph.outputs) {
      const d = distance(actual[name], exact[name]);
      const kind = tuning.isSoftware ? "as software" : "as a card";
      expect(d, `output ${name}, ${node.op}, ${kind}`).toBeLessThan(tolerance);
    }
    kernels = program.kernels.length;
  }
  return kernels;
}
const hasSubgroups = device?.features.includes("subgroups") === true;

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

const cases: Readonly<Record<string, Case>> = {
  "broadcast, transpose, slice, reshape": (g) => {
    const x = g.input("x", [4, 6]);
    const t = g.transpose(x);
    const b = g.broadcast(g.exp(g.slice(x, [1, 2], [1, 3])), [5, 1, 3], [1, 2]);
    return [t, b, g.reshape(g.mul(t, t), [3, 8]), g.reshape(g.slice(x, [1, 1], [3, 4]), [2, 6])];
  },
  "pad and concat of expressions": (g) => {
    const [x, y] = [g.input("x", [3, 4]), g.input("y", [2, 4])];
    const both = g.concat([g.sin(x), y, g.mul(y, y)], 0);
    return [both, g.pad(both, [1, 2], [9, 7]), g.concat([x, g.neg(x)], 1)];
  },
  "gather by constants, progressions and values": (g) => {
    const x = g.input("x", [7, 3]);
    const dynamic = g.floor(g.mul(3.5, g.add(1, g.input("u", [5]))));
    return [
      g.gather(x, iotaOf(g, [6, 0, 3, 3]), 0),
      g.gather(x, iotaOf(g, [1, 3, 5]), 0),
      g.gather(g.exp(x), iotaOf(g, [2, 0]), 1),
      g.gather(x, g.min(dynamic, 6), 0),
    ];
  },
  "scatter_add by constants": (g) => {
    const x = g.input("x", [2, 6, 3]);
    return [g.scatterAdd(x, iotaOf(g, [4, 0, 4, 1, 4, 0]), 1, [2, 5, 3])];
  },
  "scatter_add with many to one": (g) => {
    const x = g.input("x", [5000]);
    const groups = Float64Array.from({ length: 5000 }, (_, k) => (k * k) % 7);
    return [g.scatterAdd(x, g.constant(groups, [5000], "int"), 0, [8])];
  },
  "scatter_add by values, short and long targets": (g) => {
    const index = g.min(g.floor(g.mul(4, g.add(1, g.input("u", [9])))), 6);
    const x = g.input("x", [9, 2]);
    return [g.scatterAdd(x, index, 0, [7, 2]), g.scatterAdd(x, index, 0, [40, 2])];
  },
  "reductions of every kind": (g) => {
    const x = g.add(1.1, g.mul(0.1, g.input("x", [5, 6, 7])));
    return (["sum", "prod", "max", "min"] as const).flatMap((fn) => [
      g.reduce(fn, x, [0]),
      g.reduce(fn, x, [1, 2]),
      g.reduce(fn, x, [0, 1, 2]),
    ]);
  },
  "long sums along rows, columns and all": (g) => {
    const x = g.input("x", [300, 400]);
    const y = g.sin(x);
    return [g.sum(y, [1]), g.sum(y, [0]), g.sum(y), g.reduce("max", y, [0])];
  },
  "a very long sum in parts": (g) => [g.sum(g.square(g.input("x", [200_000])))],
  "cumulative, all directions": (g) => {
    const x = g.input("x", [3, 5, 2]);
    const long = g.input("l", [2, 1000]);
    return [
      g.cumulative("sum", x, 1, { reverse: false, exclusive: false }),
      g.cumulative("sum", x, 1, { reverse: true, exclusive: true }),
      g.cumulative("prod", x, 0, { reverse: true, exclusive: false }),
      g.cumulative("sum", long, 1, { reverse: false, exclusive: true }),
      g.cumulative("sum", g.mul(0.5, long), 1, { reverse: true, exclusive: false }),
    ];
  },
  "matrix and vector products": (g) => {
    const [x, y] = [g.input("x", [7, 300]), g.input("y", [300, 5])];
    const batch = g.input("b", [3, 4, 7]);
    return [g.matmul(x, y), g.matmul(batch, x), g.matmul(g.transpose(y), g.transpose(x))];
  },
  "tiled products of views, edges included": (g) => {
    const [x, y] = [g.input("x", [70, 33]), g.input("y", [33, 50])];
    const small = g.input("s", [2, 33, 20]);
    return [
      g.matmul(x, g.mul(2, y)),
      g.matmul(g.transpose(x), x),
      g.matmul(y, g.transpose(y)),
      g.matmul(x, small),
    ];
  },
  "a tiled product with a long inner axis, in parts": (g) => {
    const x = g.input("x", [1500, 20]);
    return [g.matmul(g.transpose(x), g.sin(x))];
  },
  "large tiles, where many fill the card": (g) => {
    // 2 × 2 tiles of 128 × 128 for each of 32 matrices, with edges in every direction.
    const [x, y] = [g.input("x", [32, 130, 11]), g.input("y", [32, 133, 11])];
    return [g.matmul(g.exp(g.mul(0.1, x)), g.transpose(y, [0, 2, 1]))];
  },
  "cholesky and triangular solves": (g) =>
    [
      [1, 3],
      [40, 4],
      [2, 30],
    ].flatMap(([b, n]) => {
      const l = g.cholesky(definite(g, g.input(`x${n}`, [b, n, n])));
      const rhs = g.input(`b${n}`, [b, n, 2]);
      return [l, g.triangularSolve(l, rhs, false), g.triangularSolve(l, rhs, true)];
    }),
  "solve and log |det|": (g) =>
    [
      [1, 2],
      [40, 4],
      [2, 30],
    ].flatMap(([b, n]) => {
      const eye = Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 1 ? 3 : 0));
      const a = g.add(
        g.input(`x${n}`, [b, n, n]),
        g.broadcast(g.constant(eye, [n, n]), [b, n, n], [1, 2]),
      );
      return [g.solve(a, g.input(`b${n}`, [b, n, 3])), g.logAbsDet(a)];
    }),
  "outputs that are inputs, constants and the same": (g) => {
    const x = g.input("x", [3]);
    const y = g.exp(x);
    return [x, g.constant(Float64Array.from([1, 2, 3]), [3]), y, y, g.constant(4)];
  },
};

/** Solutions of random 30 × 30 systems carry their condition number, about 100. */
const tolerances: Readonly<Record<string, number>> = { "solve and log |det|": 1e-4 };

describe.skipIf(device === undefined)("graphs on WebGPU", () => {
  const on = device as WebGpuDevice;
  const seen = new Set<Op>();

  test.each(Object.entries(cases))("%s", async (name, build) => {
    const outputs = build(new SimplifyingBuilder());
    for (const n of topological(outputs)) seen.add(n.op);
    await check(on, outputs, tolerances[name] ?? 1e-5);
  });

  test("a scan with carries, rows, constants and stacked results", async () => {
    for (const reverse of [false, true]) {
      const g = new GraphBuilder();
      const [xs, k, c0] = [g.input("xs", [6, 3]), g.input("k", [3]), g.input("c", [3])];
      const { carry, ys } = g.scan(
        { length: 6, reverse, init: [c0, g.constant(0)], xs: [xs], consts: [k] },
        (b, [c, n], [x], [w]) => ({
          carry: [b.tanh(b.add(b.mul(c, w), x)), b.add(n, b.sum(c))],
          ys: [b.mul(c, x)],
        }),
      );
      const outputs = [...carry, ...ys];
      for (const n of topological(outputs)) seen.add(n.op);
      await check(on, outputs);
    }
  });

  test("a scan whose carries change places", async () => {
    const g = new GraphBuilder();
    const [a, b] = [g.input("a", [2]), g.input("b", [2])];
    const { carry } = g.scan({ length: 3, init: [a, b] }, (_, [x, y]) => ({
      carry: [y, x],
      ys: [],
    }));
    await check(on, carry);
  });

  test("a scan with steps too large for one workgroup is recorded", async () => {
    const g = new GraphBuilder();
    const [xs, c0] = [g.input("xs", [3, 40_000]), g.input("c", [40_000])];
    const { carry, ys } = g.scan({ length: 3, init: [c0], xs: [xs] }, (b, [c], [x]) => ({
      carry: [b.sin(b.add(c, x))],
      ys: [b.sum(b.mul(c, x))],
    }));
    await check(on, [...carry, ...ys], 1e-4);
  });

  test("every operation was met", () => {
    const all: readonly Op[] = [
      "unary",
      "binary",
      "broadcast",
      "reshape",
      "transpose",
      "slice",
      "pad",
      "concat",
      "gather",
      "scatter_add",
      "reduce",
      "cumulative",
      "matmul",
      "cholesky",
      "triangular_solve",
      "solve",
      "log_abs_det",
      "scan",
      "output",
    ];
    expect(all.filter((op) => !seen.has(op))).toEqual([]);
  });

  test("a matrix that is not positive definite gives NaN throughout", async () => {
    const g = new GraphBuilder();
    await check(on, [g.cholesky(g.constant(Float64Array.from([1, 2, 2, 1]), [2, 2]))]);
    const n = 20;
    const bad = Float64Array.from({ length: n * n }, (_, k) =>
      k % (n + 1) === 0 ? 1 - k / 200 : 0,
    );
    await check(on, [g.cholesky(g.constant(bad, [n, n]))]);
  });

  test("random graphs with their gradients", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const rand = seeded(seed);
      const g = new SimplifyingBuilder();
      const scalar = randomScalar(g, rand, 25);
      const graph = simplify({
        inputs: inputsOf([scalar]),
        outputs: [{ name: "f", node: scalar }],
      });
      const wrt = Object.fromEntries(graph.inputs.map((n) => [n.name, `d${n.name}`]));
      const both = simplify(withGradient(graph, "f", wrt, new SimplifyingBuilder()));
      // Another seed than the constants': equal numbers would sit on the steps of comparisons.
      const values = randomInputs(both, 1000 + seed);
      const exact = evaluateGraph(both, values);
      const program = await compileGraph(on, both);
      const actual = await program.run(values);
      program.close();
      for (const { name } of both.outputs) {
        expect(distance(actual[name], exact[name]), `seed ${seed}: ${name}`).toBeLessThan(3e-4);
      }
    }
  });

  // Values of order 1 to 100 after up to 37 operations, some of which cancel.
  test.each([
    ["in one workgroup", undefined],
    ["with a kernel for each task", 0],
  ])("random programs of many shapes, %s", async (_, fewRounds) => {
    for (let seed = 0; seed < 8; seed++) {
      const { outputs, inputs } = randomProgram(seeded(77_000 + 7 * seed), 8 + ((7 * seed) % 30));
      const graph = graphOf(outputs);
      const values = Object.fromEntries(
        graph.inputs.map((n) => [n.name, inputs[n.name].map(Math.fround)]),
      );
      const exact = evaluateGraph(graph, values);
      const program = await compileGraph(on, graph, { fewRounds });
      const actual = await program.run(values);
      program.close();
      for (const { name, node } of graph.outputs) {
        const d = distance(actual[name], exact[name]);
        expect(d, `seed ${seed}: ${name}, ${node.op}`).toBeLessThan(1e-3);
      }
    }
  });

  test("small graphs are one kernel", async () => {
    const g = new GraphBuilder();
    const x = g.input("x", [8]);
    expect(await check(on, [g.sum(g.square(g.sub(x, g.mean(x))))])).toBe(1);
  });
});
