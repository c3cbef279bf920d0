/** Models with discrete sites and data for them, for fits by EM and CAVI on devices. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { diagnostic, TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { gibbs } from "../../../src/run/methods.js";
import { sampleProcess } from "../../../src/run/process.js";
import { normalModel } from "../../helpers/cluster-models.js";
import {
  exactPosterior,
  expectFrequencies,
  subsetMarginal,
} from "../../inference/dp/partitions.js";
import { jobOf } from "./fixtures.js";

const models = new URL("../../inference/em/models/", import.meta.url);
export const emModel = (name: string): string =>
  readFileSync(new URL(`${name}.ppl`, models), "utf8");

/** Numbers of no particular kind. */
const wave = (k: number): number => Math.sin(12.9898 * k) + Math.cos(4.1414 * k * k);

/** Three groups, in turn, some of them near each other. */
export const points = (n: number): number[][] =>
  Array.from({ length: n }, (_, i) => {
    const far = 3 * (i % 3);
    return [far + wave(i), wave(i + 1000) - far + 0.3 * wave(i)];
  });

const N = 240;
const plane = { N, K: 3, D: 2, x: points(N) };
const binary = {
  N,
  K: 2,
  D: 4,
  x: Array.from({ length: N }, (_, i) =>
    Array.from({ length: 4 }, (_, d) =>
      wave(i * 4 + d) + (i % 2 === d % 2 ? 0.8 : -0.8) > 0 ? 1 : 0,
    ),
  ),
};
const series = { N, K: 2, y: Array.from({ length: N }, (_, t) => wave(t) + 3 * ((t >> 4) % 2)) };

export const emCases: readonly (readonly [string, Record<string, unknown>])[] = [
  ["mixture_full", plane],
  ["mixture_diag", plane],
  ["mixture_tied", plane],
  ["gaussian_mixture", plane],
  ["bernoulli_mixture", binary],
  ["hmm", series],
];

const normals = `model normals(N: int, K: int, D: int) {
  pi ~ Dirichlet(ones(K))
  for k in 0..K {
    mu[k] ~ iid(Normal(0, 5), D)
    tau[k] ~ Gamma(2, 2)
  }
  for i in 0..N {
    z[i] ~ Categorical(pi)
    x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]]))
  }
}`;

const chain = `model chain(N: int, K: int) {
  start ~ Dirichlet(ones(K))
  for k in 0..K {
    P[k] ~ Dirichlet(ones(K))
    m[k] ~ Normal(0, 4)
  }
  z[0] ~ Categorical(start)
  for t in 1..N { z[t] ~ Categorical(P[z[t - 1]]) }
  for t in 0..N { y[t] ~ Normal(m[z[t]], 1) }
}`;

export const caviCases: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ["full covariances", emModel("gaussian_mixture"), plane],
  ["normals", normals, plane],
  ["a chain", chain, series],
];

/** The CPU as a device whose passes fail from this one on. */
export function lostAt(pass: number): GraphDevice {
  const device = openCpuGraphs();
  let passes = 0;
  const count = (): void => {
    passes++;
    if (passes < pass) return;
    const params = { reason: "the driver was reset", doing: "running a graph" };
    throw new TildeError([diagnostic("webgpu_lost", undefined, params)]);
  };
  return {
    ...device,
    compileGraph: async (graph) => {
      const program = await device.compileGraph(graph);
      return {
        ...program,
        run: async (inputs) => {
          count();
          return await program.run(inputs);
        },
      };
    },
    compileLoop: async (spec) => {
      const loop = await device.compileLoop(spec);
      return {
        ...loop,
        steps: async (first, steps) => {
          count();
          return await loop.steps(first, steps);
        },
      };
    },
  };
}

/** Blocked Gibbs of six items on a device: frequencies of partitions against their exact masses. */
export async function expectPartitions(device: GraphDevice, draws: number): Promise<void> {
  const y = [-1.3, -0.9, 0.2, 0.8, 1.4, 2.1];
  const text = `model known(N: int) {
    for k in 0.. { mu[k] ~ Normal(0.3, 1.5) }
    for i in 0..N { z[i] ~ CRP(1.0); x[i] ~ Normal(mu[z[i]], 0.6) }
  }`;
  const { run } = jobOf(text, { N: 6, x: y });
  const method = gibbs({ chains: 1, warmup: 50, draws, thin: 2, truncation: 24 });
  const fit = await sampleProcess({ ...run, device }, method);
  expect(fit.figures.device).toBe(device.name);
  const model = normalModel(Float64Array.from(y), { sigma: 0.6, mean: 0.3, sd: 1.5 });
  const exact = exactPosterior(6, 1, subsetMarginal(model));
  const found = fit.process?.chains[0].draws;
  if (found === undefined) throw new Error("no draws");
  expectFrequencies(found, exact.partitions, exact.masses);
}
