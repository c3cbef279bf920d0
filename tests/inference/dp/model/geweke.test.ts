/**
 * Geweke's joint-distribution test ("Getting it right", 2004) of whole chains: on a model without
 * data, whose observations are latent sites, the prior must be stationary. This holds labels,
 * components, sites outside the plate, concentration and the data's own updates together.
 */
import { describe, expect, test } from "vitest";
import { type DpChain, dpChainSteps, valuesOf } from "../../../../src/inference/dp/model/chain.js";
import { planDp } from "../../../../src/inference/dp/model/plan.js";
import { DP_DEFAULTS, type DpAlgorithm } from "../../../../src/inference/dp/samplers/run.js";
import { philoxKey } from "../../../../src/math/rng/index.js";
import type { DataSet } from "../../../../src/model/data.js";
import { condition } from "../../../../src/passes/condition/index.js";
import { compileSimulator } from "../../../../src/passes/interpret/simulate.js";
import { meanOf } from "../../gibbs/harness.js";
import { dataSet, modelOf } from "../../logjoint/models.js";
import { type Data, make } from "./harness.js";

/** A chain at its end. */
function ended(steps: ReturnType<typeof dpChainSteps>): DpChain {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
  readonly algorithms: readonly DpAlgorithm[];
}
const cases: readonly Case[] = [
  {
    name: "means from a random base",
    text: `model m(N: int) {
      alpha ~ Gamma(3, 2)
      m0 ~ Normal(0.5, 1)
      s ~ HalfNormal(0.7)
      for k in 0.. { mu[k] ~ Normal(m0, 0.6) }
      for i in 0..N { z[i] ~ CRP(alpha); x[i] ~ Normal(mu[z[i]], 0.3 + s) }
    }`,
    data: { N: 4 },
    algorithms: ["collapsed", "auxiliary", "instantiated"],
  },
  {
    name: "means and precisions apart, a sliced scale in the plate, another prior of alpha",
    text: `model m(N: int) {
      alpha ~ LogNormal(0, 0.5)
      for k in 0.. {
        mu[k] ~ Normal(0, 1)
        tau[k] ~ Gamma(4, 3)
        r[k] ~ LogNormal(0, 0.4)
      }
      for i in 0..N {
        z[i] ~ CRP(alpha)
        x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]]))
        y[i] ~ Gamma(r[z[i]] + 1, 1)
      }
    }`,
    data: { N: 3 },
    algorithms: ["auxiliary"],
  },
];

/** Moments of a draw that no relabelling changes. */
function features(values: DataSet, label: string, components: readonly string[]): number[] {
  const out: number[] = [];
  for (const [name, { data }] of values) {
    if (name === label) {
      const labels = [...data];
      out.push(new Set(labels).size, labels[0] === labels[1] ? 1 : 0);
    } else if (components.includes(name)) {
      // Of the first item's component, and of all in use.
      const z = values.get(label)?.data ?? new Float64Array();
      out.push(
        data[z[0]],
        data[z[0]] ** 2,
        data.reduce((s, v) => s + v, 0),
      );
    } else {
      for (const v of data) out.push(v, v * v);
      if (data.length > 1) out.push(data[0] * data[1]);
    }
  }
  return out;
}

describe("the prior is stationary", () => {
  for (const { name, text, data, algorithms } of cases) {
    for (const algorithm of algorithms) {
      test(`${name}: ${algorithm}`, () => {
        const conditioned = condition(modelOf(text), dataSet(data));
        const plan = planDp(conditioned, make, "gibbs");
        const count = 4000;
        const options = { ...DP_DEFAULTS, algorithm, warmup: 200, draws: count, thin: 2 };
        const chain = ended(dpChainSteps(plan, make, options, { seed: 4, chain: 0 }, {}));
        const { label } = plan.structure.plate;
        const components = plan.structure.components.map((c) => c.name);
        const simulator = compileSimulator(conditioned);
        const order = [...valuesOf(plan, chain, 0).keys()];
        const found: number[][] = [];
        const wanted: number[][] = [];
        for (let t = 0; t < count; t++) {
          found.push(features(valuesOf(plan, chain, t), label, components));
          const drawn = simulator.draw(new Map(), { key: philoxKey(9), offset: 0 }, t);
          const same = new Map(
            order.flatMap((n) => (drawn.has(n) ? [[n, drawn.get(n)]] : [])) as [
              string,
              { dims: number[]; data: Float64Array },
            ][],
          );
          wanted.push(features(same, label, components));
        }
        expect(found[0].length).toBe(wanted[0].length);
        expect(found[0].length).toBeGreaterThan(10);
        found[0].forEach((_, k) => {
          const a = meanOf(Float64Array.from(found, (f) => f[k]));
          const b = meanOf(Float64Array.from(wanted, (f) => f[k]));
          // About 25 comparisons at 5 standard errors.
          const error = Math.hypot(a.error, b.error);
          expect(Math.abs(a.mean - b.mean), `feature ${k}`).toBeLessThan(5 * error + 1e-12);
        });
      });
    }
  }
});
