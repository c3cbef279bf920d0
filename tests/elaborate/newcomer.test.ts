/** What people write who come from other systems: taken where its meaning is plain, else explained. */
import { describe, expect, test } from "vitest";
import { check, compile, infer, nuts, prior } from "../../src/index.js";

describe("reductions of slices whose size varies", () => {
  const data = {
    N: 3,
    x: [
      [1, 2, 4],
      [3, 5, 7],
      [2, 8, 1],
    ],
  };
  const value = async (e: string) => {
    const text = `model m(N: int, x: real[N, N]) {
  u ~ Normal(0, 1)
  for i in 0..N { let s[i] = ${e} + 0 * u }
}`;
    const fit = await infer(compile(text), { data, method: prior({ draws: 1 }), seed: 1 });
    return [...fit.draws("s").data];
  };
  test.each([
    ["sum(x[i, ..i + 1])", [1, 8, 11]],
    ["mean(x[i, ..i + 1])", [1, 4, 11 / 3]],
    ["max(x[i, i..])", [4, 7, 1]],
    ["prod(x[i..N, 0])", [6, 6, 2]],
    ["sum(x[0, 0..i + 1])", [1, 3, 7]],
  ])("%s", async (e, expected) => {
    (await value(e)).forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i], 12);
    });
  });

  test("of a latent array, under NUTS", async () => {
    const text = `model m(N: int) {
  for i in 0..N { d[i] ~ Gamma(2, 2);  y[i] ~ Normal(sum(d[..i + 1]), 0.1) }
}`;
    const options = { data: { y: [1, 2, 3] }, method: nuts({ chains: 2 }), seed: 1 };
    const rows = (await infer(compile(text), options)).summary().rows;
    expect(rows.reduce((s, r) => s + r.mean, 0)).toBeCloseTo(3, 1);
  });
});

test.each([
  [
    "rows by group",
    `model m(G: int, start: int[G], len: int[G]) {
  for g in 0..G {
    theta[g] ~ Normal(0, 1)
    for i in start[g]..start[g] + len[g] { y[i] ~ Normal(theta[g], 1) }
  }
}`,
    "target_misses_loop",
  ],
])("%s is refused with what to write instead", (_, text, code) => {
  const [found] = check(text);
  expect(found.code).toBe(code);
  expect(found.help).toMatch(/`/);
});

test("rows by group are observed where they are inputs", async () => {
  const text = `model m(G: int, N: int, start: int[G], len: int[G], y: real[N]) {
  for g in 0..G {
    theta[g] ~ Normal(0, 10)
    for i in start[g]..start[g] + len[g] { y[i] ~ Normal(theta[g], 0.01) }
  }
}`;
  const data = { start: [0, 2], len: [2, 1], y: [1, 3, 7] };
  const fit = await infer(compile(text), { data, method: nuts({ chains: 2 }), seed: 1 });
  const [a, b] = fit.summary().rows;
  expect(a.mean).toBeCloseTo(2, 2);
  expect(b.mean).toBeCloseTo(7, 2);
});

test("recurrences along one loop over rows of two are taken", () => {
  const text = `model m(T: int, J: int, c: real[T, J]) {
  a ~ Normal(0, 1)
  for j in 0..J { let F[0, j] = a }
  for t in 1..T, j in 0..J { let F[t, j] = F[t - 1, J - 1 - j] + c[t - 1, j] }
  for t in 0..T { let G[t, 0] = a }
  for t in 0..T, j in 1..J { let G[t, j] = G[t, j - 1] * c[t, j] }
}`;
  expect(check(text)).toEqual([]);
});

test("an input that the model draws is told of where draws are asked for", async () => {
  const text = `model m(T: int, y: real[T]) {
  phi ~ Uniform(-1, 1)
  for t in 1..T { y[t] ~ Normal(phi * y[t - 1], 1) }
}`;
  const data = { y: [0.1, 0.5, 0.2] };
  const drawn = await infer(compile(text), { data, method: prior({ draws: 2 }), seed: 1 });
  expect(drawn.warnings.map((d) => d.code)).toContain("simulation_given");
  const fit = await infer(compile(text), { data, method: nuts({ chains: 2 }), seed: 1 });
  await expect((async () => fit.ppc())()).rejects.toThrow(/take `y` out of the model's inputs/);
});

test("a type is believed of definitions inside loops too", () => {
  const text = (type: string) => `model m(K: int, n: count[K]) {
  p ~ Uniform(0, 1)
  for i in 0..K {
    let rest = [for j in 0..K: if j < i then 0 else p ^ (j + 1)]
    let share${type} = concat(rest, [1 - sum(rest)])
    let rate${type === "" ? "" : ": positive"} = log(1 + p)  - 0.5 * p
    x[i] ~ Multinomial(n[i], share)
    y[i] ~ Poisson(rate)
  }
}`;
  expect(check(text(": simplex[K + 1]"))).toEqual([]);
  expect(check(text("")).map((d) => d.code)).toEqual([
    "parameter_may_leave",
    "parameter_may_leave",
  ]);
});
