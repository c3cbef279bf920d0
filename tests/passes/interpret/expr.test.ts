import { describe, expect, it } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { binaryRules, unaryRules } from "../../../src/inference/logjoint/builtins.js";
import { buildReadout } from "../../../src/inference/logjoint/index.js";
import {
  type BinaryBuiltin,
  type BuiltinName,
  binaryBuiltins,
  reductionBuiltins,
  structuralBuiltins,
  type UnaryBuiltin,
  unaryBuiltins,
} from "../../../src/model/builtins.js";
import type { Expr } from "../../../src/model/ir.js";
import { walkExpr } from "../../../src/model/traverse.js";
import { condition, hostScope } from "../../../src/passes/condition/index.js";
import { evaluateExpr } from "../../../src/passes/interpret/expr.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluate, evaluateNode } from "../../../src/tensor/evaluate.js";
import { dataSet, dataValue, modelOf } from "../../inference/logjoint/models.js";

const span = { source: { path: "<test>", text: "" }, start: 0, end: 0 };
const real = { scalar: "real", dims: [] } as const;
const constant = (value: number): Expr => ({ kind: "const", value, span, type: real });
const call = (fn: BuiltinName, args: readonly number[]): Expr => ({
  kind: "call",
  fn,
  args: args.map(constant),
  span,
  type: real,
});
const numberOf = (e: Expr): number => evaluateExpr(e, () => undefined).data[0];

/** Relative to 1 for the small; the two sides use different formulas for some functions. */
function near(got: number, want: number): void {
  if (!Number.isFinite(want)) expect(got).toBe(want);
  else expect(Math.abs(got - want)).toBeLessThan(1e-12 * (1 + Math.abs(want)));
}

/** Where the function is defined; the lowered log gammas say nothing elsewhere. */
function isInDomain(fn: BinaryBuiltin, x: number, y: number): boolean {
  if (fn === "lbeta") return x > 0 && y > 0;
  if (fn === "lchoose") return y >= 0 && y <= x;
  return true;
}

describe("elementwise builtins against their lowering", () => {
  const points = [-7.5, -2, -1, -0.5, -0.01, 0, 0.01, 0.3, 0.5, 0.99, 1, 2.5, 7];
  it.each(unaryBuiltins.map((fn) => [fn]))("%s", (fn: UnaryBuiltin) => {
    let finite = 0;
    for (const x of points) {
      const g = new GraphBuilder();
      const want = evaluateNode(unaryRules[fn](g, g.constant(x)))[0];
      if (Number.isFinite(want)) finite++;
      near(numberOf(call(fn, [x])), want);
    }
    expect(finite).toBeGreaterThan(1);
  });
  it.each(binaryBuiltins.map((fn) => [fn]))("%s", (fn: BinaryBuiltin) => {
    let finite = 0;
    for (const x of points) {
      for (const y of points) {
        const g = new GraphBuilder();
        const want = evaluateNode(binaryRules[fn](g, g.constant(x), g.constant(y)))[0];
        if (!Number.isFinite(want) || !isInDomain(fn, x, y)) continue;
        finite++;
        near(numberOf(call(fn, [x, y])), want);
      }
    }
    expect(finite).toBeGreaterThan(10);
  });
});

/** Expressions of the inputs below with their values worked out by hand. */
const expressions: readonly (readonly [string, number | readonly unknown[]])[] = [
  ["1 + 2 * 3", 7],
  ["x[0] - x[n - 1]", -2],
  ["7 % 3 + idiv(7, 2)", 4],
  ["-7 % 3", 2],
  ["2^3^2", 512],
  ["round(2.5) + round(-2.5)", 0],
  ["if n > 2 then x[2] else x[7]", 3],
  ["x[1..]", [2, 3]],
  ["x[..2]", [1, 2]],
  ["x[1..1]", []],
  ["x[g]", [3, 1, 3, 2]],
  ["A[1]", [4, 5, 6]],
  ["A[1, 2]", 6],
  ["A[0..2, 1]", [2, 5]],
  [
    "A[g2, 0..2]",
    [
      [4, 5],
      [1, 2],
    ],
  ],
  [
    "A[g2, g]",
    [
      [6, 4, 6, 5],
      [3, 1, 3, 2],
    ],
  ],
  ["A[1][2]", 6],
  ["[for i in 0..3: i * i]", [0, 1, 4]],
  [
    "[for i in 0..2, j in 1..3: 10 * i + j]",
    [
      [1, 2],
      [11, 12],
    ],
  ],
  [
    "[for i in 0..2: A[i]]",
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ],
  ["sum(for i in 0..3, j in 0..i: x[i] * x[j])", 11],
  ["prod(for i in 0..0: x[i])", 1],
  ["max(for i in 0..3: -x[i])", -1],
  ["min(for i in 0..3: x[i]) + mean(for i in 0..3: x[i])", 3],
  ["any(for i in 0..3: x[i] > 2.5)", 1],
  ["all(for i in 0..3: x[i] > 2.5)", 0],
  ["logsumexp(for i in 0..3: log(x[i]))", Math.log(6)],
  [
    "[[1, 2], [3, 4]]",
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ["A @ x", [14, 32]],
  ["x @ transpose(A)", [14, 32]],
  [
    "A @ transpose(A)",
    [
      [14, 32],
      [32, 77],
    ],
  ],
  ["x @ x", 14],
  ["dot(x, 2 * x)", 28],
  [
    "outer(x[..2], x)",
    [
      [1, 2, 3],
      [2, 4, 6],
    ],
  ],
  ["zeros(2) + ones(2)", [1, 1]],
  ["fill(7, 1, 2)", [[7, 7]]],
  [
    "eye(2)",
    [
      [1, 0],
      [0, 1],
    ],
  ],
  ["range(2, 5)", [2, 3, 4]],
  ["diag(S)", [4, 10]],
  [
    "diag_matrix(x[..2])",
    [
      [1, 0],
      [0, 2],
    ],
  ],
  ["trace(S)", 14],
  [
    "cholesky(S)",
    [
      [2, 0],
      [1, 3],
    ],
  ],
  [
    "inverse(S)",
    [
      [10 / 36, -2 / 36],
      [-2 / 36, 4 / 36],
    ],
  ],
  ["solve(S, [6.0, 12.0])", [1, 1]],
  [
    "solve(S, S)",
    [
      [1, 0],
      [0, 1],
    ],
  ],
  ["log_det(S)", Math.log(36)],
  ["cumsum(x)", [1, 3, 6]],
  ["cumprod(x)", [1, 2, 6]],
  ["softmax(log(x))", [1 / 6, 2 / 6, 3 / 6]],
  ["log_softmax(log(x))", [Math.log(1 / 6), Math.log(2 / 6), Math.log(3 / 6)]],
  ["concat(x, x[..1], [9.0])", [1, 2, 3, 1, 9]],
  [
    "concat(A, A[..1])",
    [
      [1, 2, 3],
      [4, 5, 6],
      [1, 2, 3],
    ],
  ],
  [
    "reverse(A)",
    [
      [4, 5, 6],
      [1, 2, 3],
    ],
  ],
  ["size(A) + 10 * size(A, 0) + 100 * size(A, 1)", 326],
  [
    "reshape(A, n, 2)",
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ],
  ["row_sums(A)", [6, 15]],
  ["col_sums(A)", [5, 7, 9]],
  ["sum(A) + prod(x) + max(A) + min(x)", 34],
  ["mean(A) + variance(x) + sd(x)", 5.5],
  ["logsumexp(log(x))", Math.log(6)],
  ["all(x > 0) && any(x > 2)", 1],
  ["x * 2 - x", [1, 2, 3]],
  ["if n > 2 then x else 2 * x", [1, 2, 3]],
  ["Normal(0, 1).log_prob(0)", -0.5 * Math.log(2 * Math.PI)],
  ["Normal(x, 1).log_prob(x)", -1.5 * Math.log(2 * Math.PI)],
  ["Exponential(2).cdf(1)", 1 - Math.exp(-2)],
  ["Gamma(3, 2).mean + MvNormal(x, eye(n)).mean[1]", 3.5],
];
const inputs = {
  n: 3,
  x: [1, 2, 3],
  A: [
    [1, 2, 3],
    [4, 5, 6],
  ],
  S: [
    [4, 2],
    [2, 10],
  ],
  g: [2, 0, 2, 1],
  g2: [1, 0],
};
const header = "n: int, x: real[n], A: real[2, n], S: real[2, 2], g: int[4], g2: int[2]";

function letOf(text: string): { e: Expr; conditioned: ReturnType<typeof condition> } {
  const model = modelOf(`model m(${header}) { let r = ${text}; z ~ Normal(0, 1) }`);
  const [stmt] = model.body;
  if (stmt.kind !== "let") throw new Error("no let");
  return { e: stmt.value, conditioned: condition(model, dataSet(inputs)) };
}

describe("expressions", () => {
  it.each(expressions)("%s", (text, want) => {
    const { e, conditioned } = letOf(text);
    const scope = hostScope(conditioned.inputs, conditioned.sizes, conditioned.model);
    const got = evaluateExpr(e, scope);
    const expected = dataValue(want as number);
    expect(got.dims).toEqual(expected.dims);
    got.data.forEach((x, i) => {
      near(x, expected.data[i]);
    });
    // The lowering says the same.
    const { outputs, values } = buildReadout(conditioned, ["r"]);
    const [lowered] = evaluate([outputs[0].node], { [values.name]: [0] });
    expect(outputs[0].dims).toEqual(expected.dims);
    lowered.forEach((x, i) => {
      near(x, expected.data[i]);
    });
  });

  it("covers every builtin that sees whole arrays", () => {
    const met = new Set<string>();
    for (const [text] of expressions) {
      walkExpr(letOf(text).e, (x) => {
        if (x.kind === "call") met.add(x.fn);
      });
    }
    const wanted = [...structuralBuiltins, ...reductionBuiltins];
    expect(wanted.filter((fn) => !met.has(fn))).toEqual([]);
  });
});

describe("errors and laziness", () => {
  const run = (text: string) => {
    const { e, conditioned } = letOf(text);
    const scope = hostScope(conditioned.inputs, conditioned.sizes, conditioned.model);
    try {
      return evaluateExpr(e, scope).data[0];
    } catch (error) {
      if (error instanceof TildeError) return error.diagnostics[0];
      throw error;
    }
  };
  it("reports an index out of range with its loop variables", () => {
    expect(run("sum(for i in 0..4: x[g[i] + 1])")).toMatchObject({
      code: "index_out_of_range",
      message: expect.stringContaining("index 3 is out of range for axis 0 of `x`"),
    });
    expect(run("sum(for i in 0..4: x[g[i] + 1])")).toMatchObject({
      message: expect.stringContaining("(at i = 0)"),
    });
    expect(run("sum(x[g + 1])")).toMatchObject({ code: "index_out_of_range" });
  });
  it("reports a range out of range", () => {
    expect(run("sum(x[g[0]..g[0] + 2])")).toMatchObject({ code: "range_out_of_range" });
    expect(run("sum(x[g[0]..g[1]])")).toMatchObject({ code: "range_out_of_range" });
  });
  it("evaluates only the branch that is taken", () => {
    expect(run("sum(for i in 0..4: if g[i] > 0 then x[g[i] - 1] else 0)")).toBe(5);
    expect(run("if g[0] > 5 && x[g[0] + 4] > 0 then 1 else 2")).toBe(2);
    expect(run("if g[0] < 5 || x[g[0] + 4] > 0 then 1 else 2")).toBe(1);
  });
  it("evaluates a local of a function only where it is read", () => {
    const model = modelOf(`fn f(v: real[3], i: int) -> real {
      let at = v[i - 1]
      return if i > 0 then at else 0
    }
    model m(x: real[3], g: int[4]) {
      let r = sum(for i in 0..4: f(x, g[i]))
      z ~ Normal(0, 1)
    }`);
    const [stmt] = model.body;
    const data = dataSet({ x: [1, 2, 3], g: [0, 3, 0, 1] });
    if (stmt.kind !== "let") throw new Error("no let");
    expect(evaluateExpr(stmt.value, (name) => data.get(name)).data[0]).toBe(4);
  });
});
