/** Gibbs sampling of finite models with their labels drawn on TensorFlow. */
import { afterAll, describe, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { expectAssignments, expectSame, finiteCases } from "../run/finite-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
afterAll(() => device?.close());

describe.skipIf(device === undefined)("Gibbs sampling of finite models on TensorFlow", () => {
  const on = device as GraphDevice;

  test("all assignments of five items", { timeout: 240_000 }, async () => {
    await expectAssignments(on, 1200);
  });

  const quick = finiteCases.filter((c) => c.isQuick === true);
  test.each(quick)("$name", { timeout: 240_000 }, async (own) => {
    await expectSame(own, on, 500);
  });
});
