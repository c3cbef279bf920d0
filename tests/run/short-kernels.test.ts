/** Every stage of every method makes sound kernels of recurrences of one, two and three steps. */
import { test } from "vitest";
import { TildeError } from "../../src/index.js";
import { planCavi } from "../../src/inference/cavi/index.js";
import { planEm } from "../../src/inference/em/index.js";
import { planGibbs } from "../../src/inference/gibbs/plan.js";
import { withHmc } from "../../src/inference/hmc/assemble.js";
import { withNuts } from "../../src/inference/nuts/assemble.js";
import type { KernelModule } from "../../src/kernel/ir.js";
import { verifyModule } from "../../src/kernel/verify.js";
import { condition } from "../../src/passes/condition/index.js";
import { compileDensity } from "../../src/run/compile.js";
import { makeInstance } from "../../src/run/gibbs-chain.js";
import { dataSet, modelOf } from "../inference/logjoint/models.js";
import { models } from "./short-loops.js";

test.each(Object.entries(models))("%s", (_, text) => {
  for (const T of [1, 2, 3]) {
    const c = condition(modelOf(text), dataSet({ T, y: [0.3, 1.2, 0.9].slice(0, T) }));
    const check = (name: string, f: () => void) => {
      try {
        f();
      } catch (e) {
        if (!(e instanceof TildeError)) throw new Error(`${name} T=${T}: ${e}`, { cause: e });
      }
    };
    const make = (m: KernelModule) => {
      verifyModule(m);
      return makeInstance(m);
    };
    check("nuts", () => {
      const { kernels } = compileDensity(c, { methodName: "nuts", verify: true });
      verifyModule(withNuts(kernels, "diag", 10));
      verifyModule(withHmc(kernels, "dense"));
    });
    check("gibbs", () => verifyModule(planGibbs(c, make).kernels));
    check("cavi", () => void planCavi(c, make));
    check("em", () => void planEm(c, make));
  }
});
