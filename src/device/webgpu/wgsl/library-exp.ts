/**
 * Exponentials, logarithms and circular functions in f32. WGSL's own are too loose (log is within
 * 2⁻²¹ near 1, sin within 2⁻¹¹ on [−π, π]) and may assume that there is no infinity or NaN; and it
 * has no log1p and no expm1. Tests on infinities and NaN are on bits, which nothing folds.
 */
import { literal } from "./literal.js";

/** Taylor's series of (eʳ − 1 − r) / r², |r| ≤ (ln 2)/2: the rest is below 2⁻²⁸. */
const EXPM1_TAIL = [2, 6, 24, 120, 720, 5040].map((f) => 1 / f);
const horner = (c: readonly number[], x: string): string =>
  c.reduceRight((text, v) => (text === "" ? literal(v) : `(${text} * ${x} + ${literal(v)})`), "");

/** Series of atanh(s)/s in s², as twice the odd reciprocals. */
const LOG_SERIES = [2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11];
/** Series of the same where |s| reaches 0.21. */
const LOG1P_SERIES = [2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11, 2 / 13];

/** π/2 in parts of 8, 8 and 24 bits: products of the first two with integers below 2¹⁶ are exact. */
const [PIO2_1, PIO2_2, PIO2_3] = ((): readonly number[] => {
  const first = Math.floor((Math.PI / 2) * 2 ** 7) / 2 ** 7;
  const second = Math.floor((Math.PI / 2 - first) * 2 ** 18) / 2 ** 18;
  return [first, second, Math.PI / 2 - first - second];
})();
/** Beyond this sin, cos and tan give NaN. */
const LARGEST_ANGLE = 2 ** 16;

/** ln 2 in two parts; the first has 9 bits. */
const LN2_HIGH = 355 / 512;
const LN2_LOW = Math.LN2 - LN2_HIGH;

export const exponentialLibrary: Readonly<Record<string, string>> = {
  inf_value: "fn inf_value() -> f32 { return bitcast<f32>(params.inf_bits); }",
  nan_value: "fn nan_value() -> f32 { return bitcast<f32>(params.nan_bits); }",
  is_nan: "fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }",
  is_inf: "fn is_inf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }",
  // Any number but 0, and NaN.
  is_true: "fn is_true(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) != 0u; }",
  no_nan: `fn no_nan(x: f32, y: f32) -> bool {
  return max(bitcast<u32>(x) & 0x7fffffffu, bitcast<u32>(y) & 0x7fffffffu) <= 0x7f800000u;
}`,
  sign_of: `fn sign_of(size: f32, sign: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(size) & 0x7fffffffu) | (bitcast<u32>(sign) & 0x80000000u));
}`,
  m_max: `fn m_max(x: f32, y: f32) -> f32 {
  return select(nan_value(), max(x, y), no_nan(x, y));
}`,
  m_min: `fn m_min(x: f32, y: f32) -> f32 {
  return select(nan_value(), min(x, y), no_nan(x, y));
}`,
  m_max4: `fn m_max4(x: vec4<f32>, y: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(m_max(x.x, y.x), m_max(x.y, y.y), m_max(x.z, y.z), m_max(x.w, y.w));
}`,
  m_min4: `fn m_min4(x: vec4<f32>, y: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(m_min(x.x, y.x), m_min(x.y, y.y), m_min(x.z, y.z), m_min(x.w, y.w));
}`,
  m_lt: "fn m_lt(x: f32, y: f32) -> f32 { return select(0.0f, 1.0f, no_nan(x, y) && x < y); }",
  m_le: "fn m_le(x: f32, y: f32) -> f32 { return select(0.0f, 1.0f, no_nan(x, y) && x <= y); }",
  m_eq: "fn m_eq(x: f32, y: f32) -> f32 { return select(0.0f, 1.0f, no_nan(x, y) && x == y); }",
  m_ne: "fn m_ne(x: f32, y: f32) -> f32 { return select(1.0f, 0.0f, no_nan(x, y) && x == y); }",
  m_sign: `fn m_sign(x: f32) -> f32 {
  return select(x, sign_of(1.0f, x), abs(x) > 0.0f && !is_nan(x));
}`,
  m_round: `fn m_round(x: f32) -> f32 {
  let whole = trunc(x);
  return select(whole, whole + sign_of(1.0f, x), abs(x - whole) >= 0.5f);
}`,
  // 2ᵏ of a whole number −126 ≤ k ≤ 127.
  two_to: "fn two_to(k: f32) -> f32 { return bitcast<f32>(u32(i32(k) + 127) << 23u); }",
  // x = k ln 2 + r: k and e^r − 1.
  exp_parts: `fn exp_parts(x: f32) -> vec2<f32> {
  let k = round(x * ${literal(Math.LOG2E)});
  let r = (x - k * params.ln2_high) - k * params.ln2_low;
  return vec2<f32>(k, r + r * r * ${horner(EXPM1_TAIL, "r")});
}`,
  m_exp: `fn m_exp(x: f32) -> f32 {
  let bounded = clamp(x, -104.0f, 89.0f);
  let parts = exp_parts(bounded);
  let half = floor(parts.x * 0.5f);
  let value = (1.0f + parts.y) * two_to(half) * two_to(parts.x - half);
  let large = select(value, inf_value(), x > 88.72284f);
  return select(select(large, 0.0f, x < -103.98f), x, is_nan(x));
}`,
  m_expm1: `fn m_expm1(x: f32) -> f32 {
  let bounded = clamp(x, -20.0f, 89.0f);
  let parts = exp_parts(bounded);
  let half = floor(parts.x * 0.5f);
  let scale = two_to(half) * two_to(parts.x - half - 1.0f);
  let value = 2.0f * (parts.y * scale + (scale - 0.5f));
  let large = select(value, inf_value(), x > 88.72284f);
  return select(large, x, is_nan(x) || abs(x) < 1e-10f);
}`,
  // The exponent of a normal x and its fraction in [√½, √2), less 1.
  log_parts: `fn log_parts(x: f32) -> vec2<f32> {
  let bits = bitcast<u32>(x) + (0x3f800000u - 0x3f3504f3u);
  let k = f32(i32(bits >> 23u) - 127);
  let m = bitcast<f32>((bits & 0x007fffffu) + 0x3f3504f3u);
  return vec2<f32>(k, m - 1.0f);
}`,
  // log(1 + f), −0.3 ≤ f ≤ 0.42: f − s (f − series), which is exact in its first term.
  log_near: `fn log_near(f: f32) -> f32 {
  let s = f / (2.0f + f);
  let z = s * s;
  return f - s * (f - z * ${horner(LOG_SERIES, "z")});
}`,
  // One way for all: a subnormal is a whole number of 2⁻¹⁴⁹, whether or not arithmetic flushes it.
  m_log: `fn m_log(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let small = bits < 0x00800000u;
  let parts = log_parts(select(x, f32(bits), small));
  let k = parts.x - select(0.0f, 149.0f, small);
  let value = k * params.ln2_high + (k * params.ln2_low + log_near(parts.y));
  let odd = select(select(nan_value(), x, bits == 0x7f800000u), -inf_value(), (bits << 1u) == 0u);
  return select(value, odd, bits >= 0x7f800000u || bits == 0u);
}`,
  m_log1p: `fn m_log1p(x: f32) -> f32 {
  if (abs(x) < 1e-10f) { return x; }
  if (x > -0.34f && x < 0.52f) {
    let s = x / (2.0f + x);
    let z = s * s;
    return x - s * (x - z * ${horner(LOG1P_SERIES, "z")});
  }
  return m_log(1.0f + x);
}`,
  m_sqrt: `fn m_sqrt(x: f32) -> f32 {
  let value = select(sqrt(max(x, 0.0f)), x, x == 0.0f || is_inf(x));
  return select(value, nan_value(), is_nan(x) || x < 0.0f);
}`,
  m_sigmoid: `fn m_sigmoid(x: f32) -> f32 {
  let e = m_exp(-abs(x));
  return select(1.0f, e, x < 0.0f) / (1.0f + e);
}`,
  m_softplus: `fn m_softplus(x: f32) -> f32 {
  let tail = m_log1p(m_exp(-abs(x)));
  return select(max(x, 0.0f), x, is_nan(x)) + tail;
}`,
  m_log1mexp: `fn m_log1mexp(x: f32) -> f32 {
  if (x > ${literal(-Math.LN2)}) { return m_log(-m_expm1(x)); }
  return m_log1p(-m_exp(x));
}`,
  m_tanh: `fn m_tanh(x: f32) -> f32 {
  let t = m_expm1(-2.0f * abs(x));
  return select(sign_of(-t / (t + 2.0f), x), x, is_nan(x));
}`,
  m_sinh: `fn m_sinh(x: f32) -> f32 {
  let a = abs(x);
  if (is_nan(x)) { return x; }
  if (a > 15.0f) {
    let root = m_exp(0.5f * a);
    return sign_of(0.5f * root * root, x);
  }
  let e = m_expm1(a);
  return sign_of(0.5f * (e + e / (e + 1.0f)), x);
}`,
  m_cosh: `fn m_cosh(x: f32) -> f32 {
  let a = abs(x);
  if (a > 15.0f) {
    let root = m_exp(0.5f * a);
    return 0.5f * root * root;
  }
  let e = m_exp(a);
  return 0.5f * e + 0.5f / e;
}`,
  m_asinh: `fn m_asinh(x: f32) -> f32 {
  let a = abs(x);
  if (is_nan(x)) { return x; }
  if (a > 16384.0f) { return sign_of(m_log(a) + ${literal(Math.LN2)}, x); }
  return sign_of(m_log1p(a + a * a / (1.0f + sqrt(a * a + 1.0f))), x);
}`,
  m_acosh: `fn m_acosh(x: f32) -> f32 {
  if (is_nan(x) || x < 1.0f) { return nan_value(); }
  if (x > 16384.0f) { return m_log(x) + ${literal(Math.LN2)}; }
  let t = x - 1.0f;
  return m_log1p(t + sqrt(2.0f * t + t * t));
}`,
  m_atanh: `fn m_atanh(x: f32) -> f32 {
  let a = abs(x);
  if (is_nan(x) || a > 1.0f) { return nan_value(); }
  if (a == 1.0f) { return sign_of(inf_value(), x); }
  return sign_of(0.5f * m_log1p(2.0f * a / (1.0f - a)), x);
}`,
  // r of x = n π/2 + r and n, |x| ≤ 2¹⁶.
  angle_parts: `fn angle_parts(x: f32) -> vec2<f32> {
  let n = round(x * ${literal(2 / Math.PI)});
  let r = ((x - n * params.pio2_1) - n * params.pio2_2) - n * params.pio2_3;
  return vec2<f32>(r, n);
}`,
  sin_core: `fn sin_core(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * ${horner([-1 / 6, 1 / 120, -1 / 5040, 1 / 362880], "z")};
}`,
  cos_core: `fn cos_core(r: f32) -> f32 {
  let z = r * r;
  return 1.0f + z * ${horner([-1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800], "z")};
}`,
  turned: `fn turned(x: f32, shift: i32) -> f32 {
  if (is_nan(x) || abs(x) > ${literal(LARGEST_ANGLE)}) { return nan_value(); }
  let parts = angle_parts(x);
  let quadrant = i32(parts.y) + shift;
  let value = select(sin_core(parts.x), cos_core(parts.x), (quadrant & 1) != 0);
  return select(value, -value, (quadrant & 2) != 0);
}`,
  m_sin: "fn m_sin(x: f32) -> f32 { return turned(x, 0); }",
  m_cos: "fn m_cos(x: f32) -> f32 { return turned(x, 1); }",
  m_tan: "fn m_tan(x: f32) -> f32 { return turned(x, 0) / turned(x, 1); }",
  // atan(t), 0 ≤ t ≤ tan(π/8): Cephes atanf.c (Moshier 1995).
  atan_core: `fn atan_core(t: f32) -> f32 {
  let z = t * t;
  return t + t * z * ${horner([-3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2], "z")};
}`,
  // atan(y / x) of y, x ≥ 0, one of them above 0.
  atan_ratio: `fn atan_ratio(y: f32, x: f32) -> f32 {
  if (y > 2.414213562f * x) { return ${literal(Math.PI / 2)} - atan_core(x / y); }
  if (y > 0.414213562f * x) { return ${literal(Math.PI / 4)} + atan_core((y - x) / (y + x)); }
  return atan_core(y / x);
}`,
  m_atan: `fn m_atan(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_inf(x)) { return sign_of(${literal(Math.PI / 2)}, x); }
  return sign_of(atan_ratio(abs(x), 1.0f), x);
}`,
  m_atan2: `fn m_atan2(y: f32, x: f32) -> f32 {
  if (!no_nan(x, y)) { return nan_value(); }
  var a = abs(y);
  var b = abs(x);
  if (is_inf(a) && is_inf(b)) { a = 1.0f; b = 1.0f; }
  else if (is_inf(a)) { a = 1.0f; b = 0.0f; }
  else if (is_inf(b)) { a = 0.0f; b = 1.0f; }
  if (a == 0.0f && b == 0.0f) { b = 1.0f; }
  let angle = atan_ratio(a, b);
  let left = (bitcast<u32>(x) >> 31u) != 0u;
  return sign_of(select(angle, ${literal(Math.PI)} - angle, left), y);
}`,
  m_asin: `fn m_asin(x: f32) -> f32 {
  let a = abs(x);
  if (is_nan(x) || a > 1.0f) { return nan_value(); }
  return sign_of(atan_ratio(a, sqrt((1.0f - a) * (1.0f + a))), x);
}`,
  m_acos: `fn m_acos(x: f32) -> f32 {
  let a = abs(x);
  if (is_nan(x) || a > 1.0f) { return nan_value(); }
  let angle = atan_ratio(sqrt((1.0f - a) * (1.0f + a)), a);
  return select(angle, ${literal(Math.PI)} - angle, x < 0.0f);
}`,
  // x y = high + low: halves of 12 bits have exact products (Dekker 1971); masks are not folded.
  upper_half:
    "fn upper_half(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }",
  // log of a normal a > 0 in two parts, for powers.
  log_pair: `fn log_pair(a: f32) -> vec2<f32> {
  let parts = log_parts(a);
  let f = parts.y;
  let d = 2.0f + f;
  let s = f / d;
  let sh = upper_half(s);
  // f − s d with the rounding of d = 2 + f made up: |f| < ½ is its low part.
  let dh = upper_half(d);
  let dl = f - (dh - 2.0f);
  let sl = ((f - sh * dh) - sh * dl) / d;
  let z = s * s;
  let series = s * z * ${horner(LOG_SERIES, "z")};
  let main = parts.x * params.ln2_high + 2.0f * sh;
  let high = upper_half(main);
  let back = (parts.x * params.ln2_high - high) + 2.0f * sh;
  return vec2<f32>(high, back + (2.0f * sl + (parts.x * params.ln2_low + series)));
}`,
  m_pow: `fn m_pow(x: f32, y: f32) -> f32 {
  if (y == 0.0f) { return 1.0f; }
  if (!no_nan(x, y)) { return nan_value(); }
  let a = abs(x);
  let whole = is_inf(y) || trunc(y) == y;
  let odd = !is_inf(y) && whole && abs(y) < 16777216.0f && (i32(y) & 1) != 0;
  let negative = (bitcast<u32>(x) >> 31u) != 0u;
  if (negative && a > 0.0f && !is_inf(x) && !whole) { return nan_value(); }
  var value: f32;
  if (is_inf(y) && a == 1.0f) { return nan_value(); }
  if (a < 1.1754944e-38f || is_inf(x) || is_inf(y)) {
    value = select(0.0f, inf_value(), (a > 1.0f) == (y > 0.0f));
  } else {
    let l = log_pair(a);
    let bounded = clamp(y, -1e30f, 1e30f);
    let yh = upper_half(bounded);
    let yl = bounded - yh;
    let top = yh * l.x;
    let rest = yl * l.x + bounded * l.y;
    if (abs(top) > 120.0f) {
      value = select(0.0f, inf_value(), top > 0.0f);
    } else {
      // e^(top + rest): the reduction takes both, so that nothing is rounded between.
      let k = round((top + rest) * ${literal(Math.LOG2E)});
      let r = ((top - k * params.ln2_high) - k * params.ln2_low) + rest;
      let p = r + r * r * ${horner(EXPM1_TAIL, "r")};
      let half = floor(clamp(k, -250.0f, 250.0f) * 0.5f);
      value = (1.0f + p) * two_to(half) * two_to(clamp(k, -250.0f, 250.0f) - half);
    }
  }
  return select(value, -value, negative && odd);
}`,
  // x − y ⌊x / y⌋ with the sign of y. A quotient that is rounded up to a whole number leaves a rest
  // of the other sign, which the last line puts right too.
  m_mod: `fn m_mod(x: f32, y: f32) -> f32 {
  if (!no_nan(x, y) || is_inf(x) || y == 0.0f) { return nan_value(); }
  var rest = x;
  if (!is_inf(y)) { rest = x - trunc(x / y) * y; }
  return select(rest, rest + y, rest != 0.0f && (rest < 0.0f) != (y < 0.0f));
}`,
};

/** What `params` holds for this library: parts that a compiler that saw them could join. */
export const OPAQUE_CONSTANTS = {
  ln2_high: LN2_HIGH,
  ln2_low: LN2_LOW,
  pio2_1: PIO2_1,
  pio2_2: PIO2_2,
  pio2_3: PIO2_3,
} as const;
