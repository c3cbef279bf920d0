/** The blocked sampler on a device: frequencies against exact posteriors and the CPU's samplers. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { Shelf } from "../../../src/run/device/auto.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { VariableDiagnostics } from "../../../src/run/diagnostics/index.js";
import { gibbs } from "../../../src/run/methods.js";
import { sampleProcess } from "../../../src/run/process.js";
import { normalModel } from "../../helpers/cluster-models.js";
import {
  exactPosterior,
  expectFrequencies,
  subsetMarginal,
} from "../../inference/dp/partitions.js";
import { jobOf } from "./fixtures.js";
import { lostAt } from "./mixtures.js";

/** Two groups and something between, with a mean, a scale and a concentration of their own. */
const hierarchical = `model hierarchical(N: int) {
  alpha ~ Gamma(2, 2)
  m ~ Normal(0, 5)
  for k in 0.. {
    mu[k] ~ Normal(m, 2)
    tau[k] ~ Gamma(3, 1)
  }
  for i in 0..N { z[i] ~ CRP(alpha); x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]])) }
}`;
const groups = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? -3 : 2) + Math.sin(9 * i));

const y = [-1.3, -0.9, 0.2, 0.8, 1.4, 2.1];
const known = `model known(N: int) {
  for k in 0.. { mu[k] ~ Normal(0.3, 1.5) }
  for i in 0..N { z[i] ~ CRP(1.0); x[i] ~ Normal(mu[z[i]], 0.6) }
}`;

describe("blocked Gibbs with its passes on a device", () => {
  test("frequencies of partitions of six items", async () => {
    const { run } = jobOf(known, { N: 6, x: y });
    // At α = 1 and six items 24 components err by less than 3e-6.
    const method = gibbs({
      chains: 1,
      warmup: 200,
      draws: 6000,
      thin: 2,
      algorithm: "blocked",
      truncation: 24,
    });
    const fit = await sampleProcess({ ...run, device: openCpuGraphs() }, method);
    expect(fit.figures.device).toBe("cpu");
    const model = normalModel(Float64Array.from(y), { sigma: 0.6, mean: 0.3, sd: 1.5 });
    const exact = exactPosterior(6, 1, subsetMarginal(model));
    const draws = fit.process?.chains[0].draws;
    if (draws === undefined) throw new Error("no draws");
    expectFrequencies(draws, exact.partitions, exact.masses);
  });

  test("clusters, concentration and a site outside the plate as the CPU's blocked sampler", async () => {
    const { run } = jobOf(hierarchical, { N: 40, x: groups });
    const method = gibbs({
      chains: 2,
      warmup: 300,
      draws: 1500,
      thin: 2,
      algorithm: "blocked",
      truncation: 20,
    });
    const fits = [
      await sampleProcess(run, method),
      await sampleProcess({ ...run, device: openCpuGraphs() }, method),
    ];
    const [here, there] = fits.map((fit) => {
      const of = (values: ArrayLike<number>) => {
        const { mean, sd, essBulk } = new VariableDiagnostics(2, 1500).summarise(
          Float64Array.from(values),
        );
        return { mean, error: sd / Math.sqrt(essBulk) };
      };
      const chains = fit.process?.chains ?? [];
      return [
        of(chains.flatMap((c) => [...c.draws.clusters])),
        of(fit.whole?.get("alpha")?.data ?? []),
        of(fit.whole?.get("m")?.data ?? []),
        // The scale of the component of the first item.
        of(
          chains.flatMap(({ draws: d }) =>
            Array.from({ length: d.draws }, (_, t) =>
              Math.log(d.thetas[d.offsets[t] * d.width + 1]),
            ),
          ),
        ),
      ];
    });
    here.forEach((a, k) => {
      // Four figures, each within four of its standard errors: one in 4000 seeds fails.
      expect(Math.abs(a.mean - there[k].mean)).toBeLessThan(
        4 * Math.hypot(a.error, there[k].error),
      );
    });
  });

  test("what has no program is named", async () => {
    const { run } = jobOf(known, { N: 6, x: y });
    const device = openCpuGraphs();
    const one = await sampleProcess({ ...run, device }, gibbs({ algorithm: "collapsed" })).catch(
      (e) => e,
    );
    expect(one).toBeInstanceOf(TildeError);
    expect(one.message).toContain("the algorithm `collapsed`");
    const text = known.replace("Normal(0.3, 1.5)", "StudentT(3, 0.3, 1.5)");
    const other = jobOf(text, { N: 6, x: y });
    const two = await sampleProcess({ ...other.run, device }, gibbs({ truncation: 5 })).catch(
      (e) => e,
    );
    expect(two).toBeInstanceOf(TildeError);
    expect(two.diagnostics[0].code).toBe("device_step");
    expect(two.message).toContain("`mu`");
  });

  test("left open, the place is chosen by the time of a sweep", async () => {
    const { run } = jobOf(known, { N: 6, x: y });
    const shelf = () => new Shelf(["webgpu"], async () => ({ ...openCpuGraphs(), name: "webgpu" }));
    const short = gibbs({ chains: 1, warmup: 5, draws: 5, algorithm: "blocked", truncation: 10 });
    const fit = await sampleProcess({ ...run, shelf: shelf() }, short);
    expect(fit.figures.device).toBe("cpu");
    expect(Object.keys(fit.figures.step_microseconds as object)).toEqual(["cpu"]);
    const other = await sampleProcess({ ...run, shelf: shelf() }, gibbs({ warmup: 5, draws: 5 }));
    expect(other.figures.device).toBe("cpu");
    expect(other.figures.algorithm).toBe("collapsed");
    // A run so long that devices are timed, stopped before its first sweep.
    const signal = AbortSignal.abort();
    const long = gibbs({ chains: 1, warmup: 5, draws: 1, algorithm: "blocked", truncation: 10 });
    const timed = await sampleProcess(
      { ...run, shelf: shelf(), options: { ...run.options, signal } },
      { ...long, thin: 1_000_000_000 },
    );
    expect(timed.interrupted).toBe(true);
    expect(timed.chains).toEqual([]);
    expect(Object.keys(timed.figures.step_microseconds as object)).toEqual(["cpu", "webgpu"]);
  });

  test("a device that is lost leaves the draws before", async () => {
    const { run } = jobOf(known, { N: 6, x: y });
    const method = gibbs({ chains: 2, warmup: 10, draws: 50, truncation: 10 });
    const fit = await sampleProcess({ ...run, device: lostAt(40) }, method);
    expect(fit.interrupted).toBe(true);
    expect(fit.warnings.map((w) => w.code)).toContain("webgpu_lost");
    expect(fit.chains.map((c) => c.draws)).toEqual([29]);
    await expect(sampleProcess({ ...run, device: lostAt(5) }, method)).rejects.toThrow("lost");
  });
});
