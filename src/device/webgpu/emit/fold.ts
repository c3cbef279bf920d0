/**
 * Reductions: of M results over K elements each. Sums are trees: blocks in a thread, then halves of
 * a workgroup, then parts of several workgroups; so rounding grows with √K at worst in a thread and
 * with log K above, where a running sum in single precision would grow with K.
 *
 * Large ones read vectors of four (see `Tuning`): four elements of one result where these are
 * neighbours in memory, four results where those are. Either way neighbouring lanes read
 * neighbouring vectors: at least 64 bytes in a row of lanes, where a card's memory gives 32 at a time.
 */
import { type BlockContext, LANES, type Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { foldText } from "../wgsl/elementwise.js";
import { literal } from "../wgsl/literal.js";
import { accumulate, combineVectors, vectorOf } from "./accumulate.js";
import { type Fold, type GroupShape, groupTask, type Target, workOf } from "./fold-group.js";
import { fixed, type Ix, plusIx, quadIx, timesIx } from "./indices.js";
import { item, threadsTask, writesOwn } from "./map.js";
import { foldPartPlace, foldParts, foldPartsTask } from "./software.js";
import { ValueEmitter } from "./values.js";

export type { Fold } from "./fold-group.js";

/** A thread sums up to this many elements by itself. */
const SERIAL = 64;
/**
 * Rows of so many neighbours and more are shared by four lanes, where there are many (a softmax over some
 * dozens of columns). 32 threads with a row each would read from as many lines of the cache at a time,
 * which a processor serves one by one: 4 bytes a clock. Of rows below 64 bytes each line holds several.
 */
const SHARED_ROW = 16;
/** Elements of one lane beyond which another workgroup would share the work. */
const LONG = 64;
/**
 * Workgroups that fill a large card: 8 of 256 threads on each of some 130 processors. With one
 * vector on the way a thread, that is 4 MB; see `Tuning`.
 */
const ENOUGH_GROUPS = 1024;
/** Results from which on one thread each fills a card. */
const ENOUGH_RESULTS = 65536;
/** Lanes side by side, at most: 128 bytes of numbers, 256 of vectors. */
const WIDE = { numbers: 32, vectors: 16 } as const;
/** The same where all that is read lies in the caches, and what counts is a short way of each lane. */
const NARROW = { numbers: 8, vectors: 4 } as const;
const IN_CACHES = 1 << 18;

/** The tasks that write the results to a region. */
export function foldTasks(context: BlockContext, fold: Fold, out: Region): Task[] {
  const { results, length } = fold;
  if (length === 0) return [emptyTask(context, fold, out)];
  const isLarge = results * length >= context.tuning.vectorsFrom;
  const isShared = isLarge && !fold.columns && fold.range === undefined && length >= SHARED_ROW;
  const isSerial = length <= SERIAL && !isShared;
  if (isSerial || (fold.columns && results >= ENOUGH_RESULTS)) {
    return [serialTask(context, fold, out)];
  }
  if (context.tuning.isSoftware) return softwareTasks(context, fold, out);
  const isQuad = isLarge && fold.range === undefined;
  const wanted = shapeOf(fold, isQuad);
  const { parts } = wanted;
  const shapes = {
    quads: isQuad ? wanted : undefined,
    numbers: { ...shapeOf(fold, false), parts },
  };
  if (parts === 1) {
    const place = (_: Ix, m: Ix): Ix => m;
    return [
      groupTask(context, fold, { region: out, place, isSpaced: false, isLast: true }, shapes),
    ];
  }
  // Each partial result has a vector of its own where a workgroup has fewer than four.
  const isSpaced = isQuad && !fold.columns && wanted.lx < 4;
  const stride = isQuad ? 4 * Math.ceil(results / 4) : results;
  const region = context.regions.make("p", parts * (isSpaced ? 4 * results : stride));
  const place = (part: Ix, m: Ix): Ix =>
    isSpaced ? timesIx(plusIx(timesIx(part, results), m), 4) : plusIx(timesIx(part, stride), m);
  const target: Target = { region, place, isSpaced, isLast: false };
  const second: Fold = {
    fn: fold.fn,
    results,
    length: parts,
    elements: (emitter, m) => (k) => emitter.loadRegion(region, place(k, m)),
    columns: true,
    label: fold.label,
    origin: fold.origin,
  };
  return [groupTask(context, fold, target, shapes), ...foldTasks(context, second, out)];
}

/** On a software device: one thread a result, or parts of results and what adds those up. */
function softwareTasks(context: BlockContext, fold: Fold, out: Region): Task[] {
  const parts = foldParts(fold);
  if (parts === 1) return [serialTask(context, fold, out)];
  const region = context.regions.make("p", parts * fold.results);
  const second: Fold = {
    fn: fold.fn,
    results: fold.results,
    length: parts,
    elements: (emitter, m) => (k) => emitter.loadRegion(region, foldPartPlace(fold, parts, k, m)),
    columns: fold.columns,
    label: fold.label,
    origin: fold.origin,
  };
  return [foldPartsTask(context, fold, parts, region), ...foldTasks(context, second, out)];
}

/** Of no elements: what the reduction starts from. */
function emptyTask(context: BlockContext, fold: Fold, out: Region): Task {
  const emitter = new ValueEmitter(context);
  emitter.scopes.line(`ws[${out.name} + item] = ${literal(foldText[fold.fn].start)};`);
  return threadsTask(emitter, fold.results, 1, [out], fold.label, fold.origin);
}

function powerAtLeast(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}

/** How a workgroup is laid over results and elements; `isQuad`: in vectors of four. */
function shapeOf(fold: Fold, isQuad: boolean): GroupShape {
  const { results, length, columns } = fold;
  const isVector = isQuad && columns;
  const units = isVector ? Math.ceil(results / 4) : results;
  const most = results * length <= IN_CACHES ? NARROW : WIDE;
  const side = Math.min(units, isVector ? most.vectors : most.numbers);
  const high = columns ? Math.max(1, LANES / powerAtLeast(side)) : LANES;
  const perLane = isVector ? LONG / 4 : LONG;
  const ly = Math.min(high, powerAtLeast(Math.max(isQuad ? 4 : 2, length / 16)));
  const shape = (rows: number): GroupShape => {
    const lx = LANES / rows;
    const tiles = Math.ceil(units / lx);
    const wanted = Math.ceil(length / (rows * perLane));
    const parts = Math.max(1, Math.min(wanted, Math.ceil(ENOUGH_GROUPS / tiles)));
    return { lx, ly: rows, tiles, parts };
  };
  const made = shape(ly);
  // Workgroups that end their results write four at a time.
  const narrow = isQuad && !columns && made.parts === 1 && made.lx < 4 && results >= 4;
  return narrow ? { ...shape(LANES / 4), parts: 1 } : made;
}

function serialTask(context: BlockContext, fold: Fold, out: Region): Task {
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const { start } = foldText[fold.fn];
  scopes.line(`var acc = ${literal(start)};`);
  const element = fold.elements(emitter, item);
  const [from, to] = fold.range?.(emitter, item) ?? [fixed(0), fixed(fold.length)];
  accumulate(emitter, {
    type: "f32",
    from: from.text,
    to: to.text,
    stride: 1,
    count: fold.length,
    isShort: fold.length <= SERIAL && fold.range === undefined,
    start: literal(start),
    combine: foldText[fold.fn].combine,
    value: (k) => element(k).text,
  });
  scopes.line(`ws[${out.name} + item] = acc;`);
  const serial = Math.max(1, fold.length / 4);
  const task = threadsTask(emitter, fold.results, serial, [out], fold.label, fold.origin);
  const own = { ...writesOwn(emitter, task), work: workOf(emitter, fold, fold.results) };
  const vector =
    fold.results >= context.tuning.vectorsFrom ? serialVector(context, fold, out, own) : undefined;
  return vector === undefined ? own : { ...own, vector };
}

/** The same with four neighbouring results a thread, where their elements are neighbours, too. */
function serialVector(
  context: BlockContext,
  fold: Fold,
  out: Region,
  scalar: Task,
): Task["vector"] {
  if (!fold.columns || fold.range !== undefined) return undefined;
  const emitter = new ValueEmitter(context, "all");
  const { scopes } = emitter;
  const start = vectorOf(literal(foldText[fold.fn].start));
  scopes.line(`var acc = ${start};`);
  const elements = emitter.byLanes((lane) => fold.elements(emitter, quadIx(item, lane)));
  accumulate(emitter, {
    type: "vec4<f32>",
    from: "0u",
    to: `${fold.length}u`,
    stride: 1,
    count: fold.length,
    isShort: fold.length <= SERIAL,
    start,
    combine: combineVectors(fold.fn),
    value: (k) => `vec4<f32>(${emitter.byLanes((e) => elements[e](k).text).join(", ")})`,
  });
  scopes.line(`ws[${out.name} / 4u + item] = acc;`);
  if (emitter.vectorLoads === 0 || emitter.apart > 0) return undefined;
  if (writesOwn(emitter, scalar).own.size !== scalar.own.size) return undefined;
  return { count: Math.ceil(fold.results / 4), text: scopes.text() };
}
