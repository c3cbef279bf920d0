/**
 * Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari & Gelman 2018): parameters are
 * drawn from the prior, data from the model given them, and a method is run on each data set. If
 * method and model agree, the rank of each parameter among its posterior draws is uniform.
 */
import { diagnostic, fail, TildeError } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import { samplePrior } from "../../inference/prior/index.js";
import { stream } from "../../math/rng/random.js";
import {
  type DataSet,
  type DataValue,
  elementCount,
  elementName,
  unravel,
} from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import { conditionRaw } from "../compile.js";
import type { RawData } from "../data/values.js";
import { readObject } from "../data/values.js";
import { presentable } from "../failure.js";
import { inferRaw } from "../infer.js";
import { findExchangeable } from "../labels/exchangeable.js";
import { Program } from "../load.js";
import { checkedMethod, type Method, nuts, shownValue } from "../methods.js";
import type { Posterior } from "../posterior.js";
import { type Uniformity, uniformityTest } from "./uniformity.js";

export interface SbcOptions {
  /** Inputs; values of observed sites tell their shape and gaps only. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** The sites that are data; default: those that `data` has values of. */
  readonly observed?: readonly string[];
  /** Data sets; default 200. */
  readonly replications?: number;
  /** Draws that a rank is taken among, by thinning; default 63. */
  readonly ranked?: number;
  /** Default: nuts with one chain. */
  readonly method?: Method;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface SbcVariable extends Uniformity {
  /** `mu`, `theta[3]`; `sorted(mu)[0]` where components can change places. */
  readonly name: string;
  /** One a data set, 0 … `ranked`. */
  readonly ranks: Int32Array;
  /** Counts of the ranks in 16 bins of about equal width. */
  readonly bins: readonly number[];
}

export interface SbcResult {
  readonly variables: readonly SbcVariable[];
  /** Data sets on which the method ran. */
  readonly replications: number;
  readonly ranked: number;
  /** Whether all ranks look uniform: the least p-value passes at level 0.01 after Holm. */
  readonly passed: boolean;
  /** Data sets on which the method failed, and what it said first. */
  readonly failures: { readonly count: number; readonly first?: string };
  readonly interrupted: boolean;
}

export const SBC_DEFAULTS = { replications: 200, ranked: 63, seed: 1 } as const;

/** Calibrates a method on a model. @throws TildeError for wrong options or data. */
export async function sbc(program: Program, options: SbcOptions = {}): Promise<SbcResult> {
  try {
    if (!(program instanceof Program)) {
      const wanted = "made by compile, load or ppl";
      fail("bad_option", undefined, { option: "`model`", value: shownValue(program), wanted });
    }
    return await sbcRaw(program.model, readObject(options.data ?? {}), options);
  } catch (error) {
    throw presentable(error);
  }
}

/** The same with data that was read from files. */
export async function sbcRaw(
  model: Model,
  raw: RawData,
  options: Omit<SbcOptions, "data">,
): Promise<SbcResult> {
  const seed = options.seed ?? SBC_DEFAULTS.seed;
  const total = whole("replications", options.replications ?? SBC_DEFAULTS.replications, 10);
  const ranked = whole("ranked", options.ranked ?? SBC_DEFAULTS.ranked, 7);
  const method = options.method === undefined ? nuts({ chains: 1 }) : checkedMethod(options.method);
  if (method.method === "map" || method.method === "prior") {
    const wanted = "a method that draws from the posterior";
    fail("bad_option", undefined, { option: "`method`", value: method.method, wanted });
  }
  const observed = observedSites(model, raw, options.observed);
  const inputs = new Map([...raw.values].filter(([name]) => !isSite(model, name)));
  const problems = [...raw.problems].filter(([n]) => !isSite(model, n)).map(([, d]) => d);
  if (problems.length > 0) throw new TildeError(problems);
  const truth = samplePrior(model, inputs, { draws: total, seed });

  const collected = new Map<string, number[]>();
  let failed = 0;
  let first: string | undefined;
  let done = 0;
  let quantities: readonly Quantity[] | undefined;
  for (let r = 0; r < total; r++) {
    if (options.signal?.aborted) break;
    const values = dataOf(truth.draws, observed, raw, inputs, r);
    const data: RawData = { values, problems: new Map() };
    quantities ??= quantitiesOf(model, data);
    try {
      const fit = await inferRaw(model, data, {
        method,
        relabel: false,
        seed: seed * 1_000_003 + r,
      });
      const rng = stream(seed, 1, 0, r);
      for (const q of quantities) {
        for (const [name, rank] of ranksOf(q, truth.draws, fit, r, ranked, () => rng.uniform())) {
          const known = collected.get(name);
          if (known === undefined) collected.set(name, [rank]);
          else known.push(rank);
        }
      }
      done++;
    } catch (error) {
      if (!(error instanceof TildeError)) throw error;
      // What is wrong with the model or the options is wrong every time.
      if (r === 0) throw error;
      failed++;
      first ??= error.diagnostics[0]?.message ?? error.message;
    }
    options.onProgress?.(r + 1, total);
  }
  const test = uniformityTest(done, ranked + 1);
  const variables = [...collected].map(([name, list]): SbcVariable => {
    const ranks = Int32Array.from(list);
    return { name, ranks, bins: binsOf(ranks, ranked + 1), ...test(ranks) };
  });
  const least = Math.min(1, ...variables.map((v) => v.p));
  return {
    variables,
    replications: done,
    ranked,
    passed: least * variables.length > 0.01 && failed === 0,
    failures: { count: failed, first },
    interrupted: done + failed < total,
  };
}

function whole(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  const wanted = `a whole number of at least ${least}`;
  return fail("bad_option", undefined, {
    option: `\`${option}\``,
    value: shownValue(value),
    wanted,
  });
}

const isSite = (model: Model, name: string): boolean =>
  model.variables.some((v) => v.name === name && v.role === "site");

function observedSites(
  model: Model,
  raw: RawData,
  named: readonly string[] | undefined,
): readonly string[] {
  const sites = model.variables.filter((v) => v.role === "site").map((v) => v.name);
  for (const name of named ?? []) {
    if (sites.includes(name)) continue;
    fail("unknown_variable", undefined, { name, known: sites, near: nearestNames(name, sites) });
  }
  const found = named ?? sites.filter((s) => raw.values.has(s) || raw.problems.has(s));
  if (found.length > 0) return found;
  throw new TildeError([diagnostic("sbc_observed", undefined, { sites })]);
}

/** The inputs, and the observed sites of replication r with the gaps of the data given. */
function dataOf(
  draws: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float64Array }>,
  observed: readonly string[],
  raw: RawData,
  inputs: DataSet,
  r: number,
): DataSet {
  const values = new Map<string, DataValue>(inputs);
  for (const name of observed) {
    const drawn = draws.get(name);
    if (drawn === undefined) continue;
    const size = elementCount(drawn.dims);
    const data = drawn.data.slice(r * size, (r + 1) * size);
    const missing = raw.values.get(name)?.missing;
    missing?.forEach((m, i) => {
      if (m === 1 && i < data.length) data[i] = Number.NaN;
    });
    values.set(name, { dims: drawn.dims, data, missing });
  }
  return values;
}

/** A latent variable; `sorted` where its components can change places. */
interface Quantity {
  readonly name: string;
  readonly sorted: boolean;
}

/**
 * What ranks are taken of. Components that can change places have no rank of their own (any
 * labelling is right): vectors of one number a component are compared in order, others not at all.
 */
function quantitiesOf(model: Model, data: RawData): Quantity[] {
  const groups = findExchangeable(conditionRaw(model, data));
  return model.variables.flatMap((v): Quantity[] => {
    if (v.role !== "site") return [];
    const given = data.values.get(v.name);
    if (given !== undefined && given.missing === undefined) return [];
    if (groups.some((g) => g.labels.includes(v.name))) return [];
    const axes = groups.flatMap((g) => g.variables.filter((c) => c.name === v.name));
    if (axes.length === 0) return [{ name: v.name, sorted: false }];
    return v.type.dims.length === 1 ? [{ name: v.name, sorted: true }] : [];
  });
}

function* ranksOf(
  quantity: Quantity,
  truth: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float64Array }>,
  fit: Posterior,
  r: number,
  ranked: number,
  uniform: () => number,
): Generator<readonly [string, number]> {
  const { name, sorted } = quantity;
  const drawn = truth.get(name);
  if (drawn === undefined) return;
  const { dims } = drawn;
  const size = elementCount(dims);
  const { data, shape } = fit.draws(name);
  const count = shape[0] * shape[1];
  if (count < ranked) {
    const wanted = `at least ${ranked} draws to rank among, not ${count}`;
    fail("bad_option", undefined, { option: "`method`", value: fit.method, wanted });
  }
  const ordered = (x: Float64Array): Float64Array => (sorted ? x.sort() : x);
  const at = ordered(drawn.data.slice(r * size, (r + 1) * size));
  const below = new Int32Array(size);
  const equal = new Int32Array(size);
  for (let k = 0; k < ranked; k++) {
    const row = Math.floor(((k + 0.5) * count) / ranked);
    const draw = ordered(data.slice(row * size, (row + 1) * size));
    for (let i = 0; i < size; i++) {
      if (draw[i] < at[i]) below[i]++;
      else if (draw[i] === at[i]) equal[i]++;
    }
  }
  const missing = fit.fit.latents.find((v) => v.name === name)?.elements;
  const latent = missing === undefined ? undefined : new Set(missing);
  for (let i = 0; i < size; i++) {
    if (latent?.has(i) === false) continue;
    // Of discrete quantities the place among equals is drawn.
    const rank = below[i] + Math.floor(uniform() * (equal[i] + 1));
    const element = sorted
      ? elementName(`sorted(${name})`, [i])
      : elementName(name, unravel(i, dims));
    yield [element, rank];
  }
}

const BINS = 16;

function binsOf(ranks: Int32Array, levels: number): number[] {
  const bins = new Array<number>(Math.min(BINS, levels)).fill(0);
  for (const rank of ranks) bins[Math.floor((rank * bins.length) / levels)]++;
  return bins;
}
