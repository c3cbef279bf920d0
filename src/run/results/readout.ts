/** Variables read out of a fit by name: latent sites as drawn, lets computed on demand. */
import { fail } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import { compileKernels, createMemory, instantiate } from "../../device/cpu/compile.js";
import { buildReadout } from "../../inference/logjoint/index.js";
import { elementCount, elementName, unravel } from "../../model/data.js";
import { ConstantPool, lowerGraph } from "../../passes/lower/index.js";
import { simplify } from "../../passes/simplify/index.js";
import { type FitData, latentLength, type VariableDraws } from "./fit.js";

/** One scalar of a variable: its name and where it stands in the variable's draws. */
export interface Element {
  readonly name: string;
  readonly position: number;
}

/** Sites, params and lets that depend on one: what a fit can tell, in the order of the model. */
export function readableNames(fit: FitData): string[] {
  if (fit.whole !== undefined) return [...fit.whole.keys()];
  const latent = new Set(fit.latents.map((v) => v.name));
  return fit.conditioned.model.variables
    .filter((v) => latent.has(v.name) || (v.role === "let" && v.random))
    .map((v) => v.name);
}

/** The scalars of a variable that are not data: all of them, or the imputed ones. */
export function elementsOf(fit: FitData, name: string, dims: readonly number[]): Element[] {
  const latent = fit.latents.find((v) => v.name === name);
  const positions =
    latent?.elements ?? Float64Array.from({ length: elementCount(dims) }, (_, i) => i);
  return Array.from(positions, (position) => ({
    name: elementName(name, unravel(position, dims)),
    position,
  }));
}

/**
 * Draws of several variables.
 * @throws TildeError for a name that the model does not define.
 */
export function readVariables(
  fit: FitData,
  names: readonly string[],
): ReadonlyMap<string, VariableDraws> {
  const { model } = fit.conditioned;
  const known = model.variables.map((v) => v.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    fail("unknown_variable", undefined, { name, known, near: nearestNames(name, known) });
  }
  const out = new Map<string, VariableDraws>();
  const computed: string[] = [];
  for (const name of names) {
    const whole = fit.whole?.get(name);
    if (whole !== undefined) {
      out.set(name, whole);
      continue;
    }
    const latent = fit.latents.find((v) => v.name === name && v.elements === undefined);
    if (latent === undefined) computed.push(name);
    else out.set(name, sliceDraws(fit, latent.offset, latent.length, latent.dims));
  }
  for (const [name, draws] of computeDraws(fit, computed)) out.set(name, draws);
  return out;
}

function sliceDraws(
  fit: FitData,
  offset: number,
  length: number,
  dims: readonly number[],
): VariableDraws {
  const width = latentLength(fit.latents);
  const draws = fit.chains[0]?.draws ?? 0;
  const data = new Float64Array(fit.chains.length * draws * length);
  let next = 0;
  for (const chain of fit.chains) {
    for (let t = 0; t < draws; t++) {
      const row = t * width + offset;
      for (let k = 0; k < length; k++) data[next++] = chain.values[row + k];
    }
  }
  return { data, shape: [fit.chains.length, draws, ...dims] };
}

/** Compiles the lets as a function of the latent scalars and runs it over all draws. */
function computeDraws(fit: FitData, names: readonly string[]): Map<string, VariableDraws> {
  const out = new Map<string, VariableDraws>();
  if (names.length === 0) return out;
  const readout = buildReadout(fit.conditioned, names);
  const width = latentLength(fit.latents);
  const pool = new ConstantPool();
  const graph = simplify({
    inputs: [readout.values],
    outputs: readout.outputs.map(({ name, node }) => ({ name, node })),
  });
  const outputs = Object.fromEntries(names.map((name, k) => [name, `out${k}`]));
  const lowered = lowerGraph(graph, {
    name: "readout",
    inputs: { values: "values" },
    outputs,
    constants: pool,
  });
  const buffer = (name: string, length: number) =>
    ({ name, element: "f64", length, region: "workspace" }) as const;
  const sizes = readout.outputs.map((o) => elementCount(o.dims));
  const program = compileKernels({
    buffers: [
      buffer("values", width),
      ...names.map((_, k) => buffer(`out${k}`, sizes[k])),
      ...lowered.buffers,
    ],
    functions: lowered.functions,
  });
  const instance = instantiate(program, createMemory(program, 1), 0);
  const run = instance.fn("readout");
  const input = instance.f64("values");
  const views = names.map((_, k) => instance.f64(`out${k}`));
  const draws = fit.chains[0]?.draws ?? 0;
  const results = sizes.map((n) => new Float64Array(fit.chains.length * draws * n));
  let row = 0;
  for (const chain of fit.chains) {
    for (let t = 0; t < draws; t++, row++) {
      input.set(chain.values.subarray(t * width, (t + 1) * width));
      run();
      for (let k = 0; k < views.length; k++) results[k].set(views[k], row * sizes[k]);
    }
  }
  readout.outputs.forEach(({ name, dims }, k) => {
    out.set(name, { data: results[k], shape: [fit.chains.length, draws, ...dims] });
  });
  return out;
}
