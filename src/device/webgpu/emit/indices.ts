/** Coordinates as WGSL text of type u32, folded where they are known. */

/** `depth` is the scope in which the text is defined; see `scopes.ts`. */
export interface Ix {
  readonly text: string;
  readonly depth: number;
  readonly known?: number;
  /** Set where it is known to be 4 · base + lane. */
  readonly quad?: Quad;
}

/** `isRun`: the lane stands for one of four neighbours that a thread has, so that they are read at once. */
export interface Quad {
  readonly base: Ix;
  readonly lane: number;
  readonly isRun: boolean;
}
export type Coordinates = readonly Ix[];

export function fixed(value: number): Ix {
  return { text: `${value}u`, depth: 0, known: value };
}
export const zeroIx: Ix = fixed(0);

/** Element `lane` of four neighbours, number `base` of such. */
export function quadIx(base: Ix, lane: number): Ix {
  const quad: Quad = { base, lane, isRun: true };
  if (base.known !== undefined) return { ...fixed(4 * base.known + lane), quad };
  const text = lane === 0 ? `(${base.text} * 4u)` : `(${base.text} * 4u + ${lane}u)`;
  return { text, depth: base.depth, quad };
}

function quadOf(ix: Ix): Quad | undefined {
  if (ix.known === undefined || ix.quad !== undefined) return ix.quad;
  return { base: fixed(Math.floor(ix.known / 4)), lane: ix.known % 4, isRun: false };
}

export function plusIx(a: Ix, b: Ix): Ix {
  if (a.known !== undefined && b.known !== undefined) return fixed(a.known + b.known);
  if (a.known === 0 && a.quad === undefined) return b;
  if (b.known === 0 && b.quad === undefined) return a;
  return {
    text: `(${a.text} + ${b.text})`,
    depth: Math.max(a.depth, b.depth),
    quad: plusQuad(quadOf(a), quadOf(b)),
  };
}

function plusQuad(a: Quad | undefined, b: Quad | undefined): Quad | undefined {
  if (a === undefined || b === undefined) return undefined;
  const lane = a.lane + b.lane;
  const base = plusIx(plusIx(a.base, b.base), fixed(lane >> 2));
  return { base, lane: lane % 4, isRun: a.isRun || b.isRun };
}

/** a − by, where that is known not to be negative. */
export function minusIx(a: Ix, by: number): Ix {
  if (by === 0) return a;
  if (a.known !== undefined) return fixed(a.known - by);
  const { quad } = a;
  return {
    text: `(${a.text} - ${by}u)`,
    depth: a.depth,
    quad:
      quad !== undefined && by % 4 === 0
        ? { ...quad, base: minusIx(quad.base, by / 4) }
        : undefined,
  };
}

export function timesIx(a: Ix, by: number): Ix {
  if (by === 1) return a;
  if (a.known !== undefined || by === 0) return fixed((a.known ?? 0) * by);
  const quad = by % 4 === 0 ? { base: timesIx(a, by / 4), lane: 0, isRun: false } : undefined;
  return { text: `(${a.text} * ${by}u)`, depth: a.depth, quad };
}

export function overIx(a: Ix, by: number): Ix {
  if (by === 1) return a;
  if (a.known !== undefined) return fixed(Math.floor(a.known / by));
  // The same for all four neighbours.
  if (a.quad?.isRun === true && by % 4 === 0) return overIx(a.quad.base, by / 4);
  return { text: `(${a.text} / ${by}u)`, depth: a.depth };
}

export function modIx(a: Ix, by: number): Ix {
  if (by === 1) return zeroIx;
  if (a.known !== undefined) return fixed(a.known % by);
  if (a.quad?.isRun === true && by % 4 === 0) {
    return quadIx(modIx(a.quad.base, by / 4), a.quad.lane);
  }
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
