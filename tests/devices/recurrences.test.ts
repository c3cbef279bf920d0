/** Recurrences level by level and chains of layers on devices: gathers inside scans, whole rows of indices. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphProgram } from "../../src/device/contract.js";
import { compileGraph } from "../../src/device/webgpu/index.js";
import { buildLogJoint } from "../../src/inference/logjoint/index.js";
import { condition } from "../../src/passes/condition/index.js";
import { withGradient } from "../../src/passes/grad/index.js";
import { SimplifyingBuilder } from "../../src/passes/simplify/builder.js";
import { simplify } from "../../src/passes/simplify/index.js";
import { evaluateGraph } from "../../src/tensor/evaluate.js";
import type { Graph } from "../../src/tensor/ops.js";
import { dataSet, modelOf, wiggle } from "../inference/logjoint/models.js";
import { deviceForTests as tensorflow } from "./tensorflow/harness.js";
import { deviceForTests as webgpu } from "./webgpu/harness.js";

const y = wiggle(8);
const models = [
  {
    name: "a tree",
    text: `model m(N: int, parent: int[N]) {
  s ~ HalfNormal(1)
  let x[0] = 0.5 * s
  for i in 1..N { let x[i] = 0.8 * x[parent[i]] + s * i / N }
  for i in 0..N { y[i] ~ Normal(x[i], 1) }
}`,
    data: { y, parent: [0, 0, 0, 1, 1, 2, 3, 5] },
  },
  {
    name: "all before",
    text: `model m(T: int, w: real[T]) {
  R ~ HalfNormal(2)
  let I[0] = R
  for t in 1..T { let I[t] = R * sum(for s in 0..t: I[s] * w[t - s - 1]) }
  for t in 0..T { y[t] ~ Normal(I[t], 1) }
}`,
    data: { y, w: [0.2, 0.3, 0.2, 0.1, 0.1, 0.05, 0.05, 0] },
  },
  {
    name: "a chain of second order",
    text: `model m(T: int) {
  p ~ Beta(2, 2)
  m ~ Normal(0, 1)
  z[0] ~ Bernoulli(0.5)
  z[1] ~ Bernoulli(0.5)
  for t in 2..T { z[t] ~ Bernoulli(if z[t - 1] || z[t - 2] then p else 0.2) }
  for t in 0..T { y[t] ~ Normal(int(z[t]) * m, 1) }
}`,
    data: { y: wiggle(40) },
  },
] as const;

const onTensorflow = await tensorflow("f64");
const onWebgpu = await webgpu();
afterAll(() => {
  onTensorflow?.close();
  onWebgpu?.close();
});
type Compile = (graph: Graph) => Promise<Pick<GraphProgram, "run" | "close">>;
const devices: readonly (readonly [string, Compile | undefined, number])[] = [
  // The same sums in f64 in another order; in f32 a few hundred roundings of 6e-8.
  ["TensorFlow", onTensorflow && ((graph) => onTensorflow.compileGraph(graph)), 1e-11],
  ["WebGPU", onWebgpu && ((graph) => compileGraph(onWebgpu, graph)), 1e-4],
];

describe.each(devices)("%s", (_, compile, tolerance) => {
  test.skipIf(compile === undefined).each(models)("$name", async ({ text, data }) => {
    const joint = buildLogJoint(condition(modelOf(text), dataSet(data)), "test");
    const lp = { inputs: [joint.q], outputs: [{ name: "lp", node: joint.logDensity }] };
    const graph = simplify(
      withGradient(simplify(lp), "lp", { [joint.q.name]: "dq" }, new SimplifyingBuilder()),
    );
    const program = await (compile as Compile)(graph);
    for (const k of [0, 1]) {
      const q = Float64Array.from({ length: joint.dimension }, (_, i) =>
        Math.fround(Math.sin(k + i)),
      );
      const exact = evaluateGraph(graph, { q });
      const found = await program.run({ q });
      for (const name of ["lp", "dq"]) {
        exact[name].forEach((v, i) => {
          expect(Math.abs(found[name][i] - v)).toBeLessThan(tolerance * (1 + Math.abs(v)));
        });
      }
    }
    program.close();
  });
});
