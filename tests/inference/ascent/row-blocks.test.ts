/** Graphs over items as loops over blocks of items: the same values. */
import { describe, expect, it } from "vitest";
import { blocking, inRowBlocks } from "../../../src/inference/ascent/row-blocks.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { ConstNode, Graph, Node } from "../../../src/tensor/ops.js";
import { topological } from "../../../src/tensor/traverse.js";

const wave = (n: number, by = 1.7): Float64Array =>
  Float64Array.from({ length: n }, (_, k) => Math.sin(by * k) + 0.3);

const loopsOf = (graph: Graph): number =>
  topological(graph.outputs.map((o) => o.node)).filter((n) => n.op === "scan").length;

/** Every output of the graph, whole and in blocks; totals of those that come in parts. */
function expectEqual(
  N: number,
  make: (g: GraphBuilder) => Record<string, Node>,
  { room, parts = [] }: { readonly room: number; readonly parts?: readonly string[] },
): Graph {
  const g = new GraphBuilder();
  const outputs = Object.entries(make(g)).map(([name, node]) => ({ name, node }));
  const graph: Graph = { inputs: g.inputs, outputs };
  const options = { rows: N, room, parts: new Set(parts), data: new Map<string, ConstNode>() };
  const blocked = inRowBlocks(graph, options);
  if (blocked === undefined) throw new Error("not in blocks");
  const values = Object.fromEntries(
    g.inputs.map((n) => [
      n.name,
      wave(
        n.shape.reduce((x, d) => x * d, 1),
        0.9,
      ),
    ]),
  );
  const [whole, found] = [evaluateGraph(graph, values), evaluateGraph(blocked, values)];
  for (const { name } of outputs) {
    const [a, b] = [whole[name], found[name]];
    if (parts.includes(name)) {
      const sum = b.reduce((x, y) => x + y, 0);
      expect(Math.abs(sum - a[0])).toBeLessThan(1e-12 * N);
      continue;
    }
    expect(b.length).toBe(a.length);
    // Sums of N numbers of size 1, in another order.
    b.forEach((v, k) => {
      expect(Math.abs(v - a[k])).toBeLessThan(1e-13 * N * (1 + Math.abs(a[k])));
    });
  }
  return blocked;
}

/** The E-step of a mixture of normals: `[N, W]` times `[W, K]`, its softmax, and their sums. */
function mixture(N: number, W: number, K: number) {
  return (g: GraphBuilder): Record<string, Node> => {
    const x = g.constant(wave(N * W), [N, W]);
    const table = g.add(
      g.matmul(x, g.input("natural", [W, K])),
      g.broadcast(g.input("weights", [K]), [N, K], [1]),
    );
    const log = g.logsumexp(table, [1]);
    const counts = g.exp(g.sub(table, g.broadcast(log, [N, K], [0])));
    return {
      total: g.sum(log),
      sizes: g.sum(counts, [0]),
      sums: g.matmul(g.transpose(x), counts),
      counts,
      largest: g.reduceMax(counts, [1]),
    };
  };
}

describe("passes in blocks of rows", () => {
  it.each([
    [600, "blocks of one size"],
    [601, "a prime number of items: a block is left over"],
    [7, "a block for each item"],
  ])("an E-step with %i items: %s", (N) => {
    const graph = expectEqual(N, mixture(N, 5, 4), { room: 200, parts: ["total"] });
    expect(loopsOf(graph)).toBe(1);
  });

  it("sizes of blocks", () => {
    expect(blocking(1000, 10, 1000)).toEqual({ count: 10, rows: 100, rest: 0 });
    expect(blocking(1009, 10, 1000)).toEqual({ count: 11, rows: 91, rest: 8 });
    expect(blocking(3, 1000, 10)).toEqual({ count: 3, rows: 1, rest: 0 });
    expect(blocking(1, 1000, 10)).toEqual({ count: 1, rows: 1, rest: 0 });
  });

  it("what has room is left as it is", () => {
    const g = new GraphBuilder();
    const made = Object.entries(mixture(50, 3, 2)(g)).map(([name, node]) => ({ name, node }));
    const options = { rows: 50, room: 1e6, parts: new Set<string>(), data: new Map() };
    expect(inRowBlocks({ inputs: g.inputs, outputs: made }, options)).toBeUndefined();
  });

  it("groups, products of columns, solutions, and items along other axes", () => {
    const [N, K] = [90, 3];
    const make = (g: GraphBuilder): Record<string, Node> => {
      const x = g.constant(wave(N * K), [N, K]);
      const group = g.constant(
        Float64Array.from({ length: N }, (_, i) => (i * i) % 5),
        [N],
        "int",
      );
      const effects = g.input("effects", [5, K]);
      const own = g.gather(effects, group, 0);
      const residual = g.sub(x, own);
      const across = g.transpose(residual);
      const pairs = g.mul(
        g.gather(across, g.constant([0, 0, 1, 2], [4], "int"), 0),
        g.gather(across, g.constant([0, 1, 2, 2], [4], "int"), 0),
      );
      const l = g.cholesky(
        g.add(g.matmul(across, residual), g.constant([9, 0, 0, 0, 9, 0, 0, 0, 9], [3, 3])),
      );
      const noise = g.input("noise", [N]);
      const wide = g.mul(residual, g.broadcast(noise, [N, K], [0]));
      return {
        byGroup: g.scatterAdd(wide, group, 0, [5, K]),
        pairs: g.sum(pairs, [1]),
        across,
        cumulative: g.sum(g.cumulative("sum", wide, 1), [0]),
        joined: g.sum(g.concat([wide, g.ones([N, 2])], 1), [0]),
        after: g.triangularSolve(l, g.reshape(g.sum(wide, [0]), [K, 1])),
        folded: g.matmul(g.reshape(wide, [1, N, K]), g.input("right", [K, 2])),
        picked: g.slice(residual, [0, 1], [N, 1]),
        padded: g.sum(g.pad(wide, [0, 1], [N, K + 1]), [0]),
      };
    };
    // The factor reads a sum over all rows, and nothing of the rows reads it.
    expectEqual(N, make, { room: 100 });
  });

  it("a sum that is both shown in parts and read", () => {
    const N = 64;
    const make = (g: GraphBuilder): Record<string, Node> => {
      const sum = g.sum(g.square(g.constant(wave(N), [N])));
      return { total: sum, root: g.sqrt(sum), shifted: g.add(sum, g.input("one", [])) };
    };
    expectEqual(N, make, { room: 8, parts: ["total", "shifted"] });
  });

  it("items that hang together stay together", () => {
    const N = 100;
    const of = (make: (g: GraphBuilder, x: Node) => Node): Graph | undefined => {
      const g = new GraphBuilder();
      const x = g.input("x", [N, 2]);
      const outputs = [{ name: "out", node: make(g, x) }];
      const options = { rows: N, room: 10, parts: new Set<string>(), data: new Map() };
      return inRowBlocks({ inputs: g.inputs, outputs }, options);
    };
    expect(of((g, x) => g.sum(g.cumulative("sum", g.exp(x), 0), [0]))).toBeUndefined();
    expect(of((g, x) => g.reduceMax(g.exp(x), [0]))).toBeUndefined();
    expect(of((g, x) => g.slice(g.exp(x), [1, 0], [N - 1, 2]))).toBeUndefined();
    // Each item reads the sum of all.
    expect(of((g, x) => g.sub(x, g.broadcast(g.sum(g.exp(x), [0]), [N, 2], [1])))).toBeUndefined();
    expect(of((g, x) => g.sum(g.exp(x), [0]))).toBeDefined();
  });
});
