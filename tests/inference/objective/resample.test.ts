/** Draws by resampling and their densities against sums over all particles. */
import { describe, expect, test } from "vitest";
import { averages, expectMean, slopes } from "./averages.js";
import { build, drive, type Setup } from "./driver.js";

const text = `import objectives
model p() {
  z ~ Categorical([0.5, 0.2, 0.3])
  y ~ Bernoulli([0.2, 0.9, 0.6][z])
}
guide r() for p {
  param a: real[3] = [0.4, -0.3, 0.1]
  z ~ Categorical(logits: a)
}
model even() { z ~ Categorical([1 / 3, 1 / 3, 1 / 3]) }

objective share(p, r, v: int, M: int) {
  z ~ normalize(p, proposal: r, particles: M)
  let k: int = z.z
  return if k == v then 1.0 else 0.0
}
objective share_prior(p, v: int, M: int) {
  z ~ normalize(p, particles: M)
  let k: int = z.z
  return if k == v then 1.0 else 0.0
}
objective reciprocal(p, r, v: int, M: int) {
  let n = normalize(p, proposal: r, particles: M)
  z ~ n
  let k: int = z.z
  return (if k == v then 1.0 else 0.0) * exp(-log_prob(n, z))
}
objective elsewhere(p, r, e, v: int, M: int) {
  z ~ e
  let k: int = z.z
  return (if k == v then 1.0 else 0.0) * exp(log_prob(normalize(p, proposal: r, particles: M), z))
}
objective bound(p, r, M: int) {
  let n = normalize(p, proposal: r, particles: M)
  z ~ n
  return log_joint(p, z) - log_prob(n, z)
}
objective energy(p, r, M: int) {
  z ~ normalize(p, proposal: r, particles: M)
  return log_joint(p, z)
}
objective energies(p, r, M: int, K: int) {
  for k in 0..K {
    z[k] ~ normalize(p, proposal: r, particles: M)
    let e[k] = log_joint(p, z[k])
  }
  return mean(e)
}`;
const joint = [0.5 * 0.2, 0.2 * 0.9, 0.3 * 0.6];
const start = [0.4, -0.3, 0.1];

function softmax(x: readonly number[]): number[] {
  const e = x.map(Math.exp);
  const total = e.reduce((s, v) => s + v, 0);
  return e.map((v) => v / total);
}

/** The law of the resampled value, and E log of the particles' mean weight. */
function exact(chances: readonly number[], M: number) {
  const law = [0, 0, 0];
  let logMean = 0;
  for (let n = 0; n < 3 ** M; n++) {
    const values = Array.from({ length: M }, (_, j) => Math.floor(n / 3 ** j) % 3);
    const chance = values.reduce((c, v) => c * chances[v], 1);
    const weights = values.map((v) => joint[v] / chances[v]);
    const total = weights.reduce((s, w) => s + w, 0);
    values.forEach((v, j) => {
      law[v] += (chance * weights[j]) / total;
    });
    logMean += chance * Math.log(total / M);
  }
  return { law, logMean };
}

const programs = { p: "p", r: "r", e: "even" };
const setup = (objective: string, args: Record<string, number>): Setup => {
  return { text, objective, programs, data: { y: 1 }, args };
};

describe("normalize", () => {
  test("draws from the law of importance resampling", () => {
    const prior = [0.5, 0.2, 0.3];
    const M = 3;
    const [{ law }, own] = [exact(softmax(start), M), exact(prior, M)];
    for (const v of [0, 1]) {
      expectMean(averages(drive(build(setup("share", { v, M }))), 4000, 1)[0], law[v]);
      const [plain] = averages(drive(build(setup("share_prior", { v, M }))), 4000, 2);
      expectMean(plain, own.law[v]);
    }
  });

  test("its density is unbiased at other points, and its reciprocal at its own draws", () => {
    for (const M of [1, 3]) {
      const { law } = exact(softmax(start), M);
      const v = M === 1 ? 0 : 2;
      expectMean(averages(drive(build(setup("reciprocal", { v, M }))), 4000, 3)[0], 1);
      const [found] = averages(drive(build(setup("elsewhere", { v, M }))), 8000, 4);
      expectMean(found, law[v] / 3);
    }
  });

  test("as a guide its ELBO is the importance-weighted bound of its proposal, gradients included", () => {
    for (const M of [1, 3]) {
      const d = drive(build(setup("bound", { M })));
      const value = (a: readonly number[]): number => exact(softmax(a), M).logMean;
      const found = averages(d, 20000, 5);
      expectMean(found[0], value(start));
      slopes(value, start).forEach((slope, k) => {
        expectMean(found[k + 1], slope);
      });
    }
  });

  test("gradients pass the choice of a particle: summed over, and by its score", () => {
    const energy =
      (M: number) =>
      (a: readonly number[]): number =>
        exact(softmax(a), M).law.reduce((s, c, v) => s + c * Math.log(joint[v]), 0);
    for (const [name, args] of [
      ["energy", { M: 3 }],
      ["energies", { M: 2, K: 2 }],
    ] as const) {
      const value = energy(args.M);
      const d = drive(build(setup(name, args)));
      // Baselines that start at zero settle first; their draws count, and are unbiased too.
      const found = averages(d, 40000, 6);
      expectMean(found[0], value(start));
      const wanted = slopes(value, start);
      wanted.forEach((slope, k) => {
        expectMean(found[k + 1], slope);
      });
      // What the choice adds is seen: without it the gradient would be another.
      expect(Math.max(...wanted.map(Math.abs))).toBeGreaterThan(10 * found[1].error);
    }
  });
});
