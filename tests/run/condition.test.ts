/** Joining a model with data: sizes, types, supports, defaults and gaps, and what is told of them. */
import { describe, expect, test } from "vitest";
import { compile, TildeError } from "../../src/index.js";
import type { Conditioned } from "../../src/passes/condition/index.js";
import { conditionRaw } from "../../src/run/compile.js";
import { readObject } from "../../src/run/data/values.js";

function join(text: string, data: Record<string, unknown>): Conditioned {
  return conditionRaw(compile(text).model, readObject(data));
}

/** Every message of the error that these data cause. */
function problems(text: string, data: Record<string, unknown>): string[] {
  try {
    join(text, data);
  } catch (error) {
    if (error instanceof TildeError) return error.diagnostics.map((d) => d.message);
    throw error;
  }
  return [];
}

const model = `model m(N: int, x: real[N], w: real[N, D], k: int[N], b: bool[N], s: positive = 2) {
  mu ~ Normal(0, s)
  for i in 0..N { y[i] ~ Normal(mu + x[i], 1) }
  for i in 0..N { c[i] ~ Poisson(exp(mu)) }
  let z = mu * 2
}`;
const good = {
  x: [1, 2],
  w: [
    [1, 2, 3],
    [4, 5, 6],
  ],
  k: [0, 1],
  b: [true, false],
  y: [1, 2],
  c: [0, 3],
};

describe("sizes", () => {
  test("are found from the arrays, declared ones too", () => {
    const { sizes, inputs, observed, warnings } = join(model, good);
    expect([...sizes]).toEqual([
      ["N", 2],
      ["D", 3],
    ]);
    expect(inputs.get("N")?.data[0]).toBe(2);
    expect([...observed.keys()]).toEqual(["y", "c"]);
    expect(warnings).toEqual([]);
  });

  test("may be given, and must then agree", () => {
    expect(problems(model, { ...good, N: 2, D: 3 })).toEqual([]);
    expect(problems(model, { ...good, D: 4 })).toEqual(["the size `D` is 4 by `D` but 3 by `w`"]);
    expect(problems(model, { ...good, N: 3 })).toContain("the size `N` is 3 by `N` but 2 by `x`");
    expect(problems(model, { ...good, x: [1, 2, 3] })).toContain(
      "the size `N` is 3 by `x` but 2 by `w`",
    );
  });

  test("of observed sites are those of the loops that draw them", () => {
    expect(problems(model, { ...good, y: [1, 2, 3] })).toEqual([
      "the data's `y` has 3 entries along axis 0 but the model wants `N` = 2",
    ]);
  });
});

test("a size that an expression alone has is no less one", () => {
  const text = "model m(K: int) { z ~ Categorical(fill(1 / K, K)) }";
  expect(problems(text, { K: -1 })).toEqual(["the size `K` is -1"]);
  expect(problems(text, { K: 2 })).toEqual([]);
});

describe("values", () => {
  const cases: readonly (readonly [change: Record<string, unknown>, says: string])[] = [
    [{ w: [1, 2] }, "the data's `w` is a list but the model wants a list of lists (real[N, D])"],
    [{ N: [2] }, "the data's `N` is a list but the model wants a single number (int)"],
    [{ k: [0.5, 1] }, "k[0] = 0.5 is not a whole number, but `k` holds ints"],
    [{ b: [true, 2] }, "b[1] = 2 is not true or false, but `b` holds bools"],
    [{ s: -1 }, "s = -1 is outside `positive`: it must be above 0"],
    [{ x: [1, null] }, "x[1] is missing, but `x` is an input"],
    [
      { c: [null, 1] },
      "c[0] is missing, and `c` is discrete with values without end, or drawn as a whole array",
    ],
    [{ c: [0, -1] }, "c[1] = -1 is outside `count`: it must be 0, 1, 2, …"],
    [{ z: 1 }, "`z` is a let of the model: only inputs and sites take values from data"],
  ];
  test.each(cases)("%o", (...[change, says]) => {
    expect(problems(model, { ...good, ...change })).toContain(says);
  });

  test("all that is wrong is told at once", () => {
    expect(problems(model, { ...good, k: [0.5, 1], b: [2, 0], s: -1 })).toHaveLength(3);
    expect(problems(model, {})).toHaveLength(5);
  });

  test("of constrained vectors and matrices are judged whole", () => {
    const simplex = "model m(p: simplex[3]) { q ~ Dirichlet(p) }";
    expect(problems(simplex, { p: [0.2, 0.3, 0.4] })).toEqual([
      "p = [0.2, 0.3, 0.4] is outside `simplex`: its entries sum to 0.9, not 1",
    ]);
    expect(problems(simplex, { p: [0.2, 0.3, 0.5], q: [0.1, null, 0.9] })).toEqual([
      "q[1] is missing, but one `simplex` value of `q` cannot be missing in part",
    ]);
    const cov = "model m(S: cov[2]) { x ~ MvNormal([0.0, 0.0], S) }";
    const S = [
      [1, 2],
      [2, 1],
    ];
    expect(problems(cov, { S })).toEqual([
      "S = [1, 2, 2, 1] is outside `cov`: it is not positive definite",
    ]);
  });
});

describe("what the data may leave out", () => {
  test("inputs with a default, which fills an array", () => {
    const text = "model m(n: int = 3, v: real[n] = 0.5) { x ~ Normal(v[0], 1) }";
    expect([...(join(text, {}).inputs.get("v")?.data ?? [])]).toEqual([0.5, 0.5, 0.5]);
    // An array that is given decides its size over the default.
    expect(join(text, { v: [1, 2] }).sizes.get("n")).toBe(2);
  });

  test("elements of a continuous site, which are then latent", () => {
    const { observed, model: conditioned } = join(model, { ...good, y: [1, null] });
    expect([...(observed.get("y")?.missing ?? [])]).toEqual([0, 1]);
    expect(conditioned.variables.find((v) => v.name === "y")?.given).toBe("some");
  });

  test("whole sites; names that nobody knows are warned of, with the nearest", () => {
    const { y, ...rest } = good;
    const { warnings } = join(model, { ...rest, yy: y });
    expect(warnings.map((w) => [w.severity, w.code, w.help])).toEqual([
      ["warning", "data_unused", "did you mean `y`?"],
    ]);
  });

  test("text that the model does not read", () => {
    expect(problems(model, { ...good, names: ["a", "b"] })).toEqual([]);
    expect(problems(model, { ...good, x: ["a", "b"] })).toHaveLength(1);
  });
});
