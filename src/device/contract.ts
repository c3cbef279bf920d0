/**
 * What every device offers to the code above it: kernels compiled to a program, and workspaces
 * ("instances") of it. src/device/cpu is the one in f64; a device in f32 says so in `precision`.
 */
import type { KernelModule } from "../kernel/ir.js";
import type { Graph } from "../tensor/ops.js";

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

/** Values of inputs or outputs by name, row-major. */
export type NamedValues = Readonly<Record<string, ArrayLike<number>>>;

/** Tables of the ziggurat, as `inference/hamiltonian/ziggurat.ts` has them. */
export interface ZigguratTables {
  readonly edges: Float64Array;
  readonly heights: Float64Array;
  readonly tailStart: number;
}

export type DeviceLaw =
  | { readonly kind: "normal"; readonly retrySite: number; readonly tables: ZigguratTables }
  /** On (0, 1). */
  | { readonly kind: "uniform" }
  /** Whole numbers 0 … of − 1. Below 2²⁴, so that single precision holds them. */
  | { readonly kind: "index"; readonly of: number }
  /**
   * Whole numbers 0 … of − 1 without replacement, the rows of a minibatch: the beginning of a
   * Fisher–Yates shuffle (Knuth, volume 2, algorithm P) that goes on from the order which the step
   * before left behind. The device keeps that order; an input of this law indexes gathers. The
   * numbers are the CPU's to the last one, also above 2²⁴ (src/inference/stochastic/rows.ts).
   */
  | { readonly kind: "rows"; readonly of: number };

/** An input of the graph that is drawn anew at each step: Philox4x32-10, as on the CPU. */
export interface DeviceNoise {
  readonly input: string;
  /** Third word of the streams' counters. */
  readonly site: number;
  readonly law: DeviceLaw;
}

/** One of several graphs that take the steps of a loop in turn. */
export interface LoopTurn {
  readonly graph: Graph;
  /** Its steps in a round. Rounds begin at step 0, and turns follow in their order. */
  readonly steps: number;
}

/** A graph as the step of a loop that stays on the device. */
export interface LoopSpec {
  /** Of several in turn, the first. */
  readonly graph: Graph;
  /**
   * Where several graphs take steps in turn. Inputs of one name are one, and a graph computes what
   * its steps need alone. All have the outputs of `trace`; where one lacks an output of `state`, its
   * steps leave that input as it is.
   */
  readonly turns?: readonly LoopTurn[];
  /** Inputs that a step changes, each with the output (of its shape) that is its next value. */
  readonly state: Readonly<Record<string, string>>;
  /** Inputs that are drawn at each step. */
  readonly noise: readonly DeviceNoise[];
  /** Outputs of which every step's value is kept. */
  readonly trace: readonly string[];
  /** Steps of one call, at most. */
  readonly mostSteps: number;
  /** Precision of matrix products, where the device has a choice; absent, its own. */
  readonly products?: Precision;
}

/** A compiled graph. */
export interface GraphProgram {
  /** Computes all outputs. Inputs that are left out keep their values of the last run (first: 0). */
  run(inputs: NamedValues): Promise<Record<string, Float64Array>>;
  /** Gives its memory back. */
  close(): void;
}

/** A compiled loop. */
export interface LoopProgram {
  /** Sets inputs and state. What was never set is 0. */
  set(values: NamedValues): void;
  /** Keys the random streams. */
  seed(seed: number | bigint, run: number): void;
  /**
   * Brings the shuffles of `rows` to the orders that `orders` gave; absent, to their first order, 0,
   * 1, 2, …, in which they begin.
   */
  rewind(orders?: readonly Float64Array[]): void;
  /** Of each shuffle of `rows`, as the noise has them, the order of all rows after the steps so far. */
  orders(): Promise<readonly Float64Array[]>;
  /**
   * Takes `count` steps from number `first` on. The result has one row a step of each traced
   * output. A device that is lost on the way leaves what was read before intact.
   * @param turn whose steps all of them are; absent, as the steps' numbers have it
   */
  steps(first: number, count: number, turn?: number): Promise<Record<string, Float64Array>>;
  /** Reads inputs and state, as they are after the steps so far. */
  read(names: readonly string[]): Promise<Record<string, Float64Array>>;
  close(): void;
}

/** `cpu` is src/device/cpu behind this contract, in f64. */
export type GraphDeviceName = "cpu" | "tensorflow" | "webgpu";

/** A device that takes whole tensor graphs: TensorFlow, WebGPU. */
export interface GraphDevice {
  readonly name: GraphDeviceName;
  readonly precision: Precision;
  /** Numbers of intermediate arrays that keep it busy; more at once gain no time. */
  readonly room: number;
  /** What it is, in words, and figures worth a line each, for `tilde devices`. */
  readonly description: string;
  readonly details: Readonly<Record<string, string | number>>;
  compileGraph(graph: Graph): Promise<GraphProgram>;
  compileLoop(spec: LoopSpec): Promise<LoopProgram>;
  close(): void;
}
