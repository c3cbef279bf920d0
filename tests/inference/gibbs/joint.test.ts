/** Sparse factorisations and normal blocks against dense linear algebra. */
import { describe, expect, it } from "vitest";
import { GibbsChain } from "../../../src/inference/gibbs/chain.js";
import { describePlan, planGibbs } from "../../../src/inference/gibbs/plan.js";
import { factorise, readPlace, starColours } from "../../../src/inference/gibbs/sparse.js";
import { inverse } from "../../../src/math/linalg/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf, wiggle } from "../logjoint/models.js";

function randomPattern(n: number, edges: number, seed: number): Set<number>[] {
  const rng = stream(seed, 0, 0, 0);
  const sets = Array.from({ length: n }, () => new Set<number>());
  for (let k = 0; k < edges; k++) {
    const [a, b] = [rng.int(n), rng.int(n)];
    if (a === b) continue;
    sets[a].add(b);
    sets[b].add(a);
  }
  return sets;
}
const arrow = (n: number) =>
  Array.from({ length: n }, (_, i) => {
    return new Set(i === 0 ? Array.from({ length: n - 1 }, (__, j) => j + 1) : [0]);
  });
const chain = (n: number) =>
  Array.from({ length: n }, (_, i) => new Set([i - 1, i + 1].filter((j) => j >= 0 && j < n)));

describe("colours", () => {
  it("show every entry of random patterns", () => {
    for (let seed = 0; seed < 60; seed++) {
      const n = 2 + (seed % 17);
      const pattern = randomPattern(n, 1 + ((seed * 7) % (2 * n)), seed);
      const colours = starColours(pattern);
      pattern.forEach((s, i) => {
        for (const j of [i, ...s]) expect(readPlace(pattern, colours, i, j)).toBeDefined();
      });
    }
  });
  it("are two for an arrow and at most three for a chain, whatever the length", () => {
    expect(new Set(starColours(arrow(200))).size).toBe(2);
    expect(new Set(starColours(chain(200))).size).toBeLessThanOrEqual(3);
  });
});

describe("factorisation", () => {
  it("plans the Cholesky factor of random sparse matrices", () => {
    for (let seed = 0; seed < 40; seed++) {
      const n = 1 + (seed % 13);
      const pattern = randomPattern(n, 2 * n, seed);
      const rng = stream(seed, 1, 0, 0);
      const a = new Float64Array(n * n);
      pattern.forEach((s, i) => {
        a[i * n + i] = n + 1;
        for (const j of s) if (j < i) a[i * n + j] = a[j * n + i] = rng.normal() / 2;
      });
      const f = factorise(pattern, 1e6);
      if (f === undefined) throw new Error("too much work");
      const l = new Float64Array(f.rows.length);
      for (let k = 0; k < n; k++) {
        for (let e = f.start[k]; e < f.start[k + 1]; e++) {
          l[e] = a[f.order[f.rows[e]] * n + f.order[k]];
        }
      }
      let next = 0;
      for (let k = 0; k < n; k++) {
        const pivot = Math.sqrt(l[f.start[k]]);
        l[f.start[k]] = pivot;
        for (let e = f.start[k] + 1; e < f.start[k + 1]; e++) l[e] /= pivot;
        for (let i = f.start[k] + 1; i < f.start[k + 1]; i++) {
          for (let j = i; j < f.start[k + 1]; j++) l[f.targets[next++]] -= l[i] * l[j];
        }
      }
      expect(next).toBe(f.targets.length);
      const dense = new Float64Array(n * n);
      for (let k = 0; k < n; k++) {
        for (let e = f.start[k]; e < f.start[k + 1]; e++) dense[f.rows[e] * n + k] = l[e];
      }
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let k = 0; k < n; k++) sum += dense[i * n + k] * dense[j * n + k];
          expect(Math.abs(sum - a[f.order[i] * n + f.order[j]])).toBeLessThan(1e-12 * n);
        }
      }
    }
  });
  it("has no fill for arrows and chains, and gives up beyond its limit", () => {
    for (const pattern of [arrow(300), chain(300)]) {
      expect(factorise(pattern, 1e6)?.rows.length).toBe(300 + 299);
    }
    const full = Array.from({ length: 40 }, (_, i) => {
      return new Set(Array.from({ length: 40 }, (__, j) => j).filter((j) => j !== i));
    });
    expect(factorise(full, 1000)).toBeUndefined();
  });
});

describe("normal blocks", () => {
  const chainText = `model m(T: int) {
    m ~ Normal(0, 2)
    x[0] ~ Normal(m, 1)
    for t in 1..T { x[t] ~ Normal(0.9 * x[t - 1], 0.5) }
    for t in 0..T { y[t] ~ Normal(x[t], 0.3) }
  }`;
  const blockDraws = (text: string, data: Data, options = {}, draws = 20_000) => {
    const plan = planGibbs(condition(modelOf(text), dataSet(data)), make, "gibbs", options);
    const sampler = new GibbsChain(plan, make(plan.kernels), { seed: 4, chain: 0 });
    sampler.start();
    const n = sampler.width;
    const row = new Float64Array(n);
    const mean = new Float64Array(n);
    const second = new Float64Array(n * n);
    for (let t = 1; t <= draws; t++) {
      sampler.sweep(t, false);
      sampler.write(row, new Float64Array(0), 0);
      for (let i = 0; i < n; i++) {
        mean[i] += row[i] / draws;
        for (let j = 0; j < n; j++) second[i * n + j] += (row[i] * row[j]) / draws;
      }
    }
    return { plan, mean, cov: second.map((s, at) => s - mean[Math.floor(at / n)] * mean[at % n]) };
  };
  const check = (
    { mean, cov }: { mean: Float64Array; cov: Float64Array },
    precision: Float64Array,
    linear: readonly number[],
    draws = 20_000,
  ) => {
    const n = linear.length;
    const exact = inverse(precision, n) as Float64Array;
    for (let i = 0; i < n; i++) {
      let m = 0;
      for (let j = 0; j < n; j++) m += exact[i * n + j] * linear[j];
      // Independent draws, since all is one block.
      expect(Math.abs(mean[i] - m)).toBeLessThan(5 * Math.sqrt(exact[i * n + i] / draws));
      for (let j = 0; j < n; j++) {
        const product = exact[i * n + i] * exact[j * n + j] + exact[i * n + j] ** 2;
        expect(Math.abs(cov[i * n + j] - exact[i * n + j])).toBeLessThan(
          5 * Math.sqrt(product / draws),
        );
      }
    }
  };

  for (const T of [6, 40]) {
    it(`a walk of ${T} and its start are one vector without fill`, () => {
      const y = wiggle(T, 3);
      const found = blockDraws(chainText, { T, y }, {}, T === 6 ? 20_000 : 4000);
      const n = T + 1;
      expect(describePlan(found.plan)).toEqual([
        `m, x: one normal vector of ${n}, ${2 * n - 1} numbers in its factor`,
      ]);
      const q = new Float64Array(n * n);
      q[0] += 1 / 4 + 1;
      q[1] -= 1;
      q[n] -= 1;
      q[n + 1] += 1;
      for (let t = 1; t < T; t++) {
        const [a, b] = [t * n + t, (t + 1) * n + t + 1];
        q[a] += 0.81 / 0.25;
        q[b] += 1 / 0.25;
        q[t * n + t + 1] -= 0.9 / 0.25;
        q[(t + 1) * n + t] -= 0.9 / 0.25;
      }
      for (let t = 1; t <= T; t++) q[t * n + t] += 1 / 0.09;
      check(found, q, [0, ...y.map((v) => v / 0.09)], T === 6 ? 20_000 : 4000);
    });
  }

  it("a dense block with more colours than are compiled", () => {
    const D = 30;
    const X = Array.from({ length: 50 }, (_, n) => wiggle(D, n * 3));
    const y = wiggle(50, 2);
    const found = blockDraws(
      `model m(N: int, D: int, X: real[N, D]) {
        beta ~ iid(Normal(0, 2), D)
        y ~ Normal(X @ beta, 1.5)
      }`,
      { N: 50, D, X, y },
      {},
      3000,
    );
    const q = new Float64Array(D * D);
    const linear = new Array<number>(D).fill(0);
    X.forEach((r, n) => {
      for (let i = 0; i < D; i++) {
        linear[i] += (r[i] * y[n]) / 2.25;
        for (let j = 0; j < D; j++) q[i * D + j] += (r[i] * r[j]) / 2.25;
      }
    });
    for (let i = 0; i < D; i++) q[i * D + i] += 1 / 4;
    check(found, q, linear, 3000);
  });

  const product = `model m(N: int) {
    a ~ Normal(0, 1)
    b ~ Normal(0, 1)
    c ~ Normal(0, 1)
    for n in 0..N { y[n] ~ Normal(a * b + c, 1) }
  }`;
  it("leave products of normals apart", () => {
    const plan = planGibbs(condition(modelOf(product), dataSet({ N: 3, y: wiggle(3) })), make);
    const sets = plan.blocks.flatMap((b) => (b.kind === "joint" ? [b.normal.sites] : []));
    for (const s of sets) expect(s.includes(0) && s.includes(1)).toBe(false);
  });

  it("follow the options, and refuse what is not jointly normal", () => {
    const conditioned = condition(modelOf(chainText), dataSet({ T: 4, y: wiggle(4) }));
    const lines = (options: Parameters<typeof planGibbs>[3]) =>
      describePlan(planGibbs(conditioned, make, "gibbs", options));
    expect(lines({ sites: { m: "conjugate" } })).toEqual([
      "m: Normal conditional, all elements at once",
      "x: one normal vector of 4, 7 numbers in its factor",
    ]);
    expect(lines({ sites: { m: "slice", x: "nuts" } })).toEqual([
      "m: slice sampling, scalar by scalar, unconstrained",
      "x: NUTS transition, unconstrained",
    ]);
    expect(lines({ sites: { m: "hmc", x: "hmc" }, blocks: [["m", "x"]] })).toEqual([
      "m, x: HMC transition, unconstrained",
    ]);
    expect(() => lines({ sites: { m: "enumerate" } })).toThrow(/`m`.*continuous/);
    expect(() => lines({ sites: { q: "slice" } })).toThrow(/`q`/);
    expect(() => lines({ blocks: [["m", "x"], ["x"]] })).toThrow(/`x`.*two blocks/);
    const other = condition(modelOf(product), dataSet({ N: 3, y: wiggle(3) }));
    expect(() => planGibbs(other, make, "gibbs", { blocks: [["a", "b"]] })).toThrow(/`a`/);
    expect(() => planGibbs(other, make, "gibbs", { blocks: [["a", "c"]] })).not.toThrow();
  });
});
