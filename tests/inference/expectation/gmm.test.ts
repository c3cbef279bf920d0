/** The shape of what is emitted: a mixture's rows are one matrix product. */
import { describe, expect, it } from "vitest";
import { gradient } from "../../../src/passes/grad/index.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { topological } from "../../../src/tensor/traverse.js";
import { wiggle } from "../logjoint/models.js";
import { bothOf, outputsOf } from "./harness.js";
import { matrix, models } from "./models.js";

const [scalar, , full] = models;

describe("mixtures", () => {
  it("full covariance: [N, D (D + 1)/2 + D + 1] × [·, K]", () => {
    const [N, D, K] = [500, 4, 3];
    const S = Array.from({ length: D }, (_, i) => Array.from({ length: D }, (_, j) => +(i === j)));
    const { expected } = bothOf(full.text, { N, D, K, S, x: matrix(N, D) });
    const nodes = topological(outputsOf(expected));
    const products = nodes.flatMap((n) => (n.op === "matmul" && sizeOf(n.shape) >= N ? [n] : []));
    expect(products.map((n) => [n.x.op, n.x.shape, n.y.shape])).toEqual([
      ["const", [N, (D * (D + 1)) / 2 + D + 1], [(D * (D + 1)) / 2 + D + 1, K]],
    ]);
    const rows = (D * (D + 1)) / 2 + D + 1;
    expect(Math.max(...nodes.map((n) => sizeOf(n.shape)))).toBe(N * rows);
    for (const n of nodes) if (sizeOf(n.shape) > N * K) expect(n.op).toBe("const");
  });

  it("scalar: [N, 3] × [3, K]", () => {
    const [N, K] = [400, 3];
    const { expected } = bothOf(scalar.text, { N, K, y: wiggle(N) });
    const nodes = topological(outputsOf(expected));
    const products = nodes.flatMap((n) => (n.op === "matmul" && sizeOf(n.shape) >= N ? [n] : []));
    expect(products.map((n) => [n.x.op, n.x.shape, n.y.shape])).toEqual([
      ["const", [N, 3], [3, K]],
    ]);
    for (const n of nodes) {
      if (n.op !== "const") expect(sizeOf(n.shape)).toBeLessThanOrEqual(N * K);
    }
    expect(gradient).toBeTypeOf("function");
  });
});
