/** Loops over operands that lie in memory in another order than their shapes tell. */
import { expect, test } from "vitest";
import { compileFunction } from "../../../src/run/results/compiled.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import type { InputNode, Node } from "../../../src/tensor/ops.js";

const input = Float64Array.from({ length: 6 }, (_, i) => 0.3 + 0.17 * i * i);

/** `a` is `[3, 2]` and read by others too, so that its transpose is a view of it. */
function check(make: (g: GraphBuilder, a: Node) => readonly Node[]): void {
  const g = new GraphBuilder();
  const x: InputNode = g.input("q", [6]);
  const a = g.exp(g.reshape(g.mul(0.2, x), [3, 2]));
  const nodes = [...make(g, a), g.sum(a)];
  const compiled = compileFunction(x, nodes);
  compiled.compute(input);
  evaluate(nodes, { q: input }).forEach((expected, k) => {
    expected.forEach((v, i) => {
      expect(Math.abs(compiled.outputs[k][i] - v)).toBeLessThan(1e-12 * (1 + Math.abs(v)));
    });
  });
}

test("a matrix and its transpose as constants of a loop", () => {
  check((g, a) => {
    const w = g.matmul(g.transpose(a), a);
    const s = g.add(w, g.constant([0, 1, 2, 3], [2, 2]));
    const { carry } = g.scan(
      { length: 3, init: [g.ones([1, 2])], xs: [], consts: [s, g.transpose(s)] },
      (b, [c], _, [m, t]) => ({ carry: [b.mul(0.1, b.matmul(b.matmul(c, m), t))], ys: [] }),
    );
    return [...carry, g.sum(s)];
  });
});

test("rows of a transpose in a matrix product, and as results", () => {
  check((g, a) => {
    const { carry, ys } = g.scan(
      { length: 2, init: [g.zeros([1, 2])], xs: [g.transpose(a)], consts: [a] },
      (b, [c], [row], [m]) => ({
        carry: [b.add(c, b.matmul(b.reshape(row, [1, 3]), m))],
        ys: [row],
      }),
    );
    return [...carry, ...ys];
  });
});

test("a transpose of a transposed operand", () => {
  check((g, a) => {
    const { carry } = g.scan(
      { length: 2, init: [g.zeros([1, 2])], xs: [], consts: [a, g.transpose(a)] },
      (b, [c], _, [m, t]) => ({
        carry: [b.add(c, b.matmul(b.matmul(b.ones([1, 2]), t), b.transpose(t)))],
        ys: [b.sum(m)],
      }),
    );
    return carry;
  });
});
