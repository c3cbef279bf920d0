/** The part of a reduction that is a workgroup's: its lanes' elements, and the tree over lanes. */
import type { Origin, ReduceFn } from "../../../tensor/ops.js";
import { type BlockContext, eachResult, LANES, type Task, type Work } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { foldText } from "../wgsl/elementwise.js";
import { literal } from "../wgsl/literal.js";
import { accumulate, combineVectors, LANES_OF_FOUR, vectorOf } from "./accumulate.js";
import { fixed, type Ix, modIx, overIx, plusIx, quadIx, timesIx } from "./indices.js";
import type { Bound } from "./scopes.js";
import { type Reading, ValueEmitter } from "./values.js";

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
  /** Of an element of a product; absent in other sums. */
  readonly flops?: number;
  readonly label: string;
  readonly origin?: Origin;
}

/** What a fold needs of the device, where `written` results or parts of them are stored. */
export function workOf(emitter: ValueEmitter, fold: Fold, written: number): Work {
  const { results, length, flops = 0 } = fold;
  const elements = Math.ceil(results * length);
  const kind = flops > 0 ? "product" : "reduction";
  return { kind, reads: emitter.loads(elements), written, flops: flops * elements };
}

/** `lx` results (or vectors of four) and `ly` lanes each, in a workgroup. */
export interface GroupShape {
  readonly lx: number;
  readonly ly: number;
  readonly tiles: number;
  readonly parts: number;
}

/** Where results go. */
export interface Target {
  readonly region: Region;
  readonly place: (part: Ix, m: Ix) => Ix;
  /** Each result has a vector of its own. */
  readonly isSpaced: boolean;
  /** They are the results themselves, not parts of them. */
  readonly isLast: boolean;
}

/**
 * A task of workgroups. In kernels with working memory as numbers it reads vectors of data alone, and
 * only where no long array of working memory would be read four apart then.
 */
export function groupTask(
  context: BlockContext,
  fold: Fold,
  out: Target,
  shapes: { readonly quads: GroupShape | undefined; readonly numbers: GroupShape },
): Task {
  const plain = (): Draft => draft(context, fold, out, shapes.numbers, "numbers");
  if (shapes.quads === undefined) return taskOf(fold, out, plain());
  const fromData = draft(context, fold, out, shapes.quads, "data");
  if (isGood(fromData)) return taskOf(fold, out, fromData);
  // A vector of results needs four of them, or room for one result each.
  const fits = fold.columns || shapes.quads.lx >= 4 || out.isSpaced;
  if (!fits) return taskOf(fold, out, plain());
  const fromAll = draft(context, fold, out, shapes.quads, "all");
  const task = taskOf(fold, out, plain());
  if (!isGood(fromAll)) return task;
  const shared = [...task.shared, ...taskOf(fold, out, fromAll).shared];
  return { ...task, shared, vector: { count: countOf(fromAll.shape), text: fromAll.text } };
}

interface Draft {
  readonly emitter: ValueEmitter;
  readonly shape: GroupShape;
  readonly isVector: boolean;
  readonly text: string;
}
const isGood = ({ emitter }: Draft): boolean => emitter.vectorLoads > 0 && emitter.apart === 0;
const countOf = ({ tiles, parts }: GroupShape): number => tiles * parts;

function taskOf(fold: Fold, out: Target, { emitter, shape, isVector, text }: Draft): Task {
  const count = countOf(shape);
  return {
    kind: "task",
    unit: "groups",
    each: out.isLast ? fold.results : undefined,
    count,
    text,
    reads: emitter.reads,
    writes: new Set([out.region]),
    rounds: count * (8 + (fold.length * (isVector ? 4 : 1)) / (4 * shape.ly * shape.parts)),
    own: new Set([out.region]),
    shared: [
      isVector
        ? { name: "lanes4", type: "vec4<f32>", length: LANES }
        : { name: "lanes", type: "f32", length: LANES },
    ],
    work: workOf(emitter, fold, fold.results * shape.parts),
    label: fold.label,
    origin: fold.origin,
  };
}

function draft(
  context: BlockContext,
  fold: Fold,
  out: Target,
  shape: GroupShape,
  reading: Reading,
): Draft {
  const { lx, ly, tiles, parts } = shape;
  const emitter = new ValueEmitter(context, reading);
  const { scopes } = emitter;
  const isQuad = reading !== "numbers";
  /** Each lane has four results. */
  const isVector = isQuad && fold.columns;
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
  const units = isVector ? Math.ceil(fold.results / 4) : fold.results;
  const number = literal(foldText[fold.fn].start);
  const start = isVector ? vectorOf(number) : number;
  scopes.line(`var acc = ${start};`);
  const body = scopes.within(true, () => elementsOf(emitter, fold, shape, { m, part, row }, start));
  scopes.line(`if (${m.text} < ${units}u) {\n${body}\n}`);
  const lanes = isVector ? "lanes4" : "lanes";
  const combine = isVector ? combineVectors(fold.fn) : foldText[fold.fn].combine;
  if (lx === 1 && !isVector && context.tuning.subgroups) scopes.line(subgroupTree(fold.fn));
  else scopes.line(treeText(lanes, row.text, ly, fold.columns ? lx : 1, combine));
  const isFirst = `${row.text} == 0u`;
  const position = (at: Ix): string => `${out.region.name} + ${out.place(part, at).text}`;
  if (reading === "all") {
    scopes.line(vectorStores(fold, out, shape, { part, m, row, tile }, isVector));
  } else if (isVector) {
    for (const e of LANES_OF_FOUR) {
      const at = quadIx(m, e);
      const test = `${isFirst} && ${at.text} < ${fold.results}u`;
      scopes.line(`if (${test}) { ws[${position(at)}] = lanes4[lane].${"xyzw"[e]}; }`);
      if (out.isLast) scopes.line(eachResult(`if (${test}) { each_result(${at.text}); }`));
    }
  } else {
    const test = `${isFirst} && ${m.text} < ${fold.results}u`;
    scopes.line(`if (${test}) { ws[${position(m)}] = lanes[lane]; }`);
    if (out.isLast) scopes.line(eachResult(`if (${test}) { each_result(${m.text}); }`));
  }
  scopes.line("workgroupBarrier();");
  return { emitter, shape, isVector, text: scopes.text() };
}

/** The loop of a lane. */
function elementsOf(
  emitter: ValueEmitter,
  fold: Fold,
  { ly, parts }: GroupShape,
  at: { readonly m: Ix; readonly part: Ix; readonly row: Ix },
  start: string,
): void {
  const { scopes } = emitter;
  const { fn, length } = fold;
  const isQuad = emitter.reading !== "numbers";
  const isVector = isQuad && fold.columns;
  const byFour = isQuad && !fold.columns;
  const { combine } = foldText[fn];
  const elements = isVector
    ? emitter.byLanes((lane) => fold.elements(emitter, quadIx(at.m, lane)))
    : [fold.elements(emitter, at.m)];
  const [element] = elements;
  const value = (k: Ix): string => {
    if (isVector) return `vec4<f32>(${emitter.byLanes((e) => elements[e](k).text).join(", ")})`;
    if (!byFour) return element(k).text;
    const [a, b, c, d] = emitter.byLanes((lane) => element(quadIx(k, lane)).text);
    return combine(combine(a, b), combine(c, d));
  };
  const all = fixed(byFour ? Math.floor(length / 4) : length);
  const [first, last] = fold.range?.(emitter, at.m) ?? [fixed(0), all];
  let [from, to] = [first.text, last.text];
  if (parts > 1) {
    // Whole rows of lanes to each part.
    const share = `(${to} - ${from} + ${parts * ly - 1}u) / ${parts * ly}u * ${ly}u`;
    scopes.line(`let share = ${share};`);
    scopes.line(`let begin = ${from} + ${at.part.text} * share;`);
    scopes.line(`let end = min(${to}, begin + share);`);
    [from, to] = ["begin", "end"];
  }
  const count = length / ((byFour ? 4 : 1) * ly * parts);
  accumulate(emitter, {
    type: isVector ? "vec4<f32>" : "f32",
    from: `${from} + ${at.row.text}`,
    to,
    stride: ly,
    count,
    isShort: count <= LONGEST_RUN && fold.range === undefined,
    start,
    combine: isVector ? combineVectors(fn) : combine,
    value,
  });
  const rest = byFour ? length % 4 : 0;
  if (rest === 0) return;
  const tail = scopes.within(true, () => {
    const last = element(plusIx(at.row, fixed(length - rest)));
    scopes.line(`acc = ${combine("acc", last.text)};`);
  });
  const isLast = parts === 1 ? "" : ` && ${at.part.text} == ${parts - 1}u`;
  scopes.line(`if (${at.row.text} < ${rest}u${isLast}) {\n${tail}\n}`);
}
/** Elements of a running result, at most. */
const LONGEST_RUN = 64;

/** The tree over the rows of lanes, in halves; what is left is in the first. */
function treeText(
  lanes: string,
  row: string,
  ly: number,
  step: number,
  combine: (a: string, b: string) => string,
): string {
  return `${lanes}[lane] = acc;
workgroupBarrier();
for (var half = ${ly / 2}u; half > 0u; half >>= 1u) {
if (${row} < half) { ${lanes}[lane] = ${combine(`${lanes}[lane]`, `${lanes}[lane + half * ${step}u]`)}; }
workgroupBarrier();
}`;
}

/**
 * The tree over all lanes of a workgroup through subgroups: two barriers instead of nine. Which lanes
 * form a subgroup, how many there are, and whether all of them run is not specified; none of it is
 * assumed. The first active lane of each subgroup leaves its subgroup's result, all others what the
 * reduction starts from; then each subgroup has all of these added up by lanes, which count
 * themselves. So the order of additions is that of the subgroups' lanes: the same from run to run of one
 * pipeline on one device. A subgroup has at most 128 lanes, and hardware adds them up as a tree.
 */
function subgroupTree(fn: ReduceFn): string {
  const start = literal(foldText[fn].start);
  const over = (x: string): string => subgroupText[fn](x);
  return `let own_lane = subgroupExclusiveAdd(1u);
let own_lanes = subgroupAdd(1u);
let of_subgroup = ${over("acc")};
lanes[lane] = select(${start}, of_subgroup, own_lane == 0u);
workgroupBarrier();
acc = ${start};
for (var other = own_lane; other < ${LANES}u; other += own_lanes) { acc = ${foldText[fn].combine("acc", "lanes[other]")}; }
let of_all = ${over("acc")};
workgroupBarrier();
if (lane == 0u) { lanes[0] = of_all; }`;
}

/** WGSL does not say what the extrema of NaN are. */
const subgroupText: { readonly [F in ReduceFn]: (x: string) => string } = {
  sum: (x) => `subgroupAdd(${x})`,
  prod: (x) => `subgroupMul(${x})`,
  max: (x) => `select(subgroupMax(${x}), nan_value(), subgroupAny(is_nan(${x})))`,
  min: (x) => `select(subgroupMin(${x}), nan_value(), subgroupAny(is_nan(${x})))`,
};

/** Stores of whole vectors; what a last one has too much lies in the region's padding. */
function vectorStores(
  fold: Fold,
  out: Target,
  { lx, ly }: GroupShape,
  at: { readonly part: Ix; readonly m: Ix; readonly row: Ix; readonly tile: Ix },
  isVector: boolean,
): string {
  const store = (number: Ix, value: string): string =>
    `ws[(${out.region.name} + ${out.place(at.part, number).text}) / 4u] = ${value};`;
  if (isVector) {
    const test = `${at.row.text} == 0u && ${at.m.text} < ${Math.ceil(fold.results / 4)}u`;
    return `if (${test}) { ${store(quadIx(at.m, 0), "lanes4[lane]")} }`;
  }
  if (out.isSpaced || lx < 4) {
    const test = `${at.row.text} == 0u && ${at.m.text} < ${fold.results}u`;
    return `if (${test}) { ${store(at.m, "vec4<f32>(lanes[lane], 0.0f, 0.0f, 0.0f)")} }`;
  }
  const first = plusIx(timesIx(at.tile, lx), timesIx({ text: "lane", depth: 0 }, 4));
  const values = LANES_OF_FOUR.map((e) => `lanes[(lane * 4u + ${e}u) * ${ly}u]`);
  const test = `lane < ${lx / 4}u && ${first.text} < ${fold.results}u`;
  return `if (${test}) { ${store(first, `vec4<f32>(${values.join(", ")})`)} }`;
}
