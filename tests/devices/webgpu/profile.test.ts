/** What kernels need at least, known from their plan, and their times by the device's timestamps. */
import { afterAll, expect, test } from "vitest";
import { kernelRows } from "../../../scripts/bench-gpu/kernels.js";
import {
  compileGraph,
  graphKernels,
  type KernelText,
  Profiler,
  SOFTWARE_TUNING,
  type WebGpuDevice,
} from "../../../src/device/webgpu/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Graph, Node } from "../../../src/tensor/ops.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { deviceForTests } from "./harness.js";

function graphOf(...outputs: readonly Node[]): Graph {
  const inputs = inputsOf(outputs);
  return { inputs, outputs: outputs.map((node, k) => ({ name: String(k), node })) };
}

const workOf = (...outputs: readonly Node[]) =>
  graphKernels(graphOf(...outputs)).map(({ work }) => work);

test("a product needs its factors and its results once, and two operations a term", () => {
  const g = new GraphBuilder();
  const product = g.matmul(g.input("x", [300, 200]), g.input("y", [200, 100]));
  const expected = {
    kinds: ["product"],
    bytes: 4 * (300 * 200 + 200 * 100 + 300 * 100),
    flops: 2 * 300 * 200 * 100,
  };
  expect(workOf(product)).toEqual([expected]);
  const [software] = graphKernels(graphOf(product), SOFTWARE_TUNING);
  expect(software.work).toEqual(expected);
});

test("each array counts once, a row that is read for all once, what stays in a thread not at all", () => {
  const g = new GraphBuilder();
  const n = 1 << 20;
  const [x, y] = [g.input("x", [n / 256, 256]), g.input("r", [256])];
  const next = g.mul(g.add(x, g.broadcast(y, [n / 256, 256], [1])), x);
  expect(workOf(next)).toEqual([{ kinds: ["elementwise"], bytes: 4 * (2 * n + 256), flops: 0 }]);
  // An output that the next task reads in the same thread is stored, and not read again.
  const sine = g.sin(g.exp(next));
  expect(workOf(next, sine)[0]?.bytes).toBe(4 * (3 * n + 256));
});

test("of a table whose rows are chosen, those rows alone", () => {
  const g = new GraphBuilder();
  const rows = g.input("i", [20_000], "int");
  const chosen = g.mul(2, g.gather(g.input("x", [1_000_000, 8]), rows, 0));
  expect(workOf(chosen)[0]?.bytes).toBe(4 * (2 * 160_000 + 20_000));
});

test("sums in parts need what is summed and their parts", () => {
  const g = new GraphBuilder();
  const [first] = workOf(g.sum(g.input("x", [1 << 22])));
  expect(first?.kinds).toEqual(["reduction"]);
  expect(first?.bytes).toBeGreaterThan(4 << 22);
  expect(first?.bytes).toBeLessThan(1.01 * (4 << 22));
});

test("rows of a table of kernels: one a kind of work", () => {
  const kernel = (kinds: readonly ("product" | "elementwise")[], bytes: number): KernelText => ({
    label: "k",
    groups: 7,
    code: "",
    work: { kinds, bytes, flops: kinds.includes("product") ? 5e9 : 0 },
  });
  const [a, b, c] = [
    kernel(["product"], 2e9),
    kernel(["product"], 1e9),
    kernel(["elementwise"], 8),
  ];
  const small: KernelText = { label: "s", groups: 1, code: "" };
  expect(
    kernelRows([
      { kernel: a, dispatches: 2, nanoseconds: 3000 },
      { kernel: b, dispatches: 1, nanoseconds: 3000 },
      { kernel: c, dispatches: 1, nanoseconds: 1000 },
      { kernel: small, dispatches: 4, nanoseconds: 1000 },
    ]),
  ).toEqual([
    {
      kinds: "product",
      dispatches: 3,
      microseconds: 6,
      share: 0.75,
      gigabytes: 5,
      gigaflops: 15,
    },
    { kinds: "elementwise", dispatches: 1, microseconds: 1, share: 0.125, gigabytes: 8e-9 },
    { kinds: "one workgroup", dispatches: 4, microseconds: 1, share: 0.125 },
  ]);
});

const device = await deviceForTests();
afterAll(() => device?.close());
const hasTimes = device?.features.includes("timestamp-query") === true;
if (device !== undefined && !hasTimes) {
  console.warn("Times of kernels are not tested: the adapter has no `timestamp-query`");
}

test.skipIf(!hasTimes)("every dispatch is timed, and results are the same", async () => {
  const on = device as WebGpuDevice;
  const g = new GraphBuilder();
  const wide = g.matmul(g.input("a", [400, 300]), g.input("b", [300, 200]));
  const program = await compileGraph(on, graphOf(g.exp(wide), g.sum(wide)), { fewRounds: 0 });
  const values = {
    a: Float64Array.from({ length: 120_000 }, (_, k) => Math.sin(k)),
    b: Float64Array.from({ length: 60_000 }, (_, k) => Math.cos(k) / 300),
  };
  const plain = await program.run(values);
  const profiler = new Profiler<KernelText>(on.gpu);
  on.profiler = profiler;
  const timed = await program.run(values);
  await program.run(values);
  on.profiler = undefined;
  await program.run(values);
  expect(timed).toEqual(plain);
  const times = await profiler.times();
  expect(times.map((t) => t.dispatches)).toEqual(program.kernels.map(() => 2));
  expect(new Set(times.map((t) => t.kernel))).toEqual(new Set(program.kernels));
  expect(times[0].nanoseconds).toBeGreaterThan(0);
  program.close();
});
