/** Coordinates as WGSL text of type u32, folded where they are known. */

/** `depth` is the scope in which the text is defined; see `scopes.ts`. */
export interface Ix {
  readonly text: string;
  readonly depth: number;
  readonly known?: number;
}
export type Coordinates = readonly Ix[];

export function fixed(value: number): Ix {
  return { text: `${value}u`, depth: 0, known: value };
}
export const zeroIx: Ix = fixed(0);

export function plusIx(a: Ix, b: Ix): Ix {
  if (a.known !== undefined && b.known !== undefined) return fixed(a.known + b.known);
  if (a.known === 0) return b;
  if (b.known === 0) return a;
  return { text: `(${a.text} + ${b.text})`, depth: Math.max(a.depth, b.depth) };
}

/** a − by, where that is known not to be negative. */
export function minusIx(a: Ix, by: number): Ix {
  if (by === 0) return a;
  if (a.known !== undefined) return fixed(a.known - by);
  return { text: `(${a.text} - ${by}u)`, depth: a.depth };
}

export function timesIx(a: Ix, by: number): Ix {
  if (by === 1) return a;
  if (a.known !== undefined || by === 0) return fixed((a.known ?? 0) * by);
  return { text: `(${a.text} * ${by}u)`, depth: a.depth };
}

export function overIx(a: Ix, by: number): Ix {
  if (by === 1) return a;
  if (a.known !== undefined) return fixed(Math.floor(a.known / by));
  return { text: `(${a.text} / ${by}u)`, depth: a.depth };
}

export function modIx(a: Ix, by: number): Ix {
  if (by === 1) return zeroIx;
  if (a.known !== undefined) return fixed(a.known % by);
  return { text: `(${a.text} % ${by}u)`, depth: a.depth };
}

/** Σ atₖ·stridesₖ. */
export function linearIx(at: Coordinates, strides: readonly number[]): Ix {
  return at.reduce((sum, a, k) => plusIx(sum, timesIx(a, strides[k])), zeroIx);
}

/** The coordinates of element `flat` of a row-major array. */
export function unravel(flat: Ix, shape: readonly number[]): Ix[] {
  const at = new Array<Ix>(shape.length).fill(zeroIx);
  // Code over an array without elements never runs, but it must compile.
  if (shape.includes(0)) return at;
  let rest = flat;
  for (let k = shape.length - 1; k >= 0; k--) {
    if (shape[k] === 1) continue;
    const isLast = shape.slice(0, k).every((n) => n === 1);
    at[k] = isLast ? rest : modIx(rest, shape[k]);
    if (isLast) break;
    rest = overIx(rest, shape[k]);
  }
  return at;
}

export function keyOf(at: Coordinates): string {
  return at.map((a) => a.text).join();
}
