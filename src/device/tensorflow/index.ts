/** The TensorFlow device: graphs and loops as SavedModels, on the CPU or through CUDA. */
export { openTensorFlow, type TensorFlowOptions } from "./device.js";
