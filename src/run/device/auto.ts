/** `--device auto`: a few steps are timed on each device at hand. */
import { TildeError } from "../../base/diagnostic.js";
import type { GraphDevice, GraphDeviceName } from "../../device/contract.js";
import { openers } from "./open.js";

/** Runs that the CPU ends within so many seconds stay there. */
const SMALL_SECONDS = 2;
/** Time that is spent on timing the CPU, in milliseconds. */
const TIMING_MS = 20;

/** What was measured, in seconds a step, and what was chosen. */
export interface Choice {
  readonly device?: GraphDevice;
  readonly seconds: Readonly<Partial<Record<GraphDeviceName, number>>>;
}

/** Devices that were opened to be measured, and stay open for the run. */
export class Shelf {
  readonly #open: GraphDevice[] = [];
  readonly #names: readonly GraphDeviceName[];

  constructor(
    names: readonly GraphDeviceName[] = ["tensorflow", "webgpu"],
    readonly open: (name: GraphDeviceName) => Promise<GraphDevice> = (name) => openers[name](),
  ) {
    this.#names = names;
  }

  /** The devices that could be opened. */
  async atHand(): Promise<readonly GraphDevice[]> {
    for (const name of this.#names) {
      if (this.#open.some((d) => d.name === name)) continue;
      const device = await unlessRefused(() => this.open(name));
      if (device !== undefined) this.#open.push(device);
    }
    return this.#open;
  }

  close(): void {
    for (const device of this.#open) device.close();
    this.#open.length = 0;
  }
}

/** Undefined where the work is refused with a diagnostic. */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TildeError) return undefined;
    throw error;
  }
}

/** Seconds of one call of `work`, which is called for a short while. */
export function timed(work: () => void): number {
  work();
  const start = performance.now();
  let calls = 0;
  while (performance.now() - start < TIMING_MS || calls === 0) {
    work();
    calls++;
  }
  return (performance.now() - start) / 1000 / calls;
}

/**
 * The device with the shortest steps; the CPU where it ends soon anyway. Devices that refuse the
 * program are passed over.
 * @param cpu seconds of a step there
 * @param steps that the run will take
 * @param on seconds of a step on a device
 */
export async function choose(
  shelf: Shelf,
  cpu: number,
  steps: number,
  on: (device: GraphDevice) => Promise<number>,
): Promise<Choice> {
  const seconds: Partial<Record<GraphDeviceName, number>> = { cpu };
  if (cpu * steps < SMALL_SECONDS) return { seconds };
  let best: { readonly device?: GraphDevice; readonly seconds: number } = { seconds: cpu };
  for (const device of await shelf.atHand()) {
    const found = await unlessRefused(() => on(device));
    if (found === undefined) continue;
    seconds[device.name] = found;
    if (found < best.seconds) best = { device, seconds: found };
  }
  return { device: best.device, seconds };
}

/** For `summary.json`: the device, and microseconds of a step on each that was measured. */
export function choiceFigures({ device, seconds }: Choice): {
  readonly device: string;
  readonly step_microseconds: Readonly<Record<string, number>>;
} {
  const micros = Object.entries(seconds).map(([name, s]) => [
    name,
    Number((s * 1e6).toPrecision(3)),
  ]);
  return { device: device?.name ?? "cpu", step_microseconds: Object.fromEntries(micros) };
}
