import { describe, expect, it } from "vitest";
import { planElimination } from "../../../src/inference/enumerate/plan.js";
import { Propagation, startsOf } from "../../../src/inference/enumerate/propagate.js";
import { buildDiscreteReadout } from "../../../src/inference/logjoint/discrete/readout.js";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { assignments, logSumExp } from "../logjoint/discrete-brute.js";
import { discreteCases } from "../logjoint/discrete-models.js";
import { type Case, dataSet, modelOf, wholeArrays } from "../logjoint/models.js";

/** The discrete part of a case at a random point of its continuous sites. */
function problem({ text, data }: Case) {
  const conditioned = condition(modelOf(text), dataSet(data));
  const joint = buildLogJoint(conditioned, "test");
  const rng = stream(5, 0, 0, 0);
  const q = Float64Array.from({ length: joint.dimension }, () => 0.7 * rng.normal());
  const [logJoint, values] = evaluate([joint.logJoint, joint.constrained], { q });
  const readout = buildDiscreteReadout(conditioned, "test");
  const [rest, ...tables] = evaluate([readout.rest, ...readout.tables], { values });
  const plan = planElimination(readout.graph, (e) => `element ${e}`);
  const propagation = new Propagation(plan);
  propagation.setTables(tables);
  const whole = wholeArrays(joint.latents, values, conditioned.observed);
  const all = assignments(conditioned, readout.sites, whole);
  const low = readout.sites.flatMap((s) => {
    const n = s.dims.reduce((m, d) => m * d, 1);
    return new Array<number>(n).fill(s.low);
  });
  return { logJoint: logJoint[0], rest: rest[0], readout, propagation, all, low };
}

describe("sum-product and max-product agree with the list of all assignments", () => {
  for (const test of discreteCases) {
    it(test.name, () => {
      const { logJoint, rest, readout, propagation, all, low } = problem(test);
      const total = logSumExp(all.map((a) => a.logJoint));
      expect(propagation.logSum() + rest).toBeCloseTo(total, 9);
      expect(propagation.logSum() + rest).toBeCloseTo(logJoint, 9);

      const { counts } = readout.graph;
      const starts = startsOf(counts);
      const expected = new Float64Array(starts[counts.length]);
      for (const { values, logJoint: l } of all) {
        values.forEach((v, e) => {
          expected[starts[e] + v - low[e]] += Math.exp(l - total);
        });
      }
      const marginals = propagation.marginals();
      marginals.forEach((p, k) => {
        expect(Math.abs(p - expected[k])).toBeLessThan(1e-10);
      });

      const best = propagation.mostProbable();
      const top = Math.max(...all.map((a) => a.logJoint));
      expect(best.logValue + rest).toBeCloseTo(top, 9);
      const found = Array.from(best.values, (v, e) => v + low[e]);
      const same = all.find((a) => a.values.every((v, e) => v === found[e]));
      expect(same?.logJoint).toBeCloseTo(top, 9);
    });
  }
});

describe("joint draws have the exact joint distribution", () => {
  const chosen = ["a tree", "a homogeneous hidden Markov model", "two chains", "an Ising grid"];
  for (const test of discreteCases.filter((c) => chosen.some((n) => c.name.startsWith(n)))) {
    it(test.name, () => {
      const { propagation, all, low } = problem(test);
      const total = logSumExp(all.map((a) => a.logJoint));
      const rng = stream(7, 0, 0, 0);
      const n = 20_000;
      const counts = new Map<string, number>();
      for (let t = 0; t < n; t++) {
        const key = Array.from(
          propagation.sample(() => rng.uniform()),
          (v, e) => v + low[e],
        ).join();
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      // Pearson's statistic over assignments expected at least 8 times, the rest as one cell.
      let statistic = 0;
      let cells = 0;
      let [restExpected, restSeen] = [n, n];
      for (const { values, logJoint } of all) {
        const expected = n * Math.exp(logJoint - total);
        if (expected < 8) continue;
        const seen = counts.get(values.join()) ?? 0;
        statistic += (seen - expected) ** 2 / expected;
        restExpected -= expected;
        restSeen -= seen;
        cells++;
      }
      if (restExpected >= 8) statistic += (restSeen - restExpected) ** 2 / restExpected;
      expect(cells).toBeGreaterThan(3);
      // Five standard deviations of chi-squared; the seed is fixed.
      expect(statistic).toBeLessThan(cells + 5 * Math.sqrt(2 * cells));
    });
  }
});
