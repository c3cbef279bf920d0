/**
 * Kernels in two stages as one instance: passes over the data on a device, the rest on the CPU. A
 * run that waits (`inference/ascent/pending.ts`) has each pass done before it asks for it; one call
 * of the device is one pass, and nothing but sums and the log of the sum over assignments comes back.
 */

import { fail, TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice, GraphProgram, LoopProgram } from "../../device/contract.js";
import { names } from "../../inference/ascent/compile.js";
import type {
  Answer,
  Iterate,
  IterationLoop,
  Pending,
  Waiting,
} from "../../inference/ascent/pending.js";
import { type NotStaged, type StagedKernels, stageNames } from "../../inference/ascent/stage.js";
import type { KernelInstance } from "../../inference/contract.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { topological } from "../../tensor/traverse.js";
import { makeInstance } from "../gibbs-chain.js";
import { openCpuGraphs } from "./cpu-graphs.js";

type PassName = "expect" | "counts" | "sharpen" | "marginals";

export class StagedInstance implements KernelInstance {
  readonly kernels: StagedKernels;
  #device: GraphDevice;
  readonly #host: KernelInstance;
  readonly #programs = new Map<PassName, GraphProgram>();
  readonly #loops = new Map<IterationLoop, OwnLoop>();
  /** Arrays with an entry for each item: counts that are given, marginals that are asked for. */
  readonly #wide = new Map<string, Float64Array>();
  readonly #widths: ReadonlyMap<string, number>;
  #logSum: number | undefined;
  /** What the last pass read. */
  #entered: Record<string, Float64Array> = {};

  constructor(device: GraphDevice, kernels: StagedKernels) {
    this.#device = device;
    this.kernels = kernels;
    this.#host = makeInstance(kernels.module);
    const { patterns, discrete } = kernels;
    this.#widths = new Map([
      ...patterns.flatMap((p, k): [string, number][] => {
        const size = sizeOf(p.table.shape);
        return [
          [names.table(k), size],
          [names.counts(k), size],
        ];
      }),
      ...discrete.map((s, k): [string, number] => [
        names.marginals(k),
        s.dims.reduce((n, d) => n * d, s.count),
      ]),
    ]);
  }

  call(name: string): number {
    switch (name) {
      case "tables":
      case "marginals":
        return 0;
      case "discrete": {
        const found = this.#logSum ?? internalError("a pass that was not waited for");
        this.#logSum = undefined;
        return found;
      }
      default:
        return this.#host.call(name);
    }
  }
  fn(name: string): (...args: readonly number[]) => number {
    return () => this.call(name);
  }
  f64(buffer: string): Float64Array {
    const width = this.#widths.get(buffer);
    if (width === undefined) return this.#host.f64(buffer);
    const known = this.#wide.get(buffer);
    if (known !== undefined) return known;
    const made = new Float64Array(width);
    this.#wide.set(buffer, made);
    return made;
  }
  i32(buffer: string): Int32Array {
    return this.#host.i32(buffer);
  }

  /** Does what is pending. @throws TildeError where the device fails */
  async answer(pending: Pending): Promise<void> {
    const { graphs, patterns } = this.kernels;
    switch (pending.kind) {
      case "discrete": {
        const found = await (await this.#program("expect", graphs.expect)).run(this.enter());
        // In f64, whatever the device counts in.
        this.#logSum = found[stageNames.logSum].reduce((sum, v) => sum + v, 0);
        this.take(found);
        return;
      }
      case "counts": {
        const program = await this.#program("counts", graphs.atCounts);
        const given = patterns.map((_, k) => [names.counts(k), this.f64(names.counts(k))]);
        this.take(await program.run(Object.fromEntries(given)));
        return;
      }
      case "sharpen": {
        const { share } = pending;
        const program = await this.#program("sharpen", (room) => graphs.sharpened(share, room));
        this.take(await program.run(this.#entered));
        return;
      }
      case "marginals": {
        // The data are on the device once.
        this.close();
        const program = await this.#program("marginals", graphs.marginals);
        for (const [name, values] of Object.entries(await program.run(this.enter()))) {
          this.f64(name).set(values);
        }
        this.close();
        return;
      }
      case "iterate":
        return await this.#iterate(pending);
    }
  }

  /** Whole iterations, as many in a call as take a moment. */
  async #iterate({ loop, begin, steps, take }: Iterate): Promise<void> {
    const own = await this.#loop(loop);
    const { program } = own;
    if (begin !== undefined) program.set(begin);
    const wanted = own.seconds === undefined ? 2 : Math.ceil(CALL_SECONDS / own.seconds);
    const count = Math.max(1, Math.min(steps, wanted, MOST_STEPS));
    const start = performance.now();
    const rows = await program.steps(0, count);
    const state = await program.read(own.state);
    own.seconds = (performance.now() - start) / 1000 / count;
    take({ count, rows, state });
  }

  async #loop(loop: IterationLoop): Promise<OwnLoop> {
    const known = this.#loops.get(loop);
    if (known !== undefined) return known;
    const { graph, state, trace } = loop.step(this.#device.room);
    // Large data are on the device once.
    if (this.kernels.dataNumbers > MOST_TWICE) this.close();
    const spec = { graph, state, trace, noise: [], mostSteps: MOST_STEPS };
    const program = await this.#device.compileLoop(spec);
    const made: OwnLoop = { program, state: Object.keys(state), seconds: undefined };
    this.#loops.set(loop, made);
    return made;
  }

  /** Seconds of a pass at the present statistics, once it is set up. */
  async passSeconds(): Promise<number> {
    await this.answer({ kind: "discrete" });
    let best = Infinity;
    for (let k = 0; k < TIMINGS; k++) {
      const start = performance.now();
      await this.answer({ kind: "discrete" });
      best = Math.min(best, (performance.now() - start) / 1000);
    }
    return best;
  }

  /** Goes on without the device, where the CPU has room. */
  leave(): boolean {
    if (!fitsCpu(this.kernels)) return false;
    this.#programs.clear();
    this.#loops.clear();
    this.#device = openCpuGraphs();
    return true;
  }

  close(): void {
    for (const program of this.#programs.values()) program.close();
    for (const { program } of this.#loops.values()) program.close();
    this.#programs.clear();
    this.#loops.clear();
  }

  async #program(name: PassName, graph: (room: number) => Graph): Promise<GraphProgram> {
    const known = this.#programs.get(name);
    if (known !== undefined) return known;
    if (this.kernels.dataNumbers > MOST_TWICE) this.close();
    const made = await this.#device.compileGraph(graph(this.#device.room));
    this.#programs.set(name, made);
    return made;
  }

  /** What the pass reads, at the present statistics. */
  enter(): Record<string, Float64Array> {
    this.#host.call(stageNames.enter);
    const { inputs } = this.kernels;
    this.#entered = Object.fromEntries(
      inputs.map(({ name, length }) => [name, this.#host.f64(name).slice(0, length)]),
    );
    return this.#entered;
  }

  /** Puts sums where the host's kernels read them. */
  take(found: Record<string, Float64Array>): void {
    for (const { name } of this.kernels.sums) this.#host.f64(name).set(found[name]);
  }
}

interface OwnLoop {
  readonly program: LoopProgram;
  /** Names of what it changes. */
  readonly state: readonly string[];
  /** Of a step, as they were last. */
  seconds: number | undefined;
}

/** A call of whole iterations takes about so long, so that runs can be watched and stopped. */
const CALL_SECONDS = 0.25;
const MOST_STEPS = 64;
/** Data of more numbers are on a device for one program at a time. */
const MOST_TWICE = 2 ** 27;

const TIMINGS = 3;

/** Sums in single precision change by about this part from one pass to the next. */
export const SINGLE_TOLERANCE = 1e-7;

/** The step that stands in the way of a device. */
export function refuseStep(
  method: string,
  device: GraphDevice,
  { step, reason }: NotStaged,
): never {
  return fail("device_step", undefined, { method, device: device.name, step, reason });
}

/** How a run on a device ended. */
export interface Driven<T> {
  readonly result: T;
  /** Of a device that was lost on the way: the run went on without it, to its nearest end. */
  readonly lost?: TildeError;
}

/** Runs to the end, each pass on the instance's device. Signals and timers are heard between. */
export async function drive<T>(run: Waiting<T>, instance: StagedInstance): Promise<Driven<T>> {
  let lost: TildeError | undefined;
  let answer: Answer = "own";
  for (;;) {
    const step = run.next(answer);
    if (step.done === true) return { result: step.value, ...(lost && { lost }) };
    answer = "lost";
    // What was found is worth one more pass.
    const isLast = step.value.kind === "marginals";
    if (lost !== undefined && !(isLast && instance.leave())) continue;
    try {
      await instance.answer(step.value);
      answer = "done";
    } catch (error) {
      if (!(error instanceof TildeError)) throw error;
      lost ??= error;
      // Its last pass failed: the results are read on the CPU.
      if (isLast && instance.leave()) {
        await instance.answer(step.value);
        answer = "done";
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The CPU's memory holds this many numbers of a pass: half of what WebAssembly can address. */
const MOST_NUMBERS = 2 ** 28;

/** Kernels of more numbers cannot run: all that WebAssembly can address, but for 16 MiB. */
export const MOST_ADDRESSED = 2 ** 29 - 2 ** 21;

/** Whether the CPU's kernels have room for a pass: what is known, and what may be stored. */
export function fitsCpu({ graphs }: StagedKernels): boolean {
  const { room } = openCpuGraphs();
  return numbersOf(graphs.expect(room).outputs.map((o) => o.node)) <= MOST_NUMBERS;
}

function numbersOf(outputs: readonly Node[]): number {
  let numbers = 0;
  for (const n of topological(outputs)) {
    numbers += sizeOf(n.shape);
    if (n.op === "scan") numbers += numbersOf([...n.body.nextCarry, ...n.body.ys]);
  }
  return numbers;
}
