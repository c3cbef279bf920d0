import { describe, expect, it } from "vitest";
import { gradient } from "../../../src/passes/grad/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { randomInputs, randomScalar, seeded } from "../../tensor/random-graph.js";
import { graphOf, worstDistance } from "./harness.js";
import { randomProgram } from "./random-program.js";

/**
 * Sums run in another order than the evaluator's compensated ones, and library functions differ by
 * an ulp or two: values here are of order 1 to 100, made by a few dozen operations.
 */
const TOLERANCE = 1e-11;

describe("lowered random graphs equal the reference evaluator", () => {
  it.each(Array.from({ length: 100 }, (_, k) => k))("scalar and gradient, seed %i", (seed) => {
    const rand = seeded(1000 + seed);
    const g = new GraphBuilder();
    const node = randomScalar(g, rand, 6 + (seed % 30));
    const inputs = randomInputs(rand);
    const wrt = g.inputs.filter((n) => n.name in inputs);
    const graph = graphOf([node, ...gradient(g, node, wrt)]);
    expect(worstDistance(graph, inputs, seed % 4 !== 0)).toBeLessThan(TOLERANCE);
  });

  it.each(Array.from({ length: 200 }, (_, k) => k))("many shapes and outputs, seed %i", (seed) => {
    const rand = seeded(77000 + seed);
    const { outputs, inputs } = randomProgram(rand, 8 + (seed % 30));
    expect(worstDistance(graphOf(outputs), inputs, seed % 3 !== 0)).toBeLessThan(TOLERANCE);
  });
});
