/** Frequencies of partitions against the posterior by enumeration: all algorithms, all models. */
import { describe, it } from "vitest";
import { algorithms, conjugate } from "../enumeration.js";
import { chain, exactPosterior, expectFrequencies, subsetMarginal } from "../partitions.js";

describe("frequencies of partitions", () => {
  for (const [name, model] of Object.entries(conjugate)) {
    const exact = exactPosterior(model.items, 1, subsetMarginal(model));
    for (const [title, options] of Object.entries(algorithms)) {
      it(`${name}: ${title}`, () => {
        const draws = chain(model, { warmup: 200, draws: 20000, thin: 2, ...options }, 5);
        expectFrequencies(draws, exact.partitions, exact.masses);
      });
    }
  }
});
