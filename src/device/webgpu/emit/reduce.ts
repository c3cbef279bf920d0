/** Reductions, scatters and small products as folds. */
import type { MatmulNode, ReduceNode, ScatterAddNode } from "../../../tensor/ops.js";
import { otherAxes, sizeOf } from "../../../tensor/shape-rules.js";
import type { BlockContext, Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { literal } from "../wgsl/literal.js";
import { type Fold, foldTasks } from "./fold.js";
import { type Coordinates, fixed, type Ix, plusIx, unravel, zeroIx } from "./indices.js";
import { item, labelOf, threadsTask } from "./map.js";
import { matrixOperands, runsAlongRows } from "./operands.js";
import { ValueEmitter } from "./values.js";

export function reduceTasks(context: BlockContext, node: ReduceNode, out: Region): Task[] {
  const { shape } = node.x;
  const kept = otherAxes(shape.length, node.axes);
  const reducedShape = node.axes.map((a) => shape[a]);
  const fold: Fold = {
    fn: node.fn,
    results: sizeOf(node.shape),
    length: sizeOf(reducedShape),
    elements: (emitter, m) => {
      const outer = emitter.coordinates(m, node.shape);
      return (k) => {
        const inner = unravel(k, reducedShape).map((ix) => emitter.bindIx(ix));
        const at = shape.map(() => zeroIx);
        kept.forEach((axis, i) => {
          at[axis] = outer[i];
        });
        node.axes.forEach((axis, i) => {
          at[axis] = inner[i];
        });
        return emitter.value(node.x, at);
      };
    },
    columns: !node.axes.includes(lastLongAxis(shape)),
    label: labelOf(node),
    origin: node.origin,
  };
  return foldTasks(context, fold, out);
}

function lastLongAxis(shape: readonly number[]): number {
  let axis = shape.length - 1;
  while (axis > 0 && shape[axis] === 1) axis--;
  return axis;
}

/** Each element of a product as a fold: for vectors and small matrices. */
export function productTasks(context: BlockContext, node: MatmulNode, out: Region): Task[] {
  const [rows, columns] = node.shape.slice(-2);
  const inner = node.x.shape[node.x.shape.length - 1];
  const fold: Fold = {
    fn: "sum",
    results: sizeOf(node.shape),
    length: inner,
    elements: (emitter, m) => {
      const at = emitter.coordinates(m, node.shape);
      return (k) => {
        const [x, y] = matrixOperands(
          node,
          at.slice(0, -2),
          at[at.length - 2],
          k,
          at[at.length - 1],
        );
        const [a, b] = [emitter.value(node.x, x), emitter.value(node.y, y)];
        return emitter.scopes.bind(`${a.text} * ${b.text}`, Math.max(a.depth, b.depth));
      };
    },
    columns: columns > 1 ? true : rows > 1 && runsAlongRows(node.x),
    flops: 2,
    label: labelOf(node),
    origin: node.origin,
  };
  return foldTasks(context, fold, out);
}

/** Positions of each index, sorted by index: of constant indices, made at compile time. */
function segments(
  indices: Float64Array,
  size: number,
): { starts: Uint32Array; order: Uint32Array } {
  const starts = new Uint32Array(size + 1);
  for (const index of indices) starts[index + 1]++;
  for (let s = 0; s < size; s++) starts[s + 1] += starts[s];
  const next = starts.slice();
  const order = new Uint32Array(indices.length);
  indices.forEach((index, k) => {
    order[next[index]++] = k;
  });
  return { starts, order };
}

export function scatterTasks(context: BlockContext, node: ScatterAddNode, out: Region): Task[] {
  const { axis, indices } = node;
  const size = node.shape[axis];
  const split = (emitter: ValueEmitter, m: Ix): readonly [Coordinates, Ix, Coordinates] => {
    const at = emitter.coordinates(m, node.shape);
    return [at.slice(0, axis), at[axis], at.slice(axis + 1)];
  };
  if (indices.op !== "const") return dynamicScatter(context, node, out);
  const { starts, order } = segments(indices.data, size);
  const { tables } = context;
  const key = `${context.tables.words(indices.data, indices.data)}`;
  const startsAt = tables.words(starts, `starts:${key}:${size}`);
  const orderAt = tables.words(order, `order:${key}:${size}`);
  const fold: Fold = {
    fn: "sum",
    results: sizeOf(node.shape),
    length: Math.max(1, indices.data.length / size),
    range: (emitter, m) => {
      const [, s] = split(emitter, m);
      const word = (by: number): Ix =>
        emitter.scopes.bind(`idx[${plusIx(s, fixed(startsAt + by)).text}]`, s.depth);
      return [word(0), word(1)];
    },
    elements: (emitter, m) => {
      const [before, , after] = split(emitter, m);
      return (k) => {
        const q = emitter.scopes.bind(`idx[${plusIx(k, fixed(orderAt)).text}]`, k.depth);
        const position = emitter.coordinates(q, indices.shape);
        return emitter.value(node.x, [...before, ...position, ...after]);
      };
    },
    columns: sizeOf(node.shape.slice(axis + 1)) > 1,
    label: labelOf(node),
    origin: node.origin,
  };
  return foldTasks(context, fold, out);
}

/**
 * Indices known at run time only. Without sorting and without atomics (whose order would change
 * the rounding from run to run): where the target is no longer than the list, each target looks
 * through the list; else the first position of each index adds up all its equals.
 */
function dynamicScatter(context: BlockContext, node: ScatterAddNode, out: Region): Task[] {
  const { axis, indices } = node;
  const size = node.shape[axis];
  const count = sizeOf(indices.shape);
  const inner = node.shape.slice(axis + 1);
  const emitter = new ValueEmitter(context);
  const { scopes } = emitter;
  const indexAt = (q: Ix): Ix =>
    emitter.index(indices, emitter.coordinates(q, indices.shape), size);
  const addAll = (from: string, wanted: Ix, before: Coordinates, after: Coordinates): void => {
    const q = scopes.name("q");
    scopes.line("var acc = 0.0f;");
    const body = scopes.within(false, () => {
      const at: Ix = { text: q, depth: scopes.depth };
      const index = indexAt(at);
      const add = scopes.within(true, () => {
        const value = emitter.value(node.x, [
          ...before,
          ...emitter.coordinates(at, indices.shape),
          ...after,
        ]);
        scopes.line(`acc = acc + ${value.text};`);
      });
      scopes.line(`if (${index.text} == ${wanted.text}) {\n${add}\n}`);
    });
    scopes.line(`for (var ${q} = ${from}; ${q} < ${count}u; ${q}++) {\n${body}\n}`);
  };
  const label = labelOf(node);
  if (size <= count) {
    const at = emitter.coordinates(item, node.shape);
    addAll("0u", at[axis], at.slice(0, axis), at.slice(axis + 1));
    scopes.line(`ws[${out.name} + item] = acc;`);
    return [threadsTask(emitter, sizeOf(node.shape), count, [out], label, node.origin)];
  }
  const clear = new ValueEmitter(context);
  clear.scopes.line(`ws[${out.name} + item] = ${literal(0)};`);
  const tasks = [threadsTask(clear, sizeOf(node.shape), 1, [out], label, node.origin)];
  const shape = [...node.shape.slice(0, axis), count, ...inner];
  const at = emitter.coordinates(item, shape);
  const own = indexAt(at[axis]);
  const q = scopes.name("q");
  scopes.line("var is_first = true;");
  const search = scopes.within(false, () => {
    const index = indexAt({ text: q, depth: scopes.depth });
    scopes.line(`if (${index.text} == ${own.text}) { is_first = false; break; }`);
  });
  scopes.line(`for (var ${q} = 0u; ${q} < ${at[axis].text}; ${q}++) {\n${search}\n}`);
  const body = scopes.within(true, () => {
    addAll(at[axis].text, own, at.slice(0, axis), at.slice(axis + 1));
    const place = [...at.slice(0, axis), own, ...at.slice(axis + 1)];
    const strides = node.shape.map((_, k) => sizeOf(node.shape.slice(k + 1)));
    scopes.line(`ws[${out.name} + ${emitter.position(place, strides).text}] = acc;`);
  });
  scopes.line(`if (is_first) {\n${body}\n}`);
  tasks.push(threadsTask(emitter, sizeOf(shape), count, [out], label, node.origin));
  return tasks;
}
