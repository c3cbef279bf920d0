/**
 * Recurrences of every order against the interpreter, which runs loops one step after the other:
 * trees, two loops at once, sums over all before, falling positions, states that read each other.
 */
import { describe, expect, it } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/compile.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { logJointOf } from "../../../src/passes/interpret/log-joint.js";
import { compileDensity } from "../../../src/run/compile.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { dataSet, modelOf, wholeArrays } from "./models.js";

const y = [0.3, 0.5, -0.2, 0.9, 1.4, 0.7, 0.2, -0.5];
const parent = [0, 0, 0, 1, 1, 2, 3, 5];

const cases: readonly {
  readonly name: string;
  readonly text: string;
  readonly data: Parameters<typeof dataSet>[0];
}[] = [
  {
    name: "a tree",
    text: `model m(N: int, parent: int[N]) {
  s ~ HalfNormal(1)
  let x[0] = 0.5 * s
  for i in 1..N { let x[i] = 0.8 * x[parent[i]] + s * i / N }
  for i in 0..N { y[i] ~ Normal(x[i], 1) }
}`,
    data: { y, parent },
  },
  {
    name: "a tree of vectors, read element by element",
    text: `model m(N: int, parent: int[N]) {
  s ~ HalfNormal(1)
  let x[0] = [s, 1.0]
  for i in 1..N { let x[i] = [x[parent[i], 1] + 0.1 * i, s * sum(x[parent[i]])] }
  for i in 0..N { y[i] ~ Normal(x[i, i % 2], 1) }
}`,
    data: { y, parent },
  },
  {
    name: "two parents",
    text: `model m(N: int, a: int[N], b: int[N]) {
  for k in 0..2 { g[k] ~ Normal(0, 1) }
  for k in 0..2 { let x[k] = g[k] }
  for i in 2..N { let x[i] = 0.6 * x[a[i]] + 0.5 * x[b[i]] - x[a[i]] * x[b[i]] / 4 }
  for i in 0..N { y[i] ~ Normal(x[i], 1) }
}`,
    data: { y, a: [0, 0, 0, 1, 2, 3, 1, 0], b: [0, 0, 1, 0, 1, 2, 5, 6] },
  },
  {
    name: "two loops at once",
    text: `model m(T: int, J: int) {
  a ~ Normal(0, 1)
  for t in 0..T { let F[t, 0] = a + t }
  for j in 1..J { let F[0, j] = a * j }
  for t in 1..T, j in 1..J { let F[t, j] = 0.4 * F[t - 1, j] + 0.5 * F[t, j - 1] * a }
  for t in 0..T { y[t] ~ Normal(F[t, J - 1], 1) }
}`,
    data: { y, J: 3 },
  },
  {
    name: "two loops at once, three neighbours and a maximum as of alignments",
    text: `model m(N: int, M: int, u: int[N], v: int[M], z: real) {
  gap ~ HalfNormal(1)
  hit ~ HalfNormal(1)
  for i in 0..N + 1 { let F[i, 0] = -gap * i }
  for j in 1..M + 1 { let F[0, j] = -gap * j }
  for i in 1..N + 1, j in 1..M + 1 {
    let same = F[i - 1, j - 1] + (if u[i - 1] == v[j - 1] then hit else -hit)
    let F[i, j] = logsumexp([same, F[i - 1, j] - gap, F[i, j - 1] - gap])
  }
  observe z ~ Normal(F[N, M], 1)
}`,
    data: { u: [1, 2, 3, 1], v: [2, 3, 1], z: 1 },
  },
  {
    name: "all before, in a sum whose range grows",
    text: `model m(T: int, w: real[T]) {
  R ~ HalfNormal(2)
  let I[0] = R
  for t in 1..T { let I[t] = R * sum(for s in 0..t: I[s] * w[t - s - 1]) }
  for t in 0..T { y[t] ~ Normal(I[t], 1) }
}`,
    data: { y, w: [0.2, 0.3, 0.2, 0.1, 0.1, 0.05, 0.05, 0] },
  },
  {
    name: "a moving average of q errors",
    text: `model m(T: int, Q: int, y: real[T]) {
  for k in 0..Q { th[k] ~ Normal(0, 0.5) }
  for t in 0..T { let e[t] = y[t] - sum(for k in 0..min(t, Q): th[k] * e[t - 1 - k]) }
  for t in 0..T { factor Normal(0, 1).log_prob(e[t]) }
}`,
    data: { y, Q: 3 },
  },
  {
    name: "the first element at every step",
    text: `model m(T: int) {
  a ~ Normal(0, 1)
  let b[0] = a
  for t in 1..T { let b[t] = 0.5 * b[t - 1] + b[0] * b[0] }
  for t in 0..T { y[t] ~ Normal(b[t], 1) }
}`,
    data: { y },
  },
  {
    name: "falling positions",
    text: `model m(T: int) {
  a ~ Normal(0, 1)
  let b[T - 1] = a
  for k in 1..T { let b[T - 1 - k] = 0.5 * b[T - k] + a }
  for t in 0..T { y[t] ~ Normal(b[t], 1) }
}`,
    data: { y },
  },
  {
    name: "falling positions, two back",
    text: `model m(T: int) {
  a ~ Normal(0, 1)
  let b[T - 1] = a
  let b[T - 2] = a * a
  for k in 2..T { let b[T - 1 - k] = 0.5 * b[T - k] - 0.2 * b[T + 1 - k] }
  for t in 0..T { y[t] ~ Normal(b[t], 1) }
}`,
    data: { y },
  },
  {
    name: "epidemics in discrete time, begun with whole numbers",
    text: `model m(T: int, N: real) {
  beta ~ HalfNormal(1)
  gamma ~ HalfNormal(1)
  let S[0] = N - 1; let I[0] = 1; let R[0] = 0
  for t in 1..T {
    let infected = beta * S[t - 1] * I[t - 1] / N
    let cured = gamma * I[t - 1]
    let S[t] = S[t - 1] - infected
    let I[t] = I[t - 1] + infected - cured
    let R[t] = R[t - 1] + cured
  }
  for t in 0..T { y[t] ~ Normal(I[t] + 0.1 * R[t], 1) }
}`,
    data: { y, N: 100 },
  },
  {
    name: "a filter by hand, begun with whole numbers",
    text: `model m(T: int, y: real[T]) {
  q ~ HalfNormal(1); r ~ HalfNormal(1)
  let a[0] = 0; let P[0] = 10
  for t in 0..T {
    let v[t] = y[t] - a[t]
    let F[t] = P[t] + r
    let K = P[t] / F[t]
    let a[t + 1] = a[t] + K * v[t]
    let P[t + 1] = P[t] * (1 - K) + q
    factor Normal(0, sqrt(F[t])).log_prob(v[t])
  }
}`,
    data: { y },
  },
  {
    name: "learning of choices: the chosen value is read and moved",
    text: `model m(T: int, K: int, choice: category(K)[T], reward: real[T]) {
  alpha ~ Uniform(0, 1)
  beta ~ HalfNormal(2)
  for k in 0..K { let Q[0, k] = 0 }
  for t in 1..T {
    let surprise = reward[t - 1] - Q[t - 1, choice[t - 1]]
    for k in 0..K {
      let Q[t, k] = Q[t - 1, k] + (if k == choice[t - 1] then alpha * surprise else 0)
    }
  }
  for t in 0..T { observe choice[t] ~ Categorical(softmax(beta * Q[t])) }
}`,
    data: { K: 3, choice: [0, 1, 1, 2, 0, 1, 0, 2], reward: [1, 0, 1, 0.5, 1, 0, 0, 1] },
  },
  {
    name: "branches of data, states that lag differently",
    text: `model m(T: int, wet: int[T]) {
  p ~ Uniform(0, 1)
  let a[0] = p; let a[1] = 1 - p; let b[0] = p * p; let b[1] = 1
  for t in 2..T {
    if wet[t] == 1 { let a[t] = 0.5 * a[t - 1] + b[t - 2] } else { let a[t] = a[t - 2] * p }
    let b[t] = 0.3 * b[idiv(t, 2)] - 0.1 * a[t]
  }
  for t in 0..T { y[t] ~ Normal(a[t] + b[t], 1) }
}`,
    data: { y, wet: [0, 0, 1, 0, 0, 1, 1, 0] },
  },
  {
    name: "reads that a condition of data leaves out, with a singularity there",
    text: `model m(T: int) {
  p ~ Uniform(0, 1)
  for t in 0..T { let a[t] = if t < 3 then p * (t + 1) else 1 / a[t - 3] + log(a[idiv(t, 2)]) }
  for t in 0..T { y[t] ~ Normal(a[t], 1) }
}`,
    data: { y },
  },
];

describe("recurrences and the interpreter agree", () => {
  for (const { name, text, data } of cases) {
    it(name, () => {
      const conditioned = condition(modelOf(text), dataSet(data));
      const { joint, kernels } = compileDensity(conditioned, { methodName: "test", verify: true });
      const [slope] = gradient(joint.g, joint.logDensity, [joint.q]);
      const program = compileKernels(kernels);
      const instance = instantiate(program, createMemory(program, 1), 0);
      for (let k = 0; k < 3; k++) {
        const rng = stream(1, 0, 0, k);
        const q = Float64Array.from({ length: joint.dimension }, () => 0.7 * rng.normal());
        const [logJoint, constrained] = evaluate([joint.logJoint, joint.constrained], { q });
        const values = wholeArrays(joint.latents, constrained, conditioned.observed);
        const expected = logJointOf(conditioned, values);
        expect(Number.isFinite(expected)).toBe(true);
        // Both sum a few dozen terms of ordinary size in double precision.
        expect(Math.abs(logJoint[0] - expected)).toBeLessThan(1e-10 * (1 + Math.abs(expected)));
        const [density, analytic] = evaluate([joint.logDensity, slope], { q });
        instance.f64("q").set(q);
        const compiled = instance.fn("lp_grad")();
        expect(Math.abs(compiled - density[0])).toBeLessThan(1e-10 * (1 + Math.abs(compiled)));
        analytic.forEach((d, i) => {
          expect(Math.abs(instance.f64("grad")[i] - d)).toBeLessThan(1e-9 * (1 + Math.abs(d)));
        });
        const at = (i: number, by: number): number => {
          const moved = q.slice();
          moved[i] += by;
          return evaluate([joint.logDensity], { q: moved })[0][0];
        };
        q.forEach((_, i) => {
          const h = 1e-5;
          const numeric = (at(i, h) - at(i, -h)) / (2 * h);
          // Truncation of order h² times third derivatives of size up to a few thousand.
          expect(Math.abs(analytic[i] - numeric)).toBeLessThan(1e-5 * (1 + Math.abs(numeric)));
        });
      }
    });
  }
});
