import { expect, test } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { emitModule } from "../../src/device/cpu/emit.js";
import { interpretKernels } from "../../src/kernel/interpret.js";
import { verifyModule } from "../../src/kernel/verify.js";
import { stream } from "../../src/math/rng/index.js";
import { LENGTH, RandomKernel } from "./random-kernel.js";

const MODULES = 60;

test("interpreter, scalar wasm and SIMD wasm agree to the bit on random kernels", () => {
  let vectorised = 0;
  for (let seed = 0; seed < MODULES; seed++) {
    const module = new RandomKernel(stream(seed, 0, 0, 0)).module();
    verifyModule(module);
    const { wasm } = emitModule(module);
    const main = wasm.functions.find(({ name }) => name === "main")!;
    if (main.code.some(({ op }) => op.startsWith("v128") || op.startsWith("f64x2"))) vectorised++;
    for (const n of [seed % LENGTH, LENGTH]) {
      const reference = interpretKernels(module);
      const expected = reference.call("main", n, 0.75);
      for (const simd of [false, true]) {
        const program = compileKernels(module, { simd, sharedMemory: seed % 2 === 0 });
        const instance = instantiate(program, createMemory(program, 2), 1);
        const label = `seed ${seed}, n ${n}, simd ${simd}`;
        expect(instance.call("main", n, 0.75), label).toBe(expected);
        for (const name of ["a", "b", "wide"]) {
          expect(instance.f64(name), `${label}: ${name}`).toEqual(reference.f64(name));
        }
        expect(instance.i32("j"), `${label}: j`).toEqual(reference.i32("j"));
      }
    }
  }
  // The test would be vacuous if the parallel loops stayed scalar.
  expect(vectorised).toBeGreaterThan(MODULES / 2);
});
