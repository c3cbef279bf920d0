/**
 * `ode` against SciPy's DOP853 at tolerances of 1e-13 (`scripts/reference/ode.py`): the steps'
 * error falls as their fourth power, and the error told by a path of twice as many is the true one.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { check, compile, infer, map, nuts, prior } from "../../src/index.js";

interface Solution {
  readonly ts: readonly number[];
  readonly z: readonly (readonly number[])[];
}
const reference = JSON.parse(
  readFileSync(new URL("reference/ode.json", import.meta.url), "utf8"),
) as Readonly<Record<"prey" | "van_der_pol" | "forced", Solution>>;

const functions = `
fn prey(t: real, z: real[2], theta: real[4]) -> real[2] =
  [(theta[0] - theta[1] * z[1]) * z[0], (-theta[2] + theta[3] * z[0]) * z[1]]
fn van_der_pol(t: real, z: real[2], mu: real) -> real[2] = [z[1], mu * (1 - z[0]^2) * z[1] - z[0]]
fn forced(t: real, z: real[2], damping: real, w: real) -> real[2] =
  [z[1], -damping * z[1] - 2 * z[0] + cos(w * t)]
`;
const problems = {
  prey: "ode(prey, [34, 5.9], 0, ts, [0.55, 0.028, 0.8, 0.024]",
  van_der_pol: "ode(van_der_pol, [2, 0], 0, ts, 1.5",
  forced: "ode(forced, [1, 0], -1, ts, 0.3, 1.7",
} as const;

/** The solution at the times and what is told of its error, flat. */
async function solve(
  name: keyof typeof problems,
  steps: number,
): Promise<{ z: Float64Array; error: Float64Array }> {
  const text = `${functions}
model m(ts: real[N]) {
  u ~ Normal(0, 1)
  let z = ${problems[name]}, steps: ${steps})
  y ~ Normal(sum(z) + u, 1)
}`;
  const data = { ts: reference[name].ts };
  const posterior = await infer(compile(text), { data, method: map(), seed: 1 });
  return { z: posterior.draws("z").data, error: posterior.draws("z error").data };
}

describe("solutions", () => {
  test.each(Object.keys(problems) as (keyof typeof problems)[])("%s", async (name) => {
    const exact = reference[name].z.flat();
    const scale = Math.max(...exact.map(Math.abs));
    const off = async (steps: number) => {
      const { z, error } = await solve(name, steps);
      const gaps = exact.map((x, k) => z[k] - x);
      return { largest: Math.max(...gaps.map(Math.abs)), gaps, error };
    };
    const [coarse, fine] = [await off(20), await off(40)];
    expect(coarse.largest / fine.largest).toBeGreaterThan(12);
    expect(coarse.largest / fine.largest).toBeLessThan(20);
    expect(fine.largest).toBeLessThan(1e-4 * scale);
    // What is told is the error but for terms of the fifth order.
    fine.gaps.forEach((gap, k) => {
      expect(Math.abs(fine.error[k] - gap)).toBeLessThan(0.2 * fine.largest);
    });
  });
});

describe("what runs report of them", () => {
  const decay = (steps: string) => `
fn decay(t: real, z: real, k: real) -> real = -k * z
model m(ts: real[N]) {
  k ~ LogNormal(0, 1)
  let z = ode(decay, 1, 0, ts, k${steps})
  y ~ Normal(z, 0.01)
}`;
  // exp(-2 t), rounded: k is known to about 2 %.
  const data = { ts: [0.5, 1, 2], y: [0.37, 0.135, 0.018] };
  const run = (steps: string) =>
    infer(compile(decay(steps)), { data, method: nuts({ chains: 2, draws: 300 }), seed: 3 });

  test("steps that are too coarse for the posterior are warned of", async () => {
    const posterior = await run(", steps: 1");
    const found = posterior.warnings.filter((w) => w.code === "ode_error");
    expect(found).toHaveLength(1);
    expect(found[0].message).toContain("`z[");
  });

  test("solutions that run off are said to be not finite, of the worst element", async () => {
    // z' = z² from 1 has no solution beyond 1; at 0.1 it is 1 / 0.9.
    const text = `
fn blow(t: real, z: real) -> real = square(z)
model m(ts: real[N]) {
  k ~ Normal(0, 1)
  let z = ode(blow, 1 + 0 * k, 0, ts, steps: 12)
}`;
    const method = nuts({ chains: 1, warmup: 50, draws: 50 });
    const posterior = await infer(compile(text), { data: { ts: [4, 4.1] }, method, seed: 1 });
    const [found] = posterior.warnings.filter((w) => w.code === "ode_error");
    expect(found.message).toContain("not finite");
  });

  test("a wrong `ode` is one error, and the number of steps may be an input", () => {
    const text = (value: string) => `fn f(t: real, z: real) -> real = -z
model m(ts: real[N], M: int) { a ~ Normal(0, 1); let z = ${value}; y ~ Normal(z, 1) }`;
    expect(check(text("ode(f, a, 0)")).map((d) => d.code)).toEqual(["ode_usage"]);
    expect(check(text("ode(f, a, 0, ts, steps: M)"))).toEqual([]);
  });

  test("enough steps are not; the posterior is that of the closed form", async () => {
    const posterior = await run("");
    expect(posterior.warnings.map((w) => w.code)).not.toContain("ode_error");
    expect(posterior.summary().rows.map((r) => r.name)).toEqual(["k", "z[0]", "z[1]", "z[2]"]);
    const k = posterior.draws("k").data;
    const z = posterior.draws("z").data;
    k.forEach((rate, row) => {
      data.ts.forEach((t, n) => {
        expect(Math.abs(z[3 * row + n] - Math.exp(-rate * t))).toBeLessThan(1e-4);
      });
    });
  });

  test("draws of the prior hold what the text defines and nothing else", async () => {
    const posterior = await infer(compile(decay("")), {
      data: { ts: [1] },
      method: prior({ draws: 5 }),
      seed: 1,
    });
    expect(posterior.summary().rows.map((r) => r.name)).toEqual(["k", "z[0]", "y[0]"]);
  });
});

describe("errors", () => {
  const codes = (value: string, more = "") =>
    check(`fn f(t: real, z: real) -> real = -z
${more}
model m(ts: real[N]) {
  a ~ Normal(0, 1)
  let z = ${value}
  y ~ Normal(a, 1)
}`).map((d) => d.code);

  test.each([
    ["ode(f, a, 0)", "ode_usage"],
    ["ode(f, a, 0, ts, step: 3)", "ode_usage"],
    ["ode((t, z) => -z, a, 0, ts)", "ode_function"],
    ["ode(f, a, 0, ts, steps: 0)", "ode_steps"],
    ["ode(f, a, 0, ts, steps: 2.5)", "ode_steps"],
    ["sum(ode(f, a, 0, ts))", "ode_place"],
    ["ode(f, [a, a], 0, ts)", "fn_argument_type"],
    ["ode(g, a, 0, ts)", "unknown_function"],
  ])("%s", (value, code) => {
    expect(codes(value)).toContain(code);
  });

  test("a function of the text called ode is that", () => {
    expect(codes("ode(a)", "fn ode(x) = 2 * x")).toEqual([]);
  });
});
