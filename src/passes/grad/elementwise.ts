/**
 * Derivatives of the elementwise functions. At the boundary of a domain the derivative is the
 * one-sided limit, infinities included: log, sqrt and div at 0 give ±∞, and 0 · ∞ gives NaN, so a
 * model that masks such a point must mask the argument too. `select` passes exactly 0 to the branch
 * that was not taken. At the ties of max and min both operands get half.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import { uniformValue } from "../../tensor/elementwise-builder.js";
import type { BinaryFn, Node, NodeOf, TernaryFn, UnaryFn } from "../../tensor/ops.js";
import { type Adjoints, unsupportedGradient } from "./contract.js";

/** The adjoint of x from the adjoint `dy` of `n` = fn(x). */
type UnaryRule = (g: GraphBuilder, dy: Node, x: Node, n: Node) => Node;
type BinaryRule = (a: Adjoints, dy: Node, n: NodeOf<"binary">) => void;
type TernaryRule = (a: Adjoints, dy: Node, n: NodeOf<"ternary">) => void;

/** The derivative is 0 wherever it exists. */
const flat = "flat";

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

export const unaryDerivatives: { readonly [F in UnaryFn]: UnaryRule | typeof flat } = {
  neg: (g, dy) => g.neg(dy),
  not: flat,
  abs: (g, dy, x) => g.mul(dy, g.sign(x)),
  sign: flat,
  floor: flat,
  ceil: flat,
  round: flat,
  trunc: flat,
  exp: (g, dy, _x, n) => g.mul(dy, n),
  log: (g, dy, x) => g.div(dy, x),
  log1p: (g, dy, x) => g.div(dy, g.add(x, 1)),
  // n + 1 would lose exp(x) of the lower tail.
  expm1: (g, dy, x) => g.mul(dy, g.exp(x)),
  sqrt: (g, dy, _x, n) => g.div(g.mul(dy, 0.5), n),
  square: (g, dy, x) => g.mul(dy, g.mul(x, 2)),
  reciprocal: (g, dy, _x, n) => g.neg(g.mul(dy, g.square(n))),
  sin: (g, dy, x) => g.mul(dy, g.cos(x)),
  cos: (g, dy, x) => g.neg(g.mul(dy, g.sin(x))),
  tan: (g, dy, _x, n) => g.mul(dy, g.add(g.square(n), 1)),
  asin: (g, dy, x) => g.div(dy, g.sqrt(oneMinusSquare(g, x))),
  acos: (g, dy, x) => g.neg(g.div(dy, g.sqrt(oneMinusSquare(g, x)))),
  atan: (g, dy, x) => g.div(dy, g.add(g.square(x), 1)),
  sinh: (g, dy, x) => g.mul(dy, g.cosh(x)),
  cosh: (g, dy, x) => g.mul(dy, g.sinh(x)),
  tanh: (g, dy, _x, n) => g.mul(dy, oneMinusSquare(g, n)),
  asinh: (g, dy, x) => g.div(dy, g.sqrt(g.add(g.square(x), 1))),
  acosh: (g, dy, x) => g.div(dy, g.sqrt(g.mul(g.sub(x, 1), g.add(x, 1)))),
  atanh: (g, dy, x) => g.div(dy, oneMinusSquare(g, x)),
  sigmoid: (g, dy, _x, n) => g.mul(dy, g.mul(n, g.sub(1, n))),
  softplus: (g, dy, x) => g.mul(dy, g.sigmoid(x)),
  // −eˣ / (1 − eˣ) = −1 / (e⁻ˣ − 1)
  log1mexp: (g, dy, x) => g.neg(g.div(dy, g.expm1(g.neg(x)))),
  lgamma: (g, dy, x) => g.mul(dy, g.digamma(x)),
  digamma: (g, dy, x) => g.mul(dy, g.trigamma(x)),
  trigamma: (_g, _dy, _x, n) =>
    unsupportedGradient(n, "`trigamma`", "the tetragamma function is not among the operations"),
  erf: (g, dy, x) => g.mul(dy, g.mul(g.exp(g.neg(g.square(x))), TWO_OVER_SQRT_PI)),
  erfc: (g, dy, x) => g.mul(dy, g.mul(g.exp(g.neg(g.square(x))), -TWO_OVER_SQRT_PI)),
  erfcx: (g, dy, x, n) => g.mul(dy, g.sub(g.mul(g.mul(x, n), 2), TWO_OVER_SQRT_PI)),
  // φ(x) / Φ(x) = √(2/π) / erfcx(−x/√2): no cancellation in the lower tail, 0 in the upper one.
  log_ndtr: (g, dy, x) =>
    g.div(g.mul(dy, Math.sqrt(2 / Math.PI)), g.erfcx(g.mul(x, -Math.SQRT1_2))),
  ndtri: (g, dy, _x, n) => g.mul(dy, g.mul(g.exp(g.mul(g.square(n), 0.5)), Math.sqrt(2 * Math.PI))),
  log_i0: (g, dy, x) => g.mul(dy, g.besselRatio(x)),
  // r′ = 1 − r/x − r², with r/x → 1/2 at 0.
  bessel_ratio: (g, dy, x, n) => {
    const zero = g.eq(x, 0);
    const ratio = g.select(zero, 0.5, g.div(n, g.select(zero, 1, x)));
    return g.mul(dy, g.sub(g.sub(1, ratio), g.square(n)));
  },
};

/** 1 − x², without cancellation near ±1. */
function oneMinusSquare(g: GraphBuilder, x: Node): Node {
  return g.mul(g.sub(1, x), g.add(x, 1));
}

const noBinary: BinaryRule = () => {};

export const binaryDerivatives: { readonly [F in BinaryFn]: BinaryRule } = {
  add: (a, dy, n) => {
    a.add(n.x, dy);
    a.add(n.y, dy);
  },
  sub: (a, dy, n) => {
    a.add(n.x, dy);
    if (a.wants(n.y)) a.add(n.y, a.g.neg(dy));
  },
  mul: (a, dy, n) => {
    if (a.wants(n.x)) a.add(n.x, a.g.mul(dy, n.y));
    if (a.wants(n.y)) a.add(n.y, a.g.mul(dy, n.x));
  },
  div: (a, dy, n) => {
    const scaled = a.g.div(dy, n.y);
    a.add(n.x, scaled);
    if (a.wants(n.y)) a.add(n.y, a.g.neg(a.g.mul(scaled, n)));
  },
  pow: (a, dy, n) => {
    if (a.wants(n.x)) a.add(n.x, a.g.mul(dy, powerSlope(a.g, n.x, n.y)));
    if (a.wants(n.y)) {
      // xʸ log x, which is 0 at x = 0 for y > 0.
      const log = a.g.log(a.g.select(a.g.eq(n.x, 0), 1, n.x));
      a.add(n.y, a.g.mul(dy, a.g.mul(n, log)));
    }
  },
  atan2: (a, dy, n) => {
    const { g } = a;
    const scaled = g.div(dy, g.add(g.square(n.x), g.square(n.y)));
    if (a.wants(n.x)) a.add(n.x, g.mul(scaled, n.y));
    if (a.wants(n.y)) a.add(n.y, g.neg(g.mul(scaled, n.x)));
  },
  mod: (a, dy, n) => {
    a.add(n.x, dy);
    if (a.wants(n.y)) a.add(n.y, a.g.neg(a.g.mul(dy, a.g.floor(a.g.div(n.x, n.y)))));
  },
  max: (a, dy, n) => extremum(a, dy, n, "gt", "lt"),
  min: (a, dy, n) => extremum(a, dy, n, "lt", "gt"),
  lt: noBinary,
  le: noBinary,
  gt: noBinary,
  ge: noBinary,
  eq: noBinary,
  ne: noBinary,
  and: noBinary,
  or: noBinary,
  gamma_p: (a, dy, n) => {
    const { g } = a;
    if (a.wants(n.x)) a.add(n.x, g.mul(dy, g.gammaPShape(n.x, n.y)));
    // xᵃ⁻¹ e⁻ˣ / Γ(a)
    const log = g.sub(g.sub(xlog(g, g.sub(n.x, 1), g.log(n.y)), n.y), g.lgamma(n.x));
    a.add(n.y, g.mul(dy, g.exp(log)));
  },
  gamma_p_da: (_a, _dy, n) =>
    unsupportedGradient(n, "∂P(a, x)/∂a", "it has no second derivatives among the operations"),
};

/** y xʸ⁻¹, which is 0 for y = 0 at every x. */
function powerSlope(g: GraphBuilder, x: Node, y: Node): Node {
  const slope = g.mul(y, g.pow(x, g.sub(y, 1)));
  const c = uniformValue(y);
  if (c !== undefined && c !== 0) return slope;
  return g.select(g.eq(y, 0), 0, slope);
}

/** The operand that wins gets `dy`; both get half where they are equal, none where one is NaN. */
function extremum(
  a: Adjoints,
  dy: Node,
  n: NodeOf<"binary">,
  xWins: "lt" | "gt",
  yWins: "lt" | "gt",
): void {
  const { g } = a;
  const tie = g.select(g.eq(n.x, n.y), g.mul(dy, 0.5), 0);
  if (a.wants(n.x)) a.add(n.x, g.select(g.binary(xWins, n.x, n.y), dy, tie));
  if (a.wants(n.y)) a.add(n.y, g.select(g.binary(yWins, n.x, n.y), dy, tie));
}

/** factor · log, 0 where the factor is 0 whatever the log is. */
function xlog(g: GraphBuilder, factor: Node, log: Node): Node {
  return g.select(g.eq(factor, 0), 0, g.mul(factor, log));
}

export const ternaryDerivatives: { readonly [F in TernaryFn]: TernaryRule } = {
  select: (a, dy, n) => {
    if (a.wants(n.y)) a.add(n.y, a.g.select(n.x, dy, 0));
    if (a.wants(n.z)) a.add(n.z, a.g.select(n.x, 0, dy));
  },
  beta_inc: (a, dy, n) => {
    const { g } = a;
    if (a.wants(n.x) || a.wants(n.y)) {
      unsupportedGradient(n, "the incomplete beta function", "its shape depends on a parameter");
    }
    // zᵃ⁻¹ (1 − z)ᵇ⁻¹ / B(a, b)
    const log = g.add(
      xlog(g, g.sub(n.x, 1), g.log(n.z)),
      xlog(g, g.sub(n.y, 1), g.log1p(g.neg(n.z))),
    );
    const lbeta = g.sub(g.add(g.lgamma(n.x), g.lgamma(n.y)), g.lgamma(g.add(n.x, n.y)));
    a.add(n.z, g.mul(dy, g.exp(g.sub(log, lbeta))));
  },
};
