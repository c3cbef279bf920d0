/**
 * Matrix products by tiles: a workgroup makes a square of the result, in panels of the inner axis
 * that it shares; each thread holds a small square of results in registers. Long inner axes with
 * few tiles are cut into parts, whose results a fold adds up.
 */
import type { MatmulNode } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { type BlockContext, LANES, type Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { foldTasks } from "./fold.js";
import { fixed, type Ix, modIx, overIx, plusIx, timesIx, unravel } from "./indices.js";
import { labelOf } from "./map.js";
import { matrixOperands, productTasks, runsAlongRows } from "./reduce.js";
import { ValueEmitter } from "./values.js";

/** Panel of the inner axis. */
const DEPTH = 16;
/** Threads along an edge of a tile. */
const EDGE = 16;
/** Products with less in any direction are folds. */
const LEAST = 16;
const ENOUGH_GROUPS = 256;
/** Of the inner axis, at least, in each part. */
const LEAST_PART = 256;

export function matmulTasks(context: BlockContext, node: MatmulNode, out: Region): Task[] {
  const [rows, columns] = node.shape.slice(-2);
  const inner = node.x.shape[node.x.shape.length - 1];
  if (Math.min(rows, columns, inner) < LEAST) return productTasks(context, node, out);
  const own = Math.min(rows, columns) >= 48 ? 4 : 2;
  const tile = EDGE * own;
  const [down, across] = [Math.ceil(rows / tile), Math.ceil(columns / tile)];
  const batches = sizeOf(node.shape.slice(0, -2));
  const groups = batches * down * across;
  const parts = Math.max(
    1,
    Math.min(Math.ceil(ENOUGH_GROUPS / groups), Math.floor(inner / LEAST_PART)),
  );
  if (parts === 1) return [tiledTask(context, node, out, own, 1)];
  const size = sizeOf(node.shape);
  const partial = context.regions.make("p", parts * size);
  return [
    tiledTask(context, node, partial, own, parts),
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
  context: BlockContext,
  node: MatmulNode,
  out: Region,
  own: number,
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
  const share = Math.ceil(inner / parts / DEPTH) * DEPTH;
  const from = named(timesIx(part, share));
  const to =
    parts === 1
      ? `${inner}u`
      : named({ text: `min(${inner}u, ${from.text} + ${share}u)`, depth: 0 }).text;
  const lane: Ix = { text: "lane", depth: 0 };
  const [lx, ly] = [named(modIx(lane, EDGE)), named(overIx(lane, EDGE))];
  for (let i = 0; i < own; i++) for (let j = 0; j < own; j++) scopes.line(`var c${i}${j} = 0.0f;`);
  // One column of padding keeps a column's elements in different banks.
  const width = tile + 1;
  const panel = scopes.name("panel");
  const body = scopes.within(false, () => {
    const here: Ix = { text: panel, depth: scopes.depth };
    for (const side of ["a", "b"] as const) {
      const operand = side === "a" ? node.x : node.y;
      // Neighbouring lanes read neighbouring memory: along the inner axis or across it.
      const innerFast = side === "a" ? !runsAlongRows(operand) : runsAlongRows(operand);
      for (let r = 0; r < (tile * DEPTH) / LANES; r++) {
        const flat = plusIx(lane, fixed(r * LANES));
        const [p, q] = innerFast
          ? [named(modIx(flat, DEPTH)), named(overIx(flat, DEPTH))]
          : [named(overIx(flat, tile)), named(modIx(flat, tile))];
        const k = named(plusIx(here, p));
        const across0 = named(plusIx(side === "a" ? top : left, q));
        const limit = side === "a" ? rows : columns;
        const load = scopes.name("e");
        scopes.line(`var ${load} = 0.0f;`);
        const inside = scopes.within(true, () => {
          const [x, y] = matrixOperands(node, batch, across0, k, across0);
          const value = emitter.value(operand, side === "a" ? x : y);
          scopes.line(`${load} = ${value.text};`);
        });
        scopes.line(`if (${k.text} < ${to} && ${across0.text} < ${limit}u) {\n${inside}\n}`);
        scopes.line(`tile_${side}${own}[${p.text} * ${width}u + ${q.text}] = ${load};`);
      }
    }
    scopes.line("workgroupBarrier();");
    const names = [...Array(own).keys()];
    const step = [
      ...names.map((i) => `let a${i} = tile_a${own}[p * ${width}u + ${ly.text} + ${i * EDGE}u];`),
      ...names.map((j) => `let b${j} = tile_b${own}[p * ${width}u + ${lx.text} + ${j * EDGE}u];`),
      ...names.flatMap((i) => names.map((j) => `c${i}${j} = fma(a${i}, b${j}, c${i}${j});`)),
    ];
    scopes.line(`for (var p = 0u; p < ${DEPTH}u; p++) {\n${step.join("\n")}\n}`);
    scopes.line("workgroupBarrier();");
  });
  // The bounds are the same for the whole workgroup: they come from its number.
  scopes.line(
    `for (var ${panel} = ${from.text}; ${panel} < ${to}; ${panel} += ${DEPTH}u) {\n${body}\n}`,
  );
  const size = sizeOf(node.shape);
  const start = plusIx(timesIx(part, size), timesIx(batchIx, rows * columns));
  for (let i = 0; i < own; i++) {
    for (let j = 0; j < own; j++) {
      const row = named(plusIx(top, plusIx(ly, fixed(i * EDGE))));
      const column = named(plusIx(left, plusIx(lx, fixed(j * EDGE))));
      const place = plusIx(start, plusIx(timesIx(row, columns), column));
      scopes.line(
        `if (${row.text} < ${rows}u && ${column.text} < ${columns}u) { ws[${out.name} + ${place.text}] = c${i}${j}; }`,
      );
    }
  }
  const groups = batches * down * across * parts;
  const shared = ["a", "b"].map((s) => ({ name: `tile_${s}${own}`, length: DEPTH * width }));
  return {
    kind: "task",
    unit: "groups",
    count: groups,
    text: scopes.text(),
    reads: emitter.reads,
    writes: new Set([out]),
    rounds: (groups * share) / 2,
    own: new Set(),
    shared,
    label: labelOf(node),
    origin: node.origin,
  };
}
