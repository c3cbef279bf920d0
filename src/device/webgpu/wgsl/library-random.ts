/**
 * Random numbers on the device: Philox4x32-10 of src/math/rng/philox.ts, to the bit, and what
 * stochastic methods draw from it. Counter: (block, step, site, run); key: the seed.
 */

/** One word of a product of two words: WGSL has no 64-bit integers. */
export const randomLibrary: Readonly<Record<string, string>> = {
  mul_high: `fn mul_high(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let carry = al * bh + (middle & 0xffffu);
  return ah * bh + (middle >> 16u) + (carry >> 16u);
}`,
  philox: `fn philox(block: u32, step: u32, site: u32) -> vec4<u32> {
  var k = vec2<u32>(params.seed0, params.seed1);
  var x = vec4<u32>(block, step, site, params.run);
  for (var round = 0u; round < 10u; round++) {
    let h0 = mul_high(0xd2511f53u, x.x);
    let l0 = 0xd2511f53u * x.x;
    let h1 = mul_high(0xcd9e8d57u, x.z);
    let l1 = 0xcd9e8d57u * x.z;
    x = vec4<u32>(h1 ^ x.y ^ k.x, l1, h0 ^ x.w ^ k.y, l0);
    k = k + vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return x;
}`,
  // (26 high bits of \`high\`, 27 of \`low\`, 1) · 2⁻⁵⁴, kept below 1 where f32 would round to it.
  open_uniform: `fn open_uniform(low: u32, high: u32) -> f32 {
  let top = high >> 6u;
  if (top >= 64u) { return min((f32(top) + f32(low >> 5u) * 7.450580596923828e-9f) * 1.4901161193847656e-8f, 0.99999994f); }
  return (f32(top) + (f32(low >> 5u) + 0.5f) * 7.450580596923828e-9f) * 1.4901161193847656e-8f;
}`,
  // ⌊u n⌋ of the uniform above as double precision has it, in whole numbers. u is (2w + 1) 2⁻⁵⁴
  // with w of 53 bits; above ½ it is rounded to even. The product with n < 2³¹ is rounded to 53
  // bits, too: up to a whole number q + 1 where what lacks is no more than half a last place, which
  // is 2^(bits of q) in units of 2⁻⁵⁴. A uniform that rounds to 1 gives n − 1.
  random_index: `fn random_index(low: u32, high: u32, n: u32) -> u32 {
  let w_low = ((high >> 6u) << 27u) | (low >> 5u);
  let w_high = high >> 11u;
  // 2w + 1 in 54 bits, and its rounding to even above 2⁵³.
  var u_low = (w_low << 1u) | 1u;
  var u_high = (w_high << 1u) | (w_low >> 31u);
  if (u_high >= 0x200000u) {
    let up = (w_low & 1u) == 1u;
    u_high = select(u_high, u_high + select(0u, 1u, u_low == 0xffffffffu), up);
    u_low = select(u_low - 1u, u_low + 1u, up);
  }
  // 86 bits of the product: u_high 2³² n + u_low n.
  let p0 = u_low * n;
  let c0 = mul_high(u_low, n);
  let t = u_high * n;
  let p1 = t + c0;
  let p2 = mul_high(u_high, n) + select(0u, 1u, p1 < t);
  let q = (p2 << 10u) | (p1 >> 22u);
  let gap = 1u << (32u - countLeadingZeros(q));
  let is_next = (p1 & 0x3fffffu) == 0x3fffffu && p0 >= 0u - gap;
  return min(q + select(0u, 1u, is_next), n - 1u);
}`,
  // Whether 53 high bits of (low, high) reach the threshold of a layer, two words in \`idx\`.
  layer_reached: `fn layer_reached(low: u32, high: u32, at: u32) -> bool {
  let threshold_low = idx[at];
  let threshold_high = idx[at + 1u];
  let below = low >> 11u;
  return high > threshold_high || (high == threshold_high && below >= threshold_low);
}`,
  half_open: `fn half_open(low: u32, high: u32) -> f32 {
  return f32(high) * 2.3283064365386963e-10f + f32(low >> 11u) * 1.1102230246251565e-16f;
}`,
  // A standard normal by the ziggurat whose tables lie in \`data\` (edges, heights) and \`idx\`.
  ziggurat: `fn ziggurat(low: u32, high: u32, element: u32, step: u32, site: u32, edges: u32, heights: u32, thresholds: u32, tail: f32) -> f32 {
  var layer = low & 255u;
  var x = half_open(low, high) * data_at(edges + layer);
  if (layer_reached(low, high, thresholds + 2u * layer)) {
    for (var attempt = 0u; attempt < 256u; attempt++) {
      let w = philox(element * 256u + attempt, step, site);
      let first = max(half_open(w.x, w.y), 5.551115123125783e-17f);
      let second = max(half_open(w.z, w.w), 5.551115123125783e-17f);
      if (layer == 0u) {
        let beyond = -m_log(first) / tail;
        if (-2.0f * m_log(second) > beyond * beyond) { x = tail + beyond; break; }
      } else {
        let f0 = data_at(heights + layer);
        let f1 = data_at(heights + layer + 1u);
        if (f0 + first * (f1 - f0) < m_exp(-0.5f * x * x)) { break; }
        layer = w.z & 255u;
        x = half_open(w.z, w.w) * data_at(edges + layer);
        if (!layer_reached(w.z, w.w, thresholds + 2u * layer)) { break; }
      }
    }
  }
  return bitcast<f32>(bitcast<u32>(x) | ((low & 256u) << 23u));
}`,
};
