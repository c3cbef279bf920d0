/** Factors q(z) q(x | z): exact where they hold everything, above the mean field otherwise. */
import { describe, expect, it } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { stream } from "../../../src/math/rng/index.js";
import { lgamma, logsumexp } from "../../../src/math/special/index.js";
import { wiggle } from "../logjoint/models.js";
import { cavi, largestFall, planOf } from "./harness.js";

const logNormal = (y: number, mean: number, variance: number): number =>
  -0.5 * (Math.log(2 * Math.PI * variance) + (y - mean) ** 2 / variance);

describe("a discrete and a continuous site together", () => {
  const text = `model m(N: int) {
    for n in 0..N {
      z[n] ~ Categorical([0.3, 0.5, 0.2])
      x[n] ~ Normal(2 * z[n], 0.5 + z[n])
      y[n] ~ Normal(x[n], 0.7)
      w[n] ~ Normal(0.5 * x[n] + z[n], 1.2)
    }
  }`;
  const data = { N: 4, y: [0.2, 2.5, 5, 1.1], w: [0.1, 2.2, 4.1, 3] };
  const joint = [["z", "x"]];

  it("is exact for normals with a component each", () => {
    let evidence = 0;
    const weights: number[][] = [];
    const moments: number[][] = [];
    data.y.forEach((y, n) => {
      const logs: number[] = [];
      const means: number[] = [];
      [0.3, 0.5, 0.2].forEach((p, k) => {
        const v = (0.5 + k) ** 2;
        // y and w are two normal readings of x.
        const first = logNormal(y, 2 * k, v + 0.49);
        const after = 1 / (1 / v + 1 / 0.49);
        const mean = after * ((2 * k) / v + y / 0.49);
        const second = logNormal(data.w[n], 0.5 * mean + k, 0.25 * after + 1.44);
        const last = 1 / (1 / after + 0.25 / 1.44);
        logs.push(Math.log(p) + first + second);
        means.push(last * (mean / after + (0.5 * (data.w[n] - k)) / 1.44));
      });
      const total = logsumexp(logs);
      evidence += total;
      weights.push(logs.map((l) => Math.exp(l - total)));
      moments.push(means);
    });
    const fit = cavi(text, data, { joint });
    expect(fit.elbo).toBeCloseTo(evidence, 8);
    const apart = cavi(text, data);
    expect(apart.elbo).toBeLessThan(evidence - 0.05);
    expect(fit.families.x).toBe("Normal elementwise, given each value of z");
    const marginals = fit.marginal("z");
    const x = fit.posterior.sites[0];
    weights.forEach((own, n) => {
      own.forEach((p, k) => {
        expect(marginals[3 * n + k]).toBeCloseTo(p, 6);
      });
      const mean = own.reduce((s, p, k) => s + p * moments[n][k], 0);
      expect(fit.mean("x", n)).toBeCloseTo(mean, 5);
      expect(x.quantile(n, 0.9)).toBeGreaterThan(x.quantile(n, 0.5));
    });
    // Draws of x go with those of z: the mean of x among draws with z = k.
    const sums = new Float64Array(3);
    const counts = new Float64Array(3);
    for (let t = 0; t < 6000; t++) {
      const { values, states } = fit.posterior.draw(stream(3, 0, 0, t));
      counts[states[1]]++;
      sums[states[1]] += values[x.latent.offset + 1];
    }
    [0, 1, 2].forEach((k) => {
      // No sd of x given z exceeds 0.7; 5 standard errors.
      const error = (5 * 0.7) / Math.sqrt(Math.max(1, counts[k]));
      expect(Math.abs(sums[k] / Math.max(1, counts[k]) - moments[1][k])).toBeLessThan(
        counts[k] === 0 ? Infinity : error,
      );
    });
  });

  it("is exact for scales that depend on the component", () => {
    const scales = `model m(N: int) {
      for n in 0..N {
        z[n] ~ Bernoulli(0.4)
        t[n] ~ Gamma(if z[n] then 2 else 5, if z[n] then 0.5 else 4)
        y[n] ~ Normal(0, 1 / sqrt(t[n]))
      }
    }`;
    const y = [0.3, -2, 4];
    const evidence = y.reduce((sum, v) => {
      const student = (a: number, b: number) =>
        a * Math.log(b) -
        lgamma(a) +
        lgamma(a + 0.5) -
        (a + 0.5) * Math.log(b + (v * v) / 2) -
        0.5 * Math.log(2 * Math.PI);
      return sum + logsumexp([Math.log(0.6) + student(5, 4), Math.log(0.4) + student(2, 0.5)]);
    }, 0);
    const fit = cavi(scales, { N: 3, y }, { joint: [["t", "z"]] });
    expect(fit.elbo).toBeCloseTo(evidence, 8);
  });

  const mixture = `model m(N: int, D: int, K: int) {
    pi ~ Dirichlet(ones(K))
    for k in 0..K {
      lambda[k] ~ Gamma(2, 1)
      for d in 0..D {
        m[k, d] ~ Normal(0, 4)
        W[k, d] ~ Normal(0, 1)
      }
    }
    for n in 0..N {
      z[n] ~ Categorical(pi)
      u[n] ~ Normal(0, 1)
      for d in 0..D { y[n, d] ~ Normal(W[z[n], d] * u[n] + m[z[n], d], 1 / sqrt(lambda[z[n]])) }
    }
  }`;
  const flat = wiggle(36, 2);
  const own = {
    N: 12,
    D: 3,
    K: 2,
    y: Array.from({ length: 12 }, (_, n) => {
      return [0, 1, 2].map((d) => flat[3 * n + d] + (n % 2 === 0 ? 4 * d : -3));
    }),
  };

  it("never lowers the bound next to other factors, and beats the mean field", () => {
    expect(largestFall(mixture, own, 25, { joint: [["z", "u"]] })).toBeLessThan(1e-11);
    const together = cavi(mixture, own, { joint: [["z", "u"]], tolerance: 1e-9 });
    const apart = cavi(mixture, own, { tolerance: 1e-9 });
    expect(together.converged).toBe(true);
    expect(together.elbo).toBeGreaterThan(apart.elbo - 1e-6);
  });

  it("is refused where it cannot be", () => {
    const reason = (model: string, given: Parameters<typeof planOf>[1], names: string[]) => {
      try {
        planOf(model, given, { joint: [names] });
      } catch (e) {
        if (e instanceof TildeError) return e.diagnostics[0].message;
        throw e;
      }
      return "accepted";
    };
    expect(reason(mixture, own, ["z", "m"])).toContain("is read with several elements of `z`");
    expect(reason(mixture, own, ["z", "pi"])).toContain("several elements");
    const chain = `model m(T: int) {
      x[0] ~ Normal(0, 1)
      for t in 1..T { x[t] ~ Normal(x[t - 1], 1) }
      for t in 0..T {
        z[t] ~ Bernoulli(0.4)
        y[t] ~ Normal(x[t] + (if z[t] then 1 else 0), 1)
      }
    }`;
    expect(reason(chain, { T: 5, y: wiggle(5) }, ["z", "x"])).toContain("depend on each other");
  });
});
