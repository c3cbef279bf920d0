/** Rows of minibatches through the contract: the CPU's kernels against the oracle. */
import { describe, test } from "vitest";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { expectShuffles, shuffleSizes } from "../shuffles.js";

describe("rows of minibatches through the contract", () => {
  test.each(shuffleSizes)("of %i, %i a step", async (all, rows) => {
    await expectShuffles(openCpuGraphs(), all, rows);
  });
});
