/** The log density of an example with its gradient, on WebGPU against the f64 evaluator. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { checkPrecision } from "../../../src/device/guard.js";
import { compileGraph, type WebGpuDevice } from "../../../src/device/webgpu/index.js";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { collapse } from "../../../src/passes/collapse/index.js";
import { withGradient } from "../../../src/passes/grad/index.js";
import { SimplifyingBuilder, simplify } from "../../../src/passes/simplify/index.js";
import { checkSource, conditionRaw, selectModel } from "../../../src/run/compile.js";
import { parseJson } from "../../../src/run/data/files.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph } from "../../../src/tensor/ops.js";

const folder = resolve(import.meta.dirname, "../../../examples");

/** Compiling or evaluating these takes a software device seconds. */
export const slowExamples: readonly string[] = ["lda", "two_moons", "vae"];

/** Its plate has no bound: it has no log joint of fixed length. */
const notFixed: readonly string[] = ["galaxies"];

export const exampleNames: readonly string[] = readdirSync(folder).filter(
  (n) =>
    !notFixed.includes(n) &&
    existsSync(join(folder, n, "model.ppl")) &&
    existsSync(join(folder, n, "data.json")),
);

/** Log density `lp` and gradient `dq` of an example with its data. */
export function graphOf(name: string): Graph {
  const read = (file: string): string => readFileSync(join(folder, name, file), "utf8");
  const source = { path: name, text: read("model.ppl") };
  const checked = checkSource(source);
  const model = selectModel(checked, source, [...checked.models.keys()][0]);
  const joint = buildLogJoint(
    conditionRaw(model, parseJson("data.json", read("data.json"))),
    "nuts",
  );
  const lp = { inputs: [joint.q], outputs: [{ name: "lp", node: joint.logDensity }] };
  const density = collapse(simplify(lp));
  return simplify(withGradient(density, "lp", { [joint.q.name]: "dq" }, new SimplifyingBuilder()));
}

/**
 * Log densities differ by at most 0.01 nats and a few roundings, gradients by 1e-5 of their
 * largest element: sums of up to a million terms, each with a few roundings of 6e-8.
 */
export async function compareExample(
  device: WebGpuDevice,
  name: string,
  spread = 0.5,
): Promise<void> {
  const graph = graphOf(name);
  const [q] = graph.inputs;
  const points = [0, 1, 2].map((k) =>
    Float64Array.from({ length: q.shape[0] }, (_, i) => Math.fround(spread * Math.sin(3 * k + i))),
  );
  const program = await compileGraph(device, graph);
  const exact = points.map((p) => evaluateGraph(graph, { [q.name]: p }));
  const found: Record<string, Float64Array>[] = [];
  for (const p of points) found.push(await program.run({ [q.name]: p }));
  program.close();
  for (const r of exact) expect(Number.isFinite(r.lp[0])).toBe(true);
  const densities = (rs: readonly Record<string, Float64Array>[]) =>
    rs.map((r) => ({ lp: r.lp[0], gradient: r.dq }));
  const { report } = checkPrecision(densities(exact), densities(found), "WebGPU");
  // Densities themselves are rounded: of millions of nats to a quarter of one.
  const largest = Math.max(...exact.map((r) => Math.abs(r.lp[0])));
  expect(report.lpError).toBeLessThan(0.01 + 4 * 2 ** -24 * largest);
  expect(report.gradientError).toBeLessThan(1e-5);
}
