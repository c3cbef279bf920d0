/** The engine on expected joints that are written by hand, apart from the pass that makes them. */
import { describe, expect, it } from "vitest";
import { Ascent, prepareAscent } from "../../../src/inference/ascent/engine.js";
import { startCounts } from "../../../src/inference/ascent/start.js";
import type { ExpectedJoint, Statistic } from "../../../src/inference/expectation/contract.js";
import { buildDirectJoint } from "../../../src/inference/logjoint/direct.js";
import { stream } from "../../../src/math/rng/index.js";
import { digamma, lgamma } from "../../../src/math/special/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Node } from "../../../src/tensor/ops.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf, wiggle } from "../logjoint/models.js";

const LOG_2PI = Math.log(2 * Math.PI);

function started(joint: ExpectedJoint): Ascent {
  const plan = prepareAscent(joint);
  if (plan.kind !== "plan") throw new Error(JSON.stringify(plan));
  return new Ascent(plan, make(plan.module));
}

/** The joint's sites with statistics whose inputs are made in a builder of one's own. */
function siteMaker(text: string, data: Data) {
  const direct = buildDirectJoint(condition(modelOf(text), dataSet(data)), new Set(), "test");
  const g = new GraphBuilder();
  const site = (name: string, statistics: readonly Statistic[]) => {
    const at = direct.sites.findIndex((s) => s.latent.name === name);
    const { length } = direct.sites[at].latent;
    const inputs = statistics.map((statistic, j) => {
      const size = statistic.kind === "products" ? statistic.first.length : length;
      return { statistic, input: g.input(`${name}_${j}`, [size]) };
    });
    return {
      kind: "statistics",
      site: at,
      direct: direct.sites[at],
      statistics: inputs,
    } as const;
  };
  return { direct, g, site };
}

describe("a mixture of normals", () => {
  const text = `model m(N: int, K: int) {
    w ~ Dirichlet([1.5, 2, 0.7])
    for k in 0..K {
      tau[k] ~ Gamma(2, 1.5)
      mu[k] ~ Normal(0.3, 3)
    }
    for n in 0..N {
      z[n] ~ Categorical(w)
      y[n] ~ Normal(mu[z[n]], 1 / sqrt(tau[z[n]]))
    }
  }`;
  const y = [...wiggle(8, 1), ...wiggle(8, 4).map((v) => v / 3 + 4)];
  const [N, K] = [y.length, 3];
  const { direct, g, site } = siteMaker(text, { N, K, y });
  const diagonal = Int32Array.of(0, 1, 2);
  const w = site("w", [{ kind: "log" }]);
  const mu = site("mu", [
    { kind: "value" },
    { kind: "products", first: diagonal, second: diagonal },
  ]);
  const tau = site("tau", [{ kind: "log" }, { kind: "value" }]);
  const [logW, m, m2, logTau, t] = [w, mu, tau].flatMap((s) => s.statistics.map((x) => x.input));
  const over = (n: Node, axis: number) => g.broadcast(n, [N, K], [axis]);
  const data = over(g.constant(y, [N]), 0);
  const square = g.add(g.sub(g.mul(data, data), g.mul(g.mul(2, data), over(m, 1))), over(m2, 1));
  const rows = g.sub(
    g.sub(over(g.mul(0.5, logTau), 1), g.mul(g.mul(0.5, over(t, 1)), square)),
    0.5 * LOG_2PI,
  );
  const references = direct.factors[0].references;
  const alpha = [1.5, 2, 0.7];
  const prior = g.add(
    g.sum(
      g.mul(
        g.constant(
          alpha.map((a) => a - 1),
          [K],
        ),
        logW,
      ),
    ),
    lgamma(4.2) - alpha.reduce((s, a) => s + lgamma(a), 0),
  );
  const priorMu = g.sum(
    g.sub(g.mul(-0.5 / 9, g.add(g.sub(m2, g.mul(0.6, m)), 0.09)), 0.5 * LOG_2PI + Math.log(3)),
  );
  const priorTau = g.sum(g.add(g.sub(logTau, g.mul(1.5, t)), 2 * Math.log(1.5) - lgamma(2)));
  const joint: ExpectedJoint = {
    g,
    sites: [w, mu, tau],
    factors: [
      { label: "z", references, rows: over(logW, 1) },
      { label: "y", references, rows },
    ],
    terms: [prior, priorMu, priorTau],
  };

  it("makes the updates of the textbook, and its bound", () => {
    const ascent = started(joint);
    const { plan } = ascent;
    ascent.startAt(0, Float64Array.of(0.3, 0.3, 0.4));
    ascent.startAt(1, Float64Array.of(-1, 0.5, 3));
    ascent.startAt(2, Float64Array.of(1, 1, 1));
    const rng = stream(1, 0, 0, 0);
    ascent.startCounts((c) => startCounts("soft", plan.discrete, plan.patterns, c, rng));
    expect(ascent.elbo()).toBeNaN();
    for (const k of [0, 1, 2]) expect(ascent.updateFactor(k)).toBeUndefined();
    expect(ascent.updateDiscrete()).toBe(true);
    let before = ascent.elbo();
    for (let sweep = 0; sweep < 40; sweep++) {
      for (const k of [0, 1, 2, 3]) {
        if (k === 3) ascent.updateDiscrete();
        else ascent.updateFactor(k);
        const now = ascent.elbo();
        expect(now).toBeGreaterThanOrEqual(before - 1e-11 * Math.abs(before));
        before = now;
      }
    }
    // By hand, from the responsibilities: Bishop (2006), section 10.2, with separate mu and tau.
    const [r] = ascent.marginals();
    const column = (k: number) => y.map((_, n) => r[n * K + k]);
    const means = ascent.expectedStatistics(1);
    const precisions = ascent.expectedStatistics(2);
    const logs = ascent.expectedStatistics(0)[0];
    const total = alpha.reduce((s, a) => s + a, 0) + N;
    let entropy = 0;
    let fit = 0;
    for (let k = 0; k < K; k++) {
      const own = column(k);
      const count = own.reduce((s, v) => s + v, 0);
      expect(logs[k]).toBeCloseTo(digamma(alpha[k] + count) - digamma(total), 8);
      const et = precisions[1][k];
      const precision = 1 / 9 + et * count;
      const sum = own.reduce((s, v, n) => s + v * y[n], 0);
      const mean = (0.3 / 9 + et * sum) / precision;
      expect(means[0][k]).toBeCloseTo(mean, 6);
      expect(means[1][k]).toBeCloseTo(mean * mean + 1 / precision, 6);
      const spread = own.reduce((s, v, n) => s + v * (y[n] - mean) ** 2, 0) + count / precision;
      const [a, b] = [2 + count / 2, 1.5 + spread / 2];
      expect(et).toBeCloseTo(a / b, 6);
      expect(precisions[0][k]).toBeCloseTo(digamma(a) - Math.log(b), 6);
      fit += (count * (precisions[0][k] - LOG_2PI) - et * spread) / 2 + count * logs[k];
      entropy -= own.reduce((s, v) => s + (v > 0 ? v * Math.log(v) : 0), 0);
      entropy += (1 + LOG_2PI - Math.log(precision)) / 2;
      entropy += a - Math.log(b) + lgamma(a) + (1 - a) * digamma(a);
      fit += -((mean - 0.3) ** 2 + 1 / precision) / 18 - 0.5 * LOG_2PI - Math.log(3);
      fit += precisions[0][k] - 1.5 * et + 2 * Math.log(1.5) - lgamma(2);
      fit += (alpha[k] - 1) * logs[k] - lgamma(alpha[k]);
      entropy += lgamma(alpha[k] + count) - (alpha[k] + count - 1) * logs[k];
    }
    fit += lgamma(4.2);
    entropy -= lgamma(total);
    // E log w enters the entropy by ψ(α_k) − ψ(Σ α): its last part is taken with the first.
    expect(ascent.elbo()).toBeCloseTo(fit + entropy, 6);
  });

  it("saves and restores its factors", () => {
    const ascent = started(joint);
    [Float64Array.of(0.3, 0.3, 0.4), Float64Array.of(-1, 0, 3), Float64Array.of(1, 1, 1)].forEach(
      (v, k) => {
        ascent.startAt(k, v);
      },
    );
    const { plan } = ascent;
    const rng = stream(2, 0, 0, 0);
    ascent.startCounts((c) => startCounts("seeds", plan.discrete, plan.patterns, c, rng));
    const sweep = () => {
      for (const k of [0, 1, 2]) ascent.updateFactor(k);
      ascent.updateDiscrete();
      return ascent.elbo();
    };
    sweep();
    const saved = ascent.save();
    const at = ascent.elbo();
    const next = sweep();
    sweep();
    ascent.restore(saved);
    expect(ascent.elbo()).toBeCloseTo(at, 11);
    expect(sweep()).toBeCloseTo(next, 11);
  });
});
