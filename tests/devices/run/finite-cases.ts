/** Gibbs sampling of finite models: what every device is held to. */
import { expect } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { VariableDiagnostics } from "../../../src/run/diagnostics/index.js";
import { gibbs } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { sampleGibbs } from "../../../src/run/sample-gibbs.js";
import { jobOf } from "./fixtures.js";

const wave = (k: number): number => Math.sin(12.9898 * k) + Math.cos(4.1414 * k * k);

export interface FiniteCase {
  readonly name: string;
  readonly text: string;
  readonly data: Record<string, unknown>;
  /** Whether devices run it every time, also a software Vulkan. */
  readonly isQuick?: boolean;
}

const N = 60;
const twice = (i: number, d: number): number => 1.5 * (i % 2) + wave(3 * i + d);

/** Priors tell components apart, so that draws of all chains have one labelling. */
export const finiteCases: readonly FiniteCase[] = [
  {
    name: "normals of unknown means, precisions and weights",
    text: `model normals(N: int) {
      w ~ Dirichlet([2, 2])
      for k in 0..2 {
        mu[k] ~ Normal(2 * k, 1)
        tau[k] ~ Gamma(3, 2)
      }
      for i in 0..N {
        z[i] ~ Categorical(w)
        x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]]))
      }
    }`,
    data: { N, x: Array.from({ length: N }, (_, i) => twice(i, 0)) },
    isQuick: true,
  },
  {
    name: "vectors with full covariances",
    text: `model vectors(N: int) {
      w ~ Dirichlet([3, 3])
      for k in 0..2 {
        Sigma[k] ~ InverseWishart(5, [[1, 0], [0, 1]])
        mu[k] ~ MvNormal([2 * k, 0], cov: [[1, 0.2], [0.2, 1]])
      }
      for i in 0..N {
        z[i] ~ Categorical(w)
        x[i] ~ MvNormal(mu[z[i]], cov: Sigma[z[i]])
      }
    }`,
    data: { N, x: Array.from({ length: N }, (_, i) => [twice(i, 0), wave(i + 50)]) },
  },
  {
    name: "two plates, bits and counts, a site above",
    text: `model plates(N: int, M: int) {
      p ~ Beta(2, 3)
      scale ~ Gamma(2, 1)
      low ~ Gamma(2, scale)
      high ~ Gamma(20, 2)
      q ~ Dirichlet([4, 1, 2])
      for j in 0..3 { r[j] ~ Beta(1 + 3 * j, 7 - 3 * j) }
      for i in 0..N {
        b[i] ~ Bernoulli(p)
        n[i] ~ Poisson(if b[i] then high else low)
      }
      for i in 0..M {
        c[i] ~ Categorical(q)
        for t in 0..4 { y[i, t] ~ Bernoulli(r[c[i]]) }
      }
    }`,
    data: {
      N: 30,
      M: 25,
      n: Array.from(
        { length: 30 },
        (_, i) => (i % 3 === 0 ? 9 : 1) + Math.floor(Math.abs(wave(i))),
      ),
      y: Array.from({ length: 25 }, (_, i) =>
        Array.from({ length: 4 }, (_, t) => (wave(5 * i + t) + (i % 3) - 1 > 0 ? 1 : 0)),
      ),
    },
  },
  {
    name: "lines of unknown slopes, a group drawn at once, data that are missing",
    text: `model lines(N: int, x: real[N]) {
      w ~ Dirichlet([2, 2])
      tau ~ Gamma(2, 1)
      for k in 0..2 {
        a[k] ~ Normal(0, 2)
        s[k] ~ Normal(4 * k - 2, 1)
      }
      for i in 0..N {
        z[i] ~ Categorical(w)
        y[i] ~ Normal(a[z[i]] + s[z[i]] * x[i], 1 / sqrt(tau))
      }
    }`,
    data: {
      N: 40,
      x: Array.from({ length: 40 }, (_, i) => wave(7 * i)),
      y: Array.from({ length: 40 }, (_, i) =>
        i === 3 ? null : (i % 2 === 0 ? -2 : 2) * wave(7 * i) + 0.4 * wave(i),
      ),
    },
  },
];

/** Means of all scalars with their Monte Carlo errors, and that of the log density. */
function meansOf(fit: FitData): { readonly mean: number; readonly error: number }[] {
  const [{ draws }] = fit.chains;
  const width = fit.latents.reduce((n, l) => n + l.length, 0);
  const judge = new VariableDiagnostics(fit.chains.length, draws);
  const of = (values: Float64Array) => {
    const { mean, sd, essBulk } = judge.summarise(values);
    return { mean, error: sd > 0 ? sd / Math.sqrt(essBulk) : 1e-12 };
  };
  const columns = Array.from({ length: width }, (_, k) => {
    const all = fit.chains.flatMap((c) =>
      Array.from({ length: draws }, (_, t) => c.values[t * width + k]),
    );
    return of(Float64Array.from(all));
  });
  return [
    ...columns,
    of(Float64Array.from(fit.chains.flatMap((c) => [...(c.statistics.lp ?? [])]))),
  ];
}

/**
 * Every scalar's mean, and that of the log joint, as the CPU's sampler has it. With some sixty
 * scalars a limit of 4.5 standard errors is missed by one seed in 2500.
 */
export async function expectSame(
  { text, data }: FiniteCase,
  device: GraphDevice,
  draws: number,
): Promise<void> {
  const { run } = jobOf(text, data);
  const here = await sampleGibbs(run, gibbs({ chains: 2, warmup: 200, draws: 2000 }));
  const blocks = text.includes("s[k]") ? [["a", "s"]] : [];
  const method = gibbs({ chains: 2, warmup: 200, draws, blocks });
  const there = await sampleGibbs({ ...run, device }, method);
  expect(there.figures.device).toBe(device.name);
  expect(there.latents).toEqual(here.latents);
  expect(there.ranges).toEqual(here.ranges);
  const [wanted, found] = [meansOf(here), meansOf(there)];
  expect(found.length).toBe(wanted.length);
  wanted.forEach((a, k) => {
    const apart = Math.abs(a.mean - found[k].mean) / Math.hypot(a.error, found[k].error);
    // Of values that hardly ever change the errors are not known.
    const isConstant = Math.abs(a.mean - found[k].mean) < 0.02;
    if (!isConstant) expect(apart, `scalar ${k}`).toBeLessThan(4.5);
  });
}

const x = [-1.1, -0.4, 0.1, 0.7, 1.6];
const tiny = `model tiny(N: int) {
  w ~ Beta(2, 1.5)
  for i in 0..N { z[i] ~ Bernoulli(w); x[i] ~ Normal(if z[i] then 0.8 else -0.8, 1) }
}`;

/** Frequencies of all 32 assignments of five items, with the weight integrated out. */
export async function expectAssignments(device: GraphDevice, draws: number): Promise<void> {
  const { run } = jobOf(tiny, { N: 5, x });
  const method = gibbs({ chains: 1, warmup: 50, draws, thin: 2 });
  const fit = await sampleGibbs({ ...run, device }, method);
  const [a, b] = [2, 1.5];
  /** Rising factorial a (a + 1) … */
  const rising = (from: number, n: number): number =>
    Array.from({ length: n }, (_, i) => from + i).reduce((p, v) => p * v, 1);
  const masses = Array.from({ length: 32 }, (_, state) => {
    const bits = x.map((_, i) => (state >> i) & 1);
    const ones = bits.reduce((n, v) => n + v, 0);
    const likelihood = x.reduce((sum, v, i) => sum - 0.5 * (v - (bits[i] ? 0.8 : -0.8)) ** 2, 0);
    return rising(a, ones) * rising(b, 5 - ones) * Math.exp(likelihood);
  });
  const total = masses.reduce((s, v) => s + v, 0);
  const seen = new Float64Array(32);
  const { values } = fit.chains[0];
  for (let t = 0; t < draws; t++) {
    let state = 0;
    for (let i = 0; i < 5; i++) state += values[t * 6 + 1 + i] * 2 ** i;
    seen[state]++;
  }
  // The weight ties draws together: a third of them are taken to count. 32 cells within 4.5 errors.
  seen.forEach((count, state) => {
    const p = masses[state] / total;
    const error = Math.sqrt((p * (1 - p)) / (draws / 3));
    expect(Math.abs(count / draws - p), `state ${state}`).toBeLessThan(4.5 * error);
  });
}
