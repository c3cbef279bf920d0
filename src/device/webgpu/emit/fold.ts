/**
 * Reductions: of M results over K elements each. Sums are trees: blocks in a thread, then halves of
 * a workgroup, then parts of several workgroups; so rounding grows with √K at worst in a thread and
 * with log K above, where a running sum in single precision would grow with K.
 */
import type { Origin, ReduceFn } from "../../../tensor/ops.js";
import { type BlockContext, eachResult, LANES, type Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { foldText } from "../wgsl/elementwise.js";
import { literal } from "../wgsl/literal.js";
import { fixed, type Ix, modIx, overIx, plusIx, timesIx } from "./indices.js";
import { item, threadsTask, writesOwn } from "./map.js";
import type { Bound } from "./scopes.js";
import { ValueEmitter } from "./values.js";

export interface Fold {
  readonly fn: ReduceFn;
  readonly results: number;
  /** Elements of a result; with `range`, their mean number. */
  readonly length: number;
  /** First and last (exclusive) element of a result, where that is not 0 … length. */
  readonly range?: (emitter: ValueEmitter, m: Ix) => readonly [Ix, Ix];
  /** The elements of result m by their number. Called inside the block where m is known. */
  readonly elements: (emitter: ValueEmitter, m: Ix) => (k: Ix) => Bound;
  /** Neighbouring results read neighbouring memory (else neighbouring elements of one do). */
  readonly columns: boolean;
  readonly label: string;
  readonly origin?: Origin;
}

/** A thread sums up to this many elements by itself. */
const SERIAL = 64;
/** Elements of one lane beyond which another workgroup would share the work. */
const LONG = 64;
/** Workgroups that fill a large card. */
const ENOUGH_GROUPS = 1024;
/** Results from which on one thread each fills a card. */
const ENOUGH_RESULTS = 65536;

/** The tasks that write the results to a region. */
export function foldTasks(context: BlockContext, fold: Fold, out: Region): Task[] {
  const { results, length } = fold;
  if (length === 0) return [emptyTask(context, fold, out)];
  if (length <= SERIAL || (fold.columns && results >= ENOUGH_RESULTS)) {
    return [serialTask(context, fold, out)];
  }
  const wide = fold.columns ? Math.max(1, LANES / powerAtLeast(Math.min(results, 32))) : LANES;
  const ly = Math.min(wide, powerAtLeast(Math.max(2, length / 16)));
  const lx = LANES / ly;
  const tiles = Math.ceil(results / lx);
  const wanted = Math.ceil(length / (ly * LONG));
  const parts = Math.max(1, Math.min(wanted, Math.ceil(ENOUGH_GROUPS / tiles)));
  if (parts === 1) return [groupTask(context, fold, out, { lx, ly, tiles, parts })];
  const partial = context.regions.make("p", parts * results);
  const second: Fold = {
    fn: fold.fn,
    results,
    length: parts,
    elements: (emitter, m) => (k) => emitter.loadRegion(partial, plusIx(timesIx(k, results), m)),
    columns: true,
    label: fold.label,
    origin: fold.origin,
  };
  return [
    groupTask(context, fold, partial, { lx, ly, tiles, parts }),
    ...foldTasks(context, second, out),
  ];
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

function rangeOf(fold: Fold, emitter: ValueEmitter, m: Ix): readonly [Ix, Ix] {
  return fold.range?.(emitter, m) ?? [fixed(0), fixed(fold.length)];
}

function serialTask(context: BlockContext, fold: Fold, out: Region): Task {
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const { start } = foldText[fold.fn];
  scopes.line(`var acc = ${literal(start)};`);
  const element = fold.elements(emitter, item);
  const [from, to] = rangeOf(fold, emitter, item);
  accumulate(emitter, fold, element, from.text, to.text, 1, fold.length);
  scopes.line(`ws[${out.name} + item] = acc;`);
  const serial = Math.max(1, fold.length / 4);
  const task = threadsTask(emitter, fold.results, serial, [out], fold.label, fold.origin);
  return writesOwn(emitter, task);
}

/** `acc` combined with the elements from `from` on, every `stride`-th, about `count` of them. */
function accumulate(
  emitter: ValueEmitter,
  fold: Fold,
  element: (k: Ix) => Bound,
  from: string,
  to: string,
  stride: number,
  count: number,
): void {
  const { scopes } = emitter;
  const { start, combine } = foldText[fold.fn];
  const k = scopes.name("k");
  const inner = (acc: string): string =>
    scopes.within(false, () => {
      const value = element({ text: k, depth: scopes.depth });
      scopes.line(`${acc} = ${combine(acc, value.text)};`);
    });
  if (count <= SERIAL && fold.range === undefined) {
    scopes.line(`for (var ${k} = ${from}; ${k} < ${to}; ${k} += ${stride}u) {\n${inner("acc")}\n}`);
    return;
  }
  const block = Math.max(16, Math.ceil(Math.sqrt(count))) * stride;
  const outer = scopes.name("k");
  const body = scopes.within(false, () => {
    scopes.line(`var part = ${literal(start)};`);
    scopes.line(`let stop = min(${to}, ${outer} + ${block}u);`);
    scopes.line(
      `for (var ${k} = ${outer}; ${k} < stop; ${k} += ${stride}u) {\n${inner("part")}\n}`,
    );
    scopes.line(`acc = ${combine("acc", "part")};`);
  });
  scopes.line(
    `for (var ${outer} = ${from}; ${outer} < ${to}; ${outer} += ${block}u) {\n${body}\n}`,
  );
}

interface Tiling {
  /** Results and lanes a result, in a workgroup. */
  readonly lx: number;
  readonly ly: number;
  readonly tiles: number;
  readonly parts: number;
}

function groupTask(
  context: BlockContext,
  fold: Fold,
  out: Region,
  { lx, ly, tiles, parts }: Tiling,
): Task {
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const { start, combine } = foldText[fold.fn];
  const group: Ix = { text: "group", depth: 0 };
  const lane: Ix = { text: "lane", depth: 0 };
  const [x, y] = fold.columns
    ? [modIx(lane, lx), overIx(lane, lx)]
    : [overIx(lane, ly), modIx(lane, ly)];
  const column = emitter.bindIx(x);
  const row = emitter.bindIx(y);
  const tile = parts === 1 ? group : emitter.bindIx(modIx(group, tiles));
  const part = parts === 1 ? fixed(0) : emitter.bindIx(overIx(group, tiles));
  const m = emitter.bindIx(plusIx(timesIx(tile, lx), column));
  scopes.line(`var acc = ${literal(start)};`);
  const body = scopes.within(true, () => {
    const element = fold.elements(emitter, m);
    const [first, last] = rangeOf(fold, emitter, m);
    let [from, to] = [first.text, last.text];
    if (parts > 1) {
      // Whole rows of lanes to each part.
      scopes.line(
        `let share = (${last.text} - ${first.text} + ${parts * ly - 1}u) / ${parts * ly}u * ${ly}u;`,
      );
      scopes.line(`let begin = ${first.text} + ${part.text} * share;`);
      scopes.line(`let end = min(${last.text}, begin + share);`);
      [from, to] = ["begin", "end"];
    }
    const begin = `${from} + ${row.text}`;
    accumulate(emitter, fold, element, begin, to, ly, fold.length / (ly * parts));
  });
  scopes.line(`if (${m.text} < ${fold.results}u) {\n${body}\n}`);
  const step = fold.columns ? lx : 1;
  scopes.line("lanes[lane] = acc;");
  scopes.line("workgroupBarrier();");
  scopes.line(`for (var half = ${ly / 2}u; half > 0u; half >>= 1u) {
if (${row.text} < half) { lanes[lane] = ${combine("lanes[lane]", `lanes[lane + half * ${step}u]`)}; }
workgroupBarrier();
}`);
  const place = plusIx(timesIx(part, fold.results), m);
  scopes.line(
    `if (${row.text} == 0u && ${m.text} < ${fold.results}u) { ws[${out.name} + ${place.text}] = lanes[lane]; }`,
  );
  if (parts === 1) {
    const test = `${row.text} == 0u && ${m.text} < ${fold.results}u`;
    scopes.line(eachResult(`if (${test}) { each_result(${place.text}); }`));
  }
  scopes.line("workgroupBarrier();");
  return {
    kind: "task",
    unit: "groups",
    each: parts === 1 ? fold.results : undefined,
    count: tiles * parts,
    text: scopes.text(),
    reads: emitter.reads,
    writes: new Set([out]),
    rounds: tiles * parts * (8 + fold.length / (4 * ly * parts)),
    own: new Set([out]),
    shared: [{ name: "lanes", type: "f32", length: LANES }],
    label: fold.label,
    origin: fold.origin,
  };
}
