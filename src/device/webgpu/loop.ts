/**
 * Loops that stay on the device: each step draws its random inputs, computes the graph, and puts
 * outputs into the inputs of the next step. A call takes many steps in one submit; where all tasks
 * of a step are small, in one dispatch.
 */
import { internalError } from "../../base/internal.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import type { DeviceLaw, LoopProgram, LoopSpec, LoopTurn } from "../contract.js";
import { inputsOfTurns, outputIn, outputOfTurns, turnAt, turnsOf } from "../turns.js";
import type { WebGpuDevice } from "./adapter.js";
import { mapTask } from "./emit/map.js";
import { noiseTask } from "./emit/noise.js";
import { rowTasks, type Shuffle } from "./emit/rows.js";
import { advance, Block } from "./plan/block.js";
import { type Item, stepName, type Tuning } from "./plan/context.js";
import { ConstantTables, type Region, Regions } from "./plan/storage.js";
import { Executable, type KernelText, kernelTexts } from "./program.js";
import { BY_NUMBER } from "./wgsl/library.js";

export interface WebGpuLoop extends LoopProgram {
  readonly kernels: readonly KernelText[];
}

interface Place {
  readonly region: Region;
  readonly length: number;
}

/** The tasks of a loop, with regions for its inputs and what it traces. */
function planLoop(spec: LoopSpec, tuning?: Tuning) {
  const regions = new Regions();
  const tables = new ConstantTables();
  const inner = new Block(regions, tables, 0, tuning);
  const { state, noise, mostSteps } = spec;
  const turns = turnsOf(spec);
  const inputs = new Map<string, Place>();
  const drawn = new Map(noise.map((n) => [n.input, n.law.kind]));
  for (const node of inputsOfTurns(turns)) {
    const length = sizeOf(node.shape);
    const law = drawn.get(node.name);
    const region = regionOfInput(regions, tables, length, law, node.name in state);
    inputs.set(node.name, { region, length });
  }
  const inputOf = (name: string) => inputs.get(name) ?? internalError(`no input ${name}`);
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
  }
  const traced = spec.trace.map((name) => {
    const size = sizeOf(outputOfTurns(turns, name).shape);
    return { name, size, region: regions.make("y", size * mostSteps, true) };
  });
  /** The items of one turn's steps. */
  const itemsOf = ({ graph }: LoopTurn): readonly Item[] => {
    const block = new Block(regions, tables, 0, tuning);
    const own = new Map(graph.inputs.map((n) => [n.name, n]));
    for (const n of graph.inputs) regions.set(n, inputOf(n.name).region);
    for (const n of noise) {
      const { region, length } = inputOf(n.input);
      const isDrawn = n.law.kind !== "rows" && length > 0 && own.has(n.input);
      if (isDrawn) block.items.push(noiseTask(block, n, region, length));
    }
    const changed = Object.entries(state).flatMap(([input, output]) => {
      const next = outputIn(graph, output);
      if (next === undefined) return [];
      const { region, length } = inputOf(input);
      if (sizeOf(next.shape) !== length) internalError(`${output} has not the size of ${input}`);
      return [{ region, present: own.get(input), next }];
    });
    const rows = traced.map((t) => ({ ...t, node: outputOfTurns([{ graph, steps: 1 }], t.name) }));
    advance(
      block,
      changed.map((c) => c.present),
      changed.map((c) => c.next),
      changed.map((c) => c.region),
      rows.map((t) => t.node),
      () => {
        for (const { node, region, size } of rows) {
          if (size === 0) continue;
          block.items.push(mapTask(block, node, region, { copy: true, row: stepName(0) }));
        }
      },
    );
    return block.items;
  };
  const cases = turns.map((turn) => ({ steps: turn.steps, body: itemsOf(turn) }));
  inner.items.push(
    ...(cases.length === 1 ? cases[0].body : [{ kind: "choice", level: 0, cases } as const]),
  );
  const items: readonly Item[] = [{ kind: "loop", level: 0, length: "call", body: inner.items }];
  return { planned: { items, regions, tables }, turns, inputOf, shuffles, traced };
}

/** A loop's kernels as text, for which no device is needed; one step runs each of them once. */
export function printLoop(spec: LoopSpec, tuning?: Tuning): readonly KernelText[] {
  return kernelTexts(planLoop(spec, tuning).planned);
}

/** Compiles a loop. Errors are diagnostics (`webgpu_…`). */
export async function compileLoop(device: WebGpuDevice, spec: LoopSpec): Promise<WebGpuLoop> {
  const { planned, turns, inputOf, shuffles, traced } = planLoop(spec, device.tuning);
  const { mostSteps } = spec;
  const executable = await Executable.create(device, planned);
  const rewind = (orders?: readonly Float64Array[]): void => {
    shuffles.forEach(({ order, all }, s) => {
      const first = new Uint32Array(all);
      for (let k = 0; k < all; k++) first[k] = orders?.[s][k] ?? k;
      executable.write(order, first);
    });
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
    orders: () =>
      device.guarded("reading the order of rows", async () => {
        const values = await executable.read(
          shuffles.map(({ order, all }) => ({ region: order, length: all })),
        );
        // They are whole numbers, read as if they were real ones.
        return values.map(({ buffer }) => Float64Array.from(new Uint32Array(buffer)));
      }),
    steps: (first, count, turn) =>
      device.guarded(`taking steps ${first} to ${first + count - 1}`, async () => {
        if (count > mostSteps) internalError(`${count} steps in a call, above ${mostSteps}`);
        executable.setParams({ ...key, first, count, turn: turn ?? BY_NUMBER });
        executable.submit(count, (step) => turn ?? turnAt(turns, first + step));
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
