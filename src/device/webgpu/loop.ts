/**
 * Loops that stay on the device: each step draws its random inputs, computes the graph, and puts
 * outputs into the inputs of the next step. A call takes many steps in one submit; where all tasks
 * of a step are small, in one dispatch.
 */
import { internalError } from "../../base/internal.js";
import type { Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import type { DeviceLaw, LoopProgram, LoopSpec } from "../contract.js";
import type { WebGpuDevice } from "./adapter.js";
import { mapTask } from "./emit/map.js";
import { noiseTask } from "./emit/noise.js";
import { rowTasks, type Shuffle } from "./emit/rows.js";
import { advance, Block } from "./plan/block.js";
import { stepName } from "./plan/context.js";
import { ConstantTables, type Region, Regions } from "./plan/storage.js";
import { Executable, type KernelText } from "./program.js";

export interface WebGpuLoop extends LoopProgram {
  readonly kernels: readonly KernelText[];
}

interface Place {
  readonly region: Region;
  readonly length: number;
}

/** Compiles a loop. Errors are diagnostics (`webgpu_…`). */
export async function compileLoop(device: WebGpuDevice, spec: LoopSpec): Promise<WebGpuLoop> {
  const regions = new Regions();
  const tables = new ConstantTables();
  const inner = new Block(regions, tables, 0);
  const { graph, state, noise, mostSteps } = spec;
  const inputs = new Map<string, Place & { readonly node: Node }>();
  const drawn = new Map(noise.map((n) => [n.input, n.law.kind]));
  for (const node of graph.inputs) {
    const length = sizeOf(node.shape);
    const law = drawn.get(node.name);
    const region = regionOfInput(regions, tables, length, law, node.name in state);
    regions.set(node, region);
    inputs.set(node.name, { region, length, node });
  }
  const inputOf = (name: string) => inputs.get(name) ?? internalError(`no input ${name}`);
  const outputOf = (name: string): Node =>
    graph.outputs.find((o) => o.name === name)?.node ?? internalError(`no output ${name}`);
  const shuffles: Shuffle[] = [];
  for (const n of noise) {
    const { region, length } = inputOf(n.input);
    if (n.law.kind === "rows") {
      const { tasks, shuffle } = rowTasks(inner, n, n.law.of, region, length);
      inner.items.push(...tasks);
      shuffles.push(shuffle);
      continue;
    }
    if (n.law.kind === "index" && n.law.of > 2 ** 24) internalError("an index above 2²⁴");
    if (length > 0) inner.items.push(noiseTask(inner, n, region, length));
  }
  const traced = spec.trace.map((name) => {
    const node = outputOf(name);
    const size = sizeOf(node.shape);
    return { name, node, size, region: regions.make("y", size * mostSteps, true) };
  });
  const changed = Object.entries(state).map(([input, output]) => {
    const place = inputOf(input);
    const next = outputOf(output);
    if (sizeOf(next.shape) !== place.length)
      internalError(`${output} has not the size of ${input}`);
    return { ...place, next };
  });
  advance(
    inner,
    changed.map((c) => c.node),
    changed.map((c) => c.next),
    changed.map((c) => c.region),
    traced.map((t) => t.node),
    () => {
      for (const { node, region, size } of traced) {
        if (size === 0) continue;
        inner.items.push(mapTask(inner, node, region, { copy: true, row: stepName(0) }));
      }
    },
  );
  const executable = await Executable.create(device, {
    items: [{ kind: "loop", level: 0, length: "call", body: inner.items }],
    regions,
    tables,
  });
  const rewind = (): void => {
    for (const { order, all } of shuffles) {
      const first = new Uint32Array(all);
      for (let k = 0; k < all; k++) first[k] = k;
      executable.write(order, first);
    }
  };
  rewind();
  let key = { seed0: 0, seed1: 0, run: 0 };
  return {
    kernels: executable.kernels,
    close: () => executable.close(),
    set: (values) => {
      for (const [name, data] of Object.entries(values)) {
        const { region, length } = inputOf(name);
        if (data.length !== length) internalError(`input ${name} needs ${length} values`);
        executable.write(region, data);
      }
    },
    seed: (seed, run) => {
      const bits = BigInt.asUintN(64, BigInt(seed));
      key = { seed0: Number(bits & 0xffffffffn), seed1: Number(bits >> 32n), run: run >>> 0 };
    },
    rewind,
    steps: (first, count) =>
      device.guarded(`taking steps ${first} to ${first + count - 1}`, async () => {
        if (count > mostSteps) internalError(`${count} steps in a call, above ${mostSteps}`);
        executable.setParams({ ...key, first, count });
        executable.submit(count);
        const rows = traced.map(({ region, size }) => ({ region, length: size * count }));
        const values = await executable.read(rows);
        return Object.fromEntries(traced.map((t, k) => [t.name, Float64Array.from(values[k])]));
      }),
    read: (names) =>
      device.guarded("reading results", async () => {
        const values = await executable.read(names.map(inputOf));
        return Object.fromEntries(names.map((name, k) => [name, Float64Array.from(values[k])]));
      }),
  };
}

/** What steps change is in working memory, what they draw without replacement among the words. */
function regionOfInput(
  regions: Regions,
  tables: ConstantTables,
  length: number,
  law: DeviceLaw["kind"] | undefined,
  isState: boolean,
): Region {
  if (law === "rows") return tables.reserve(regions.make("i", length, true, "words"));
  if (law !== undefined) return regions.make("i", length + (length % 2));
  if (isState) return regions.make("i", length, true);
  return tables.reserve(regions.make("i", length, true, "data"));
}
