/**
 * Gamma, error and Bessel functions and the incomplete integrals in f32: the algorithms of
 * src/math/special, with its coefficients as far as they matter in single precision.
 */
import * as c from "../../../math/special/coefficients.js";
import { horner, literal, shorten } from "./literal.js";

const HALF_LOG_2PI = 0.9189385332046728;
const ratio = (p: readonly number[], q: readonly number[], x: string, reach: number): string =>
  `(${horner(shorten(p, reach), x)} / ${horner(shorten(q, reach), x)})`;

export const specialLibrary: Readonly<Record<string, string>> = {
  sin_pi: `fn sin_pi(x: f32) -> f32 {
  let n = round(x);
  let s = sin_core_half(x - n);
  return select(-s, s, floor(n * 0.5f) == n * 0.5f);
}`,
  // sin πr, |r| ≤ ½.
  sin_core_half: `fn sin_core_half(r: f32) -> f32 {
  if (abs(r) <= 0.25f) { return sin_core(${literal(Math.PI)} * r); }
  return sign_of(cos_core(${literal(Math.PI)} * (0.5f - abs(r))), r);
}`,
  cos_pi: `fn cos_pi(x: f32) -> f32 {
  let n = round(x);
  let s = sin_core_half(0.5f - abs(x - n));
  return select(-s, s, floor(n * 0.5f) == n * 0.5f);
}`,
  lgamma_core: `fn lgamma_core(s: f32) -> f32 {
  return s * (1.0f + s) * ${ratio(c.LGAMMA_CORE_P, c.LGAMMA_CORE_Q, "s", 1)};
}`,
  lgamma_large: `fn lgamma_large(x: f32) -> f32 {
  let z = 1.0f / x;
  let w = z * z;
  let rest = ${literal(HALF_LOG_2PI - 0.5)} + ${horner(shorten(c.STIRLING_P, 1 / 64), "w")} * z;
  return (x - 0.5f) * (m_log(x) - 1.0f) + rest;
}`,
  // x > 0.
  lgamma_positive: `fn lgamma_positive(x: f32) -> f32 {
  if (x >= 8.0f) { return select(lgamma_large(x), x, is_inf(x)); }
  if (x >= 3.0f) {
    // Down to [2, 3) by Γ(x + 1) = x Γ(x): no large numbers are subtracted.
    var y = x;
    var product = 1.0f;
    while (y >= 3.0f) { y = y - 1.0f; product = product * y; }
    return m_log(product) + lgamma_core(y - 2.0f);
  }
  if (x >= 1.5f) { return lgamma_core(x - 2.0f); }
  if (x >= 0.5f) { return lgamma_core(x - 1.0f) - m_log1p(x - 1.0f); }
  return lgamma_core(x) - m_log1p(x) - m_log(x);
}`,
  m_lgamma: `fn m_lgamma(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_inf(x)) { return inf_value(); }
  if (x > 0.0f) { return lgamma_positive(x); }
  if (floor(x) == x) { return inf_value(); }
  if (x > -1e-18f) { return -m_log(-x); }
  let reflected = m_log(abs(x * sin_pi(x)));
  return ${literal(Math.log(Math.PI))} - reflected - lgamma_positive(-x);
}`,
  digamma_core: `fn digamma_core(s: f32) -> f32 {
  let from_zero = (s - ${literal(Math.fround(c.DIGAMMA_ZERO[0] - 1))}) - ${literal(c.DIGAMMA_ZERO[0] - 1 - Math.fround(c.DIGAMMA_ZERO[0] - 1))};
  return from_zero * ${ratio(c.DIGAMMA_CORE_P, c.DIGAMMA_CORE_Q, "(s - 0.5f)", 0.5)};
}`,
  // x > 0.
  digamma_positive: `fn digamma_positive(x: f32) -> f32 {
  if (x >= 8.0f) {
    let z = 1.0f / x;
    let w = z * z;
    let value = m_log(x) - 0.5f * z - w * ${horner(shorten(c.DIGAMMA_TAIL_P, 1 / 64), "w")};
    return select(value, x, is_inf(x));
  }
  var y = x;
  var shift = 0.0f;
  while (y > 2.0f) { y = y - 1.0f; shift = shift + 1.0f / y; }
  if (y >= 1.0f) { return digamma_core(y - 1.0f) + shift; }
  return digamma_core(y) - 1.0f / y;
}`,
  m_digamma: `fn m_digamma(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (x > 0.0f) { return digamma_positive(x); }
  if (x == 0.0f) { return sign_of(inf_value(), -sign_of(1.0f, x)); }
  if (floor(x) == x || is_inf(x)) { return nan_value(); }
  if (x > -1e-9f) { return ${literal(-0.5772156649015329)} - 1.0f / x; }
  return digamma_positive(-x) - 1.0f / x - ${literal(Math.PI)} * cos_pi(x) / sin_pi(x);
}`,
  trigamma_positive: `fn trigamma_positive(x: f32) -> f32 {
  var y = x;
  var total = 0.0f;
  while (y < 8.0f) { total = total + (1.0f / y) / y; y = y + 1.0f; }
  let z = 1.0f / y;
  let w = z * z;
  return total + (z + 0.5f * w + w * z * ${horner(shorten(c.TRIGAMMA_TAIL_P, 1 / 64), "w")});
}`,
  m_trigamma: `fn m_trigamma(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (x > 0.0f) { return select(trigamma_positive(x), 0.0f, is_inf(x)); }
  if (is_inf(x)) { return nan_value(); }
  if (floor(x) == x) { return inf_value(); }
  let one = trigamma_positive(1.0f - x);
  if (x > -1e-4f) { return (1.0f / x) / x + one; }
  let s = ${literal(Math.PI)} / sin_pi(x);
  return s * s - one;
}`,
  // exp(factor x²), factor a power of two: the large square is exact.
  exp_square: `fn exp_square(x: f32, factor: f32) -> f32 {
  if (is_inf(x)) { return select(inf_value(), 0.0f, factor < 0.0f); }
  let high = upper_half(x);
  let low = x - high;
  if (high * high > 1000.0f) { return select(inf_value(), 0.0f, factor < 0.0f); }
  return m_exp(high * high * factor) * m_exp(low * factor * (x + high));
}`,
  // x ≥ 0.
  erfcx_positive: `fn erfcx_positive(x: f32) -> f32 {
  if (x < 3.0f) { return ${ratio(c.ERFCX_NEAR_P, c.ERFCX_NEAR_Q, "x", 3)}; }
  let z = 1.0f / x;
  let w = z * z;
  return ${ratio(c.ERFCX_FAR_P, c.ERFCX_FAR_Q, "w", 1 / 9)} * z * ${literal(1 / Math.sqrt(Math.PI))};
}`,
  erf_core: `fn erf_core(x: f32) -> f32 {
  let w = x * x;
  return x * ${ratio(c.ERF_CORE_P, c.ERF_CORE_Q, "w", 1)};
}`,
  m_erf: `fn m_erf(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  if (a <= 1.0f) { return erf_core(x); }
  return sign_of(1.0f - exp_square(a, -1.0f) * erfcx_positive(a), x);
}`,
  m_erfc: `fn m_erfc(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (abs(x) < 0.5f || (x < 0.0f && x >= -1.0f)) { return 1.0f - erf_core(x); }
  let a = abs(x);
  let tail = exp_square(a, -1.0f) * erfcx_positive(a);
  return select(tail, 2.0f - tail, x < 0.0f);
}`,
  m_erfcx: `fn m_erfcx(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let positive = erfcx_positive(abs(x));
  if (x >= 0.0f) { return positive; }
  return 2.0f * exp_square(x, 1.0f) - positive;
}`,
  m_log_ndtr: `fn m_log_ndtr(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_inf(x)) { return select(-inf_value(), 0.0f, x > 0.0f); }
  let a = abs(x);
  let scaled = erfcx_positive(a * ${literal(Math.SQRT1_2)});
  if (x > 0.0f) { return m_log1p(-0.5f * exp_square(a, -0.5f) * scaled); }
  return m_log(0.5f * scaled) - 0.5f * x * x;
}`,
  // Φ⁻¹ of p < 0.075 by its logarithm: the start is within 1e-9, below single precision.
  ndtri_lower: `fn ndtri_lower(p: f32, log_p: f32) -> f32 {
  if (p == 0.0f) { return -inf_value(); }
  if (!(p > 0.0f) || is_nan(p)) { return nan_value(); }
  let r = sqrt(-log_p);
  if (r > 5.0f) {
    let u = 5.0f / r;
    return -r * ${ratio(c.QUANTILE_FAR_P, c.QUANTILE_FAR_Q, "u", 1)};
  }
  let s = r - 3.0f;
  return -${ratio(c.QUANTILE_NEAR_P, c.QUANTILE_NEAR_Q, "s", 2)};
}`,
  m_ndtri: `fn m_ndtri(p: f32) -> f32 {
  if (is_nan(p)) { return p; }
  if (p > 0.925f) { return -ndtri_lower(1.0f - p, m_log1p(-p)); }
  if (p < 0.075f) { return ndtri_lower(p, m_log(p)); }
  // The centre's fraction cancels: two Newton steps on Φ set its value right.
  let q = p - 0.5f;
  let w = q * q;
  var x = q * ${ratio(c.QUANTILE_CENTER_P, c.QUANTILE_CENTER_Q, "w", 0.2)};
  for (var k = 0; k < 2; k++) {
    let density = m_exp(-0.5f * x * x) * ${literal(1 / Math.sqrt(2 * Math.PI))};
    x = x - (0.5f * m_erf(x * ${literal(Math.SQRT1_2)}) - q) / density;
  }
  return x;
}`,
  bessel_far_0: `fn bessel_far_0(s: f32) -> f32 { return ${horner(shorten(c.I0_FAR_P, 1 / 16), "s")}; }`,
  bessel_far_1: `fn bessel_far_1(s: f32) -> f32 { return ${horner(shorten(c.I1_FAR_P, 1 / 16), "s")}; }`,
  m_log_i0: `fn m_log_i0(x: f32) -> f32 {
  let a = abs(x);
  if (is_nan(x) || is_inf(x)) { return a; }
  if (a < 8.0f) {
    let w = 0.25f * a * a;
    return m_log1p(w * ${horner(shorten(c.I0_NEAR_P, 16), "w")});
  }
  return a + m_log(bessel_far_0(1.0f / a - 0.0625f) / sqrt(a));
}`,
  m_bessel_ratio: `fn m_bessel_ratio(x: f32) -> f32 {
  let a = abs(x);
  if (is_nan(x)) { return x; }
  if (is_inf(x)) { return sign_of(1.0f, x); }
  if (a < 8.0f) {
    let w = 0.25f * a * a;
    let below = 1.0f + w * ${horner(shorten(c.I0_NEAR_P, 16), "w")};
    return 0.5f * x * ${horner(shorten(c.I1_NEAR_P, 16), "w")} / below;
  }
  let s = 1.0f / a - 0.0625f;
  return sign_of(bessel_far_1(s) / bessel_far_0(s), x);
}`,
  // log(1 + u) − u without cancellation.
  log1pmx: `fn log1pmx(u: f32) -> f32 {
  if (u <= -0.4f || u >= 0.7f) { return m_log1p(u) - u; }
  let r = u / (2.0f + u);
  let w = r * r;
  let series = ${horner([1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15], "w")};
  return r * (2.0f * w * series - u);
}`,
  // x log(x / mean) + mean − x, Loader's bd0.
  deviance: `fn deviance(x: f32, mean: f32) -> f32 {
  if (x == 0.0f) { return mean; }
  let u = (mean - x) / x;
  if (u > -0.4f && u < 0.7f) { return -x * log1pmx(u); }
  return x * (m_log(x) - m_log(mean)) + (mean - x);
}`,
  stirling_rest: `fn stirling_rest(x: f32) -> f32 {
  if (x >= 8.0f) {
    let z = 1.0f / x;
    let w = z * z;
    return ${horner(shorten(c.STIRLING_P, 1 / 64), "w")} * z;
  }
  return lgamma_positive(x) - ((x - 0.5f) * m_log(x) - x + ${literal(HALF_LOG_2PI)});
}`,
  log_poisson: `fn log_poisson(x: f32, rate: f32) -> f32 {
  return -stirling_rest(x) - deviance(x, rate) - ${literal(HALF_LOG_2PI)} - 0.5f * m_log(x);
}`,
  away_from_zero: "fn away_from_zero(x: f32) -> f32 { return select(x, 1e-30f, abs(x) < 1e-30f); }",
  // Loops are bounded: what has not settled by then is as good as it gets.
  m_gamma_p: `fn m_gamma_p(a: f32, x: f32) -> f32 {
  if (!no_nan(a, x) || !(a > 0.0f) || !(x >= 0.0f) || is_inf(a)) { return nan_value(); }
  if (x == 0.0f) { return 0.0f; }
  if (is_inf(x)) { return 1.0f; }
  if (a >= 1e4f) { return gamma_p_temme(a, x); }
  if (x <= a + 1.0f) {
    var total = 1.0f;
    var term = 1.0f;
    for (var n = 1.0f; n < 2000.0f; n += 1.0f) {
      term = term * (x / (a + n));
      total = total + term;
      if (term <= total * 2e-8f) { break; }
    }
    return m_exp(log_poisson(a, x)) * total;
  }
  var base = x + 1.0f - a;
  var cc = 1e30f;
  var d = 1.0f / away_from_zero(base);
  var h = d;
  for (var n = 1.0f; n < 2000.0f; n += 1.0f) {
    let an = n * (a - n);
    base = base + 2.0f;
    d = 1.0f / away_from_zero(an * d + base);
    cc = away_from_zero(base + an / cc);
    let delta = cc * d;
    h = h * delta;
    if (abs(delta - 1.0f) < 1e-7f) { break; }
  }
  return 1.0f - m_exp(log_poisson(a, x)) * a * h;
}`,
  // The series and the fraction of m_gamma_p with their derivatives in a.
  m_gamma_p_da: `fn m_gamma_p_da(a: f32, x: f32) -> f32 {
  if (!no_nan(a, x) || !(a > 0.0f) || !(x >= 0.0f) || is_inf(a)) { return nan_value(); }
  if (x == 0.0f || is_inf(x)) { return 0.0f; }
  let mass = m_exp(log_poisson(a, x));
  if (a >= 1e4f) { return -mass * a * (1.0f + (x - a) / (2.0f * a)) / x; }
  let log = m_log(x) - m_digamma(a + 1.0f);
  if (x <= a + 1.0f) {
    var term = 1.0f;
    var harmonic = 0.0f;
    var plain = 1.0f;
    var weighted = 0.0f;
    for (var n = 1.0f; n < 2000.0f; n += 1.0f) {
      term = term * (x / (a + n));
      harmonic = harmonic + 1.0f / (a + n);
      plain = plain + term;
      weighted = weighted + term * harmonic;
      if (term <= plain * 2e-8f) { break; }
    }
    return mass * (log * plain - weighted);
  }
  var base = x + 1.0f - a;
  var d = 1.0f / away_from_zero(base);
  var dd = d * d;
  var cc = 1e30f;
  var dc = 0.0f;
  var h = d;
  var dh = dd;
  for (var n = 1.0f; n < 2000.0f; n += 1.0f) {
    let an = n * (a - n);
    base = base + 2.0f;
    let below = away_from_zero(an * d + base);
    dd = -(n * d + an * dd - 1.0f) / (below * below);
    d = 1.0f / below;
    dc = n / cc - an * (dc / cc) / cc - 1.0f;
    cc = away_from_zero(base + an / cc);
    let delta = cc * d;
    let slope = dc * d + cc * dd;
    dh = dh * delta + h * slope;
    h = h * delta;
    if (abs(delta - 1.0f) < 1e-7f && abs(slope) < 1e-7f) { break; }
  }
  return -mass * ((a * log + 1.0f) * h + a * dh);
}`,
  // Temme's uniform expansion for large a, DLMF 8.12.3 to 8.12.10.
  gamma_p_temme: `fn gamma_p_temme(a: f32, x: f32) -> f32 {
  let half = deviance(a, x);
  if (half > 100.0f) { return select(0.0f, 1.0f, x > a); }
  let eta = sign_of(sqrt(2.0f * half / a), x - a);
  let c0 = ${horner([-1 / 3, 1 / 12, -2 / 135, 1 / 864, 1 / 2835], "eta")};
  let c1 = ${horner([-1 / 540, -1 / 288], "eta")};
  let density = m_exp(-half - ${literal(HALF_LOG_2PI)});
  let rest = density * ((c0 + c1 / a) / sqrt(a));
  return 0.5f * m_erfc(-sign_of(sqrt(half), eta)) - rest;
}`,
  // The continued fraction DLMF 8.17.22, modified Lentz, in steps of two.
  beta_fraction: `fn beta_fraction(a: f32, b: f32, x: f32, y: f32) -> f32 {
  let total = a + b;
  var cc = 1.0f;
  var d = 1.0f / away_from_zero(1.0f - total * x / (a + 1.0f));
  var h = d;
  for (var m = 1.0f; m < 1000.0f; m += 1.0f) {
    let am = a + 2.0f * m;
    let even = m * (b - m) * x / ((am - 1.0f) * am);
    d = 1.0f / away_from_zero(1.0f + even * d);
    cc = away_from_zero(1.0f + even / cc);
    h = h * (d * cc);
    let odd = -(a + m) * (total + m) * x / (am * (am + 1.0f));
    d = 1.0f / away_from_zero(1.0f + odd * d);
    cc = away_from_zero(1.0f + odd / cc);
    let delta = d * cc;
    h = h * delta;
    if (abs(delta - 1.0f) < 1e-7f) { break; }
  }
  let stirling = stirling_rest(total) - stirling_rest(a) - stirling_rest(b);
  let deviances = deviance(a, total * x) + deviance(b, total * y);
  let logs = 0.5f * (m_log(a) + m_log(b) - m_log(total));
  let mass = m_exp(stirling - deviances - ${literal(HALF_LOG_2PI)} + logs);
  return mass * h / a;
}`,
  m_beta_inc: `fn m_beta_inc(a: f32, b: f32, x: f32) -> f32 {
  if (!no_nan(a, b) || is_nan(x) || !(a > 0.0f) || !(b > 0.0f)) { return nan_value(); }
  if (is_inf(a) || is_inf(b) || !(x >= 0.0f) || !(x <= 1.0f)) { return nan_value(); }
  if (x == 0.0f || x == 1.0f) { return x; }
  if (x <= (a + 1.0f) / (a + b + 2.0f)) { return beta_fraction(a, b, x, 1.0f - x); }
  return 1.0f - beta_fraction(b, a, 1.0f - x, x);
}`,
};
