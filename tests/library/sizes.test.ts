/** `size(x)` as a size: of arrays that hold draws, and of matrices. */
import { expect, test } from "vitest";
import { compile, infer, prior } from "../../src/index.js";

test("sizes of draws are no random quantities", async () => {
  const program = compile(`model m(N: int) {
  z ~ iid(Normal(0, 1), N, 3)
  let first = z[0, 0..size(z, 1) - 1]
  let count = size(z)
  let all = reshape(z, size(z))
  y ~ Normal(sum(first) + count + sum(all[0..size(z, 0)]), 1)
}`);
  const fit = await infer(program, { data: { N: 4 }, method: prior({ draws: 2 }), seed: 1 });
  expect(fit.draws("first").shape).toEqual([1, 2, 2]);
  expect(fit.draws("all").shape).toEqual([1, 2, 12]);
});

test("a matrix has as many elements as rows times columns, in loops too", async () => {
  const program = compile(`model m(X: real[N, K]) {
  for i in 0..size(X) { y[i] ~ Normal(0, 1) }
  for i in 0..size(X, 0) { z[i] ~ Normal(0, 1) }
}`);
  const data = {
    X: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  };
  const fit = await infer(program, { data, method: prior({ draws: 1 }), seed: 1 });
  expect(fit.draws("y").shape).toEqual([1, 1, 6]);
  expect(fit.draws("z").shape).toEqual([1, 1, 2]);
});
