/**
 * Local densities against the whole one: what one element's value changes is the same by both, for
 * models of every way in which a site is read.
 */
import { describe, expect, it } from "vitest";
import { directKernels, inputBuffer } from "../../../src/inference/conditionals/kernels.js";
import { loadState, randomStates } from "../../../src/inference/conditionals/states.js";
import { randomBuffers, randomFunctions } from "../../../src/inference/gibbs/kernel/random.js";
import { adaptBuffer, sliceFunctions } from "../../../src/inference/gibbs/kernel/slice.js";
import { localDensity } from "../../../src/inference/gibbs/local/density.js";
import { buildDirectJoint } from "../../../src/inference/logjoint/direct.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { ConstantPool } from "../../../src/passes/lower/index.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
  /** How many entries of the log joint one element may read; undefined: everything. */
  readonly most: Readonly<Record<string, number | undefined>>;
}

const y5 = [
  [2, 3, 1],
  [4, 2, 5],
  [0, 1, 0],
  [6, 5, 7],
  [1, 1, 2],
];

const cases: readonly Case[] = [
  {
    name: "abundance",
    text: `model m(R: int, T: int) {
      lambda ~ Gamma(2, 0.1)
      p ~ Beta(2, 2)
      for i in 0..R {
        N[i] ~ Poisson(lambda)
        for t in 0..T { y[i, t] ~ Binomial(N[i], p) }
      }
    }`,
    data: { y: y5 },
    most: { N: 25 },
  },
  {
    name: "counts of sites that the data name, with visits of different numbers",
    text: `model m(R: int, M: int, site: count[M]) {
      p ~ Beta(2, 2)
      for i in 0..R { N[i] ~ NegativeBinomial(3, 0.5) }
      for j in 0..M { y[j] ~ Binomial(N[site[j]], p) }
    }`,
    data: {
      R: 6,
      site: [0, 3, 3, 1, 5, 5, 5, 5, 5, 5, 5, 2, 0],
      y: [2, 1, 0, 3, 1, 1, 2, 0, 1, 3, 2, 4, 1],
    },
    most: { N: 60 },
  },
  {
    name: "an open population: a chain of counts in each place",
    text: `model m(R: int, T: int) {
      omega ~ Beta(2, 2)
      gamma ~ Exponential(1)
      p ~ Beta(2, 2)
      for i in 0..R {
        N[i, 0] ~ Poisson(8)
        for t in 1..T {
          S[i, t - 1] ~ Binomial(N[i, t - 1], omega)
          N[i, t] ~ NegativeBinomial(S[i, t - 1] + gamma, 0.5)
        }
        for t in 0..T { y[i, t] ~ Binomial(N[i, t], p) }
      }
    }`,
    data: { y: y5 },
    most: { N: 30, S: 30 },
  },
  {
    name: "a linear predictor with an effect of each group and of each item",
    text: `model m(R: int, G: int, X: real[R, 2], group: count[R]) {
      for k in 0..2 { b[k] ~ Normal(0, 1) }
      for g in 0..G { u[g] ~ StudentT(3, 0, 1) }
      for i in 0..R {
        e[i] ~ StudentT(4, 0, 1)
        y[i] ~ Poisson(exp(dot(X[i], b) + u[group[i]] + e[i]))
      }
    }`,
    data: {
      G: 3,
      X: [
        [1, 0.2],
        [1, -0.4],
        [1, 0.9],
        [1, 0.1],
        [1, -1.2],
        [1, 0.3],
      ],
      group: [0, 0, 1, 2, 1, 0],
      y: [1, 0, 3, 2, 1, 4],
    },
    most: { e: 20, u: 30, b: undefined },
  },
  {
    name: "counts whose rates hidden states choose",
    text: `model m(R: int, T: int) {
      for k in 0..2 { rate[k] ~ LogNormal(1, 1) }
      for i in 0..R {
        z[i] ~ Categorical([0.4, 0.6])
        N[i] ~ Poisson(rate[z[i]])
        for t in 0..T { y[i, t] ~ Binomial(N[i], 0.3 + 0.2 * z[i]) }
      }
    }`,
    data: { y: y5 },
    most: { N: 40 },
  },
  {
    name: "sums over all elements, and missing data",
    text: `model m(R: int, T: int) {
      for i in 0..R {
        N[i] ~ Poisson(6)
        for t in 0..T { y[i, t] ~ Binomial(N[i], 0.4) }
      }
      total ~ Normal(sum(N), 2)
      for i in 1..R { d[i - 1] ~ Normal(N[i] - N[i - 1], 1) }
    }`,
    data: {
      y: y5,
      total: 31,
      d: [1, -2, 4, 0.5],
    },
    most: { N: 45 },
  },
  {
    name: "one count beside a state",
    text: `model m() {
      k ~ Categorical([0.5, 0.3, 0.2])
      n ~ Geometric(0.15 * (k + 1))
      y ~ Normal(n + 2 * k, 1.5)
    }`,
    data: { y: 5 },
    most: { n: 10 },
  },
  {
    name: "a recurrence",
    text: `model m(T: int) {
      for t in 0..T { N[t] ~ Poisson(4) }
      let level[0] = 1.0
      for t in 1..T { let level[t] = 0.5 * level[t - 1] + N[t - 1] }
      for t in 0..T { y[t] ~ Normal(level[t], 1) }
    }`,
    data: { y: [1, 3, 4.5, 6, 5, 2] },
    most: { N: 60 },
  },
];

/** log p at moved values of single elements less that where they stood, by both densities. */
function differences(c: Case, name: string) {
  const conditioned = condition(modelOf(c.text), dataSet(c.data));
  const draw = randomStates(conditioned, "test", 2, true);
  // Continuous sites as slices draw them: in unconstrained coordinates.
  const free = new Set(
    buildDirectJoint(conditioned, new Set(), "test", true)
      .sites.filter((s) => !s.isCount)
      .map((s) => s.latent.name),
  );
  const joint = buildDirectJoint(conditioned, free, "test", true);
  const site = joint.sites.findIndex((s) => s.latent.name === name);
  const pool = new ConstantPool();
  const local = localDensity(joint, site, pool);
  const length = joint.sites[site].input.shape[0];
  const isWhole = joint.sites[site].isCount;
  const base = directKernels(joint, { lp: true, densities: [site] }, pool);
  const own = sliceFunctions({ site, length, isWhole, local });
  const instance = make({
    buffers: [
      ...base.buffers,
      ...randomBuffers,
      adaptBuffer,
      ...(local?.buffers ?? []),
      ...own.buffers,
    ],
    functions: [
      ...base.functions,
      ...randomFunctions(),
      ...(local?.functions ?? []),
      ...own.functions,
    ],
  });
  const values = instance.f64(inputBuffer(site));
  const found: { local: number; whole: number; scale: number }[] = [];
  for (let k = 0; k < 4; k++) {
    const rng = stream(7, 0, site, k);
    loadState(joint, instance, draw(rng));
    // Random counts exclude the data: those of outer sites begin high, those of inner ones lower.
    joint.sites.forEach((s, at) => {
      if (!s.isCount) return;
      const level = s.latent.name === "S" ? 9 : 18;
      const counts = instance.f64(inputBuffer(at)).subarray(0, s.latent.length);
      counts.forEach((n, i) => {
        counts[i] = level + (n % 4);
      });
    });
    if (local?.isPrepared === true) instance.call(`prepare_${site}`);
    for (let e = 0; e < length; e++) {
      const at = () => [instance.call(`slice_density_${site}`, e), instance.call("lp")];
      const before = values[e];
      const [a, b] = at();
      for (const step of isWhole ? [1, 5, -1, -3, -30] : [0.3, -1.1]) {
        values[e] = before + step;
        const [c2, d] = at();
        found.push({ local: c2 - a, whole: d - b, scale: Math.abs(a) + Math.abs(b) + Math.abs(d) });
      }
      // The others' turns come where this one was moved to.
      values[e] = before + (isWhole ? 1 : 0.2);
    }
  }
  return { found, local };
}

describe.each(cases)("$name", (c) => {
  it.each(Object.keys(c.most))("%s", (name) => {
    const { found, local } = differences(c, name);
    let finite = 0;
    for (const { local: a, whole: b, scale } of found) {
      if (!Number.isFinite(b)) {
        expect(Number.isNaN(a) || a === b).toBe(true);
        continue;
      }
      finite++;
      expect(Math.abs(a - b)).toBeLessThan(1e-12 * (1 + scale));
    }
    expect(finite).toBeGreaterThan(found.length / 3);
    // Of the entries that the whole density has, an element reads few.
    const limit = c.most[name];
    if (limit === undefined) expect(local).toBeUndefined();
    else expect(local?.most).toBeLessThanOrEqual(limit);
  });
});
