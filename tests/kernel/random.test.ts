import { expect, test } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { call, get, giveBack, perform } from "../../src/kernel/build.js";
import type { KernelModule, Local } from "../../src/kernel/ir.js";
import { rngBuffers } from "../../src/kernel/mathlib/index.js";
import { philoxKey, stream } from "../../src/math/rng/index.js";

function module(): KernelModule {
  const names = ["key0", "key1", "chain", "site", "step"];
  const params = names.map((name): Local => ({ name, type: "i32" }));
  const draw = (name: string, fn: string, type: "i32" | "f64") => ({
    name,
    params: [],
    result: type,
    exported: true,
    body: [giveBack(call(fn, [], type))],
  });
  return {
    buffers: rngBuffers,
    functions: [
      { name: "seed", params, exported: true, body: [perform("rng_seed", params.map(get))] },
      draw("word", "rng_word", "i32"),
      draw("uniform", "uniform01", "f64"),
      draw("gauss", "normal", "f64"),
      draw("waiting", "exponential", "f64"),
    ],
  };
}

function start(seed: number | bigint, chain: number, site: number, step: number) {
  const program = compileKernels(module());
  const instance = instantiate(program, createMemory(program, 1), 0);
  instance.call("seed", ...philoxKey(seed), chain, site, step);
  return { instance, host: stream(seed, chain, site, step) };
}

test("kernel words and uniforms are those of the host's stream", () => {
  for (const seed of [0, 42, -1, 0x123456789abcdefn]) {
    const { instance, host } = start(seed, 3, 7, 4000000000);
    for (let k = 0; k < 41; k++) expect(instance.call("word") >>> 0).toBe(host.word());
    for (let k = 0; k < 41; k++) expect(instance.call("uniform")).toBe(host.uniform());
  }
});

test("kernel normals and exponentials are the host's, but for rounding of log, sin and cos", () => {
  const { instance, host } = start(17, 1, 2, 3);
  for (let k = 0; k < 1001; k++) {
    // Absolute: sin and cos near their zeros; |z| < 9.
    expect(Math.abs(instance.call("gauss") - host.normal())).toBeLessThan(1e-14);
    const mine = instance.call("waiting");
    expect(Math.abs(mine / host.exponential() - 1)).toBeLessThan(4e-16);
  }
});

test("a new seed forgets the spare normal and the words left over", () => {
  const { instance, host } = start(5, 0, 0, 0);
  const first = instance.call("gauss");
  instance.call("seed", ...philoxKey(5), 0, 0, 0);
  expect(instance.call("gauss")).toBe(first);
  expect(Math.abs(first - host.normal())).toBeLessThan(1e-14);
});
