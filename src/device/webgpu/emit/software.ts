/**
 * Products and reductions on devices that are software (SwiftShader, lavapipe). There a barrier is a
 * switch between the 64 coroutines of a workgroup, about a microsecond each, workgroup memory is memory like
 * any other, and every read and write in the text costs milliseconds to compile. So threads share
 * nothing: each has a block of a product, or a part of a sum.
 */
import type { MatmulNode } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { type BlockContext, eachResult, LANES, type Task, type Work } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { foldText } from "../wgsl/elementwise.js";
import { literal } from "../wgsl/literal.js";
import { accumulate } from "./accumulate.js";
import { type Fold, workOf } from "./fold-group.js";
import { fixed, type Ix, modIx, overIx, plusIx, timesIx, unravel } from "./indices.js";
import { item, labelOf, threadsTask, writesOwn } from "./map.js";
import { matrixOperands, runsAlongRows } from "./operands.js";
import { ValueEmitter } from "./values.js";

/** Results of a thread along an edge of its block. */
const OWN = 4;
/** Workgroups that keep the processor's cores busy. */
const ENOUGH_GROUPS = 16;
/** Of the inner axis, at least, in each part of a product; at most, for the roundings of its sum. */
const [LEAST_PART, MOST_PART] = [256, 4096];

/** Parts that the inner axis of a product is cut into. */
export function blockParts(node: MatmulNode): number {
  const inner = node.x.shape[node.x.shape.length - 1];
  const groups = Math.ceil(blocksOf(node) / LANES);
  const wanted = Math.min(Math.ceil(ENOUGH_GROUPS / groups), Math.floor(inner / LEAST_PART));
  return Math.max(1, wanted, Math.ceil(inner / MOST_PART));
}

function blocksOf(node: MatmulNode): number {
  const [rows, columns] = node.shape.slice(-2);
  const batches = sizeOf(node.shape.slice(0, -2));
  return batches * Math.ceil(rows / OWN) * Math.ceil(columns / OWN);
}

/** A product, or its parts one behind the other: a thread a block of 4 × 4 results, from memory. */
export function blockTask(
  context: BlockContext,
  node: MatmulNode,
  out: Region,
  parts: number,
): Task {
  const [rows, columns] = node.shape.slice(-2);
  const inner = node.x.shape[node.x.shape.length - 1];
  const [down, across] = [Math.ceil(rows / OWN), Math.ceil(columns / OWN)];
  const batchShape = node.shape.slice(0, -2);
  const batches = sizeOf(batchShape);
  const all = sizeOf(node.shape);
  const blocks = blocksOf(node) * parts;
  const share = Math.ceil(inner / parts);
  // Neighbouring lanes read one number or neighbours, which is one load there: they have neighbouring
  // columns, or rows where both factors lie transposed.
  const isAcross = !(runsAlongRows(node.x) && runsAlongRows(node.y));
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const named = (ix: Ix): Ix => emitter.bindIx(ix);
  const group: Ix = { text: "group", depth: 0 };
  const block = named(plusIx(timesIx(group, LANES), { text: "lane", depth: 0 }));
  const body = scopes.within(true, () => {
    const [fast, slow] = [
      modIx(block, isAcross ? across : down),
      overIx(block, isAcross ? across : down),
    ];
    const left = named(isAcross ? fast : timesIx(modIx(slow, across), OWN));
    const top = named(isAcross ? timesIx(modIx(slow, down), OWN) : fast);
    const rest = named(overIx(block, across * down));
    const batchIx = batches === 1 ? fixed(0) : named(modIx(rest, batches));
    const part = parts === 1 ? fixed(0) : named(overIx(rest, batches));
    const batch = unravel(batchIx, batchShape).map(named);
    const own = [...Array(OWN).keys()];
    // Beyond an edge the last row or column is read again; its results are not stored.
    const within = (first: Ix, by: number, size: number): readonly Ix[] =>
      own.map((i) => {
        const at = plusIx(first, fixed(i * by));
        if (by === 1 ? size % OWN === 0 : i * by + by <= size) return named(at);
        return named({ text: `min(${at.text}, ${size - 1}u)`, depth: at.depth });
      });
    const [downBy, acrossBy] = isAcross ? [1, across] : [down, 1];
    const rowsOf = within(top, downBy, rows);
    const columnsOf = within(left, acrossBy, columns);
    for (const i of own) scopes.line(`var c_${i} = vec4<f32>();`);
    const k = scopes.name("k");
    const from = named(timesIx(part, share));
    const to = parts === 1 ? `${inner}u` : `min(${inner}u, ${from.text} + ${share}u)`;
    const step = scopes.within(false, () => {
      const at: Ix = { text: k, depth: scopes.depth };
      const operands = (row: Ix, column: Ix) => matrixOperands(node, batch, row, at, column);
      const b = columnsOf.map((c) => emitter.value(node.y, operands(c, c)[1]).text);
      scopes.line(`let b = vec4<f32>(${b.join(", ")});`);
      for (const i of own) {
        const a = emitter.value(node.x, operands(rowsOf[i], rowsOf[i])[0]);
        // No fma, which is a call for each number there.
        scopes.line(`c_${i} = ${a.text} * b + c_${i};`);
      }
    });
    scopes.line(`for (var ${k} = ${from.text}; ${k} < ${to}; ${k}++) {\n${step}\n}`);
    const e: Ix = { text: "e", depth: 0 };
    const place = plusIx(
      timesIx(batchIx, rows * columns),
      plusIx(timesIx({ text: "row", depth: 0 }, columns), { text: "column", depth: 0 }),
    );
    const each = parts > 1 ? "" : `\n${eachResult(`each_result(${place.text});`)}`;
    scopes.line(`var c = array<vec4<f32>, ${OWN}>(${own.map((i) => `c_${i}`).join(", ")});
for (var e = 0u; e < ${OWN * OWN}u; e++) {
let row = ${top.text} + ${timesIx(overIx(e, OWN), downBy).text};
let column = ${left.text} + ${timesIx(modIx(e, OWN), acrossBy).text};
if (row < ${rows}u && column < ${columns}u) {
ws[${out.name} + ${plusIx(timesIx(part, all), place).text}] = c[e / ${OWN}u][e % ${OWN}u];${each}
}
}`);
  });
  scopes.line(`if (${block.text} < ${blocks}u) {\n${body}\n}`);
  const groups = Math.ceil(blocks / LANES);
  return {
    kind: "task",
    unit: "groups",
    each: parts === 1 ? all : undefined,
    count: groups,
    text: scopes.text(),
    reads: emitter.reads,
    writes: new Set([out]),
    rounds: groups * share * OWN,
    own: new Set([out]),
    shared: [],
    work: productWork(emitter, node, parts),
    label: labelOf(node),
    origin: node.origin,
  };
}

/** What a product needs of the device: each factor once, which caches and tiles are for. */
export function productWork(emitter: ValueEmitter, node: MatmulNode, parts: number): Work {
  const all = sizeOf(node.shape);
  const inner = node.x.shape[node.x.shape.length - 1];
  const most = Math.max(sizeOf(node.x.shape), sizeOf(node.y.shape));
  return {
    kind: "product",
    reads: emitter.loads(most),
    written: parts * all,
    flops: 2 * all * inner,
  };
}

/** A thread adds up so many elements, at least, before another shares the work. */
const LONG = 256;
/** Threads that keep the cores busy. */
const ENOUGH_THREADS = 4096;

/** Parts that each result of a reduction is cut into, of which each is a thread's. */
export function foldParts({ results, length }: Fold): number {
  return Math.max(1, Math.min(Math.ceil(length / LONG), Math.ceil(ENOUGH_THREADS / results)));
}

/** The place of a part of result m among those of all results. */
export function foldPartPlace({ columns, results }: Fold, parts: number, part: Ix, m: Ix): Ix {
  return columns ? plusIx(timesIx(part, results), m) : plusIx(timesIx(m, parts), part);
}

/** Parts of all results, at `foldPartPlace`; another fold adds them up. */
export function foldPartsTask(context: BlockContext, fold: Fold, parts: number, out: Region): Task {
  const { results, length, fn } = fold;
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const start = literal(foldText[fn].start);
  // Neighbouring lanes read neighbours: of neighbouring results, or of one.
  const { columns } = fold;
  const part = emitter.bindIx(columns ? overIx(item, results) : modIx(item, parts));
  const m = emitter.bindIx(columns ? modIx(item, results) : overIx(item, parts));
  scopes.line(`var acc = ${start};`);
  const element = fold.elements(emitter, m);
  const [first, last] = fold.range?.(emitter, m) ?? [fixed(0), fixed(length)];
  accumulate(emitter, {
    type: "f32",
    from: `${first.text} + ${part.text}`,
    to: last.text,
    stride: parts,
    count: length / parts,
    isShort: false,
    start,
    combine: foldText[fn].combine,
    value: (k) => element(k).text,
  });
  scopes.line(`ws[${out.name} + item] = acc;`);
  const serial = Math.max(1, length / parts / 4);
  const task = threadsTask(emitter, results * parts, serial, [out], fold.label, fold.origin);
  return { ...writesOwn(emitter, task), work: workOf(emitter, fold, results * parts) };
}
