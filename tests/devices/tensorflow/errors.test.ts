/** What goes wrong is said in one clear error. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { InternalError } from "../../../src/base/internal.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { openTensorFlow } from "../../../src/device/tensorflow/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { deviceForTests } from "./harness.js";

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (e) => e,
  );
  return error instanceof TildeError ? error.diagnostics[0].code : String(error);
}

test("a missing package is told with the command that installs it", async () => {
  const empty = mkdtempSync(join(tmpdir(), "tilde-test-"));
  try {
    const error: unknown = await openTensorFlow({ folder: empty }).catch((e) => e);
    expect(error).toBeInstanceOf(TildeError);
    const [{ code, help }] = (error as TildeError).diagnostics;
    expect(code).toBe("tensorflow_missing");
    expect(help).toContain("npm install @tensorflow/tfjs-node-gpu");
  } finally {
    rmSync(empty, { recursive: true });
  }
});

const device = await deviceForTests("f64");

describe.skipIf(device === undefined)("errors on TensorFlow", () => {
  const on = device as GraphDevice;

  test("other failures of TensorFlow are told too", async () => {
    const g = new GraphBuilder();
    const i = g.input("i", [1], "int");
    const node = g.gather(g.constant(Float64Array.of(1, 2, 3), [3]), i, 0);
    const program = await on.compileGraph({ inputs: [i], outputs: [{ name: "y", node }] });
    expect(await codeOf(program.run({ i: [7] }))).toBe("tensorflow_failed");
    // The program is as good as before.
    expect((await program.run({ i: [2] })).y).toEqual(Float64Array.of(3));
    program.close();
  });

  test("closed programs and devices are not used", async () => {
    const own = (await deviceForTests("f32")) as GraphDevice;
    const g = new GraphBuilder();
    const x = g.input("x", [2]);
    const graph = { inputs: [x], outputs: [{ name: "y", node: g.exp(x) }] };
    const [closed, left] = [await own.compileGraph(graph), await own.compileGraph(graph)];
    closed.close();
    closed.close();
    await expect(closed.run({})).rejects.toThrow(InternalError);
    expect((await left.run({})).y).toEqual(Float64Array.of(1, 1));
    own.close();
    await expect(left.run({})).rejects.toThrow(InternalError);
    await expect(own.compileGraph(graph)).rejects.toThrow(InternalError);
  });
});
