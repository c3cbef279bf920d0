/**
 * Kernels that read vectors of four and that add up through subgroups, beside those that do
 * neither: against the f64 evaluator and against each other, with sizes that do not divide.
 */
import { afterAll, describe, expect, test } from "vitest";
import {
  compileGraph,
  printWgsl,
  SOFTWARE_TUNING,
  type Tuning,
  type WebGpuDevice,
} from "../../../src/device/webgpu/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph, Node, ReduceFn } from "../../../src/tensor/ops.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { randomProgram } from "../../passes/lower/random-program.js";
import { distance, seeded, uniform } from "../../tensor/random-graph.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
const inPieces = await deviceForTests({ mostBytes: 1 << 16 });
afterAll(() => {
  device?.close();
  inPieces?.close();
});

const scalar: Tuning = { subgroups: false, vectorsFrom: Number.POSITIVE_INFINITY };
const subgroups: Tuning = {
  subgroups: device?.features.includes("subgroups") === true,
  vectorsFrom: 1,
};
const vectors: Tuning = { subgroups: false, vectorsFrom: 1 };

function graphOf(outputs: readonly Node[]): Graph {
  const inputs = inputsOf(outputs);
  return { inputs, outputs: outputs.map((node, k) => ({ name: String(k), node })) };
}

function randomInputs(graph: Graph, seed = 1): Record<string, Float64Array> {
  const rand = seeded(seed);
  return Object.fromEntries(
    graph.inputs.map((n) => [
      n.name,
      uniform(rand, sizeOf(n.shape)).map((v) =>
        // Inputs named i… are indices below 8.
        n.name.startsWith("i") ? Math.floor(4 * (1 + v)) : Math.fround(v),
      ),
    ]),
  );
}

interface Case {
  readonly build: (g: GraphBuilder) => readonly Node[];
  /** What its kernels have in them, beside vectors of data: vectors of working memory. */
  readonly writesVectors: boolean;
}

const elementwise: Readonly<Record<string, Case>> = {
  "one row whose length does not divide": {
    build: (g) => [g.exp(g.mul(g.input("x", [4001]), g.input("y", [4001])))],
    writesVectors: true,
  },
  "rows, a row and a column broadcast": {
    build: (g) => {
      const x = g.input("x", [40, 36]);
      const row = g.broadcast(g.input("r", [36]), [40, 36], [1]);
      const column = g.broadcast(g.input("c", [40]), [40, 36], [0]);
      return [g.add(g.mul(x, row), g.exp(column))];
    },
    writesVectors: true,
  },
  "a chain of two, the first stored": {
    build: (g) => {
      const x = g.add(g.input("x", [64, 20]), g.input("y", [64, 20]));
      return [x, g.sin(g.mul(x, 2))];
    },
    writesVectors: true,
  },
  "parts that begin between vectors": {
    build: (g) => {
      const x = g.input("x", [40, 41]);
      return [g.mul(2, g.slice(x, [1, 3], [30, 36])), g.slice(g.input("z", [500]), [5], [400])];
    },
    writesVectors: true,
  },
  "rows of a gather": {
    build: (g) => [g.mul(3, g.gather(g.input("x", [8, 24]), g.input("i", [50], "int"), 0))],
    writesVectors: true,
  },
  "reshapes, constants of several rows": {
    build: (g) => {
      const c = g.constant(
        Float64Array.from({ length: 96 }, (_, k) => Math.sin(k * k)),
        [8, 12],
      );
      return [g.mul(g.reshape(g.input("x", [96]), [8, 12]), c)];
    },
    writesVectors: true,
  },
};

const stays: Readonly<Record<string, Case["build"]>> = {
  transposed: (g) => [g.add(g.transpose(g.input("x", [64, 72])), g.input("y", [72, 64]))],
  "gathered along the last axis": (g) => [
    g.gather(g.input("x", [600, 8]), g.input("i", [40], "int"), 1),
  ],
  "rows whose length does not divide": (g) => [
    g.mul(g.input("x", [130, 33]), g.broadcast(g.input("r", [130]), [130, 33], [0])),
  ],
  padded: (g) => [g.pad(g.input("x", [130, 32]), [1, 2], [140, 40])],
};

/** Folds in every shape that they take, in one graph: their inputs have numbers. */
function folds(g: GraphBuilder, fn: ReduceFn): readonly Node[] {
  let inputs = 0;
  const data = (...shape: readonly number[]): Node => g.input(`x${inputs++}`, shape);
  const near = (...shape: readonly number[]): Node => g.exp(g.mul(0.001, data(...shape)));
  const all = near(33_000);
  const rows = near(10, 200);
  const long = near(3, 17_000);
  const columns = near(700, 36);
  const short = near(9, 1200);
  return [
    g.reduce(fn, data(33_003), [0]),
    all,
    g.reduce(fn, all, [0]),
    g.reduce(fn, data(10, 200), [1]),
    rows,
    // Four results are stored at a time.
    g.reduce(fn, rows, [1]),
    long,
    g.reduce(fn, long, [1]),
    g.reduce(fn, data(3, 17_000), [1]),
    g.reduce(fn, data(10, 203), [1]),
    g.reduce(fn, data(700, 100), [0]),
    columns,
    g.reduce(fn, columns, [0]),
    short,
    // A thread each.
    g.reduce(fn, short, [0]),
    g.reduce(fn, data(9, 1201), [0]),
    // Short rows: a thread each, or four lanes.
    g.reduce(fn, data(90, 20), [1]),
    g.reduce(fn, g.exp(g.mul(0.001, data(70, 63))), [1]),
    g.reduce(fn, data(6, 30, 40), [0, 2]),
    g.reduce(fn, data(6, 30, 40), [1]),
  ];
}

const products: Readonly<Record<string, Case["build"]>> = {
  "rows of a minibatch times weights, and its gradient": (g) => {
    const x = g.gather(g.input("x", [8, 100]), g.input("i", [900], "int"), 0);
    const w = g.input("w", [100, 1]);
    const r = g.sub(g.reshape(g.matmul(x, w), [900]), g.input("y", [900]));
    return [r, g.matmul(g.transpose(x, [1, 0]), g.reshape(r, [900, 1]))];
  },
  "the same with columns that do not divide": (g) => {
    const x = g.input("x", [3000, 50]);
    const r = g.sub(g.reshape(g.matmul(x, g.input("w", [50, 1])), [3000]), g.input("y", [3000]));
    return [r, g.matmul(g.transpose(x, [1, 0]), g.reshape(r, [3000, 1]))];
  },
};

async function run(
  on: WebGpuDevice,
  graph: Graph,
  values: Record<string, Float64Array>,
  tuning: Tuning,
): Promise<Record<string, Float64Array>> {
  const program = await compileGraph(on, graph, { fewRounds: 0, tuning });
  const first = await program.run(values);
  const found = await program.run(values);
  program.close();
  // To the bit.
  expect(found).toEqual(first);
  return found;
}

const isVector = (text: string): boolean => text.includes("ws: array<vec4<f32>>");

test.each(Object.entries(elementwise))("vectors where they can be: %s", (_, c) => {
  const graph = graphOf(c.build(new GraphBuilder()));
  expect(isVector(printWgsl(graph, vectors, 0))).toBe(c.writesVectors);
  expect(isVector(printWgsl(graph, scalar, 0))).toBe(false);
});

test("folds: vectors of both kinds, and subgroups where they may be used", () => {
  const graph = graphOf(folds(new GraphBuilder(), "sum"));
  const text = printWgsl(graph, vectors, 0);
  expect(text).toContain("data4_at(");
  expect(isVector(text)).toBe(true);
  expect(text).not.toContain("enable subgroups");
  const all = printWgsl(graph, { ...vectors, subgroups: true }, 0);
  expect(all).toMatch(/enable subgroups;[\s\S]*subgroupAdd\(acc\)/);
  expect(printWgsl(graph, scalar, 0)).not.toMatch(/data4_at|subgroup/);
});

test("many rows of some dozens of numbers are shared by four lanes, few or shorter ones are not", () => {
  const textOf = (rows: number, columns: number, tuning?: Tuning): string => {
    const g = new GraphBuilder();
    return printWgsl(graphOf([g.reduce("max", g.input("x", [rows, columns]), [1])]), tuning);
  };
  expect(textOf(100_000, 40)).toContain("(lane % 4u)");
  expect(textOf(100, 40)).not.toContain("(lane % 4u)");
  expect(textOf(100_000, 10)).not.toContain("(lane % 4u)");
  expect(textOf(100_000, 40, SOFTWARE_TUNING)).not.toMatch(/workgroupBarrier|var<workgroup>/);
});

test.each(Object.entries(stays))("numbers where they must be: %s", (_, build) => {
  expect(isVector(printWgsl(graphOf(build(new GraphBuilder())), vectors, 0))).toBe(false);
});

describe.skipIf(device === undefined)("vectors on WebGPU", () => {
  const on = device as WebGpuDevice;

  test.each([
    ...Object.entries(elementwise).map(([name, c]) => [name, c.build] as const),
    ...Object.entries(stays),
  ])("elementwise: %s", async (_, build) => {
    const graph = graphOf(build(new GraphBuilder()));
    const values = randomInputs(graph);
    const exact = evaluateGraph(graph, values);
    const [by4, by1] = [
      await run(on, graph, values, vectors),
      await run(on, graph, values, scalar),
    ];
    for (const { name } of graph.outputs) {
      expect(distance(by4[name], exact[name])).toBeLessThan(1e-5);
      // The same operations on the same numbers.
      expect(by4[name]).toEqual(by1[name]);
    }
  });

  // A software device takes its time over barriers. Sums of up to 33 000 numbers of order 1 by trees: some hundred roundings, relative to 1 + size. In
  // the gradient roundings of 100-term residuals meet thousands at a time.
  test.each([
    ...(
      [
        ["sum", vectors],
        ["sum", subgroups],
        ["sum", scalar],
        ["max", subgroups],
        ["min", subgroups],
      ] as const
    ).map(([fn, tuning]) => [fn, tuning, (g: GraphBuilder) => folds(g, fn)] as const),
    ...Object.entries(products).flatMap(([name, build]) =>
      [vectors, scalar].map((tuning) => [name, tuning, build] as const),
    ),
  ])("folds: %s, %o", { timeout: 180_000 }, async (_, tuning, build) => {
    const graph = graphOf(build(new GraphBuilder()));
    const values = randomInputs(graph);
    const exact = evaluateGraph(graph, values);
    const found = await run(on, graph, values, tuning);
    for (const { name, node } of graph.outputs) {
      expect(distance(found[name], exact[name]), `${name}, [${node.shape}]`).toBeLessThan(5e-5);
    }
  });

  test("NaN and infinities in vectors and subgroups", async () => {
    const g = new GraphBuilder();
    const x = g.input("x", [20_000]);
    const graph = graphOf([
      g.reduce("max", x, [0]),
      g.reduce("min", x, [0]),
      g.reduce("max", g.reshape(x, [100, 200]), [0]),
      g.sum(x),
    ]);
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const values = randomInputs(graph);
      values.x[12_345] = odd;
      const exact = evaluateGraph(graph, values);
      const found = await run(on, graph, values, subgroups);
      for (const { name } of graph.outputs) {
        expect(distance(found[name], exact[name]), `${odd}: ${name}`).toBeLessThan(1e-5);
      }
    }
  });

  test("random programs of many shapes", async () => {
    for (let seed = 0; seed < 6; seed++) {
      const { outputs, inputs } = randomProgram(seeded(91_000 + 7 * seed), 10 + 4 * seed);
      const graph = graphOf(outputs);
      const values = Object.fromEntries(
        graph.inputs.map((n) => [n.name, inputs[n.name].map(Math.fround)]),
      );
      const exact = evaluateGraph(graph, values);
      const found = await run(on, graph, values, vectors);
      for (const { name, node } of graph.outputs) {
        const d = distance(found[name], exact[name]);
        expect(d, `seed ${seed}: ${name}, ${node.op}`).toBeLessThan(1e-3);
      }
    }
  });

  test("data in several pieces", async () => {
    const g = new GraphBuilder();
    const x = g.input("x", [500, 100]);
    const graph = graphOf([
      g.mul(g.slice(x, [0, 0], [100, 100]), g.gather(x, g.input("i", [100], "int"), 0)),
    ]);
    const values = {
      ...randomInputs(graph),
      i: Float64Array.from({ length: 100 }, (_, k) => 499 - 4 * k),
    };
    const found = await run(inPieces as WebGpuDevice, graph, values, vectors);
    expect(distance(found["0"], evaluateGraph(graph, values)["0"])).toBeLessThan(1e-6);
  });
});
