/** Real data of the examples. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cavi } from "./harness.js";

const example = (name: string) => ({
  text: readFileSync(`examples/${name}/model.ppl`, "utf8"),
  data: JSON.parse(readFileSync(`examples/${name}/data.json`, "utf8")),
});

describe("examples", () => {
  it("Old Faithful: every restart finds the short and the long eruptions", () => {
    const { text, data } = example("gaussian_mixture");
    const fit = cavi(text, data, { tolerance: 1e-9 });
    expect(fit.distinctOptima).toBe(1);
    // 97 of the 272 eruptions last less than 3.1 minutes; pi has one pseudo-count a component.
    const smaller = Math.min(fit.mean("pi", 0), fit.mean("pi", 1));
    expect(Math.abs(smaller - 98 / 274)).toBeLessThan(0.01);
    // Symmetric matrices stay symmetric, and correlations below 1.
    for (const k of [0, 1]) {
      const [a, b, c, d] = [0, 1, 2, 3].map((i) => fit.mean("Sigma", 4 * k + i));
      expect(b).toBeCloseTo(c, 12);
      expect(b * b).toBeLessThan(a * d);
    }
  });
});
