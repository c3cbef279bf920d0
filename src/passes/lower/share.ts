/**
 * Loops over much data in chunks of rows that helpers may take (see `device/cpu/pool.ts`). The
 * chunks depend on the loop alone and their sums are added up in order, so that no bit depends on
 * the number of threads.
 */
import { internalError } from "../../base/internal.js";
import * as k from "../../kernel/build.js";
import type { Expr, Local, Stmt } from "../../kernel/ir.js";
import type { Node } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import type { Storage } from "./context.js";
import type { RegionEmitter } from "./emit-loops.js";
import { foldOf } from "./folds.js";
import { indexExpr, plus, scale, variableIndex } from "./index-maps.js";
import type { AccumulateTask } from "./plan.js";
import { BLOCK, LONG_SUM, type LoopItem } from "./schedule.js";

const MOST_CHUNKS = 64;
/** Sums over rows that are kept for every chunk are at most this part of the work. */
const SUMS_SHARE = 8;

/** Pieces `[k·rows, (k + 1)·rows)` of a loop, the last one perhaps shorter. */
export interface Chunks {
  readonly rows: number;
  readonly count: number;
}

/** The chunks of an outermost loop, or none where it runs as one. */
export function chunksOf(region: RegionEmitter, item: LoopItem): Chunks | undefined {
  const { extent, phases, tasks } = item;
  if (phases.length !== 1 || phases[0].kind !== "code") return undefined;
  const product = (sizes: readonly number[]): number => sizes.reduce((n, s) => n * s, 1);
  const work = Math.max(...tasks.map((task) => product(task.domain)));
  const { least, chunk } = region.context.sharing;
  if (work < least) return undefined;
  let most = Math.min(MOST_CHUNKS, extent, Math.floor(work / chunk));
  for (const task of tasks) {
    if (task.kind !== "map" && task.kind !== "accumulate") return undefined;
    const storage = region.values.storage.get(task.root);
    if (storage?.kind === "block") return undefined;
    if (task.kind !== "accumulate" || task.shared > 0) continue;
    if (task.inLocal) {
      if (sizeOf(task.root.shape) !== 1) return undefined;
      continue;
    }
    if (storage?.kind !== "buffer") return undefined;
    most = Math.min(most, Math.floor(work / (SUMS_SHARE * sizeOf(task.root.shape))));
  }
  if (most < 2) return undefined;
  // Even, for two lanes.
  const rows = 2 * Math.ceil(extent / most / 2);
  const count = Math.ceil(extent / rows);
  return count < 2 ? undefined : { rows, count };
}

/** The loop, chunk by chunk. Accumulators have been started and are finished by the caller. */
export function emitSharedLoop(region: RegionEmitter, item: LoopItem, chunks: Chunks): void {
  const { context, values } = region;
  const { rows, count } = chunks;
  const [phase] = item.phases;
  const { code } = values;
  const carried = item.tasks.filter(
    (task): task is AccumulateTask => task.kind === "accumulate" && task.shared === 0,
  );
  const numbers = carried.filter((task) => task.inLocal);
  const arrays = carried.filter((task) => !task.inLocal);
  const totals = numbers.map(
    (task) => region.accumulators.get(task) ?? internalError("a sum was not started"),
  );
  const sums = numbers.length === 0 ? undefined : region.take(count * numbers.length);
  const parts = arrays.map((task) => region.take(count * sizeOf(task.root.shape)));
  const kept = new Map<Node, Storage | undefined>();
  const task = context.local("chunk", "i32").name;
  const body = values.inScope(() => {
    const of = {
      id: context.variableId(),
      expr: k.index(task),
      depth: values.depth,
      extent: count,
    };
    const chunk = variableIndex(of);
    const from = context.bind(values.code, "from", k.mul(k.index(task), k.i32(rows)));
    const next = k.add(from, k.i32(rows));
    const to =
      item.extent % rows === 0
        ? next
        : context.bind(values.code, "to", lesser(next, k.i32(item.extent)));
    const keep = (root: Node, buffer: string, strides: readonly number[], length: number): void => {
      kept.set(root, values.storage.get(root));
      values.storage.set(root, { kind: "buffer", buffer, offset: scale(chunk, length), strides });
    };
    arrays.forEach(({ root }, a) => {
      const length = sizeOf(root.shape);
      keep(root, parts[a], stridesOf(root.shape), length);
      region.fill(parts[a], scale(chunk, length), length, k.f64(foldOf(root).start));
    });
    // What an iteration keeps for itself, every thread keeps for itself.
    for (const root of new Set(item.tasks.map((t) => t.root))) {
      const storage = values.storage.get(root);
      const length = region.iterationLength(root);
      if (length === undefined || storage?.kind !== "buffer") continue;
      keep(root, region.take(count * length), storage.strides, length);
    }
    const locals = startAll(region, numbers, values.code);
    const inner = (first: Expr, last: Expr, into: Stmt[]): void => {
      const index = context.local("i", "i32").name;
      const loop = region.loopBody(phase, 0, item.extent, k.index(index));
      if (loop.length > 0) into.push(k.loop(index, first, last, loop, region.parallelOf(phase)));
    };
    if (rows <= LONG_SUM || numbers.length === 0) inner(from, to, values.code);
    else {
      const block = context.local("block", "i32").name;
      const blocked = values.inScope(() => {
        const end = k.add(k.index(block), k.i32(BLOCK));
        const last = context.bind(values.code, "last", lesser(end, to));
        const own = startAll(region, numbers, values.code);
        inner(k.index(block), last, values.code);
        numbers.forEach(({ root }, n) => {
          const sum = foldOf(root).combine(k.get(locals[n]), k.get(own[n]));
          values.code.push(k.set(locals[n], sum));
        });
      });
      const range = { index: block, from, to, step: BLOCK } as const;
      values.code.push({ kind: "for", ...range, body: blocked });
    }
    locals.forEach((local, n) => {
      const place = k.add(k.mul(k.index(task), k.i32(numbers.length)), k.i32(n));
      values.code.push(k.store(sums!, place, k.get(local)));
    });
  });
  code.push(k.concurrent(task, count, body));
  for (const [root, storage] of kept) {
    if (storage === undefined) values.storage.delete(root);
    else values.storage.set(root, storage);
  }
  numbers.forEach((t, n) => {
    region.accumulators.set(t, totals[n]);
  });
  addUp(region, { numbers, totals, sums, arrays, parts, count });
}

/** Accumulators of their own for sums in locals, at their starts. */
function startAll(region: RegionEmitter, tasks: readonly AccumulateTask[], code: Stmt[]): Local[] {
  return tasks.map((task) => {
    const local = region.context.local("part");
    code.push(k.set(local, k.f64(foldOf(task.root).start)));
    region.accumulators.set(task, local);
    return local;
  });
}

interface Parts {
  readonly numbers: readonly AccumulateTask[];
  readonly totals: readonly Local[];
  /** The numbers of each chunk. */
  readonly sums: string | undefined;
  readonly arrays: readonly AccumulateTask[];
  readonly parts: readonly string[];
  readonly count: number;
}

/** The chunks' sums in order. */
function addUp(region: RegionEmitter, { numbers, totals, sums, arrays, parts, count }: Parts) {
  const { context, values } = region;
  if (sums !== undefined) {
    const index = context.local("chunk", "i32").name;
    const body = numbers.map(({ root }, n) => {
      const place = k.add(k.mul(k.index(index), k.i32(numbers.length)), k.i32(n));
      return k.set(totals[n], foldOf(root).combine(k.get(totals[n]), k.load(sums, place)));
    });
    values.code.push(k.loop(index, k.i32(0), k.i32(count), body));
  }
  arrays.forEach(({ root }, a) => {
    const storage = values.storageOf(root);
    if (storage.kind !== "buffer") internalError("a sum over rows has no buffer");
    const length = sizeOf(root.shape);
    const index = context.local("i", "i32").name;
    let sum: Expr | undefined;
    for (let c = 0; c < count; c++) {
      const part = k.load(parts[a], k.add(k.index(index), k.i32(c * length)));
      sum = sum === undefined ? part : foldOf(root).combine(sum, part);
    }
    const of = { id: context.variableId(), expr: k.index(index), depth: 0, extent: length };
    const to = indexExpr(plus(storage.offset, variableIndex(of)));
    const body = [k.store(storage.buffer, to, sum!)];
    values.code.push(k.loop(index, k.i32(0), k.i32(length), body, { reductions: [] }));
  });
}

function lesser(x: Expr, y: Expr): Expr {
  return k.select(k.lt(x, y), x, y);
}
