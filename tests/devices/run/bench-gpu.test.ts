/** The benchmarks of devices run at tiny sizes, check every op, and write their table. */
import { describe, expect, test } from "vitest";
import { mixtureLines } from "../../../scripts/bench-gpu/mixtures.js";
import { checkOps } from "../../../scripts/bench-gpu/ops.js";
import {
  chainLines,
  kernelLines,
  type Line,
  learningLines,
} from "../../../scripts/bench-gpu/programs.js";
import { markdown, type Report } from "../../../scripts/bench-gpu/report.js";
import { sizes } from "../../../scripts/bench-gpu/sizes.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";

describe("bench:gpu", () => {
  const device = openCpuGraphs();

  test("every op agrees with the evaluator, and one that does not is found", async () => {
    const checks = await checkOps(device);
    expect(checks.filter((c) => !c.passed)).toEqual([]);
    expect(checks.length).toBeGreaterThan(75);
    const wrong: GraphDevice = {
      ...device,
      compileGraph: async (graph) => {
        const program = await device.compileGraph(graph);
        const isTanh = graph.outputs[0].node.op === "unary" && graph.outputs[0].node.fn === "tanh";
        return {
          ...program,
          run: async (inputs) => {
            const out = await program.run(inputs);
            return isTanh ? { ...out, "0": out["0"].map((v) => v + 1e-3) } : out;
          },
        };
      },
    };
    const failed = (await checkOps(wrong)).filter((c) => !c.passed).map((c) => c.name);
    expect(failed).toEqual(["tanh"]);
  });

  test("measures kernels, learning and chains, and tells of them in one table", async () => {
    const lines: Line[] = [];
    for (const part of [kernelLines, learningLines, chainLines, mixtureLines]) {
      for (const { measure } of part(device, sizes.tiny)) lines.push(await measure());
    }
    for (const line of lines) expect(line.microseconds, line.name).toBeGreaterThan(0);
    const report: Report = {
      device: device.name,
      description: device.description,
      precision: device.precision,
      details: {},
      node: "v0",
      size: "tiny",
      openMilliseconds: 1,
      checks: [{ name: "tanh", error: 1e-7, passed: true }],
      lines,
      failed: [{ name: "a line", reason: "out of memory" }],
      bandwidth: 1000,
      peak: 10,
      peers: {
        kind: "found",
        jax: "0.10.2",
        numpyro: "0.22.0",
        device: "gpu: a card",
        lines: lines.map(({ name, microseconds }, k) =>
          k % 2 === 0
            ? { name, microseconds: 3 * microseconds, firstMilliseconds: 7 }
            : { name, failed: "RuntimeError: out of memory" },
        ),
      },
    };
    const text = markdown(report);
    expect(text).toContain("| a line | did not run: out of memory |");
    expect(text).toContain("(3 ×); 7 ms |");
    expect(text).toContain("failed: RuntimeError: out of memory |");
    const absent = { kind: "absent", reason: "no module named jax" } as const;
    expect(markdown({ ...report, peers: absent })).toContain("not measured: no module named jax");
    // Every line has a peer but those of kernels alone and the passes of NUTS.
    expect(lines.filter((l) => l.peer === undefined).length).toBe(4);
    expect(text).toContain("1 of 1 ops and functions agree with f64");
    for (const { name } of lines) expect(text).toContain(`| ${name} |`);
    expect(text).toMatch(/GB\/s \([\d.e-]+ %\)/);
  });
});
