/** Memory that does not suffice. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");

describe.skipIf(device === undefined)("errors on TensorFlow", () => {
  const on = device as GraphDevice;

  test("memory that does not suffice, and a state that survives", async () => {
    const g = new GraphBuilder();
    // 3.2 PB: no machine has it. TensorFlow waits ten seconds for some to be freed.
    const n = 20_000_000;
    const s = g.input("s", []);
    const all = g.broadcast(g.exp(s), [n, n], []);
    const huge = g.sum(g.cumulative("sum", all, 0, { reverse: false, exclusive: false }));
    const loop = await on.compileLoop({
      graph: { inputs: [s], outputs: [{ name: "next", node: g.add(s, huge) }] },
      state: { s: "next" },
      noise: [],
      trace: ["next"],
      mostSteps: 3,
    });
    loop.set({ s: [7] });
    const error: unknown = await loop.steps(0, 3).catch((e) => e);
    expect(error).toBeInstanceOf(TildeError);
    const [{ code, message }] = (error as TildeError).diagnostics;
    expect(code).toBe("tensorflow_memory");
    expect(message).toContain("taking steps 0 to 2");
    expect((await loop.read(["s"])).s).toEqual(Float64Array.of(7));
    loop.close();
  });
});
