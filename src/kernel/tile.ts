/** Tiles of products as plain loops: what they mean, and how they run without vectors. */
import * as k from "./build.js";
import type { Expr, Local, Stmt, Tile } from "./ir.js";

/** Rows of a tile and its two vectors of columns keep 8 sums, which 16 registers hold. */
export const TILE_ROWS = 4;
export const TILE_COLUMNS = { f64: 4, f32: 8 } as const;

/** Loops that compute a tile, with the roundings that vectors have (but for fused ones). */
export function expandTile({ rows, columns, width, steps, left, right, out, onto, of }: Tile) {
  const [r, c, t] = ["r", "c", "t"].map((name) => k.index(`%tile.${name}`));
  const sum: Local = { name: "%tile.sum", type: "f64" };
  const times = (x: Expr, by: number): Expr => k.mul(x, k.i32(by));
  const x = k.load(left.buffer, k.add(left.at, k.add(times(r, left.row), times(t, left.step))));
  const y = k.load(right.buffer, k.add(right.at, k.add(times(t, columns), c)));
  const place = k.add(out.at, k.add(times(r, out.row), c));
  const before = k.select(onto, k.load(out.buffer, place), k.f64(0));
  // The product of two f32 is exact in f64, and a sum of two rounds to f32 as if it were rounded
  // once (Figueroa 1995: 53 ≥ 2 · 24 + 2).
  const single = (e: Expr): Expr => k.convert("f64_via_f32", e);
  const next =
    of === "f32" ? single(k.add(k.get(sum), single(k.mul(x, y)))) : k.multiplyAdd(x, y, k.get(sum));
  const inner: Stmt[] = [
    k.set(sum, of === "f32" ? k.f64(0) : before),
    k.loop("%tile.t", k.i32(0), steps, [k.set(sum, next)]),
    k.store(out.buffer, place, of === "f32" ? k.add(before, k.get(sum)) : k.get(sum)),
  ];
  const across = k.loop("%tile.c", k.i32(0), k.i32(width), inner);
  return [k.loop("%tile.r", k.i32(0), k.i32(rows), [across])];
}
