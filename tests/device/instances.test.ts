import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/index.js";
import {
  add,
  f64,
  get,
  giveBack,
  i32,
  index,
  load,
  loop,
  mul,
  set,
  store,
} from "../../src/kernel/build.js";
import type { KernelModule, Local } from "../../src/kernel/ir.js";

const scale: Local = { name: "scale", type: "f64" };
const total: Local = { name: "total", type: "f64" };
const LENGTH = 37;

/** Adds `scale · c` to the workspace buffer `w` and gives the sum of `w`. */
const module: KernelModule = {
  buffers: [
    {
      name: "c",
      element: "f64",
      length: LENGTH,
      region: "constant",
      data: Float64Array.from({ length: LENGTH }, (_, i) => i + 1),
    },
    {
      name: "w",
      element: "f64",
      length: LENGTH,
      region: "workspace",
      data: new Float64Array(LENGTH).fill(0.5),
    },
    { name: "unset", element: "i32", length: 3, region: "workspace" },
  ],
  functions: [
    {
      name: "step",
      params: [scale],
      result: "f64",
      exported: true,
      body: [
        set(total, f64(0)),
        loop(
          "i",
          i32(0),
          i32(LENGTH),
          [
            set(
              { name: "v", type: "f64" },
              add(load("w", index("i")), mul(get(scale), load("c", index("i")))),
            ),
            store("w", index("i"), get({ name: "v", type: "f64" })),
            set(total, add(get(total), get({ name: "v", type: "f64" }))),
          ],
          { reductions: [{ local: "total", fn: "add" }] },
        ),
        giveBack(get(total)),
      ],
    },
  ],
};
const sumC = (LENGTH * (LENGTH + 1)) / 2;

test("instances share constants and have workspaces of their own", () => {
  const program = compileKernels(module);
  const memory = createMemory(program, 3);
  const instances = [0, 1, 2].map((k) => instantiate(program, memory, k));
  // Halves and integers: every sum is exact.
  for (const [k, instance] of instances.entries()) {
    expect(instance.call("step", k)).toBe(LENGTH / 2 + k * sumC);
  }
  for (const [k, instance] of instances.entries()) {
    expect(instance.f64("w")[4]).toBe(0.5 + 5 * k);
    expect(instance.f64("c")[4]).toBe(5);
    expect([...instance.i32("unset")]).toEqual([0, 0, 0]);
  }
  const resumed = instantiate(program, memory, 2, { fresh: false });
  expect(resumed.f64("w")[4]).toBe(10.5);
  expect(instantiate(program, memory, 2).f64("w")[4]).toBe(0.5);
});

test("misuse is an internal error", () => {
  const program = compileKernels(module);
  const memory = createMemory(program, 1);
  const instance = instantiate(program, memory, 0);
  expect(() => instantiate(program, memory, 9999)).toThrow(/no room for instance/);
  expect(() => instance.call("nope")).toThrow(/no exported kernel function nope/);
  expect(() => instance.f64("nope")).toThrow(/no kernel buffer nope/);
  expect(() => instance.i32("w")).toThrow(/w is f64/);
});

test("a program runs in a worker thread on the same memory", async () => {
  const program = compileKernels(module);
  const memory = createMemory(program, 2);
  instantiate(program, memory, 1);
  // Without the TypeScript sources a worker needs only what the program carries.
  const source = `
    import { parentPort, workerData } from "node:worker_threads";
    const base = new WebAssembly.Global({ value: "i32", mutable: false }, workerData.base);
    const env = { memory: workerData.memory, base };
    const { exports } = new WebAssembly.Instance(workerData.program.wasmModule, { env });
    parentPort.postMessage(exports.step(2));`;
  const mine = instantiate(program, memory, 1, { fresh: false });
  const base = mine.f64("w").byteOffset - program.layout.placements.w.offset;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: { program, memory, base },
  });
  const result = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  await worker.terminate();
  expect(result).toBe(LENGTH / 2 + 2 * sumC);
  expect(mine.f64("w")[4]).toBe(10.5);
  expect(instantiate(program, memory, 0).f64("w")[4]).toBe(0.5);
});
