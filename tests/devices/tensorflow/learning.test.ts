/** Cases of learning on TensorFlow in f64: the steps are the CPU's. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { learningCases } from "../run/learning-cases.js";
import { correctionError, stepNumbers } from "../run/long-runs.js";
import { turnCases, turnError } from "../run/turn-cases.js";
import { deviceForTests } from "./harness.js";
import { sameSteps } from "./learning.js";

const device = await deviceForTests("f64");
const single = await deviceForTests("f32");
afterAll(() => {
  device?.close();
  single?.close();
});

describe.skipIf(device === undefined)("learning on TensorFlow", () => {
  const on = device as GraphDevice;

  test.each(learningCases.filter((c) => c.isQuick === true))("$name", (own) => sameSteps(own, on));

  test.each(turnCases)("two graphs in turn, $name", async (own) => {
    expect(await turnError(own, on)).toBeLessThan(1e-12);
  });

  test.each(stepNumbers)(
    "Adam's correction after %i steps, in single precision",
    async (before) => {
      expect(await correctionError(single as GraphDevice, before)).toBeLessThan(1e-5);
    },
  );
});
