/** Where data are: sent once, kept on the device, never in the text of a graph. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compileGraph } from "../../../src/device/tensorflow/graph.js";
import { compileLoop } from "../../../src/device/tensorflow/loop.js";
import { loadPackage, type TensorFlowAddon } from "../../../src/device/tensorflow/package.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { deviceForTests, folder } from "./harness.js";

const device = await deviceForTests("f64");
device?.close();

/** The addon, with what goes to TensorFlow noted down. */
function watched() {
  const { addon } = loadPackage("f64", folder);
  const seen = { modelBytes: 0, sent: 0, calls: new Set<string>() };
  const watching: TensorFlowAddon = Object.create(addon, {
    loadSavedModel: {
      value: (at: string, tags: string) => {
        seen.modelBytes = statSync(join(at, "saved_model.pb")).size;
        return addon.loadSavedModel(at, tags);
      },
    },
    createTensor: {
      value: (...[shape, type, data]: Parameters<TensorFlowAddon["createTensor"]>) => {
        seen.sent += data.byteLength;
        return addon.createTensor(shape, type, data);
      },
    },
    runSavedModel: {
      value: (...[model, inputs, fed, asked]: Parameters<TensorFlowAddon["runSavedModel"]>) => {
        seen.calls.add(`${fed} ${asked}`);
        return addon.runSavedModel(model, inputs, fed, asked);
      },
    },
  });
  return { addon: watching, seen };
}

const ROWS = 20_000;
const BYTES = 8 * ROWS * 10;
const numbers = (length: number): Float64Array =>
  Float64Array.from({ length }, (_, k) => Math.sin(k));

describe.skipIf(device === undefined)("data on TensorFlow", () => {
  test("a graph's constants and inputs of many numbers are sent once", async () => {
    const { addon, seen } = watched();
    const g = new GraphBuilder();
    const [x, w] = [g.input("x", [ROWS, 10]), g.input("w", [10, 1])];
    const y = g.constant(numbers(ROWS), [ROWS, 1]);
    const loss = g.sum(g.square(g.sub(y, g.matmul(x, w))));
    const graph = { inputs: [x, w], outputs: [{ name: "loss", node: loss }] };
    const program = compileGraph(addon, graph, "double");
    expect(seen.modelBytes).toBeLessThan(20_000);
    await program.run({ x: numbers(ROWS * 10), w: numbers(10) });
    expect(seen.sent).toBeGreaterThan(BYTES);
    const before = seen.sent;
    const first = await program.run({ w: new Float64Array(10) });
    expect(seen.sent - before).toBeLessThan(1000);
    expect(first.loss[0]).toBeCloseTo(
      numbers(ROWS).reduce((s, v) => s + v * v, 0),
      6,
    );
    program.close();
  });

  test("a loop asks for few sets of names, and sends little with its calls", async () => {
    const { addon, seen } = watched();
    const g = new GraphBuilder();
    const all = g.input("all", [ROWS, 10]);
    const rows = g.input("rows", [100], "int");
    const [rate, sum, count] = [g.input("rate", []), g.input("sum", [10]), g.input("count", [])];
    const mean = g.mul(0.01, g.reduce("sum", g.gather(all, rows, 0), [0]));
    const loop = compileLoop(
      addon,
      {
        graph: {
          inputs: [all, rows, rate, sum, count],
          outputs: [
            { name: "next", node: g.add(sum, g.mul(g.broadcast(rate, [10]), mean)) },
            { name: "counted", node: g.add(count, 1) },
          ],
        },
        state: { sum: "next", count: "counted" },
        noise: [{ input: "rows", site: 64, law: { kind: "rows", of: ROWS } }],
        trace: ["counted"],
        mostSteps: 50,
      },
      "double",
    );
    loop.set({ all: numbers(ROWS * 10), rate: [2] });
    loop.seed(3n, 0);
    expect((await loop.steps(0, 3)).counted).toEqual(Float64Array.of(1, 2, 3));
    expect(seen.modelBytes).toBeLessThan(60_000);
    // A part of the state that is given leaves the others as the device has them.
    const { sum: kept } = await loop.read(["sum"]);
    expect(kept.some((v) => v !== 0)).toBe(true);
    loop.set({ count: [10] });
    expect((await loop.read(["sum", "count", "rate"])).sum).toEqual(kept);
    const before = seen.sent;
    loop.set({ rate: [0] });
    expect((await loop.steps(3, 2)).counted).toEqual(Float64Array.of(11, 12));
    expect((await loop.read(["sum", "rate"])).sum).toEqual(kept);
    expect(seen.sent - before).toBeLessThan(1000);
    // Steps, with the state; the data with the shuffle's order.
    expect(seen.calls.size).toBe(2);
    loop.close();
  });
});
