/** Names of imported files: what is wrong with them, said once and where it is. */
import { expect, test } from "vitest";
import { check } from "../../src/index.js";

const told = (value: string): string[] =>
  check(`import nn
model m(x: real[2]) { let f = ${value}; y ~ Normal(f(x)[0], 1) }`).map(
    (d) => `${d.code}: ${d.message}; ${d.help}`,
  );

test("functions that an import has not", () => {
  expect(told("nn.mlp([2, 4, 1], nn.tanh)")).toEqual([
    "unknown_function: there is no function `nn.tanh`; write `tanh`",
  ]);
  expect(told("nn.mpl([2, 4, 1], tanh)")).toEqual([
    "unknown_function: there is no function `nn.mpl`; did you mean `mlp`?",
  ]);
  expect(told("nn.mlp([2, 4, 1], nn.rleu)")).toEqual([
    "unknown_function: there is no function `nn.rleu`; did you mean `relu`?",
  ]);
});

test("functions of an import are no numbers", () => {
  const found = check("import nn\nmodel m() { y ~ Normal(nn.relu, 1) }");
  expect(found.map((d) => d.code)).toEqual(["function_as_value"]);
  expect(found[0].message).toContain("`nn.relu`");
});
