/** Tasks with one thread an element. */
import type { Node, Origin } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { type BlockContext, LANES, type Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { type Ix, quadIx } from "./indices.js";
import { ValueEmitter } from "./values.js";

export const item: Ix = { text: "item", depth: 0 };

/** Stores all elements of a node: to `region`, or to its row number `row`. */
export function mapTask(
  context: BlockContext,
  node: Node,
  region: Region,
  options: { readonly copy?: boolean; readonly row?: string } = {},
): Task {
  const emitter = new ValueEmitter(context);
  const at = emitter.coordinates(item, node.shape);
  const value = options.copy ? emitter.value(node, at) : emitter.compute(node, at);
  const size = sizeOf(node.shape);
  const start = options.row === undefined ? "" : ` + ${options.row} * ${size}u`;
  emitter.scopes.line(`ws[${region.name}${start} + item] = ${value.text};`);
  const task = threadsTask(emitter, size, 1, [region], labelOf(node), node.origin);
  const own = options.row === undefined ? writesOwn(emitter, task) : task;
  const vector = vectorOf(context, node, region, options, own);
  return vector === undefined ? own : { ...own, vector };
}

/** Longer texts are arithmetic, not memory: four times them would only compile longer. */
const LONGEST = 4000;

/**
 * The same with four neighbours a thread, each array read as vectors. Where elements of a long
 * array lie apart (transposed, gathered along the last axis, padded) the task stays as it is.
 */
function vectorOf(
  context: BlockContext,
  node: Node,
  region: Region,
  options: { readonly copy?: boolean; readonly row?: string },
  scalar: Task,
): Task["vector"] {
  const size = sizeOf(node.shape);
  if (size < context.tuning.vectorsFrom || scalar.text.length > LONGEST) return undefined;
  const long = node.shape.filter((n) => n > 1);
  // Neighbours in one row; of a single row, the last may have padding, which no one reads.
  if (long.length > 1 && (long.at(-1) ?? 0) % 4 !== 0) return undefined;
  if (options.row !== undefined && size % 4 !== 0) return undefined;
  const emitter = new ValueEmitter(context, "all");
  const values = emitter.byLanes((lane) => {
    const at = emitter.coordinates(quadIx(item, lane), node.shape);
    return (options.copy ? emitter.value(node, at) : emitter.compute(node, at)).text;
  });
  if (emitter.apart > 0) return undefined;
  const start = options.row === undefined ? "" : ` + ${options.row} * ${size / 4}u`;
  emitter.scopes.line(`ws[${region.name} / 4u${start} + item] = vec4<f32>(${values.join(", ")});`);
  if (options.row === undefined) {
    const own = writesOwn(emitter, scalar).own;
    if (own.size !== scalar.own.size) return undefined;
  }
  return { count: Math.ceil(size / 4), text: emitter.scopes.text() };
}

/** A task of the emitter's text. `serial`: steps that one thread takes. */
export function threadsTask(
  emitter: ValueEmitter,
  count: number,
  serial: number,
  writes: readonly Region[],
  label: string,
  origin?: Origin,
): Task {
  return {
    kind: "task",
    unit: "threads",
    count,
    text: emitter.scopes.text(),
    reads: emitter.reads,
    writes: new Set(writes),
    rounds: Math.ceil(count / LANES) * serial,
    own: NONE,
    shared: [],
    work: { kind: "elementwise", reads: emitter.loads(count), written: count, flops: 0 },
    label,
    origin,
  };
}
const NONE: ReadonlySet<Region> = new Set();

/** A task of the emitter's text that writes element `item` of its regions and no other. */
export function writesOwn(emitter: ValueEmitter, task: Task): Task {
  const read = [...emitter.reads].filter((r) => !emitter.elsewhere.has(r));
  return { ...task, own: new Set([...task.writes, ...read]) };
}

/** What messages call a node. */
export function labelOf(node: Node): string {
  const shape = `${node.op}${"fn" in node ? ` ${node.fn}` : ""} [${node.shape.join(", ")}]`;
  return node.origin === undefined ? shape : `${node.origin.label} (${shape})`;
}
