/** All algorithms agree on real data: 82 velocities of galaxies. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Concentration } from "../../../../src/inference/dp/contract.js";
import { normalGammaModel } from "../../../helpers/cluster-models.js";
import { algorithms } from "../enumeration.js";
import { batchMean, chain } from "../partitions.js";

describe("82 galaxy velocities", () => {
  const { x }: { x: number[] } = JSON.parse(readFileSync("examples/galaxies/data.json", "utf8"));
  const velocities = Float64Array.from(x);
  const alpha: Concentration = { kind: "gamma", shape: 2, rate: 4 };
  const model = normalGammaModel(velocities, { m: 20, kappa: 0.1, shape: 2, rate: 2, alpha });

  it("have the same numbers of clusters and concentrations under all algorithms", () => {
    expect(velocities.length).toBe(82);
    const means = Object.values(algorithms).map((options) => {
      const more = options.algorithm === "blocked" ? { truncation: 30, draws: 2500 } : {};
      const run = chain(model, { warmup: 500, draws: 3000, thin: 2, ...options, ...more });
      return { k: batchMean(run.clusters, 25), a: batchMean(run.alpha, 25) };
    });
    const [first, ...others] = means;
    for (const { k, a } of others) {
      expect(Math.abs(k.mean - first.k.mean)).toBeLessThan(5 * Math.hypot(k.error, first.k.error));
      expect(Math.abs(a.mean - first.a.mean)).toBeLessThan(5 * Math.hypot(a.error, first.a.error));
    }
  });
});
