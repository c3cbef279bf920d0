/** The WebGPU device: graphs and loops in single precision on a graphics card. */
export { openWebGpu, WebGpuDevice } from "./adapter.js";
export type { DeviceLaw, DeviceNoise, ZigguratTables } from "./emit/noise.js";
export { compileGraph, type NamedValues, type WebGpuProgram } from "./graph.js";
export { checkPrecision, type DensityAt, LIMITS, type PrecisionReport } from "./guard.js";
export { compileLoop, type LoopSpec, type WebGpuLoop } from "./loop.js";
export {
  adamGraph,
  type OptimiserGraph,
  type OptimiserSettings,
  optimiserSettings,
} from "./optimise.js";
export type { KernelText } from "./program.js";
