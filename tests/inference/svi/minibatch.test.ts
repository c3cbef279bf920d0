/** Minibatches inside the module: unbiased gradients, rows without replacement. */
import { expect, test } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/index.js";
import { learningKernels } from "../../../src/inference/svi/compile.js";
import { seedNoise } from "../../../src/inference/stochastic/noise.js";
import { verifyModule } from "../../../src/kernel/verify.js";
import { array, build } from "../objective/driver.js";

const N = 12;
const text = `import objectives
model m(N: int, x: real[N, 2]) {
  param w: real[2] = [0.5, -0.3]
  param s: positive = 1.3
  for i in 0..N { y[i] ~ Normal(x[i] @ w, s) }
}`;
const x = Array.from({ length: 2 * N }, (_, k) => Math.sin(3 * k + 1) * (1 + (k % 5)));
const y = Array.from({ length: N }, (_, k) => Math.cos(2 * k) * 2 + k / 4);

function instanceOf(rows?: number) {
  const batch: Record<string, number> = rows === undefined ? {} : { N: rows };
  const data = { x: array([N, 2], x), y: array([N], y) };
  const made = build({ text, objective: "maximum_likelihood", programs: { p: "m" }, data, batch });
  const { kernels } = learningKernels(made, new Map(Object.entries(batch)), "adam");
  verifyModule(kernels);
  const program = compileKernels(kernels);
  const instance = instantiate(program, createMemory(program, 1), 0);
  instance.f64("theta").set(made.initial(1));
  seedNoise(instance.i32("mc_key"), 5, 0);
  return instance;
}

const full = instanceOf();
full.call("noise", 0);
const value = full.call("evaluate");
const gradient = full.f64("grad").slice();

test("the mean over minibatches is the gradient of all data", () => {
  const instance = instanceOf(3);
  const draws = 20_000;
  const sum = gradient.map(() => 0);
  const squares = gradient.map(() => 0);
  let values = 0;
  for (let t = 0; t < draws; t++) {
    instance.call("noise", t);
    values += instance.call("evaluate");
    instance.f64("grad").forEach((g, i) => {
      sum[i] += g;
      squares[i] += g * g;
    });
  }
  gradient.forEach((g, i) => {
    const mean = sum[i] / draws;
    const error = Math.sqrt((squares[i] / draws - mean * mean) / draws);
    expect(error).toBeGreaterThan(0);
    // Three components: a fair estimate passes 4.5 standard errors in 2e-5 of the seeds.
    expect(Math.abs(mean - g) / error).toBeLessThan(4.5);
  });
  expect(Math.abs(values / draws / value - 1)).toBeLessThan(0.02);
});

test("rows are without replacement: all of them are all data, in any order", () => {
  const instance = instanceOf(N);
  const orders = new Set<string>();
  for (let t = 0; t < 20; t++) {
    instance.call("noise", t);
    expect(Math.abs(instance.call("evaluate") / value - 1)).toBeLessThan(1e-12);
    instance.f64("grad").forEach((g, i) => {
      expect(Math.abs(g - gradient[i])).toBeLessThan(1e-10 * Math.abs(gradient[i]) + 1e-10);
    });
    orders.add(instance.f64("data.y").join());
  }
  expect(orders.size).toBe(20);
});

test("each row is seen equally often", () => {
  const instance = instanceOf(5);
  const draws = 12_000;
  const seen = new Map(y.map((v) => [v, 0]));
  for (let t = 0; t < draws; t++) {
    instance.call("noise", t);
    instance.call("evaluate");
    for (const v of instance.f64("data.y").subarray(0, 5)) seen.set(v, (seen.get(v) ?? 0) + 1);
  }
  const p = 5 / N;
  const error = Math.sqrt(draws * p * (1 - p));
  expect(seen.size).toBe(N);
  for (const count of seen.values()) expect(Math.abs(count - draws * p) / error).toBeLessThan(4.5);
});
