/** What chains of tasks hand on in variables, and which stores are left out. */
import { afterAll, describe, expect, test } from "vitest";
import type { LoopSpec } from "../../../src/device/contract.js";
import {
  compileGraph,
  compileLoop,
  printLoop,
  printWgsl,
  type WebGpuDevice,
} from "../../../src/device/webgpu/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { distance } from "../../tensor/random-graph.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

const N = 30_000;
const storesOf = (code: string): number => [...code.matchAll(/\bws\[.*\] = /g)].length;
const vectors = { subgroups: false, vectorsFrom: 1 };

/** x ← 0.5 x + y, and a second state that reads the first's next value. */
function loop(): LoopSpec {
  const g = new GraphBuilder();
  const [x, z] = [g.input("x", [N]), g.input("z", [N])];
  const next = g.add(g.mul(x, 0.5), g.input("y", [N]));
  const other = g.add(z, g.exp(g.neg(g.square(next))));
  const tick = g.add(g.input("tick", [1]), 1);
  return {
    graph: {
      inputs: g.inputs,
      outputs: [
        { name: "next", node: next },
        { name: "other", node: other },
        { name: "seen", node: tick },
      ],
    },
    state: { x: "next", z: "other" },
    noise: [],
    trace: ["seen"],
    mostSteps: 4,
  };
}

test.each([
  ["numbers", undefined],
  ["vectors", vectors],
])("next states are stored once: %s", (_, tuning) => {
  const large = printLoop(loop(), tuning).filter(({ groups }) => groups > 1);
  expect(large.length).toBe(1);
  // The states; with numbers, the traced one is in the same kernel.
  expect(storesOf(large[0].code)).toBe(tuning === undefined ? 3 : 2);
  expect(large[0].code).toMatch(/var own_r_at_\d+: /);
});

test("what another kernel reads, or the host, is stored", () => {
  const g = new GraphBuilder();
  const x = g.exp(g.input("x", [200, 150]));
  const y = g.sin(x);
  const outputs = [g.mul(y, x), g.add(g.transpose(y, [1, 0]), 1)];
  const graph = {
    inputs: inputsOf(outputs),
    outputs: outputs.map((node, k) => ({ name: String(k), node })),
  };
  const text = printWgsl(graph, undefined, 0);
  // y is read across by the second kernel.
  expect(text).toMatch(/ws\[r_at_\d+ \+ item\] = /);
});

describe.skipIf(device === undefined)("chains on WebGPU", () => {
  const on = device as WebGpuDevice;

  test("give the same numbers in loops", async () => {
    const spec = loop();
    const program = await compileLoop(on, spec);
    const values = {
      x: Float64Array.from({ length: N }, (_, k) => Math.fround(Math.sin(k))),
      y: Float64Array.from({ length: N }, (_, k) => Math.fround(Math.cos(3 * k))),
      z: new Float64Array(N),
      tick: Float64Array.of(0),
    };
    program.set(values);
    await program.steps(0, 3);
    const found = await program.read(["x", "z"]);
    program.close();
    const state = { ...values };
    for (let t = 0; t < 3; t++) {
      const { next, other } = evaluateGraph(spec.graph, state);
      Object.assign(state, { x: next, z: other });
    }
    expect(distance(found.x, state.x)).toBeLessThan(1e-6);
    expect(distance(found.z, state.z)).toBeLessThan(1e-6);
  });

  test("give the same numbers where stores stay", async () => {
    const g = new GraphBuilder();
    const x = g.exp(g.input("x", [200, 150]));
    const y = g.sin(x);
    const outputs = [g.mul(y, x), g.add(g.transpose(y, [1, 0]), 1), g.sum(y, [1])];
    const graph = {
      inputs: inputsOf(outputs),
      outputs: outputs.map((node, k) => ({ name: String(k), node })),
    };
    const values = { x: Float64Array.from({ length: N }, (_, k) => Math.fround(Math.sin(k))) };
    const exact = evaluateGraph(graph, values);
    for (const tuning of [undefined, vectors]) {
      const program = await compileGraph(on, graph, { fewRounds: 0, tuning });
      await program.run(values);
      const found = await program.run(values);
      program.close();
      for (const { name } of graph.outputs) {
        expect(distance(found[name], exact[name]), name).toBeLessThan(1e-5);
      }
    }
  });
});
