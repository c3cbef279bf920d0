/**
 * Kernels that read vectors of four and that add up through subgroups, beside those that do
 * neither: against the f64 evaluator and against each other, with sizes that do not divide.
 */
import { afterAll, describe, expect, test } from "vitest";
import { compileGraph, printWgsl, type WebGpuDevice } from "../../../src/device/webgpu/index.js";
import type { Tuning } from "../../../src/device/webgpu/plan/context.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph, Node } from "../../../src/tensor/ops.js";
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
  transposed: (g) => [g.add(g.transpose(g.input("x", [32, 64])), g.input("y", [64, 32]))],
  "gathered along the last axis": (g) => [
    g.gather(g.input("x", [30, 8]), g.input("i", [40], "int"), 1),
  ],
  "rows whose length does not divide": (g) => [
    g.mul(g.input("x", [30, 33]), g.broadcast(g.input("r", [30]), [30, 33], [0])),
  ],
  padded: (g) => [g.pad(g.input("x", [30, 32]), [1, 2], [40, 40])],
};

async function run(
  on: WebGpuDevice,
  graph: Graph,
  values: Record<string, Float64Array>,
  tuning: Tuning,
): Promise<Record<string, Float64Array>> {
  const program = await compileGraph(on, graph, { fewRounds: 0, tuning });
  await program.run(values);
  const found = await program.run(values);
  program.close();
  return found;
}

const isVector = (text: string): boolean => text.includes("ws: array<vec4<f32>>");

test.each(Object.entries(elementwise))("vectors where they can be: %s", (_, c) => {
  const graph = graphOf(c.build(new GraphBuilder()));
  expect(isVector(printWgsl(graph, vectors, 0))).toBe(c.writesVectors);
  expect(isVector(printWgsl(graph, scalar, 0))).toBe(false);
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
