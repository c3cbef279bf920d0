/**
 * Discrete sites that a method summed out, read back after the run: given the other sites of a
 * draw their tables are known, and exact draws, marginals and modes follow by message passing.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { planElimination } from "../../inference/enumerate/plan.js";
import { Propagation, startsOf } from "../../inference/enumerate/propagate.js";
import type { DiscreteSite } from "../../inference/logjoint/discrete/index.js";
import { buildDiscreteReadout } from "../../inference/logjoint/discrete/readout.js";
import { isDiscrete } from "../../inference/logjoint/latents.js";
import { philoxKey, stream } from "../../math/rng/index.js";
import {
  type DataSet,
  type DataValue,
  elementCount,
  elementName,
  unravel,
} from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import { dependsOnRandom, walkStmts } from "../../model/traverse.js";
import { concreteDims } from "../../passes/condition/index.js";
import { compileSimulator } from "../../passes/interpret/simulate.js";
import { compileFunction } from "./compiled.js";
import { type ChainDraws, type DiscreteRange, type FitData, latentLength, rowOf } from "./fit.js";
import type { ComputedVariable } from "./lets.js";

/** The random streams of these draws have this for their site; samplers use small numbers. */
const STREAM_SITE = 0x50000000;

/** The latent discrete sites of a fit that are not among its draws. */
export function summedSites(fit: FitData): string[] {
  if (fit.whole !== undefined) return [];
  const drawn = new Set(fit.latents.map((v) => v.name));
  return (
    fit.conditioned.model.variables
      .filter((v) => v.role === "site" && isDiscrete(v.support) && v.given !== "all")
      // One without elements is not summed out, whatever the method.
      .filter((v) => !drawn.has(v.name) && !concreteDims(fit.conditioned, v.type.dims).includes(0))
      .map((v) => v.name)
  );
}

/** The discrete sites that stand among a fit's draws. */
export function drawnDiscrete(fit: FitData): string[] {
  return fit.latents.filter((v) => isDiscrete(v.variable.support)).map((v) => v.name);
}

/** Those sites, and the lets that depend on one. */
export function summedNames(fit: FitData): ReadonlySet<string> {
  const sites = summedSites(fit);
  return sites.length === 0 ? new Set() : dependents(fit.conditioned.model, sites);
}

/** The variables of `names`, and the definitions that depend on one. */
export function dependents(model: Model, names: readonly string[]): Set<string> {
  const found = new Set(names);
  if (found.size === 0) return found;
  let before = -1;
  while (found.size !== before) {
    before = found.size;
    walkStmts(model.body, (s) => {
      const isDefinition = s.kind === "let" || s.kind === "local";
      if (isDefinition && dependsOnRandom(s.value, found)) found.add(s.name);
    });
  }
  return found;
}

interface Reader {
  readonly sites: readonly DiscreteSite[];
  readonly counts: Int32Array;
  readonly propagation: Propagation;
  /** Density of the statements that read no discrete site, after a move. */
  readonly rest: Float64Array;
  /** Moves to the latent scalars that stand at `start`. */
  readonly moveTo: (values: Float64Array, start: number) => void;
}

/** The tables of the discrete sites, compiled as a function of a draw. */
export function openDiscrete(fit: FitData): Reader {
  const readout = buildDiscreteReadout(fit.conditioned, fit.method);
  const { sites, graph } = readout;
  const plan = planElimination(graph, (element) => nameOf(sites, element));
  const outputs = [readout.rest, ...readout.tables];
  const run = compileFunction(readout.values, outputs);
  const propagation = new Propagation(plan);
  const [rest, ...tables] = run.outputs;
  const width = latentLength(fit.latents);
  let isConstant = false;
  return {
    sites,
    counts: graph.counts,
    propagation,
    rest,
    moveTo: (values, start) => {
      // Without other latent sites the tables are the same for every draw, and so are the sums.
      if (isConstant) return;
      run.compute(values.subarray(start, start + width));
      propagation.setTables(tables);
      isConstant = width === 0;
    },
  };
}

function nameOf(sites: readonly DiscreteSite[], element: number): string {
  const site =
    sites.find((s) => element < s.offset + elementCount(s.dims)) ??
    internalError(`no discrete element ${element}`);
  return elementName(site.name, unravel(element - site.offset, site.dims));
}

export interface SummedReadout {
  readonly variables: readonly ComputedVariable[];
  /** Reads the draw that stands at `start`; `row` counts the draws over all chains. */
  readonly compute: (draws: Float64Array, start: number, row: number) => void;
}

/**
 * Joint draws of summed-out sites given the rest of each draw, and lets computed from them. Each
 * draw has random numbers of its own, so that it is the same whenever it is read. Of a point
 * estimate this is the most probable assignment.
 */
export function readSummed(fit: FitData, names: readonly string[]): SummedReadout {
  const reader = openDiscrete(fit);
  const key = philoxKey(fit.seed);
  const values = new Map(
    reader.sites.map((s): [string, DataValue] => [
      s.name,
      { dims: s.dims, data: new Float64Array(elementCount(s.dims)) },
    ]),
  );
  const lets = names.filter((n) => !values.has(n));
  const simulator =
    lets.length === 0 ? undefined : compileSimulator(fit.conditioned, new Set(lets));
  const computed = new Map<string, DataValue>();
  const compute = (draws: Float64Array, start: number, row: number): void => {
    reader.moveTo(draws, start);
    const rng = stream(fit.seed, 0, STREAM_SITE, row);
    const chosen = fit.isPoint
      ? reader.propagation.mostProbable().values
      : reader.propagation.sample(() => rng.uniform());
    for (const { name, offset, low } of reader.sites) {
      const out = values.get(name)?.data ?? internalError(`no values of ${name}`);
      for (let k = 0; k < out.length; k++) out[k] = low + chosen[offset + k];
    }
    if (simulator === undefined) return;
    const given = new Map([
      ...fit.conditioned.observed,
      ...latentArrays(fit, draws, start),
      ...values,
    ]);
    const made = simulator.draw(given, { key, offset: STREAM_SITE }, row);
    for (const name of lets) {
      const value = made.get(name) ?? internalError(`the simulation left out ${name}`);
      const known = computed.get(name);
      if (known === undefined) computed.set(name, { dims: value.dims, data: value.data.slice() });
      else known.data.set(value.data);
    }
  };
  // The dims of lets are known once they have been computed.
  const first = fit.chains.find((c) => c.draws > 0);
  if (lets.length > 0 && first !== undefined) {
    const { values: row, start } = rowOf(first, 0, latentLength(fit.latents));
    compute(row, start, 0);
  }
  const variables = names.map((name): ComputedVariable => {
    const value = values.get(name) ?? computed.get(name) ?? { dims: [], data: new Float64Array(1) };
    return { name, dims: value.dims, values: value.data };
  });
  return { variables, compute };
}

/** Lets computed from the values of a draw by running the model's definitions. */
export function simulateLets(fit: FitData, names: readonly string[]): SummedReadout {
  const simulator = compileSimulator(fit.conditioned, new Set(names));
  const key = philoxKey(fit.seed);
  const computed = new Map<string, DataValue>();
  const compute = (draws: Float64Array, start: number, row: number): void => {
    const given = new Map([...fit.conditioned.observed, ...latentArrays(fit, draws, start)]);
    const made = simulator.draw(given, { key, offset: STREAM_SITE }, row);
    for (const name of names) {
      const value = made.get(name) ?? internalError(`the simulation left out ${name}`);
      const known = computed.get(name);
      if (known === undefined) computed.set(name, { dims: value.dims, data: value.data.slice() });
      else known.data.set(value.data);
    }
  };
  // The dims of lets are known once they have been computed.
  const first = fit.chains.find((c) => c.draws > 0);
  if (first !== undefined) {
    const { values, start } = rowOf(first, 0, latentLength(fit.latents));
    compute(values, start, 0);
  }
  const variables = names.map((name): ComputedVariable => {
    const value = computed.get(name) ?? { dims: [], data: new Float64Array(1) };
    return { name, dims: value.dims, values: value.data };
  });
  return { variables, compute };
}

/** Whole arrays of the latent sites and params of one draw. */
function latentArrays(fit: FitData, draws: Float64Array, start: number): DataSet {
  const arrays = new Map<string, DataValue>();
  for (const { name, dims, offset, length, elements } of fit.latents) {
    const own = draws.subarray(start + offset, start + offset + length);
    if (elements === undefined) {
      arrays.set(name, { dims, data: own });
      continue;
    }
    const given = fit.conditioned.observed.get(name) ?? internalError(`${name} is not observed`);
    const data = given.data.slice();
    elements.forEach((at, k) => {
      data[at] = own[k];
    });
    arrays.set(name, { dims, data });
  }
  return arrays;
}

/** Probabilities of the values of a discrete site. */
export interface Marginals {
  /** `[…dims, values]`, row-major. */
  readonly data: Float64Array;
  readonly shape: readonly number[];
  /** The values in the order of the last axis. */
  readonly values: readonly number[];
}

/**
 * Posterior probabilities of each value of a summed-out site: the mean over all draws of the exact
 * probabilities given each draw, which vary less than the draws of the site do (Rao-Blackwell).
 * @throws TildeError for a name that is no such site
 */
export function marginalsOf(fit: FitData, name: string): Marginals {
  const range = fit.ranges?.get(name);
  const known = exactMarginals(fit, name);
  if (known !== undefined) return known;
  if (range !== undefined) return frequenciesOf(fit, name, range);
  const reader = openDiscrete(siteFit(fit, name));
  const site = siteOf(reader, name);
  const elements = elementCount(site.dims);
  const starts = startsOf(reader.counts);
  const [from, to] = [starts[site.offset], starts[site.offset + elements]];
  const data = new Float64Array(to - from);
  const width = latentLength(fit.latents);
  let total = 0;
  for (const chain of fit.chains) {
    // Where nothing else is latent, every draw has the same probabilities.
    const draws = width === 0 ? Math.min(1, chain.draws) : chain.draws;
    for (let t = 0; t < draws; t++) {
      const { values, start } = rowOf(chain, t, width);
      reader.moveTo(values, start);
      const p = reader.propagation.marginals();
      for (let k = 0; k < data.length; k++) data[k] += p[from + k];
      total++;
    }
  }
  for (let k = 0; k < data.length; k++) data[k] /= total;
  const values = Array.from({ length: site.count }, (_, k) => site.low + k);
  return { data, shape: [...site.dims, site.count], values };
}

/** The probabilities that the method told itself, where it did. */
function exactMarginals(fit: FitData, name: string): Marginals | undefined {
  const variable = fit.conditioned.model.variables.find((v) => v.name === name);
  if (fit.exact === undefined || variable === undefined) return undefined;
  const dims = concreteDims(fit.conditioned, variable.type.dims);
  const rows: (readonly number[])[] = [];
  let values: readonly number[] = [];
  for (let k = 0; k < elementCount(dims); k++) {
    const figures = fit.exact.get(elementName(name, unravel(k, dims)));
    if (figures?.probabilities === undefined || figures.values === undefined) return undefined;
    rows.push(figures.probabilities);
    values = figures.values;
  }
  return { data: Float64Array.from(rows.flat()), shape: [...dims, values.length], values };
}

/** How often each value of a drawn site occurs. */
function frequenciesOf(fit: FitData, name: string, { low, count }: DiscreteRange): Marginals {
  const latent = drawnSite(fit, name);
  const data = new Float64Array(latent.length * count);
  const width = latentLength(fit.latents);
  let total = 0;
  for (const chain of fit.chains) {
    const { draws } = chain;
    total += draws;
    for (let t = 0; t < draws; t++) {
      const { values, start } = rowOf(chain, t, width);
      const at = start + latent.offset;
      for (let k = 0; k < latent.length; k++) data[k * count + values[at + k] - low] += 1;
    }
  }
  for (let k = 0; k < data.length; k++) data[k] /= total;
  const values = Array.from({ length: count }, (_, k) => low + k);
  return { data, shape: [...latent.dims, count], values };
}

function drawnSite(fit: FitData, name: string): FitData["latents"][number] {
  return fit.latents.find((v) => v.name === name) ?? internalError(`${name} was not drawn`);
}

/** The draw of highest density; the first where the method tells no densities. */
function bestDraw(fit: FitData): { readonly chain: ChainDraws; readonly draw: number } {
  let [chain, draw, top] = [fit.chains[0], 0, Number.NEGATIVE_INFINITY];
  for (const c of fit.chains) {
    const own = c.statistics.lp;
    for (let t = 0; t < c.draws; t++) {
      const lp = own?.[t] ?? Number.NEGATIVE_INFINITY;
      if (lp > top) [chain, draw, top] = [c, t, lp];
    }
  }
  return { chain, draw };
}

/**
 * The most probable joint assignment of the discrete sites, as far as `name` is concerned: given
 * the other sites at a point estimate, else at the draw of highest density. Of a site that was drawn
 * its value in that draw.
 * @throws TildeError for a name that is no discrete site of the fit
 */
export function mostProbableOf(fit: FitData, name: string): DataValue {
  const { chain, draw } = bestDraw(fit);
  const width = latentLength(fit.latents);
  if (fit.ranges?.has(name)) {
    const { dims, offset, length } = drawnSite(fit, name);
    const { values, start } = rowOf(chain, draw, width);
    return { dims, data: values.slice(start + offset, start + offset + length) };
  }
  const reader = openDiscrete(siteFit(fit, name));
  const site = siteOf(reader, name);
  const row = rowOf(chain, draw, width);
  reader.moveTo(row.values, row.start);
  const { values } = reader.propagation.mostProbable();
  const data = Float64Array.from(
    values.subarray(site.offset, site.offset + elementCount(site.dims)),
    (v) => site.low + v,
  );
  return { dims: site.dims, data };
}

/** The fit, after a check that `name` is a summed-out site of it. */
function siteFit(fit: FitData, name: string): FitData {
  const known = summedSites(fit);
  if (!known.includes(name)) fail("not_summed_out", undefined, { name, known });
  return fit;
}

function siteOf(reader: Reader, name: string): DiscreteSite {
  return reader.sites.find((s) => s.name === name) ?? internalError(`no discrete site ${name}`);
}
