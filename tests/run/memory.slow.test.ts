/**
 * Memory of whole processes, as the command starts them: the largest resident set, and whether it
 * grows with the length of a run that keeps the same number of draws.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const built = existsSync(join(root, "dist/src/run/worker.js"));
if (!built) console.warn("skipped: memory is measured on the build, and dist is missing");

/** Tells the largest resident set, in KiB, when the process ends. */
const meter =
  "data:text/javascript,process.on('exit',()=>console.error('maxrss='+process.resourceUsage().maxRSS))";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tilde-memory-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Largest resident set of `tilde run`, in MiB. */
async function peak(text: string, args: readonly string[]): Promise<number> {
  const path = join(folder, "model.ppl");
  await writeFile(path, text);
  const command = ["--import", meter, join(root, "bin/tilde.js"), "run", path, ...args];
  // A fit whose diagnostics warn ends with code 2, and has run all the same.
  const { stderr } = await promisify(execFile)(process.execPath, command).catch((error) => {
    if (error.code === 2) return error as { stderr: string };
    throw error;
  });
  const kibibytes = /maxrss=(\d+)/.exec(stderr)?.[1];
  if (kibibytes === undefined) throw new Error(`no figure in ${stderr}`);
  return Number(kibibytes) / 1024;
}

test.skipIf(!built)("4 × 10 000 draws of 1000 parameters stay under 1 GiB", async () => {
  const out = join(folder, "out");
  const used = await peak("model m() { x ~ iid(Normal(0, 1), 1000) }", [
    ...["--draws", "10000", "--warmup", "300", "--out", out],
  ]);
  console.log(`4 × 10 000 × 1000: ${used.toFixed(0)} MiB`);
  // The draws alone are 305 MiB, so that less would mean that they were not kept.
  expect(used).toBeGreaterThan(305);
  expect(used).toBeLessThan(1024);
  expect((await stat(join(out, "draws.csv"))).size).toBeGreaterThan(4e8);
});

test.skipIf(!built)("lets of as many elements do not add their draws", async () => {
  const text = "model m() { x ~ iid(Normal(0, 1), 1000); let y = 2 * x }";
  const args = ["--draws", "5000", "--warmup", "300", "--out", join(folder, "lets")];
  const used = await peak(text, args);
  console.log(`4 × 5000 × (1000 + 1000 of a let): ${used.toFixed(0)} MiB`);
  // 153 MiB of draws, 32 MiB of gathered columns, and the process, which is less than 150 MiB; the
  // draws of the let would be 153 MiB more.
  expect(used).toBeLessThan(153 + 32 + 150);
});

test.skipIf(!built)("memory does not grow over a long run", async () => {
  const text = "model m() { x ~ iid(Normal(0, 1), 10) }";
  const run = (thin: number): Promise<number> =>
    peak(text, ["--draws", "1000", "--warmup", "300", "--thin", String(thin)]);
  const quarter = await run(250);
  const whole = await run(1000);
  console.log(`long run: ${quarter.toFixed(0)} MiB at a quarter, ${whole.toFixed(0)} at its end`);
  // 10 bytes left behind by each of the three million transitions between would be 29 MiB.
  expect(whole - quarter).toBeLessThan(24);
});
