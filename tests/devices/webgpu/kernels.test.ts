/** What becomes one kernel: counts of dispatches, which need no device. */
import { expect, test } from "vitest";
import { printWgsl } from "../../../src/device/webgpu/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Node } from "../../../src/tensor/ops.js";
import { inputsOf } from "../../../src/tensor/transform.js";

function kernels(...outputs: readonly Node[]): readonly string[] {
  const graph = {
    inputs: inputsOf(outputs),
    outputs: outputs.map((node, k) => ({ name: String(k), node })),
  };
  return printWgsl(graph)
    .split(/^(?=\/\/ .*, workgroups: \d+$)/m)
    .filter((text) => text.length > 0);
}

/** Large enough that every task has many workgroups. */
const N = 300;

test("elementwise tasks of one size run in the same threads", () => {
  const g = new GraphBuilder();
  const [x, y] = [g.input("x", [N, N]), g.input("y", [N, N])];
  const sum = g.exp(g.add(x, y));
  // Stored since it is an output and read again, at the same place.
  expect(kernels(sum, g.mul(sum, y), g.sin(x)).length).toBe(1);
  // Read at another place: it has to be complete.
  expect(kernels(sum, g.mul(g.transpose(sum, [1, 0]), y)).length).toBe(2);
});

test("products that need nothing of each other share a dispatch", () => {
  const g = new GraphBuilder();
  const [x, y, z] = ["x", "y", "z"].map((name) => g.input(name, [N, N]));
  const [first, second] = [g.matmul(x, y), g.matmul(y, z)];
  const [both] = kernels(first, second);
  expect(kernels(first, second).length).toBe(1);
  expect(both).toMatch(/if \(wid\.x < \d+u\)/);
  expect(kernels(first, g.matmul(first, z)).length).toBe(2);
});

test("what follows a product element by element runs where its results are stored", () => {
  const g = new GraphBuilder();
  const [x, w] = [g.input("x", [N, N]), g.input("w", [N, N])];
  const bias = g.broadcast(g.input("b", [N]), [N, N], [1]);
  const before = g.add(g.matmul(x, w), bias);
  const layer = g.max(before, g.full([N, N], 0));
  const texts = kernels(g.exp(layer));
  expect(texts.length).toBe(1);
  expect(texts[0]).toContain("fn each_0(item: u32)");
  // A layer, its residual and the gradient of the weights: a dispatch a product.
  const residual = g.sub(layer, g.input("y", [N, N]));
  expect(kernels(g.matmul(g.transpose(x, [1, 0]), residual)).length).toBe(2);
});

test("folds of long rows do the same", () => {
  const g = new GraphBuilder();
  const [x, b] = [g.input("x", [5000, 200]), g.input("b", [200, 1])];
  const fitted = g.reshape(g.matmul(x, b), [5000]);
  const residual = g.sub(g.input("y", [5000]), g.exp(fitted));
  expect(kernels(residual).length).toBe(1);
});
