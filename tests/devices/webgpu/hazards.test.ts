/** What goes wrong on graphics cards, each with the answer that this device has for it. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { checkPrecision } from "../../../src/device/guard.js";
import { compileGraph, openGpu, type WebGpuDevice } from "../../../src/device/webgpu/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Graph, Node } from "../../../src/tensor/ops.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

function graphOf(...outputs: readonly Node[]): Graph {
  return {
    inputs: inputsOf(outputs),
    outputs: outputs.map((node, k) => ({ name: String(k), node })),
  };
}

async function failure(work: () => Promise<unknown>): Promise<TildeError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TildeError) return error;
    throw error;
  }
  throw new Error("nothing failed");
}

describe.skipIf(device === undefined)("hazards of WebGPU", () => {
  const on = device as WebGpuDevice;
  let g = new GraphBuilder();
  beforeEach(() => {
    g = new GraphBuilder();
  });

  test("the entry object outlives garbage collections", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    for (let k = 0; k < 3; k++) {
      const other = await openGpu();
      const program = await compileGraph(other, graphOf(g.exp(g.input("x", [4]))));
      collect();
      await new Promise((done) => setTimeout(done, 10));
      collect();
      expect((await program.run({ x: [0, 0, 0, 0] }))["0"]).toEqual(Float64Array.of(1, 1, 1, 1));
      other.close();
    }
  });

  test("closed programs give their buffers to the next one, and trimming frees them", async () => {
    const graph = (): Graph => graphOf(g.square(g.input("x", [100_000])));
    const sizes = new Set<unknown>();
    const { gpu } = on;
    const create = gpu.createBuffer.bind(gpu);
    let made = 0;
    gpu.createBuffer = (descriptor) => {
      made++;
      const buffer = create(descriptor);
      sizes.add(buffer);
      return buffer;
    };
    try {
      for (let k = 0; k < 5; k++) {
        const program = await compileGraph(on, graph());
        await program.run({ x: new Float64Array(100_000).fill(k) });
        program.close();
      }
      // Five buffers of a program and one to read back; later rounds find them in the pool.
      expect(made).toBeLessThanOrEqual(6);
      on.trim();
      const program = await compileGraph(on, graph());
      expect((await program.run({ x: new Float64Array(100_000).fill(3) }))["0"][99_999]).toBe(9);
      program.close();
    } finally {
      gpu.createBuffer = create;
    }
  });

  test("what was never given is 0, also in a buffer that was used before", async () => {
    const x = g.input("x", [1000]);
    const runs: Record<string, Float64Array>[] = [{ x: new Float64Array(1000).fill(7) }, {}];
    for (const given of runs) {
      const program = await compileGraph(on, graphOf(g.add(x, 1)));
      const expected = "x" in given ? 8 : 1;
      expect((await program.run(given))["0"]).toEqual(new Float64Array(1000).fill(expected));
      program.close();
    }
  });

  test("equal kernels are compiled once", async () => {
    const graph = (): Graph => graphOf(g.cos(g.input("x", [33])));
    (await compileGraph(on, graph())).close();
    const before = on.pipelineCount;
    (await compileGraph(on, graph())).close();
    expect(on.pipelineCount).toBe(before);
  });

  test("infinities and NaN are not assumed away", async () => {
    const x = g.input("x", [6]);
    const differs = g.ne(x, x);
    const program = await compileGraph(
      on,
      graphOf(g.log(x), differs, g.log1p(x), g.lt(x, g.constant(Infinity)), g.sub(x, x)),
    );
    const out = await program.run({ x: [0, 1e-8, NaN, Infinity, -Infinity, 1] });
    program.close();
    expect(out["0"][0]).toBe(-Infinity);
    expect([...out["1"]]).toEqual([0, 0, 1, 0, 0, 0]);
    expect(out["2"][1] / 1e-8).toBeCloseTo(1, 6);
    expect([...out["3"]]).toEqual([1, 1, 0, 0, 1, 1]);
    expect([...out["4"]]).toEqual([0, 0, NaN, NaN, NaN, 0]);
  });

  test("a sum of a million terms is exact to 1e-6, where a running sum in f32 is not", async () => {
    const n = 1_000_000;
    const x = Float64Array.from({ length: n }, (_, k) => Math.fround(0.1 + 0.01 * Math.sin(k)));
    const exact = x.reduce((s, v) => s + v, 0);
    const running = x.reduce((s, v) => Math.fround(s + v), 0);
    expect(Math.abs(running / exact - 1)).toBeGreaterThan(1e-5);
    const program = await compileGraph(on, graphOf(g.sum(g.input("x", [n]))));
    const [sum] = (await program.run({ x }))["0"];
    program.close();
    expect(Math.abs(sum / exact - 1)).toBeLessThan(1e-6);
  });

  test("a shader that does not compile names the kernel and where it comes from", async () => {
    const span = { source: { path: "m.ppl", text: "mu ~ Normal(0, 1)" }, start: 0, end: 2 };
    const error = await failure(() => on.pipeline("fn main( {", "`mu`", span));
    expect(error.diagnostics[0].code).toBe("webgpu_shader");
    expect(error.diagnostics[0].message).toContain("`mu`");
    expect(error.diagnostics[0].span).toEqual(span);
  });

  test("a program above the device's limits is refused with the numbers", async () => {
    const n = on.limits.maxStorageBufferBindingSize / 4 + 16;
    const error = await failure(() => compileGraph(on, graphOf(g.neg(g.input("x", [n])))));
    expect(error.diagnostics[0].code).toBe("webgpu_too_large");
    expect(error.message).toContain(String(on.limits.maxStorageBufferBindingSize));
  });

  test("buffers that are trimmed are destroyed before a submit, which frees them", () => {
    const { gpu } = on;
    const [create, submit] = [gpu.createBuffer.bind(gpu), gpu.queue.submit.bind(gpu.queue)];
    const events: string[] = [];
    gpu.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        events.push("destroy");
        destroy();
      };
      return buffer;
    };
    gpu.queue.submit = (commands) => {
      events.push("submit");
      submit(commands);
    };
    try {
      on.trim();
      events.length = 0;
      const usage = 0x80;
      on.giveBuffer(on.takeBuffer(64, usage), usage);
      on.trim();
      expect(events).toEqual(["destroy", "submit"]);
    } finally {
      gpu.createBuffer = create;
      gpu.queue.submit = submit;
    }
  });

  /** A driver that is out of memory so many times: the innermost scope, popped first, is for it. */
  async function outOfMemory<T>(times: number, work: () => Promise<T>): Promise<T> {
    const { gpu } = on;
    const pop = gpu.popErrorScope.bind(gpu);
    let scopes = 0;
    gpu.popErrorScope = async () => {
      const isFull = scopes % 3 === 0 && scopes < 3 * times;
      scopes++;
      const found = await pop();
      return isFull ? { message: "VK_ERROR_OUT_OF_DEVICE_MEMORY" } : found;
    };
    try {
      return await work();
    } finally {
      gpu.popErrorScope = pop;
    }
  }

  test("memory that does not suffice is one clear error, and the device goes on", async () => {
    const error = await failure(() =>
      outOfMemory(Infinity, () => compileGraph(on, graphOf(g.exp(g.input("x", [4]))))),
    );
    expect(error.diagnostics.map((d) => d.code)).toEqual(["webgpu_memory"]);
    expect(error.message).toContain("VK_ERROR_OUT_OF_DEVICE_MEMORY");
    const program = await compileGraph(on, graphOf(g.exp(g.input("y", [1]))));
    expect((await program.run({ y: [0] }))["0"]).toEqual(Float64Array.of(1));
    program.close();
  });

  test("a program that does not fit gets the memory of closed ones", async () => {
    (await compileGraph(on, graphOf(g.exp(g.input("x", [5000]))))).close();
    expect(on.pooledBytes).toBeGreaterThan(20_000);
    const program = await outOfMemory(1, () => compileGraph(on, graphOf(g.exp(g.input("z", [2])))));
    expect(on.pooledBytes).toBe(0);
    expect((await program.run({ z: [0, 0] }))["0"]).toEqual(Float64Array.of(1, 1));
    program.close();
  });

  test("a kernel that the driver rejects is told with its line of the model", async () => {
    const span = { source: { path: "m.ppl", text: "y ~ Normal(mu, 1)" }, start: 0, end: 1 };
    const x = g.withOrigin({ label: "y", span }, () => g.tan(g.input("x", [3])));
    const { gpu } = on;
    const create = gpu.createShaderModule.bind(gpu);
    gpu.createShaderModule = ({ label, code }) =>
      create({ label, code: code.replace("fn main", "fn other") });
    try {
      const error = await failure(() => compileGraph(on, graphOf(x)));
      const [{ code, message, span: found }] = error.diagnostics;
      expect(code).toBe("webgpu_shader");
      expect(message).toContain("y (unary tan [3])");
      expect(found).toEqual(span);
    } finally {
      gpu.createShaderModule = create;
    }
  });

  test("a lost device is one clear error", async () => {
    const other = await openGpu();
    const program = await compileGraph(other, graphOf(g.exp(g.input("x", [4]))));
    await program.run({ x: [1, 2, 3, 4] });
    other.gpu.destroy();
    await other.gpu.lost;
    const error = await failure(() => program.run({ x: [1, 2, 3, 4] }));
    expect(error.diagnostics.map((d) => d.code)).toEqual(["webgpu_lost"]);
  });
});

describe("the precision guard", () => {
  const gradient = [1, -2, 3];
  const exact = [-1e6, -1e6 - 5, -1e6 + 7].map((lp) => ({ lp, gradient }));
  const off = (by: readonly number[], factor = 1) =>
    exact.map((e, k) => ({ lp: e.lp + by[k], gradient: gradient.map((v) => v * factor) }));

  test("a constant that all log densities are off by does not count", () => {
    const { report, warnings } = checkPrecision(exact, off([4, 4.01, 4]), "WebGPU");
    expect(report.lpError).toBeCloseTo(0.01, 4);
    expect(warnings).toEqual([]);
  });

  test("rough results warn with the numbers", () => {
    const { warnings } = checkPrecision(exact, off([0, 0.2, 0]), "WebGPU");
    expect(warnings.map((w) => w.code)).toEqual(["device_rough"]);
    expect(warnings[0].message).toContain("is -4.8 on WebGPU and -5 in double precision");
    expect(checkPrecision(exact, off([0, 0, 0], 1.01), "WebGPU").warnings[0].message).toContain(
      "3.03",
    );
  });

  test.each([
    [[0, 3, 0], 1],
    [[0, 0, 0], 1.2],
    [[0, Number.NaN, 0], 1],
    [[Number.NEGATIVE_INFINITY, 0, 0], 1],
    [[0, 0, 0], Number.NaN],
  ])("wrong results are refused (%s, %d)", (by, factor) => {
    expect(() => checkPrecision(exact, off(by, factor), "WebGPU")).toThrow(TildeError);
  });
});
