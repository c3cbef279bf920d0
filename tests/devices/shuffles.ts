/** Rows of minibatches: an oracle in plain numbers, and what every device has to agree with it in. */
import { expect } from "vitest";
import type { GraphDevice, LoopProgram } from "../../src/device/contract.js";
import { philox } from "../../src/math/rng/philox.js";
import { GraphBuilder } from "../../src/tensor/builder.js";

/** The rows of one step after another (Knuth, volume 2, algorithm P), one swap at a time in f64. */
export function referenceShuffle(
  seed: bigint,
  run: number,
  site: number,
  all: number,
  count: number,
): (step: number) => number[] {
  const key = [Number(BigInt.asUintN(32, seed)), Number(BigInt.asUintN(32, seed >> 32n))] as const;
  const order = new Int32Array(all);
  for (let k = 0; k < all; k++) order[k] = k;
  const words = new Uint32Array(4);
  return (step) => {
    for (let k = 0; k < count; k++) {
      philox(key, k >> 1, step, site, run, words);
      const [low, high] = k % 2 === 0 ? [words[0], words[1]] : [words[2], words[3]];
      const whole = (high >>> 6) * 2 ** 27 + (low >>> 5);
      const u = (whole * 2 + 1) * 2 ** -54;
      const other = k + Math.floor(Math.min(u * (all - k), all - k - 1));
      [order[k], order[other]] = [order[other], order[k]];
    }
    return [...order.subarray(0, count)];
  };
}

/** Sizes of the whole and of a minibatch. */
export const shuffleSizes: readonly (readonly [all: number, rows: number])[] = [
  [1, 1],
  [2, 1],
  [7, 7],
  [100, 33],
  [1000, 999],
  [1000, 1000],
  [5000, 64],
  [100_003, 700],
];

const SITE = 0x40;

async function shuffleLoop(
  device: Pick<GraphDevice, "compileLoop">,
  all: number,
  rows: number,
): Promise<LoopProgram> {
  const g = new GraphBuilder();
  const input = g.input("rows", [rows], "int");
  // Numbers that tell rows apart, and that single precision holds.
  const table = g.input("table", [all]);
  const loop = await device.compileLoop({
    graph: {
      inputs: [input, table],
      outputs: [
        { name: "drawn", node: input },
        { name: "found", node: g.gather(table, input, 0) },
      ],
    },
    state: {},
    noise: [{ input: "rows", site: SITE, law: { kind: "rows", of: all } }],
    trace: ["drawn", "found"],
    mostSteps: 5,
  });
  const numbers = new Float64Array(all);
  for (let k = 0; k < all; k++) numbers[k] = k % 65_521;
  loop.set({ table: numbers });
  return loop;
}

/** Steps on a device against the oracle's, over calls, seeds and rewinds. */
export async function expectShuffles(
  device: Pick<GraphDevice, "compileLoop">,
  all: number,
  rows: number,
  seeds: readonly bigint[] = [11n, -1234567890123456789n],
): Promise<void> {
  const loop = await shuffleLoop(device, all, rows);
  for (const seed of seeds) {
    const exact = referenceShuffle(seed, 3, SITE, all, rows);
    loop.seed(seed, 3);
    loop.rewind();
    // The order goes on from call to call, and steps need not follow each other.
    for (const [first, count] of [
      [0, 1],
      [1, 5],
      [2 ** 30 + 6, 2],
    ]) {
      const { drawn, found } = await loop.steps(first, count);
      for (let t = 0; t < count; t++) {
        const wanted = exact(first + t);
        const own = (x: Float64Array): number[] => [...x.subarray(t * rows, (t + 1) * rows)];
        if (all <= 2 ** 24) expect(own(drawn)).toEqual(wanted);
        expect(own(found)).toEqual(wanted.map((k) => k % 65_521));
      }
    }
  }
  // Orders that were read go on where they were.
  const saved = await loop.orders();
  const next = await loop.steps(8, 2);
  loop.rewind();
  await loop.steps(3, 1);
  loop.rewind(saved);
  expect(await loop.steps(8, 2)).toEqual(next);
  loop.close();
}
