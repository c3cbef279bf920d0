import { describe, expect, it } from "vitest";
import { distributions } from "../../../src/distributions/index.js";
import {
  divergence,
  type ExpFamily,
  entropy,
  expFamilies,
  type FamilyName,
  inner,
  logDensity,
  type Params,
} from "../../../src/inference/expfam/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluate } from "../../../src/tensor/evaluate.js";

const f64 = (...x: number[]) => Float64Array.from(x);

interface Row {
  /** Two members of one setting. */
  readonly members: readonly [Params, Params];
  /** log p(x) from the table of distributions. */
  readonly reference: (p: Params, x: Float64Array) => number;
  /** All values, where they are finitely many (or as many as matter). */
  readonly values?: readonly Float64Array[];
}

/** log density of one value by a distribution of the table. */
function tabled(name: string, args: Params, x: Float64Array | number, shape: readonly number[]) {
  const d = distributions[name];
  const g = new GraphBuilder();
  const node = (v: number | Float64Array, rank: number) => {
    if (typeof v === "number") return g.constant(v);
    const side = Math.round(Math.sqrt(v.length));
    return g.constant(v, rank === 2 ? [side, side] : [v.length]);
  };
  const specs = d.parameterisations.flat();
  const nodes = Object.fromEntries(
    Object.entries(args).map(([k, v]) => [k, node(v, specs.find((s) => s.name === k)?.rank ?? 0)]),
  );
  const { scalar } = d.event;
  const value = typeof x === "number" ? g.constant(x, [], scalar) : g.constant(x, shape, scalar);
  return evaluate([d.logProb(g, value, nodes, [])], {})[0][0];
}
const scalarOf = (name: string) => (p: Params, x: Float64Array) => tabled(name, p, x[0], []);
const vectorOf = (name: string) => (p: Params, x: Float64Array) => tabled(name, p, x, [x.length]);
const matrixOf = (name: string) => (p: Params, x: Float64Array) => {
  const side = Math.round(Math.sqrt(x.length));
  return tabled(name, p, x, [side, side]);
};
const upTo = (n: number) => Array.from({ length: n }, (_, k) => f64(k));
/** Every triple of counts that sums to n. */
const triples = (n: number) =>
  upTo(n + 1).flatMap(([a]) => upTo(n + 1 - a).map(([b]) => f64(a, b, n - a - b)));

const COV = f64(1.3, 0.4, 0.4, 0.9);
const COV2 = f64(0.8, -0.2, -0.2, 1.5);

const table: { readonly [N in FamilyName]: Row } = {
  Normal: {
    members: [
      { mu: 1.2, sigma: 0.7 },
      { mu: -0.3, sigma: 1.6 },
    ],
    reference: scalarOf("Normal"),
  },
  Gamma: {
    members: [
      { shape: 2.5, rate: 1.5 },
      { shape: 1.4, rate: 3 },
    ],
    reference: scalarOf("Gamma"),
  },
  InverseGamma: {
    members: [
      { shape: 4.5, scale: 1.5 },
      { shape: 3.2, scale: 3 },
    ],
    reference: scalarOf("InverseGamma"),
  },
  Beta: {
    members: [
      { a: 2.5, b: 1.5 },
      { a: 0.8, b: 3 },
    ],
    reference: scalarOf("Beta"),
  },
  Dirichlet: {
    members: [{ alpha: f64(0.9, 2.5, 1.5) }, { alpha: f64(2, 2, 3.5) }],
    reference: vectorOf("Dirichlet"),
  },
  Categorical: {
    members: [{ p: f64(0.2, 0.5, 0.3) }, { p: f64(0.6, 0.1, 0.3) }],
    reference: scalarOf("Categorical"),
    values: upTo(3),
  },
  Bernoulli: {
    members: [{ p: 0.3 }, { p: 0.85 }],
    reference: scalarOf("Bernoulli"),
    values: upTo(2),
  },
  Binomial: {
    members: [
      { n: 9, p: 0.3 },
      { n: 9, p: 0.85 },
    ],
    reference: scalarOf("Binomial"),
    values: upTo(10),
  },
  Multinomial: {
    members: [
      { n: 5, p: f64(0.2, 0.5, 0.3) },
      { n: 5, p: f64(0.6, 0.1, 0.3) },
    ],
    reference: vectorOf("Multinomial"),
    values: triples(5),
  },
  Poisson: {
    members: [{ rate: 3.4 }, { rate: 7.1 }],
    reference: scalarOf("Poisson"),
    // Beyond 80 the mass is below 1e-60.
    values: upTo(80),
  },
  Exponential: { members: [{ rate: 1.7 }, { rate: 0.6 }], reference: scalarOf("Exponential") },
  Pareto: {
    members: [
      { x_min: 1.5, alpha: 3.5 },
      { x_min: 1.5, alpha: 5 },
    ],
    reference: scalarOf("Pareto"),
  },
  MvNormal: {
    members: [
      { mu: f64(1, -0.5), cov: COV },
      { mu: f64(0.2, 0.4), cov: COV2 },
    ],
    reference: vectorOf("MvNormal"),
  },
  Wishart: {
    members: [
      { nu: 5.5, V: COV },
      { nu: 4, V: COV2 },
    ],
    reference: matrixOf("Wishart"),
  },
  InverseWishart: {
    members: [
      { nu: 9.5, S: COV },
      { nu: 8, S: COV2 },
    ],
    reference: matrixOf("InverseWishart"),
  },
  NormalGamma: {
    members: [
      { m: 1.1, kappa: 2, shape: 3.5, rate: 1.5 },
      { m: 0.3, kappa: 1, shape: 2.5, rate: 2 },
    ],
    reference: (p, [mu, tau]) =>
      tabled("Gamma", { shape: p.shape, rate: p.rate }, tau, []) +
      tabled("Normal", { mu: p.m, sigma: 1 / Math.sqrt(Number(p.kappa) * tau) }, mu, []),
  },
  NormalInverseWishart: {
    members: [
      { m: f64(1, -0.5), kappa: 2, nu: 9.5, S: COV },
      { m: f64(0.2, 0.4), kappa: 1.5, nu: 8, S: COV2 },
    ],
    reference: (p, x) => {
      const sigma = x.slice(2);
      const cov = sigma.map((s) => s / Number(p.kappa));
      return (
        tabled("InverseWishart", { nu: p.nu, S: p.S }, sigma, [2, 2]) +
        tabled("MvNormal", { mu: p.m, cov }, x.slice(0, 2), [2])
      );
    },
  },
  MatrixNormal: {
    members: [
      { M: f64(1, 2, 0.5, -1), U: f64(1, 0.3, 0.3, 0.7), V: COV },
      { M: f64(0.5, 1, 0, -1), U: f64(1, -0.2, -0.2, 1.4), V: COV2 },
    ],
    // The density by its definition: a 2 × 2 matrix with tr(V⁻¹ (X − M)ᵀ U⁻¹ (X − M)).
    reference: (p, x) => {
      const [u, v, m] = [p.U, p.V, p.M].map((a) => a as Float64Array);
      const det = (a: Float64Array) => a[0] * a[3] - a[1] * a[2];
      const inv = (a: Float64Array) => f64(a[3], -a[1], -a[2], a[0]).map((e) => e / det(a));
      const d = x.map((e, i) => e - m[i]);
      const [ui, vi] = [inv(u), inv(v)];
      let trace = 0;
      for (let i = 0; i < 16; i++) {
        const [a, b, c, e] = [i & 1, (i >> 1) & 1, (i >> 2) & 1, (i >> 3) & 1];
        trace += vi[a * 2 + b] * d[c * 2 + b] * ui[c * 2 + e] * d[e * 2 + a];
      }
      return -trace / 2 - 2 * Math.log(2 * Math.PI) - Math.log(det(u)) - Math.log(det(v));
    },
  },
};

const DRAWS = 20000;
/** Mean and standard error. */
function monteCarlo(values: readonly number[]): { mean: number; error: number } {
  const n = values.length;
  const mean = values.reduce((s, v) => s + v, 0) / n;
  const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / (n - 1);
  return { mean, error: Math.sqrt(variance / n) };
}

for (const [name, { members, reference, values }] of Object.entries(table)) {
  describe(name, () => {
    const family: ExpFamily = expFamilies[name as FamilyName];
    const setting = family.setting(members[0]);
    const [eta, theta] = members.map((m) => family.toNatural(m));
    const rng = stream(7, 0, 0, 0);
    const draws = Array.from({ length: DRAWS }, () => family.sample(eta, setting, rng));

    it("has the usual parameters back", () => {
      for (const [k, natural] of [eta, theta].entries()) {
        expect(family.isValid(natural, setting)).toBe(true);
        for (const [parameter, value] of Object.entries(family.fromNatural(natural, setting))) {
          const [found, given] = [value, members[k][parameter]].map((v) =>
            typeof v === "number" ? [v] : [...v],
          );
          found.forEach((v, i) => {
            expect(v).toBeCloseTo(given[i], 12);
          });
        }
      }
    });

    it("has the density of the table of distributions", () => {
      for (const x of draws.slice(0, 50)) {
        for (const [k, natural] of [eta, theta].entries()) {
          const expected = reference(members[k], x);
          const error = Math.abs(logDensity(family, natural, setting, x) - expected);
          expect(error).toBeLessThan(1e-10 * (1 + Math.abs(expected)));
        }
      }
    });

    it("has the gradient of its log-normaliser as expected statistics", () => {
      // Along differences of statistics, which keep matrices symmetric.
      for (let k = 0; k < 5; k++) {
        const [a, b] = [draws[2 * k], draws[2 * k + 1]].map((x) => family.statistics(x, setting));
        const size = Math.max(...a.map((v, i) => Math.abs(v - b[i])), 1e-9);
        const direction = a.map((v, i) => (v - b[i]) / size);
        const h = 1e-4 * Math.min(...eta.map(Math.abs).filter((e) => e > 0), 1);
        const at = (t: number) =>
          family.logNormaliser(
            eta.map((e, i) => e + t * direction[i]),
            setting,
          );
        // A fourth-order difference: its error is far below 1e-7 at this step.
        const numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        const exact = inner(family.mean(eta, setting), direction);
        expect(Math.abs(numeric - exact)).toBeLessThan(1e-6 * (1 + Math.abs(exact)));
      }
    });

    it("has an entropy and a divergence", () => {
      const log = (natural: Float64Array, x: Float64Array) =>
        logDensity(family, natural, setting, x);
      const exact = {
        entropy: entropy(family, eta, setting),
        kl: divergence(family, eta, theta, setting),
      };
      if (values !== undefined) {
        let [h, kl, mass] = [0, 0, 0];
        for (const x of values) {
          const p = Math.exp(log(eta, x));
          mass += p;
          h -= p * log(eta, x);
          kl += p * (log(eta, x) - log(theta, x));
        }
        expect(mass).toBeCloseTo(1, 12);
        expect(exact.entropy).toBeCloseTo(h, 11);
        expect(exact.kl).toBeCloseTo(kl, 11);
        return;
      }
      // Five standard errors, once for a fixed seed.
      const h = monteCarlo(draws.map((x) => -log(eta, x)));
      expect(Math.abs(exact.entropy - h.mean)).toBeLessThan(5 * h.error);
      const kl = monteCarlo(draws.map((x) => log(eta, x) - log(theta, x)));
      expect(Math.abs(exact.kl - kl.mean)).toBeLessThan(5 * kl.error);
      expect(divergence(family, eta, eta, setting)).toBe(0);
    });

    it("draws with the expected statistics", () => {
      const expected = family.mean(eta, setting);
      const statistics = draws.map((x) => family.statistics(x, setting));
      expected.forEach((e, i) => {
        const { mean, error } = monteCarlo(statistics.map((t) => t[i]));
        expect(Math.abs(mean - e)).toBeLessThan(5 * error + 1e-12);
      });
    });
  });
}

describe("natural parameters of no distribution", () => {
  const cases: readonly [FamilyName, Float64Array][] = [
    ["Normal", f64(1, 0)],
    ["Gamma", f64(-1, -1)],
    ["InverseGamma", f64(-1, -1)],
    ["Beta", f64(-1, 2)],
    ["Exponential", f64(0)],
    ["Pareto", f64(-1)],
    ["MvNormal", f64(0, 0, -1, 2, 2, -1)],
    ["Wishart", f64(-1, -1, 0, 0, -1)],
    ["InverseWishart", f64(-1, -1, 0, 0, -1)],
    ["NormalGamma", f64(0, 1, 1, -1)],
  ];
  for (const [name, eta] of cases) {
    it(name, () => {
      const size = ["MvNormal", "Wishart", "InverseWishart"].includes(name) ? 2 : 1;
      expect(expFamilies[name].isValid(eta, { size })).toBe(false);
    });
  }
});
