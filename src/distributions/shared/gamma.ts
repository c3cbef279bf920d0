/** Gamma functions as graphs, in forms that do not cancel where their arguments are large. */
import type { GraphBuilder } from "../../tensor/builder.js";
import { uniformValue } from "../../tensor/elementwise-builder.js";
import type { Node } from "../../tensor/ops.js";
import { LOG_PI } from "./logs.js";

/** From here the series below is exact to rounding. */
const STIRLING_FROM = 10;
/** B₂ₖ / (2k (2k − 1)), k = 1 … 7: Abramowitz and Stegun 6.1.40. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156] as const;

/** Stirling's correction log Γ(x) − ((x − ½) log x − x + log √2π) for x ≥ 10. */
function stirlingCorrection(g: GraphBuilder, x: Node): Node {
  const inverse = g.reciprocal(x);
  const square = g.square(inverse);
  let sum: Node = g.constant(STIRLING[STIRLING.length - 1]);
  for (let k = STIRLING.length - 2; k >= 0; k--) sum = g.add(g.mul(sum, square), STIRLING[k]);
  return g.mul(sum, inverse);
}

/**
 * log Γ(x + d) − log Γ(x) for x > 0, d ≥ 0. The plain difference loses digits in proportion to
 * x log x; from x = 10 on the difference of Stirling's formulas is used, with its large terms
 * combined by hand: (x − ½) log(1 + d/x) + d log(x + d) − d + c(x + d) − c(x).
 */
export function lgammaDifference(g: GraphBuilder, x: Node, d: Node | number): Node {
  const sum = g.add(x, d);
  const large = g.ge(x, STIRLING_FROM);
  const plain = g.sub(g.lgamma(sum), g.lgamma(x));
  const z = g.select(large, x, STIRLING_FROM);
  const end = g.add(z, d);
  const leading = g.sub(g.add(g.mul(g.sub(z, 0.5), g.log1p(g.div(d, z))), g.mul(d, g.log(end))), d);
  const corrections = g.sub(stirlingCorrection(g, end), stirlingCorrection(g, z));
  return g.select(large, g.add(leading, corrections), plain);
}

/** log B(a, b) for a, b > 0, by the difference over the larger argument; B(1, b) is 1/b. */
export function lbeta(g: GraphBuilder, a: Node | number, b: Node | number): Node {
  const isOne = (x: Node | number): boolean => {
    return (typeof x === "number" ? x : uniformValue(x)) === 1;
  };
  if (isOne(a) && typeof b !== "number") return g.neg(g.log(b));
  if (isOne(b) && typeof a !== "number") return g.neg(g.log(a));
  const small = g.min(a, b);
  return g.sub(g.lgamma(small), lgammaDifference(g, g.max(a, b), small));
}

/** log of n over k for 0 ≤ k ≤ n. */
export function lchoose(g: GraphBuilder, n: Node, k: Node): Node {
  const rest = g.sub(n, k);
  return g.neg(g.add(g.log1p(n), lbeta(g, g.add(rest, 1), g.add(k, 1))));
}

/**
 * log Γ_D(x), the multivariate gamma function: D (D − 1)/4 · log π + Σ log Γ(x − j/2), j < D.
 * Of the shape of x.
 */
export function lmvgamma(g: GraphBuilder, size: number, x: Node): Node {
  let sum: Node = g.constant((size * (size - 1) * LOG_PI) / 4);
  for (let j = 0; j < size; j++) sum = g.add(sum, g.lgamma(g.sub(x, j / 2)));
  return sum;
}
