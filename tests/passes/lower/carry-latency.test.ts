/** The path from one step of a scan to the next. */
import { describe, expect, it } from "vitest";
import { gradient } from "../../../src/passes/grad/index.js";
import { shortenCarries } from "../../../src/passes/lower/carry-latency.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Node, ScanBody } from "../../../src/tensor/ops.js";
import { operandsOf, topological } from "../../../src/tensor/traverse.js";
import { seeded, uniform } from "../../tensor/random-graph.js";
import { graphOf, worstDistance } from "./harness.js";

type Step = (g: GraphBuilder, carry: Node, slices: readonly Node[]) => Node;

function scanOf(step: Step, length = 50) {
  const g = new GraphBuilder();
  const a = g.input("a", [length]);
  const b = g.input("b", [length]);
  const { carry, ys } = g.scan({ length, init: [g.constant(0.3)], xs: [a, b] }, (s, c, xs) => {
    const next = step(s, c[0], xs);
    return { carry: [next], ys: [next] };
  });
  const inputs = { a: uniform(seeded(1), length), b: uniform(seeded(2), length) };
  const lp = g.add(carry[0], g.sum(g.square(ys[0])));
  const graph = graphOf([lp, ys[0], ...gradient(g, lp, [a, b])]);
  return { body: ys[0].source.body, graph, inputs };
}

/** Operations on the longest way from the carry to the next one. */
function latency(body: ScanBody): number {
  const far = new Map<Node, number>([[body.carry[0], 0]]);
  for (const node of topological(body.nextCarry)) {
    const ways = operandsOf(node).flatMap((x) => far.get(x) ?? []);
    if (ways.length > 0) far.set(node, Math.max(...ways) + 1);
  }
  return far.get(body.nextCarry[0]) ?? 0;
}

const cases: readonly (readonly [name: string, before: number, after: number, step: Step])[] = [
  ["a − (b + 0.4 c)", 3, 2, (g, c, [a, b]) => g.sub(a, g.add(b, g.mul(0.4, c)))],
  ["((0.4 c + a) − b) − 1", 4, 2, (g, c, [a, b]) => g.sub(g.sub(g.add(g.mul(0.4, c), a), b), 1)],
  ["(−a − b) − 0.4 c", 2, 2, (g, c, [a, b]) => g.sub(g.sub(g.neg(a), b), g.mul(0.4, c))],
  [
    "0.5 − (a + (b − (0.4 c − 1)))",
    5,
    2,
    (g, c, [a, b]) => g.sub(0.5, g.add(a, g.sub(b, g.sub(g.mul(0.4, c), 1)))),
  ],
  [
    "c/2 + (tanh c + a), which has two terms to wait for",
    3,
    3,
    (g, c, [a]) => g.add(g.mul(c, 0.5), g.add(g.tanh(c), a)),
  ],
];

describe("carries", () => {
  it.each(cases)("%s", (_, before, after, step) => {
    const { body, graph, inputs } = scanOf(step);
    expect(latency(body)).toBe(before);
    expect(latency(shortenCarries(body))).toBe(after);
    // Fifty steps of a contraction, in another order of additions.
    expect(worstDistance(graph, inputs)).toBeLessThan(1e-13);
  });

  it("leave a sum that something else reads as it is", () => {
    const { body, graph, inputs } = scanOf((g, c, [a, b]) => {
      const inner = g.add(b, g.mul(0.4, c));
      return g.mul(g.sub(a, inner), g.sigmoid(inner));
    });
    expect(shortenCarries(body)).toBe(body);
    expect(worstDistance(graph, inputs)).toBeLessThan(1e-13);
  });

  it("are found in sums of any length", () => {
    const { body } = scanOf((g, c, [a, b]) => {
      let sum: Node = g.mul(0.4, c);
      for (let k = 0; k < 20_000; k++) sum = g.add(sum, g.mul(k + 0.5, k % 2 === 0 ? a : b));
      return sum;
    }, 2);
    expect(latency(shortenCarries(body))).toBe(2);
  });
});
