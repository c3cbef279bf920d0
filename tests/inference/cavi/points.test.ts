/** The fixed points of a normal factor: their second moments are the normal's in every dimension. */
import { expect, test } from "vitest";
import { FULL_LIMIT, normalPoints } from "../../../src/inference/cavi/points.js";
import { stream } from "../../../src/math/rng/index.js";

test.each(Array.from({ length: FULL_LIMIT }, (_, k) => k + 1))("%i dimensions", (n) => {
  const points = normalPoints(n, stream(1, 0, 0, 0));
  let [worst, farthest] = [0, 0];
  for (let i = 0; i < n; i++) {
    worst = Math.max(worst, Math.abs(points.reduce((sum, x) => sum + x[i], 0)));
    for (let j = 0; j < n; j++) {
      const moment = points.reduce((sum, x) => sum + x[i] * x[j], 0) / points.length;
      worst = Math.max(worst, Math.abs(moment - (i === j ? 1 : 0)));
    }
    for (const x of points) farthest = Math.max(farthest, Math.abs(x[i]));
  }
  expect(worst).toBeLessThan(1e-9);
  // Far points would mean that whitening stretched directions that hardly occur.
  expect(farthest).toBeLessThan(6);
});
