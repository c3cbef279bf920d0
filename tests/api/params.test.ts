/** Params, which have no prior: the methods that search take them, those that sample refuse. */
import { expect, test } from "vitest";
import { compile, hmc, infer, laplace, map, nuts, TildeError } from "../../src/index.js";

const program = compile(`model m(N: int, y: real[N]) {
  param mu: real
  param s: positive
  for n in 0..N { observe y[n] ~ Normal(mu, s) }
}`);
const y = [1, 2, 4, 5, 8];

test("map finds the estimate of largest likelihood", async () => {
  const fit = await infer(program, { data: { y }, method: map() });
  const at = (name: string): number => fit.draws(name).data[0];
  // Mean 4, and the variance with divisor N: (9 + 4 + 0 + 1 + 16) / 5. The search may stop where
  // gᵀH⁻¹g, which is the curvature times the squared error, is below 10⁷ ε |f| (Stan's rule): with
  // |f| = 12 and the smaller curvature 5 / 6 that is an error of 1.8e-4.
  expect(Math.abs(at("mu") - 4)).toBeLessThan(2e-4);
  expect(Math.abs(at("s") - Math.sqrt(6))).toBeLessThan(2e-4);
});

test.each([nuts, hmc, laplace])("%o is refused with the name of the param", async (method) => {
  const error: unknown = await infer(program, { data: { y }, method: method() }).catch((e) => e);
  expect(error).toBeInstanceOf(TildeError);
  const [diagnostic, ...others] = (error as TildeError).diagnostics;
  expect(others).toEqual([]);
  expect(diagnostic.code).toBe("param_needs_prior");
  expect(diagnostic.message).toBe(
    `the param \`mu\` has no prior, and ${method().method} samples from a posterior`,
  );
});
