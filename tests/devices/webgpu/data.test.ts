/** Rows of minibatches drawn on the device, and data in several buffers. */
import { afterAll, describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { READ_USAGE, STORAGE_USAGE, UNIFORM_USAGE } from "../../../src/device/webgpu/adapter.js";
import { MAP_READ } from "../../../src/device/webgpu/api.js";
import {
  asGraphDevice,
  compileGraph,
  compileLoop,
  type WebGpuDevice,
} from "../../../src/device/webgpu/index.js";
import { randomLibrary } from "../../../src/device/webgpu/wgsl/library-random.js";
import { svi } from "../../../src/run/methods.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph, Node } from "../../../src/tensor/ops.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { distance, seeded, uniform } from "../../tensor/random-graph.js";
import { flat, jobOf, learnOn, lines } from "../run/fixtures.js";
import { expectShuffles, shuffleSizes } from "../shuffles.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("rows of minibatches on WebGPU", () => {
  const on = device as WebGpuDevice;

  test.each(shuffleSizes)("of %i, %i a step: the CPU's to the last one", async (all, rows) => {
    await expectShuffles(asGraphDevice(on), all, rows);
  });

  test("above 2²⁴, where single precision counts no further", async () => {
    await expectShuffles(asGraphDevice(on), 2 ** 24 + 4099, 50, [5n]);
  });
});

describe.skipIf(device === undefined)("⌊u n⌋ in whole numbers", () => {
  const on = device as WebGpuDevice;

  /** `random_index` of words (low, high) and n, by a kernel of its own. */
  async function onDevice(words: Uint32Array): Promise<Uint32Array> {
    const count = words.length / 3;
    const code = `@group(0) @binding(2) var<storage, read> idx: array<u32>;
@group(0) @binding(4) var<storage, read_write> words: array<u32>;
${randomLibrary.mul_high}
${randomLibrary.random_index}
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) wid: vec3<u32>) {
  let at = 3u * wid.x;
  words[wid.x] = random_index(idx[at], idx[at + 1u], idx[at + 2u]);
}`;
    const pipeline = await on.pipeline(code, "a test");
    const sizes = [16, 16, words.byteLength, 64, 4 * count];
    const usages = sizes.map((_, k) => (k === 3 ? UNIFORM_USAGE : STORAGE_USAGE));
    const buffers = sizes.map((size, k) => on.takeBuffer(size, usages[k]));
    const group = on.gpu.createBindGroup({
      layout: on.layouts(1).bindGroup,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    on.gpu.queue.writeBuffer(buffers[2], 0, words);
    const staging = on.takeBuffer(4 * count, READ_USAGE);
    const encoder = on.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(count);
    pass.end();
    encoder.copyBufferToBuffer(buffers[4], 0, staging, 0, 4 * count);
    on.gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const result = new Uint32Array(staging.getMappedRange().slice(0, 4 * count));
    staging.unmap();
    buffers.forEach((buffer, k) => {
      on.giveBuffer(buffer, usages[k]);
    });
    on.giveBuffer(staging, READ_USAGE);
    return result;
  }

  test("double precision's, also where it rounds to the next whole number", async () => {
    const cases: { w: bigint; n: number }[] = [];
    for (const n of [1, 2, 3, 7, 1000, 65_537, 10_000_019, 2 ** 31 - 1]) {
      // Uniforms around the places where u n passes a whole number, and the ends.
      const wholes = [1, 2, 3, Math.floor(n / 2), Math.floor(n / 3), n - 1, n].map(BigInt);
      for (const k of wholes) {
        const middle = (k << 54n) / (2n * BigInt(n));
        for (let by = -3n; by <= 3n; by++) cases.push({ w: middle + by, n });
      }
      for (const w of [0n, 1n, (1n << 52n) - 1n, 1n << 52n, (1n << 53n) - 1n]) cases.push({ w, n });
    }
    const used = cases.filter(({ w }) => w >= 0n && w < 1n << 53n);
    const words = Uint32Array.from(
      used.flatMap(({ w, n }) => [
        Number((w & 0x7ffffffn) << 5n) + 21,
        Number((w >> 27n) << 6n) + 42,
        n,
      ]),
    );
    const found = await onDevice(words);
    let rounded = 0;
    used.forEach(({ w, n }, i) => {
      const u = (Number(w) * 2 + 1) * 2 ** -54;
      const wanted = Math.floor(Math.min(u * n, n - 1));
      if (BigInt(wanted) !== ((2n * w + 1n) * BigInt(n)) >> 54n) rounded++;
      expect(found[i], `w = ${w}, n = ${n}`).toBe(wanted);
    });
    // Rounding is among the cases.
    expect(rounded).toBeGreaterThan(5);
  });
});

/** A device that binds 2048 numbers at a time, and one of as many as it can. */
const BYTES = 8192;
const narrow = await deviceForTests({ mostBytes: BYTES });
afterAll(() => narrow?.close());

function graphOf(outputs: readonly Node[]): Graph {
  return {
    inputs: inputsOf(outputs),
    outputs: outputs.map((node, k) => ({ name: String(k), node })),
  };
}

describe.skipIf(narrow === undefined)("data in several buffers", () => {
  const on = narrow as WebGpuDevice;
  const wide = device as WebGpuDevice;
  const numbers = (length: number, seed: number): Float64Array =>
    uniform(seeded(seed), length).map(Math.fround);

  /** Against f64, and to the last bit what a device with one buffer computes. */
  async function check(graph: Graph, values: Record<string, Float64Array>): Promise<number> {
    const program = await compileGraph(on, graph);
    const whole = await compileGraph(wide, graph);
    const exact = evaluateGraph(graph, values);
    const [found, same] = [await program.run(values), await whole.run(values)];
    for (const { name } of graph.outputs) {
      expect(found[name]).toEqual(same[name]);
      expect(distance(found[name], exact[name])).toBeLessThan(1e-5);
    }
    program.close();
    whole.close();
    const texts = program.kernels.map((k) => k.code.match(/var<storage, read> data\d*/g)?.length);
    return Math.max(...texts.map((n) => n ?? 0));
  }

  test("products with a matrix of 9600 numbers, from either side", async () => {
    const g = new GraphBuilder();
    const x = g.input("x", [120, 80]);
    const w = g.input("w", [80]);
    const v = g.input("v", [120]);
    const fitted = g.reshape(g.matmul(x, g.reshape(w, [80, 1])), [120]);
    const back = g.matmul(g.reshape(v, [1, 120]), x);
    const square = g.matmul(g.transpose(g.slice(x, [0, 0], [120, 20]), [1, 0]), x);
    const values = { x: numbers(9600, 1), w: numbers(80, 2), v: numbers(120, 3) };
    const pieces = await check(graphOf([fitted, back, square, g.sum(g.square(x))]), values);
    expect(pieces).toBe(Math.ceil(9800 / 2048));
  });

  test("constants, rows of them, and elements across the ends of pieces", async () => {
    const g = new GraphBuilder();
    const c = g.constant(numbers(3003, 4), [143, 21]);
    const x = g.input("x", [143, 21]);
    const rows = g.constant(Float64Array.of(142, 0, 48, 49, 97, 98, 48), [7], "int");
    const moved = g.add(g.gather(c, rows, 0), g.gather(x, rows, 0));
    const shifted = g.slice(g.concat([c, x], 0), [40, 3], [50, 17]);
    await check(graphOf([moved, shifted, g.reduce("max", g.mul(c, x), [0])]), {
      x: numbers(3003, 5),
    });
  });

  test("in loops: written once, gathered by rows that the device draws, read back", async () => {
    const g = new GraphBuilder();
    const all = g.input("all", [997, 5]);
    const rows = g.input("rows", [64], "int");
    const sum = g.input("sum", [5]);
    const batch = g.gather(all, rows, 0);
    const spec = {
      graph: {
        inputs: [all, rows, sum],
        outputs: [
          { name: "next", node: g.add(sum, g.reduce("sum", batch, [0])) },
          { name: "batch", node: g.slice(batch, [0, 0], [16, 5]) },
        ],
      },
      state: { sum: "next" },
      noise: [{ input: "rows", site: 64, law: { kind: "rows", of: 997 } }] as const,
      trace: ["batch"],
      mostSteps: 8,
    };
    const values = numbers(997 * 5, 6);
    const ends = [];
    for (const d of [on, wide]) {
      const loop = await compileLoop(d, spec);
      loop.set({ all: values });
      loop.seed(9n, 0);
      const { batch: rowsOf } = await loop.steps(0, 8);
      const { sum: end, all: kept } = await loop.read(["sum", "all"]);
      expect(kept).toEqual(values);
      ends.push([...rowsOf, ...end]);
      loop.close();
    }
    expect(ends[0]).toEqual(ends[1]);
  });

  test("learning with minibatches and without: the params of a device with one buffer", async () => {
    const N = 1500;
    const x = Array.from({ length: N }, (_, k) => Math.sin(k));
    const data = { N, x, y: x.map((v, k) => 0.7 - 1.1 * v + 0.5 * Math.cos(5 * k)) };
    for (const batch of [{ N: 50 }, undefined]) {
      const method = svi({ ...(batch && { batch }), steps: 60, lr: 0.02, draws: 10 });
      const found = [];
      for (const d of [on, wide]) {
        const device: GraphDevice = asGraphDevice(d);
        found.push(flat((await learnOn(jobOf(lines, data, device), method)).params));
      }
      expect(found[0]).toEqual(found[1]);
    }
  });

  test("more than all buffers hold is refused with the sizes", async () => {
    const room = on.mostPieces * BYTES;
    expect(room).toBeGreaterThan(4 * BYTES);
    const g = new GraphBuilder();
    const n = room / 4 + 1;
    const failing = compileGraph(on, graphOf([g.sum(g.input("x", [n]))]));
    const error = await failing.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(TildeError);
    const { code, message, help } = (error as TildeError).diagnostics[0];
    expect(code).toBe("webgpu_too_large");
    expect(message).toContain(String(room + 16));
    expect(message).toContain(String(room));
    expect(help).toContain("batch");
  });
});
