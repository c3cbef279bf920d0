/** Batched graphs against the evaluator, item by item: every op, for every choice of what differs. */
import { describe, expect, test } from "vitest";
import { batch } from "../../../src/passes/batch/index.js";
import { withGradient } from "../../../src/passes/grad/index.js";
import { SimplifyingBuilder, simplify } from "../../../src/passes/simplify/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import type { InputNode, Node, Op } from "../../../src/tensor/ops.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { verifyNodes } from "../../../src/tensor/verify.js";
import { distance, randomScalar, seeded, uniform } from "../../tensor/random-graph.js";

const ITEMS = 3;

/** Batches over the inputs in `names` and compares with one evaluation an item. */
function compare(outputs: readonly Node[], names: readonly string[], values: Values): void {
  const inputs = inputsOf(outputs);
  const g = new SimplifyingBuilder();
  const items = new Map<InputNode, Node>();
  const shared = new Map<InputNode, Node>();
  const data: Record<string, Float64Array> = {};
  for (const n of inputs) {
    const differs = names.includes(n.name);
    const shape = differs ? [ITEMS, ...n.shape] : n.shape;
    (differs ? items : shared).set(n, g.input(n.name, shape, n.dtype));
    data[n.name] = values(n, sizeOf(shape));
  }
  const made = batch(g, outputs, ITEMS, items, shared);
  verifyNodes(made, new Set(g.inputs));
  const found = evaluate(made, data);
  for (let item = 0; item < ITEMS; item++) {
    const own = inputs.map((n): [string, Float64Array] => {
      const size = sizeOf(n.shape);
      const all = data[n.name];
      return [n.name, items.has(n) ? all.slice(item * size, (item + 1) * size) : all];
    });
    const wanted = evaluate(outputs, Object.fromEntries(own));
    wanted.forEach((w, k) => {
      expect(made[k].shape).toEqual([ITEMS, ...outputs[k].shape]);
      expect(distance(found[k].slice(item * w.length, (item + 1) * w.length), w)).toBeLessThan(
        1e-12,
      );
    });
  }
}

type Values = (n: InputNode, length: number) => Float64Array;
const rand = seeded(7);
/** Whole numbers 0 … 2 for indices, positive definite matrices for inputs named `spd`. */
const values: Values = (n, length) => {
  if (n.dtype === "int") return Float64Array.from({ length }, () => Math.floor(3 * rand()));
  const x = uniform(rand, length);
  if (!n.name.startsWith("spd")) return x;
  const d = n.shape[n.shape.length - 1];
  for (let i = 0; i < length; i++) if (Math.floor(i / d) % d === i % d) x[i] += 3;
  return x;
};

type Make = (g: GraphBuilder) => Node | readonly Node[];
/** Graphs with every op; all inputs of each are batched in every combination. */
const cases: { readonly [K in Exclude<Op, "input">]: readonly Make[] } = {
  const: [(g) => g.mul(g.constant([1, 2], [2]), g.input("x", [2]))],
  unary: [(g) => g.tanh(g.input("x", [2, 3]))],
  binary: [(g) => g.sub(g.input("x", [2]), g.input("y", [2]))],
  ternary: [(g) => g.select(g.lt(g.input("x", [4]), 0), g.input("y", [4]), g.input("z", [4]))],
  broadcast: [
    (g) => g.broadcast(g.input("x", [3]), [2, 3, 4], [1]),
    (g) => g.broadcast(g.input("x", []), [2, 2]),
  ],
  reshape: [(g) => g.reshape(g.input("x", [2, 3]), [3, 1, 2])],
  transpose: [(g) => g.transpose(g.input("x", [2, 3, 4]), [2, 0, 1])],
  slice: [(g) => g.slice(g.input("x", [4, 3]), [1, 0], [2, 2])],
  pad: [(g) => g.pad(g.input("x", [2, 2]), [1, 0], [4, 3])],
  concat: [(g) => g.concat([g.input("x", [2, 3]), g.input("y", [2, 1])], 1)],
  gather: [0, 1, 2].flatMap((axis) => [
    (g: GraphBuilder) => g.gather(g.input("x", [3, 3, 3]), g.input("i", [2, 2], "int"), axis),
    (g: GraphBuilder) => g.gather(g.input("x", [3, 3, 3]), g.input("i", [], "int"), axis),
  ]),
  scatter_add: [0, 1, 2].map((axis) => (g: GraphBuilder) => {
    const shape = [4, 5, 6].map((s, k) => (k === axis ? 3 : s));
    const from = [...shape.slice(0, axis), 2, 2, ...shape.slice(axis + 1)];
    return g.scatterAdd(g.input("x", from), g.input("i", [2, 2], "int"), axis, shape);
  }),
  reduce: [
    (g) => g.reduce("max", g.input("x", [2, 3, 4]), [0, 2]),
    (g) => g.sum(g.input("x", [5])),
  ],
  cumulative: [
    (g) => g.cumulative("sum", g.input("x", [2, 3]), 1, { reverse: true, exclusive: true }),
  ],
  matmul: [
    (g) => g.matmul(g.input("x", [2, 3]), g.input("y", [3, 4])),
    (g) => g.matvec(g.input("x", [4, 3]), g.input("y", [3])),
    (g) => g.matmul(g.input("x", [2, 2, 3]), g.input("y", [2, 3, 4])),
    (g) => g.matmul(g.input("x", [2, 3]), g.input("y", [2, 3, 4])),
    (g) => g.matmul(g.input("x", [2, 2, 3]), g.input("y", [3, 1])),
  ],
  cholesky: [(g) => g.cholesky(g.input("spd", [3, 3]))],
  triangular_solve: [
    (g) => g.triangularSolve(g.input("spd", [3, 3]), g.input("b", [3, 2])),
    (g) => g.triangularSolve(g.input("spd", [3, 3]), g.input("b", [2, 3, 1]), true),
    (g) => g.triangularSolve(g.input("spd", [2, 3, 3]), g.input("b", [2, 3, 1])),
  ],
  solve: [(g) => g.solve(g.input("spd", [3, 3]), g.input("b", [3, 2]))],
  log_abs_det: [(g) => g.logAbsDet(g.input("spd", [2, 3, 3]))],
  scan: [
    (g) => {
      const { carry, ys } = g.scan(
        {
          length: 4,
          init: [g.input("c", [2]), g.constant(0)],
          xs: [g.input("x", [4, 2]), g.input("u", [4])],
          consts: [g.input("k", [2])],
          reverse: true,
        },
        (b, [c, t], [x, u], [k]) => ({
          carry: [b.tanh(b.add(b.mul(c, k), x)), b.add(t, u)],
          ys: [b.mul(c, x), u, b.constant(2)],
        }),
      );
      return [...carry, ...ys];
    },
  ],
  // A scan of which only a constant is batched.
  output: [
    (g) =>
      g.scan({ length: 3, init: [g.zeros([])], consts: [g.input("k", [])] }, (b, [c], _, [k]) => ({
        carry: [b.add(c, k)],
        ys: [],
      })).carry[0],
  ],
};

function subsets(names: readonly string[]): string[][] {
  return Array.from({ length: 2 ** names.length }, (_, bits) =>
    names.filter((_, k) => (bits >> k) & 1),
  );
}

describe("batching", () => {
  test.each(Object.entries(cases))("%s", (_, makes) => {
    for (const make of makes) {
      const made = make(new GraphBuilder());
      const outputs: readonly Node[] = Array.isArray(made) ? made : [made as Node];
      for (const names of subsets(inputsOf(outputs).map((n) => n.name))) {
        compare(outputs, names, values);
      }
    }
  });

  test("random graphs and their gradients", () => {
    for (let seed = 0; seed < 60; seed++) {
      const g = new GraphBuilder();
      const node = randomScalar(g, seeded(seed), 12);
      const graph = { inputs: inputsOf([node]), outputs: [{ name: "f", node }] };
      const a = graph.inputs.find((n) => n.name === "a");
      const both =
        a === undefined ? graph : withGradient(graph, "f", { a: "da" }, new SimplifyingBuilder());
      const names = ["a", "b", "s"].filter((_, k) => (seed >> k) & 1);
      compare(
        simplify(both).outputs.map((o) => o.node),
        names,
        values,
      );
    }
  });

  test("a product with shared rows is one product of matrices", () => {
    const g = new GraphBuilder();
    const beta = g.input("beta", [3]);
    const node = g.matvec(g.constant(uniform(rand, 30), [10, 3]), beta);
    const h = new GraphBuilder();
    const [made] = batch(h, [node], 5, new Map([[beta, h.input("beta", [5, 3])]]));
    const products = new Set<Node>();
    const visit = (n: Node): void => {
      if (n.op === "matmul") products.add(n);
      if (n.op === "reshape" || n.op === "transpose") visit(n.x);
    };
    visit(made);
    expect([...products].map((n) => n.shape)).toEqual([[5, 10]]);
  });
});
