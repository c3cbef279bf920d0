/** The blocked sampler on a device: frequencies against exact posteriors and the CPU's samplers. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { gibbs } from "../../../src/run/methods.js";
import { sampleProcess } from "../../../src/run/process.js";
import { normalModel } from "../../helpers/cluster-models.js";
import { expectFrequencies, exactPosterior, subsetMarginal } from "../../inference/dp/partitions.js";
import { jobOf } from "./fixtures.js";

const y = [-1.3, -0.9, 0.2, 0.8, 1.4, 2.1];
const known = `model known(N: int) {
  for k in 0.. { mu[k] ~ Normal(0.3, 1.5) }
  for i in 0..N { z[i] ~ CRP(1.0); x[i] ~ Normal(mu[z[i]], 0.6) }
}`;

describe("blocked Gibbs with its passes on a device", () => {
  test("frequencies of partitions of six items", async () => {
    const { run } = jobOf(known, { N: 6, x: y });
    // At α = 1 and six items 24 components err by less than 3e-6.
    const method = gibbs({ chains: 1, warmup: 200, draws: 6000, thin: 2, algorithm: "blocked", truncation: 24 });
    const fit = await sampleProcess({ ...run, device: openCpuGraphs() }, method);
    expect(fit.figures.device).toBe("cpu");
    const model = normalModel(Float64Array.from(y), { sigma: 0.6, mean: 0.3, sd: 1.5 });
    const exact = exactPosterior(6, 1, subsetMarginal(model));
    const draws = fit.process?.chains[0].draws;
    if (draws === undefined) throw new Error("no draws");
    expectFrequencies(draws, exact.partitions, exact.masses);
  });
});
