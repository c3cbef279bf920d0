/** What each device at hand does in a second: a product of matrices, and small steps. */
import { TildeError } from "../../base/diagnostic.js";
import type { GraphDevice, GraphDeviceName, LoopProgram } from "../../device/contract.js";
import { adamGraph, optimiserSettings } from "../../device/optimise.js";
import { withGradient } from "../../passes/grad/index.js";
import { SimplifyingBuilder } from "../../passes/simplify/index.js";
import { openers } from "./open.js";

/** A measurement goes on until it lasts this long. */
const ENOUGH_SECONDS = 0.1;
/** Sizes of the products, of which the first that lasts is reported, or the last. */
const PRODUCT_SIZES = [128, 512, 2048];
/** Rows and columns of the small model. */
const SMALL = { rows: 100, columns: 10 } as const;

export interface DeviceReport {
  readonly name: GraphDeviceName;
  /** Absent where the device is not at hand; `missing` says why. */
  readonly found?: {
    readonly description: string;
    readonly precision: string;
    readonly details: Readonly<Record<string, string | number>>;
    /** Of a square product of this size. */
    readonly gigaflops: number;
    readonly productSize: number;
    /** Of a step of Adam on a regression of 100 rows and 10 columns. */
    readonly stepMicroseconds: number;
    /** From the order to open the device until it was open. */
    readonly openMilliseconds: number;
  };
  readonly missing?: { readonly message: string; readonly help?: string };
}

/** Opens, measures and closes every device. */
export async function reportDevices(): Promise<readonly DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const name of Object.keys(openers) as GraphDeviceName[]) reports.push(await reportOf(name));
  return reports;
}

async function reportOf(name: GraphDeviceName): Promise<DeviceReport> {
  const start = performance.now();
  let device: GraphDevice;
  try {
    device = await openers[name]();
  } catch (error) {
    if (!(error instanceof TildeError)) throw error;
    const [{ message, help }] = error.diagnostics;
    return { name, missing: { message, ...(help !== undefined && { help }) } };
  }
  const openMilliseconds = performance.now() - start;
  try {
    const { description, precision, details } = device;
    const product = await measureProduct(device);
    const stepMicroseconds = await measureSteps(device);
    return {
      name,
      found: { description, precision, details, ...product, stepMicroseconds, openMilliseconds },
    };
  } finally {
    device.close();
  }
}

/** Seconds of a step, once calls of more and more of them last a while. */
async function secondsPerStep(program: LoopProgram, most: number): Promise<number> {
  let first = 0;
  for (let count = 1; ; count = Math.min(most, 4 * count)) {
    const start = performance.now();
    await program.steps(first, count);
    const seconds = (performance.now() - start) / 1000;
    first += count;
    // The first call also ends the setting up.
    if (first > 1 && (seconds > ENOUGH_SECONDS || count === most)) return seconds / count;
  }
}

/** x ← x·w again and again, for growing matrices, until a call lasts. */
export async function measureProduct(
  device: GraphDevice,
  sizes: readonly number[] = PRODUCT_SIZES,
): Promise<{ readonly gigaflops: number; readonly productSize: number }> {
  let best = { gigaflops: 0, productSize: sizes[0] };
  for (const size of sizes) {
    const g = new SimplifyingBuilder();
    const x = g.input("x", [size, size]);
    const next = g.matmul(x, g.input("w", [size, size]));
    const sample = g.slice(next, [0, 0], [1, 1]);
    const most = 64;
    const program = await device.compileLoop({
      graph: {
        inputs: g.inputs,
        outputs: [
          { name: "next", node: next },
          { name: "sample", node: sample },
        ],
      },
      state: { x: "next" },
      noise: [],
      trace: ["sample"],
      mostSteps: most,
    });
    const seconds = await secondsPerStep(program, most);
    program.close();
    const gigaflops = (2 * size ** 3) / seconds / 1e9;
    if (gigaflops > best.gigaflops) best = { gigaflops, productSize: size };
    // The next size takes 64 times as long.
    if (seconds * 64 > ENOUGH_SECONDS * 10) break;
  }
  return best;
}

/** Microseconds of a step of Adam on a small least-squares problem. */
export async function measureSteps(device: GraphDevice): Promise<number> {
  const { rows, columns } = SMALL;
  const g = new SimplifyingBuilder();
  const beta = g.input("beta", [columns]);
  const x = g.constant(
    Float64Array.from({ length: rows * columns }, (_, k) => Math.sin(k)),
    [rows, columns],
  );
  const y = g.constant(
    Float64Array.from({ length: rows }, (_, k) => Math.cos(k)),
    [rows],
  );
  const value = g.mul(-0.5, g.sum(g.square(g.sub(y, g.matvec(x, beta)))));
  const graph = withGradient(
    { inputs: [beta], outputs: [{ name: "value", node: value }] },
    "value",
    { beta: "grad" },
    new SimplifyingBuilder(),
  );
  const names = { value: "value", gradient: "grad", params: "beta" };
  const program = await device.compileLoop({
    ...adamGraph(graph, names),
    noise: [],
    mostSteps: 1024,
  });
  program.set({
    opt_settings: optimiserSettings({
      rate: 0.001,
      clip: 0,
      averaging: false,
      beta1: 0.9,
      beta2: 0.999,
    }),
  });
  const seconds = await secondsPerStep(program, 1024);
  program.close();
  return seconds * 1e6;
}
