/** The CPU's kernels behind the contract of devices that take whole graphs: in f64, in this thread. */
import { internalError } from "../../base/internal.js";
import type {
  DeviceNoise,
  GraphDevice,
  GraphProgram,
  LoopProgram,
  LoopSpec,
  LoopTurn,
  NamedValues,
  Precision,
} from "../../device/contract.js";
import { compileKernels, createMemory, instantiate } from "../../device/cpu/index.js";
import { inputsOfTurns, outputIn, outputOfTurns, turnAt, turnsOf } from "../../device/turns.js";
import type { KernelInstance } from "../../inference/contract.js";
import {
  type Noise,
  noiseKernels,
  noiseRoom,
  seedNoise,
} from "../../inference/stochastic/noise.js";
import { rowKernels } from "../../inference/stochastic/rows.js";
import type { Buffer, KernelFunction } from "../../kernel/ir.js";
import { ConstantPool, lowerGraph } from "../../passes/lower/index.js";
import type { Graph, InputNode } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";

/** Numbers that stay in a CPU's caches. */
const ROOM = 2 ** 20;

/** Inputs and outputs may share a name, and buffers may not. */
const outputBuffer = (name: string): string => `out:${name}`;

function workspace(name: string, length: number): Buffer {
  return { name, element: "f64", length: Math.max(1, length), region: "workspace" };
}

interface Extra {
  readonly buffers: readonly Buffer[];
  readonly functions: readonly KernelFunction[];
}

const kernelName = (k: number): string => (k === 0 ? "graph" : `graph.${k}`);

/** An instance of the graphs' kernels (`kernelName`), with a buffer for each input and output. */
function instanceOf(
  turns: readonly LoopTurn[],
  extra: Extra = { buffers: [], functions: [] },
  products?: Precision,
): KernelInstance {
  const pool = new ConstantPool();
  const functions = turns.flatMap(
    ({ graph }, k) =>
      lowerGraph(graph, {
        name: kernelName(k),
        inputs: Object.fromEntries(graph.inputs.map((n) => [n.name, n.name])),
        outputs: Object.fromEntries(graph.outputs.map((o) => [o.name, outputBuffer(o.name)])),
        constants: pool,
        products,
      }).functions,
  );
  const outputs = new Map(turns.flatMap((t) => t.graph.outputs.map((o) => [o.name, o.node])));
  const program = compileKernels({
    buffers: [
      // Normals are drawn in pairs.
      ...inputsOfTurns(turns).map((n) => workspace(n.name, noiseRoom(sizeOf(n.shape)))),
      ...[...outputs].map(([name, node]) => workspace(outputBuffer(name), sizeOf(node.shape))),
      ...pool.buffers(),
      ...pool.scratchBuffers(),
      ...extra.buffers,
    ],
    functions: [...functions, ...extra.functions],
  });
  return instantiate(program, createMemory(program, 1), 0);
}

class Places {
  readonly #sizes: ReadonlyMap<string, number>;
  constructor(
    readonly instance: KernelInstance,
    inputs: readonly InputNode[],
  ) {
    this.#sizes = new Map(inputs.map((n) => [n.name, sizeOf(n.shape)]));
  }
  of(name: string): Float64Array {
    const size = this.#sizes.get(name) ?? internalError(`the graph has no input ${name}`);
    return this.instance.f64(name).subarray(0, size);
  }
  set(values: NamedValues): void {
    for (const [name, data] of Object.entries(values)) {
      const to = this.of(name);
      if (data.length !== to.length) internalError(`input ${name} needs ${to.length} values`);
      to.set(data);
    }
  }
}

function programOf(graph: Graph): GraphProgram {
  const instance = instanceOf([{ graph, steps: 1 }]);
  const places = new Places(instance, graph.inputs);
  return {
    run: async (inputs) => {
      places.set(inputs);
      instance.call("graph");
      return Object.fromEntries(
        graph.outputs.map((o) => {
          const values = instance.f64(outputBuffer(o.name));
          return [o.name, values.slice(0, sizeOf(o.node.shape))];
        }),
      );
    },
    close: () => {},
  };
}

/** Kernels that draw the inputs, and the rows' orders, whose first numbers are the rows. */
function noiseOf(inputs: readonly InputNode[], noise: readonly DeviceNoise[]) {
  const sizeOfInput = (input: string): number =>
    sizeOf(inputs.find((n) => n.name === input)?.shape ?? internalError(`no input ${input}`));
  const own: Noise[] = [];
  const groups: { readonly size: string; readonly all: number; readonly rows: number }[] = [];
  for (const { input, site, law } of noise) {
    const length = sizeOfInput(input);
    if (law.kind === "rows") {
      groups.push({ size: input, all: law.of, rows: length });
      own.push({ buffer: `uniforms.${input}`, length, law: { kind: "uniform" }, site });
    } else {
      const drawn = law.kind === "normal" ? ({ kind: "normal" } as const) : law;
      own.push({ buffer: input, length, law: drawn, site });
    }
  }
  const rows = rowKernels(groups.map((g) => ({ ...g, sources: [] })));
  const drawn = noiseKernels(own);
  return {
    groups,
    buffers: [...drawn.buffers, ...rows.buffers],
    functions: [...drawn.functions, ...rows.functions.map((f) => ({ ...f, exported: true }))],
  };
}

function loopOf(spec: LoopSpec): LoopProgram {
  const { state, noise, trace, mostSteps } = spec;
  const turns = turnsOf(spec);
  const inputs = inputsOfTurns(turns);
  const drawn = noiseOf(inputs, noise);
  const instance = instanceOf(turns, drawn, spec.products);
  const places = new Places(instance, inputs);
  const draw = instance.fn("noise");
  const shuffle = instance.fn("rows");
  const shuffles = drawn.groups.map(({ size, rows }) => ({
    order: instance.i32(`rows.${size}`),
    rows: instance.i32(`rows.${size}`).subarray(0, rows),
    to: places.of(size),
  }));
  const size = (output: string): number => sizeOf(outputOfTurns(turns, output).shape);
  const views = Object.entries(state).map(([input, output]) => ({
    output,
    from: instance.f64(outputBuffer(output)).subarray(0, size(output)),
    to: places.of(input),
  }));
  const kernels = turns.map(({ graph }, k) => ({
    step: instance.fn(kernelName(k)),
    changed: views.filter((v) => outputIn(graph, v.output) !== undefined),
  }));
  const traced = trace.map((name) => ({
    name,
    from: instance.f64(outputBuffer(name)).subarray(0, size(name)),
  }));
  seedNoise(instance.i32("mc_key"), 0, 0);
  return {
    set: (values) => places.set(values),
    seed: (seed, run) => seedNoise(instance.i32("mc_key"), seed, run),
    rewind: (orders) => {
      shuffles.forEach(({ order }, s) => {
        for (let k = 0; k < order.length; k++) order[k] = orders?.[s][k] ?? k;
      });
    },
    orders: async () => shuffles.map(({ order }) => Float64Array.from(order)),
    steps: async (first, count, turn) => {
      if (count > mostSteps) internalError(`${count} steps in a call, above ${mostSteps}`);
      const rows = traced.map(({ from }) => new Float64Array(from.length * count));
      for (let t = 0; t < count; t++) {
        draw(first + t);
        shuffle();
        for (const { rows, to } of shuffles) to.set(rows);
        const { step, changed } = kernels[turn ?? turnAt(turns, first + t)];
        step();
        traced.forEach(({ from }, k) => {
          rows[k].set(from, t * from.length);
        });
        for (const { from, to } of changed) to.set(from);
      }
      return Object.fromEntries(traced.map(({ name }, k) => [name, rows[k]]));
    },
    read: async (names) => Object.fromEntries(names.map((n) => [n, places.of(n).slice()])),
    close: () => {},
  };
}

/** The CPU as a device that takes whole graphs. */
export function openCpuGraphs(): GraphDevice {
  return {
    name: "cpu",
    precision: "f64",
    room: ROOM,
    description: "WebAssembly with two f64 lanes, one thread",
    details: {},
    compileGraph: async (graph) => programOf(graph),
    compileLoop: async (spec) => loopOf(spec),
    close: () => {},
  };
}
