import { describe, expect, it } from "vitest";
import { gradient, withGradient } from "../../src/passes/grad/index.js";
import { runPass } from "../../src/passes/run-pass.js";
import { simplify } from "../../src/passes/simplify/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluateGraph } from "../../src/tensor/evaluate.js";
import type { Graph, Node } from "../../src/tensor/ops.js";
import { printGraph } from "../../src/tensor/print.js";
import { topological } from "../../src/tensor/traverse.js";
import { verifyGraph } from "../../src/tensor/verify.js";
import {
  distance,
  finiteDifferences,
  randomInputs,
  randomScalar,
  seeded,
  uniform,
} from "../tensor/random-graph.js";

function graphOf(g: GraphBuilder, outputs: Readonly<Record<string, Node>>): Graph {
  return {
    inputs: g.inputs,
    outputs: Object.entries(outputs).map(([name, node]) => ({ name, node })),
  };
}

/** The simplified text of an expression in x [3], s [] and m [2, 3]. */
function simplified(f: (g: GraphBuilder, x: Node, s: Node, m: Node) => Node): string {
  const g = new GraphBuilder();
  const node = f(g, g.input("x", [3]), g.input("s", []), g.input("m", [2, 3]));
  const { outputs } = runPass("simplify", simplify, graphOf(g, { out: node }), { verify: true });
  return show(outputs[0].node);
}

/** An expression as nested calls; short enough to read in a test. */
function show(n: Node): string {
  switch (n.op) {
    case "input":
      return n.name;
    case "const":
      return n.data.length === 1 ? String(n.data[0]) : `[${n.data.join()}]`;
    case "unary":
      return `${n.fn}(${show(n.x)})`;
    case "binary":
      return `${n.fn}(${show(n.x)}, ${show(n.y)})`;
    case "ternary":
      return `${n.fn}(${show(n.x)}, ${show(n.y)}, ${show(n.z)})`;
    case "reduce":
      return `${n.fn}{${n.axes}}(${show(n.x)})`;
    case "broadcast":
      return `all(${show(n.x)})`;
    case "slice":
      return `slice{${n.starts}+${n.shape}}(${show(n.x)})`;
    case "concat":
      return `concat(${n.xs.map(show).join(", ")})`;
    case "gather":
    case "scatter_add":
      return `${n.op}(${show(n.x)}, ${show(n.indices)})`;
    case "reshape":
    case "pad":
    case "transpose":
      return `${n.op}(${show(n.x)})`;
    case "matmul":
      return `matmul(${show(n.x)}, ${show(n.y)})`;
    default:
      return n.op;
  }
}

describe("rules", () => {
  type Case = readonly [string, (g: GraphBuilder, x: Node, s: Node, m: Node) => Node, string];
  const cases: readonly Case[] = [
    ["neutral constants", (g, x) => g.add(g.mul(g.div(x, 1), 1), 0), "x"],
    ["zero factors", (g, x) => g.add(g.mul(x, 0), 2), "all(2)"],
    ["double negation", (g, x) => g.sub(0, g.neg(x)), "x"],
    ["log exp", (g, x) => g.log(g.exp(x)), "x"],
    ["exp log", (g, x) => g.exp(g.log(x)), "x"],
    ["log(1 + exp x)", (g, x) => g.log(g.add(1, g.exp(x))), "softplus(x)"],
    ["log sigmoid", (g, x) => g.log(g.sigmoid(x)), "neg(softplus(neg(x)))"],
    ["log(1 − sigmoid x)", (g, x) => g.log(g.sub(1, g.sigmoid(x))), "neg(softplus(x))"],
    ["logistic by hand", (g, x) => g.div(1, g.add(1, g.exp(g.neg(x)))), "sigmoid(x)"],
    ["constants meet", (g, x) => g.mul(g.add(g.mul(g.mul(x, 2), 3), 0), 4), "mul(x, all(24))"],
    [
      "offsets meet",
      (g, x) => g.sub(g.add(g.add(x, 1), g.exp(x)), 3),
      "add(add(x, exp(x)), all(-2))",
    ],
    [
      "division by a constant array",
      (g, x) => g.div(x, g.constant([1, 2, 4])),
      "mul(x, [1,0.5,0.25])",
    ],
    ["powers", (g, x) => g.add(g.pow(x, 2), g.pow(x, 0.5)), "add(square(x), sqrt(x))"],
    [
      "a number in f64, not NaN: x / 1e-310 stays",
      (g, x) => g.div(x, 1e-310),
      "div(x, all(1e-310))",
    ],
    ["constants alone", (g) => g.sum(g.exp(g.constant([0, 0]))), "2"],
    ["a scalar leaves a sum", (g, x, s) => g.sum(g.mul(x, s)), "mul(s, sum{0}(x))"],
    ["a scalar is added n times", (g, x, s) => g.sum(g.add(x, s)), "add(sum{0}(x), mul(s, 3))"],
    [
      "a standardised square",
      (g, x, s) => g.sum(g.square(g.div(g.sub(x, g.constant([1, 2, 3])), s))),
      "mul(sum{0}(square(sub(x, [1,2,3]))), square(reciprocal(s)))",
    ],
    ["a sum of a broadcast row", (g, x) => g.sum(g.broadcast(x, [2, 3], [1])), "mul(sum{0}(x), 2)"],
    [
      "a row factor leaves the sum over rows",
      (g, x, _s, m) => g.sum(g.mul(m, g.broadcast(x, [2, 3], [1])), [0]),
      "mul(x, sum{0}(m))",
    ],
    [
      "sums of constants split off",
      (g, x) => g.sum(g.add(g.exp(x), g.constant([1, 2, 3]))),
      "add(sum{0}(exp(x)), 6)",
    ],
    [
      "contiguous gather",
      (g, x) => g.gather(x, g.constant([1, 2], [2], "int"), 0),
      "slice{1+2}(x)",
    ],
    ["gather of everything", (g, x) => g.gather(x, g.iota(3), 0), "x"],
    [
      "gather of one",
      (g, x) => g.gather(x, g.constant([1, 1], [2], "int"), 0),
      "all(reshape(slice{1+1}(x)))",
    ],
    [
      "functions before a gather that repeats",
      (g, x, s) => g.mul(g.exp(g.gather(x, g.constant([0, 2, 1, 0, 1], [5], "int"), 0)), s),
      "gather(mul(exp(x), all(s)), [0,2,1,0,1])",
    ],
    ["scatter to neighbours", (g, x) => g.scatterAdd(x, g.iota(3), 0, [5]), "pad(x)"],
    ["slice of concat", (g, x, _s) => g.slice(g.concat([x, g.exp(x)], 0), [3], [3]), "exp(x)"],
    [
      "slices side by side",
      (g, x) => g.concat([g.slice(x, [0], [1]), g.slice(x, [1], [2])], 0),
      "x",
    ],
    ["transpose twice", (g, _x, _s, m) => g.transpose(g.transpose(m)), "m"],
    [
      "a scalar leaves a product",
      (g, _x, s, m) => g.matmul(g.mul(m, s), g.constant([1, 2, 3], [3, 1])),
      "mul(matmul(m, [1,2,3]), all(s))",
    ],
    [
      "guards on constants vanish",
      (g, x) => g.select(g.gt(g.constant([1, 2, 3]), 0), x, -Infinity),
      "x",
    ],
    ["empty reductions", (g) => g.reduceMax(g.input("none", [0])), "-Infinity"],
  ];
  it.each(cases)("%s", (_name, f, expected) => {
    expect(simplified(f)).toBe(expected);
  });
});

describe("simplified graphs compute the same", () => {
  // Reordered sums and reciprocals change the last digits only; values are of order 1 to 10.
  const TOLERANCE = 1e-11;
  it.each(Array.from({ length: 150 }, (_, k) => k))(
    "random graph and gradient, seed %i",
    (seed) => {
      const rand = seeded(5000 + seed);
      const g = new GraphBuilder();
      const out = randomScalar(g, rand, 30);
      const names = ["a", "b", "s"];
      const grads = gradient(
        g,
        out,
        names.map((n) => g.requireInput(n)),
      );
      const graph = graphOf(g, { out, a: grads[0], b: grads[1], s: grads[2] });
      verifyGraph(graph);
      const small = runPass("simplify", simplify, graph, { verify: true });
      const inputs = randomInputs(rand);
      const before = evaluateGraph(graph, inputs);
      const after = evaluateGraph(small, inputs);
      for (const name of ["out", ...names]) {
        expect(distance(after[name], before[name]), name).toBeLessThan(TOLERANCE);
      }
      // Reordering may undo some sharing, but the whole must not grow.
      expect(work(small)).toBeLessThanOrEqual(1.1 * work(graph));
    },
  );
});

/** Elements computed; constants and repetitions cost nothing. */
function work(graph: Graph): number {
  const free = new Set(["const", "input", "broadcast", "reshape"]);
  return topological(graph.outputs.map((o) => o.node))
    .filter((n) => !free.has(n.op))
    .reduce((total, n) => total + n.shape.reduce((a, b) => a * b, 1), 0);
}

describe("shapes at the edge", () => {
  // Every operation over axes of no element, of one and of two, differentiated and simplified.
  const sizes = [0, 1, 2];
  const cases = sizes.flatMap((n) => sizes.map((k) => [n, k] as const));
  it.each(cases)("[%i, %i]", (n, k) => {
    const g = new GraphBuilder();
    const [x, v] = [g.input("x", [n, k]), g.input("v", [k])];
    const square = g.matmul(g.transpose(x), x);
    const eye = Float64Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));
    const spd = g.add(square, g.constant(eye, [k, k]));
    const loop = g.scan({ length: n, init: [v], xs: [x] }, (b, [c], [row]) => {
      const next = b.mul(b.add(c, row), 0.5);
      return { carry: [next], ys: [b.sum(next)] };
    });
    const indices = g.constant(
      Float64Array.from({ length: n === 0 ? 0 : 3 }, (_, i) => i % Math.max(n, 1)),
      undefined,
      "int",
    );
    const parts = [
      g.sum(g.exp(x)),
      g.prod(g.add(x, 1), [0]),
      g.sum(g.prod(g.add(x, 1), [1])),
      g.logsumexp(g.concat([x, g.zeros([1, k])], 0), [0]),
      g.cumulative("prod", x, 0, { exclusive: true }),
      g.cumulative("sum", x, 1, { reverse: true }),
      g.matvec(x, v),
      g.gather(x, indices, 0),
      g.scatterAdd(x, g.full([n], 1, "int"), 0, [2, k]),
      g.pad(x, [1, 0], [n + 2, k + 1]),
      g.slice(x, [0, 0], [n, Math.min(k, 1)]),
      g.cholesky(spd),
      g.solve(spd, g.reshape(v, [k, 1])),
      g.triangularSolve(spd, g.reshape(v, [k, 1]), true),
      g.logAbsDet(spd),
      ...loop.ys,
      ...loop.carry,
    ];
    const out = parts.map((p) => g.sum(p)).reduce((a, b) => g.add(a, b));
    const graph = withGradient(graphOf(g, { out }), "out", { x: "dx", v: "dv" });
    const small = runPass("simplify", simplify, graph, { verify: true });
    const rand = seeded(9);
    const inputs = { x: uniform(rand, n * k), v: uniform(rand, k) };
    const before = evaluateGraph(graph, inputs);
    const after = evaluateGraph(small, inputs);
    for (const name of ["out", "dx", "dv"]) {
      expect(before[name].every(Number.isFinite), name).toBe(true);
      expect(distance(after[name], before[name]), name).toBeLessThan(1e-13);
    }
    const { node } = graph.outputs[0];
    expect(distance(before.dx, finiteDifferences(node, inputs, "x"))).toBeLessThan(2e-7);
    expect(distance(before.dv, finiteDifferences(node, inputs, "v"))).toBeLessThan(2e-7);
  });
});

describe("choices between two numbers", () => {
  const choice = (g: GraphBuilder, mask: readonly number[], a: Node, b: Node): Node =>
    g.select(g.constant(mask, [3], "bool"), g.broadcast(a, [3]), g.broadcast(b, [3]));

  it("are made after what is done with them", () => {
    const text = simplified((g, x, s) => {
      const rate = choice(g, [1, 0, 1], s, g.exp(s));
      const isPositive = g.gt(rate, 0);
      return g.sum(g.mul(x, g.select(isPositive, g.log(rate), g.full([3], 7))));
    });
    // Each logarithm is of one number, and so is each test of it.
    expect(text).toBe(
      "sum{0}(mul(x, select([1,0,1], all(select(gt(s, 0), log(s), 7)), all(select(gt(exp(s), 0), s, 7)))))",
    );
  });

  it("are left where a side may never be chosen, of which the function may not exist", () => {
    const g = new GraphBuilder();
    const [s, x] = [g.input("s", []), g.input("x", [3])];
    const side = (n: Node): Node => g.broadcast(n, [3]);
    const rate = g.select(g.gt(x, 0), side(g.exp(s)), side(g.neg(g.exp(s))));
    const graph = graphOf(g, { lp: g.sum(g.log(rate)) });
    const small = simplify(withGradient(graph, "lp", { s: "ds" }));
    const values = evaluateGraph(small, { s: [0.4], x: [1, 2, 3] });
    expect(values.lp[0]).toBeCloseTo(1.2, 14);
    expect(values.ds[0]).toBeCloseTo(3, 14);
  });
});

describe("loops", () => {
  const loop = (g: GraphBuilder) => {
    const [x, phi] = [g.input("x", [4]), g.input("phi", [])];
    return g.scan(
      {
        length: 4,
        init: [g.constant(0), g.constant(1)],
        xs: [x, g.broadcast(phi, [4])],
        consts: [g.constant(2), phi],
      },
      (b, [c, unused], [v, p], [two, q]) => {
        const next = b.add(b.mul(b.mul(b.sigmoid(q), p), c), v);
        return { carry: [next, b.mul(unused, two)], ys: [b.square(b.sub(v, c)), b.exp(next)] };
      },
    );
  };
  const inputs = { x: Float64Array.of(0.3, -1, 2, 0.5), phi: Float64Array.of(0.7) };

  it("drops what is not read and hoists what no step changes", () => {
    const g = new GraphBuilder();
    const graph = graphOf(g, { out: g.sum(loop(g).ys[0]) });
    const small = simplify(graph);
    verifyGraph(small);
    expect(distance(evaluateGraph(small, inputs).out, evaluateGraph(graph, inputs).out)).toBe(0);
    const [scan] = topological(small.outputs.map((o) => o.node)).filter((n) => n.op === "scan");
    expect(scan.init.length).toBe(1);
    expect(scan.body.ys.length).toBe(1);
    expect(scan.xs.length).toBe(1);
    expect(printGraph(small)).toMatch(/^%\d+ = sigmoid/m);
    expect(printGraph(small)).not.toMatch(/ = exp/);
  });
  it("a loop and the one that its gradient saves carries with become one", () => {
    const g = new GraphBuilder();
    const graph = graphOf(g, { lp: g.sum(loop(g).ys[0]) });
    const both = withGradient(simplify(graph), "lp", { x: "dx", phi: "dphi" });
    const small = simplify(both);
    verifyGraph(small);
    const scans = (h: Graph) =>
      topological(h.outputs.map((o) => o.node)).filter((n) => n.op === "scan").length;
    expect(scans(both)).toBe(3);
    expect(scans(small)).toBe(2);
    const before = evaluateGraph(both, inputs);
    const after = evaluateGraph(small, inputs);
    for (const name of ["lp", "dx", "dphi"]) {
      expect(distance(after[name], before[name]), name).toBeLessThan(1e-14);
    }
  });
  it("a loop over constants is run once, here", () => {
    const g = new GraphBuilder();
    const sums = g.scan(
      { length: 3, init: [g.constant(0)], xs: [g.constant([1, 2, 4])] },
      (b, [c], [v]) => {
        const next = b.add(c, v);
        return { carry: [next], ys: [next] };
      },
    );
    const small = simplify(graphOf(g, { out: sums.ys[0] }));
    expect(small.outputs[0].node.op).toBe("const");
    expect([...evaluateGraph(small, {}).out]).toEqual([1, 3, 7]);
  });
});
