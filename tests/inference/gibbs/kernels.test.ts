/** Compiled updates against the host's: the same words make the same draws, but for rounding. */
import { describe, expect, it } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/compile.js";
import { GibbsChain } from "../../../src/inference/gibbs/chain.js";
import {
  KEY,
  randomBuffers,
  randomFunctions,
  seedStream,
} from "../../../src/inference/gibbs/kernel/random.js";
import { planGibbs } from "../../../src/inference/gibbs/plan.js";
import { gibbsStream } from "../../../src/inference/gibbs/stream.js";
import { call, get, giveBack, i32, index, loop, store } from "../../../src/kernel/build.js";
import type { KernelModule } from "../../../src/kernel/ir.js";
import { philoxKey } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf, wiggle } from "../logjoint/models.js";

describe("draws", () => {
  it("of normals and gammas are those of the host's stream, word for word", () => {
    const n = 20_000;
    const sweep = { name: "sweep", type: "i32" } as const;
    const shape = { name: "shape", type: "f64" } as const;
    const i = index("i");
    const module: KernelModule = {
      buffers: [
        ...randomBuffers,
        { name: "normals", element: "f64", length: n, region: "workspace" },
        { name: "gammas", element: "f64", length: n, region: "workspace" },
      ],
      functions: [
        ...randomFunctions(),
        {
          name: "fill",
          params: [sweep, shape],
          body: [
            seedStream(7, get(sweep)),
            loop("i", i32(0), i32(n), [
              store("normals", i, call("gibbs_normal", [])),
              store("gammas", i, call("gibbs_log_gamma", [get(shape)])),
            ]),
            giveBack(),
          ],
          exported: true,
        },
      ],
    };
    const instance = make(module);
    const [low, high] = philoxKey(11);
    instance.i32(KEY).set([low | 0, high | 0, 3]);
    for (const [step, a] of [
      [1, 0.3],
      [2, 1],
      [3, 25.5],
    ]) {
      instance.call("fill", step, a);
      const rng = gibbsStream({ seed: 11, chain: 3 }, 7, step);
      let worst = 0;
      for (let k = 0; k < n; k++) {
        const [z, gamma] = [rng.normal(), rng.logGamma(a)];
        worst = Math.max(worst, Math.abs(instance.f64("normals")[k] - z));
        const scale = 1 + Math.abs(gamma);
        worst = Math.max(worst, Math.abs(instance.f64("gammas")[k] - gamma) / scale);
      }
      // Products of the same numbers; tails and gammas go through two kinds of log and exp.
      expect(worst).toBeLessThan(1e-12);
    }
  });

  it("of normals have the moments and tails of a normal", () => {
    const rng = gibbsStream({ seed: 5, chain: 0 }, 1, 1);
    const n = 400_000;
    const powers = [0, 0, 0, 0];
    let beyond = 0;
    let tail = 0;
    for (let k = 0; k < n; k++) {
      const z = rng.normal();
      for (let p = 0; p < 4; p++) powers[p] += z ** (p + 1) / n;
      if (Math.abs(z) > 2) beyond++;
      if (Math.abs(z) > 3.7) tail++;
    }
    // Standard errors of the first four moments: 1, √2, √15 and √96 over √n.
    [0, 1, 0, 3].forEach((expected, p) => {
      const error = Math.sqrt([1, 2, 15, 96][p] / n);
      expect(Math.abs(powers[p] - expected)).toBeLessThan(5 * error);
    });
    const within = (count: number, p: number) =>
      expect(Math.abs(count - n * p)).toBeLessThan(5 * Math.sqrt(n * p));
    within(beyond, 0.04550026389635842);
    within(tail, 0.00021559853494366733);
  });
});

const models: readonly { name: string; text: string; data: Data }[] = [
  {
    name: "scalar families and Dirichlet, below and above shape 1",
    text: `model m(N: int, K: int) {
      w ~ Dirichlet([0.3, 0.5, 2])
      v ~ InverseGamma(0.4, 1)
      for k in 0..K {
        lambda[k] ~ Gamma(0.5, 1)
        p[k] ~ Beta(0.4, 0.7)
        c[k] ~ Poisson(lambda[k])
        b[k] ~ Binomial(4, p[k])
      }
      r ~ Gamma(2, 3)
      for n in 0..N {
        s[n] ~ Normal(0, sqrt(v))
        x[n] ~ Categorical(w)
        e[n] ~ Exponential(r)
      }
    }`,
    data: { N: 4, K: 3, c: [0, 2, 5], b: [0, 4, 1], x: [0, 2, 2, 1], e: [0.3, 1, 2, 0.1] },
  },
  {
    name: "elements of a mixture, and two chains of hidden states",
    text: `model m(N: int, T: int) {
      w ~ Dirichlet([1, 2, 1])
      for k in 0..3 { mu[k] ~ Normal(0, 2) }
      P ~ Dirichlet([2, 1])
      for c in 0..2 {
        s[c, 0] ~ Categorical(P)
        for t in 1..T { s[c, t] ~ Categorical(if s[c, t - 1] == 0 then [0.7, 0.3] else [0.2, 0.8]) }
        for t in 0..T { o[c, t] ~ Normal(s[c, t], 0.8) }
      }
      for n in 0..N {
        z[n] ~ Categorical(w)
        y[n] ~ Normal(mu[z[n]], 1)
      }
    }`,
    data: { N: 7, T: 4, y: wiggle(7), o: [wiggle(4, 1), wiggle(4, 8)] },
  },
  {
    name: "a site that others read element by element",
    text: `model m(N: int) {
      c ~ Bernoulli(0.4)
      for n in 0..N {
        u[n] ~ Categorical([0.2, 0.5, 0.3])
        y[n] ~ Normal(u[n] + (if c then 1 else -0.5), 0.7)
      }
    }`,
    data: { N: 9, y: wiggle(9) },
  },
];

describe("compiled sweeps", () => {
  for (const { name, text, data } of models) {
    it(`${name}: as the host's`, () => {
      const key = { seed: 3, chain: 1 };
      // Normal sites apart: their blocks have one form alone.
      const sites = { mu: "conjugate", s: "conjugate" } as const;
      const conditioned = condition(modelOf(text), dataSet(data));
      const chains = [true, false].map((compiled) => {
        const own = Object.entries(sites).filter(([n]) =>
          new RegExp(`\\b${n}(\\[k\\]|\\[n\\]) ~ Normal`).test(text),
        );
        const plan = planGibbs(conditioned, make, "gibbs", {
          compiled,
          sites: Object.fromEntries(own),
        });
        const program = compileKernels(plan.kernels);
        const chain = new GibbsChain(plan, instantiate(program, createMemory(program, 1), 0), key);
        expect(chain.start()).toBeUndefined();
        return { plan, chain };
      });
      expect(chains[0].plan.segments.map((s) => s.kind)).toEqual(["kernel"]);
      expect(chains[1].plan.segments.every((s) => s.kind === "host")).toBe(true);
      const rows = chains.map(({ chain }) => ({
        values: new Float64Array(chain.width),
        discrete: new Float64Array(chain.elements),
      }));
      for (let t = 1; t <= 200; t++) {
        chains.forEach(({ chain }, k) => {
          expect(chain.sweep(t, false)).toBeUndefined();
          chain.write(rows[k].values, rows[k].discrete, 0);
        });
        expect(rows[0].discrete).toEqual(rows[1].discrete);
        rows[0].values.forEach((v, i) => {
          // Roundings go from sweep to sweep, but conditionals forget them.
          expect(Math.abs(v - rows[1].values[i])).toBeLessThan(1e-8 * (1e-3 + Math.abs(v)));
        });
      }
    });
  }

  it("are the same one by one and by the block, and another seed's are others", () => {
    const { text, data } = models[1];
    const plan = planGibbs(condition(modelOf(text), dataSet(data)), make);
    const program = compileKernels(plan.kernels);
    const chainOf = (seed: number) => {
      const instance = instantiate(program, createMemory(program, 1), 0);
      const chain = new GibbsChain(plan, instance, { seed, chain: 0 });
      chain.start();
      return chain;
    };
    const room = (chain: GibbsChain) => ({
      values: new Float64Array(10 * chain.width),
      discrete: new Float64Array(10 * chain.elements),
      lp: new Float64Array(10),
    });
    const [a, b, c] = [chainOf(1), chainOf(1), chainOf(2)];
    const [left, right, other] = [room(a), room(b), room(c)];
    a.block(1, 10, 3, left, 0);
    for (let k = 0; k < 10; k++) {
      for (let s = 0; s < 3; s++) b.sweep(1 + 3 * k + s, false);
      b.write(right.values, right.discrete, k);
      right.lp[k] = b.logJoint();
    }
    c.block(1, 10, 3, other, 0);
    expect(left).toEqual(right);
    expect(left.values).not.toEqual(other.values);
  });
});
