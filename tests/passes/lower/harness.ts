/** Runs graphs through lowering and the CPU device, next to the reference evaluator. */
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/compile.js";
import type { KernelFunction } from "../../../src/kernel/ir.js";
import {
  ConstantPool,
  lowerGraph,
  type ProductPrecision,
  type Sharing,
} from "../../../src/passes/lower/index.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph, InputNode, Node } from "../../../src/tensor/ops.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { distance } from "../../tensor/random-graph.js";

export type Inputs = Readonly<Record<string, Float64Array>>;

/** A graph whose outputs are named 0, 1, … */
export function graphOf(outputs: readonly Node[]): Graph {
  const inputs: InputNode[] = inputsOf(outputs);
  return { inputs, outputs: outputs.map((node, k) => ({ name: String(k), node })) };
}

export interface Compiled {
  readonly fn: KernelFunction;
  /** Loops that threads can share. */
  readonly jobs: number;
  /** All outputs; scratch memory and outputs hold NaN before. */
  run(inputs: Inputs): Record<string, Float64Array>;
}

export function compileGraph(
  graph: Graph,
  simd = true,
  fused?: boolean,
  products?: ProductPrecision,
  sharing?: Sharing,
): Compiled {
  const constants = new ConstantPool();
  const inputs = Object.fromEntries(graph.inputs.map((n) => [n.name, `in_${n.name}`]));
  const outputs = Object.fromEntries(graph.outputs.map((o) => [o.name, `out_${o.name}`]));
  const lowered = lowerGraph(graph, { name: "f", inputs, outputs, constants, products, sharing });
  const buffer = (name: string, node: Node) =>
    ({
      name,
      element: "f64",
      length: Math.max(1, sizeOf(node.shape)),
      region: "workspace",
    }) as const;
  const buffers = [
    ...lowered.buffers,
    ...graph.inputs.map((n) => buffer(inputs[n.name], n)),
    ...graph.outputs.map((o) => buffer(outputs[o.name], o.node)),
  ];
  const module = { buffers, functions: lowered.functions };
  const program = compileKernels(module, { simd, fused });
  const instance = instantiate(program, createMemory(program, 1), 0);
  const call = instance.fn("f");
  return {
    fn: lowered.functions[0],
    jobs: program.jobs,
    run(values) {
      for (const b of buffers) {
        if (b.region === "workspace" && b.element === "f64") instance.f64(b.name).fill(Number.NaN);
      }
      for (const n of graph.inputs) instance.f64(inputs[n.name]).set(values[n.name]);
      call();
      return Object.fromEntries(
        graph.outputs.map((o) => [
          o.name,
          instance.f64(outputs[o.name]).slice(0, sizeOf(o.node.shape)),
        ]),
      );
    },
  };
}

/** Largest distance of any output from the reference evaluator's. */
export function worstDistance(graph: Graph, inputs: Inputs, simd = true): number {
  const expected = evaluateGraph(graph, inputs);
  const got = compileGraph(graph, simd).run(inputs);
  return Math.max(0, ...Object.keys(expected).map((name) => distance(got[name], expected[name])));
}
