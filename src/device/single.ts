/** Numbers in single precision. */

/** The largest number of f32. */
export const MOST_SINGLE = (2 - 2 ** -23) * 2 ** 127;

/**
 * The nearest f32; what is finite stays so. Log densities count on that: a bound such as the least
 * number of f64 keeps 0 · log 0 from being 0 · −∞.
 */
export function single(x: number): number {
  const rounded = Math.fround(x);
  return Math.abs(rounded) > MOST_SINGLE && Number.isFinite(x)
    ? Math.sign(x) * MOST_SINGLE
    : rounded;
}

/** `single` of each. */
export function singles(values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const out = Float32Array.from(values);
  for (let i = 0; i < out.length; i++)
    if (Math.abs(out[i]) > MOST_SINGLE) out[i] = single(values[i]);
  return out;
}
