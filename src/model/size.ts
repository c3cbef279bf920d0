/**
 * Sizes of arrays before the data is known: polynomials with integer coefficients over named
 * integers (int inputs, sizes bound by an input's type, or opaque integer expressions that the
 * model lists in `opaqueSizes`). Two sizes are equal when their normal forms are.
 */

/** `coefficient · product(names)`; `names` is sorted and may repeat a name (a power). */
export interface SizeTerm {
  readonly coefficient: number;
  readonly names: readonly string[];
}
/** A sum of terms in canonical order: no zero coefficients, terms sorted by their names. */
export interface Size {
  readonly terms: readonly SizeTerm[];
}

export function sizeConst(n: number): Size {
  return { terms: n === 0 ? [] : [{ coefficient: n, names: [] }] };
}
export function sizeVar(name: string): Size {
  return { terms: [{ coefficient: 1, names: [name] }] };
}
export function addSizes(a: Size, b: Size): Size {
  return normalise([...a.terms, ...b.terms]);
}
export function subSizes(a: Size, b: Size): Size {
  return normalise([
    ...a.terms,
    ...b.terms.map((t) => ({ coefficient: -t.coefficient, names: t.names })),
  ]);
}
export function mulSizes(a: Size, b: Size): Size {
  const terms: SizeTerm[] = [];
  for (const x of a.terms) {
    for (const y of b.terms) {
      terms.push({
        coefficient: x.coefficient * y.coefficient,
        names: [...x.names, ...y.names].sort(),
      });
    }
  }
  return normalise(terms);
}
export function sizesEqual(a: Size, b: Size): boolean {
  return printSize(a) === printSize(b);
}
/** The number, where the size mentions no name. */
export function constantSize(s: Size): number | undefined {
  if (s.terms.length === 0) return 0;
  return s.terms.length === 1 && s.terms[0].names.length === 0 ? s.terms[0].coefficient : undefined;
}
/** Every name that the size mentions. */
export function sizeNames(s: Size): Set<string> {
  return new Set(s.terms.flatMap((t) => t.names));
}
/** The size's value where each name has one; `lookup` throws for a name it does not know. */
export function evaluateSize(s: Size, lookup: (name: string) => number): number {
  let total = 0;
  for (const t of s.terms) {
    total += t.names.reduce((product, name) => product * lookup(name), t.coefficient);
  }
  return total;
}
/** As a person would write it: `N`, `K - 1`, `2*D + 1`; `0` when empty. */
export function printSize(s: Size): string {
  if (s.terms.length === 0) return "0";
  let text = "";
  for (const t of s.terms) {
    const magnitude = Math.abs(t.coefficient);
    const factors = magnitude === 1 && t.names.length > 0 ? t.names : [magnitude, ...t.names];
    const sign = t.coefficient < 0 ? "-" : "+";
    text += text === "" ? (sign === "-" ? "-" : "") : ` ${sign} `;
    text += factors.join("*");
  }
  return text;
}

function normalise(terms: readonly SizeTerm[]): Size {
  const byKey = new Map<string, SizeTerm>();
  for (const t of terms) {
    const key = t.names.join("*");
    const old = byKey.get(key);
    byKey.set(key, { coefficient: (old?.coefficient ?? 0) + t.coefficient, names: t.names });
  }
  const kept = [...byKey.values()].filter((t) => t.coefficient !== 0);
  // Named terms first, the constant last, so that `K - 1` prints as one writes it.
  kept.sort((a, b) => {
    if (a.names.length === 0 || b.names.length === 0) return b.names.length - a.names.length;
    return a.names.join("*") < b.names.join("*") ? -1 : 1;
  });
  return { terms: kept };
}
