/** The driver of a chain: keys, layout of draws, stopping, refusals. */
import { describe, expect, it } from "vitest";
import { logPartitionPrior } from "../../../../src/inference/dp/samplers/concentration.js";
import { canonical, Partition } from "../../../../src/inference/dp/samplers/partition.js";
import { logMarginalLikelihood } from "../../../../src/inference/dp/samplers/posterior.js";
import { DP_DEFAULTS, runDp } from "../../../../src/inference/dp/samplers/run.js";
import { stream } from "../../../../src/math/rng/random.js";
import { laplaceModel, normalGammaModel } from "../../../helpers/cluster-models.js";
import { algorithms, conjugate, y } from "../enumeration.js";
import { chain, sizesOf } from "../partitions.js";

describe("a partition", () => {
  it("keeps labels and counts through opening and closing", () => {
    const items = 40;
    const partition = new Partition(items);
    const twin: (number | undefined)[] = new Array(items).fill(undefined);
    const rng = stream(1, 0, 0, 0);
    let names = 0;
    for (let step = 0; step < 2000; step++) {
      const i = rng.int(items);
      if (twin[i] !== undefined) {
        const row = partition.unseat(i);
        if (partition.counts[row] === 0) partition.close(row);
        twin[i] = undefined;
      }
      const mates = [...twin.keys()].filter((k) => twin[k] !== undefined);
      if (mates.length === 0 || rng.uniform() < 0.4) {
        twin[i] = names++;
        partition.seat(i, partition.open());
      } else {
        const mate = mates[rng.int(mates.length)];
        twin[i] = twin[mate];
        partition.seat(i, partition.row(mate));
      }
      const seated = [...twin.keys()].filter((k) => twin[k] !== undefined);
      const order = new Int32Array(items);
      const a = new Int32Array(seated.length);
      const b = new Int32Array(seated.length);
      const rows = Int32Array.from(seated, (k) => partition.row(k));
      const count = canonical(rows, a, order);
      canonical(
        Int32Array.from(seated, (k) => twin[k] ?? -1),
        b,
        order,
      );
      expect(a).toEqual(b);
      expect(partition.count).toBe(count);
      for (let r = 0; r < count; r++) {
        expect(partition.counts[r]).toBe(rows.filter((v) => v === r).length);
      }
    }
  });
});

describe("a chain", () => {
  const model = conjugate["normal means"];
  for (const [name, options] of Object.entries(algorithms)) {
    it(`is a function of its key, in canonical labels, with its own density: ${name}`, () => {
      const run = chain(model, { warmup: 20, draws: 60, thin: 2, ...options });
      expect(chain(model, { warmup: 20, draws: 60, thin: 2, ...options })).toEqual(run);
      const other = chain(model, { warmup: 20, draws: 60, thin: 2, ...options }, 2);
      expect(other.labels).not.toEqual(run.labels);
      expect(run.draws).toBe(60);
      for (let t = 0; t < run.draws; t++) {
        const labels = run.labels.subarray(t * run.items, (t + 1) * run.items);
        const again = new Int32Array(run.items);
        canonical(labels, again, new Int32Array(run.items));
        expect(labels).toEqual(again);
        const sizes = sizesOf(labels);
        expect(run.clusters[t]).toBe(sizes.length);
        expect(run.offsets[t + 1] - run.offsets[t]).toBe(sizes.length);
        if (model.conjugate === undefined) throw new Error("not conjugate");
        const prior = logPartitionPrior(sizes, sizes.length, run.alpha[t]);
        const lp = prior + logMarginalLikelihood(model.conjugate, labels, sizes.length);
        expect(Math.abs(run.lp[t] - lp)).toBeLessThan(1e-9);
      }
      expect(run.thetas.length).toBe(run.offsets[run.draws] * run.width);
    });
  }

  it("gives each cluster the parameters of its own items", () => {
    // Clusters so far apart that a parameter tells whose it is.
    const values = Float64Array.of(100, -100, 100.1, 0, -100.1, 0.1);
    const far = normalGammaModel(values, { m: 0, kappa: 1e-3, shape: 3, rate: 0.1 });
    for (const options of Object.values(algorithms)) {
      const run = chain(far, { warmup: 200, draws: 50, ...options });
      for (let t = 0; t < run.draws; t++) {
        if (run.clusters[t] !== 3) continue;
        for (let i = 0; i < 6; i++) {
          const row = run.offsets[t] + run.labels.subarray(t * 6, (t + 1) * 6)[i];
          expect(Math.abs(run.thetas[2 * row] - values[i])).toBeLessThan(20);
        }
      }
      expect(run.clusters.filter((k) => k === 3).length).toBeGreaterThan(25);
    }
  });

  it("stops when asked, with the draws so far, and tells where it is", () => {
    let sweeps = 0;
    const phases: string[] = [];
    const run = runDp(
      model,
      { ...DP_DEFAULTS, warmup: 5, draws: 100 },
      { seed: 1, chain: 0 },
      () => sweeps++ === 12,
      (p) => phases.push(`${p.phase} ${p.done}/${p.total}`),
    );
    expect([run.kind, run.draws, phases.length]).toEqual(["stopped", 7, 12]);
    expect([phases[4], phases[5]]).toEqual(["warmup 5/5", "sampling 1/100"]);
    expect(run.offsets[7] * run.width).toBe(run.thetas.length);
  });

  it("chooses by conjugacy, and counts splits and merges", () => {
    const laplace = laplaceModel(y, 0.6, 1);
    expect(chain(model, { draws: 5 }).algorithm).toBe("collapsed");
    expect(chain(laplace, { draws: 5 }).algorithm).toBe("auxiliary");
    expect(() => chain(laplace, { algorithm: "collapsed" })).toThrow("not conjugate");
    const { proposed, accepted } = chain(model, { draws: 200, splitMerge: 3 }).splitMerge;
    expect(proposed).toBe(600);
    expect(accepted).toBeGreaterThan(20);
    expect(accepted).toBeLessThan(600);
  });
});
