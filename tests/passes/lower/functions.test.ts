/** Every scalar function of the tensor graph has code: none is a name that nothing defines. */
import { expect, it } from "vitest";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import { binaryFns, ternaryFns, unaryFns } from "../../../src/tensor/ops.js";
import { distance } from "../../tensor/random-graph.js";
import { compileGraph, graphOf } from "./harness.js";

const x = Float64Array.of(0.3, 0.7, 0.9);
const y = Float64Array.of(1.5, 2.5, 0.5);
const z = Float64Array.of(0.2, 0.4, 0.6);

it.each([...unaryFns, ...binaryFns, ...ternaryFns])("%s", (name) => {
  const g = new GraphBuilder();
  const [a, b, c] = ["x", "y", "z"].map((n) => g.input(n, [3]));
  const unary = unaryFns.find((f) => f === name);
  const binary = binaryFns.find((f) => f === name);
  const ternary = ternaryFns.find((f) => f === name);
  const node =
    unary !== undefined
      ? g.unary(unary, unary === "log1mexp" ? g.neg(a) : a)
      : binary !== undefined
        ? g.binary(binary, a, b)
        : g.ternary(ternary ?? "select", ternary === "select" ? g.lt(a, b) : a, b, c);
  const graph = graphOf([node]);
  const inputs = { x: name === "acosh" ? y.map((v) => v + 1) : x, y, z };
  const { 0: expected } = evaluateGraph(graph, inputs);
  const { 0: got } = compileGraph(graph).run(inputs);
  // Host and kernel functions differ by rounding, by up to 1e-13 where values cancel.
  expect(distance(got, expected)).toBeLessThan(1e-12);
});
