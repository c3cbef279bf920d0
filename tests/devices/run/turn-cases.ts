/** Loops whose steps two graphs take in turn: what every device must make of them. */
import type { DeviceNoise, GraphDevice, LoopSpec } from "../../../src/device/contract.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Node } from "../../../src/tensor/ops.js";
import { referenceShuffle } from "../shuffles.js";

export interface TurnCase {
  readonly name: string;
  /** Elements of the state: few are one kernel's, many are several dispatches'. */
  readonly length: number;
  /** Rows that are drawn, of so many. */
  readonly rows: number;
  readonly all: number;
}

export const turnCases: readonly TurnCase[] = [
  { name: "all small", length: 5, rows: 3, all: 10 },
  { name: "large arrays", length: 40_000, rows: 3, all: 10 },
  { name: "many rows beside small arrays", length: 5, rows: 3000, all: 5000 },
];

const FIRST = 3;
const STEPS = 11;
/** Two steps of the first, three of the second. */
const ROUND = [2, 3] as const;

/**
 * To every x the first adds 1 and half of the mean of its rows' numbers, which it tells. The second
 * halves x, counts in a state of its own, and tells that count and the mean of x. Rows go on in steps of
 * either.
 */
function specOf({ length, rows, all }: TurnCase): LoopSpec {
  const over = (g: GraphBuilder, x: Node): Node => g.broadcast(x, [length]);
  const a = new GraphBuilder();
  const xa = a.input("x", [length]);
  const index = a.input("rows", [rows], "int");
  const table = a.input("table", [all]);
  const mean = a.div(a.sum(a.gather(table, index, 0)), rows);
  const first = {
    inputs: [xa, index, table],
    outputs: [
      { name: "next_x", node: a.add(xa, over(a, a.add(1, a.mul(0.5, mean)))) },
      { name: "told", node: a.reshape(mean, []) },
    ],
  };
  const b = new GraphBuilder();
  const xb = b.input("x", [length]);
  const count = b.input("count", []);
  const second = {
    inputs: [xb, count],
    outputs: [
      { name: "next_x", node: b.mul(0.5, xb) },
      { name: "next_count", node: b.add(count, 1) },
      { name: "told", node: b.add(count, b.div(b.sum(xb), length)) },
    ],
  };
  const noise: DeviceNoise[] = [{ input: "rows", site: SITE, law: { kind: "rows", of: all } }];
  return {
    graph: first,
    turns: [
      { graph: first, steps: ROUND[0] },
      { graph: second, steps: ROUND[1] },
    ],
    state: { x: "next_x", count: "next_count" },
    noise,
    trace: ["told"],
    mostSteps: STEPS,
  };
}

interface Turned {
  readonly told: Float64Array;
  readonly x: Float64Array;
  readonly count: number;
}

/** The largest error of what a device makes of a case. */
export async function turnError(own: TurnCase, device: GraphDevice): Promise<number> {
  const [found, exact] = [await runTurns(own, device), exactTurns(own)];
  if (found.told.length !== exact.told.length || found.count !== exact.count) return Number.NaN;
  const errors = [
    ...exact.told.map((v, k) => v - found.told[k]),
    ...found.x.map((v) => v - exact.x[0]),
  ];
  return errors.reduce(
    (worst, e) => (Math.abs(e) > worst || Number.isNaN(e) ? Math.abs(e) : worst),
    0,
  );
}

/** What a device makes of it: in two calls by the steps' numbers, and one of the second alone. */
async function runTurns(own: TurnCase, device: GraphDevice): Promise<Turned> {
  const loop = await device.compileLoop(specOf(own));
  loop.seed(SEED, 0);
  loop.set({
    x: new Float64Array(own.length).fill(0.25),
    table: Float64Array.from({ length: own.all }, (_, k) => tableAt(k)),
  });
  const [one, two] = [await loop.steps(FIRST, 4), await loop.steps(FIRST + 4, STEPS - 4)];
  const three = await loop.steps(FIRST + STEPS, 2, 1);
  const { x, count } = await loop.read(["x", "count"]);
  loop.close();
  return { told: Float64Array.of(...one.told, ...two.told, ...three.told), x, count: count[0] };
}
const SEED = 77;
const SITE = 0x7100;
const tableAt = (k: number): number => (k % 7) / 8;

/** The same in plain numbers, with Fisher and Yates' shuffle step by step. */
function exactTurns({ rows, all }: TurnCase): Turned {
  const rowsAt = referenceShuffle(BigInt(SEED), 0, SITE, all, rows);
  let [x, count] = [0.25, 0];
  const told: number[] = [];
  for (let t = 0; t < STEPS + 2; t++) {
    const step = FIRST + t;
    const drawn = rowsAt(step);
    const isFirst = t < STEPS && step % 5 < 2;
    if (isFirst) {
      const mean = drawn.reduce((s, r) => s + tableAt(r), 0) / rows;
      told.push(mean);
      x += 1 + 0.5 * mean;
    } else {
      told.push(count + x);
      x *= 0.5;
      count++;
    }
  }
  return { told: Float64Array.from(told), x: Float64Array.of(x), count };
}
