/** `products: "f32"` on a device in double precision: matrices are multiplied in single precision. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice, LoopSpec } from "../../../src/device/contract.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { distance, seeded, uniform } from "../../tensor/random-graph.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
const cpu = openCpuGraphs();
afterAll(() => device?.close());

/** Products of matrices, of batches with one matrix and with many, with transposes and constants. */
function spec(): { readonly loop: LoopSpec; readonly values: Record<string, Float64Array> } {
  const g = new GraphBuilder();
  const s = g.input("s", [1]);
  const [x, w] = [g.input("x", [200, 150]), g.input("w", [150, 120])];
  const [a, b] = [g.input("a", [3, 40, 50]), g.input("b", [3, 40, 60])];
  const outputs = {
    next: g.add(s, 1),
    plain: g.matmul(x, w),
    gram: g.matmul(g.transpose(x, [1, 0]), x),
    batched: g.matmul(g.transpose(a, [0, 2, 1]), b),
    rows: g.matmul(a, g.input("c", [50, 30])),
    other: g.exp(x),
  };
  const rand = seeded(7);
  const values = Object.fromEntries(
    g.inputs.map((n) => [n.name, uniform(rand, sizeOf(n.shape))] as const),
  );
  const graph = {
    inputs: g.inputs,
    outputs: Object.entries(outputs).map(([name, node]) => ({ name, node })),
  };
  const trace = Object.keys(outputs).filter((name) => name !== "next");
  return { loop: { graph, state: { s: "next" }, noise: [], trace, mostSteps: 2 }, values };
}

async function run(on: GraphDevice, products: "f64" | "f32"): Promise<Record<string, number>> {
  const { loop, values } = spec();
  const exact = evaluateGraph(loop.graph, values);
  const program = await on.compileLoop({ ...loop, products });
  program.set(values);
  const found = await program.steps(0, 1);
  program.close();
  return Object.fromEntries(loop.trace.map((name) => [name, distance(found[name], exact[name])]));
}

const devices: readonly (readonly [string, GraphDevice | undefined])[] = [
  ["TensorFlow", device],
  ["the CPU", cpu],
];

describe.each(devices)("products on %s", (name, on) => {
  test.skipIf(on === undefined)("are as precise as they are asked to be", async () => {
    const errors = await run(on as GraphDevice, "f64");
    for (const [what, error] of Object.entries(errors)) expect(error, what).toBeLessThan(1e-13);
    const single = await run(on as GraphDevice, "f32");
    expect(single.other).toBeLessThan(1e-14);
    // The CPU has single precision for large products only.
    const some = name === "the CPU" ? ["plain", "gram"] : ["plain", "gram", "batched", "rows"];
    for (const what of some) {
      // Factors rounded to 2⁻²⁴, and sums of up to 200 terms of size 1.
      expect(single[what], what).toBeGreaterThan(1e-9);
      expect(single[what], what).toBeLessThan(2e-5);
    }
  });
});
