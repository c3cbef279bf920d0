/** Variables computed from the latent scalars of a draw: one compiled function for all of them. */
import { compileKernels, createMemory, instantiate } from "../../device/cpu/compile.js";
import { buildReadout } from "../../inference/logjoint/index.js";
import { elementCount } from "../../model/data.js";
import { ConstantPool, lowerGraph } from "../../passes/lower/index.js";
import { simplify } from "../../passes/simplify/index.js";
import { type FitData, latentLength } from "./fit.js";

/** A variable as the compiled function leaves it: `values` is live and row-major of `dims`. */
export interface ComputedVariable {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Float64Array;
}

export interface LetReadout {
  readonly variables: readonly ComputedVariable[];
  /** Computes the variables of one draw, which stands at `start` of the chain's values. */
  readonly compute: (draws: Float64Array, start: number) => void;
}

/** Compiles `names` (lets, or sites that are observed in part) as a function of the latents. */
export function compileLets(fit: FitData, names: readonly string[]): LetReadout {
  const readout = buildReadout(fit.conditioned, names);
  const width = latentLength(fit.latents);
  const graph = simplify({
    inputs: [readout.values],
    outputs: readout.outputs.map(({ name, node }) => ({ name, node })),
  });
  const lowered = lowerGraph(graph, {
    name: "readout",
    inputs: { values: "values" },
    outputs: Object.fromEntries(names.map((name, k) => [name, `out${k}`])),
    constants: new ConstantPool(),
  });
  const buffer = (name: string, length: number) =>
    ({ name, element: "f64", length, region: "workspace" }) as const;
  const program = compileKernels({
    buffers: [
      buffer("values", width),
      ...readout.outputs.map(({ dims }, k) => buffer(`out${k}`, elementCount(dims))),
      ...lowered.buffers,
    ],
    functions: lowered.functions,
  });
  const instance = instantiate(program, createMemory(program, 1), 0);
  const run = instance.fn("readout");
  const input = instance.f64("values");
  return {
    variables: readout.outputs.map(({ name, dims }, k) => ({
      name,
      dims,
      values: instance.f64(`out${k}`),
    })),
    compute: (draws, start) => {
      input.set(draws.subarray(start, start + width));
      run();
    },
  };
}
