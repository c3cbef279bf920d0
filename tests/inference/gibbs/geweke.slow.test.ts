/** The same as geweke.test.ts by runs that show deviations four times smaller. */
import { describe, it } from "vitest";
import { models, testStationary } from "./geweke.js";

describe("the prior is stationary, in long runs", () => {
  for (const model of models) {
    it(model.name, () => {
      testStationary(model, 100_000, 21);
    });
  }
});
