/** The prior is stationary under every kind of block; see geweke.ts. */
import { describe, it } from "vitest";
import { models, testStationary } from "./geweke.js";

describe("the prior is stationary", () => {
  for (const model of models) {
    it(model.name, () => {
      testStationary(model, 6000);
    });
  }
});
