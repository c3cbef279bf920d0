/** Dirichlet-process mixtures through `infer`: results that do not depend on labels. */
import { describe, expect, it } from "vitest";
import { cavi, compile, explain, gibbs, infer, nuts } from "../../src/index.js";

const text = `model m(N: int) {
  alpha ~ Gamma(1, 1)
  for k in 0.. { mu[k] ~ Normal(0, 5) }
  for i in 0..N { z[i] ~ CRP(alpha); x[i] ~ Normal(mu[z[i]], 0.5) }
}`;
const x = [-4, -4.2, -3.9, -4.1, 3, 3.2, 2.8, 3.1, 9];
const data = { N: x.length, x };
const run = (method = gibbs({ chains: 2, warmup: 200, draws: 500 })) =>
  infer(compile(text), { data, method, seed: 5 });

describe("gibbs with an unbounded plate", () => {
  it("finds three groups of well separated data", async () => {
    const fit = await run();
    const { count, similarity } = fit.clusters();
    expect([...count].indexOf(Math.max(...count))).toBe(3);
    expect(count.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(similarity[0 * 9 + 1]).toBeGreaterThan(0.9);
    expect(similarity[0 * 9 + 4]).toBeLessThan(0.01);
    for (const loss of ["binder", "variation-of-information"] as const) {
      const { labels, clusters } = fit.clusters().partition(loss);
      expect(clusters).toBe(3);
      expect([...labels]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2]);
    }
  });
  it("gives labels as integers, the concentration, and nothing of unnamed components", async () => {
    const fit = await run();
    expect(fit.names).toEqual(["alpha", "z"]);
    expect(fit.draws("z").shape).toEqual([2, 500, 9]);
    expect(fit.draws("z").data.every((v) => Number.isInteger(v) && v >= 0)).toBe(true);
    expect(fit.summary().rows[0].name).toBe("alpha");
    expect(fit.fit.figures.algorithm).toBe("collapsed");
  });
  it("says of components that there are no draws of them", async () => {
    const fits = [await run(), await infer(compile(text), { data, method: cavi(), seed: 5 })];
    for (const fit of fits) {
      expect(() => fit.draws("mu")).toThrow(/no draws of `mu`/);
      expect(() => fit.summary(["mu"])).toThrow(/no draws of `mu`/);
      const [alpha] = fit.summary(["alpha"]).rows;
      expect(alpha.mean).toBeGreaterThan(0.1);
      expect(alpha.sd).toBeGreaterThan(0.1);
    }
  });
  it("predicts a density that integrates to one", async () => {
    const fit = await run();
    const grid = Array.from({ length: 401 }, (_, k) => -30 + 0.15 * k);
    const log = fit.clusters().logDensity({ N: grid.length, x: grid });
    const total = log.reduce((s, v) => s + 0.15 * Math.exp(v), 0);
    // Beyond ±30 lies less than 1e-8; the trapezoid of densities this smooth is exact to 1e-6.
    expect(total).toBeCloseTo(1, 3);
    const at = (v: number) => log[Math.round((v + 30) / 0.15)];
    expect(at(-4.05)).toBeGreaterThan(at(0));
  });
  it("agrees between algorithms", async () => {
    const means = [];
    for (const algorithm of ["collapsed", "auxiliary", "instantiated", "blocked"] as const) {
      const method = gibbs({ chains: 2, warmup: 300, draws: 1500, algorithm });
      const { count } = (await run(method)).clusters();
      means.push(count.reduce((s, p, k) => s + k * p, 0));
    }
    // The number of clusters has an sd of about 0.7 and over 300 effective draws: 0.04 each.
    for (const m of means) expect(Math.abs(m - means[0])).toBeLessThan(0.25);
  });
  it("refuses nuts, naming what would work, and explains itself", async () => {
    await expect(run(nuts() as never)).rejects.toThrow(/nuts needs a fixed number of parameters/);
    const plan = await explain(compile(text), data);
    expect(plan.method).toBe("gibbs");
    expect(plan.steps.join("\n")).toContain("integrated out");
    const works = plan.methods.filter((m) => m.works).map((m) => m.method);
    expect(works).toEqual(["gibbs", "cavi"]);
  });
});

describe("cavi with an unbounded plate", () => {
  it("has a rising bound and the same partition", async () => {
    const fit = await run(cavi() as never);
    const { elbo, converged } = fit.fit.figures as unknown as {
      elbo: { final: number; history: number[] };
      converged: boolean;
    };
    expect(converged).toBe(true);
    elbo.history.forEach((v, k) => {
      if (k > 0) expect(v).toBeGreaterThanOrEqual(elbo.history[k - 1] - 1e-9 * Math.abs(v));
    });
    expect([...fit.clusters().partition().labels]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2]);
  });
  it("takes components that are not conjugate as a whole, and sites outside the plate", async () => {
    const open = `model m(N: int) {
      alpha ~ Gamma(1, 1)
      m0 ~ Normal(0, 5)
      for k in 0.. { mu[k] ~ Normal(m0, 5); tau[k] ~ Gamma(4, 1) }
      for i in 0..N { z[i] ~ CRP(alpha); x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]])) }
    }`;
    const fit = await infer(compile(open), { data, method: cavi({ truncation: 8 }), seed: 5 });
    expect([...fit.clusters().partition().labels].slice(0, 8)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    const { truncation, elbo } = fit.fit.figures as unknown as {
      truncation: { components: number };
      elbo: { history: number[] };
    };
    expect(truncation.components).toBe(8);
    elbo.history.forEach((v, k) => {
      if (k > 0) expect(v).toBeGreaterThanOrEqual(elbo.history[k - 1] - 1e-9 * Math.abs(v));
    });
    expect(fit.names).toContain("mu");
  });
  it("is, for conjugate components, about as good taken apart", async () => {
    // q(mu) and q(sticks) are the same families either way: the bounds agree.
    const whole = await run(cavi({ truncation: 6, restarts: 8 }) as never);
    const apart = await infer(
      compile(
        text
          .replace("Normal(0, 5) }", "Normal(m0, 5) }")
          .replace("alpha ~", "m0 ~ Normal(0, 0.0001)\n alpha ~"),
      ),
      {
        data,
        method: cavi({ truncation: 6, restarts: 8 }),
        seed: 5,
      },
    );
    const bound = (f: typeof whole) => (f.fit.figures.elbo as unknown as { final: number }).final;
    // Both are bounds on one evidence (a mean known to 1e-4 changes it by less than 1e-3), and the
    // starts of the general engine find an order of the sticks within two nats of the best.
    expect(bound(apart)).toBeLessThan(bound(whole) + 0.05);
    expect(bound(apart)).toBeGreaterThan(bound(whole) - 2);
  });
});
