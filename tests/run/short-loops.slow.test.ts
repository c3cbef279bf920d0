/**
 * Recurrences of one, two and three steps: loops of length 0 and 1 keep their place through every
 * stage of every method.
 */
import { describe, expect, test } from "vitest";
import {
  cavi,
  compile,
  em,
  enumerate,
  exact,
  gibbs,
  hmc,
  infer,
  laplace,
  type Method,
  map,
  nuts,
  prior,
  TildeError,
  vi,
} from "../../src/index.js";
import { models } from "./short-loops.js";

const short = { draws: 10, chains: 1, warmup: 10 };
const methods: Readonly<Record<string, Method>> = {
  nuts: nuts(short),
  "nuts dense": nuts({ ...short, metric: "dense" }),
  hmc: hmc(short),
  gibbs: gibbs(short),
  cavi: cavi(),
  em: em(),
  map: map(),
  laplace: laplace(),
  "vi full": vi({ guide: "full_rank", steps: 100 }),
  vi: vi({ steps: 100 }),
  exact: exact(),
  enumerate: enumerate(),
  prior: prior({ draws: 3 }),
};

describe.each(Object.entries(models))("%s", (_, text) => {
  test.each([1, 2, 3])("%i steps", async (T) => {
    const model = compile(text);
    const y = [0.3, 1.2, 0.9].slice(0, T);
    let ran = 0;
    for (const [name, method] of Object.entries(methods)) {
      try {
        const fit = await infer(model, { data: { T, y }, method, seed: 1 });
        fit.summary();
        ran++;
      } catch (error) {
        // What does not fit a method is told; anything else is a bug.
        if (!(error instanceof TildeError)) throw new Error(`${name}: ${error}`, { cause: error });
      }
    }
    expect(ran).toBeGreaterThan(0);
  });
});
