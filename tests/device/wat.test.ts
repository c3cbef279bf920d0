import { expect, test } from "vitest";
import wabt from "wabt";
import { emitModule } from "../../src/device/cpu/emit.js";
import { encodeModule } from "../../src/device/cpu/encode.js";
import { printWat } from "../../src/device/cpu/wat.js";
import {
  add,
  call,
  f64,
  get,
  giveBack,
  i32,
  index,
  load,
  loop,
  mul,
  set,
} from "../../src/kernel/build.js";
import type { KernelModule, Local } from "../../src/kernel/ir.js";
import { mathFunctions, rngBuffers } from "../../src/kernel/mathlib/index.js";

const total: Local = { name: "total", type: "f64" };

const small: KernelModule = {
  buffers: [
    { name: "x", element: "f64", length: 3, region: "constant", data: Float64Array.of(1, 2, 3) },
    { name: "w", element: "f64", length: 3, region: "workspace" },
  ],
  functions: [
    {
      name: "dot",
      params: [],
      result: "f64",
      exported: true,
      body: [
        set(total, f64(0)),
        loop(
          "i",
          i32(0),
          i32(3),
          [set(total, add(get(total), mul(load("x", index("i")), load("w", index("i")))))],
          { reductions: [{ local: "total", fn: "add" }] },
        ),
        giveBack(get(total)),
      ],
    },
  ],
};

/** Every math function, scalar and (where it has one) two-lane, called on unit-stride loads. */
function everything(): KernelModule {
  const unary = [...mathFunctions()].filter(({ params, result }) => {
    return result === "f64" && params.length === 1 && params[0].type === "f64";
  });
  return {
    buffers: [...small.buffers, ...rngBuffers],
    functions: unary.map(({ name }) => ({
      name: `all_${name}`,
      params: [],
      result: "f64",
      exported: true,
      body: [
        set(total, f64(0)),
        loop(
          "i",
          i32(0),
          i32(3),
          [set(total, add(get(total), call(name, [load("x", index("i"))])))],
          { reductions: [{ local: "total", fn: "add" }] },
        ),
        giveBack(get(total)),
      ],
    })),
  };
}

test.each([true, false])(
  "the text assembles to the bytes, shared memory: %s",
  async (sharedMemory) => {
    const { parseWat } = await wabt();
    for (const module of [small, everything()]) {
      const { wasm } = emitModule(module, { sharedMemory });
      const text = printWat(wasm).replaceAll("#", "_");
      const parsed = parseWat("module.wat", text, { simd: true, threads: true });
      // This validator knows no shared memories.
      if (!sharedMemory) parsed.validate();
      const { buffer } = parsed.toBinary({ write_debug_names: true });
      const bytes = encodeModule(wasm);
      expect(new WebAssembly.Module(bytes) instanceof WebAssembly.Module).toBe(true);
      expect(codeOf(buffer)).toEqual(codeOf(bytes));
      parsed.destroy();
    }
  },
);

/** The code section of a binary: the encodings of all function bodies. */
function codeOf(bytes: Uint8Array): Uint8Array {
  let at = 8;
  while (at < bytes.length) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    // wabt writes the section's size in five bytes: compare what follows.
    if (id === 10) return bytes.slice(at, at + size);
    at += size;
  }
  throw new Error("no code section");
}

test("a small module prints as expected", () => {
  expect(printWat(emitModule(small, { simd: false }).wasm)).toMatchInlineSnapshot(`
    "(module
      (import "env" "memory" (memory 1 65536 shared))
      (import "env" "base" (global $base i32))
      (func $dot (export "dot") (result f64)
        (local f64 i32 i32)
        global.get $base
        local.set 2
        f64.const 0
        local.set 0
        i32.const 0
        local.set 1
        block
          local.get 1
          i32.const 3
          i32.ge_s
          br_if 0
          loop
            local.get 0
            local.get 1
            i32.const 3
            i32.shl
            f64.load offset=0 align=8
            local.get 2
            local.get 1
            i32.const 3
            i32.shl
            i32.add
            f64.load offset=0 align=8
            f64.mul
            f64.add
            local.set 0
            local.get 1
            i32.const 1
            i32.add
            local.tee 1
            i32.const 3
            i32.lt_s
            br_if 0
          end
        end
        local.get 0
        return
      )
    )
    "
  `);
});
