/**
 * Matrix products by tiles: a workgroup makes a square of the result, in panels of the inner axis
 * that it shares; each thread holds a small square of results in registers, as vectors, and reads
 * its parts of a panel as vectors. Long inner axes with few tiles are cut into parts, whose results a
 * fold adds up.
 */
import type { MatmulNode } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { type BlockContext, eachResult, type Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { foldTasks } from "./fold.js";
import { fixed, type Ix, modIx, overIx, plusIx, timesIx, unravel } from "./indices.js";
import { labelOf } from "./map.js";
import { matrixOperands, runsAlongRows } from "./operands.js";
import { productTasks } from "./reduce.js";
import { blockParts, blockTask, productWork } from "./software.js";
import { ValueEmitter } from "./values.js";

/** Threads along an edge of a tile. */
const EDGE = 16;

/** How a workgroup shares a tile. */
interface Tiling {
  /** Results of a thread along an edge, in vectors of `size`. */
  readonly own: number;
  readonly size: 2 | 4;
  /** Panel of the inner axis: each thread loads one vector of either factor. */
  readonly depth: number;
}
const TILINGS = {
  small: { own: 2, size: 2, depth: 16 },
  middle: { own: 4, size: 4, depth: 16 },
  large: { own: 8, size: 4, depth: 8 },
} as const satisfies Readonly<Record<string, Tiling>>;
/** Large tiles from so many on: fewer would leave processors without work. */
const ENOUGH_LARGE = 128;

function tilingOf(rows: number, columns: number, batches: number): Tiling {
  const least = Math.min(rows, columns);
  const edge = EDGE * TILINGS.large.own;
  const large = batches * Math.ceil(rows / edge) * Math.ceil(columns / edge);
  if (least >= edge && large >= ENOUGH_LARGE) return TILINGS.large;
  return least >= 48 ? TILINGS.middle : TILINGS.small;
}

/** Products with less in any direction are folds. */
const LEAST = 16;
const ENOUGH_GROUPS = 256;
/** Of the inner axis, at least, in each part. */
const LEAST_PART = 256;

export function matmulTasks(context: BlockContext, node: MatmulNode, out: Region): Task[] {
  const [rows, columns] = node.shape.slice(-2);
  const inner = node.x.shape[node.x.shape.length - 1];
  if (Math.min(rows, columns, inner) < LEAST) return productTasks(context, node, out);
  if (context.tuning.isSoftware) return productOf(context, node, out, blockParts(node), blockTask);
  const batches = sizeOf(node.shape.slice(0, -2));
  const tiling = tilingOf(rows, columns, batches);
  const tile = EDGE * tiling.own;
  const [down, across] = [Math.ceil(rows / tile), Math.ceil(columns / tile)];
  const groups = batches * down * across;
  const parts = Math.max(
    1,
    Math.min(Math.ceil(ENOUGH_GROUPS / groups), Math.floor(inner / LEAST_PART)),
  );
  return productOf(context, node, out, parts, (...args) => tiledTask(tiling, ...args));
}

/** A product in one task, or one for parts of its inner axis and a fold. */
function productOf(
  context: BlockContext,
  node: MatmulNode,
  out: Region,
  parts: number,
  task: (context: BlockContext, node: MatmulNode, out: Region, parts: number) => Task,
): Task[] {
  if (parts === 1) return [task(context, node, out, 1)];
  const size = sizeOf(node.shape);
  const partial = context.regions.make("p", parts * size);
  return [
    task(context, node, partial, parts),
    ...foldTasks(
      context,
      {
        fn: "sum",
        results: size,
        length: parts,
        elements: (emitter, m) => (k) => emitter.loadRegion(partial, plusIx(timesIx(k, size), m)),
        columns: true,
        label: labelOf(node),
        origin: node.origin,
      },
      out,
    ),
  ];
}

function tiledTask(
  { own, size, depth }: Tiling,
  context: BlockContext,
  node: MatmulNode,
  out: Region,
  parts: number,
): Task {
  const [rows, columns] = node.shape.slice(-2);
  const inner = node.x.shape[node.x.shape.length - 1];
  const tile = EDGE * own;
  const [down, across] = [Math.ceil(rows / tile), Math.ceil(columns / tile)];
  const batchShape = node.shape.slice(0, -2);
  const batches = sizeOf(batchShape);
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const group: Ix = { text: "group", depth: 0 };
  const named = (ix: Ix): Ix => emitter.bindIx(ix);
  const left = named(timesIx(modIx(group, across), tile));
  const top = named(timesIx(named(modIx(named(overIx(group, across)), down)), tile));
  const rest = named(overIx(group, across * down));
  const batchIx = batches === 1 ? fixed(0) : named(modIx(rest, batches));
  const part = parts === 1 ? fixed(0) : named(overIx(rest, batches));
  const batch = unravel(batchIx, batchShape).map(named);
  // Parts are whole panels.
  const share = Math.ceil(inner / parts / depth) * depth;
  const from = named(timesIx(part, share));
  const to =
    parts === 1
      ? `${inner}u`
      : named({ text: `min(${inner}u, ${from.text} + ${share}u)`, depth: 0 }).text;
  const lane: Ix = { text: "lane", depth: 0 };
  const [lx, ly] = [named(modIx(lane, EDGE)), named(overIx(lane, EDGE))];
  const type = `vec${size}<f32>` as const;
  const fragments = [...Array(own / size).keys()];
  const ownRows = [...Array(own).keys()];
  for (const i of ownRows) {
    for (const f of fragments) scopes.line(`var c${i}_${f} = ${type}();`);
  }
  const vectors = tile / size;
  // A vector of padding keeps those that neighbouring lanes write in different banks.
  const width = vectors + 1;
  const arrays = { a: `tile_a${own}`, b: `tile_b${own}` } as const;
  const panel = scopes.name("panel");
  const body = scopes.within(false, () => {
    const here: Ix = { text: panel, depth: scopes.depth };
    for (const side of ["a", "b"] as const) {
      const operand = side === "a" ? node.x : node.y;
      // Neighbouring lanes read neighbouring memory: along the inner axis or across it.
      const innerFast = side === "a" ? !runsAlongRows(operand) : runsAlongRows(operand);
      const [p, q] = innerFast
        ? [named(modIx(lane, depth)), named(overIx(lane, depth))]
        : [named(overIx(lane, vectors)), named(modIx(lane, vectors))];
      const k = named(plusIx(here, p));
      const first = named(plusIx(side === "a" ? top : left, timesIx(q, size)));
      const limit = side === "a" ? rows : columns;
      const loads = [...Array(size).keys()].map((e) => {
        const load = scopes.name("e");
        const at = named(plusIx(first, fixed(e)));
        scopes.line(`var ${load} = 0.0f;`);
        const inside = scopes.within(true, () => {
          const [x, y] = matrixOperands(node, batch, at, k, at);
          const value = emitter.value(operand, side === "a" ? x : y);
          scopes.line(`${load} = ${value.text};`);
        });
        scopes.line(`if (${k.text} < ${to} && ${at.text} < ${limit}u) {\n${inside}\n}`);
        return load;
      });
      const place = `${p.text} * ${width}u + ${q.text}`;
      scopes.line(`${arrays[side]}[${place}] = ${type}(${loads.join(", ")});`);
    }
    scopes.line("workgroupBarrier();");
    const read = (side: "a" | "b", by: string, f: number): string =>
      `let ${side}${f} = ${arrays[side]}[p * ${width}u + ${by} + ${f * EDGE}u];`;
    const step = [
      ...fragments.map((f) => read("a", ly.text, f)),
      ...fragments.map((f) => read("b", lx.text, f)),
      ...ownRows.flatMap((i) => {
        const a = `${type}(a${Math.floor(i / size)}.${"xyzw"[i % size]})`;
        return fragments.map((f) => `c${i}_${f} = fma(${a}, b${f}, c${i}_${f});`);
      }),
    ];
    scopes.line(`for (var p = 0u; p < ${depth}u; p++) {\n${step.join("\n")}\n}`);
    scopes.line("workgroupBarrier();");
  });
  // The bounds are the same for the whole workgroup: they come from its number.
  scopes.line(
    `for (var ${panel} = ${from.text}; ${panel} < ${to}; ${panel} += ${depth}u) {\n${body}\n}`,
  );
  const all = sizeOf(node.shape);
  const start = plusIx(timesIx(part, all), timesIx(batchIx, rows * columns));
  for (const i of ownRows) {
    const down0 = Math.floor(i / size) * EDGE * size + (i % size);
    const row = named(plusIx(top, plusIx(timesIx(ly, size), fixed(down0))));
    const stores = fragments.flatMap((f) =>
      [...Array(size).keys()].map((e) => {
        const column = named(plusIx(left, plusIx(timesIx(lx, size), fixed(f * EDGE * size + e))));
        const place = plusIx(start, plusIx(timesIx(row, columns), column));
        const value = `c${i}_${f}.${"xyzw"[e]}`;
        return `if (${column.text} < ${columns}u) { ws[${out.name} + ${place.text}] = ${value}; }`;
      }),
    );
    scopes.line(`if (${row.text} < ${rows}u) {\n${stores.join("\n")}\n}`);
  }
  if (parts === 1) {
    const edge = EDGE * size;
    const place = plusIx(
      timesIx(batchIx, rows * columns),
      plusIx(timesIx({ text: "row", depth: 0 }, columns), { text: "column", depth: 0 }),
    );
    scopes.line(
      eachResult(`for (var e = 0u; e < ${own * own}u; e++) {
let row = ${top.text} + ${ly.text} * ${size}u + (e / ${own}u) / ${size}u * ${edge}u + (e / ${own}u) % ${size}u;
let column = ${left.text} + ${lx.text} * ${size}u + (e % ${own}u) / ${size}u * ${edge}u + e % ${size}u;
if (row < ${rows}u && column < ${columns}u) { each_result(${place.text}); }
}`),
    );
  }
  const groups = batches * down * across * parts;
  return {
    kind: "task",
    unit: "groups",
    each: parts === 1 ? all : undefined,
    count: groups,
    text: scopes.text(),
    reads: emitter.reads,
    writes: new Set([out]),
    rounds: (groups * share * own) / 8,
    own: new Set([out]),
    shared: [arrays.a, arrays.b].map((name) => ({ name, type, length: depth * width })),
    work: productWork(emitter, node, parts),
    label: labelOf(node),
    origin: node.origin,
  };
}
