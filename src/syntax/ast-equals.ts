/** Equality of syntax trees up to spans: the formatter's promise is stated with it. */

/**
 * Whether two nodes (or lists of nodes) say the same. Spans are not compared; a field that is
 * absent equals one that is `undefined`.
 */
export function astEquals(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => astEquals(item, b[i]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (key !== "span" && !astEquals(a[key], b[key])) return false;
  }
  return true;
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}
