/** Sizes that only observed sites tell. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../src/base/diagnostic.js";
import { condition } from "../../src/passes/condition/index.js";
import { dataSet, modelOf } from "../inference/logjoint/models.js";

const coin = modelOf(`model coin(N: int) {
  p ~ Beta(1, 1)
  for i in 0..N { heads[i] ~ Bernoulli(p) }
}`);
const two = modelOf(`model two(N: int, M: int = 3) {
  m ~ Normal(0, 1)
  for i in 0..N { x[i] ~ Normal(m, 1);  y[i] ~ Normal(m, 2) }
  for i in 0..N, j in 0..M { z[i, j] ~ Normal(m, 1) }
}`);

const codes = (act: () => unknown): string[] => {
  try {
    act();
  } catch (error) {
    if (error instanceof TildeError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
};

describe("sizes from observed sites", () => {
  test("an int input that is the length of an observed site may be left out", () => {
    const { sizes, inputs } = condition(coin, dataSet({ heads: [1, 0, 1] }));
    expect(sizes.get("N")).toBe(3);
    expect(inputs.get("N")?.data[0]).toBe(3);
    expect(condition(coin, dataSet({ heads: [] })).sizes.get("N")).toBe(0);
  });

  test("without the site it is missing; given, it must agree", () => {
    expect(codes(() => condition(coin, dataSet({})))).toEqual(["data_missing_input"]);
    expect(codes(() => condition(coin, dataSet({ N: 2, heads: [1, 0, 1] })))).toEqual([
      "data_wrong_size",
    ]);
  });

  test("sites that disagree are told of, and what is observed goes before a default", () => {
    expect(codes(() => condition(two, dataSet({ x: [1, 2], y: [1, 2, 3] })))).toEqual([
      "data_wrong_size",
    ]);
    const z = [
      [1, 2],
      [3, 4],
    ];
    expect(condition(two, dataSet({ z })).sizes.get("M")).toBe(2);
    expect(condition(two, dataSet({ x: [1, 2] })).sizes.get("M")).toBe(3);
  });

  test("a list where a table is wanted is told as such", () => {
    expect(codes(() => condition(two, dataSet({ N: 2, z: [1, 2] })))).toEqual(["data_wrong_rank"]);
  });
});

describe("bounds that the data tell", () => {
  const held = modelOf(`model held(N: int, most: int) {
    p ~ Beta(1, 1)
    top ~ Uniform(5, 9)
    for i in 0..N { k[i] ~ Binomial(most, p);  u[i] ~ Uniform(0, 4);  v[i] ~ Uniform(0, top) }
  }`);

  test("are checked", () => {
    expect(codes(() => condition(held, dataSet({ most: 3, k: [1, 3, 0] })))).toEqual([]);
    expect(codes(() => condition(held, dataSet({ most: 3, k: [1, 4, 0] })))).toEqual([
      "data_outside_support",
    ]);
    expect(codes(() => condition(held, dataSet({ most: 3, u: [1, 4.5] })))).toEqual([
      "data_outside_support",
    ]);
  });

  test("those that inference finds are not", () => {
    expect(codes(() => condition(held, dataSet({ most: 3, v: [100] })))).toEqual([]);
  });
});

describe("sizes at the ends", () => {
  const table = modelOf(`model table(N: int, K: int, x: real[N, K], c: real[N, N]) {
    for n in 0..N, k in 0..K { y[n, k] ~ Normal(x[n, k] + c[n, n], 1) }
  }`);

  test("an empty list stands for a table without rows", () => {
    const made = condition(table, dataSet({ N: 0, K: 3, x: [], c: [], y: [] }));
    expect(made.inputs.get("x")?.dims).toEqual([0, 3]);
    expect(made.observed.get("y")?.dims).toEqual([0, 3]);
    expect(condition(table, dataSet({ K: 2, x: [], c: [] })).inputs.get("c")?.dims).toEqual([0, 0]);
  });

  test("a size that no array can have is refused", () => {
    expect(codes(() => condition(table, dataSet({ N: 1e300, K: 3, x: [], c: [] })))).toContain(
      "data_size_large",
    );
  });
});
