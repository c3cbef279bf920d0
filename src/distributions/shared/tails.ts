/**
 * Incomplete gamma and beta functions in logs, accurate in both tails: what the cdfs of the table
 * are made of. Where the value underflows or rounds to 1, series and continued fractions take over.
 * Gradients in the shape parameters do not exist here (see `gamma_p` and `beta_inc`).
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { lbeta } from "./gamma.js";
import { logProbability } from "./logs.js";

/** Below this a value's logarithm is taken from a power series. */
const NEAR_ZERO = 1e-280;
/** The series' terms fall like powers of (argument / mean), which is small in so far a tail. */
const SERIES_TERMS = 30;
/** Above this P the complement is taken from the continued fraction instead of 1 − P. */
const NEAR_ONE = 0.999;
/** Exact to rounding there for shapes from 0.01 to 1e5 (larger ones need fewer terms). */
const FRACTION_DEPTH = 50;
/** A value above this is better taken from its complement, which knows 1 − z apart from z. */
const COMPLEMENT_ABOVE = 0.01;

/**
 * log Q(a, x) = log(1 − P(a, x)), accurate in the upper tail: where P is near 1, Legendre's
 * continued fraction Γ(a, x) = e⁻ˣ xᵃ / (x + 1 − a − 1 (1 − a)/(x + 3 − a − …)) (DLMF 8.9.2)
 * evaluated from its end.
 */
export function logGammaQ(g: GraphBuilder, a: Node, x: Node): Node {
  const inside = g.and(g.gt(x, 0), g.lt(x, Infinity));
  const v = g.select(inside, x, 1);
  const p = g.gammaP(a, v);
  const tail = g.gt(p, NEAR_ONE);
  const near = g.log1p(g.neg(g.select(tail, 0, p)));
  const z = g.select(tail, v, g.add(a, 100));
  let fraction: Node = g.add(g.sub(z, a), 2 * FRACTION_DEPTH + 1);
  for (let n = FRACTION_DEPTH; n >= 1; n--) {
    const numerator = g.mul(g.sub(a, n), n);
    fraction = g.add(g.add(g.sub(z, a), 2 * n - 1), g.div(numerator, fraction));
  }
  const far = g.sub(g.sub(g.sub(g.mul(a, g.log(z)), z), g.lgamma(a)), g.log(fraction));
  const beyond = g.select(g.gt(x, 0), -Infinity, 0);
  return g.select(inside, g.select(tail, far, near), beyond);
}

/**
 * log P(a, x), also where P underflows: there the series xᵃ e⁻ˣ / Γ(a + 1) · Σ xᵏ / (a + 1)ₖ
 * (DLMF 8.11.4). `logX` may be given where x itself underflows.
 */
export function logGammaP(
  g: GraphBuilder,
  a: Node,
  x: Node,
  logX: Node = logProbability(g, x),
): Node {
  const inside = g.and(g.gt(x, 0), g.lt(x, Infinity));
  const p = g.select(inside, g.gammaP(a, g.select(inside, x, 1)), g.select(g.gt(x, 0), 1, 0));
  const tail = g.and(g.lt(p, NEAR_ZERO), g.gt(logX, -Infinity));
  const near = logProbability(g, g.select(tail, 1, p));
  const z = g.select(tail, x, g.mul(a, 0.01));
  const logZ = g.select(tail, logX, 0);
  let sum: Node = g.constant(1);
  for (let k = SERIES_TERMS; k >= 1; k--) {
    sum = g.add(g.mul(sum, g.div(z, g.add(a, k))), 1);
  }
  const front = g.sub(g.sub(g.mul(a, logZ), z), g.lgamma(g.add(a, 1)));
  return g.select(tail, g.add(front, g.log(sum)), near);
}

/** A point z of [0, 1] with what rounding would take from it: 1 − z and both logarithms. */
export interface UnitPoint {
  readonly z: Node;
  readonly rest: Node;
  readonly logZ: Node;
  readonly logRest: Node;
}

/** From z and 1 − z, each known to all its digits. */
export function unitPoint(g: GraphBuilder, z: Node, rest: Node): UnitPoint {
  return { z, rest, logZ: logProbability(g, z), logRest: logProbability(g, rest) };
}

/** The point 1 − z. */
export function opposite(p: UnitPoint): UnitPoint {
  return { z: p.rest, rest: p.z, logZ: p.logRest, logRest: p.logZ };
}

/**
 * log I_z(a, b): from its complement I_{1−z}(b, a) where it is not small, and where it
 * underflows from zᵃ (1 − z)ᵇ / (a B(a, b)) · Σ (a + b)ₖ / (a + 1)ₖ zᵏ (DLMF 8.17.8).
 */
export function logBetaInc(g: GraphBuilder, a: Node, b: Node, point: UnitPoint): Node {
  const { z, rest, logZ, logRest } = point;
  const inside = g.and(g.gt(z, 0), g.gt(rest, 0));
  const atEnd = g.select(g.gt(z, 0), 1, 0);
  const value = g.select(inside, g.betaInc(a, b, g.select(inside, z, 0.5)), atEnd);
  const large = g.gt(value, COMPLEMENT_ABOVE);
  const split = g.and(inside, large);
  const other = g.select(split, g.betaInc(b, a, g.select(split, rest, 0.5)), 0);
  const upper = g.log1p(g.neg(g.select(g.lt(other, 1), other, 0)));
  const tail = g.and(g.lt(value, NEAR_ZERO), g.gt(logZ, -Infinity));
  const near = logProbability(g, g.select(tail, 1, value));
  const safe = g.select(tail, z, 0);
  let sum: Node = g.constant(1);
  for (let k = SERIES_TERMS; k >= 1; k--) {
    const ratio = g.div(g.add(g.add(a, b), k - 1), g.add(a, k));
    sum = g.add(g.mul(g.mul(sum, ratio), safe), 1);
  }
  const powers = g.add(g.mul(a, g.select(tail, logZ, 0)), g.mul(b, g.select(tail, logRest, 0)));
  const far = g.add(g.sub(powers, g.add(g.log(a), lbeta(g, a, b))), g.log(sum));
  return g.select(large, upper, g.select(tail, far, near));
}
