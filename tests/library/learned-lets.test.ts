/** Lets of a fit by svi are those of its own draws and params, in whatever order the text has them. */
import { expect, test } from "vitest";
import { compile, infer, svi } from "../../src/index.js";

test.each([
  ["params above the sites", "param a: real[2] = Normal(0, 1);  param b: real = 0.5", ""],
  ["params below them", "", "param a: real[2] = Normal(0, 1);  param b: real = 0.5"],
  ["on both sides", "param a: real[2] = Normal(0, 1)", "param b: real = 0.5"],
])("%s", async (_, above, below) => {
  const program = compile(`model m(N: int) {
  ${above}
  k ~ Bernoulli(0.5)
  for i in 0..N { z[i] ~ iid(Normal(0, 1), 2) }
  s ~ HalfNormal(1)
  ${below}
  for i in 0..N { x[i] ~ Normal(a @ z[i] + b, 1 + s) }
  for i in 0..N { let mean[i] = a @ z[i] + b + 10 * s }
  let twice = 2 * k
}
guide q(N: int) for m {
  param p: real[2] = [0.3, -2]
  s ~ LogNormal(-1, 0.2)
  for i in 0..N { z[i] ~ Normal(p, 0.5) }
  k ~ Bernoulli(0.25)
}`);
  const method = svi({ guide: "q", steps: 20, draws: 7 });
  const fit = await infer(program, { data: { x: [0.1, -1, 2] }, method, seed: 2 });
  const read = (name: string): Float64Array => fit.draws(name).data;
  const [a, b, z, s, mean] = ["a", "b", "z", "s", "mean"].map(read);
  for (let t = 0; t < 7; t++) {
    for (let i = 0; i < 3; i++) {
      const at = 2 * (3 * t + i);
      const expected = a[2 * t] * z[at] + a[2 * t + 1] * z[at + 1] + b[t] + 10 * s[t];
      expect(mean[3 * t + i]).toBeCloseTo(expected, 12);
    }
  }
  expect(s.every((v) => v > 0)).toBe(true);
  expect([...read("twice")]).toEqual([...read("k")].map((v) => 2 * v));
});
