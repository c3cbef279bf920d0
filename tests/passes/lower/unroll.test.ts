/** Small axes beside long ones: what is unrolled, and that the values stay. */
import { describe, expect, it } from "vitest";
import type { Stmt } from "../../../src/kernel/ir.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { unrollSmallAxes } from "../../../src/passes/lower/unroll.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph, Node, Shape } from "../../../src/tensor/ops.js";
import { topological } from "../../../src/tensor/traverse.js";
import { verifyGraph } from "../../../src/tensor/verify.js";
import { distance, seeded, uniform } from "../../tensor/random-graph.js";
import { compileGraph, graphOf, worstDistance } from "./harness.js";
import { randomProgram } from "./random-program.js";

type Loop = Extract<Stmt, { kind: "for" }>;

function loopsIn(body: readonly Stmt[]): Loop[] {
  return body.flatMap((s) => (s.kind === "for" ? [s, ...loopsIn(s.body)] : []));
}
const nodesOf = (graph: Graph): Node[] => topological(graph.outputs.map((o) => o.node));

/** The log density of a mixture of `k` normals, and its gradient; components on `axis`. */
function mixture(rows: number, k: number, axis: 0 | 1): Graph {
  const g = new GraphBuilder();
  const mu = g.input("mu", [k]);
  const shape = axis === 0 ? [k, rows] : [rows, k];
  const y = g.broadcast(g.constant(uniform(seeded(5), rows, -2, 2)), shape, [1 - axis]);
  const z = g.sub(y, g.broadcast(mu, shape, [axis]));
  const lp = g.sum(g.logsumexp(g.mul(-0.5, g.square(z)), [axis]));
  return graphOf([lp, ...gradient(g, lp, [mu])]);
}

describe("unrolled axes", () => {
  it.each([
    [2, 0],
    [3, 1],
    [10, 1],
  ] as const)("%i components on axis %i are one parallel loop over rows", (k, axis) => {
    const graph = mixture(300, k, axis);
    const inputs = { mu: uniform(seeded(6), k, -1, 1) };
    const { fn } = compileGraph(graph);
    const long = loopsIn(fn.body).filter((l) => l.to.kind === "const" && l.to.value === 300);
    expect(long.length).toBe(1);
    expect(long[0].parallel).toBeDefined();
    expect(loopsIn(long[0].body)).toEqual([]);
    expect(worstDistance(graph, inputs)).toBeLessThan(1e-12);
  });

  it("leaves long axes, and small matrices, as they are", () => {
    for (const graph of [mixture(300, 40, 1), mixture(12, 12, 0), mixture(10, 2, 0)]) {
      expect(unrollSmallAxes(graph)).toBe(graph);
      const [[name, node]] = graph.inputs.map((n) => [n.name, n] as const);
      expect(worstDistance(graph, { [name]: uniform(seeded(7), node.shape[0]) })).toBeLessThan(
        1e-12,
      );
    }
  });

  it("runs sums over long leading axes as vectors along the last one", () => {
    const graph = mixture(300, 40, 0);
    const long = loopsIn(compileGraph(graph).fn.body).filter((l) => {
      return l.to.kind === "const" && l.to.value === 300;
    });
    expect(long.filter((l) => l.parallel === undefined)).toEqual([]);
    expect(worstDistance(graph, { mu: uniform(seeded(7), 40) })).toBeLessThan(1e-12);
  });

  it("sums columns of data without leaving any two-dimensional value", () => {
    const g = new GraphBuilder();
    const b = g.input("b", [4]);
    const x = g.constant(uniform(seeded(8), 2000), [500, 4]);
    const eta = g.sum(g.mul(x, g.broadcast(b, [500, 4], [1])), [1]);
    const lp = g.sum(g.softplus(eta));
    const graph = graphOf([lp, ...gradient(g, lp, [b])]);
    const wide = nodesOf(unrollSmallAxes(graph)).filter((n) => n.shape.join() === "500,4");
    expect(wide).toEqual([]);
    expect(worstDistance(graph, { b: uniform(seeded(9), 4) })).toBeLessThan(1e-12);
  });

  it("keeps the parts that sides of a softmax share", () => {
    const graph = mixture(300, 3, 1);
    const exps = (all: Graph): number =>
      nodesOf(all).filter((n) => n.op === "unary" && n.fn === "exp").length;
    expect(exps(graph)).toBe(1);
    expect(exps(unrollSmallAxes(graph))).toBe(3);
  });

  const shapes: readonly Shape[] = [
    [40, 3],
    [3, 40],
    [40, 2, 3],
    [2, 40],
    [40],
    [3],
    [1, 40],
    [40, 1],
  ];
  it.each(Array.from({ length: 120 }, (_, k) => k))("keeps values, seed %i", (seed) => {
    const rand = seeded(91000 + seed);
    const { outputs, inputs } = randomProgram(rand, 8 + (seed % 30), shapes);
    const graph = graphOf(outputs);
    const unrolled = unrollSmallAxes(graph);
    verifyGraph(unrolled, "unroll");
    const expected = evaluateGraph(graph, inputs);
    const got = evaluateGraph(unrolled, inputs);
    // Sums run in another order; values are of order 1 to 100.
    for (const name of Object.keys(expected)) {
      expect(distance(got[name], expected[name])).toBeLessThan(1e-11);
    }
    expect(worstDistance(graph, inputs, seed % 3 !== 0)).toBeLessThan(1e-11);
  });
  it("is what most of those graphs are about", () => {
    const changed = Array.from({ length: 120 }, (_, seed) => {
      const { outputs } = randomProgram(seeded(91000 + seed), 8 + (seed % 30), shapes);
      const graph = graphOf(outputs);
      return unrollSmallAxes(graph) !== graph;
    });
    expect(changed.filter((c) => c).length).toBeGreaterThan(40);
  });
});
