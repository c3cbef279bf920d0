/** The adversarial networks of examples/gan_ring, trained for seconds: all centres are found. */
import { expect, test } from "vitest";
import { svi } from "../../src/index.js";
import { exampleData, runExample } from "./data.js";

/** Shares of the generator's points within three sd (0.3) of each of the eight centres. */
function found(points: Float64Array): number[] {
  const shares = new Array<number>(8).fill(0);
  const n = points.length / 2;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < 8; k++) {
      const angle = (k * Math.PI) / 4;
      const dx = points[2 * i] - 2 * Math.cos(angle);
      const dy = points[2 * i + 1] - 2 * Math.sin(angle);
      if (Math.hypot(dx, dy) < 0.3) shares[k] += 1 / n;
    }
  }
  return shares;
}

test("a generative adversarial network covers the ring", { timeout: 60_000 }, async () => {
  const posterior = await runExample("gan_ring", {
    data: exampleData("gan_ring"),
    model: "ring",
    method: svi({
      objective: "gan",
      steps: 2500,
      batch: { N: 128 },
      lr: 0.001,
      momentum: 0.5,
      schedule: "constant",
      draws: 4,
    }),
  });
  const points = posterior.predict().get("x")?.data ?? new Float64Array(0);
  const shares = found(points);
  // Points all over the square of side 5 would have 1 % at each centre, 9 % in all.
  for (const share of shares) expect(share).toBeGreaterThan(0.03);
  expect(shares.reduce((a, b) => a + b)).toBeGreaterThan(0.5);
});
