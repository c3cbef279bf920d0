/**
 * Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3" (SC 2011), section 4.3: a keyed bijection of 128-bit counters.
 * There is no state, so a device kernel that evaluates the same function draws the same numbers.
 *
 * Layout used by this program (see `stream` in random.ts): key = seed, counter = draw, step, site,
 * chain.
 *
 *   key[0], key[1]  low and high 32 bits of the seed
 *   c0              block of the draw inside the stream: words 4·c0 .. 4·c0 + 3
 *   c1              step (the iteration of the sampler)
 *   c2              site (which random quantity of the program or of the method)
 *   c3              chain
 */

/** The 64-bit key as two unsigned 32-bit words, low first. */
export type PhiloxKey = readonly [number, number];

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
/** Weyl increments of the key: the golden ratio and √3 - 1, as 32-bit fractions. */
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

/**
 * High 32 bits of the 64-bit product of two unsigned 32-bit words, by the four products of their
 * halves. Every sum is below 2³², so 32-bit arithmetic holds it exactly.
 */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/**
 * Encrypts the counter (c0, c1, c2, c3) under the key and writes four uniform unsigned 32-bit
 * words to `out[0..3]`. Counter words and keys are taken modulo 2³².
 */
export function philox(
  key: PhiloxKey,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  out: Uint32Array,
): void {
  // Words are kept as signed 32-bit integers; the Uint32Array makes them unsigned again.
  let k0 = key[0] | 0;
  let k1 = key[1] | 0;
  let x0 = c0 | 0;
  let x1 = c1 | 0;
  let x2 = c2 | 0;
  let x3 = c3 | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(M0, x0);
    const low0 = Math.imul(M0, x0);
    const high1 = mulHigh(M1, x2);
    const low1 = Math.imul(M1, x2);
    x0 = high1 ^ x1 ^ k0;
    x1 = low1;
    x2 = high0 ^ x3 ^ k1;
    x3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/**
 * The key of a seed: its low and high 32 bits. A number must be an integer (negative ones wrap as
 * two's complement); a bigint is taken modulo 2⁶⁴.
 */
export function philoxKey(seed: number | bigint): PhiloxKey {
  const bits = BigInt.asUintN(64, BigInt(seed));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}
