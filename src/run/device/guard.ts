/** The precision guard before a run: a device's objective and gradient against the CPU's in f64. */
import type { Diagnostic } from "../../base/diagnostic.js";
import type { GraphDevice, Precision } from "../../device/contract.js";
import { checkPrecision, type DensityAt, type GuardKind } from "../../device/guard.js";
import { stream } from "../../math/rng/index.js";

/** Points that are compared. */
const POINTS = 3;
/** How far from the first they lie. */
const RADIUS = 0.1;
const GUARD_SITE = 0x7fff0300;

/** Where a device is compared with the CPU; drawn when they are asked for. */
export type GuardPoints = () => readonly Float64Array[];

/** The point and others around it. */
export function pointsAround(point: Float64Array, seed: number | bigint): GuardPoints {
  let drawn: readonly Float64Array[] | undefined;
  const draw = (): readonly Float64Array[] =>
    Array.from({ length: POINTS }, (_, k) => {
      const random = stream(seed, 0, GUARD_SITE, k);
      return point.map((v) => Math.fround(k === 0 ? v : v + RADIUS * (2 * random.uniform() - 1)));
    });
  return () => {
    drawn ??= draw();
    return drawn;
  };
}

/** A device whose products of matrices are asked for in f32 is held to be no more precise. */
export function precisionOf(
  { name, precision }: GraphDevice,
  products: Precision,
): Pick<GraphDevice, "name" | "precision"> {
  return { name, precision: products === "f32" ? "f32" : precision };
}

/**
 * Compares a device in single precision with the CPU and returns its warnings. A device in double
 * precision has nothing to show. @throws TildeError `device_imprecise`
 */
export async function guardPrecision(
  device: Pick<GraphDevice, "name" | "precision">,
  points: GuardPoints | readonly Float64Array[],
  exactAt: (point: Float64Array, k: number) => DensityAt,
  deviceAt: (point: Float64Array, k: number) => Promise<DensityAt>,
  kind: GuardKind,
): Promise<readonly Diagnostic[]> {
  if (device.precision === "f64") return [];
  const all = typeof points === "function" ? points() : points;
  const exact = all.map(exactAt);
  const found: DensityAt[] = [];
  for (const [k, point] of all.entries()) found.push(await deviceAt(point, k));
  return checkPrecision(exact, found, device.name, kind).warnings;
}
