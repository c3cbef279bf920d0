/** The discrete VAE, run small: each estimator learns, and the picture has a curve of each. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile, infer, svi } from "../../src/index.js";
import { exampleData } from "./data.js";

const estimators = [
  "reinforce(baseline: nvil)",
  "reinforce(baseline: muprop)",
  "rebar",
  "gumbel(0.5)",
  "straight_through(0.5)",
];

test("every estimator raises the bound", { timeout: 60_000 }, async () => {
  const path = new URL("../../examples/discrete_vae/model.ppl", import.meta.url);
  const program = compile(readFileSync(path, "utf8"), { path: "model.ppl" });
  const x = (exampleData("vae").x as number[][]).slice(0, 100);
  const data = { N: 100, D: 64, d: 6, H: 16, x };
  for (const z of estimators) {
    const steps = { steps: 400, lr: 0.01, schedule: "constant", draws: 1 } as const;
    const learned = await infer(program, { data, method: svi({ ...steps, estimators: { z } }) });
    // The bound of hard bits at what was learned: a step that goes nowhere, and fresh draws.
    const still = { steps: 1, lr: 1e-12, schedule: "constant", draws: 200 } as const;
    const init = learned.params;
    const method = svi({ ...still, init, estimators: { z: "reinforce" } });
    const { elbo } = (await infer(program, { data, method })).fit.figures;
    // Independent pixels have -2404 at their best: codes that say nothing end there.
    expect((elbo as unknown as { final: number }).final, z).toBeGreaterThan(-2380);
  }
});
