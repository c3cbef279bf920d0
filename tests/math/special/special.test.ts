import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as special from "../../../src/math/special/index.js";

/** Made by scripts/reference/special.py (mpmath, 60 digits and more). */
const reference: Record<string, (number | string)[][]> = JSON.parse(
  readFileSync(new URL("../reference/special.json", import.meta.url), "utf8"),
);

interface Claim {
  readonly f: (...x: number[]) => number;
  /** Largest relative error. */
  readonly relative: number;
  /** Absolute error also accepted, where a zero of the function takes relative accuracy away. */
  readonly absolute?: number;
}

const TIGHT = 1e-14;

const claims: Record<string, Claim> = {
  lgamma: { f: special.lgamma, relative: TIGHT },
  digamma: { f: special.digamma, relative: TIGHT },
  trigamma: { f: special.trigamma, relative: TIGHT },
  erf: { f: special.erf, relative: TIGHT },
  erfc: { f: special.erfc, relative: TIGHT },
  erfcx: { f: special.erfcx, relative: TIGHT },
  logErfc: { f: special.logErfc, relative: TIGHT },
  normalCdf: { f: special.normalCdf, relative: TIGHT },
  normalLogCdf: { f: special.normalLogCdf, relative: TIGHT },
  normalLogCdfGradient: { f: special.normalLogCdfGradient, relative: TIGHT },
  normalQuantile: { f: special.normalQuantile, relative: TIGHT },
  normalQuantileOfLog: { f: special.normalQuantileOfLog, relative: TIGHT },
  erfInverse: { f: special.erfInverse, relative: TIGHT },
  log1pexp: { f: special.log1pexp, relative: TIGHT },
  log1mexp: { f: special.log1mexp, relative: TIGHT },
  logistic: { f: special.logistic, relative: TIGHT },
  logLogistic: { f: special.logLogistic, relative: TIGHT },
  logit: { f: special.logit, relative: TIGHT },
  stirlingCorrection: { f: special.stirlingCorrection, relative: TIGHT, absolute: 1e-14 },
  log1pmx: { f: special.log1pmx, relative: TIGHT },
  besselI0e: { f: special.besselI0e, relative: TIGHT },
  besselI1e: { f: special.besselI1e, relative: TIGHT },
  logBesselI0: { f: special.logBesselI0, relative: TIGHT },
  besselRatio: { f: special.besselRatio, relative: TIGHT },
  // The beta function is 1 along a curve, where its logarithm is a difference of numbers of
  // size 1 or, for one small argument, of size log(1/a).
  lbeta: { f: special.lbeta, relative: 1e-13, absolute: 1e-14 },
  lchoose: { f: special.lchoose, relative: 1e-13, absolute: 1e-14 },
  logPoissonMass: { f: special.logPoissonMass, relative: 1e-13, absolute: 1e-14 },
  logBinomialMass: { f: special.logBinomialMass, relative: 1e-13, absolute: 1e-14 },
  gammaP: { f: special.gammaP, relative: 1e-13 },
  gammaQ: { f: special.gammaQ, relative: 1e-13 },
  gammaPLarge: { f: special.gammaP, relative: 1e-12 },
  gammaQuantile: { f: special.gammaQuantile, relative: 1e-13 },
  betaI: { f: special.betaI, relative: 1e-12 },
};

describe("against mpmath", () => {
  test("every reference table has a claim", () => {
    expect(Object.keys(reference).sort()).toEqual(Object.keys(claims).sort());
  });
  test.each(Object.entries(claims))("%s", (name, { f, relative, absolute = 5e-324 }) => {
    const failures: string[] = [];
    for (const row of reference[name]) {
      const numbers = row.map(Number);
      const expected = numbers[numbers.length - 1];
      const got = f(...numbers.slice(0, -1));
      const error = Math.abs(got - expected);
      // Below the normal range a double has an absolute spacing only.
      const allowed = Math.max(relative * Math.abs(expected), absolute);
      if (got === expected || error <= allowed) continue;
      const stated = `relative ${(error / Math.abs(expected)).toExponential(1)}`;
      failures.push(`${name}(${row.slice(0, -1).join(", ")}) = ${got}, not ${expected}: ${stated}`);
    }
    expect(failures).toEqual([]);
  });
});

describe("special values", () => {
  const { lgamma, digamma, trigamma, erf, erfc, erfcx, normalQuantile, logit } = special;
  test.each([
    [lgamma(0), Infinity],
    [lgamma(-0), Infinity],
    [lgamma(-3), Infinity],
    [lgamma(1), 0],
    [lgamma(2), 0],
    [lgamma(Infinity), Infinity],
    [lgamma(-Infinity), Infinity],
    [lgamma(NaN), NaN],
    [lgamma(1e308), Infinity],
    [digamma(0), -Infinity],
    [digamma(-0), Infinity],
    [digamma(-2), NaN],
    [digamma(Infinity), Infinity],
    [digamma(-Infinity), NaN],
    [digamma(NaN), NaN],
    [trigamma(0), Infinity],
    [trigamma(-1), Infinity],
    [trigamma(1e-200), Infinity],
    [trigamma(Infinity), 0],
    [trigamma(-Infinity), NaN],
    [trigamma(NaN), NaN],
    [erf(Infinity), 1],
    [erf(-Infinity), -1],
    [erf(NaN), NaN],
    [erf(-0), -0],
    [erfc(Infinity), 0],
    [erfc(-Infinity), 2],
    [erfc(1e300), 0],
    [erfc(NaN), NaN],
    [erfcx(Infinity), 0],
    [erfcx(-Infinity), Infinity],
    [erfcx(-27), Infinity],
    [erfcx(NaN), NaN],
    [special.logErfc(Infinity), -Infinity],
    [special.logErfc(-Infinity), Math.LN2],
    [special.logErfc(NaN), NaN],
    [special.normalCdf(Infinity), 1],
    [special.normalCdf(-Infinity), 0],
    [special.normalLogCdf(Infinity), -0],
    [special.normalLogCdf(-Infinity), -Infinity],
    [special.normalLogCdf(NaN), NaN],
    [special.normalLogCdfGradient(Infinity), 0],
    [special.normalLogCdfGradient(-Infinity), Infinity],
    [normalQuantile(0), -Infinity],
    [normalQuantile(1), Infinity],
    [normalQuantile(0.5), 0],
    [normalQuantile(-0.1), NaN],
    [normalQuantile(1.1), NaN],
    [normalQuantile(NaN), NaN],
    [special.normalQuantileOfLog(-Infinity), -Infinity],
    [special.normalQuantileOfLog(0), Infinity],
    [special.erfInverse(1), Infinity],
    [special.erfInverse(-1), -Infinity],
    [special.erfInverse(1.5), NaN],
    [special.log1pexp(-Infinity), 0],
    [special.log1pexp(Infinity), Infinity],
    [special.log1pexp(NaN), NaN],
    [special.log1mexp(0), -Infinity],
    [special.log1mexp(-Infinity), -0],
    [special.log1mexp(1), NaN],
    [special.logistic(Infinity), 1],
    [special.logistic(-Infinity), 0],
    [logit(0), -Infinity],
    [logit(1), Infinity],
    [logit(0.5), 0],
    [logit(-1), NaN],
    [special.logsumexp([]), -Infinity],
    [special.logsumexp([-Infinity, -Infinity]), -Infinity],
    [special.logsumexp([1, Infinity]), Infinity],
    [special.logsumexp([1, NaN]), NaN],
    [special.logsumexp([1000, 1000]), 1000 + Math.LN2],
    [special.logaddexp(-Infinity, 3), 3],
    [special.logaddexp(-Infinity, -Infinity), -Infinity],
    [special.logaddexp(Infinity, -Infinity), Infinity],
    [special.logaddexp(NaN, 0), NaN],
    [special.logsubexp(3, 3), -Infinity],
    [special.logsubexp(-Infinity, -Infinity), -Infinity],
    [special.logsubexp(3, -Infinity), 3],
    [special.logsubexp(1, 2), NaN],
    [special.besselI0e(0), 1],
    [special.besselI0e(Infinity), 0],
    [special.besselI1e(0), 0],
    [special.logBesselI0(0), 0],
    [special.besselRatio(-Infinity), -1],
    [special.lbeta(0, 1), Infinity],
    [special.lbeta(-1, 1), NaN],
    [special.lchoose(5, 0), 0],
    [special.lchoose(5, 6), -Infinity],
    [special.logPoissonMass(0, 0), 0],
    [special.logPoissonMass(1, 0), -Infinity],
    [special.logBinomialMass(0, 5, 0), 0],
    [special.logBinomialMass(5, 5, 1), 0],
    [special.logBinomialMass(4, 5, 1), -Infinity],
    [special.gammaP(1, 0), 0],
    [special.gammaQ(1, 0), 1],
    [special.gammaP(1, Infinity), 1],
    [special.gammaP(-1, 1), NaN],
    [special.gammaQuantile(2, 0), 0],
    [special.gammaQuantile(2, 1), Infinity],
    [special.gammaQuantile(2, 1.5), NaN],
    [special.gammaQuantile(1e-6, 0.5), 0],
    [special.betaI(2, 3, 0), 0],
    [special.betaI(2, 3, 1), 1],
    [special.betaI(2, 3, 1.5), NaN],
  ])("case %#: %d is %d", (got, expected) => {
    expect(Object.is(got, expected)).toBe(true);
  });

  test("the sign of the gamma function alternates below 0", () => {
    expect([2.5, -0.5, -1.5, -2.5, -3].map(special.gammaSign)).toEqual([1, -1, 1, -1, NaN]);
  });
  test("sinPi and cosPi are exact at quarter turns, far from 0 too", () => {
    for (const n of [0, 1, 2, 7, -3, 1e15, 2 ** 52 + 1]) {
      expect(Math.abs(special.sinPi(n))).toBe(0);
      expect(special.cosPi(n)).toBe(n % 2 === 0 ? 1 : -1);
    }
    for (const n of [0.5, -0.5, 2.5, 1000003.5]) {
      expect(special.cosPi(n) === 0).toBe(true);
      expect(Math.abs(special.sinPi(n))).toBe(1);
    }
    expect(special.sinPi(-2.25)).toBeCloseTo(-Math.SQRT1_2, 15);
    expect(special.cosPi(3.25)).toBeCloseTo(-Math.SQRT1_2, 15);
  });
});

describe("identities", () => {
  test("lmvgamma(1, a) is lgamma(a); p = 2 by its definition", () => {
    expect(special.lmvgamma(1, 3.7)).toBe(special.lgamma(3.7));
    const two = 0.5 * Math.log(Math.PI) + special.lgamma(3.7) + special.lgamma(3.2);
    expect(special.lmvgamma(2, 3.7)).toBeCloseTo(two, 14);
  });
  test("derivatives: lgamma → digamma → trigamma, log Φ, log I₀, by central differences", () => {
    const pairs: [(x: number) => number, (x: number) => number, number[]][] = [
      [special.lgamma, special.digamma, [0.2, 1.1, 2.9, 5, 7.99, 30, -0.3, -2.6]],
      [special.digamma, special.trigamma, [0.2, 1.1, 2.9, 5, 7.99, 30, -0.3, -2.6]],
      [special.normalLogCdf, special.normalLogCdfGradient, [-30, -2, -0.1, 0.3, 3]],
      [special.logBesselI0, special.besselRatio, [0.1, 3, 7.99, 8.01, 50]],
      [special.log1pexp, special.logistic, [-20, -1, 0, 1, 20]],
    ];
    for (const [f, df, points] of pairs) {
      for (const x of points) {
        // Error h² f‴/6 + ε|f|/h: near 1e-8 relative at h = 1e-5 max(1, |x|) for these points.
        const h = 1e-5 * Math.max(1, Math.abs(x));
        const slope = (f(x + h) - f(x - h)) / (2 * h);
        expect(Math.abs(slope / df(x) - 1)).toBeLessThan(2e-6);
      }
    }
  });
  test("I_x(a, b) and its complement sum to 1; betaI(1, 1, x) = x", () => {
    for (const [a, b, x] of [
      [0.3, 0.4, 0.7],
      [5, 2, 0.9],
      [1e6, 2e6, 0.3333],
    ] as const) {
      const sum = special.betaI(a, b, x) + special.betaIComplement(a, b, x);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-15);
    }
    expect(special.betaI(1, 1, 0.3)).toBeCloseTo(0.3, 15);
  });
  test("Q(1, x) = exp(-x), in the far tail in relative terms", () => {
    for (const x of [0.1, 2, 50, 600]) {
      expect(special.gammaQ(1, x) / Math.exp(-x)).toBeCloseTo(1, 12);
    }
  });
});
