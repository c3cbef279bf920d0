/** TensorFlow behind the contract of devices that take whole graphs. */
import { internalError } from "../../base/internal.js";
import type { GraphDevice, Precision } from "../contract.js";
import { compileGraph } from "./graph.js";
import { compileLoop } from "./loop.js";
import { loadPackage } from "./package.js";

/** Numbers that fill a card (0.5 GB in f64), and that stay in a CPU's caches. */
const ROOM = { gpu: 2 ** 26, cpu: 2 ** 21 } as const;

export interface TensorFlowOptions {
  /** Of all numbers; f64 unless asked. */
  readonly precision?: Precision;
  /** A folder whose `node_modules` has the package; default: the environment's `TILDE_TENSORFLOW`. */
  readonly folder?: string;
}

/**
 * TensorFlow on its first GPU, or on the CPU. Programs of a closed device fail.
 * @throws TildeError `tensorflow_missing`
 */
export async function openTensorFlow(options: TensorFlowOptions = {}): Promise<GraphDevice> {
  const precision = options.precision ?? "f64";
  const { name, addon } = loadPackage(precision, options.folder);
  const real = precision === "f64" ? "double" : "float";
  const isGpu = addon.isUsingGpuDevice();
  const programs = new Set<{ close(): void }>();
  let isOpen = true;
  const compile = <P extends { close(): void }>(make: () => P): P => {
    if (!isOpen) internalError("a closed TensorFlow device was used");
    const program = make();
    programs.add(program);
    return program;
  };
  return {
    name: "tensorflow",
    precision,
    room: isGpu ? ROOM.gpu : ROOM.cpu,
    description: `TensorFlow ${addon.TF_Version} on ${isGpu ? "a GPU (CUDA)" : "the CPU"}`,
    details: { package: name, precision },
    compileGraph: async (graph) => compile(() => compileGraph(addon, graph, real)),
    compileLoop: async (spec) => compile(() => compileLoop(addon, spec, real)),
    close: () => {
      isOpen = false;
      for (const program of programs) program.close();
      programs.clear();
    },
  };
}
