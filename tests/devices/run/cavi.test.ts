/** CAVI with its passes over the data on a device: the CPU's sweeps, from the same starts. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { ascend } from "../../../src/run/cavi.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { cavi } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { jobOf } from "./fixtures.js";
import { caviCases, lostAt } from "./mixtures.js";

const historyOf = (fit: FitData): readonly number[] =>
  (fit.figures.elbo as { history: number[] }).history;

describe("CAVI with its passes on a device", () => {
  test.each(caviCases)("%s", async (_, text, data) => {
    const { run } = jobOf(text, data);
    const method = cavi({ restarts: 3, draws: 50 });
    const here = await ascend(run, method);
    const there = await ascend({ ...run, device: openCpuGraphs() }, method);
    expect(there.figures.device).toBe("cpu");
    const [a, b] = [historyOf(here), historyOf(there)];
    expect(Math.abs(a.length - b.length)).toBeLessThan(2);
    for (let k = 0; k < Math.min(a.length, b.length); k++) {
      expect(Math.abs(b[k] - a[k])).toBeLessThan(1e-9 * Math.abs(a[k]));
    }
    for (const [element, figures] of there.exact ?? []) {
      expect(figures.mean).toBeCloseTo(here.exact?.get(element)?.mean ?? Number.NaN, 4);
      expect(figures.sd).toBeCloseTo(here.exact?.get(element)?.sd ?? Number.NaN, 3);
    }
    expect(there.exact?.size).toBe(here.exact?.size);
  });

  test("a step that has no program is named", async () => {
    const [, , data] = caviCases[0];
    const text = `model curved(N: int, K: int, D: int) {
      pi ~ Dirichlet(ones(K))
      for k in 0..K { mu[k] ~ iid(Normal(0, 5), D) }
      for i in 0..N {
        z[i] ~ Categorical(pi)
        x[i] ~ Normal(sinh(mu[z[i]]), 1)
      }
    }`;
    const { run } = jobOf(text, data);
    const refused = await ascend({ ...run, device: openCpuGraphs() }, cavi({})).catch((e) => e);
    expect(refused).toBeInstanceOf(TildeError);
    expect(refused.diagnostics[0].code).toBe("device_step");
    expect(refused.message).toContain("update of `mu`");
  });

  test("a device that is lost leaves the factors before", async () => {
    const [, text, data] = caviCases[1];
    const { run } = jobOf(text, data);
    const cut = await ascend({ ...run, device: lostAt(8) }, cavi({ restarts: 1 }));
    expect(cut.interrupted).toBe(true);
    expect(cut.warnings.map((w) => w.code)).toContain("webgpu_lost");
    expect(historyOf(cut).length).toBeGreaterThan(3);
    // Responsibilities are read on the CPU, which has room.
    expect(cut.exact?.has("z[0]")).toBe(true);
    await expect(ascend({ ...run, device: lostAt(1) }, cavi({}))).rejects.toThrow("lost");
  });
});
