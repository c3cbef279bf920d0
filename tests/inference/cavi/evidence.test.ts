/** Bounds stay below evidences; sites outside every family; what is refused. */
import { describe, expect, it } from "vitest";
import { planElimination } from "../../../src/inference/enumerate/plan.js";
import { Propagation } from "../../../src/inference/enumerate/propagate.js";
import { buildDiscreteReadout } from "../../../src/inference/logjoint/discrete/readout.js";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { TildeError } from "../../../src/base/diagnostic.js";
import { CAVI_DEFAULTS, runCavi } from "../../../src/inference/cavi/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { logsumexp } from "../../../src/math/special/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { simplify } from "../../../src/passes/simplify/index.js";
import type { Data } from "../conditionals/harness.js";
import { dataSet, modelOf, wiggle } from "../logjoint/models.js";
import { cavi, largestFall, planOf } from "./harness.js";

/** log ∫ p dq over a box of the unconstrained space, discrete sites summed, by a product grid. */
function evidenceByGrid(text: string, data: Data, half: number, n: number): number {
  const joint = buildLogJoint(condition(modelOf(text), dataSet(data)), "test");
  const graph = simplify({ inputs: [joint.q], outputs: [{ name: "lp", node: joint.logDensity }] });
  const d = joint.dimension;
  const logs = new Float64Array(n ** d);
  const step = (2 * half) / n;
  for (let at = 0; at < logs.length; at++) {
    let rest = at;
    const q = Float64Array.from({ length: d }, () => {
      const k = rest % n;
      rest = Math.floor(rest / n);
      return -half + (k + 0.5) * step;
    });
    [[logs[at]]] = evaluate([graph.outputs[0].node], { q });
  }
  return logsumexp(logs) + d * Math.log(step);
}

describe("the bound lies below the evidence", () => {
  it("a mixture of two normals with one unknown mean and weight", () => {
    const text = `model m(N: int) {
      p ~ Dirichlet([1, 1])
      mu ~ Normal(0, 2)
      for n in 0..N {
        z[n] ~ Categorical(p)
        y[n] ~ Normal(if z[n] == 0 then mu else mu + 3, 1)
      }
    }`;
    const data = { N: 5, y: [0.3, -0.5, 2.9, 3.4, 0.1] };
    const evidence = evidenceByGrid(text, data, 12, 120);
    const fit = cavi(text, data);
    expect(fit.elbo).toBeLessThan(evidence);
    expect(fit.elbo).toBeGreaterThan(evidence - 1.5);
  });

  it("a discrete model alone: the evidence, and exact marginals", () => {
    const text = `model m(T: int) {
      s[0] ~ Categorical([0.2, 0.5, 0.3])
      for t in 1..T { s[t] ~ Categorical(if s[t - 1] == 0 then [0.8, 0.2, 0] else [0.1, 0.3, 0.6]) }
      for t in 0..T { y[t] ~ Normal(2 * s[t], 1) }
      w ~ Bernoulli(0.3)
      u ~ Normal(0, 1)
      v ~ Normal(if w then 1 else 0, 1)
    }`;
    const data = { T: 6, y: [0, 1.5, 3.9, 0.4, 0.2, 4], u: 0.3, v: 0.8 };
    const readout = buildDiscreteReadout(condition(modelOf(text), dataSet(data)), "test");
    const passes = new Propagation(planElimination(readout.graph, (e) => `element ${e}`));
    passes.setTables(evaluate([...readout.tables], { values: new Float64Array(0) }));
    const [[rest]] = evaluate([readout.rest], { values: new Float64Array(0) });
    const fit = cavi(text, data);
    expect(fit.elbo).toBeCloseTo(passes.logSum() + rest, 9);
    const marginals = [...fit.marginal("s"), ...fit.marginal("w")];
    for (const [i, p] of passes.marginals().entries()) expect(marginals[i]).toBeCloseTo(p, 9);
    // Draws have them too: 5 standard errors.
    const counts = new Float64Array(marginals.length);
    const n = 4000;
    for (let t = 0; t < n; t++) {
      fit.posterior.draw(stream(4, 0, 0, t)).states.forEach((k, e) => {
        counts[3 * e + k] += 1 / n;
      });
    }
    counts.forEach((c, i) => {
      const error = Math.sqrt((marginals[i] * (1 - marginals[i])) / n);
      expect(Math.abs(c - marginals[i])).toBeLessThan(5 * error + 1e-9);
    });
  });
});

describe("sites outside every family", () => {
  const logistic = `model m(N: int, x: real[N]) {
    a ~ Normal(0, 2)
    b ~ Normal(0, 2)
    for n in 0..N { y[n] ~ Bernoulli(logits: a + b * x[n]) }
  }`;
  const data = {
    N: 10,
    x: wiggle(10, 2),
    y: [true, false, true, true, false, false, true, true, true, false],
  };

  it("logistic regression: near the moments of the posterior, below its evidence", () => {
    const fit = cavi(logistic, data, { tolerance: 1e-10 });
    const evidence = evidenceByGrid(logistic, data, 9, 300);
    // The normal that fits best in divergence; what is lost is the skewness of two parameters.
    expect(fit.elbo).toBeLessThan(evidence + 1e-6);
    expect(fit.elbo).toBeGreaterThan(evidence - 0.05);
    expect(fit.families.a).toBe(
      "Normal in unconstrained coordinates 2 numbers with full covariance",
    );
    expect(largestFall(logistic, data, 6)).toBeLessThan(1e-11);
  });

  it("next to conjugate sites, with a constrained one", () => {
    const text = `model m(N: int, x: real[N]) {
      tau ~ Gamma(2, 1)
      c ~ HalfNormal(1)
      mu ~ Normal(0, 3)
      for n in 0..N {
        w[n] ~ Normal(mu, 1 / sqrt(tau))
        y[n] ~ Normal(w[n] + exp(-c * x[n]), 0.5)
      }
    }`;
    const own = { N: 6, x: [0, 0.5, 1, 1.5, 2, 3], y: [1.2, 0.9, 0.1, 0.5, -0.2, 0.3] };
    const plan = planOf(text, own);
    expect([...plan.points.keys()]).toEqual(["c"]);
    expect(largestFall(text, own, 8)).toBeLessThan(1e-11);
    const fit = cavi(text, own, { tolerance: 1e-9 });
    expect(fit.converged).toBe(true);
    expect(fit.mean("c")).toBeGreaterThan(0);
    const { draw } = fit.posterior;
    const at = fit.posterior.sites.find((s) => s.latent.name === "c")?.latent.offset ?? -1;
    for (let t = 0; t < 20; t++) expect(draw(stream(1, 0, 0, t)).values[at]).toBeGreaterThan(0);
  });

  it("a normal posterior in disguise is found exactly", () => {
    // log s is normal with known scale: the factor is normal in the log, and the bound is tight.
    const text = `model m(N: int) {
      s ~ LogNormal(0.2, 0.7)
      for n in 0..N { y[n] ~ Normal(log(s), 0.4) }
    }`;
    const y = [0.3, 0.9, -0.2];
    const fit = cavi(text, { N: 3, y }, { tolerance: 1e-12 });
    const precision = 0.7 ** -2 + 3 * 0.4 ** -2;
    const mean = (0.2 * 0.7 ** -2 + y.reduce((s, v) => s + v, 0) * 0.4 ** -2) / precision;
    const variance = 1 / precision;
    expect(fit.sd("s") / fit.mean("s")).toBeCloseTo(Math.sqrt(Math.expm1(variance)), 2);
    expect(fit.mean("s")).toBeCloseTo(Math.exp(mean + variance / 2), 1);
  });
});

describe("what is refused, and how it ends", () => {
  const code = (f: () => unknown): string => {
    try {
      f();
    } catch (e) {
      if (e instanceof TildeError) return e.diagnostics[0].code;
      throw e;
    }
    return "accepted";
  };
  const pair = `model m(N: int) {
    tau ~ Gamma(2, 1)
    mu ~ Normal(0, 1)
    nu ~ Normal(0, 1)
    for n in 0..N { y[n] ~ Normal(mu * nu, 1 / sqrt(tau)) }
  }`;
  const data = { N: 3, y: [1, 2, 3] };

  it("joint factors that are none", () => {
    expect(code(() => planOf(pair, data, { joint: [["tau", "mu"]] }))).toBe("joint_unsupported");
    expect(code(() => planOf(pair, data, { joint: [["mu", "nu"]] }))).toBe("joint_unsupported");
    expect(code(() => planOf(pair, data, { joint: [["mu"]] }))).toBe("joint_unsupported");
    expect(code(() => planOf(pair, data, { joint: [["mu", "no"]] }))).toBe("joint_unsupported");
  });

  it("stops when asked, with what it has", () => {
    const plan = planOf(pair, data);
    let seen = 0;
    const outcome = runCavi(plan, { ...CAVI_DEFAULTS, tolerance: 0 }, 1, {
      onProgress: () => {
        seen++;
      },
      shouldStop: () => seen >= 3,
    });
    expect(outcome.kind).toBe("stopped");
    expect(seen).toBe(3);
  });

  it("an improper factor is named", () => {
    const text =
      "model m() { mu ~ Normal(0, 1)\n factor -mu * 0\n t ~ Normal(mu, 1) \n factor t * t }";
    const outcome = runCavi(planOf(text, {}), CAVI_DEFAULTS, 1);
    expect(outcome).toEqual({ kind: "failed", failure: { kind: "improper", name: "t" } });
  });

  it("the same seed gives the same fit", () => {
    const text = `model m(N: int) {
      for k in 0..2 { mu[k] ~ Normal(0, 5) }
      for n in 0..N {
        z[n] ~ Categorical([0.5, 0.5])
        y[n] ~ Normal(mu[z[n]], 1)
      }
    }`;
    const own = { N: 6, y: [-3, -2.5, -3.2, 2, 2.2, 1.7] };
    const [a, b] = [cavi(text, own, {}, 7), cavi(text, own, {}, 7)];
    expect(a.history).toEqual(b.history);
    expect(a.distinctOptima).toBe(1);
    const means = [a.mean("mu", 0), a.mean("mu", 1)].sort((x, y) => x - y);
    expect(means[0]).toBeCloseTo(-2.9 * (3 / (3 + 1 / 25)), 2);
    expect(means[1]).toBeCloseTo((5.9 / 3) * (3 / (3 + 1 / 25)), 2);
  });
});
