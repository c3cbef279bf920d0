/**
 * Mean-field approximation of a truncated Dirichlet-process mixture with a conjugate base, by
 * coordinate ascent: Blei and Jordan, "Variational inference for Dirichlet process mixtures"
 * (2006), section 3. q = Π q(V_t) Π q(θ_t) Π q(z_i) q(α); every update maximises the bound in full
 * over its factor, so that it never falls.
 */
import { internalError } from "../../../base/internal.js";
import { stream } from "../../../math/rng/random.js";
import { digamma, lbeta } from "../../../math/special/index.js";
import type { ChainKey } from "../../contract.js";
import { divergence } from "../../expfam/index.js";
import type { ClusterModel } from "../contract.js";
import { defaultTruncation, truncationError } from "./blocked.js";
import { CollapsedState } from "./collapsed.js";
import { startingConcentration } from "./concentration.js";
import { type AlphaFactor, alphaFactor } from "./variational-alpha.js";

export interface DpVariationalOptions {
  /** Absent: that of the blocked sampler. */
  readonly truncation?: number;
  readonly iterations: number;
  /** Stops where the bound grows by less than this part of its size. */
  readonly tolerance: number;
  readonly restarts: number;
}

export const DP_VARIATIONAL_DEFAULTS: DpVariationalOptions = {
  iterations: 1000,
  tolerance: 1e-8,
  restarts: 5,
};

export interface DpVariational {
  readonly truncation: number;
  /** Bound on the truncation's error at E α, as the blocked sampler reports. */
  readonly truncationError: number;
  /** `[items · truncation]`: q(z_i = t). */
  readonly responsibilities: Float64Array;
  /** Parameters of q(V_t) = Beta(a_t, b_t), t < truncation − 1. */
  readonly sticks: { readonly a: Float64Array; readonly b: Float64Array };
  /** E of the weights. */
  readonly weights: Float64Array;
  /** `[truncation · statistics]`: η of q(θ_t). */
  readonly naturals: Float64Array;
  readonly alpha: AlphaFactor;
  /** Lower bound on log p(data): after each iteration, and at the end. */
  readonly history: readonly number[];
  readonly elbo: number;
  readonly converged: boolean;
  readonly iterations: number;
  /** Final bounds of all restarts; far apart, they tell of local optima. */
  readonly bounds: readonly number[];
}

export type DpUpdate = "labels" | "sticks" | "thetas" | "alpha";

/** What is told of each factor's update when asked for: the bound right after it. */
export type DpObserver = (update: DpUpdate, elbo: number) => void;

/** The best of several ascents. The model has to be conjugate, without other latent sites. */
export function ascendDp(
  model: ClusterModel,
  options: DpVariationalOptions,
  key: ChainKey,
  observe?: DpObserver,
): DpVariational {
  const runs = Array.from({ length: Math.max(1, options.restarts) }, (_, k) =>
    new Ascent(model, options, key, k).run(observe),
  );
  const bounds = runs.map((r) => r.elbo);
  const best = runs.reduce((a, b) => (b.elbo > a.elbo ? b : a));
  return { ...best, bounds };
}

class Ascent {
  readonly #model: ClusterModel;
  readonly #options: DpVariationalOptions;
  readonly #T: number;
  readonly #prior: Float64Array;
  readonly #s: Float64Array;
  readonly #offset: number;
  readonly #r: Float64Array;
  readonly #counts: Float64Array;
  readonly #etas: Float64Array;
  readonly #means: Float64Array;
  readonly #a: Float64Array;
  readonly #b: Float64Array;
  /** E log V and E log(1 − V). */
  readonly #logV: Float64Array;
  readonly #logRest: Float64Array;
  #alpha: AlphaFactor;

  constructor(model: ClusterModel, options: DpVariationalOptions, key: ChainKey, start: number) {
    const components = model.conjugate ?? internalError("a base that is not conjugate");
    if (model.updateGlobals !== undefined) internalError("sites beside the components");
    this.#model = model;
    this.#options = options;
    this.#T = options.truncation ?? defaultTruncation(model);
    this.#prior = components.prior();
    this.#s = components.contributions();
    this.#offset = components.offsets().reduce((sum, b) => sum + b, 0);
    const T = this.#T;
    const width = this.#prior.length;
    this.#r = new Float64Array(model.items * T);
    this.#counts = new Float64Array(T);
    this.#etas = new Float64Array(T * width);
    this.#means = new Float64Array(T * width);
    this.#a = new Float64Array(T - 1);
    this.#b = new Float64Array(T - 1);
    this.#logV = new Float64Array(T);
    this.#logRest = new Float64Array(T);
    const alpha = startingConcentration(model.concentration);
    this.#alpha = alphaFactor({ kind: "fixed", value: alpha }, 0, 0);
    // Items seated one after another make starts that differ and are not far from a mode.
    const rng = stream(key.seed, key.chain, START_STREAM, start);
    const state = new CollapsedState(model.items, components, alpha, rng);
    const { counts, count } = state.partition;
    const order = Array.from({ length: count }, (_, c) => c).sort((x, y) => counts[y] - counts[x]);
    const place = new Int32Array(count);
    order.forEach((c, k) => {
      place[c] = k % T;
    });
    for (let i = 0; i < model.items; i++) this.#r[i * T + place[state.partition.row(i)]] = 1;
    this.#total();
    this.#updateSticks();
    this.#updateThetas();
    this.#updateAlpha();
  }

  run(observe?: DpObserver): Omit<DpVariational, "bounds"> {
    const updates: Readonly<Record<DpUpdate, () => void>> = {
      labels: () => this.#updateLabels(),
      sticks: () => this.#updateSticks(),
      thetas: () => this.#updateThetas(),
      alpha: () => this.#updateAlpha(),
    };
    const history: number[] = [];
    let converged = false;
    while (history.length < this.#options.iterations && !converged) {
      for (const name of ["labels", "sticks", "thetas", "alpha"] as const) {
        updates[name]();
        observe?.(name, this.#elbo());
      }
      const before = history.at(-1);
      const elbo = this.#elbo();
      history.push(elbo);
      converged =
        before !== undefined && elbo - before <= this.#options.tolerance * (1 + Math.abs(elbo));
    }
    let rest = 1;
    const weights = Float64Array.from({ length: this.#T }, (_, t) => {
      const v = t < this.#T - 1 ? this.#a[t] / (this.#a[t] + this.#b[t]) : 1;
      const w = rest * v;
      rest *= 1 - v;
      return w;
    });
    return {
      truncation: this.#T,
      truncationError: truncationError(this.#model.items, this.#alpha.mean, this.#T),
      responsibilities: this.#r,
      sticks: { a: this.#a, b: this.#b },
      weights,
      naturals: this.#etas,
      alpha: this.#alpha,
      history,
      elbo: history.at(-1) ?? this.#elbo(),
      converged,
      iterations: history.length,
    };
  }

  #total(): void {
    const T = this.#T;
    this.#counts.fill(0);
    for (let i = 0; i < this.#model.items; i++) {
      for (let t = 0; t < T; t++) this.#counts[t] += this.#r[i * T + t];
    }
  }

  /** log E-weights of item i, into `out`: E log w_t + ⟨s_i, E T(θ_t)⟩. */
  #logits(i: number, out: Float64Array): void {
    const width = this.#prior.length;
    let rest = 0;
    for (let t = 0; t < this.#T; t++) {
      let sum = rest + this.#logV[t];
      rest += this.#logRest[t];
      for (let k = 0; k < width; k++) {
        const s = this.#s[i * width + k];
        // A statistic that does not count may have an infinite mean.
        if (s !== 0) sum += s * this.#means[t * width + k];
      }
      out[t] = sum;
    }
  }

  #updateLabels(): void {
    const T = this.#T;
    for (let i = 0; i < this.#model.items; i++) {
      const row = this.#r.subarray(i * T, (i + 1) * T);
      this.#logits(i, row);
      const top = row.reduce((m, v) => Math.max(m, v), -Infinity);
      let total = 0;
      for (let t = 0; t < T; t++) {
        row[t] = Math.exp(row[t] - top);
        total += row[t];
      }
      for (let t = 0; t < T; t++) row[t] /= total;
    }
    this.#total();
  }

  /** Blei and Jordan's equations 18 and 19. */
  #updateSticks(): void {
    let beyond = this.#counts.reduce((s, n) => s + n, 0);
    for (let t = 0; t < this.#T - 1; t++) {
      beyond = Math.max(0, beyond - this.#counts[t]);
      this.#a[t] = 1 + this.#counts[t];
      this.#b[t] = this.#alpha.mean + beyond;
      const both = digamma(this.#a[t] + this.#b[t]);
      this.#logV[t] = digamma(this.#a[t]) - both;
      this.#logRest[t] = digamma(this.#b[t]) - both;
    }
  }

  #updateThetas(): void {
    const T = this.#T;
    const width = this.#prior.length;
    for (let t = 0; t < T; t++) this.#etas.set(this.#prior, t * width);
    for (let i = 0; i < this.#model.items; i++) {
      for (let t = 0; t < T; t++) {
        const r = this.#r[i * T + t];
        if (r === 0) continue;
        for (let k = 0; k < width; k++) this.#etas[t * width + k] += r * this.#s[i * width + k];
      }
    }
    const { family, setting } = this.#components();
    for (let t = 0; t < T; t++) this.#means.set(family.mean(this.#eta(t), setting), t * width);
  }

  #updateAlpha(): void {
    const rest = this.#logRest.reduce((s, v) => s + v, 0);
    this.#alpha = alphaFactor(this.#model.concentration, this.#T - 1, -rest);
  }

  #elbo(): number {
    const T = this.#T;
    const { family, setting } = this.#components();
    let sum = this.#offset;
    const logits = new Float64Array(T);
    for (let i = 0; i < this.#model.items; i++) {
      this.#logits(i, logits);
      for (let t = 0; t < T; t++) {
        const r = this.#r[i * T + t];
        if (r > 0) sum += r * (logits[t] - Math.log(r));
      }
    }
    for (let t = 0; t < T; t++) sum -= divergence(family, this.#eta(t), this.#prior, setting);
    const { mean, logMean, gap } = this.#alpha;
    for (let t = 0; t < T - 1; t++) {
      const [a, b, v, rest] = [this.#a[t], this.#b[t], this.#logV[t], this.#logRest[t]];
      sum += logMean + (mean - 1) * rest - ((a - 1) * v + (b - 1) * rest - lbeta(a, b));
    }
    return sum + gap;
  }

  #eta(t: number): Float64Array {
    return this.#etas.subarray(t * this.#prior.length, (t + 1) * this.#prior.length);
  }
  #components() {
    return this.#model.conjugate ?? internalError("a base that is not conjugate");
  }
}

const START_STREAM = 0xfffffe;
