/**
 * Factors with T = (log v, v^a) on v > 0: v^a is Gamma (the generalised gamma of Stacy 1962).
 * a = 1 is Gamma, −1 InverseGamma, −2 a scale whose precision is Gamma, 2 a chi-like scale.
 */
import { digamma, lgamma } from "../../../math/special/index.js";
import { type Factor, factorFrom } from "../contract.js";
import { gammaQuantileOf } from "./quantiles.js";

export interface PowerGammaLayout {
  readonly length: number;
  /** a. */
  readonly exponent: number;
  /** Where log v and v^a stand among the site's statistics; the log may be absent. */
  readonly log?: number;
  readonly power: number;
}

const familyOf = (a: number): string => {
  if (a === 1) return "Gamma";
  if (a === -1) return "InverseGamma";
  return `v^${a} ~ Gamma`;
};

export function powerGammaFactor({ length, exponent: a, log, power }: PowerGammaLayout): Factor {
  const shape = new Float64Array(length);
  const rate = new Float64Array(length);
  /** E v^m. */
  const moment = (i: number, m: number): number => {
    const s = shape[i] + m / a;
    if (!(s > 0)) return Infinity;
    return Math.exp(lgamma(s) - lgamma(shape[i]) - (m / a) * Math.log(rate[i]));
  };
  return factorFrom({
    family: familyOf(a),
    structure: "elementwise",
    update: (natural) => {
      for (let i = 0; i < length; i++) {
        // u = v^a has density u^((η + 1)/a − 1) e^(−rate u).
        shape[i] = ((log === undefined ? 0 : natural[log][i]) + 1) / a;
        rate[i] = -natural[power][i];
        if (!(shape[i] > 0 && shape[i] < Infinity)) return false;
        if (!(rate[i] > 0 && rate[i] < Infinity)) return false;
      }
      return true;
    },
    statistics: (out) => {
      for (let i = 0; i < length; i++) {
        out[power][i] = shape[i] / rate[i];
        if (log !== undefined) out[log][i] = (digamma(shape[i]) - Math.log(rate[i])) / a;
      }
    },
    entropies: (add) => {
      for (let i = 0; i < length; i++) {
        const [s, psi, logRate] = [shape[i], digamma(shape[i]), Math.log(rate[i])];
        const ofPower = s - logRate + lgamma(s) + (1 - s) * psi;
        // log |dv/du| = −log |a| + (1/a − 1) log u.
        add(i, ofPower - Math.log(Math.abs(a)) + (1 / a - 1) * (psi - logRate));
      }
    },
    mean: (i) => moment(i, 1),
    sd: (i) => {
      const first = moment(i, 1);
      const second = moment(i, 2);
      return second === Infinity ? Infinity : Math.sqrt(Math.max(0, second - first * first));
    },
    quantile: (i, p) => gammaQuantileOf(shape[i], rate[i], a > 0 ? p : 1 - p) ** (1 / a),
    draw: (rng, out) => {
      for (let i = 0; i < length; i++) {
        out[i] = Math.exp((rng.logGamma(shape[i]) - Math.log(rate[i])) / a);
      }
    },
  });
}
