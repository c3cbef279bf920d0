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
import type { Graph, Node, Shape } from "../../tensor/ops.js";
import { otherAxes, sizeOf } from "../../tensor/shape-rules.js";
import { transform } from "../../tensor/transform.js";
import { SimplifyingBuilder } from "../simplify/builder.js";
import { isConstant } from "../simplify/facts.js";
import { type Affine, affineOf, atomCount, rowCost, scaleRows } from "./affine.js";
import { groupSquares, pickedVector } from "./grouped.js";
import { collapseSquares } from "./quadratic.js";

/** An equal graph whose sums over data are collapsed wherever that is exact and cheaper. */
export function collapse(graph: Graph): Graph {
  const g = new SimplifyingBuilder();
  const inputs = graph.inputs.map((n) => g.input(n.name, n.shape, n.dtype));
  const { outputs } = transform(
    g,
    graph.outputs.map((o) => o.node),
    (n, at) => {
      if (n.op !== "reduce" || n.fn !== "sum") return undefined;
      const x = at(n.x);
      return n.shape.length === 0 ? collapsedSum(g, x) : collapsedRows(g, x, n.axes, n.shape);
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
  if (x.op === "unary" && x.fn === "square") {
    const r = affineOf(g, x.x);
    return r === undefined ? scaledSquares(g, x.x) : collapseSquares(g, r);
  }
  if (x.op === "binary" && x.fn === "mul") {
    for (const [factor, rest] of [
      [x.y, x.x],
      [x.x, x.y],
    ]) {
      if (factor.op === "broadcast" && factor.axes.length === 0) {
        const inner = collapsedSum(g, rest);
        return inner === undefined ? undefined : g.mul(inner, factor.x);
      }
      if (rest.op !== "unary" || rest.fn !== "square") continue;
      if (!isConstant(factor)) {
        const weighted = groupedSum(g, rest.x, factor, (w) => w);
        if (weighted !== undefined) return weighted;
        continue;
      }
      const weights = evaluateNode(factor);
      if (!weights.every((w) => w >= 0)) continue;
      const r = affineOf(g, rest.x);
      return squares(g, r && scaleRows(r, (i) => Math.sqrt(weights[i])));
    }
  }
  return linearSum(g, x);
}

/** Σ (r s)² or Σ (r / s)² with s picked by group: Σ_g s_g² Σ r². */
function scaledSquares(g: GraphBuilder, x: Node): Node | undefined {
  if (x.op !== "binary") return undefined;
  if (x.fn === "div") return groupedSum(g, x.x, x.y, (s) => g.reciprocal(g.square(s)));
  if (x.fn !== "mul") return undefined;
  return groupedSum(g, x.x, x.y, (s) => g.square(s)) ?? groupedSum(g, x.y, x.x, (s) => g.square(s));
}

/** Σ r² weight(factor), where the factor is one number a group. */
function groupedSum(
  g: GraphBuilder,
  r: Node,
  factor: Node,
  weight: (s: Node) => Node,
): Node | undefined {
  const by = pickedVector(g, factor);
  const a = by === undefined ? undefined : affineOf(g, r);
  if (by === undefined || a === undefined) return undefined;
  const sums = groupSquares(g, a, by.indices, sizeOf(by.atom.shape));
  return sums === undefined ? undefined : g.sum(g.mul(sums, weight(by.atom)));
}

/** Sums of squares over some of the axes: the rows of one result are a group. */
function collapsedRows(
  g: GraphBuilder,
  x: Node,
  axes: readonly number[],
  shape: Shape,
): Node | undefined {
  if (x.op !== "unary" || x.fn !== "square") return undefined;
  const a = affineOf(g, x.x);
  if (a === undefined) return undefined;
  const groups = sizeOf(shape);
  const kept = otherAxes(x.shape.length, axes);
  const results = g.broadcast(g.reshape(g.iota(groups), shape), x.shape, kept);
  const indices = g.constant(evaluateNode(results), [a.rows], "int");
  const sums = groupSquares(g, a, indices, groups);
  return sums === undefined ? undefined : g.reshape(sums, shape);
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
