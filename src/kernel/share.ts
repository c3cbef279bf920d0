/** Loops of hand-written kernels in chunks that threads can share. */
import * as k from "./build.js";
import type { Expr, Local, Stmt } from "./ir.js";

/** Loops of fewer iterations are not shared. */
const LEAST = 2 ** 15;
const CHUNK = 2 ** 14;
const MOST_CHUNKS = 256;

/** How many chunks a loop of so many iterations is cut into; 1 where it is not. */
export function chunkCount(iterations: number): number {
  if (iterations < LEAST) return 1;
  return Math.min(MOST_CHUNKS, Math.ceil(iterations / CHUNK));
}

/** A local that terms of all iterations are added to; `parts` has a number for each chunk. */
export interface ChunkSum {
  readonly local: Local;
  readonly term: Expr;
  readonly parts: string;
}

/**
 * `for index in from..to`, parallel, in chunks where it is long. The chunks' sums are added to the
 * local in order: how many threads there are changes nothing.
 */
export function sharedLoop(
  index: string,
  [from, to]: readonly [number, number],
  body: readonly Stmt[],
  sum?: ChunkSum,
): Stmt[] {
  const over = (first: Expr, last: Expr, local: Local | undefined): Stmt => {
    if (sum === undefined || local === undefined) {
      return k.loop(index, first, last, body, { reductions: [] });
    }
    const adding = k.set(local, k.add(k.get(local), sum.term));
    const reductions = [{ local: local.name, fn: "add" }] as const;
    return k.loop(index, first, last, [...body, adding], { reductions });
  };
  const count = chunkCount(to - from);
  if (count === 1) return [over(k.i32(from), k.i32(to), sum?.local)];
  // Even, for two lanes.
  const each = 2 * Math.ceil((to - from) / count / 2);
  const chunks = Math.ceil((to - from) / each);
  const chunk = `${index}.chunk`;
  const first: Local = { name: `${index}.first`, type: "i32" };
  const end: Local = { name: `${index}.end`, type: "i32" };
  const next = k.add(k.get(first), k.i32(each));
  const range: Stmt[] = [
    k.set(first, k.add(k.i32(from), k.mul(k.index(chunk), k.i32(each)))),
    k.set(end, k.select(k.lt(next, k.i32(to)), next, k.i32(to))),
  ];
  if (sum === undefined) {
    return [k.concurrent(chunk, chunks, [...range, over(k.get(first), k.get(end), undefined)])];
  }
  const part: Local = { name: `${index}.part`, type: "f64" };
  const own: Stmt[] = [
    ...range,
    k.set(part, k.f64(0)),
    over(k.get(first), k.get(end), part),
    k.store(sum.parts, k.index(chunk), k.get(part)),
  ];
  const total = k.add(k.get(sum.local), k.load(sum.parts, k.index(chunk)));
  return [
    k.concurrent(chunk, chunks, own),
    k.loop(chunk, k.i32(0), k.i32(chunks), [k.set(sum.local, total)]),
  ];
}
