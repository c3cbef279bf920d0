/**
 * Memory of whole runs, from outside: the peak resident size of the process, in a child that
 * reports it as it exits. 4 chains × 10 000 draws × 1000 parameters hold 305 MiB of draws.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { scratchFolder } from "../helpers/cli.js";

const scratch = scratchFolder();
const main = pathToFileURL(join(import.meta.dirname, "../../dist/src/cli/main.js")).href;

const MIB = 2 ** 20;

/** Peak resident bytes of a process that runs the command; its fit may fail its diagnostics. */
function peakOf(...args: readonly string[]): number {
  // On Linux and macOS `maxRSS` is in KiB.
  const script = `
    import { main } from ${JSON.stringify(main)};
    process.on("exit", () => process.stderr.write("peak " + process.resourceUsage().maxRSS + "\\n"));
    await main(["node", "tilde", ...${JSON.stringify(args)}]);
  `;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    maxBuffer: 64 * MIB,
  });
  expect([0, 2], run.stderr).toContain(run.status);
  return 1024 * Number(/peak (\d+)/.exec(run.stderr)?.[1]);
}

const wide = scratch.file(
  "wide.ppl",
  "model wide() {\n  x ~ iid(Normal(0, 1), 1000)\n  let twice = 2 * x\n}\n",
);

test("4 × 10 000 draws of 1000 parameters under 1 GiB; into files, under a third of that", () => {
  const out = join(scratch.path, "wide");
  const flags = ["--warmup", "200", "--draws", "10000", "--json"];
  const held = peakOf("run", wide, ...flags);
  expect(held).toBeGreaterThan(305 * MIB);
  expect(held).toBeLessThan(1024 * MIB);
  const streamed = peakOf("run", wide, ...flags, "--out", out);
  rmSync(out, { recursive: true });
  expect(streamed).toBeLessThan(340 * MIB);
});

test("a run does not grow with its length, but for its draws", () => {
  const narrow = scratch.file("narrow.ppl", "model narrow() {\n  x ~ iid(Normal(0, 1), 10)\n}\n");
  const flags = ["--warmup", "200", "--draws", "1000", "--json"];
  const short = peakOf("run", narrow, ...flags, "--thin", "1");
  // 4 million transitions rather than 4 thousand: even a byte lost in each would show.
  const long = peakOf("run", narrow, ...flags, "--thin", "1000");
  // Peaks of one command differ by a few MiB from run to run.
  expect(long - short).toBeLessThan(24 * MIB);
});

test("streamed draws take no memory: ten times as many, of 300 parameters, in files", () => {
  const model = scratch.file("many.ppl", "model many() {\n  x ~ iid(Normal(0, 1), 300)\n}\n");
  const out = join(scratch.path, "many");
  const peaks = ["4000", "40000"].map((draws) => {
    const flags = ["--chains", "2", "--warmup", "200", "--draws", draws, "--vars", "x[0],x[299]"];
    const peak = peakOf("run", model, ...flags, "--json", "--out", out);
    rmSync(out, { recursive: true });
    return peak;
  });
  // In memory the longer run's draws alone are 80 000 × 307 × 8 bytes, 187 MiB. What grows are the
  // columns of one variable while it is summarised, some ten of 0.6 MiB, and garbage of reading.
  expect(peaks[1] - peaks[0]).toBeLessThan(64 * MIB);
});
