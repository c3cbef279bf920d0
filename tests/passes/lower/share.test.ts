/** Loops in chunks, and parts of outputs made in place: what they compute stays what it was. */
import { describe, expect, it } from "vitest";
import { stream } from "../../../src/math/rng/random.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph } from "../../../src/tensor/ops.js";
import { distance, randomInputs, randomScalar, seeded } from "../../tensor/random-graph.js";
import { compileGraph, graphOf, type Inputs } from "./harness.js";
import { randomProgram } from "./random-program.js";

/** As in random.test.ts: sums run in another order than the evaluator's compensated ones. */
const TOLERANCE = 1e-11;
/** Nearly every loop of a small graph is cut. */
const FINE = { least: 4, chunk: 1 };

function worst(graph: Graph, inputs: Inputs, simd: boolean): { far: number; jobs: number } {
  const expected = evaluateGraph(graph, inputs);
  const compiled = compileGraph(graph, simd, undefined, undefined, FINE);
  const got = compiled.run(inputs);
  const far = Math.max(0, ...Object.keys(expected).map((n) => distance(got[n], expected[n])));
  return { far, jobs: compiled.jobs };
}

describe("loops in chunks equal the reference evaluator", () => {
  let jobs = 0;
  it.each(Array.from({ length: 60 }, (_, k) => k))("scalar and gradient, seed %i", (seed) => {
    const rand = seeded(5000 + seed);
    const g = new GraphBuilder();
    const node = randomScalar(g, rand, 6 + (seed % 30));
    const inputs = randomInputs(rand);
    const wrt = g.inputs.filter((n) => n.name in inputs);
    const found = worst(graphOf([node, ...gradient(g, node, wrt)]), inputs, seed % 4 !== 0);
    expect(found.far).toBeLessThan(TOLERANCE);
    jobs += found.jobs;
  });

  it.each(Array.from({ length: 140 }, (_, k) => k))("many shapes, seed %i", (seed) => {
    const rand = seeded(99000 + seed);
    const { outputs, inputs } = randomProgram(rand, 8 + (seed % 30));
    const found = worst(graphOf(outputs), inputs, seed % 3 !== 0);
    expect(found.far).toBeLessThan(TOLERANCE);
    jobs += found.jobs;
  });

  it("is what those graphs were about", () => {
    expect(jobs).toBeGreaterThan(100);
  });

  it("sums over rows and all elements, an even or odd number of rows", () => {
    for (const rows of [64, 101]) {
      const g = new GraphBuilder();
      const x = g.input("x", [rows, 700]);
      const y = g.mul(x, x);
      const graph = graphOf([g.sum(y, [0]), g.sum(y, [0, 1]), g.reduce("max", x, [0, 1]), y]);
      const rng = stream(1, 2, 3, rows);
      const inputs = { x: Float64Array.from({ length: rows * 700 }, () => rng.normal()) };
      const compiled = compileGraph(graph);
      expect(compiled.jobs).toBeGreaterThan(0);
      const [got, expected] = [compiled.run(inputs), evaluateGraph(graph, inputs)];
      for (const name of Object.keys(expected)) {
        expect(distance(got[name], expected[name])).toBeLessThan(1e-12);
      }
    }
  });
});

describe("outputs that are joined", () => {
  it("are made where they belong", () => {
    const g = new GraphBuilder();
    const x = g.input("x", [40, 30]);
    const y = g.input("y", [40, 50]);
    const product = g.matmul(g.transpose(x, [1, 0]), y);
    const back = g.matmul(x, product);
    const parts = [g.reshape(product, [1500]), g.sum(x, [0]), g.reshape(back, [2000])];
    const graph = graphOf([g.concat(parts, 0), g.sum(product, [0, 1])]);
    const rng = stream(4, 3, 2, 1);
    const numbers = (n: number) => Float64Array.from({ length: n }, () => rng.normal());
    const inputs = { x: numbers(1200), y: numbers(2000) };
    const compiled = compileGraph(graph);
    const [got, expected] = [compiled.run(inputs), evaluateGraph(graph, inputs)];
    for (const name of Object.keys(expected)) {
      expect(distance(got[name], expected[name])).toBeLessThan(TOLERANCE);
    }
    const text = JSON.stringify(compiled.fn.body);
    // The products have no other home.
    const homes = [...text.matchAll(/"kind":"tile".*?"out":\{"buffer":"(\w+)"/g)].map((m) => m[1]);
    expect(new Set(homes)).toEqual(new Set(["out_0"]));
  });
});
