/** Made by scripts/reference/kernel_exp.py; change that file, not this one. */

/**
 * (exp r - 1 - r) / r² in ascending powers of r, |r| ≤ (ln 2)/2: the relative error of
 * exp r is 3.4e-19.
 */
export const EXPM1_TAIL: readonly number[] = [
  0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326136, 0.0013888888888883748,
  0.00019841269874820627, 2.4801587325547743e-5, 2.7557255400206422e-6, 2.7557273643110197e-7,
  2.5105217004720745e-8, 2.0914686968117014e-9,
];
