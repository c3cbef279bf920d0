/** Numbers as WGSL text. */
import { MOST_SINGLE, single } from "../../single.js";

/**
 * An f32 literal of the value rounded to single precision. Infinities, NaN and −0 come from the
 * uniform `params`: as literals WGSL refuses them, and a compiler that assumes there are none would
 * fold what it is told.
 */
export function literal(value: number): string {
  const x = single(value);
  if (Number.isNaN(x)) return "nan_value()";
  if (x === Number.POSITIVE_INFINITY) return "inf_value()";
  if (x === Number.NEGATIVE_INFINITY) return "(-inf_value())";
  if (Object.is(x, -0)) return "bitcast<f32>(0x80000000u)";
  // Subnormals may be flushed wherever they occur: they are written as what they may become.
  if (Math.abs(x) < 2 ** -126) return "0.0f";
  // Decimal digits of the largest number would be above it.
  if (Math.abs(x) === MOST_SINGLE) return x < 0 ? "(-0x1.fffffep+127f)" : "0x1.fffffep+127f";
  const text = shortest(x);
  const whole = /[.e]/.test(text) ? text : `${text}.0`;
  return x < 0 ? `(${whole}f)` : `${whole}f`;
}

/** Fewest digits that give the same f32. */
function shortest(x: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const text = x.toPrecision(digits);
    if (Math.fround(Number(text)) === x) return String(Number(text));
  }
  return String(x);
}

/** c[0] + c[1] x + … by Horner's rule, of coefficients rounded to f32. */
export function horner(c: readonly number[], x: string): string {
  let text = literal(c[c.length - 1]);
  for (let k = c.length - 2; k >= 0; k--) text = `(${text} * ${x} + ${literal(c[k])})`;
  return text;
}

/** Coefficients up to the last that matters in f32 for |x| ≤ reach. */
export function shorten(c: readonly number[], reach: number): readonly number[] {
  let size = 0;
  c.forEach((value, k) => {
    size = Math.max(size, Math.abs(value) * reach ** k);
  });
  let last = c.length - 1;
  while (last > 0 && Math.abs(c[last]) * reach ** last < size * 2 ** -30) last--;
  return c.slice(0, last + 1);
}
