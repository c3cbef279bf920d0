/** The WebGPU device: graphs and loops in single precision on a graphics card. */
export { type GpuOptions, openGpu, type WebGpuDevice } from "./adapter.js";
export { asGraphDevice, openWebGpu } from "./device.js";
export { compileGraph, graphKernels, printWgsl, type WebGpuProgram } from "./graph.js";
export { compileLoop, printLoop, type WebGpuLoop } from "./loop.js";
export { SOFTWARE_TUNING, type Tuning, USUAL_TUNING } from "./plan/context.js";
export type { KernelWork } from "./plan/work.js";
export { type KernelTime, Profiler } from "./profile.js";
export type { KernelText } from "./program.js";
