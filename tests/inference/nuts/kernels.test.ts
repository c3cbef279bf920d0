import { describe, expect, it } from "vitest";
import { withHmc } from "../../../src/inference/hmc/assemble.js";
import { withNuts } from "../../../src/inference/nuts/assemble.js";
import { interpretKernels } from "../../../src/kernel/interpret.js";
import type { KernelModule } from "../../../src/kernel/ir.js";
import { verifyModule } from "../../../src/kernel/verify.js";
import { eightSchoolsModel, normalModel } from "./models.js";
import { single } from "./setup.js";

describe("the samplers' kernels", () => {
  const modules: readonly (readonly [string, KernelModule])[] = (
    ["diag", "dense"] as const
  ).flatMap((metric) => [
    [`nuts, ${metric}`, withNuts(eightSchoolsModel(), metric, 6)] as const,
    [`hmc, ${metric}`, withHmc(eightSchoolsModel(), metric)] as const,
    [`nuts, ${metric}, odd dimension`, withNuts(normalModel(3), metric, 10)] as const,
  ]);
  for (const [name, module] of modules) {
    it(`pass the verifier, and give the interpreter's draws: ${name}`, () => {
      verifyModule(module);
      const compiled = single(module);
      const interpreted = interpretKernels(module);
      const method = name.slice(0, name.indexOf(","));
      const d = compiled.f64("q").length;
      const dense = name.includes("dense");
      for (const x of [compiled, interpreted]) {
        x.i32("mc_key").set([9, 0, 1]);
        if (method === "nuts") x.i32("nuts_depth")[0] = 6;
        else x.f64("hmc_path").set([1.5, 0.3, 100]);
        x.f64("mc_epsilon")[0] = 0.4;
        for (const buffer of ["mc_inverse", "mc_factor"]) {
          for (let i = 0; i < d; i++) x.f64(buffer)[dense ? i * d + i : i] = 1;
        }
        x.f64("q").fill(0.3);
        x.call("mc_refresh");
        x.call(`${method}_block`, 5, 4, 2);
      }
      // Sums run in another order in two lanes.
      for (const buffer of ["block_draws", "block_stats"]) {
        const [a, b] = [compiled.f64(buffer), interpreted.f64(buffer)];
        for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i], 9);
      }
      expect(compiled.f64("block_stats")[4]).toBeGreaterThan(0);
    });
  }
});
