/**
 * Rows of minibatches, drawn on the device: the beginning of the Fisher–Yates shuffle of
 * src/inference/stochastic/rows.ts, to the last number, by all threads at once.
 *
 * The shuffle swaps place k = 0, 1, … with a place t(k) ≥ k. Before its own swap, place k holds what
 * the last earlier swap with t(i) = k brought there from place i, or its first number; following
 * these i back ends at a place that no swap has touched, the origin of k. So with the last earlier
 * swap i of the same target t(k), row k is the first number of the origin of i, or of place t(k) if
 * there is none; and place t(k), if it lies behind the rows, ends with the first number of the origin
 * of the last k that has it for a target.
 */
import type { DeviceNoise } from "../../contract.js";
import { type BlockContext, LANES, stepName, type Task } from "../plan/context.js";
import type { Region } from "../plan/storage.js";

/** What a shuffle keeps on the device. */
export interface Shuffle {
  /** The order of all rows, from step to step. */
  readonly order: Region;
  readonly all: number;
}

/** The tasks of one step's rows, written to a region of words, and the shuffle's order. */
export function rowTasks(
  context: BlockContext,
  noise: DeviceNoise,
  all: number,
  rows: Region,
  count: number,
): { readonly tasks: readonly Task[]; readonly shuffle: Shuffle } {
  const make = (length: number): Region =>
    context.tables.reserve(context.regions.make("w", length, true, "words"));
  const order = make(all);
  const shuffle = { order, all };
  if (count === 0) return { tasks: [], shuffle };
  const pairs = Math.ceil(count / 2);
  const [targets, earlier, same, last, tails] = [2 * pairs, count, count, count, count].map(make);
  const label = `rows of a minibatch (${noise.input})`;
  const task = (
    items: number,
    serial: number,
    reads: readonly Region[],
    writes: readonly Region[],
    text: string,
  ): Task => ({
    kind: "task",
    unit: "threads",
    count: items,
    text,
    reads: new Set(reads),
    writes: new Set(writes),
    rounds: Math.ceil(items / LANES) * serial,
    own: new Set(),
    shared: [],
    label,
  });
  const at = (region: Region, place: string): string => `words[${region.name} + ${place}]`;
  const target = (k: number, low: string, high: string): string =>
    `${at(targets, `2u * item + ${k}u`)} = 2u * item + ${k}u + random_index(words4.${low}, words4.${high}, ${all}u - min(2u * item + ${k}u, ${all - 1}u));`;
  const draw = task(
    pairs,
    4,
    [],
    [targets],
    `let words4 = philox(item, params.first + ${stepName(context.level)}, ${noise.site >>> 0}u);
${target(0, "x", "y")}
${target(1, "z", "w")}`,
  );
  // Each swap looks through those before it; a swap is the next of at most one other of its target.
  const clear = task(count, 1, [], [last], `${at(last, "item")} = 1u;`);
  const link = task(
    count,
    count / 8,
    [targets, last],
    [earlier, same, last],
    `let own = ${at(targets, "item")};
var before = item;
var twin = ${count}u;
for (var i = 0u; i < item; i++) {
let other = ${at(targets, "i")};
before = select(before, i, other == item);
twin = select(twin, i, other == own);
}
${at(earlier, "item")} = before;
${at(same, "item")} = twin;
if (twin < ${count}u) { ${at(last, "twin")} = 0u; }`,
  );
  const read = task(
    count,
    8,
    [targets, earlier, same, order],
    [rows, tails],
    `var origin = item;
loop {
let next = ${at(earlier, "origin")};
if (next == origin) { break; }
origin = next;
}
${at(tails, "item")} = ${at(order, "origin")};
var place = ${at(same, "item")};
if (place == ${count}u) {
place = ${at(targets, "item")};
} else {
loop {
let next = ${at(earlier, "place")};
if (next == place) { break; }
place = next;
}
}
${at(rows, "item")} = ${at(order, "place")};`,
  );
  const store = task(
    count,
    1,
    [targets, last, rows, tails],
    [order],
    `${at(order, "item")} = ${at(rows, "item")};
let own = ${at(targets, "item")};
if (own >= ${count}u && ${at(last, "item")} == 1u) { ${at(order, "own")} = ${at(tails, "item")}; }`,
  );
  return { tasks: [draw, clear, link, read, store], shuffle };
}
