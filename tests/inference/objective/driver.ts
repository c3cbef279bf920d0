/** Objectives run on the host: compiled kernels, noise from a stream, Adam. For tests alone. */
import { renderDiagnostics } from "../../../src/base/render.js";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/index.js";
import { elaborate } from "../../../src/elaborate/index.js";
import { buildObjective, type ObjectiveGraph } from "../../../src/inference/objective/index.js";
import { verifyModule } from "../../../src/kernel/verify.js";
import { type RandomStream, stream } from "../../../src/math/rng/index.js";
import type { DataSet, DataValue } from "../../../src/model/data.js";
import { ConstantPool, lowerGraph } from "../../../src/passes/lower/index.js";
import { simplify } from "../../../src/passes/simplify/index.js";
import { loadImport } from "../../../src/run/sources.js";
import { parseSource } from "../../../src/syntax/parse.js";
import { verifyGraph } from "../../../src/tensor/verify.js";

export interface Setup {
  readonly text: string;
  readonly objective: string;
  /** By the objective's arguments, the name of a model or guide of the text. */
  readonly programs: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, DataValue | number>>;
  readonly args?: Readonly<Record<string, number>>;
  readonly batch?: Readonly<Record<string, number>>;
  readonly natural?: boolean;
  readonly analytic?: boolean;
}

const value = (x: DataValue | number): DataValue =>
  typeof x === "number" ? { dims: [], data: Float64Array.of(x) } : x;

/** Row-major data of nested lists. */
export function array(dims: readonly number[], data: readonly number[]): DataValue {
  return { dims, data: Float64Array.from(data) };
}

type Elaborated = Pick<ReturnType<typeof elaborate>, "models" | "guides" | "objectives">;
/** Texts that have been read: many setups of a test share one, and nothing changes what is found. */
const read = new Map<string, Elaborated>();

function elaborated(text: string): Elaborated {
  const known = read.get(text);
  if (known !== undefined) return known;
  const parsed = parseSource({ path: "test.ppl", text });
  const { diagnostics, ...found } = elaborate(parsed.ast, { loadImport });
  const errors = [...parsed.diagnostics, ...diagnostics].filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Error(renderDiagnostics(errors));
  read.set(text, found);
  return found;
}

export function build(setup: Setup): ObjectiveGraph {
  const { models, guides, objectives } = elaborated(setup.text);
  const objective = objectives.get(setup.objective);
  if (objective === undefined) throw new Error(`no objective ${setup.objective}`);
  const programs = Object.entries(setup.programs).map(([name, text]) => {
    const guide = guides.get(text);
    const model = guide?.program ?? models.get(text);
    if (model === undefined) throw new Error(`no program ${text}`);
    const { auxiliary } = guide ?? {};
    return [name, { model, isGuide: guide !== undefined, auxiliary }] as const;
  });
  const set = (given: Setup["data"]): DataSet =>
    new Map(Object.entries(given ?? {}).map(([k, v]) => [k, value(v)]));
  return buildObjective(objective, {
    programs: new Map(programs),
    data: set(setup.data),
    args: set(setup.args),
    batch: new Map(Object.entries(setup.batch ?? {})),
    natural: setup.natural,
    analytic: setup.analytic,
  });
}

export interface Driver {
  readonly theta: Float64Array;
  readonly gradient: Float64Array;
  /** Fresh noise. */
  draw(rng: RandomStream): void;
  /** Value and gradient at `theta` and the last noise; the states move on. */
  evaluate(): number;
  /** The params in their own coordinates, by name. */
  params(): Record<string, number[]>;
  input(name: string): Float64Array;
}

export function drive(made: ObjectiveGraph, seed = 1): Driver {
  const graph = simplify(made.graph);
  verifyGraph(graph);
  const pool = new ConstantPool();
  const sizeOf = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);
  const inputs = Object.fromEntries(graph.inputs.map((n) => [n.name, `in ${n.name}`]));
  const kept = graph.outputs.filter((o) => o.name !== "value");
  const outputs = Object.fromEntries(kept.map((o) => [o.name, `out ${o.name}`]));
  const { functions } = lowerGraph(graph, {
    name: "step",
    result: "value",
    inputs,
    outputs,
    constants: pool,
  });
  const workspace = (name: string, dims: readonly number[]) =>
    ({ name, element: "f64", length: Math.max(1, sizeOf(dims)), region: "workspace" }) as const;
  const module = {
    buffers: [
      ...graph.inputs.map((n) => workspace(inputs[n.name], n.shape)),
      ...kept.map((o) => workspace(outputs[o.name], o.node.shape)),
      ...pool.buffers(),
      ...pool.scratchBuffers(),
    ],
    functions,
  };
  verifyModule(module);
  const program = compileKernels(module);
  const instance = instantiate(program, createMemory(program, 1), 0);
  const known = new Set(graph.inputs.map((n) => n.name));
  const nowhere = new Map<string, Float64Array>();
  const input = (name: string, length: number): Float64Array => {
    if (known.has(name)) return instance.f64(inputs[name]);
    const spare = nowhere.get(name) ?? new Float64Array(Math.max(1, length));
    nowhere.set(name, spare);
    return spare;
  };
  const theta = input("theta", made.dimension);
  theta.set(made.initial(seed));
  for (const s of made.states) input(s.name, sizeOf(s.dims)).fill(s.init);
  for (const s of made.streams) {
    const at = input(`data.${s.name}`, 0);
    at.set(s.data.data.subarray(0, at.length));
  }
  return {
    theta,
    gradient: instance.f64(outputs.grad),
    draw: (rng) => {
      for (const n of made.noise) {
        const at = input(n.name, sizeOf(n.dims));
        for (let i = 0; i < sizeOf(n.dims); i++) {
          at[i] = n.law === "normal" ? rng.normal() : rng.uniform();
        }
      }
    },
    evaluate: () => {
      const result = instance.call("step");
      for (const s of made.states) {
        input(s.name, sizeOf(s.dims)).set(
          instance.f64(outputs[s.next]).subarray(0, sizeOf(s.dims)),
        );
      }
      return result;
    },
    params: () => {
      const values = instance.f64(outputs.values);
      return Object.fromEntries(
        made.params.map((p) => [
          p.name,
          [...values.subarray(p.valueOffset, p.valueOffset + p.valueLength)],
        ]),
      );
    },
    input: (name) => input(name, 0),
  };
}

/** Adam (Kingma and Ba 2015, algorithm 1) upwards, with the step falling to a tenth at the end. */
export function adam(
  d: Driver,
  options: { readonly steps: number; readonly rate: number; readonly seed: number },
): void {
  const { steps, rate, seed } = options;
  const first = new Float64Array(d.theta.length);
  const second = new Float64Array(d.theta.length);
  for (let t = 1; t <= steps; t++) {
    d.draw(stream(seed, 0, 0, t));
    d.evaluate();
    const step = rate * 0.1 ** (t / steps);
    for (let i = 0; i < d.theta.length; i++) {
      const slope = d.gradient[i];
      first[i] = 0.9 * first[i] + 0.1 * slope;
      second[i] = 0.999 * second[i] + 0.001 * slope * slope;
      const mean = first[i] / (1 - 0.9 ** t);
      d.theta[i] += (step * mean) / (Math.sqrt(second[i] / (1 - 0.999 ** t)) + 1e-8);
    }
  }
}

/** Mean of the value over fresh noise, with its standard error. */
export function average(
  d: Driver,
  draws: number,
  seed: number,
): { readonly mean: number; readonly error: number } {
  let sum = 0;
  let squares = 0;
  for (let t = 0; t < draws; t++) {
    d.draw(stream(seed, 1, 0, t));
    const v = d.evaluate();
    sum += v;
    squares += v * v;
  }
  const mean = sum / draws;
  return { mean, error: Math.sqrt((squares / draws - mean * mean) / draws) };
}
