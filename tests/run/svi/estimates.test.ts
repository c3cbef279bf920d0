/** Guides with auxiliary sites, and guides by resampling, through the API. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { compile, infer, load, type Posterior, svi } from "../../../src/index.js";
import { exampleData } from "../../examples/data.js";

const elboOf = (p: Posterior) =>
  p.fit.figures.elbo as unknown as { readonly final: number; readonly mcse: number };

async function codesOf(work: () => Promise<unknown>): Promise<string[]> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TildeError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}

const path = new URL("../../../examples/noisy_cone/model.ppl", import.meta.url).pathname;

describe("the noisy cone with a guide of angles", async () => {
  const program = await load(path);
  const data = exampleData("noisy_cone");
  const settings = { steps: 8000, draws: 4000, lr: 0.05 };

  test("IWHVI: bound and draws", async () => {
    const method = svi({ ...settings, guide: "marginal(ring, particles: 5)" });
    const fit = await infer(program, { data, method, seed: 1 });
    const { final, mcse } = elboOf(fit);
    // NumPy at scales of 0.05: -8.190 ± 0.003 (scripts/reference/noisy_cone.py).
    expect(Math.abs(final + 8.19)).toBeLessThan(0.02 + 4 * mcse);
    const { rows } = fit.summary();
    const misfit = fit.warnings.find((w) => w.code === "guide_misfit");
    expect(misfit?.message).toContain("the guide marginal(ring) does not");
    // The angle is no site of the model.
    expect(rows.map((r) => r.name)).toEqual(["x", "y", "r"]);
    // All of the ring of radius √5, whose coordinates have sd √2.5.
    for (const name of ["x", "y"]) {
      const row = rows.find((r) => r.name === name);
      expect(Math.abs(row?.mean ?? 9)).toBeLessThan(0.12);
      expect(Math.abs((row?.sd ?? 0) - Math.sqrt(2.5))).toBeLessThan(0.1);
    }
  });

  test("angles by a proposal that learns come close to the evidence, -5.323 by quadrature", async () => {
    const guide = "marginal(ring, keep: [x, y], proposal: angle, particles: 5)";
    const method = svi({ ...settings, steps: 2500, guide, objective: "iwae(5)" });
    const fit = await infer(program, { data, method, seed: 1 });
    const { final } = elboOf(fit);
    expect(final).toBeGreaterThan(-5.5);
    expect(final).toBeLessThan(-5.323 + 0.02);
  });

  test("resampling among draws of a guide has IWAE's bound", async () => {
    const guide = "normalize(cone, proposal: mean_field, particles: 5)";
    const fit = await infer(program, { data, method: svi({ ...settings, guide }), seed: 1 });
    const same = svi({ ...settings, objective: "iwae(5)" });
    const iwae = await infer(program, { data, method: same, seed: 1 });
    expect(Math.abs(elboOf(fit).final - elboOf(iwae).final)).toBeLessThan(0.05);
    expect(fit.summary().rows.map((r) => r.name)).toEqual(["x", "y", "r"]);
  });

  test("texts that name no program are told apart", async () => {
    const refused = (guide: string) =>
      codesOf(() => infer(program, { data, method: svi({ ...settings, guide }), seed: 1 }));
    expect(await refused("ring")).toEqual(["guide_auxiliary"]);
    expect(await refused("marginal(ring)")).toEqual(["estimate_usage"]);
    expect(await refused("marginal(ring, particles: 0)")).toEqual(["estimate_particles"]);
    expect(await refused("marginal(ring, particles: 2.5)")).toEqual(["estimate_particles_type"]);
    expect(await refused("marginal(ring, keep: [], particles: 2)")).toEqual([
      "estimate_keep_empty",
    ]);
    expect(await refused("marginal(ring, keep: [w], particles: 2)")).toEqual([
      "estimate_keep_unknown",
    ]);
    expect(await refused("marginal(rings, particles: 2)")).toEqual(["unknown_guide"]);
    expect(await refused("marginal(ring, proposal: angel, particles: 2)")).toEqual([
      "program_unknown",
    ]);
    expect(await refused("marginal(cone, keep: [x], particles: 2)")).toEqual(["guide_needed"]);
    expect(await refused("marginal(ring, particles: 2")).toHaveLength(1);
    const natural = svi({
      guide: "normalize(cone, proposal: mean_field, particles: 2)",
      optimizer: "natural",
    });
    expect(await codesOf(() => infer(program, { data, method: natural, seed: 1 }))).toEqual([
      "estimate_natural",
    ]);
  });
});

test("a guide of one's own plate, in minibatches, is the posterior that its mixture can be", async () => {
  // z[i] | x[i] is normal; the guide reaches it through a normal auxiliary site of each element.
  const program =
    compile(`model m(N: int) { for i in 0..N { z[i] ~ Normal(0, 1);  x[i] ~ Normal(z[i], 1) } }
guide q(N: int, x: real[N]) for m {
  param a: real = 0.1
  param s: positive = 1
  for i in 0..N { u[i] ~ Normal(0, 0.5);  z[i] ~ Normal(a * x[i] + u[i], s) }
}
guide back(N: int, x: real[N], z: real[N]) for q {
  param b: real = 0
  param c: real = 0
  param t: positive = 1
  for i in 0..N { u[i] ~ Normal(b * z[i] + c * x[i], t) }
}`);
  const x = Array.from({ length: 20 }, (_, i) => Math.sin(7 * i) * 2);
  const guide = "marginal(q, proposal: back, particles: 2)";
  const method = svi({ guide, steps: 12_000, lr: 0.03, batch: { N: 5 }, draws: 500 });
  const fit = await infer(program, { data: { x }, method, seed: 2 });
  const evidence = x.reduce((s, v) => s - 0.5 * Math.log(4 * Math.PI) - (v * v) / 4, 0);
  const { final, mcse } = elboOf(fit);
  // An exact guide and an exact proposal leave the noise of minibatches alone.
  expect(Math.abs(final - evidence)).toBeLessThan(0.1 + 4 * mcse);
  const { q } = fit.params as unknown as { q: { a: number; s: number } };
  // The variance of the posterior, 1/2, is that of u and s² together.
  expect(q.a).toBeCloseTo(0.5, 1);
  expect(q.s ** 2 + 0.25).toBeCloseTo(0.5, 1);
});
