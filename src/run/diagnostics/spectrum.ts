/**
 * Autocovariance through the power spectrum. A decimation-in-frequency transform leaves its output
 * in bit-reversed order and a decimation-in-time transform takes its input in that order, and the
 * power is taken element by element in between: nothing is ever reordered.
 */

/** Twiddle factors and working storage for sequences of up to `length / 2` values. */
export interface SpectrumPlan {
  /** A power of two. */
  readonly length: number;
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  readonly re: Float64Array;
  readonly im: Float64Array;
  readonly power: Float64Array;
}

/** A plan for sequences of `n` values: the length is the first power of two from 2·n on. */
export function spectrumPlan(n: number): SpectrumPlan {
  let length = 2;
  while (length < 2 * n) length *= 2;
  const half = length / 2;
  const angle = (i: number): number => (2 * Math.PI * i) / length;
  return {
    length,
    cos: Float64Array.from({ length: half }, (_, i) => Math.cos(angle(i))),
    sin: Float64Array.from({ length: half }, (_, i) => -Math.sin(angle(i))),
    re: new Float64Array(length),
    im: new Float64Array(length),
    power: new Float64Array(length),
  };
}

/**
 * Sum over sequences of their (biased) autocovariances: `out[t] = Σ_s Σ_i x_s[i]·x_s[i+t]` for
 * t = 0 .. n-1, where `x` holds `count` centred sequences of `n` values one after another.
 *
 * Two real sequences are transformed as one complex one, Z = A + iB. Its |Z|² is not even, but
 * its even part is |A|² + |B|², and the even part is what the real part of the transform sees.
 */
export function summedAutocovariance(
  plan: SpectrumPlan,
  x: Float64Array,
  count: number,
  n: number,
  out: Float64Array,
): void {
  const { length, re, im, power } = plan;
  power.fill(0);
  for (let s = 0; s < count; s += 2) {
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < n; i++) re[i] = x[s * n + i];
    if (s + 1 < count) for (let i = 0; i < n; i++) im[i] = x[(s + 1) * n + i];
    decimateInFrequency(plan);
    for (let k = 0; k < length; k++) power[k] += re[k] * re[k] + im[k] * im[k];
  }
  re.set(power);
  im.fill(0);
  decimateInTime(plan);
  for (let t = 0; t < n; t++) out[t] = re[t] / length;
}

/** Forward transform in place, natural order in, bit-reversed order out. */
function decimateInFrequency({ length, cos, sin, re, im }: SpectrumPlan): void {
  for (let size = length; size >= 2; size /= 2) {
    const half = size / 2;
    const stride = length / size;
    for (let start = 0; start < length; start += size) {
      for (let j = 0, w = 0; j < half; j++, w += stride) {
        const a = start + j;
        const b = a + half;
        const dr = re[a] - re[b];
        const di = im[a] - im[b];
        re[a] += re[b];
        im[a] += im[b];
        re[b] = dr * cos[w] - di * sin[w];
        im[b] = dr * sin[w] + di * cos[w];
      }
    }
  }
}

/** Transform in place, bit-reversed order in, natural order out (unscaled). */
function decimateInTime({ length, cos, sin, re, im }: SpectrumPlan): void {
  for (let size = 2; size <= length; size *= 2) {
    const half = size / 2;
    const stride = length / size;
    for (let start = 0; start < length; start += size) {
      for (let j = 0, w = 0; j < half; j++, w += stride) {
        const a = start + j;
        const b = a + half;
        const br = re[b] * cos[w] + im[b] * sin[w];
        const bi = im[b] * cos[w] - re[b] * sin[w];
        re[b] = re[a] - br;
        im[b] = im[a] - bi;
        re[a] += br;
        im[a] += bi;
      }
    }
  }
}
