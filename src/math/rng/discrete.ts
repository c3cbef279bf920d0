import { internalError } from "../../base/internal.js";
import { logBinomialMass, logPoissonMass } from "../special/saddle.js";

/** What the samplers of this file draw from; `RandomStream` is one. */
export interface UniformSource {
  /** Uniform on (0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
}

/** Below this mean, sequential search is cheaper than transformed rejection. */
const SEARCH_LIMIT = 10;

/**
 * Poisson draw of rate ≥ 0: sequential search from 0 below rate 10, else PTRS, the transformed
 * rejection with squeeze of Hörmann, "The transformed rejection method for generating Poisson
 * random variables" (1993).
 */
export function poissonVariate(random: UniformSource, rate: number): number {
  if (!(rate >= 0 && rate < Infinity)) internalError(`Poisson draw of rate ${rate}`);
  if (rate < SEARCH_LIMIT) return poissonSearch(random, rate);
  const b = 0.931 + 2.53 * Math.sqrt(rate);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = random.uniform() - 0.5;
    const v = random.uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const logV = Math.log((v * inverseAlpha) / (a / (us * us) + b));
    if (logV <= logPoissonMass(k, rate)) return k;
  }
}

/** Inverts the distribution function from 0 up; the expected number of steps is rate + 1. */
function poissonSearch(random: UniformSource, rate: number): number {
  for (;;) {
    let mass = Math.exp(-rate);
    let u = random.uniform();
    // The mass beyond 200 is below 1e-200 for rates under 10: only rounding leads there.
    for (let k = 0; k < 200; k++) {
      if (u < mass) return k;
      u -= mass;
      mass *= rate / (k + 1);
    }
  }
}

/**
 * Binomial draw of n trials (an integer ≥ 0) of probability p in [0, 1]: sequential search below
 * n·min(p, 1 - p) = 10, else BTRS of Hörmann, "The generation of binomial random variates"
 * (1993).
 */
export function binomialVariate(random: UniformSource, n: number, p: number): number {
  if (!(Number.isInteger(n) && n >= 0)) internalError(`binomial draw of ${n} trials`);
  if (!(p >= 0 && p <= 1)) internalError(`binomial draw of probability ${p}`);
  if (p > 0.5) return n - binomialVariate(random, n, 1 - p);
  if (n * p < SEARCH_LIMIT) return binomialSearch(random, n, p);
  const stddev = Math.sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * stddev;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const c = n * p + 0.5;
  const squeeze = 0.92 - 4.2 / b;
  const alpha = (2.83 + 5.1 / b) * stddev;
  const mode = Math.floor((n + 1) * p);
  const logModeMass = logBinomialMass(mode, n, p);
  for (;;) {
    const u = random.uniform() - 0.5;
    const v = random.uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + c);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || k > n) continue;
    const logV = Math.log((v * alpha) / (a / (us * us) + b));
    if (logV <= logBinomialMass(k, n, p) - logModeMass) return k;
  }
}

/** Inverts the distribution function from 0 up, for n·p < 10 and p ≤ 1/2. */
function binomialSearch(random: UniformSource, n: number, p: number): number {
  const odds = p / (1 - p);
  const atZero = Math.exp(n * Math.log1p(-p));
  const end = Math.min(n, 200);
  for (;;) {
    let mass = atZero;
    let u = random.uniform();
    for (let k = 0; k <= end; k++) {
      if (u < mass) return k;
      u -= mass;
      mass *= ((n - k) / (k + 1)) * odds;
    }
  }
}

/**
 * Von Mises draw with mean 0 and concentration kappa ≥ 0, on (-π, π]: wrapped Cauchy rejection of
 * Best and Fisher, "Efficient simulation of the von Mises distribution" (1979). Outside
 * [1e-5, 1e6] its constants cancel: below, the first-order series of its parameter r is
 * exact to rounding; above, the distribution is normal of variance 1/kappa to that accuracy.
 */
export function vonMisesVariate(random: UniformSource, kappa: number): number {
  if (!(kappa >= 0)) internalError(`von Mises draw of concentration ${kappa}`);
  if (kappa < 1e-8) return Math.PI * (2 * random.uniform() - 1);
  if (kappa > 1e6) {
    const z = random.normal() / Math.sqrt(kappa);
    return Math.max(-Math.PI, Math.min(Math.PI, z));
  }
  const r = kappa < 1e-5 ? 1 / kappa + kappa : envelopeParameter(kappa);
  for (;;) {
    const z = Math.cos(Math.PI * random.uniform());
    const w = (1 + r * z) / (r + z);
    const y = kappa * (r - w);
    const v = random.uniform();
    if (y * (2 - y) - v >= 0 || Math.log(y / v) + 1 - y >= 0) {
      const angle = Math.acos(Math.max(-1, Math.min(1, w)));
      return random.uniform() < 0.5 ? -angle : angle;
    }
  }
}

/** Best and Fisher's r for concentration kappa. */
function envelopeParameter(kappa: number): number {
  const tau = 1 + Math.sqrt(1 + 4 * kappa * kappa);
  const rho = (tau - Math.sqrt(2 * tau)) / (2 * kappa);
  return (1 + rho * rho) / (2 * rho);
}
