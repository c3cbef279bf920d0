import { describe, expect, it } from "vitest";
import { InternalError } from "../../src/base/internal.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import type { Node } from "../../src/tensor/ops.js";
import { printGraph } from "../../src/tensor/print.js";
import { substitute, transform } from "../../src/tensor/transform.js";
import { topological, useCounts } from "../../src/tensor/traverse.js";
import { verifyGraph } from "../../src/tensor/verify.js";

describe("the builder", () => {
  it("shares equal nodes, constants by value, −0 apart from 0", () => {
    const g = new GraphBuilder();
    const [x, y] = [g.input("x", [2]), g.input("y", [2])];
    expect(g.mul(g.exp(x), y)).toBe(g.mul(y, g.exp(x)));
    expect(g.constant([1, 2])).toBe(g.constant(Float64Array.of(1, 2)));
    expect(g.constant([1, 2])).not.toBe(g.constant([1, 3]));
    expect(g.constant([1, 2])).not.toBe(g.constant([1, 2], [2, 1]));
    expect(g.constant(0)).not.toBe(g.constant(-0));
    expect(g.constant(Number.NaN)).toBe(g.constant(Number.NaN));
    expect(g.constant([0, 1])).not.toBe(g.constant([-0, 1]));
    expect(g.constant(1, [], "int")).not.toBe(g.constant(1));
    expect(g.sub(x, y)).not.toBe(g.sub(y, x));
    expect(g.slice(x, [0], [1])).not.toBe(g.slice(x, [1], [1]));
  });
  it("compares long constants in full, however they are hashed", () => {
    const g = new GraphBuilder();
    const data = Float64Array.from({ length: 1000 }, (_, i) => i / 7);
    const other = Float64Array.from(data);
    other[1] = -1;
    expect(g.constant(data)).not.toBe(g.constant(other));
    expect(g.constant(Float64Array.from(data))).toBe(g.constant(data));
  });
  it("takes identities on the way", () => {
    const g = new GraphBuilder();
    const x = g.input("x", [3]);
    for (const same of [
      g.add(x, 0),
      g.mul(1, x),
      g.neg(g.neg(x)),
      g.div(x, 1),
      g.pow(x, 1),
      g.reshape(g.reshape(x, [3, 1]), [3]),
      g.transpose(g.transpose(g.broadcast(x, [3, 2], [0]))).op === "broadcast" ? x : undefined,
      g.slice(x, [0], [3]),
      g.select(g.full([3], 1, "bool"), x, 5),
      g.concat([x], 0),
      g.sum(x, []),
    ]) {
      expect(same).toBe(x);
    }
    expect(g.slice(g.slice(x, [1], [2]), [1], [1])).toBe(g.slice(x, [2], [1]));
  });
  it("computes before it repeats", () => {
    const g = new GraphBuilder();
    const s = g.input("s", []);
    const spread = g.exp(g.mul(g.broadcast(s, [5]), 2));
    expect(spread.op).toBe("broadcast");
    expect(topological([spread]).filter((n) => n.shape.length > 0).length).toBe(1);
    const row = g.input("row", [2]);
    const table = g.add(g.broadcast(row, [3, 2], [1]), g.full([3, 2], 1));
    expect(table.op === "broadcast" && table.x.shape).toEqual([2]);
  });
  it("dtypes: ints stay ints in sums, comparisons are booleans, quotients are real", () => {
    const g = new GraphBuilder();
    const n = g.input("n", [2], "int");
    const b = g.lt(n, 3);
    expect(g.add(n, 1).dtype).toBe("int");
    expect(g.add(n, 0.5).dtype).toBe("real");
    expect(b.dtype).toBe("bool");
    expect(g.sum(b).dtype).toBe("int");
    expect(g.div(n, 2).dtype).toBe("real");
    expect(g.floor(g.input("x", [])).dtype).toBe("int");
    expect(g.select(b, n, 1).dtype).toBe("int");
  });
  it("refuses operands that do not fit", () => {
    const g = new GraphBuilder();
    const [x, y, m] = [g.input("x", [2]), g.input("y", [3]), g.input("m", [2, 3])];
    const bad: readonly (() => Node)[] = [
      () => g.add(x, y),
      () => g.add(x, g.zeros([3])),
      () => g.matmul(m, m),
      () => g.reshape(x, [3]),
      () => g.slice(x, [1], [2]),
      () => g.broadcast(x, [3, 3], [0]),
      () => g.gather(x, y, 0),
      () => g.concat([x, m], 0),
      () => g.cholesky(m),
      () => g.transpose(m, [0, 0]),
      () => g.input("x", [3]),
      () =>
        g.scan({ length: 2, init: [g.constant(0)], xs: [x] }, () => ({ carry: [], ys: [] }))
          .carry[0],
    ];
    for (const f of bad) expect(f).toThrow(InternalError);
  });
  it("stamps origins on what is new", () => {
    const g = new GraphBuilder();
    const x = g.input("x", []);
    const span = { source: { path: "m.ppl", text: "x" }, start: 0, end: 1 };
    const node = g.withOrigin({ span, label: "y ~ Normal" }, () => g.exp(x));
    expect(node.origin?.label).toBe("y ~ Normal");
    expect(x.origin).toBeUndefined();
    const h = new GraphBuilder();
    expect(transform(h, [node], () => undefined).outputs[0].origin?.label).toBe("y ~ Normal");
  });
});

describe("walks", () => {
  it("a chain of 50 000 nodes does not overflow the stack", () => {
    const g = new GraphBuilder();
    let x: Node = g.input("x", []);
    for (let k = 0; k < 50_000; k++) x = g.sin(x);
    const order = topological([x]);
    expect(order.length).toBe(50_001);
    expect(transform(new GraphBuilder(), [x], () => undefined).outputs[0].id).toBe(50_000);
  });
  it("operands come first and uses are counted", () => {
    const g = new GraphBuilder();
    const x = g.input("x", []);
    const y = g.mul(g.exp(x), g.sin(x));
    const order = topological([y, y]);
    expect(order.map((n) => n.id)).toEqual([...order.map((n) => n.id)].sort((a, b) => a - b));
    expect(useCounts([y]).get(x)).toBe(2);
    expect(useCounts([y]).get(y)).toBe(1);
  });
  it("substitutes expressions for inputs", () => {
    const g = new GraphBuilder();
    const x = g.input("x", []);
    const h = new GraphBuilder();
    const [node] = substitute(h, [g.square(x)], new Map([[x, h.constant(3)]]));
    expect(evaluate([node], {})[0][0]).toBe(9);
  });
});

describe("printing and verifying", () => {
  const build = () => {
    const g = new GraphBuilder();
    const x = g.input("x", [3]);
    const loop = g.scan({ length: 3, init: [g.constant(0.5)], xs: [x] }, (b, [c], [v]) => {
      const next = b.add(b.mul(c, 0.9), v);
      return { carry: [next], ys: [b.square(next)] };
    });
    return { g, x, out: g.sum(g.mul(loop.ys[0], g.constant([1, 2, 3]))) };
  };
  it("one node a line, bodies of loops indented", () => {
    const { g, out } = build();
    expect(printGraph({ inputs: g.inputs, outputs: [{ name: "out", node: out }] })).toBe(
      `%0 = input x : [3]
%1 = const {0.5} : []
%2 = scan length=3 init=1 xs=1 %1 %0 : []
  %2.0 = input carry0 : []
  %2.1 = input slice0 : []
  %2.2 = const {0.9} : []
  %2.3 = mul %2.0 %2.2 : []
  %2.4 = add %2.1 %2.3 : []
  %2.5 = square %2.4 : []
  next %2.4; ys %2.5
%3 = output index=1 %2 : [3]
%4 = const {1, 2, 3} : [3]
%5 = mul %3 %4 : [3]
%6 = reduce sum axes=(0) %5 : []
return out = %6
`,
    );
  });
  it("accepts what the builder makes and refuses what it would not", () => {
    const { g, x, out } = build();
    const graph = (node: Node, inputs = g.inputs) => ({ inputs, outputs: [{ name: "o", node }] });
    verifyGraph(graph(out));
    const broken: readonly [Node, RegExp][] = [
      [{ ...out, shape: [2] }, /shape/],
      [{ ...out, dtype: "int" }, /dtype/],
      [{ ...out, id: 0 }, /younger|shares/],
      [{ ...g.constant([1, 2]), data: Float64Array.of(0.5, 1), dtype: "int" }, /dtype/],
      [g.gather(x, g.constant([3, 0], [2], "int"), 0), /index 3/],
      [new GraphBuilder().input("stranger", []), /not declared/],
    ];
    for (const [node, message] of broken)
      expect(() => verifyGraph(graph(node), "p")).toThrow(message);
    const leak = g.scan({ length: 3, init: [g.constant(0)] }, () => ({
      carry: [g.sum(x)],
      ys: [],
    }));
    expect(() => verifyGraph(graph(leak.carry[0]))).toThrow(/body of scan/);
  });
});
