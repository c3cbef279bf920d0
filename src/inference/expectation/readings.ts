/** Products, powers and logarithms of readings of one site. */
import { spreadIndex } from "./arrays.js";
import type { SiteFacts } from "./sites.js";
import { Obstacle, type Reading, unionOf } from "./terms.js";

const VALUE = { kind: "power", exponent: 1 } as const;

const sameIndex = (a: Int32Array, b: Int32Array): boolean =>
  a === b || (a.length === b.length && a.every((v, i) => v === b[i]));

/**
 * The product of readings, those of one site combined: powers of one scalar add up, two values make
 * a pair. What has no expectation in the contract stays apart, for the checks at the end.
 */
export function multiplyReadings(
  readings: readonly Reading[],
  sites: readonly SiteFacts[],
): Reading[] {
  const out: Reading[] = [];
  const queue = [...readings];
  for (let r = queue.shift(); r !== undefined; r = queue.shift()) {
    let both: Reading[] | undefined;
    for (let k = 0; k < out.length && both === undefined; k++) {
      if (out[k].site !== r.site) continue;
      both = combined(out[k], r, sites);
      if (both !== undefined) out.splice(k, 1);
    }
    if (both === undefined) out.push(r);
    else queue.unshift(...both);
  }
  return out;
}

/** The product as at most one reading; undefined where it is none. */
function combined(a: Reading, b: Reading, sites: readonly SiteFacts[]): Reading[] | undefined {
  if (a.fn.kind !== "power" || b.fn.kind !== "power") return undefined;
  const axes = unionOf([a, b]);
  const x = spreadIndex(a.index, a.axes, axes);
  const y = spreadIndex(b.index, b.axes, axes);
  if (sites[a.site].isPositive && sameIndex(x, y)) {
    const exponent = a.fn.exponent + b.fn.exponent;
    if (exponent === 0) return [];
    return [{ site: a.site, fn: { kind: "power", exponent }, axes, index: x }];
  }
  if (a.fn.exponent !== 1 || b.fn.exponent !== 1) return undefined;
  return [{ site: a.site, fn: { kind: "pair" }, axes, index: x, second: y }];
}

/** The reading to a power: of a positive scalar only. */
export function readingPower(r: Reading, p: number, sites: readonly SiteFacts[]): Reading {
  const { name, isPositive } = sites[r.site];
  if (r.fn.kind !== "power" || !isPositive) {
    throw new Obstacle(new Set([r.site]), `\`${name}\` enters through a power of ${p}`);
  }
  return { ...r, fn: { kind: "power", exponent: r.fn.exponent * p } };
}

/** The log of a reading as a factor times a reading. */
export function readingLog(
  r: Reading,
  sites: readonly SiteFacts[],
): { readonly factor: number; readonly reading: Reading } {
  const { name, isPositive, matrix } = sites[r.site];
  if (r.fn.kind === "power" && isPositive) {
    return { factor: r.fn.exponent, reading: { ...r, fn: { kind: "log" } } };
  }
  if (r.fn.kind === "factor" && matrix !== undefined) {
    const d = matrix;
    if (r.index.every((p) => Math.floor(p / d) % d === p % d)) {
      const { ofInverse, inverted } = r.fn;
      const reading: Reading = { ...r, fn: { kind: "log_diagonal", ofInverse } };
      return { factor: inverted ? -1 : 1, reading };
    }
  }
  throw new Obstacle(new Set([r.site]), `\`${name}\` enters through a logarithm`);
}

/** v as a reading of its own, if that is what `r` is. */
export function isValue(r: Reading): boolean {
  return r.fn.kind === "power" && r.fn.exponent === VALUE.exponent;
}
