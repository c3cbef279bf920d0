/**
 * Objectives that read values of draws: the gradients of every estimator against sums over all values,
 * and the noise that costs of single elements take away.
 */
import { expect, test } from "vitest";
import { TildeError } from "../../../src/index.js";
import { array, build, type Setup } from "./driver.js";
import { meanGradient } from "./variance.js";

const y = [0.2, 1.4, -0.5];
const at = [0.4, -0.2, 0.6] as const;

/** Bits z and, where they are wanted, bits x below them, each of its own z. */
const setup = (using: string, value: string, layers = 1): Setup => ({
  text: `model m(N: int, y: real[N]) {
  for i in 0..N {
    z[i] ~ Bernoulli(0.3)
    ${layers === 2 ? "x[i] ~ Bernoulli(logits: 1.5 * z[i] - 0.5)" : ""}
    observe y[i] ~ Normal(0.7 * z[i], 1)
  }
}
guide q(N: int, y: real[N]) for m {
  param a: real = 0.4
  param b: real = -0.2
  param c: real = 0.6
  for i in 0..N {
    z[i] ~ Bernoulli(logits: a * y[i] + b) ${using}
    ${layers === 2 ? `x[i] ~ Bernoulli(logits: c * z[i] - 0.3) ${using}` : ""}
  }
}
objective read(p, q) {
  draw ~ q
  let z: int[n] = draw.z
  ${layers === 2 ? "let x: int[n] = draw.x" : ""}
  let d: real[n] = data.y
  return log_joint(p, draw) - log_prob(q, draw) + ${value}
}`,
  objective: "read",
  programs: { p: "m", q: "q" },
  data: { y: array([3], y) },
});

type Value = (z: readonly number[], x: readonly number[]) => number;
const bernoulli = (x: number, logit: number): number =>
  -Math.log1p(Math.exp(x === 1 ? -logit : logit));

/** E_q[log p − log q + value] by the sum over all bits, its gradient by central differences. */
function exact(value: Value, layers = 1): number[] {
  const mean = ([a, b, c]: readonly number[]): number => {
    let total = 0;
    for (let n = 0; n < 2 ** (3 * layers); n++) {
      const bit = (k: number): number => (n >> k) & 1;
      const z = [0, 1, 2].map(bit);
      const x = layers === 1 ? [] : [3, 4, 5].map(bit);
      let [lp, lq] = [0, 0];
      y.forEach((v, i) => {
        lp += Math.log(z[i] === 1 ? 0.3 : 0.7);
        lp += -0.5 * (v - 0.7 * z[i]) ** 2 - 0.5 * Math.log(2 * Math.PI);
        lq += bernoulli(z[i], a * v + b);
        if (layers === 1) return;
        lp += bernoulli(x[i], 1.5 * z[i] - 0.5);
        lq += bernoulli(x[i], c * z[i] - 0.3);
      });
      total += Math.exp(lq) * (lp - lq + value(z, x));
    }
    return total;
  };
  return at.map((_, i) => {
    const moved = (h: number): readonly number[] => at.map((v, k) => (k === i ? v + h : v));
    return (mean(moved(1e-5)) - mean(moved(-1e-5))) / 2e-5;
  });
}

const sum = (list: readonly number[]): number => list.reduce((s, v) => s + v, 0);

const values: readonly (readonly [string, string, Value])[] = [
  [
    "element by element",
    "sum(for i in 0..n: 2 * sin(z[i] + d[i])) - 0.5 * sum(square(z * d))",
    (z) => sum(z.map((v, i) => 2 * Math.sin(v + y[i]) - 0.5 * (v * y[i]) ** 2)),
  ],
  ["all together", "1.3 * square(sum(z) - 1) + z[0]", (z) => 1.3 * (sum(z) - 1) ** 2 + z[0]],
];
const unbiased = [
  "using reinforce",
  "using reinforce(baseline: constant)",
  "using reinforce(baseline: moving_average)",
  "using reinforce(baseline: nvil)",
  "using reinforce(baseline: muprop)",
  "using rebar",
  "using mvd",
  "using enumerate",
  "",
];

function agree(setup: Setup, gradient: readonly number[], what: string): void {
  const { mean, error } = meanGradient(setup, 3000);
  mean.forEach((m, i) => {
    // 27 combinations of three components at fixed seeds; exact ones have rounding alone.
    expect(Math.abs(m - gradient[i]), what).toBeLessThan(4.5 * error[i] + 1e-8);
  });
}

for (const [name, text, value] of values) {
  test(`unbiased: ${name}`, () => {
    const gradient = exact(value);
    for (const using of unbiased) agree(setup(using, text), gradient, using);
  });
}

test("unbiased: values of bits that others are drawn from, and of those", () => {
  const text = "sum(for i in 0..n: (1 + z[i]) * exp(0.8 * x[i] * d[i])) + 0.4 * x[1] * z[2]";
  const value: Value = (z, x) =>
    sum(z.map((v, i) => (1 + v) * Math.exp(0.8 * x[i] * y[i]))) + 0.4 * x[1] * z[2];
  const gradient = exact(value, 2);
  const own = "sum(for i in 0..n: (1 + z[i]) * exp(0.8 * x[i] * d[i]))";
  const ownGradient = exact((z, x) => value(z, x) - 0.4 * x[1] * z[2], 2);
  for (const using of unbiased) {
    agree(setup(using, text, 2), gradient, using);
    agree(setup(using, own, 2), ownGradient, using);
  }
});

test("a draw in a loop: each copy answers for its own values", () => {
  const looped = (using: string): Setup => {
    const plain = setup(using, "0");
    const from = plain.text.indexOf("objective read");
    return {
      ...plain,
      text: `${plain.text.slice(0, from)}objective read(p, q) {
  for k in 0..2 {
    draw[k] ~ q
    let z: int[n] = draw[k].z
    let w[k] = log_joint(p, draw[k]) - log_prob(q, draw[k]) + sum(for i in 0..n: sin(1 + z[i]))
  }
  return mean(w)
}`,
    };
  };
  const gradient = exact((z) => sum(z.map((v) => Math.sin(1 + v))));
  for (const using of unbiased) agree(looped(using), gradient, using);
});

test("bits that are enumerated element by element have no noise", () => {
  const [, text, value] = values[0];
  const { mean, error } = meanGradient(setup("", text), 4);
  const gradient = exact(value);
  mean.forEach((m, i) => {
    expect(error[i]).toBeLessThan(1e-7);
    expect(Math.abs(m - gradient[i])).toBeLessThan(1e-8);
  });
});

test("costs of single elements take noise away", () => {
  const variance = (s: Setup): number => meanGradient(s, 2000).error.reduce((t, e) => t + e * e, 0);
  const own = setup("using reinforce", values[0][1]);
  // The same in a form that is not seen to be a sum.
  const hidden = { ...own, text: own.text.replace("return ", "return log(exp(") };
  const closed = { ...hidden, text: hidden.text.replace(/\n\}$/, "))\n}") };
  expect(variance(own)).toBeLessThan(0.6 * variance(closed));
});

test("a relaxed bit is no condition", () => {
  const wrong = setup(
    "using rebar",
    "sum(for i in 0..n: if z[i] == 1 && z[0] == 1 then 2 else d[i])",
  );
  expect(() => build(wrong)).not.toThrow();
  const bool = {
    ...wrong,
    text: wrong.text
      .replace("let z: int[n]", "let z: bool[n]")
      .replace("z[i] == 1 && z[0] == 1", "z[i] && z[0]"),
  };
  let code = "none";
  try {
    build(bool);
  } catch (e) {
    code = e instanceof TildeError ? e.diagnostics[0].code : String(e);
  }
  expect(code).toBe("relaxed_reading");
});
