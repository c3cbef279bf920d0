/** The shape of what is emitted: a mixture's rows are one matrix product. */
import { describe, expect, it } from "vitest";
import { withGradient } from "../../../src/passes/grad/index.js";
import { ConstantPool, lowerGraph } from "../../../src/passes/lower/index.js";
import { SimplifyingBuilder, simplify } from "../../../src/passes/simplify/index.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Node } from "../../../src/tensor/ops.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { operandsOf, topological } from "../../../src/tensor/traverse.js";
import { make } from "../conditionals/harness.js";
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
  });

  it("diagonal covariance: loops over the dimensions become columns", () => {
    const [N, D, K] = [200, 4, 3];
    const text = models.find((m) => m.name === "diagonal covariances")?.text as string;
    const { expected } = bothOf(text, { N, D, K, x: matrix(N, D) });
    const [, rows] = expected.factors;
    expect(rows.rows.shape).toEqual([N, K]);
    expect([...rows.references[0].elements]).toEqual(Array.from({ length: N }, (_, n) => n));
    for (const n of topological(outputsOf(expected))) {
      if (n.op !== "const") expect(sizeOf(n.shape)).toBeLessThanOrEqual(N * K);
    }
  });

  it("rows and their adjoint as kernels, no array beyond N × K or the data", () => {
    const [N, D, K] = [300, 3, 4];
    const S = Array.from({ length: D }, (_, i) => Array.from({ length: D }, (_, j) => +(i === j)));
    const { expected } = bothOf(full.text, { N, D, K, S, x: matrix(N, D) });
    const rows = expected.factors[1].rows;
    const statistics = expected.sites.flatMap((s) => (s.kind === "point" ? [] : s.statistics));
    const used = new Set<Node>(topological([rows]));
    const inputs = statistics.map((s) => s.input).filter((n) => used.has(n));
    const weights = expected.g.input("weights", rows.shape);
    const total = expected.g.sum(expected.g.mul(rows, weights));
    const names = Object.fromEntries(inputs.map((n, k) => [n.name, `d${k}`]));
    const plain = simplify({ inputs: [...inputs, weights], outputs: [{ name: "v", node: total }] });
    const graph = simplify(withGradient(plain, "v", names, new SimplifyingBuilder()));
    for (const n of topological(graph.outputs.map((o) => o.node))) {
      if (!isOfConstants(n)) expect(sizeOf(n.shape)).toBeLessThanOrEqual(N * K);
    }
    const values = Object.fromEntries(
      graph.inputs.map((n, k) => [n.name, Float64Array.from(wiggle(sizeOf(n.shape), 7 * k))]),
    );
    const wanted = evaluateGraph(graph, values);
    const pool = new ConstantPool();
    const buffers = Object.fromEntries(
      [...graph.inputs.map((n) => n.name), ...graph.outputs.map((o) => o.name)].map((n, k) => [
        n,
        `b${k}`,
      ]),
    );
    const pick = (list: readonly string[]) => Object.fromEntries(list.map((n) => [n, buffers[n]]));
    const lowered = lowerGraph(graph, {
      name: "f",
      inputs: pick(graph.inputs.map((n) => n.name)),
      outputs: pick(graph.outputs.map((o) => o.name)),
      constants: pool,
    });
    const length = new Map<string, number>();
    for (const n of graph.inputs) length.set(buffers[n.name], sizeOf(n.shape));
    for (const o of graph.outputs) length.set(buffers[o.name], sizeOf(o.node.shape));
    const instance = make({
      buffers: [
        ...[...length].map(([name, n]) => ({
          name,
          element: "f64" as const,
          length: n,
          region: "workspace" as const,
        })),
        ...pool.buffers(),
        ...pool.scratchBuffers(),
      ],
      functions: lowered.functions,
    });
    for (const n of graph.inputs) instance.f64(buffers[n.name]).set(values[n.name]);
    instance.fn("f")();
    for (const o of graph.outputs) {
      const found = instance.f64(buffers[o.name]);
      wanted[o.name].forEach((v, i) => {
        expect(Math.abs(found[i] - v)).toBeLessThan(1e-9 * (1 + Math.abs(v)));
      });
    }
  });
});

const isOfConstants = (n: Node): boolean =>
  n.op === "const" || (operandsOf(n).length > 0 && operandsOf(n).every(isOfConstants));
