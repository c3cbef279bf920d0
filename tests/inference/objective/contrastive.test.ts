/** InfoNCE and divergences with critics against sums over all values. */
import { describe, expect, test } from "vitest";
import { averages, expectMean, slopes } from "./averages.js";
import { adam, array, build, drive, type Setup } from "./driver.js";

const text = `import objectives
model critic(N: int) {
  param f: real[3] = [0.5, -0.2, 0.1]
  for i in 0..N {
    x[i] ~ Categorical([1 / 3, 1 / 3, 1 / 3])
    factor f[x[i]]
  }
}
model other(N: int) { for i in 0..N { x[i] ~ Categorical([0.5, 0.3, 0.2]) } }`;
const noise = [0.5, 0.3, 0.2];
const x = [0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
const data = { N: x.length, x: array([x.length], x) };

/** The value for critics f, by all draws of the noise. */
function infonce(f: readonly number[], ratio: number): number {
  let total = 0;
  for (const v of x) {
    for (let n = 0; n < 3 ** ratio; n++) {
      const draws = Array.from({ length: ratio }, (_, r) => Math.floor(n / 3 ** r) % 3);
      const chance = draws.reduce((c, y) => c * noise[y], 1);
      const all = draws.reduce((s, y) => s + Math.exp(f[y]), Math.exp(f[v]));
      total += chance * (f[v] - Math.log(all) + Math.log(ratio + 1));
    }
  }
  return total / x.length;
}

const generated = `import objectives
model p(N: int) {
  param m: real = 0.3
  for i in 0..N { x[i] ~ Normal(m, 1) }
}
model critic(N: int) {
  param a: real = 0.4
  param b: real = -0.6
  for i in 0..N { x[i] ~ Energy(u => a + b * u) }
}`;
const points = [0.9, -0.4, 1.7];
const overData = (f: (x: number) => number): number =>
  points.reduce((s, v) => s + f(v), 0) / points.length;
/** E f*(v) over draws of N(m, 1) and E g(v) over the data, for the critic v = a + b x. */
const divergences = {
  gan_kl: {
    draws: (m: number, a: number, b: number) => Math.exp(a - 1 + b * m + (b * b) / 2),
    data: (a: number, b: number) => overData((x) => a + b * x),
  },
  gan_reverse_kl: {
    draws: (m: number, a: number, b: number) => a + b * m - 1,
    data: (a: number, b: number) => overData((x) => -Math.exp(-a - b * x)),
  },
  gan_pearson: {
    draws: (m: number, a: number, b: number) => ((a + b * m) ** 2 + b * b) / 4 + a + b * m,
    data: (a: number, b: number) => overData((x) => a + b * x),
  },
};

describe("divergences with a critic", () => {
  const data = { N: points.length, x: array([points.length], points) };
  test.each(Object.keys(divergences) as (keyof typeof divergences)[])("%s", (objective) => {
    const programs = { p: "p", critic: "critic" };
    const made = build({ text: generated, objective, programs, data });
    const { draws, data: given } = divergences[objective];
    // The generator's own number, then the critic's, in (m, a, b).
    const exact = [
      ([m, a, b]: readonly number[]): number => -draws(m, a, b),
      ([m, a, b]: readonly number[]): number => given(a, b) - draws(m, a, b),
    ];
    made.players?.forEach(({ graph, noise: own, states, spans }, k) => {
      const d = drive({ ...made, graph, noise: own, states });
      const start = [...d.theta];
      const found = averages(d, 20_000, 11 + k);
      expectMean(found[0], exact[k](start));
      slopes(exact[k], start).forEach((slope, i) => {
        const isOwn = spans.some(([from, to]) => i >= from && i < to);
        expectMean(found[i + 1], isOwn ? slope : 0);
      });
    });
    expect(made.players).toHaveLength(2);
  });
});

describe("infonce", () => {
  const setup = (ratio: number): Setup => ({
    text,
    objective: "infonce",
    programs: { p: "critic", noise: "other" },
    data,
    args: { ratio },
  });

  test("value and gradient are the exact ones", () => {
    for (const ratio of [1, 3]) {
      const d = drive(build(setup(ratio)));
      const start = [...d.theta];
      const found = averages(d, 4000, 1);
      expectMean(found[0], infonce(start, ratio));
      slopes((f) => infonce(f, ratio), start).forEach((slope, k) => {
        expectMean(found[k + 1], slope);
      });
    }
  });

  test("its optimum is the ratio of densities, up to a constant", () => {
    const d = drive(build(setup(8)));
    adam(d, { steps: 2000, rate: 0.05, seed: 3 });
    const share = [0.2, 0.4, 0.4];
    const wanted = share.map((s, k) => Math.log(s / noise[k]));
    const [a, b, c] = d.theta;
    // The noise of 2000 steps at falling rates leaves about 0.01.
    expect(b - a).toBeCloseTo(wanted[1] - wanted[0], 1);
    expect(c - a).toBeCloseTo(wanted[2] - wanted[0], 1);
    const divergence = share.reduce((s, p, k) => s + p * Math.log(p / noise[k]), 0);
    const [bound] = averages(d, 2000, 4);
    expect(bound.mean).toBeLessThan(divergence);
    expect(bound.mean).toBeGreaterThan(0.8 * divergence);
  });
});
