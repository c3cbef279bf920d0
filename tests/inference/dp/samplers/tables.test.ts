/** Each family's own table against differences of the log-normaliser, along random histories. */
import { describe, expect, it } from "vitest";
import type { ClusterModel } from "../../../../src/inference/dp/contract.js";
import { CollapsedState } from "../../../../src/inference/dp/samplers/collapsed.js";
import { clusterTable, GenericTable } from "../../../../src/inference/dp/samplers/tables/index.js";
import { stream } from "../../../../src/math/rng/random.js";
import {
  bernoulliModel,
  multinomialModel,
  normalGammaModel,
  normalInverseWishartModel,
  normalModel,
  poissonModel,
} from "../../../helpers/cluster-models.js";

const ITEMS = 60;
const rng = stream(3, 0, 0, 0);
const values = (scale: number, shift = 0) =>
  Float64Array.from({ length: ITEMS }, () => shift + scale * rng.normal());
const models: Readonly<Record<string, ClusterModel>> = {
  "normal means": normalModel(values(3), { sigma: 0.8, mean: 1, sd: 2 }),
  "normal means far from the base": normalModel(values(3, 1e4), { sigma: 0.8, mean: 0, sd: 100 }),
  "normal means and precisions": normalGammaModel(values(2), {
    m: 0.5,
    kappa: 0.3,
    shape: 1.5,
    rate: 0.7,
  }),
  "bivariate normals": normalInverseWishartModel(
    Array.from({ length: ITEMS }, () => [2 * rng.normal(), rng.normal()] as const),
  ),
  "vectors of 0 and 1": bernoulliModel(
    Array.from({ length: ITEMS }, () => [0, 1, 2, 3].map(() => rng.bernoulli(0.4))),
  ),
  categories: multinomialModel(
    Array.from({ length: ITEMS }, () => {
      const k = rng.int(3);
      return [0, 1, 2].map((j) => (j === k ? 1 : 0));
    }),
  ),
  counts: poissonModel(Float64Array.from({ length: ITEMS }, () => rng.poisson(4))),
};

describe("tables of clusters", () => {
  for (const [name, model] of Object.entries(models)) {
    it(`${name}: scores and marginals are the generic ones`, () => {
      const components = model.conjugate;
      if (components === undefined) throw new Error("not conjugate");
      const own = clusterTable(components, ITEMS);
      const twin = new GenericTable(components, ITEMS);
      const isOwn = name !== "counts";
      expect(own instanceof GenericTable).toBe(!isOwn);
      const tables = [own, twin];
      for (const t of tables) {
        t.reserve(40);
        for (let c = 0; c < 4; c++) t.clear(c);
      }
      const near = (a: number, b: number) => {
        expect(Math.abs(a - b)).toBeLessThan(1e-8 * (1 + Math.abs(b)));
      };
      const members: Set<number>[] = [0, 1, 2].map(() => new Set());
      const free = new Set(Array.from({ length: ITEMS }, (_, i) => i));
      const random = stream(4, 0, 0, 0);
      for (let step = 0; step < 600; step++) {
        const c = random.int(3);
        const takesOut = members[c].size > 1 && random.uniform() < 0.5;
        const pool = [...(takesOut ? members[c] : free)];
        if (pool.length === 0) continue;
        const item = pool[random.int(pool.length)];
        for (const t of tables) {
          if (!takesOut) t.add(c, item);
          else if (!t.remove(c, item)) {
            t.clear(c);
            for (const k of members[c]) if (k !== item) t.add(c, k);
          }
        }
        (takesOut ? members[c] : free).delete(item);
        (takesOut ? free : members[c]).add(item);
        const probe = random.int(ITEMS);
        const [a, b] = tables.map((t) => {
          const out = new Float64Array(3);
          t.addScores(probe, 3, out);
          return out;
        });
        for (let k = 0; k < 3; k++) {
          near(a[k], b[k]);
          near(own.score(k, probe), b[k]);
          near(own.logMarginal(k), twin.logMarginal(k));
        }
      }
      own.fresh().forEach((v, i) => {
        near(v, twin.fresh()[i]);
      });
      own.save(0);
      const before = own.score(0, 0);
      own.add(0, 1);
      own.copy(0, 3);
      own.restore(0);
      expect(own.score(0, 0)).toBe(before);
      twin.add(0, 1);
      near(own.score(3, 2), twin.score(0, 2));
    });
  }

  it("keep to their items over many sweeps", () => {
    const model = models["bivariate normals"];
    if (model.conjugate === undefined) throw new Error("not conjugate");
    const state = new CollapsedState(ITEMS, model.conjugate, 2, stream(1, 0, 0, 0));
    for (let t = 1; t < 50; t++) state.sweep(2, stream(1, 0, 1, t));
    const drifted = state.logMarginal();
    state.refresh();
    expect(Math.abs(state.logMarginal() - drifted)).toBeLessThan(1e-9 * Math.abs(drifted));
    const { partition } = state;
    const sizes = new Int32Array(partition.count);
    for (let i = 0; i < ITEMS; i++) sizes[partition.row(i)]++;
    expect([...sizes]).toEqual([...partition.counts.subarray(0, partition.count)]);
  });
});
