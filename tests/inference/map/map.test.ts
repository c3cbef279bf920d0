import { describe, expect, it } from "vitest";
import { findMode } from "../../../src/inference/map/mode.js";
import {
  add,
  call,
  f64,
  get,
  giveBack,
  i32,
  load,
  mul,
  neg,
  set,
  store,
  sub,
} from "../../../src/kernel/build.js";
import type { Buffer, KernelModule } from "../../../src/kernel/ir.js";
import { bananaModel, gaussianModel } from "../nuts/models.js";
import { single } from "../nuts/setup.js";

const options = { starts: 3, maxIterations: 2000 };

/** sigma = exp(q) ~ Gamma(shape, rate): density q·(shape - 1) - rate·exp(q), Jacobian + q. */
function gammaModel(shape: number, rate: number): KernelModule {
  const buffers = ["q", "grad", "constrained"].map(
    (name): Buffer => ({ name, element: "f64", length: 1, region: "workspace" }),
  );
  const q = load("q", i32(0));
  const rated = { name: "rated", type: "f64" } as const;
  const density = (name: string, power: number) => ({
    name,
    params: [],
    result: "f64" as const,
    body: [
      set(rated, mul(f64(rate), call("exp", [q]))),
      store("grad", i32(0), sub(f64(power), get(rated))),
      giveBack(add(mul(f64(power), q), neg(get(rated)))),
    ],
    exported: true,
  });
  return {
    buffers,
    functions: [
      density("lp_grad", shape),
      density("lp_grad_nojac", shape - 1),
      {
        name: "constrain",
        params: [],
        body: [store("constrained", i32(0), call("exp", [q]))],
        exported: true,
      },
    ],
  };
}

describe("MAP", () => {
  it("finds the mode of the constrained parameter: (shape - 1) / rate of a gamma", () => {
    const found = findMode(single(gammaModel(4, 2)), { ...options, jacobian: false }, 1);
    if (found.kind !== "found") throw new Error("no mode");
    expect(found.constrained[0]).toBeCloseTo(1.5, 6);
    expect(found.best.lp).toBeCloseTo(3 * Math.log(1.5) - 3, 10);
    expect(found.searches.every((s) => s.converged)).toBe(true);
  });

  it("with the Jacobian: shape / rate", () => {
    const found = findMode(single(gammaModel(4, 2)), { ...options, jacobian: true }, 1);
    if (found.kind !== "found") throw new Error("no mode");
    expect(found.constrained[0]).toBeCloseTo(2, 6);
  });

  it("does not call a runaway a mode", () => {
    // Shape 1, no Jacobian: -rate·exp(q) rises forever as q falls; its limit is the bound 0.
    const found = findMode(single(gammaModel(1, 2)), { ...options, jacobian: false }, 1);
    if (found.kind !== "found") throw new Error("no mode");
    expect(found.constrained[0]).toBeLessThan(1e-5);
  });

  it("finds the mean of a correlated normal, whatever the seed", () => {
    const mean = Float64Array.of(3, -70, 1e3);
    const precision = Float64Array.of(2, 0.9, 0, 0.9, 1, -0.3, 0, -0.3, 0.5);
    const instance = single(gaussianModel(mean, precision));
    for (const seed of [1, 2, 3]) {
      const found = findMode(instance, { ...options, jacobian: true }, seed);
      if (found.kind !== "found") throw new Error("no mode");
      expect(found.best.converged).toBe(true);
      for (let i = 0; i < 3; i++) expect(found.best.q[i]).toBeCloseTo(mean[i], 4);
    }
  });

  it("follows a curved valley", () => {
    const found = findMode(single(bananaModel()), { ...options, jacobian: true }, 4);
    if (found.kind !== "found") throw new Error("no mode");
    expect(found.best.q[0]).toBeCloseTo(0, 4);
    expect(found.best.q[1]).toBeCloseTo(-3, 4);
  });

  it("says where no start is finite", () => {
    const nowhere = gaussianModel(Float64Array.of(Number.NaN, 0), Float64Array.of(1, 0, 0, 1));
    const found = findMode(single(nowhere), { ...options, jacobian: true }, 1);
    if (found.kind !== "failed") throw new Error("a mode of nothing");
    expect(found.tries).toBe(100);
    expect(found.badGradient).toEqual([0, 1]);
  });
});
