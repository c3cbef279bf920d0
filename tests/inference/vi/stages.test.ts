/** What `vi` says of its own convergence, on bounds that are made up. */
import { expect, test } from "vitest";
import type { Climber, StepSettings, Taken } from "../../../src/inference/stochastic/climber.js";
import { ascend } from "../../../src/inference/vi/vi.js";

/** A climber whose bound at each step is `bound(step, rate)`, with noise that alternates. */
function climber(bound: (step: number, rate: number) => number): Climber {
  let params = Float64Array.of(0);
  return {
    mostSteps: 400,
    seed: () => {},
    forget: () => {},
    restartAverage: () => {},
    params: async () => params.slice(),
    average: async () => params.slice(),
    setParams: (values) => {
      params = values.slice();
    },
    save: async () => ({ params: params.slice() }),
    restore: (state) => {
      params = state.params.slice();
    },
    take: async (first: number, count: number, settings: StepSettings): Promise<Taken> => {
      const noise = (k: number): number => (k % 2 === 0 ? 0.05 : -0.05);
      const values = Float64Array.from(
        { length: count },
        (_, k) => bound(first + k, settings.rate) + noise(k),
      );
      return { count, values, bad: -1 };
    },
  };
}
const search = { steps: 50_000, rate: 1, tolerance: 0.01 };

test("a bound that stops to rise in every stage has converged", async () => {
  const found = await ascend(
    climber((t) => -10 * Math.exp(-t / 20)),
    search,
    1,
  );
  expect(found).toMatchObject({ kind: "fitted", converged: true });
});

test("a first stage that ran out of steps is no convergence, flat as the last one may be", async () => {
  // Long steps still climb where they are cut off; the shorter ones after them hardly move.
  let top = -10;
  const rising = climber((_, rate) => {
    if (rate === 1) top += 0.01;
    return top;
  });
  const found = await ascend(rising, search, 1);
  expect(found).toMatchObject({ kind: "fitted", converged: false });
});
