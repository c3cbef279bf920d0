import { describe, expect, it } from "vitest";
import { collapse } from "../../src/passes/collapse/index.js";
import { withGradient } from "../../src/passes/grad/index.js";
import { runPass } from "../../src/passes/run-pass.js";
import { simplify } from "../../src/passes/simplify/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluateGraph, type InputValues } from "../../src/tensor/evaluate.js";
import type { Graph, Node } from "../../src/tensor/ops.js";
import { topological } from "../../src/tensor/traverse.js";
import { distance, seeded, uniform } from "../tensor/random-graph.js";

const N = 400;
const rand = seeded(77);
const verify = { verify: true };

/** Elements of the largest array that is computed at run time. */
function largest(graph: Graph): number {
  const sizes = topological(graph.outputs.map((o) => o.node))
    .filter((n) => n.op !== "const" && n.op !== "input")
    .map((n) => n.shape.reduce((a, b) => a * b, 1));
  return Math.max(...sizes);
}

/** The collapsed graph, equal to the original in value and gradient at random points. */
function check(
  f: (g: GraphBuilder) => Node,
  tolerance = 1e-12,
  values: (name: string, size: number) => Float64Array = (_, size) => uniform(rand, size),
): Graph {
  const g = new GraphBuilder();
  const lp = f(g);
  const graph = { inputs: g.inputs, outputs: [{ name: "lp", node: lp }] };
  const small = runPass("collapse", collapse, simplify(graph), verify);
  const wrt = Object.fromEntries(g.inputs.map((n) => [n.name, `d_${n.name}`]));
  const before = withGradient(graph, "lp", wrt);
  const after = runPass("simplify", simplify, withGradient(small, "lp", wrt), verify);
  for (let trial = 0; trial < 3; trial++) {
    const inputs: InputValues = Object.fromEntries(
      g.inputs.map((n) => [
        n.name,
        values(
          n.name,
          n.shape.reduce((a, b) => a * b, 1),
        ),
      ]),
    );
    const [x, y] = [evaluateGraph(before, inputs), evaluateGraph(after, inputs)];
    for (const name of Object.keys(x)) {
      expect(distance(y[name], x[name]), name).toBeLessThan(tolerance);
    }
  }
  return after;
}

/** Log density, up to a constant, of y ~ normal(mu, exp(log_s)). */
function normal(g: GraphBuilder, y: Node, mu: Node): Node {
  const s = g.exp(g.input("log_s", []));
  const z = g.div(g.sub(y, mu), s);
  return g.sum(g.sub(g.sub(g.mul(g.square(z), -0.5), g.log(s)), 0.918938533));
}

const y = uniform(rand, N, 0, 3);
const x = uniform(rand, N * 3);
const groups = Float64Array.from({ length: N }, () => Math.floor(rand() * 12));
const sites = Float64Array.from({ length: N }, () => Math.floor(rand() * 5));

describe("Gaussian sums collapse to the number of coefficients", () => {
  it("a mean", () => {
    const small = check((g) => normal(g, g.constant(y), g.input("mu", [])));
    expect(largest(small)).toBe(1);
  });
  it("intercept, slope and matrix", () => {
    const small = check((g) => {
      const line = g.add(g.input("a", []), g.mul(g.constant(x.subarray(0, N)), g.input("b", [])));
      const eta = g.matvec(g.constant(x, [N, 3]), g.input("c", [3]));
      return normal(g, g.constant(y), g.add(line, eta));
    });
    expect(largest(small)).toBeLessThanOrEqual(5);
  });
  it("a product written as a sum over columns, in a matrix of rows", () => {
    const small = check((g) => {
      const b = g.broadcast(g.input("c", [3]), [N, 3], [1]);
      return normal(g, g.constant(y), g.sum(g.mul(g.constant(x, [N, 3]), b), [1]));
    });
    expect(largest(small)).toBeLessThanOrEqual(3);
  });
  it("weights, and a random scale on the predictor", () => {
    const w = uniform(rand, N, 0, 2);
    const small = check((g) => {
      const eta = g.matvec(g.constant(x, [N, 3]), g.input("c", [3]));
      const scaled = g.mul(g.add(eta, g.constant(y)), g.input("tau", []));
      const r = g.square(g.sub(g.constant(y), g.add(scaled, g.input("a", []))));
      return g.sum(g.mul(r, g.constant(w)));
    });
    expect(largest(small)).toBeLessThanOrEqual(5);
  });
  it("a rank-deficient matrix", () => {
    const twice = Float64Array.from({ length: N * 3 }, (_, k) => x[3 * Math.floor(k / 3)]);
    const small = check((g) =>
      normal(g, g.constant(y), g.matvec(g.constant(twice, [N, 3]), g.input("c", [3]))),
    );
    expect(largest(small)).toBeLessThanOrEqual(3);
  });
  it("years: columns near 2000 keep their digits", () => {
    // The residuals are of order 1 while x b is near 2000: rounding is about 2000 ε = 4e-13 of
    // each residual, times √N on the gradient. Normal equations would leave 2000² ε and worse.
    const year = uniform(rand, N, 1999, 2001);
    const at = Float64Array.of(1.5);
    check(
      (g) => {
        const line = g.mul(g.constant(year), g.input("b", []));
        const level = year.map((v, i) => y[i] + 1.5 * v);
        return normal(g, g.constant(level), g.add(g.input("a", []), line));
      },
      1e-10,
      (name, size) => (name === "b" ? at : uniform(rand, size)),
    );
  });
  it("group intercepts and slopes stay sparse", () => {
    const small = check((g) => {
      const index = g.constant(groups, [N], "int");
      const intercept = g.gather(g.input("alpha", [12]), index, 0);
      const slope = g.gather(g.input("beta", [12]), index, 0);
      const varying = g.add(intercept, g.mul(slope, g.constant(x.subarray(0, N))));
      const eta = g.matvec(g.constant(x, [N, 3]), g.input("c", [3]));
      return normal(g, g.constant(y), g.add(varying, eta));
    });
    expect(largest(small)).toBeLessThanOrEqual(12 * 3);
  });
  it("crossed groups, one of them never seen", () => {
    const small = check((g) => {
      const a = g.gather(g.input("alpha", [14]), g.constant(groups, [N], "int"), 0);
      const b = g.gather(g.input("gamma", [5]), g.constant(sites, [N], "int"), 0);
      return normal(g, g.constant(y), g.add(a, b));
    });
    expect(largest(small)).toBeLessThanOrEqual(14 * 5);
  });
  it("an array of rows by a random row mean", () => {
    const small = check((g) => {
      const mu = g.broadcast(g.input("mu", [8]), [8, 50], [0]);
      return normal(g, g.constant(y, [8, 50]), mu);
    });
    expect(largest(small)).toBeLessThanOrEqual(8);
  });
  it("group means that are regressions collapse to the regression", () => {
    const z = uniform(rand, 24);
    const small = check((g) => {
      const means = g.matvec(g.constant(z, [12, 2]), g.input("c", [2]));
      return normal(g, g.constant(y), g.gather(means, g.constant(groups, [N], "int"), 0));
    });
    expect(largest(small)).toBeLessThanOrEqual(2);
  });
  it("a scale of each group's own", () => {
    const small = check((g) => {
      const index = g.constant(groups, [N], "int");
      const mu = g.gather(g.input("mu", [12]), index, 0);
      const s = g.exp(g.gather(g.input("log_s", [12]), index, 0));
      const eta = g.add(mu, g.input("a", []));
      const z = g.square(g.div(g.sub(g.constant(y), eta), s));
      return g.sum(g.sub(g.mul(z, -0.5), g.log(s)));
    });
    expect(largest(small)).toBe(12);
  });
  it("rows of an array with means and scales of their own", () => {
    const small = check((g) => {
      const row = (name: string): Node => g.broadcast(g.input(name, [8]), [8, 50], [0]);
      const z = g.square(g.mul(g.sub(g.constant(y, [8, 50]), row("mu")), g.exp(row("log_s"))));
      return g.sum(z);
    });
    expect(largest(small)).toBe(8);
    const sums = check((g) => {
      const mu = g.broadcast(g.input("mu", [8]), [8, 50], [0]);
      const rows = g.sum(g.square(g.sub(g.constant(y, [8, 50]), mu)), [1]);
      return g.sum(g.log(rows));
    });
    expect(largest(sums)).toBe(8);
  });
  it("a latent value for each row stays as it is", () => {
    const small = check((g) => normal(g, g.constant(y), g.input("theta", [N])));
    expect(largest(small)).toBe(N);
  });
  it("shared subexpressions are read once", () => {
    check((g) => {
      let eta: Node = g.broadcast(g.input("a", []), [N], []);
      // Read along every path, 2⁴⁰ of them, this would not end.
      for (let k = 0; k < 40; k++) {
        const twisted = g.mul(eta, g.constant(x.subarray(0, N)));
        eta = g.sub(g.mul(eta, 0.7), g.mul(twisted, 0.1));
      }
      return normal(g, g.constant(y), eta);
    });
  });
  it("fewer rows than columns stay as they are", () => {
    const small = check((g) => {
      const eta = g.matvec(g.constant(x.subarray(0, 6), [2, 3]), g.input("c", [3]));
      return normal(g, g.constant(y.subarray(0, 2)), eta);
    });
    expect(topological([small.outputs[0].node]).some((n) => n.op === "matmul")).toBe(true);
  });
});

describe("linear sums collapse to sufficient statistics", () => {
  it("the linear part of a logistic regression", () => {
    const taken = y.map((v) => (v > 1.5 ? 1 : 0));
    const small = check((g) => {
      const eta = g.add(
        g.matvec(g.constant(x, [N, 3]), g.input("c", [3])),
        g.gather(g.input("alpha", [12]), g.constant(groups, [N], "int"), 0),
      );
      return g.sum(g.sub(g.mul(eta, g.constant(taken)), g.softplus(eta)));
    });
    const products = topological([small.outputs[0].node]).filter(
      (n) => n.op === "binary" && n.fn === "mul" && n.shape[0] === N,
    );
    expect(products.length).toBe(0);
  });
  it("gamma with a common shape and rate needs two sums", () => {
    const small = check((g) => {
      const a = g.exp(g.input("log_a", []));
      const b = g.exp(g.input("log_b", []));
      const data = g.constant(y.map((v) => v + 0.1));
      const kernel = g.sub(g.mul(g.sub(a, 1), g.log(data)), g.mul(b, data));
      return g.sum(g.add(kernel, g.sub(g.mul(a, g.log(b)), g.lgamma(a))));
    });
    expect(largest(small)).toBe(1);
  });
});

describe("random linear predictors", () => {
  it.each(Array.from({ length: 40 }, (_, k) => k))("seed %i", (seed) => {
    const r = seeded(300 + seed);
    check((g) => {
      const n = 20 + Math.floor(r() * 60);
      const vector = (): Node => g.constant(uniform(r, n));
      const index = (k: number): Node =>
        g.constant(
          Float64Array.from({ length: n }, () => Math.floor(r() * k)),
          [n],
          "int",
        );
      const shared = index(4);
      const parts: (() => Node)[] = [
        () => g.broadcast(g.input("a", []), [n], []),
        () => g.mul(vector(), g.input("b", [])),
        () => g.matvec(g.constant(uniform(r, n * 2), [n, 2]), g.input("c", [2])),
        () => g.gather(g.input("d", [4]), shared, 0),
        () => g.mul(g.gather(g.input("e", [4]), shared, 0), vector()),
        () => g.gather(g.input("f", [3]), index(3), 0),
        () => vector(),
      ];
      let eta = vector();
      const terms = 1 + Math.floor(r() * 5);
      for (let k = 0; k < terms; k++) {
        const term = parts[Math.floor(r() * parts.length)]();
        eta = r() < 0.5 ? g.add(eta, term) : g.sub(term, eta);
      }
      return normal(g, vector(), eta);
    });
  });
});
