/** A run in a process of its own that is killed outright, and goes on. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadFit } from "../../../src/index.js";
import { eightSchools, ended, scratchFolder, startTilde, tildeProcess } from "../../helpers/cli.js";

const scratch = scratchFolder();
const flags = ["--chains", "2", "--warmup", "500", "--draws", "30000", "--seed", "8", "--json"];

/** Resolves when the file has so many bytes, and fails where the process ends before. */
async function grown(path: string, bytes: number, isAlive: () => boolean): Promise<void> {
  while (!existsSync(path) || statSync(path).size < bytes) {
    if (!isAlive()) throw new Error("the run was over before it could be killed");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test("kill -9 in the middle: finished blocks are read, and the rest becomes what it would have", async () => {
  const whole = join(scratch.path, "whole");
  const out = join(scratch.path, "killed");
  expect((await tildeProcess("run", ...eightSchools, ...flags, "--out", whole)).code).not.toBe(1);
  const expected = await loadFit(whole);
  // Twice: once in the first blocks, once behind what the second process made.
  let known = 0;
  for (const [command, bytes] of [
    [["run", ...eightSchools, ...flags, "--out", out], 550_000],
    [["resume", out, "--json"], 1_700_000],
  ] as const) {
    const child = startTilde(...command);
    const end = ended(child);
    await grown(join(out, "chain-0.draws"), bytes, () => child.exitCode === null);
    child.kill("SIGKILL");
    expect((await end).signal).toBe("SIGKILL");
    const read = await loadFit(out);
    expect(read.interrupted).toBe(true);
    const draws = read.fit.chains[0].draws;
    expect(draws).toBeGreaterThan(known);
    expect(draws).toBeLessThan(30_000);
    known = draws;
    const width = read.draws("mu").data.length / read.fit.chains.length;
    expect(read.draws("mu").data.subarray(0, width)).toEqual(
      expected.draws("mu").data.subarray(0, width),
    );
  }
  const done = await tildeProcess("resume", out, "--json");
  expect(done.code).not.toBe(1);
  const fit = await loadFit(out);
  expect(fit.interrupted).toBe(false);
  fit.fit.chains.forEach((chain, k) => {
    const other = expected.fit.chains[k];
    const bytes = (x: Float64Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
    expect(bytes(chain.values).equals(bytes(other.values))).toBe(true);
    for (const name of ["lp", "energy", "accept_stat", "n_leapfrog"] as const) {
      const [a, b] = [chain.statistics[name], other.statistics[name]];
      expect(a !== undefined && b !== undefined && bytes(a).equals(bytes(b)), name).toBe(true);
    }
  });
  const figures = (text: string) => JSON.parse(text).variables as unknown;
  const again = await tildeProcess("resume", whole, "--json");
  expect(figures(done.out)).toEqual(figures(again.out));
}, 120_000);
