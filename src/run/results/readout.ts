/** Variables read out of a fit by name, whole: latent sites as drawn, lets computed on demand. */
import { fail } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import { isAuxiliary } from "../../model/auxiliary.js";
import { elementCount } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import { summedSites } from "./discrete.js";
import { type FitData, latentLength, rowOf, type VariableDraws } from "./fit.js";
import { compileLets } from "./lets.js";

/** Sites, params and lets that depend on one: what a fit can tell, in the order of the model. */
export function readableNames(fit: FitData): string[] {
  if (fit.whole !== undefined) return [...fit.whole.keys()];
  const latent = new Set([...fit.latents.map((v) => v.name), ...summedSites(fit)]);
  return fit.conditioned.model.variables
    .filter((v) => latent.has(v.name) || (v.role === "let" && v.random && !isAuxiliary(v.name)))
    .map((v) => v.name);
}

/** @throws TildeError for the first name that the model does not define. */
export function checkNames(model: Model, names: readonly string[]): void {
  const known = model.variables.map((v) => v.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    fail("unknown_variable", undefined, { name, known, near: nearestNames(name, known) });
  }
}

/**
 * The same, and that the fit has draws of them: components of an unbounded plate that were
 * integrated out, or that differ in number from draw to draw, have none.
 * @throws TildeError for the first name that the model does not define or the fit cannot tell.
 */
function checkReadable(fit: FitData, names: readonly string[]): void {
  checkNames(fit.conditioned.model, names);
  if (fit.whole === undefined) return;
  for (const name of names) {
    const variable = fit.conditioned.model.variables.find((v) => v.name === name);
    if (fit.whole.has(name) || variable?.given === "all") continue;
    fail("variable_not_kept", variable?.span, { name, kept: [...fit.whole.keys()] });
  }
}

/** `theta` of `theta` and of its element `theta[3]`. */
export function variableOf(selection: string): string {
  return selection.replace(/\[.*\]$/, "");
}

/**
 * Names of variables and of single elements, `theta[3]`, against a model.
 * @throws TildeError for the first whose variable the model does not define.
 */
export function checkSelections(model: Model, selections: readonly string[]): void {
  checkNames(model, selections.map(variableOf));
  for (const element of selections) {
    const name = variableOf(element);
    const rank = model.variables.find((v) => v.name === name)?.type.dims.length;
    // How many elements there are is known with the data; that there are none is known here.
    if (rank === 0 && element !== name) {
      fail("unknown_element", undefined, { element, name, dims: "" });
    }
  }
}

/** The same against a fit, which has not always draws of everything. @throws TildeError */
export function checkColumns(fit: FitData, selections: readonly string[]): void {
  checkReadable(fit, selections.map(variableOf));
}

/**
 * Draws of several variables, shape `[chains, draws, …dims]` each.
 * @throws TildeError for a name that the model does not define or the fit has no draws of.
 */
export function readVariables(
  fit: FitData,
  names: readonly string[],
): ReadonlyMap<string, VariableDraws> {
  checkReadable(fit, names);
  const out = new Map<string, VariableDraws>();
  const computed: string[] = [];
  for (const name of names) {
    const whole = fit.whole?.get(name);
    if (whole !== undefined) {
      // Whoever asks for all draws gets plain data, wherever they were.
      out.set(name, whole.row === undefined ? whole : { data: whole.data, shape: whole.shape });
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
      const { values, start } = rowOf(chain, t, width);
      const from = start + offset;
      for (let k = 0; k < length; k++) data[next++] = values[from + k];
    }
  }
  return { data, shape: [fit.chains.length, draws, ...dims] };
}

/** Runs the lets, compiled together, over all draws. */
function computeDraws(fit: FitData, names: readonly string[]): Map<string, VariableDraws> {
  if (names.length === 0) return new Map();
  const { variables, compute } = compileLets(fit, names);
  const width = latentLength(fit.latents);
  const draws = fit.chains[0]?.draws ?? 0;
  const sizes = variables.map((v) => elementCount(v.dims));
  const results = sizes.map((n) => new Float64Array(fit.chains.length * draws * n));
  let row = 0;
  for (const chain of fit.chains) {
    for (let t = 0; t < draws; t++, row++) {
      const { values, start } = rowOf(chain, t, width);
      compute(values, start, row);
      variables.forEach((v, k) => {
        results[k].set(v.values, row * sizes[k]);
      });
    }
  }
  return new Map(
    variables.map(({ name, dims }, k) => [
      name,
      { data: results[k], shape: [fit.chains.length, draws, ...dims] },
    ]),
  );
}
