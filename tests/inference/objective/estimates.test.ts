/** Estimated densities against sums over all values of small discrete programs. */
import { describe, expect, test } from "vitest";
import { averages, expectMean, slopes } from "./averages.js";
import { build, drive, type Setup } from "./driver.js";

const text = `import objectives
model joint() {
  u ~ Categorical([0.6, 0.4])
  x ~ Categorical([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]][u])
  w ~ Bernoulli([0.25, 0.5, 0.9][x])
}
guide back(x: category(3)) for joint {
  u ~ Categorical([[0.5, 0.5], [0.3, 0.7], [0.2, 0.8]][x])
  w ~ Bernoulli([0.4, 0.4, 0.7][x])
}
guide posterior(x: category(3)) for joint {
  u ~ Categorical([[0.42 / 0.46, 0.04 / 0.46], [0.5, 0.5], [0.06 / 0.3, 0.24 / 0.3]][x])
  w ~ Bernoulli([0.25, 0.5, 0.9][x])
}
model even() { x ~ Categorical([1 / 3, 1 / 3, 1 / 3]) }

objective density(p, M: int) {
  return exp(log_prob(marginal(p, keep: [x], particles: M), data))
}
objective density_by(p, r, M: int) {
  return exp(log_prob(marginal(p, keep: [x], proposal: r, particles: M), data))
}
objective elsewhere(p, r, e, v: int, M: int) {
  let m = marginal(p, keep: [x], proposal: r, particles: M)
  z ~ e
  let x: int = z.x
  return (if x == v then 1.0 else 0.0) * exp(log_prob(m, z))
}
objective reciprocal(p, v: int, M: int) {
  let m = marginal(p, keep: [x], particles: M)
  z ~ m
  let x: int = z.x
  return (if x == v then 1.0 else 0.0) * exp(-log_prob(m, z))
}
objective reciprocal_by(p, r, v: int, M: int) {
  z ~ marginal(p, keep: [x], proposal: r, particles: M)
  let x: int = z.x
  return (if x == v then 1.0 else 0.0) * exp(-log_prob(marginal(p, keep: [x], proposal: r, particles: M), z))
}`;
/** q(x) of `joint`. */
const marginal = [0.46, 0.24, 0.3];

describe("marginal", () => {
  test("is unbiased at data, with and without a proposal", () => {
    for (const M of [1, 3]) {
      for (const [x, exact] of marginal.entries()) {
        const own: Setup = { text, objective: "density", programs: { p: "joint" }, data: { x } };
        const [a] = averages(drive(build({ ...own, args: { M } })), 4000, 1);
        expectMean(a, exact);
        const programs = { p: "joint", r: "back" };
        const by: Setup = { text, objective: "density_by", programs, data: { x }, args: { M } };
        const [b] = averages(drive(build(by)), 4000, 2);
        expectMean(b, exact);
        // The test can fail: the estimates vary, and their logarithms' mean is another number.
        expect(Math.min(a.error, b.error)).toBeGreaterThan(1e-4);
      }
    }
  });

  test("is unbiased at draws of another program", () => {
    for (const [v, exact] of marginal.entries()) {
      const programs = { p: "joint", r: "back", e: "even" };
      const setup: Setup = { text, objective: "elsewhere", programs, args: { v, M: 2 } };
      const [found] = averages(drive(build(setup)), 8000, 3);
      expectMean(found, exact / 3);
    }
  });

  test("has an unbiased reciprocal at its own draws: E[1{x = v} / q̂(x)] = 1", () => {
    for (const M of [1, 3]) {
      for (const v of M === 1 ? [0] : [1, 2]) {
        const programs = { p: "joint", r: "back" };
        const own: Setup = {
          text,
          objective: "reciprocal",
          programs: { p: "joint" },
          args: { v, M },
        };
        expectMean(averages(drive(build(own)), 6000, 4)[0], 1);
        const by: Setup = { text, objective: "reciprocal_by", programs, args: { v, M } };
        expectMean(averages(drive(build(by)), 6000, 5)[0], 1);
      }
    }
  });

  test("is exact where the proposal is the posterior", () => {
    const programs = { p: "joint", r: "posterior" };
    for (const [x, exact] of marginal.entries()) {
      const by: Setup = { text, objective: "density_by", programs, data: { x }, args: { M: 2 } };
      const [found] = averages(drive(build(by)), 50, 6);
      expect(found.mean).toBeCloseTo(exact, 12);
      expect(found.error).toBeLessThan(1e-7);
    }
  });
});

const learned = `import objectives
model p() {
  x ~ Categorical([0.5, 0.2, 0.3])
  y ~ Bernoulli([0.2, 0.9, 0.6][x])
}
guide q() for p {
  param a: real[2] = [0.3, -0.2]
  param W: real[2, 3] = [[0.1, -0.4, 0.2], [0.9, 0.3, -0.7]]
  u ~ Categorical(logits: a) USING
  x ~ Categorical(logits: W[u]) USING
}
guide back(x: category(3)) for q {
  param R: real[3, 2] = [[0.5, 0.1], [-0.6, 0.2], [0.1, 0.4]]
  u ~ Categorical(logits: R[x])
}
objective hvi(p, q, r, M: int) {
  let m = marginal(q, keep: [x], proposal: r, particles: M)
  z ~ m
  return log_joint(p, z) - log_prob(m, z)
}
objective hvi_plain(p, q, M: int) {
  let m = marginal(q, particles: M)
  z ~ m
  return log_joint(p, z) - log_prob(m, z)
}
objective iw(p, q, M: int, K: int) {
  let m = marginal(q, particles: M)
  for k in 0..K { z[k] ~ m;  let w[k] = log_joint(p, z[k]) - log_prob(m, z[k]) }
  return logsumexp(w) - log(K)
}`;

const softmax = (x: readonly number[]): number[] => {
  const e = x.map(Math.exp);
  const total = e.reduce((s, v) => s + v, 0);
  return e.map((v) => v / total);
};
const joint = [0, 1, 2].map((x) => Math.log([0.5, 0.2, 0.3][x] * [0.2, 0.9, 0.6][x]));

/** Every draw of (u, x, others) with its probability, and log p − log q̂ at it. */
function outcomes(theta: readonly number[], M: number, back: boolean) {
  const a = softmax(theta.slice(0, 2));
  const W = [softmax(theta.slice(2, 5)), softmax(theta.slice(5, 8))];
  const r = back ? [0, 1, 2].map((x) => softmax(theta.slice(8 + 2 * x, 10 + 2 * x))) : [a, a, a];
  const found: { readonly chance: number; readonly weight: number }[] = [];
  for (const u of [0, 1]) {
    for (const x of [0, 1, 2]) {
      for (let n = 0; n < 2 ** (M - 1); n++) {
        const others = Array.from({ length: M - 1 }, (_, j) => (n >> j) & 1);
        const chance = others.reduce((c, o) => c * r[x][o], a[u] * W[u][x]);
        const all = [u, ...others].map((o) => (a[o] * W[o][x]) / r[x][o]);
        const mean = all.reduce((s, w) => s + w, 0) / M;
        found.push({ chance, weight: joint[x] - Math.log(mean) });
      }
    }
  }
  return found;
}

const evidence = Math.log(joint.reduce((s, l) => s + Math.exp(l), 0));

describe("gradients through marginal", () => {
  const strategies = ["", "using reinforce(baseline: moving_average)", "using enumerate"];
  test.each(strategies)("are those of the exact bound: %s", (using) => {
    const source = learned.replaceAll("USING", using);
    for (const M of [1, 2, 3]) {
      const programs = { p: "p", q: "q", r: "back" };
      const setup: Setup = {
        text: source,
        objective: "hvi",
        programs,
        data: { y: 1 },
        args: { M },
      };
      const d = drive(build(setup));
      const exact = (theta: readonly number[]): number =>
        outcomes(theta, M, true).reduce((s, o) => s + o.chance * o.weight, 0);
      const theta = [...d.theta];
      const found = averages(d, 20000, 7 + M);
      expectMean(found[0], exact(theta));
      slopes(exact, theta).forEach((slope, k) => {
        expectMean(found[k + 1], slope);
      });
    }
  });

  test("also where the guide itself proposes, and in a bound of several draws", () => {
    const source = learned.replaceAll("USING", "");
    const programs = { p: "p", q: "q" };
    for (const M of [1, 3]) {
      const plain: Setup = {
        text: source,
        objective: "hvi_plain",
        programs,
        data: { y: 1 },
        args: { M },
      };
      const d = drive(build(plain));
      const exact = (theta: readonly number[]): number =>
        outcomes(theta, M, false).reduce((s, o) => s + o.chance * o.weight, 0);
      const theta = [...d.theta];
      const found = averages(d, 20000, 17);
      expectMean(found[0], exact(theta));
      slopes(exact, theta).forEach((slope, k) => {
        expectMean(found[k + 1], slope);
      });
    }
    const iw: Setup = {
      text: source,
      objective: "iw",
      programs,
      data: { y: 1 },
      args: { M: 2, K: 2 },
    };
    const d = drive(build(iw));
    const exact = (theta: readonly number[]): number => {
      const all = outcomes(theta, 2, false);
      let sum = 0;
      for (const s of all) {
        for (const t of all) {
          const mean = (Math.exp(s.weight) + Math.exp(t.weight)) / 2;
          sum += s.chance * t.chance * Math.log(mean);
        }
      }
      return sum;
    };
    const theta = [...d.theta];
    const found = averages(d, 40000, 18);
    expectMean(found[0], exact(theta));
    slopes(exact, theta).forEach((slope, k) => {
      expectMean(found[k + 1], slope);
    });
  });

  test("bounds tighten with particles and with draws, and stay below the evidence", () => {
    const source = learned.replaceAll("USING", "");
    const programs = { p: "p", q: "q" };
    const bound = (M: number, K: number): number => {
      const iw: Setup = { text: source, objective: "iw", programs, data: { y: 1 }, args: { M, K } };
      return averages(drive(build(iw)), 20000, 19)[0].mean;
    };
    const all = [bound(1, 1), bound(4, 1), bound(4, 4), evidence];
    for (let k = 1; k < all.length; k++) expect(all[k]).toBeGreaterThan(all[k - 1]);
  });
});
