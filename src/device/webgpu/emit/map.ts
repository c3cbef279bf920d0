/** Tasks with one thread an element. */
import type { Node, Origin } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { type BlockContext, LANES, type Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import type { Ix } from "./indices.js";
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
  return options.row === undefined ? writesOwn(emitter, task) : task;
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
