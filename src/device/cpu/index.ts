/** The CPU device: kernels as WebAssembly, in f64, with two SIMD lanes. */
import type { KernelDevice } from "../contract.js";
import { type CpuProgram, compileKernels, createMemory, instantiate } from "./compile.js";
import { emitModule } from "./emit.js";
import { printWat } from "./wat.js";

export type { CpuInstance, CpuProgram } from "./compile.js";
export type { EmitOptions } from "./emit.js";
export { compileKernels, createMemory, emitModule, instantiate, printWat };

/** The device as a value, for code that is written for any of them. */
export const cpuDevice: KernelDevice<CpuProgram, WebAssembly.Memory> = {
  name: "cpu",
  precision: "f64",
  compile: (module) => compileKernels(module),
  createMemory,
  instantiate,
};
