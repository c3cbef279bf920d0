/** `grad(f)(x)`: against the interpreter's differences, closed forms, and itself differentiated. */
import { describe, expect, test } from "vitest";
import { elaborate } from "../../../src/elaborate/index.js";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { verifyModel } from "../../../src/model/verify.js";
import { condition } from "../../../src/passes/condition/index.js";
import { logJointOf } from "../../../src/passes/interpret/log-joint.js";
import { loadImport } from "../../../src/run/sources.js";
import { parseSource } from "../../../src/syntax/parse.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { dataSet, modelOf, wholeArrays } from "../logjoint/models.js";

const phi = `fn phi(u: real[D], W: real[D, D]) -> real = -0.5 * dot(u, W @ u) + sum(sin(u)) * u[0]\n`;
const data = {
  N: 3,
  D: 2,
  W: [
    [2, 0.3],
    [0.3, 1],
  ],
};
const cases = [
  {
    name: "a gradient at each element of a loop",
    text: `${phi}model m(N: int, D: int, W: real[D, D]) {
      s ~ Normal(0, 1)
      for i in 0..N {
        x[i] ~ iid(Normal(0, 1), D)
        let g[i] = grad(u => phi(u, W) * s)(x[i])
      }
      factor sum(for i in 0..N: g[i, 0] * (i + 1) + g[i, 1] ^ 2)
    }`,
  },
  {
    name: "one point of which each element takes another gradient",
    text: `${phi}model m(N: int, D: int, W: real[D, D]) {
      s ~ Normal(0, 1)
      x ~ iid(Normal(0, 1), D)
      let c = [for i in 0..N: grad(u => u ^ 3 * (i + 1) + s * u)(s)]
      for i in 0..N { let g[i] = grad(u => phi(u, W) * i)(x) }
      factor sum(for i in 0..N: c[i] * (i + 1)) + sum(for i in 0..N: g[i, 0] * i)
    }`,
  },
  {
    name: "a gradient of a gradient",
    text: `${phi}model m(N: int, D: int, W: real[D, D]) {
      s ~ Normal(0, 1)
      x ~ iid(Normal(0, 1), D)
      let along = grad(t => dot(grad(u => phi(u, W))(t * x), x))(s)
      factor along + grad(exp)(s)
    }`,
  },
];

describe("in a model", () => {
  for (const { name, text } of cases) {
    test(name, () => {
      const model = modelOf(text);
      verifyModel(model);
      const conditioned = condition(model, dataSet(data));
      const joint = buildLogJoint(conditioned, "test");
      for (let k = 0; k < 3; k++) {
        const rng = stream(1, 0, 0, k);
        const q = Float64Array.from({ length: joint.dimension }, () => 0.7 * rng.normal());
        const [logJoint, constrained] = evaluate([joint.logJoint, joint.constrained], { q });
        const values = wholeArrays(joint.latents, constrained, conditioned.observed);
        const expected = logJointOf(conditioned, values);
        // Extrapolated differences have about nine digits, differences of differences seven.
        expect(Math.abs(logJoint[0] - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)));
      }
    });
  }
});

describe("mistakes", () => {
  const codes = (body: string): string[] => {
    const parsed = parseSource({
      path: "t.ppl",
      text: `model m(n: int) { s ~ Normal(0, 1)\n${body} }`,
    });
    const made = elaborate(parsed.ast, { loadImport });
    return [...parsed.diagnostics, ...made.diagnostics].map((d) => d.code);
  };
  test.each([
    ["let a = grad(u => u * u)", ["grad_usage"]],
    ["let a = grad(3)(s)", ["grad_function"]],
    ["let a = grad(u => [u, u])(s)", ["grad_value"]],
    ["let a = grad(u => 1.0)(s > 0)", ["grad_point"]],
    ["let a = grad(u => u * t)(s)", ["unknown_name"]],
  ])("%s", (body, expected) => {
    expect(codes(body)).toEqual(expected);
  });
});
