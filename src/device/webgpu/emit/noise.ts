/**
 * Random inputs of a step, drawn on the device from the same streams as on the CPU
 * (src/inference/stochastic/noise.ts): the same Philox words to the bit, so whole numbers and the
 * choice of a normal's layer are the same, and real numbers agree to single precision.
 */
import { assertNever, internalError } from "../../../base/internal.js";
import type { DeviceNoise } from "../../contract.js";
import type { BlockContext, Task } from "../plan/context.js";
import { LANES, stepName } from "../plan/context.js";
import type { ConstantTables, Region } from "../plan/storage.js";
import { literal } from "../wgsl/literal.js";

/** Fills a region of `length` numbers (and one more if that is odd), for the step of a loop. */
export function noiseTask(
  context: BlockContext,
  noise: DeviceNoise,
  region: Region,
  length: number,
): Task {
  const { law, site } = noise;
  const lines = [
    `let step = params.first + ${stepName(context.level)};`,
    `let drawn = philox(item, step, ${site >>> 0}u);`,
  ];
  /** Either number of a pair, from the words `low` and `high`: written once, since it is long. */
  let value: string;
  switch (law.kind) {
    case "normal": {
      const { edges, heights, tailStart } = law.tables;
      const at = [
        `${law.retrySite >>> 0}u`,
        `${context.tables.floats(edges)}u`,
        `${context.tables.floats(heights)}u`,
        `${thresholdsOf(context.tables, edges)}u`,
        literal(tailStart),
      ].join(", ");
      value = `ziggurat(low, high, 2u * item + k, step, ${at})`;
      break;
    }
    case "uniform":
      value = "open_uniform(low, high)";
      break;
    case "index":
      value = `f32(random_index(low, high, ${law.of}u))`;
      break;
    case "rows":
      return internalError("rows are no numbers of their own");
    default:
      return assertNever(law, "noiseTask");
  }
  lines.push(eachOfPair("drawn", `ws[${region.name} + 2u * item + k] = ${value};`));
  const count = Math.ceil(length / 2);
  return {
    kind: "task",
    unit: "threads",
    count,
    text: lines.join("\n"),
    reads: new Set(),
    writes: new Set([region]),
    rounds: Math.ceil(count / LANES) * 4,
    own: new Set(),
    shared: [],
    label: `random numbers for ${noise.input}`,
  };
}

/** Lines for each half `k` of four drawn words, named `low` and `high`. */
export function eachOfPair(drawn: string, lines: string): string {
  return `for (var k = 0u; k < 2u; k++) {
let low = select(${drawn}.x, ${drawn}.z, k == 1u);
let high = select(${drawn}.y, ${drawn}.w, k == 1u);
${lines}
}`;
}

/**
 * Of each layer the least 53-bit number whose candidate, computed in f64, reaches the next edge:
 * with it the device takes the same branch as the CPU, whatever single precision rounds to.
 */
function thresholdsOf(tables: ConstantTables, edges: Float64Array): number {
  const layers = edges.length - 1;
  const words = new Uint32Array(2 * layers);
  for (let layer = 0; layer < layers; layer++) {
    const reaches = (n: number): boolean => n * 2 ** -53 * edges[layer] >= edges[layer + 1];
    let [low, high] = [0, 2 ** 53];
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      if (reaches(middle)) high = middle;
      else low = middle + 1;
    }
    // 2⁵³ is never reached: its low word lies above all that 21 bits hold.
    const never = low === 2 ** 53;
    words[2 * layer] = never ? 2 ** 21 : low % 2 ** 21;
    words[2 * layer + 1] = never ? 2 ** 32 - 1 : Math.floor(low / 2 ** 21);
  }
  return tables.words(words, "ziggurat thresholds");
}
