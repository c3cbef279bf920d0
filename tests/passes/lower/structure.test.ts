/** What the lowered code looks like: how many loops, what is vector code, what memory is used. */
import { describe, expect, it } from "vitest";
import type { Expr, KernelFunction, Stmt } from "../../../src/kernel/ir.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { ConstantPool, lowerGraph } from "../../../src/passes/lower/index.js";
import { ScratchPlan } from "../../../src/passes/lower/memory.js";
import { simplify } from "../../../src/passes/simplify/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Graph, Node } from "../../../src/tensor/ops.js";
import { distance, seeded, uniform } from "../../tensor/random-graph.js";
import { compileGraph, graphOf, worstDistance } from "./harness.js";

type Loop = Extract<Stmt, { kind: "for" }>;

function loopsIn(body: readonly Stmt[]): Loop[] {
  return body.flatMap((s) => {
    if (s.kind === "for") return [s, ...loopsIn(s.body)];
    if (s.kind === "if") return [...loopsIn(s.then), ...loopsIn(s.else)];
    return s.kind === "while" ? loopsIn(s.body) : [];
  });
}

function extent(loop: Loop): number {
  return loop.to.kind === "const" ? Number(loop.to.value) : Number.NaN;
}

function lowered(graph: Graph, constants = new ConstantPool()) {
  return lowerGraph(graph, {
    name: "f",
    result: "lp",
    inputs: Object.fromEntries(graph.inputs.map((n) => [n.name, n.name])),
    outputs: { dq: "dq" },
    constants,
  });
}

function logDensity(build: (g: GraphBuilder, q: Node) => Node, dimension: number): Graph {
  const g = new GraphBuilder();
  const q = g.input("q", [dimension]);
  const lp = build(g, q);
  const [dq] = gradient(g, lp, [q]);
  const outputs = [
    { name: "lp", node: lp },
    { name: "dq", node: dq },
  ];
  return simplify({ inputs: g.inputs, outputs });
}

const number = (g: GraphBuilder, q: Node, k: number): Node => g.reshape(g.slice(q, [k], [1]), []);

function eightSchools(): Graph {
  return logDensity((g, q) => {
    const z = g.slice(q, [2], [8]);
    const tau = g.exp(number(g, q, 1));
    const theta = g.add(number(g, q, 0), g.mul(tau, z));
    const r = g.mul(g.sub(g.constant([28, 8, -3, 7, -1, 1, 18, 12]), theta), 0.1);
    return g.sub(g.mul(-0.5, g.add(g.sum(g.square(r)), g.sum(g.square(z)))), g.log1p(tau));
  }, 10);
}

function hierarchical(rows: number, groups: number): Graph {
  return logDensity((g, q) => {
    const z = g.slice(q, [3], [groups]);
    const alpha = g.add(number(g, q, 0), g.mul(g.exp(number(g, q, 1)), z));
    const group = Float64Array.from({ length: rows }, (_, k) => (k * k) % groups);
    const x = g.constant(uniform(seeded(1), rows));
    const slope = g.mul(number(g, q, 2), x);
    const eta = g.add(g.gather(alpha, g.constant(group, [rows], "int"), 0), slope);
    const r = g.sub(g.constant(uniform(seeded(2), rows)), eta);
    return g.mul(-0.5, g.add(g.sum(g.square(r)), g.sum(g.square(z))));
  }, groups + 3);
}

function logistic(rows: number, columns: number): Graph {
  return logDensity((g, q) => {
    const x = g.constant(uniform(seeded(3), rows * columns), [rows, columns]);
    const eta = g.reshape(g.matmul(x, g.reshape(q, [columns, 1])), [rows]);
    const y = g.constant(uniform(seeded(4), rows, 0, 1).map(Math.round));
    return g.sub(g.sum(g.mul(y, eta)), g.sum(g.softplus(eta)));
  }, columns);
}

describe("fusion", () => {
  it("makes eight schools, density and gradient, one parallel loop without scratch memory", () => {
    const { functions, buffers } = lowered(eightSchools());
    const loops = loopsIn(functions[0].body);
    expect(loops.map(extent)).toEqual([8]);
    expect(loops[0].parallel?.reductions.length).toBeGreaterThanOrEqual(3);
    expect(buffers.filter((b) => b.region === "workspace")).toEqual([]);
  });

  it("makes a hierarchical model three passes: groups, rows, groups", () => {
    const loops = loopsIn(lowered(hierarchical(400, 30)).functions[0].body);
    // The rows run as vector code and then as additions at gathered indices; one loop fills zeros.
    expect(loops.map(extent).sort((a, b) => a - b)).toEqual([30, 30, 30, 400, 400]);
  });

  it("streams a regression's matrix through in blocks, stored once", () => {
    const { functions, buffers } = lowered(logistic(2000, 7));
    const blocks = functions[0].body.filter((s) => s.kind === "for" && s.step > 1);
    expect(blocks.length).toBe(1);
    const large = buffers.filter((b) => b.length >= 2000);
    // The matrix, and y; nothing of N rows is scratch.
    expect(large.map((b) => [b.region, b.length])).toEqual([
      ["constant", 14000],
      ["constant", 2000],
    ]);
  });

  it("keeps the code small however long the loops are", () => {
    const size = (fn: KernelFunction): number => JSON.stringify(fn.body).length;
    const small = size(lowered(hierarchical(1000, 30)).functions[0]);
    const big = size(lowered(hierarchical(100000, 3000)).functions[0]);
    expect(big).toBeLessThan(small * 1.05);
  });

  it("takes chains of any length", () => {
    const g = new GraphBuilder();
    const x = g.input("x", [3]);
    let vector: Node = x;
    let sum: Node = g.sum(x);
    for (let k = 0; k < 20000; k++) {
      sum = g.add(g.mul(sum, 0.5), 1 / (k + 1));
      if (k % 4 === 0) vector = g.sub(x, g.mul(vector, 0.5));
    }
    const inputs = { x: uniform(seeded(13), 3) };
    expect(worstDistance(graphOf([sum, vector]), inputs)).toBeLessThan(1e-12);
  });

  it("calls nothing that allocates: no calls but of the math library", () => {
    const names = new Set<string>();
    const visit = (e: Expr | Stmt): void => {
      JSON.stringify(e, (key, value) => {
        if (value?.kind === "call") names.add(value.fn);
        return key === "data" ? undefined : value;
      });
    };
    for (const s of lowered(logistic(100, 3)).functions[0].body) visit(s);
    expect([...names].sort()).toEqual(["exp", "log1p"]);
  });
});

describe("memory", () => {
  it("never hands out a buffer that is in use, and reuses those that are not", () => {
    const pool = new ConstantPool();
    const plan = new ScratchPlan(pool);
    const rand = seeded(5);
    const held: string[] = [];
    for (let k = 0; k < 500; k++) {
      if (held.length > 0 && rand() < 0.5) {
        plan.give(held.splice(Math.floor(rand() * held.length), 1)[0]);
      } else {
        const name = plan.take(1 + Math.floor(rand() * 100));
        expect(held).not.toContain(name);
        held.push(name);
      }
      expect(held.length).toBeLessThan(60);
    }
    const lengths = new Map(pool.scratchBuffers().map((b) => [b.name, b.length]));
    for (const entry of plan.log) {
      if (entry.take) expect(lengths.get(entry.name)).toBeGreaterThanOrEqual(entry.length);
    }
  });

  it("reuses scratch along a chain of matrix products", () => {
    const g = new GraphBuilder();
    let x: Node = g.input("x", [6, 6]);
    for (let k = 0; k < 10; k++) x = g.matmul(x, g.tanh(x));
    const graph = graphOf([x]);
    const constants = new ConstantPool();
    const { buffers } = lowerGraph(graph, {
      name: "f",
      inputs: { x: "x" },
      outputs: { 0: "out" },
      constants,
    });
    expect(buffers.length).toBeLessThanOrEqual(3);
    expect(worstDistance(graph, { x: uniform(seeded(6), 36) })).toBeLessThan(1e-12);
  });

  it("shares constants and scratch between the functions of a module", () => {
    const pool = new ConstantPool();
    const first = lowered(logistic(300, 4), pool).buffers.length;
    const second = lowered(logistic(300, 4), pool).buffers.length;
    expect(second).toBe(first);
  });

  it("gives the same results call after call", () => {
    const graph = graphOf(hierarchical(700, 20).outputs.map((o) => o.node));
    const { run } = compileGraph(graph);
    const q = { q: uniform(seeded(7), 23) };
    const once = run(q);
    run({ q: uniform(seeded(8), 23) });
    const again = run(q);
    for (const name of Object.keys(once)) expect(again[name]).toEqual(once[name]);
  });
});

describe("numerics", () => {
  it("sums a million terms with an error of a few ulps", () => {
    const n = 1_000_000;
    const g = new GraphBuilder();
    const data = uniform(seeded(9), n, 0.5, 1.5);
    const x = g.input("x", [n]);
    const got = compileGraph(graphOf([g.sum(x)])).run({ x: data })[0][0];
    let sum = 0;
    let lost = 0;
    for (const v of data) {
      const next = sum + v;
      lost += Math.abs(sum) >= v ? sum - next + v : v - next + sum;
      sum = next;
    }
    // A plain loop is off by about sqrt(n) ε / 2 ~ 1e-13 of the sum; blocks of 256 by much less.
    expect(Math.abs(got - (sum + lost)) / sum).toBeLessThan(1e-14);
  });

  it.each([
    [1, 1],
    [257, 3],
    [513, 31],
    [700, 45],
    [40, 100],
    [3, 600],
  ])("matrix-vector products of %i x %i, both ways", (rows, columns) => {
    const g = new GraphBuilder();
    const x = g.constant(uniform(seeded(10), rows * columns), [rows, columns]);
    const b = g.input("b", [columns]);
    const eta = g.reshape(g.matmul(x, g.reshape(b, [columns, 1])), [rows]);
    const back = g.matmul(g.transpose(x), g.reshape(g.exp(eta), [rows, 1]));
    const graph = graphOf([g.sum(eta), back]);
    expect(worstDistance(graph, { b: uniform(seeded(11), columns) })).toBeLessThan(1e-12);
  });

  it.each([
    [2, 3, 5, 1],
    [1, 40, 300, 70],
    [3, 33, 130, 129],
  ])("batches of %i matrix products %i x %i x %i", (batch, m, k, n) => {
    const g = new GraphBuilder();
    const x = g.input("x", [batch, m, k]);
    const y = g.input("y", [k, n]);
    const z = g.input("z", [batch, n, k]);
    const graph = graphOf([g.matmul(x, y), g.matmul(x, g.transpose(z, [0, 2, 1]))]);
    const rand = seeded(12);
    const inputs = {
      x: uniform(rand, batch * m * k),
      y: uniform(rand, k * n),
      z: uniform(rand, batch * n * k),
    };
    expect(worstDistance(graph, inputs)).toBeLessThan(1e-12);
  });

  it("gives NaN for a matrix that is not positive definite, or singular", () => {
    const g = new GraphBuilder();
    const a = g.input("a", [3, 3]);
    const b = g.constant([1, 2, 3], [3, 1]);
    const graph = graphOf([g.cholesky(a), g.solve(a, b), g.logAbsDet(a)]);
    const singular = Float64Array.of(1, 2, 3, 2, 4, 6, 1, 0, 1);
    expect(worstDistance(graph, { a: singular })).toBe(0);
    const got = compileGraph(graph).run({ a: singular });
    expect(distance(got[0], new Array(9).fill(Number.NaN))).toBe(0);
    expect(got[2][0]).toBe(Number.NEGATIVE_INFINITY);
  });
});
