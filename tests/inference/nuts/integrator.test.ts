import { describe, expect, it } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/compile.js";
import { hamiltonianKernels } from "../../../src/inference/hamiltonian/index.js";
import { leapfrog } from "../../../src/inference/hamiltonian/integrator.js";
import {
  f64Buffer,
  hamiltonianShape,
  type MetricKind,
} from "../../../src/inference/hamiltonian/shape.js";
import { real } from "../../../src/inference/hamiltonian/vector.js";
import { ReferenceRandom } from "../../../src/inference/nuts/reference.js";
import { f64, get, giveBack, mul, set } from "../../../src/kernel/build.js";
import type { KernelFunction, KernelModule } from "../../../src/kernel/ir.js";
import { cholesky } from "../../../src/math/linalg/index.js";
import { philoxKey } from "../../../src/math/rng/index.js";
import { bananaModel, normalModel } from "./models.js";

/** A model with `step(epsilon)`, one leapfrog step that gives the energy after it. */
function stepper(model: KernelModule, metric: MetricKind) {
  const shape = hamiltonianShape(model, metric);
  const shared = hamiltonianKernels(shape);
  const [epsilon, half] = [real("epsilon"), real("half")];
  const values = { lp: real("lp"), energy: real("energy") };
  const step: KernelFunction = {
    name: "step",
    params: [epsilon],
    result: "f64",
    body: [
      set(half, mul(f64(0.5), get(epsilon))),
      ...leapfrog(shape, epsilon, half, values),
      giveBack(get(values.energy)),
    ],
    exported: true,
  };
  const momentum = shared.functions.map((fn) =>
    fn.name === "mc_momentum" ? { ...fn, exported: true } : fn,
  );
  const program = compileKernels({
    buffers: [...model.buffers, ...shared.buffers, f64Buffer("unused", 1)],
    functions: [...model.functions, ...momentum, step],
  });
  return instantiate(program, createMemory(program, 1), 0);
}

const INVERSE = { diag: [0.7, 1.9], dense: [1.2, 0.5, 0.5, 0.8] } as const;

describe("leapfrog", () => {
  for (const metric of ["diag", "dense"] as const) {
    const start = () => {
      const x = stepper(bananaModel(), metric);
      x.f64("mc_inverse").set(INVERSE[metric]);
      x.f64("q").set([3, -2]);
      x.f64("p").set([0.4, -1.1]);
      x.call("lp_grad");
      return x;
    };

    it(`is reversible (${metric})`, () => {
      const x = start();
      for (let i = 0; i < 50; i++) x.call("step", 0.05);
      expect(Math.abs(x.f64("q")[0] - 3)).toBeGreaterThan(0.1);
      for (let i = 0; i < 50; i++) x.call("step", -0.05);
      // Rounding of 100 steps.
      for (const [name, values] of [
        ["q", [3, -2]],
        ["p", [0.4, -1.1]],
      ] as const) {
        for (const i of [0, 1]) expect(x.f64(name)[i]).toBeCloseTo(values[i], 11);
      }
    });

    it(`conserves energy to second order (${metric})`, () => {
      // Largest error along one path of length 1: a quarter when the step is halved.
      const errors = [0.02, 0.01, 0.005].map((epsilon) => {
        const x = start();
        const before = x.call("step", 0);
        let worst = 0;
        for (let t = 0; t < Math.round(1 / epsilon); t++) {
          worst = Math.max(worst, Math.abs(x.call("step", epsilon) - before));
        }
        return worst;
      });
      expect(errors[0]).toBeGreaterThan(0);
      for (const k of [0, 1]) {
        expect(errors[k] / errors[k + 1]).toBeGreaterThan(3.8);
        expect(errors[k] / errors[k + 1]).toBeLessThan(4.2);
      }
    });
  }

  it("follows the closed orbit of a normal", () => {
    // Leapfrog on ½q² + ½p² conserves ½p² + ½q²(1 - ε²/4) exactly.
    const x = stepper(normalModel(1), "diag");
    x.f64("mc_inverse").set([1]);
    x.f64("q")[0] = 1.3;
    x.f64("p")[0] = -0.4;
    x.call("lp_grad");
    const epsilon = 0.9;
    const modified = () =>
      0.5 * x.f64("p")[0] ** 2 + 0.5 * x.f64("q")[0] ** 2 * (1 - epsilon ** 2 / 4);
    const before = modified();
    for (let i = 0; i < 1000; i++) x.call("step", epsilon);
    expect(modified()).toBeCloseTo(before, 11);
  });
});

describe("momentum draws", () => {
  it("are the ziggurat normals of the twin", () => {
    const d = 501;
    const x = stepper(normalModel(d), "diag");
    x.i32("mc_key").set([5, 6, 2]);
    x.f64("mc_factor").fill(1);
    const key = philoxKey((6n << 32n) + 5n);
    for (let iteration = 0; iteration < 10; iteration++) {
      x.call("mc_momentum", iteration);
      const random = new ReferenceRandom(key, 2, iteration);
      const p = x.f64("p");
      let worst = 0;
      for (let i = 0; i < d; i++) worst = Math.max(worst, Math.abs(p[i] - random.normal(i)));
      expect(worst).toBeLessThan(1e-14);
    }
  });

  it("are standard normal", () => {
    const d = 1000;
    const x = stepper(normalModel(d), "diag");
    x.f64("mc_factor").fill(1);
    const n = 400;
    const powers = [0, 0, 0, 0];
    // Bins of equal probability 1/20 by the normal quantiles; the outer ones hold the tail's draws.
    const edges = [
      -1.6448536269514729, -1.2815515655446004, -1.0364333894937898, -0.8416212335729143,
      -0.6744897501960817, -0.5244005127080407, -0.3853204664075676, -0.2533471031357997,
      -0.12566134685507416, 0, 0.12566134685507416, 0.2533471031357997, 0.3853204664075676,
      0.5244005127080407, 0.6744897501960817, 0.8416212335729143, 1.0364333894937898,
      1.2815515655446004, 1.6448536269514729,
    ];
    const bins = new Float64Array(20);
    let beyond = 0;
    for (let iteration = 0; iteration < n; iteration++) {
      x.call("mc_momentum", iteration);
      for (const z of x.f64("p")) {
        for (let k = 0; k < 4; k++) powers[k] += z ** (k + 1) / (n * d);
        let bin = 0;
        while (bin < 19 && z > edges[bin]) bin++;
        bins[bin] += 1;
        if (Math.abs(z) > 3.6541528853610088) beyond += 1;
      }
    }
    const total = n * d;
    // Five standard errors of the moments: Var z^k = 1, 2, 15, 96.
    for (const [k, [mean, variance]] of [
      [0, 1],
      [1, 2],
      [0, 15],
      [3, 96],
    ].entries()) {
      expect(Math.abs(powers[k] - mean)).toBeLessThan(5 * Math.sqrt(variance / total));
    }
    const chiSquare = bins.reduce((sum, b) => sum + (b - total / 20) ** 2 / (total / 20), 0);
    expect(chiSquare).toBeLessThan(50); // 19 degrees of freedom: P = 1.3e-4
    // P(|z| > 3.654...) = 2.5804e-4, so 103.2 expected; five standard errors.
    expect(Math.abs(beyond - 103.2)).toBeLessThan(5 * Math.sqrt(103.2));
  });

  it("have the inverse of a dense inverse metric as covariance", () => {
    const x = stepper(normalModel(2), "dense");
    const inverse = Float64Array.from(INVERSE.dense);
    x.f64("mc_factor").set(cholesky(inverse, 2)!);
    const n = 40_000;
    const moments = [0, 0, 0];
    for (let iteration = 0; iteration < n; iteration++) {
      x.call("mc_momentum", iteration);
      const [a, b] = x.f64("p");
      for (const [k, v] of [a * a, a * b, b * b].entries()) moments[k] += v / n;
    }
    const det = 1.2 * 0.8 - 0.25;
    // Entries of order 1; a standard error of √(2/n) = 0.007 relative.
    expect(moments[0]).toBeCloseTo(0.8 / det, 1);
    expect(moments[1]).toBeCloseTo(-0.5 / det, 1);
    expect(moments[2]).toBeCloseTo(1.2 / det, 1);
  });
});
