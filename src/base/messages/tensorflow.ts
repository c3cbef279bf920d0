/** Diagnostic texts of the TensorFlow device. */
import { error } from "./entry.js";

export const tensorflowMessages = {
  tensorflow_missing: error((p: { reason: string }) => ({
    message: `TensorFlow is not at hand: ${p.reason}`,
    help: "install it with `npm install @tensorflow/tfjs-node-gpu` (for a GPU of CUDA) or `npm install @tensorflow/tfjs-node`, or choose another device",
  })),
  tensorflow_memory: error((p: { doing: string; reason: string }) => ({
    message: `TensorFlow ran out of memory while ${p.doing}: ${p.reason}`,
    help: "a smaller batch would do; what was read back before stays valid",
  })),
  tensorflow_failed: error((p: { doing: string; reason: string }) => ({
    message: `TensorFlow failed while ${p.doing}: ${p.reason}`,
    help: "what was read back before stays valid; please report this if the graphics device is well",
  })),
} as const;
