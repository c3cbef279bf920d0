/** Beta factors, T = (log v, log(1 − v)), and Dirichlet factors, T = log v of each vector. */
import { digamma, lbeta, lgamma } from "../../../math/special/index.js";
import { type Factor, factorFrom } from "../contract.js";
import { betaQuantile } from "./quantiles.js";

export interface BetaLayout {
  readonly length: number;
  /** Where the statistics stand among the site's; either may be absent. */
  readonly log?: number;
  readonly log1m?: number;
}

const sdOfBeta = (a: number, b: number): number => Math.sqrt((a * b) / (a + b + 1)) / (a + b);

export function betaFactor({ length, log, log1m }: BetaLayout): Factor {
  const a = new Float64Array(length);
  const b = new Float64Array(length);
  return factorFrom({
    family: "Beta",
    structure: "elementwise",
    update: (natural) => {
      for (let i = 0; i < length; i++) {
        a[i] = 1 + (log === undefined ? 0 : natural[log][i]);
        b[i] = 1 + (log1m === undefined ? 0 : natural[log1m][i]);
        if (!(a[i] > 0 && b[i] > 0 && a[i] + b[i] < Infinity)) return false;
      }
      return true;
    },
    statistics: (out) => {
      for (let i = 0; i < length; i++) {
        const whole = digamma(a[i] + b[i]);
        if (log !== undefined) out[log][i] = digamma(a[i]) - whole;
        if (log1m !== undefined) out[log1m][i] = digamma(b[i]) - whole;
      }
    },
    entropies: (add) => {
      for (let i = 0; i < length; i++) {
        const own = lbeta(a[i], b[i]) + (a[i] + b[i] - 2) * digamma(a[i] + b[i]);
        add(i, own - (a[i] - 1) * digamma(a[i]) - (b[i] - 1) * digamma(b[i]));
      }
    },
    mean: (i) => a[i] / (a[i] + b[i]),
    sd: (i) => sdOfBeta(a[i], b[i]),
    quantile: (i, p) => betaQuantile(a[i], b[i], p),
    draw: (rng, out) => {
      for (let i = 0; i < length; i++) out[i] = rng.beta(a[i], b[i]);
    },
  });
}

export interface DirichletLayout {
  readonly length: number;
  /** Entries of each vector. */
  readonly size: number;
  readonly log?: number;
}

export function dirichletFactor({ length, size, log }: DirichletLayout): Factor {
  const alpha = new Float64Array(length);
  const totals = new Float64Array(length / size);
  return factorFrom({
    family: "Dirichlet",
    structure: length === size ? "one vector" : `${length / size} vectors`,
    update: (natural) => {
      totals.fill(0);
      for (let i = 0; i < length; i++) {
        alpha[i] = 1 + (log === undefined ? 0 : natural[log][i]);
        if (!(alpha[i] > 0 && alpha[i] < Infinity)) return false;
        totals[Math.floor(i / size)] += alpha[i];
      }
      return true;
    },
    statistics: (out) => {
      if (log === undefined) return;
      for (let u = 0; u < totals.length; u++) {
        const whole = digamma(totals[u]);
        for (let i = u * size; i < (u + 1) * size; i++) out[log][i] = digamma(alpha[i]) - whole;
      }
    },
    entropies: (add) => {
      for (let u = 0; u < totals.length; u++) {
        let own = (totals[u] - size) * digamma(totals[u]) - lgamma(totals[u]);
        for (let i = u * size; i < (u + 1) * size; i++) {
          own += lgamma(alpha[i]) - (alpha[i] - 1) * digamma(alpha[i]);
        }
        add(u * size, own);
      }
    },
    mean: (i) => alpha[i] / totals[Math.floor(i / size)],
    sd: (i) => sdOfBeta(alpha[i], totals[Math.floor(i / size)] - alpha[i]),
    quantile: (i, p) => betaQuantile(alpha[i], totals[Math.floor(i / size)] - alpha[i], p),
    draw: (rng, out) => {
      for (let u = 0; u < totals.length; u++) {
        out.set(rng.dirichlet(alpha.subarray(u * size, (u + 1) * size)), u * size);
      }
    },
  });
}
