/**
 * What every device offers to the code above it: kernels compiled to a program, and workspaces
 * ("instances") of it. src/device/cpu is the one in f64; a device in f32 says so in `precision`.
 */
import type { KernelModule } from "../kernel/ir.js";

export type Precision = "f64" | "f32";

/** One workspace of a program: its exported functions and its buffers. */
export interface KernelInstance {
  /** Calls an exported function; one without a result gives 0. */
  call(name: string, ...args: readonly number[]): number;
  /** The exported function itself, for hot loops. */
  fn(name: string): (...args: readonly number[]) => number;
  /** A live view of an f64 buffer: of this instance's workspace, or a constant. */
  f64(buffer: string): Float64Array;
  /** A live view of an i32 buffer. */
  i32(buffer: string): Int32Array;
}

/** A way to run kernel modules. `Program` is what survives being posted to a worker. */
export interface KernelDevice<Program, Memory> {
  readonly name: string;
  readonly precision: Precision;
  /** Compiles what is reachable from the exported functions. */
  compile(module: KernelModule): Program;
  /** A memory with room for this many instances, holding the constants. */
  createMemory(program: Program, instances: number): Memory;
  /**
   * Instance `index` (from 0) on a memory, in any thread. `fresh` (default true) gives workspace
   * buffers their initial data.
   */
  instantiate(
    program: Program,
    memory: Memory,
    index: number,
    options?: { readonly fresh?: boolean },
  ): KernelInstance;
}
