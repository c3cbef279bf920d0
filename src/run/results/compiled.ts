/** Functions of the latent scalars of a draw, compiled from a graph with one input. */
import { compileKernels, createMemory, instantiate } from "../../device/cpu/compile.js";
import { elementCount } from "../../model/data.js";
import { ConstantPool, lowerGraph } from "../../passes/lower/index.js";
import { simplify } from "../../passes/simplify/index.js";
import type { InputNode, Node } from "../../tensor/ops.js";

export interface CompiledFunction {
  /** Live: each call of `compute` writes them. */
  readonly outputs: readonly Float64Array[];
  readonly compute: (input: Float64Array) => void;
}

/** Compiles `nodes` as a function of `input`. */
export function compileFunction(input: InputNode, nodes: readonly Node[]): CompiledFunction {
  const names = nodes.map((_, k) => `out${k}`);
  const graph = simplify({
    inputs: [input],
    outputs: nodes.map((node, k) => ({ name: names[k], node })),
  });
  const lowered = lowerGraph(graph, {
    name: "readout",
    inputs: { [input.name]: "values" },
    outputs: Object.fromEntries(names.map((name) => [name, name])),
    constants: new ConstantPool(),
  });
  const buffer = (name: string, length: number) =>
    ({ name, element: "f64", length, region: "workspace" }) as const;
  const program = compileKernels({
    buffers: [
      buffer("values", elementCount(input.shape)),
      ...nodes.map((node, k) => buffer(names[k], elementCount(node.shape))),
      ...lowered.buffers,
    ],
    functions: lowered.functions,
  });
  const instance = instantiate(program, createMemory(program, 1), 0);
  const run = instance.fn("readout");
  const values = instance.f64("values");
  return {
    outputs: names.map((name) => instance.f64(name)),
    compute: (draw) => {
      values.set(draw);
      run();
    },
  };
}
