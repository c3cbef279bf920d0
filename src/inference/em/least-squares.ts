/**
 * The joint maximum of a quadratic function of several parameters, of which gradients and the
 * curvature in each parameter alone are known: conjugate gradients, preconditioned by the latter
 * (Golub & Van Loan, 4th ed., algorithm 11.5.1). What couples the parameters mostly has a low rank,
 * and then so many steps do.
 */

export interface LeastSquares {
  /** One array a parameter. */
  readonly start: readonly Float64Array[];
  readonly gradient: (at: readonly Float64Array[]) => readonly Float64Array[];
  /** Undefined where a parameter's own curvature is singular. */
  readonly precondition: (right: readonly Float64Array[]) => readonly Float64Array[] | undefined;
}

const STEPS = 30;
/** What a further step could gain, relative to the first, and in nats. */
const RELATIVE_GAIN = 1e-18;
const GAIN = 1e-14;
/** By how much the gradient may miss what a quadratic function would have, relative to the first. */
const MISS = 1e-6;

/** The maximiser; the function need not be quadratic or concave, which is then told. */
export function leastSquares(
  problem: LeastSquares,
): readonly Float64Array[] | "singular" | "not_quadratic" {
  const { start, gradient, precondition } = problem;
  const x = start.map((s) => s.slice());
  let r = gradient(x);
  const largest = Math.sqrt(dot(r, r));
  let z = precondition(r);
  if (z === undefined) return "singular";
  let p = z;
  let gain = dot(r, z);
  const first = gain;
  for (let step = 0; step < STEPS && gain > Math.max(RELATIVE_GAIN * first, GAIN); step++) {
    const ahead = gradient(plus(x, 1, p));
    const curved = plus(r, -1, ahead);
    const bend = dot(p, curved);
    if (!(bend > 0)) return "singular";
    const alpha = gain / bend;
    x.forEach((own, k) => {
      for (let i = 0; i < own.length; i++) own[i] += alpha * p[k][i];
    });
    r = plus(r, -alpha, curved);
    z = precondition(r);
    if (z === undefined) return "singular";
    const next = dot(r, z);
    p = plus(z, next / gain, p);
    gain = next;
  }
  const miss = plus(gradient(x), -1, r);
  return Math.sqrt(dot(miss, miss)) <= MISS * largest || largest === 0 ? x : "not_quadratic";
}

function plus(
  a: readonly Float64Array[],
  scale: number,
  b: readonly Float64Array[],
): Float64Array[] {
  return a.map((own, k) => own.map((v, i) => v + scale * b[k][i]));
}

function dot(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  let sum = 0;
  a.forEach((own, k) => {
    for (let i = 0; i < own.length; i++) sum += own[i] * b[k][i];
  });
  return sum;
}
