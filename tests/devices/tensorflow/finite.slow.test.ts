/** The rest of the table of finite models on TensorFlow. */
import { afterAll, describe, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { expectSame, finiteCases } from "../run/finite-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
afterAll(() => device?.close());

describe.skipIf(device === undefined)("Gibbs sampling of finite models on TensorFlow", () => {
  const on = device as GraphDevice;

  const rest = finiteCases.filter((c) => c.isQuick !== true);
  test.each(rest)("$name", { timeout: 240_000 }, async (own) => {
    await expectSame(own, on, 500);
  });
});
