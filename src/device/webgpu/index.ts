/** The WebGPU device: graphs in single precision on a graphics card. */
export { openWebGpu, WebGpuDevice } from "./adapter.js";
export { compileGraph, type NamedValues, type WebGpuProgram } from "./graph.js";
