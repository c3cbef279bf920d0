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
import { eachOfPair } from "./noise.js";

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
  const draw = task(
    pairs,
    4,
    [],
    [targets],
    `let drawn = philox(item, params.first + ${stepName(context.level)}, ${noise.site >>> 0}u);
${eachOfPair(
  "drawn",
  `let own = 2u * item + k;
${at(targets, "own")} = own + random_index(low, high, ${all}u - min(own, ${all - 1}u));`,
)}`,
  );
  const store = `${at(earlier, "item")} = before;
${at(same, "item")} = twin;
${at(last, "item")} = is_last;`;
  const found = [earlier, same, last];
  const links: Task[] = [];
  let heads: Region | undefined;
  if (count <= FEW) {
    // Each swap looks through all others.
    links.push(
      task(
        count,
        count / 8,
        [targets],
        found,
        `let own = ${at(targets, "item")};
${NOTHING(count)}
for (var i = 0u; i < ${count}u; i++) {
let other = ${at(targets, "i")};
if (i < item && other == item) { before = i; }
if (i < item && other == own) { twin = i; }
if (i > item && other == own) { is_last = 0u; }
}
${store}`,
      ),
    );
  } else {
    // Lists of the swaps of each target. Their order differs from run to run, what is found in them
    // does not: they are short, and looked through to their ends.
    heads = make(all);
    const next = make(count);
    const walk = (from: string, body: string): string =>
      `for (var p = ${at(heads as Region, from)}; p != 0u; p = ${at(next, "p - 1u")}) {
let i = p - 1u;
${body}
}`;
    links.push(
      {
        ...task(
          count,
          1,
          [targets, heads],
          [heads, next],
          `let own = atomicLoad(&${at(targets, "item")});
atomicStore(&${at(next, "item")}, atomicExchange(&${at(heads, "own")}, item + 1u));`,
        ),
        isAtomic: true,
      },
      task(
        count,
        8,
        [targets, heads, next],
        found,
        `let own = ${at(targets, "item")};
${NOTHING(count)}
${walk("item", "if (i < item && (before == item || i > before)) { before = i; }")}
${walk(
  "own",
  `if (i < item && (twin == ${count}u || i > twin)) { twin = i; }
if (i > item) { is_last = 0u; }`,
)}
${store}`,
      ),
    );
  }
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
  // Only the last swap of a target writes there, and leaves its list empty for the next step.
  const write = task(
    count,
    1,
    [targets, last, rows, tails],
    heads === undefined ? [order] : [order, heads],
    `${at(order, "item")} = ${at(rows, "item")};
if (${at(last, "item")} == 1u) {
let own = ${at(targets, "item")};
if (own >= ${count}u) { ${at(order, "own")} = ${at(tails, "item")}; }
${heads === undefined ? "" : `${at(heads, "own")} = 0u;`}
}`,
  );
  return { tasks: [draw, ...links, read, write], shuffle };
}

/** Rows of which each may look through all others. */
const FEW = 256;

function at(region: Region, place: string): string {
  return `words[${region.name} + ${place}]`;
}

/** What is known of a swap before the others are seen. */
const NOTHING = (count: number): string => `var before = item;
var twin = ${count}u;
var is_last = 1u;`;
