/** Methods as values with checked options: `nuts({ chains: 4 })`. */
import { fail } from "../base/diagnostic.js";
import { nearestNames } from "../base/nearest.js";
import { CAVI_DEFAULTS } from "../inference/cavi/defaults.js";
import {
  HMC_DEFAULTS,
  type HmcOptions,
  NUTS_DEFAULTS,
  type NutsOptions,
} from "../inference/contract.js";
import { DP_DEFAULTS, type DpAlgorithm } from "../inference/dp/samplers/defaults.js";
import type { SiteMethod } from "../inference/gibbs/plan.js";
import type { Rule } from "../inference/stochastic/adam.js";
import { type Schedule, schedules } from "../inference/stochastic/staged.js";
import { type GuideName, guideNames } from "../inference/vi/guides/names.js";
import type { ProductPrecision } from "../passes/lower/index.js";
import {
  between,
  type Check,
  counts,
  flag,
  groups,
  names,
  object,
  oneOf,
  siteMethods,
  start,
  strategies,
  text,
  whole,
  words,
} from "./checks.js";

export interface MapOptions {
  readonly method: "map";
  /** Starting points; the best mode found is given. */
  readonly starts: number;
  readonly maxIterations: number;
}
export interface LaplaceOptions {
  readonly method: "laplace";
  readonly draws: number;
  readonly starts: number;
  readonly maxIterations: number;
}
export interface PriorOptions {
  readonly method: "prior";
  readonly draws: number;
}
export interface EnumerateOptions {
  readonly method: "enumerate";
  readonly draws: number;
}
export interface GibbsOptions {
  readonly method: "gibbs";
  readonly chains: number;
  /** Sweeps before the draws, in which the slices' widths are adapted. */
  readonly warmup: number;
  /** Draws to keep in each chain. */
  readonly draws: number;
  /** Sweeps per kept draw. */
  readonly thin: number;
  /** Every block in turn, or blocks chosen at random. */
  readonly scan: "systematic" | "random";
  /** How single sites are drawn, where the choice is not left to the compiler. */
  readonly sites: Readonly<Record<string, SiteMethod>>;
  /** Sites that are drawn at once: `[["mu", "beta"]]`. */
  readonly blocks: readonly (readonly string[])[];
  /** How the labels of an unbounded plate are drawn; see `DpAlgorithm`. */
  readonly algorithm: DpAlgorithm;
  /** Proposals to split or merge clusters, in each sweep. */
  readonly splitMerge: number;
  /** Auxiliary components of the algorithm `auxiliary`. */
  readonly auxiliaries: number;
  /** Components of the algorithm `blocked`; chosen by its error if absent. */
  readonly truncation?: number;
}
export interface ExactOptions {
  readonly method: "exact";
  /** Independent draws from the posterior in closed form. */
  readonly draws: number;
}
export interface CaviOptions {
  readonly method: "cavi";
  /** Random starts, of which the one with the best bound is given. */
  readonly restarts: number;
  /** Sweeps of each restart, at most. */
  readonly maxIterations: number;
  /** Converged when a sweep changes the bound by less than this part of it. */
  readonly tolerance: number;
  /** Groups of sites that share a factor: `[["z", "x"]]`. */
  readonly joint: readonly (readonly string[])[];
  /** Components of an unbounded plate; chosen by the error if absent. */
  readonly truncation?: number;
  /** Independent draws from the approximation. */
  readonly draws: number;
}
export interface EmOptions {
  readonly method: "em";
  /** Sites whose posterior mode is wanted beside the params. */
  readonly maximise: readonly string[];
  /** Starting points, of which the best after a short run goes on; chosen by the model if absent. */
  readonly restarts?: number;
  readonly maxIterations: number;
  /** Converged when an iteration changes the log likelihood by less than this part of it. */
  readonly tolerance: number;
  /** Standard errors of the estimates, from the observed information. */
  readonly standardErrors: boolean;
  /** Values to start from by name, as data are given. */
  readonly start?: Readonly<Record<string, unknown>>;
  /** Joint draws of the discrete sites at the estimates. */
  readonly draws: number;
}
export interface ViOptions {
  readonly method: "vi";
  readonly guide: GuideName;
  /** Most steps of the optimiser. */
  readonly steps: number;
  /** First step size, in standard deviations of the start; it falls to a hundredth. */
  readonly lr: number;
  /** Draws that each step averages over. */
  readonly samples: number;
  /** A rise of the smoothed bound by less than this many nats ends a stage of steps. */
  readonly tolerance: number;
  /** Draws from the fitted guide. */
  readonly draws: number;
  /** Columns of the guide `low_rank`. */
  readonly rank: number;
  /** Couplings of the guide `flow`, and the width of their hidden layers. */
  readonly layers: number;
  readonly hidden: number;
  readonly products: ProductPrecision;
  /** A guide to begin from: the `params` of a run that diverged, or the file that holds them. */
  readonly init?: string | Readonly<Record<string, unknown>>;
}
interface LearningOptions {
  /** How many elements of a size each step sees: `{ N: 128 }`; all where a size is left out. */
  readonly batch: Readonly<Record<string, number>>;
  /** Most steps of the optimiser. */
  readonly steps: number;
  readonly optimizer: Rule;
  /** Largest step size. */
  readonly lr: number;
  /** Decay of the gradients' moving average (adam), or of the velocity (sgd). */
  readonly momentum: number;
  /** `auto` divides the step size where the objective stops to rise, and ends there. */
  readonly schedule: Schedule;
  /** Steps over which the step size rises from 0. */
  readonly warmup: number;
  /** Largest Euclidean norm of a gradient; longer ones are shortened. 0: none is. */
  readonly clip: number;
  /** A rise of the smoothed objective by less than this ends a stage of steps. */
  readonly tolerance: number;
  /** Draws from the fitted guide. */
  readonly draws: number;
  /** How gradients pass sites, over what the text says: `{ z: "reinforce(baseline: nvil)" }`. */
  readonly estimators: Readonly<Record<string, string>>;
  /** Whether means over a site that are known in closed form, such as divergences, are taken so. */
  readonly analytic: boolean;
  /**
   * Precision in which the CPU and TensorFlow multiply matrices (the CPU large ones): `f32` takes about
   * half the time, with relative errors of 1e-6 or so in the products. WebGPU has f32 alone.
   */
  readonly products: ProductPrecision;
  /** Params to begin from, by module path, or the `params.json` of another fit. */
  readonly init?: string | Readonly<Record<string, unknown>>;
}
export interface SviOptions extends LearningOptions {
  readonly method: "svi";
  /**
   * A guide of the model's file; needed only where the model has several. Or a program made of one:
   * `marginal(NAME, particles: 5)`, `normalize(MODEL, proposal: NAME, particles: 5)`.
   */
  readonly guide?: string;
  /** `elbo`, `iwae(5)`; default `elbo` with a guide, `maximum_likelihood` without. */
  readonly objective?: string;
  /** Further models and guides by the objective's arguments: `{ critic: "NAME" }`. */
  readonly programs: Readonly<Record<string, string>>;
}
export interface NceOptions extends LearningOptions {
  readonly method: "nce";
  /** The model or guide that noise is drawn from. */
  readonly noise?: string;
  /** Draws of noise for each datum. */
  readonly ratio: number;
}
export type Method =
  | NutsOptions
  | HmcOptions
  | MapOptions
  | LaplaceOptions
  | PriorOptions
  | EnumerateOptions
  | GibbsOptions
  | ExactOptions
  | CaviOptions
  | EmOptions
  | ViOptions
  | SviOptions
  | NceOptions;
export type MethodName = Method["method"];

/** What a user may set of a method. */
export type Settings<M extends Method> = Partial<Omit<M, "method">>;

const MAP_DEFAULTS: MapOptions = { method: "map", starts: 4, maxIterations: 2000 };
const LAPLACE_DEFAULTS: LaplaceOptions = {
  method: "laplace",
  draws: 4000,
  starts: 4,
  maxIterations: 2000,
};
const PRIOR_DEFAULTS: PriorOptions = { method: "prior", draws: 1000 };
const ENUMERATE_DEFAULTS: EnumerateOptions = { method: "enumerate", draws: 1000 };
const VI_DEFAULTS: ViOptions = {
  method: "vi",
  guide: "mean_field",
  steps: 50_000,
  lr: 0.05,
  samples: 1,
  tolerance: 0.002,
  draws: 4000,
  rank: 3,
  layers: 4,
  hidden: 16,
  products: "f64",
};
const LEARNING_DEFAULTS: LearningOptions = {
  batch: {},
  steps: 20_000,
  optimizer: "adam",
  lr: 0.01,
  momentum: 0.9,
  schedule: "auto",
  warmup: 0,
  clip: 0,
  tolerance: 0.002,
  draws: 4000,
  estimators: {},
  analytic: true,
  products: "f64",
};
const SVI_DEFAULTS: SviOptions = { method: "svi", ...LEARNING_DEFAULTS, programs: {} };
const NCE_DEFAULTS: NceOptions = { method: "nce", ...LEARNING_DEFAULTS, ratio: 10 };
const GIBBS_DEFAULTS: GibbsOptions = {
  method: "gibbs",
  chains: 4,
  warmup: 1000,
  draws: 1000,
  thin: 1,
  scan: "systematic",
  sites: {},
  blocks: [],
  algorithm: DP_DEFAULTS.algorithm,
  splitMerge: DP_DEFAULTS.splitMerge,
  auxiliaries: DP_DEFAULTS.auxiliaries,
};
const EXACT_DEFAULTS: ExactOptions = { method: "exact", draws: 4000 };
const CAVI_OPTIONS: CaviOptions = { method: "cavi", ...CAVI_DEFAULTS, joint: [], draws: 4000 };
const EM_DEFAULTS: EmOptions = {
  method: "em",
  maximise: [],
  maxIterations: 2000,
  tolerance: 1e-9,
  standardErrors: false,
  draws: 1000,
};

const learningChecks: Readonly<Record<string, Check>> = {
  batch: counts,
  steps: whole(1),
  optimizer: oneOf("adam", "sgd", "natural"),
  lr: between(0, Number.POSITIVE_INFINITY),
  momentum: (v) =>
    typeof v === "number" && v >= 0 && v < 1 ? undefined : "a number from 0 up to 1, 1 excluded",
  schedule: oneOf(...schedules),
  warmup: whole(0),
  clip: (v) =>
    typeof v === "number" && v >= 0 && Number.isFinite(v) ? undefined : "a number of at least 0",
  tolerance: between(0, Number.POSITIVE_INFINITY),
  draws: whole(1),
  estimators: strategies,
  analytic: flag,
  products: oneOf("f64", "f32"),
  init: start,
};

const climbChecks: Readonly<Record<string, Check>> = {
  restarts: whole(1, 1000),
  maxIterations: whole(1),
  tolerance: between(0, 1),
  draws: whole(1),
};
const chainChecks: Readonly<Record<string, Check>> = {
  chains: whole(1, 1024),
  warmup: whole(0),
  draws: whole(1),
  thin: whole(1),
};
const samplerChecks: Readonly<Record<string, Check>> = {
  ...chainChecks,
  targetAccept: between(0, 1),
  metric: oneOf("diag", "dense"),
  stepSize: between(0, Number.POSITIVE_INFINITY),
  initRadius: (v) =>
    typeof v === "number" && v >= 0 && Number.isFinite(v) ? undefined : "a number of at least 0",
};
/** Many chains move in one program, and share their adaptation. */
const manyChains = whole(1, 131_072);
const searchChecks: Readonly<Record<string, Check>> = {
  starts: whole(1, 1000),
  maxIterations: whole(1),
};

/** Every option of every method; an option that is not here does not exist. */
const optionChecks: { readonly [N in MethodName]: Readonly<Record<string, Check>> } = {
  nuts: { ...samplerChecks, chains: manyChains, maxTreeDepth: whole(1, 20) },
  hmc: {
    ...samplerChecks,
    chains: manyChains,
    integrationTime: between(0, Number.POSITIVE_INFINITY),
    jitter: (v) =>
      typeof v === "number" && v >= 0 && v < 1 ? undefined : "a number from 0 up to 1, 1 excluded",
  },
  map: searchChecks,
  laplace: { ...searchChecks, draws: whole(1) },
  prior: { draws: whole(1) },
  enumerate: { draws: whole(1) },
  gibbs: {
    ...chainChecks,
    scan: oneOf("systematic", "random"),
    sites: siteMethods,
    blocks: groups,
    algorithm: oneOf("auto", "collapsed", "auxiliary", "instantiated", "blocked"),
    splitMerge: whole(0, 1000),
    auxiliaries: whole(1, 1000),
    truncation: whole(2, 100_000),
  },
  exact: { draws: whole(1) },
  cavi: { ...climbChecks, joint: groups, truncation: whole(2, 100_000) },
  vi: {
    guide: oneOf(...guideNames),
    steps: whole(100),
    lr: between(0, Number.POSITIVE_INFINITY),
    samples: whole(1, 1000),
    tolerance: between(0, Number.POSITIVE_INFINITY),
    draws: whole(1),
    rank: whole(1, 1000),
    layers: whole(1, 100),
    hidden: whole(1, 10_000),
    products: oneOf("f64", "f32"),
    init: start,
  },
  svi: { ...learningChecks, guide: text, objective: text, programs: words },
  nce: { ...learningChecks, noise: text, ratio: whole(1, 100_000) },
  em: { ...climbChecks, maximise: names, standardErrors: flag, start: object },
};

function checked<M extends Method>(defaults: M, settings: Settings<M>): M {
  const checks = optionChecks[defaults.method];
  const given: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    const check = checks[option];
    if (check === undefined) {
      const near = nearestNames(option, Object.keys(checks));
      fail("unknown_option", undefined, { option, method: defaults.method, near });
    }
    const wanted = check(value);
    if (wanted !== undefined) {
      fail("bad_option", undefined, { option: `\`${option}\``, value: shownValue(value), wanted });
    }
    given[option] = value;
  }
  return { ...defaults, ...given };
}

/** An option's value as messages show it. */
export function shownValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** The No-U-Turn sampler (Hoffman & Gelman 2014; Betancourt 2017). */
export function nuts(settings: Settings<NutsOptions> = {}): NutsOptions {
  return checked(NUTS_DEFAULTS, settings);
}
/** Hamiltonian Monte Carlo with a fixed, jittered integration time (Neal 2011). */
export function hmc(settings: Settings<HmcOptions> = {}): HmcOptions {
  return checked(HMC_DEFAULTS, settings);
}
/** The posterior mode, in the model's own coordinates, by L-BFGS. */
export function map(settings: Settings<MapOptions> = {}): MapOptions {
  return checked(MAP_DEFAULTS, settings);
}
/** A normal approximation at the mode of the unconstrained density. */
export function laplace(settings: Settings<LaplaceOptions> = {}): LaplaceOptions {
  return checked(LAPLACE_DEFAULTS, settings);
}
/** Draws from the prior and the prior predictive: observed sites are simulated too. */
export function prior(settings: Settings<PriorOptions> = {}): PriorOptions {
  return checked(PRIOR_DEFAULTS, settings);
}
/** The exact posterior and evidence where all latent sites are discrete with finitely many values. */
export function enumerate(settings: Settings<EnumerateOptions> = {}): EnumerateOptions {
  return checked(ENUMERATE_DEFAULTS, settings);
}
/** Gibbs sampling: conjugate conditionals, discrete sites, slices or Hamiltonian steps for the rest. */
export function gibbs(settings: Settings<GibbsOptions> = {}): GibbsOptions {
  return checked(GIBBS_DEFAULTS, settings);
}
/** The posterior and evidence in closed form, where the whole model is conjugate. */
export function exact(settings: Settings<ExactOptions> = {}): ExactOptions {
  return checked(EXACT_DEFAULTS, settings);
}
/** Variational inference by stochastic gradients with an automatic guide (Kucukelbir et al. 2017). */
export function vi(settings: Settings<ViOptions> = {}): ViOptions {
  return checked(VI_DEFAULTS, settings);
}
/** Stochastic gradient ascent of an objective with a guide of the model's file (Hoffman et al. 2013). */
export function svi(settings: Settings<SviOptions> = {}): SviOptions {
  return checked(SVI_DEFAULTS, settings);
}
/** Noise-contrastive estimation of unnormalised models (Gutmann & Hyvärinen 2012). */
export function nce(settings: Settings<NceOptions> = {}): NceOptions {
  return checked(NCE_DEFAULTS, settings);
}
/** Mean-field variational inference by coordinate ascent (Bishop 2006, section 10.1). */
export function cavi(settings: Settings<CaviOptions> = {}): CaviOptions {
  return checked(CAVI_OPTIONS, settings);
}
/** Maximum likelihood or posterior modes by expectation–maximisation (Dempster et al. 1977). */
export function em(settings: Settings<EmOptions> = {}): EmOptions {
  return checked(EM_DEFAULTS, settings);
}

/** Every option of a sampler, for "did you mean". */
export const samplerOptionNames: readonly string[] = Object.keys(optionChecks.nuts);

export const methods = {
  nuts,
  hmc,
  map,
  laplace,
  prior,
  enumerate,
  gibbs,
  exact,
  cavi,
  em,
  vi,
  svi,
  nce,
} as const;
export const methodNames = Object.keys(methods) as readonly MethodName[];

/**
 * A method as `infer` was given it, checked again and with defaults filled in: it may be a plain
 * object.
 * @throws TildeError where it is no method or has a wrong option.
 */
export function checkedMethod(value: Method): Method {
  const name = methodNames.find((m) => m === (value as Partial<Method> | null)?.method);
  if (name === undefined) {
    const wanted = `made by ${methodNames.map((m) => `${m}()`).join(", ")}`;
    fail("bad_option", undefined, { option: "`method`", value: shownValue(value), wanted });
  }
  const { method: _, ...settings } = value;
  return (methods[name] as (settings: object) => Method)(settings);
}
