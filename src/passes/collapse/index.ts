/**
 * Sufficient statistics: sums over the data whose terms depend on the data through fewer numbers
 * are replaced, exactly, by sums over those numbers. Σ (affine)² becomes one square for each
 * coefficient (the Gaussian likelihood with a linear predictor), Σ affine becomes one product (the
 * linear parts of Poisson, Bernoulli, gamma …). Value and gradient then cost the same for any
 * number of rows. Runs after `simplify`, which takes scales out of the sums, and before the
 * gradient.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import { evaluateNode } from "../../tensor/evaluate.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { transform } from "../../tensor/transform.js";
import { SimplifyingBuilder } from "../simplify/builder.js";
import { isConstant } from "../simplify/facts.js";
import { type Affine, affineOf, atomCount, rowCost, scaleRows } from "./affine.js";
import { collapseSquares } from "./quadratic.js";

/** An equal graph whose sums over data are collapsed wherever that is exact and cheaper. */
export function collapse(graph: Graph): Graph {
  const g = new SimplifyingBuilder();
  const inputs = graph.inputs.map((n) => g.input(n.name, n.shape, n.dtype));
  const { outputs } = transform(
    g,
    graph.outputs.map((o) => o.node),
    (n, at) => {
      if (n.op !== "reduce" || n.fn !== "sum" || n.shape.length !== 0) return undefined;
      return collapsedSum(g, at(n.x));
    },
  );
  return { inputs, outputs: graph.outputs.map((o, k) => ({ name: o.name, node: outputs[k] })) };
}

/** The sum of all elements of `x`, collapsed; undefined where nothing is gained. */
function collapsedSum(g: GraphBuilder, x: Node): Node | undefined {
  if (x.op === "binary" && (x.fn === "add" || x.fn === "sub")) {
    const whole = linearSum(g, x);
    if (whole !== undefined) return whole;
    const left = collapsedSum(g, x.x);
    const right = collapsedSum(g, x.y);
    if (left === undefined && right === undefined) return undefined;
    return g.binary(x.fn, left ?? g.sum(x.x), right ?? g.sum(x.y));
  }
  if (x.op === "unary" && x.fn === "neg") {
    const inner = collapsedSum(g, x.x);
    return inner === undefined ? undefined : g.neg(inner);
  }
  if (x.op === "unary" && x.fn === "square") return squares(g, affineOf(g, x.x));
  if (x.op === "binary" && x.fn === "mul") {
    for (const [factor, rest] of [
      [x.y, x.x],
      [x.x, x.y],
    ]) {
      if (factor.op === "broadcast" && factor.axes.length === 0) {
        const inner = collapsedSum(g, rest);
        return inner === undefined ? undefined : g.mul(inner, factor.x);
      }
      if (!isConstant(factor) || rest.op !== "unary" || rest.fn !== "square") continue;
      const weights = evaluateNode(factor);
      if (!weights.every((w) => w >= 0)) continue;
      const r = affineOf(g, rest.x);
      return squares(g, r && scaleRows(r, (i) => Math.sqrt(weights[i])));
    }
  }
  return linearSum(g, x);
}

function squares(g: GraphBuilder, r: Affine | undefined): Node | undefined {
  return r === undefined ? undefined : collapseSquares(g, r);
}

/** Σ (c + A θ) = Σ c + (1ᵀA) θ. */
function linearSum(g: GraphBuilder, x: Node): Node | undefined {
  const a = affineOf(g, x);
  if (a === undefined || a.dense.length + a.picks.length === 0) return undefined;
  // A sum of the atom itself is no gain.
  if (atomCount(a) >= a.rows && rowCost(a) <= 2 * a.rows) return undefined;
  let total: Node = g.constant(a.constant.reduce((s, v) => s + v, 0));
  for (const d of a.dense) {
    const sums = new Float64Array(d.columns);
    d.matrix.forEach((v, k) => {
      sums[k % d.columns] += v;
    });
    total = g.add(total, g.sum(g.mul(d.atom, g.constant(sums, [d.columns]))));
  }
  for (const p of a.picks) {
    const sums = new Float64Array(sizeOf(p.atom.shape));
    p.weights.forEach((w, i) => {
      sums[p.indices.data[i]] += w;
    });
    total = g.add(total, g.sum(g.mul(p.atom, g.constant(sums, [sums.length]))));
  }
  return total;
}
