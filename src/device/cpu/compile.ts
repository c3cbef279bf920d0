/** Kernel modules to running code on the CPU: the public face of this device. */
import { internalError } from "../../base/internal.js";
import type { Buffer, KernelModule } from "../../kernel/ir.js";
import type { KernelInstance } from "../contract.js";
import { type EmitOptions, emitModule } from "./emit.js";
import { encodeModule, MAX_PAGES } from "./encode.js";
import { engineFuses } from "./engine.js";
import { instanceBase, type Layout, PAGE_BYTES, pagesFor } from "./layout.js";

/** Data for an absolute address (`constants`) or an offset in a workspace (`initial`). */
export interface MemoryImage {
  readonly offset: number;
  readonly data: Float64Array | Int32Array | BigUint64Array;
}

/**
 * A compiled module. Everything in it survives `postMessage`, so that a worker thread can
 * instantiate it on the same shared memory without compiling again.
 */
export interface CpuProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly wasmModule: WebAssembly.Module;
  readonly layout: Layout;
  readonly sharedMemory: boolean;
  readonly constants: readonly MemoryImage[];
  readonly initial: readonly MemoryImage[];
  /** Loops that other threads can help with (see `pool.ts`). */
  readonly jobs: number;
}

/** One workspace of a program. */
export type CpuInstance = KernelInstance;

/** Emits, encodes and compiles a module, synchronously. */
export function compileKernels(module: KernelModule, options: EmitOptions = {}): CpuProgram {
  const fused = options.fused ?? engineFuses;
  const emitted = emitModule(module, { ...options, fused });
  const { wasm, layout, literals, literalOffset, jobs } = emitted;
  const bytes = encodeModule(wasm);
  const constants = images(module.buffers, "constant", layout);
  constants.push({ offset: literalOffset, data: literals });
  return {
    bytes,
    wasmModule: new WebAssembly.Module(bytes),
    layout,
    sharedMemory: wasm.sharedMemory,
    constants,
    initial: images(module.buffers, "workspace", layout),
    jobs,
  };
}

function images(buffers: readonly Buffer[], region: Buffer["region"], layout: Layout) {
  const list: MemoryImage[] = [];
  for (const buffer of buffers) {
    if (buffer.region !== region || buffer.data === undefined) continue;
    if (buffer.data.length !== buffer.length) {
      internalError(`kernel buffer ${buffer.name} has ${buffer.data.length} of ${buffer.length}`);
    }
    list.push({ offset: layout.placements[buffer.name].offset, data: buffer.data });
  }
  return list;
}

/** A memory with room for `instances` workspaces (1 or more), holding the constants. */
export function createMemory(program: CpuProgram, instances: number): WebAssembly.Memory {
  const pages = pagesFor(program.layout, instances);
  if (pages > MAX_PAGES) {
    internalError(`${instances} instances need ${pages * PAGE_BYTES} bytes, above 4 GiB`);
  }
  const memory = new WebAssembly.Memory({
    initial: pages,
    maximum: pages,
    shared: program.sharedMemory,
  });
  for (const image of program.constants) write(memory, 0, image);
  return memory;
}

/**
 * Instance `index` of a program on a memory made by `createMemory` (possibly in another thread).
 * With `fresh` (the default) workspace buffers with initial data are set to it; the rest of a new
 * memory is zero. Instances on one memory must not share an index while one of them runs.
 */
export function instantiate(
  program: CpuProgram,
  memory: WebAssembly.Memory,
  index: number,
  options: { readonly fresh?: boolean } = {},
): CpuInstance {
  const { layout } = program;
  const base = instanceBase(layout, index);
  if (instanceBase(layout, index + 1) > memory.buffer.byteLength) {
    internalError(`the memory has no room for instance ${index}`);
  }
  if (options.fresh ?? true) for (const image of program.initial) write(memory, base, image);
  const global = new WebAssembly.Global({ value: "i32", mutable: false }, base);
  const instance = new WebAssembly.Instance(program.wasmModule, { env: { memory, base: global } });

  const place = (name: string, element: "f64" | "i32") => {
    const found = layout.placements[name] ?? internalError(`no kernel buffer ${name}`);
    if (found.element !== element) internalError(`kernel buffer ${name} is ${found.element}`);
    const start = found.offset + (found.region === "workspace" ? base : 0);
    return { start, length: found.length };
  };
  const fn = (name: string) => {
    const found = instance.exports[name];
    if (typeof found !== "function") return internalError(`no exported kernel function ${name}`);
    return found as (...args: readonly number[]) => number;
  };
  return {
    call: (name, ...args) => fn(name)(...args) ?? 0,
    fn,
    f64(name) {
      const { start, length } = place(name, "f64");
      return new Float64Array(memory.buffer, start, length);
    },
    i32(name) {
      const { start, length } = place(name, "i32");
      return new Int32Array(memory.buffer, start, length);
    },
  };
}

function write(memory: WebAssembly.Memory, base: number, { offset, data }: MemoryImage): void {
  const bytes = data.length * data.BYTES_PER_ELEMENT;
  const target = new Uint8Array(memory.buffer, base + offset, bytes);
  target.set(new Uint8Array(data.buffer, data.byteOffset, bytes));
}
