/** Horner's rule: c[0] + c[1] x + c[2] x² + …; the coefficients are in ascending powers. */
export function polynomial(c: readonly number[], x: number): number {
  let sum = 0;
  for (let k = c.length - 1; k >= 0; k--) sum = sum * x + c[k];
  return sum;
}

/** P(x) / Q(x), both by Horner's rule. */
export function rational(p: readonly number[], q: readonly number[], x: number): number {
  return polynomial(p, x) / polynomial(q, x);
}
