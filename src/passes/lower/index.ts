/**
 * Graph → kernels: one function that computes the outputs of a tensor graph from its inputs, all
 * memory planned. `roots.ts` decides what is computed once, `plan.ts` makes tasks of it,
 * `schedule.ts` fuses their loops, `emit-loops.ts` and its neighbours write the code.
 */
import { internalError } from "../../base/internal.js";
import * as k from "../../kernel/build.js";
import type { Buffer, KernelFunction, Stmt } from "../../kernel/ir.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import { FunctionContext, type ProductPrecision, type Sharing, type Storage } from "./context.js";
import { RegionEmitter } from "./emit-loops.js";
import { zeroIndex } from "./index-maps.js";
import { ConstantPool } from "./memory.js";
import { claimOutputs, planTasks } from "./plan.js";
import { unrollSmallAxes } from "./unroll.js";

export type { ProductPrecision, Sharing } from "./context.js";
export { ConstantPool };

export interface LowerOptions {
  readonly name: string;
  /** An output of rank 0 that the function returns. */
  readonly result?: string;
  /** Buffers that hold the inputs, by input name. The function does not write to them. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Buffers for outputs, by output name; all different from the inputs' and from each other. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Shared by the functions of one module, which may also share scratch memory. */
  readonly constants: ConstantPool;
  /** Precision of large products of matrices; f64 unless given. */
  readonly products?: ProductPrecision;
  /** Which loops are cut into chunks that threads can share; large ones unless given. */
  readonly sharing?: Sharing;
}

export interface Lowered {
  readonly functions: readonly KernelFunction[];
  /**
   * Constants and scratch of the pool so far: of a module with several lowered functions, the
   * buffers of the last one.
   */
  readonly buffers: readonly Buffer[];
}

/** One exported function without parameters that computes the named outputs of the graph. */
export function lowerGraph(graph: Graph, options: LowerOptions): Lowered {
  const context = new FunctionContext(options.constants, options.products, options.sharing);
  const { outputs } = unrollSmallAxes(graph);
  const byName = new Map(outputs.map((o) => [o.name, o.node]));
  const wanted = Object.entries(options.outputs).map(([name, buffer]) => {
    const node = byName.get(name) ?? internalError(`the graph has no output ${name}`);
    return { node, storage: whole(node, buffer) };
  });
  let result: Node | undefined;
  if (options.result !== undefined) {
    result = byName.get(options.result) ?? internalError(`no output ${options.result}`);
    if (sizeOf(result.shape) !== 1) internalError(`${options.result} is not a number`);
  }
  const { fixed, copies } = claimOutputs(wanted);
  const roots = wanted.map((w) => w.node);
  if (result !== undefined) roots.push(result);
  const plan = planTasks(roots, [...fixed.keys()], copies);
  const inputs = new Map<Node, Storage>();
  for (const node of plan.roots.order) {
    if (node.op !== "input") continue;
    const buffer = options.inputs[node.name] ?? internalError(`input ${node.name} has no buffer`);
    inputs.set(node, whole(node, buffer));
  }
  const body: Stmt[] = [];
  const region = new RegionEmitter(context, plan, inputs, fixed, body);
  region.makeInPlace();
  region.emit();
  if (result !== undefined) {
    body.push(
      k.giveBack(
        region.values.value(
          result,
          result.shape.map(() => zeroIndex),
        ),
      ),
    );
  }
  region.release();
  const type = result === undefined ? undefined : "f64";
  const fn: KernelFunction = {
    name: options.name,
    params: [],
    result: type,
    body,
    exported: true,
  };
  const { constants } = options;
  return { functions: [fn], buffers: [...constants.buffers(), ...constants.scratchBuffers()] };
}

function whole(node: Node, buffer: string): Storage {
  return { kind: "buffer", buffer, offset: zeroIndex, strides: stridesOf(node.shape) };
}
