import { internalError } from "../base/internal.js";

/**
 * The discrete Fourier transform in place: X_k = Σ x_j exp(∓2πi jk/n), with the minus sign unless
 * `inverse`, and no scaling either way. `re` and `im` have the same length, a power of two.
 * Radix-2 Cooley-Tukey; twiddle factors are computed once each, not by recurrence, for accuracy.
 */
export function fft(re: Float64Array, im: Float64Array, inverse = false): void {
  const n = re.length;
  if (n !== im.length || n === 0 || (n & (n - 1)) !== 0) {
    internalError(`Fourier transform of lengths ${n} and ${im.length}`);
  }
  bitReverse(re, im);
  const sign = inverse ? 1 : -1;
  const half = n / 2;
  const cos = Float64Array.from({ length: half }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sin = Float64Array.from({ length: half }, (_, k) => Math.sin((2 * Math.PI * k) / n));
  for (let size = 2; size <= n; size *= 2) {
    const stride = n / size;
    for (let start = 0; start < n; start += size) {
      for (let k = 0; k < size / 2; k++) {
        const c = cos[k * stride];
        const s = sign * sin[k * stride];
        const even = start + k;
        const odd = even + size / 2;
        const tr = re[odd] * c - im[odd] * s;
        const ti = re[odd] * s + im[odd] * c;
        re[odd] = re[even] - tr;
        im[odd] = im[even] - ti;
        re[even] += tr;
        im[even] += ti;
      }
    }
  }
}

function bitReverse(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
}

/**
 * Autocovariances of a series at lags 0 … n - 1, with divisor n (the biased estimator, which Geyer
 * and Stan use): (1/n) Σₜ (xₜ - x̄)(xₜ₊ₗ - x̄). By the Fourier transform of the series padded with
 * zeros, O(n log n).
 */
export function autocovariance(x: ArrayLike<number>): Float64Array {
  const n = x.length;
  if (n === 0) return new Float64Array(0);
  let mean = 0;
  for (let i = 0; i < n; i++) mean += (x[i] - mean) / (i + 1);
  let padded = 1;
  while (padded < 2 * n) padded *= 2;
  const re = new Float64Array(padded);
  const im = new Float64Array(padded);
  for (let i = 0; i < n; i++) re[i] = x[i] - mean;
  fft(re, im);
  for (let k = 0; k < padded; k++) {
    re[k] = re[k] * re[k] + im[k] * im[k];
    im[k] = 0;
  }
  fft(re, im, true);
  return re.slice(0, n).map((sum) => sum / padded / n);
}
