/**
 * Threads that help with the concurrent loops of one kernel instance (see `device/cpu/pool.ts`):
 * large products of matrices are shared out, and every number is the same as without them. For runs
 * that drive a single instance; chains that fill the cores by themselves take none.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { InternalError } from "../base/internal.js";
import type { CpuInstance, CpuProgram } from "../device/cpu/compile.js";
import { compileKernels, createMemory, instantiate } from "../device/cpu/compile.js";
import { dismissHelpers, takeFailure } from "../device/cpu/pool.js";
import type { KernelModule } from "../kernel/ir.js";

/** What a helper's thread is started with. */
export interface HelperJob {
  readonly program: CpuProgram;
  readonly memory: WebAssembly.Memory;
}

/** A program with the one workspace that it runs in. */
export interface Placed extends HelperJob {
  readonly instance: CpuInstance;
}

export function place(kernels: KernelModule): Placed {
  const program = compileKernels(kernels);
  const memory = createMemory(program, 1);
  return { program, memory, instance: instantiate(program, memory, 0) };
}

/** Helpers that are sent home have gone after some milliseconds. */
const GRACE_MS = 5000;

const workerUrl = new URL("./helper-worker.js", import.meta.url);

/** How many helpers a program can use, where a run may have so many threads. */
export function helperCount({ jobs }: CpuProgram, threads: number | undefined): number {
  // The compiled worker is absent where the sources run without a build.
  if (jobs === 0 || !existsSync(workerUrl)) return 0;
  return Math.max(0, (threads ?? availableParallelism()) - 1);
}

/** Helpers of an instance; none until `start`. */
export class Helpers {
  readonly #placed: Placed;
  readonly #count: number;
  #ends: Promise<void>[] = [];
  #workers: Worker[] = [];

  constructor(placed: Placed, threads: number | undefined) {
    this.#placed = placed;
    this.#count = helperCount(placed.program, threads);
  }

  /** Starts the threads, once: a few tens of milliseconds later they help. */
  start(): void {
    if (this.#ends.length > 0) return;
    const { program, memory } = this.#placed;
    // The constants are in the memory: threads need not carry them.
    const workerData: HelperJob = { program: { ...program, constants: [], initial: [] }, memory };
    this.#workers = Array.from(
      { length: this.#count },
      () => new Worker(workerUrl, { workerData, execArgv: [] }),
    );
    this.#ends = this.#workers.map((worker) => {
      const end = new Promise<void>((resolve, reject) => {
        worker.on("error", (cause) => reject(new InternalError("a helper failed", { cause })));
        worker.on("exit", (code) => {
          if (code === 0) resolve();
          else reject(new InternalError(`a helper ended with code ${code}`));
        });
      });
      // It is waited for in `close`, which may be long after it failed.
      end.catch(() => undefined);
      return end;
    });
  }

  /**
   * Sends the helpers home and waits until they have gone. The instance must not be running; it may
   * run again afterwards, alone.
   * @throws InternalError where a helper failed or was lost.
   */
  async close(): Promise<void> {
    if (this.#ends.length === 0) return;
    const { instance } = this.#placed;
    const isLost = takeFailure(instance);
    dismissHelpers(instance);
    // One that hangs would never hear of it.
    const timer = setTimeout(() => {
      for (const worker of this.#workers) void worker.terminate();
    }, GRACE_MS);
    const ends = await Promise.allSettled(this.#ends);
    clearTimeout(timer);
    this.#ends = [];
    this.#workers = [];
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    if (isLost) throw new InternalError("a helper was lost in the middle of its work");
  }
}
