/** Log densities of the examples with their gradients: the graphs that real models make. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { checkPrecision } from "../../../src/device/guard.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import { exampleNames, graphOf, slowExamples } from "../webgpu/examples.js";
import { deviceForTests } from "./harness.js";

const f64 = await deviceForTests("f64");
const f32 = await deviceForTests("f32");
afterAll(() => {
  f64?.close();
  f32?.close();
});

type Results = readonly Record<string, Float64Array>[];
const densities = (rs: Results) => rs.map((r) => ({ lp: r.lp[0], gradient: r.dq }));

/** Errors as the precision guard has them: of differences in nats, and relative of gradients. */
const devices = [
  // Sums of up to 10⁵ terms in another order.
  { device: f64, lp: 1e-9, gradient: 1e-11, unit: 2 ** -53 },
  { device: f32, lp: 0.01, gradient: 1e-4, unit: 2 ** -24 },
] as const;

describe.skipIf(f64 === undefined)("examples on TensorFlow", () => {
  const names = exampleNames.filter((n) => !slowExamples.includes(n));
  test.each(names)("%s", async (name) => {
    const graph = graphOf(name);
    const [q] = graph.inputs;
    const points = [0, 1, 2].map((k) =>
      Float64Array.from({ length: q.shape[0] }, (_, i) => Math.fround(0.5 * Math.sin(3 * k + i))),
    );
    const exact = points.map((p) => evaluateGraph(graph, { [q.name]: p }));
    for (const r of exact) expect(Number.isFinite(r.lp[0])).toBe(true);
    // Densities themselves are rounded: of millions of nats to a quarter of one in f32.
    const largest = Math.max(...exact.map((r) => Math.abs(r.lp[0])));
    for (const { device, lp, gradient, unit } of devices) {
      const program = await (device as GraphDevice).compileGraph(graph);
      const found: Record<string, Float64Array>[] = [];
      for (const p of points) found.push(await program.run({ [q.name]: p }));
      program.close();
      const { report } = checkPrecision(densities(exact), densities(found), "TensorFlow");
      expect(report.lpError).toBeLessThan(lp + 4 * unit * largest);
      expect(report.gradientError).toBeLessThan(gradient);
    }
  });
});
