/** Starting points where energies can be told apart in floating point. */
import { expect, test } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/compile.js";
import { findStart } from "../../../src/inference/hamiltonian/start.js";
import { withNuts } from "../../../src/inference/nuts/assemble.js";
import { f64, giveBack, i32, load, mul, store } from "../../../src/kernel/build.js";
import type { KernelModule } from "../../../src/kernel/ir.js";

const workspace = (name: string) =>
  ({ name, element: "f64", length: 1, region: "workspace" }) as const;

/** lp = −scale · q⁴, so that log densities are as low as `scale` makes them. */
function quartic(scale: number): KernelModule {
  const q = load("q", i32(0));
  const cube = mul(q, mul(q, q));
  return {
    buffers: [workspace("q"), workspace("grad"), workspace("constrained")],
    functions: [
      {
        name: "lp_grad",
        params: [],
        result: "f64",
        body: [
          store("grad", i32(0), mul(f64(-4 * scale), cube)),
          giveBack(mul(f64(-scale), mul(q, cube))),
        ],
        exported: true,
      },
      { name: "constrain", params: [], body: [store("constrained", i32(0), q)], exported: true },
    ],
  };
}

function start(scale: number): { q: number; lp: number; failed: boolean } {
  const program = compileKernels(withNuts(quartic(scale), "diag", 10));
  const instance = instantiate(program, createMemory(program, 1), 0);
  const failure = findStart(instance, { seed: 5, chain: 0 }, 2);
  return {
    q: instance.f64("q")[0],
    lp: instance.f64("mc_lp")[0],
    failed: failure !== undefined,
  };
}

test("an ordinary density keeps its first random point", () => {
  const { q, lp, failed } = start(1);
  expect(failed).toBe(false);
  expect(lp).toBeCloseTo(-(q ** 4), 12);
  expect(Math.abs(q)).toBeLessThan(2);
});

test("random points below −1e10 are passed over for a resolvable one", () => {
  // P(q⁴ · 1e12 < 1e10) = P(|q| < 0.316) = 0.158 a try: a hundred tries find one.
  const { lp, failed } = start(1e12);
  expect(failed).toBe(false);
  expect(lp).toBeGreaterThan(-1e10);
});

test("where no random point is resolvable the best one is moved uphill", () => {
  const { q, lp, failed } = start(1e60);
  expect(failed).toBe(false);
  expect(lp).toBeGreaterThan(-1e10);
  expect(Math.abs(q)).toBeLessThan(10 ** ((10 - 60) / 4));
});
