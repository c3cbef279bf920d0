/** Tensor graphs as programs of the device. */
import { internalError } from "../../base/internal.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import type { GraphProgram } from "../contract.js";
import type { WebGpuDevice } from "./adapter.js";
import { mapTask } from "./emit/map.js";
import { Block } from "./plan/block.js";
import type { Tuning } from "./plan/context.js";
import { ConstantTables, type Region, Regions } from "./plan/storage.js";
import { Executable, type KernelText, kernelTexts } from "./program.js";

/** A compiled graph. Results are single-precision numbers in double-precision arrays. */
export interface WebGpuProgram extends GraphProgram {
  readonly kernels: readonly KernelText[];
}

/** A pinned region for an output: its own where nothing else claimed the node, else a copy's. */
export function placeOutput(
  block: Block,
  node: Node,
  claimed: Set<Node>,
): { readonly region: Region; readonly isCopy: boolean } {
  const isLeaf = node.op === "input" || node.op === "const" || node.op === "output";
  const region = block.regions.make("o", sizeOf(node.shape), true);
  if (isLeaf || claimed.has(node) || block.regions.of(node) !== undefined) {
    return { region, isCopy: true };
  }
  claimed.add(node);
  block.regions.set(node, region);
  return { region, isCopy: false };
}

/** The tasks of a graph, with regions for its inputs and outputs. */
function planGraph(graph: Graph, tuning?: Tuning) {
  const regions = new Regions();
  const tables = new ConstantTables();
  const block = new Block(regions, tables, -1, tuning);
  const inputs = new Map<string, { readonly region: Region; readonly length: number }>();
  for (const node of graph.inputs) {
    const region = tables.reserve(regions.make("i", sizeOf(node.shape), true, "data"));
    regions.set(node, region);
    inputs.set(node.name, { region, length: sizeOf(node.shape) });
  }
  const claimed = new Set<Node>();
  const outputs = graph.outputs.map(({ name, node }) => ({
    name,
    node,
    length: sizeOf(node.shape),
    ...placeOutput(block, node, claimed),
  }));
  block.compute(
    graph.outputs.map((o) => o.node).filter((n) => n.op !== "input" && n.op !== "const"),
  );
  for (const { node, region, isCopy, length } of outputs) {
    if (isCopy && length > 0) block.items.push(mapTask(block, node, region, { copy: true }));
  }
  return { block, inputs, outputs };
}

/** A graph's kernels, for which no device is needed. */
export function graphKernels(
  graph: Graph,
  tuning?: Tuning,
  fewRounds?: number,
): readonly KernelText[] {
  const { block } = planGraph(graph, tuning);
  const { regions, tables } = block;
  return kernelTexts({ items: block.items, regions, tables, fewRounds });
}

/** A graph's kernels as text, as `--dump wgsl` prints them. */
export function printWgsl(graph: Graph, tuning?: Tuning, fewRounds?: number): string {
  return graphKernels(graph, tuning, fewRounds)
    .map(({ label, groups, code }) => `// ${label}, workgroups: ${groups}\n${code.trimEnd()}\n`)
    .join("\n");
}

/**
 * Compiles a graph with static shapes. Errors are diagnostics (`webgpu_…`). With `fewRounds` 0 every
 * task has a kernel of its own, as in large programs.
 */
export async function compileGraph(
  device: WebGpuDevice,
  graph: Graph,
  options: { readonly fewRounds?: number; readonly tuning?: Tuning } = {},
): Promise<WebGpuProgram> {
  const { block, inputs, outputs } = planGraph(graph, options.tuning ?? device.tuning);
  const { regions, tables } = block;
  const executable = await Executable.create(device, {
    items: block.items,
    regions,
    tables,
    fewRounds: options.fewRounds,
  });
  return {
    kernels: executable.kernels,
    close: () => executable.close(),
    run: (values) =>
      device.guarded("running a graph", async () => {
        for (const [name, data] of Object.entries(values)) {
          const input = inputs.get(name) ?? internalError(`the graph has no input ${name}`);
          if (data.length !== input.length) {
            internalError(`input ${name} needs ${input.length} values, got ${data.length}`);
          }
          executable.write(input.region, data);
        }
        executable.submit(0);
        const results = await executable.read(outputs);
        return Object.fromEntries(outputs.map((o, k) => [o.name, Float64Array.from(results[k])]));
      }),
  };
}
