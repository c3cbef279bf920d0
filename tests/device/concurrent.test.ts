/**
 * Concurrent loops: the same numbers with and without helpers, in every order that helpers come
 * and go. Helpers here are threads of Node that run the module's `serve` from its bytes.
 */
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import {
  type CpuProgram,
  compileKernels,
  createMemory,
  instantiate,
} from "../../src/device/cpu/compile.js";
import { instanceBase } from "../../src/device/cpu/layout.js";
import {
  dismissHelpers,
  POOL_BUFFER,
  POOL_DONE,
  POOL_FAILED,
  SERVE,
  takeFailure,
} from "../../src/device/cpu/pool.js";
import * as k from "../../src/kernel/build.js";
import type { Buffer, KernelModule, Stmt } from "../../src/kernel/ir.js";
import { verifyModule } from "../../src/kernel/verify.js";
import { stream } from "../../src/math/rng/random.js";
import { ConstantPool, lowerGraph } from "../../src/passes/lower/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";

const HELPER = `
const { workerData, parentPort } = require("node:worker_threads");
const { module, memory, at, serve } = workerData;
const base = new WebAssembly.Global({ value: "i32", mutable: false }, at);
const instance = new WebAssembly.Instance(module, { env: { memory, base } });
parentPort.postMessage("ready");
instance.exports[serve]();
`;

/** Starts helpers of instance 0; the result sends them home. */
async function withHelpers(program: CpuProgram, memory: WebAssembly.Memory, count: number) {
  const workers = Array.from(
    { length: count },
    () =>
      new Worker(HELPER, {
        eval: true,
        workerData: {
          module: program.wasmModule,
          memory,
          at: instanceBase(program.layout, 0),
          serve: SERVE,
        },
      }),
  );
  const ends = workers.map((w) => new Promise((resolve) => w.once("exit", resolve)));
  await Promise.all(workers.map((w) => new Promise((resolve) => w.once("message", resolve))));
  return async (): Promise<void> => {
    dismissHelpers(instantiate(program, memory, 0, { fresh: false }));
    expect(await Promise.all(ends)).toEqual(workers.map(() => 0));
  };
}

/** Takes one iteration of the first job and never does it; says that it failed, or not. */
const LOST = `
const { workerData, parentPort } = require("node:worker_threads");
const { words, says } = workerData;
parentPort.postMessage("ready");
for (;;) {
  const word = Atomics.load(words, 0);
  const isOpen = (word & 4095) < ((word >>> 12) & 4095);
  if (isOpen && Atomics.compareExchange(words, 0, word, word + 1) === word) break;
}
if (says) {
  Atomics.store(words, ${POOL_FAILED}, 1);
  Atomics.notify(words, ${POOL_DONE});
}
`;

const workspace = (name: string, length: number): Buffer => ({
  name,
  element: "f64",
  length,
  region: "workspace",
});

describe("concurrent loops", () => {
  const COUNT = 300;
  // Two jobs; the second one reads what the first made, and locals of every type.
  const scaled = { name: "scaled", type: "f64" } as const;
  const wide = { name: "wide", type: "i64" } as const;
  const shift = { name: "shift", type: "i32" } as const;
  const body: Stmt[] = [
    k.set(scaled, k.f64(0.5)),
    k.set(wide, k.i64(7n)),
    k.loop("round", k.i32(0), k.i32(50), [
      k.set(shift, k.binary("rem", k.index("round"), k.i32(3))),
      k.concurrent("a", COUNT, [
        k.store("x", k.index("a"), k.convert("f64_from_i32", k.add(k.index("a"), k.get(shift)))),
      ]),
      k.concurrent("b", COUNT, [
        k.store(
          "y",
          k.index("b"),
          k.add(
            k.load("y", k.index("b")),
            k.add(
              k.mul(k.get(scaled), k.load("x", k.sub(k.i32(COUNT - 1), k.index("b")))),
              k.convert("f64_from_i64", k.get(wide)),
            ),
          ),
        ),
      ]),
    ]),
  ];
  const module: KernelModule = {
    buffers: [workspace("x", COUNT), workspace("y", COUNT)],
    functions: [{ name: "f", params: [], body, exported: true }],
  };
  const expected = Float64Array.from({ length: COUNT }, (_, b) => {
    let y = 0;
    for (let round = 0; round < 50; round++) y += 0.5 * (COUNT - 1 - b + (round % 3)) + 7;
    return y;
  });

  it("are loops for the verifier and where memory is not shared", () => {
    verifyModule(module);
    const program = compileKernels(module, { sharedMemory: false });
    expect(program.jobs).toBe(0);
    const instance = instantiate(program, createMemory(program, 1), 0);
    instance.call("f");
    expect(instance.f64("y")).toEqual(expected);
  });

  for (const helpers of [0, 1, 3]) {
    it(`give the same with ${helpers} helpers, and after they have gone`, async () => {
      const program = compileKernels(module);
      expect(program.jobs).toBe(2);
      const memory = createMemory(program, 1);
      const dismiss = await withHelpers(program, memory, helpers);
      const instance = instantiate(program, memory, 0);
      for (let time = 0; time < 20; time++) {
        instance.f64("y").fill(0);
        instance.call("f");
        expect(Float64Array.from(instance.f64("y"))).toEqual(expected);
      }
      await dismiss();
      instance.f64("y").fill(0);
      instance.call("f");
      expect(Float64Array.from(instance.f64("y"))).toEqual(expected);
    });
  }

  for (const says of [true, false]) {
    it(`end where a helper was lost that ${says ? "said" : "did not say"} so`, async () => {
      const slow = k.loop("n", k.i32(0), k.i32(10_000), [
        k.store("x", k.index("a"), k.add(k.load("x", k.index("a")), k.f64(1))),
      ]);
      const body = [k.concurrent("a", COUNT, [slow])];
      const program = compileKernels(
        {
          buffers: [workspace("x", COUNT)],
          functions: [{ name: "f", params: [], body, exported: true }],
        },
        // One that says so is not waited for.
        { patience: says ? 1000 : 0.5 },
      );
      const instance = instantiate(program, createMemory(program, 1), 0);
      const words = instance.i32(POOL_BUFFER);
      const worker = new Worker(LOST, { eval: true, workerData: { words, says } });
      const end = new Promise((resolve) => worker.once("exit", resolve));
      await new Promise((resolve) => worker.once("message", resolve));
      // On a busy machine the first runs may end before it takes anything.
      const again = (): void => {
        for (let time = 0; time < 2000; time++) instance.call("f");
      };
      try {
        expect(again).toThrow(/unreachable/);
        expect(await end).toBe(0);
      } finally {
        await worker.terminate();
      }
      expect(takeFailure(instance)).toBe(true);
      // Alone it goes on.
      instance.f64("x").fill(0);
      instance.call("f");
      expect(instance.f64("x").every((n) => n === 10_000)).toBe(true);
    });
  }

  it("may not assign a local from outside, nor return", () => {
    const bad = (inner: Stmt[]): KernelModule => ({
      buffers: [],
      functions: [
        {
          name: "f",
          params: [],
          body: [k.set(scaled, k.f64(0)), k.concurrent("c", 4, inner)],
          exported: true,
        },
      ],
    });
    expect(() => verifyModule(bad([k.set(scaled, k.f64(1))]))).toThrow(/concurrent loop assigns/);
    expect(() => verifyModule(bad([k.giveBack()]))).toThrow(/return from a concurrent loop/);
    expect(() =>
      verifyModule(bad([k.loop("i", k.i32(0), k.i32(3), [k.set(scaled, k.f64(1))])])),
    ).toThrow(/concurrent loop assigns/);
  });
});

describe("shared products", () => {
  // Rows, inner length, columns: pieces of every axis, tails of tiles, panels and tasks.
  const sizes: readonly (readonly [number, number, number, string])[] = [
    [128, 257, 100, ""],
    [101, 1030, 21, "x"],
    [1029, 65, 33, "x"],
    [33, 64, 1030, "y"],
    [10, 4001, 65, "xy"],
  ];
  for (const [m, inner, n, turned] of sizes) {
    it(`${m}×${inner} · ${inner}×${n} ${turned}: threads change no bit`, async () => {
      const g = new GraphBuilder();
      const x = g.input("x", turned.includes("x") ? [inner, m] : [m, inner]);
      const y = g.input("y", turned.includes("y") ? [n, inner] : [inner, n]);
      const left = turned.includes("x") ? g.transpose(x, [1, 0]) : x;
      const right = turned.includes("y") ? g.transpose(y, [1, 0]) : y;
      const constants = new ConstantPool();
      const lowered = lowerGraph(
        { inputs: [x, y], outputs: [{ name: "out", node: g.matmul(left, right) }] },
        { name: "product", inputs: { x: "x", y: "y" }, outputs: { out: "out" }, constants },
      );
      const kernels: KernelModule = {
        functions: lowered.functions,
        buffers: [
          workspace("x", m * inner),
          workspace("y", inner * n),
          workspace("out", m * n),
          ...lowered.buffers,
        ],
      };
      verifyModule(kernels);
      const run = async (helpers: number, options: { threads?: boolean; fused?: boolean }) => {
        const program = compileKernels(kernels, options);
        const memory = createMemory(program, 1);
        const dismiss = helpers > 0 ? await withHelpers(program, memory, helpers) : undefined;
        const instance = instantiate(program, memory, 0);
        const rng = stream(1, m, inner, n);
        for (const name of ["x", "y"]) {
          const to = instance.f64(name);
          for (let i = 0; i < to.length; i++) to[i] = rng.normal();
        }
        instance.f64("out").fill(Number.NaN);
        instance.call("product");
        await dismiss?.();
        const [a, b] = [instance.f64("x"), instance.f64("y")].map((v) => Float64Array.from(v));
        return { out: Float64Array.from(instance.f64("out")), a, b };
      };
      const alone = await run(0, { threads: false });
      expect((await run(0, {})).out).toEqual(alone.out);
      expect((await run(2, {})).out).toEqual(alone.out);
      // In order, each product and each sum rounded: equal to the bit where nothing is fused.
      const plain = await run(2, { fused: false });
      const expected = new Float64Array(m * n);
      const [xi, xp] = turned.includes("x") ? [1, m] : [inner, 1];
      const [yp, yj] = turned.includes("y") ? [1, inner] : [n, 1];
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < inner; p++)
            sum += plain.a[i * xi + p * xp] * plain.b[p * yp + j * yj];
          expected[i * n + j] = sum;
        }
      }
      expect(plain.out).toEqual(expected);
      // Fused, a sum of `inner` terms differs by less than its terms' rounding.
      const scale = 2 ** -52 * inner * 25;
      const far = alone.out.reduce((most, v, i) => Math.max(most, Math.abs(v - expected[i])), 0);
      expect(far).toBeLessThan(scale);
    });
  }
});
