/** Tilde in a page: the bundle needs nothing of Node, and gives what Node's gives. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type * as Tilde from "../../src/index.js";
import { hmc, infer, load, nuts } from "../../src/index.js";
import { findBrowser, runInPage } from "./browser.js";

const root = resolve(import.meta.dirname, "..", "..");
const folder = join(root, "dist", "page");
const entry = join(folder, "tilde.js");
const schools = join(root, "examples", "eight_schools");
const data = JSON.parse(readFileSync(join(schools, "data.json"), "utf8")) as Record<
  string,
  unknown
>;
const model = await load(join(schools, "model.ppl"));

const built = existsSync(entry);
if (!built) console.log("tests of the page are skipped: `npm run build` makes dist/page");

describe.skipIf(!built)("the bundle for pages", () => {
  test("asks Node for nothing", () => {
    const files = readdirSync(folder);
    const asking = files.filter((file) =>
      /["'`]node:/.test(readFileSync(join(folder, file), "utf8")),
    );
    expect(asking).toEqual([]);
    expect(files).toContain("worker.js");
  });

  test("draws the very numbers of Node, reads the library, and refuses files", async () => {
    // Node 20 has no `navigator`, which every page has.
    const scope = globalThis as { navigator?: object };
    scope.navigator ??= { hardwareConcurrency: 1 };
    const page = (await import(entry)) as typeof Tilde;
    const method = nuts({ chains: 2, warmup: 100, draws: 50 });
    const here = await infer(model, { data, method, seed: 3 });
    const there = page.compile(model.source.text);
    const posterior = await page.infer(there, { data, method, seed: 3 });
    expect(posterior.draws("theta").data).toEqual(here.draws("theta").data);

    const net = "import nn\nmodel m(x: real[2]) { let f = nn.dense(2, 1); y ~ Normal(f(x)[0], 1) }";
    expect(page.compile(net).name).toBe("m");
    await expect(posterior.save("fit")).rejects.toThrow("in a page there are no files");
  });
});

const browser = built ? findBrowser() : undefined;
if (browser === undefined) {
  console.log("tests in a browser are skipped: no Chromium (TILDE_CHROMIUM names one)");
}

/** A script's first lines. */
const begin = `
const { load, infer, nuts, hmc } = await import("/dist/page/tilde.js");
const model = await load("/examples/eight_schools/model.ppl");
const data = await (await fetch("/examples/eight_schools/data.json")).json();
`;

describe.skipIf(browser === undefined)("in a browser", () => {
  const program = browser ?? "";

  test("NUTS, over threads where the page is isolated: the same draws", {
    timeout: 240_000,
  }, async () => {
    const script = `${begin}
      const method = nuts({ chains: 4, warmup: 200, draws: 1000 });
      const fit = await infer(model, { data, method, seed: 3 });
      await say([crossOriginIsolated, [...fit.draws("mu").data]]);`;
    const [[, alone]] = (await runInPage(program, script, false)) as [[boolean, number[]]];
    expect(await runInPage(program, script, true)).toEqual([[true, alone]]);
    // A browser's WebAssembly may fuse products with sums where Node's does not: other last digits,
    // and after some steps other draws of one posterior, with five standard errors between them.
    const method = nuts({ chains: 4, warmup: 200, draws: 1000 });
    const here = await infer(model, { data, method, seed: 3 });
    const [row] = here.summary(["mu"]).rows;
    const mean = alone.reduce((sum, v) => sum + v, 0) / alone.length;
    expect(Math.abs(mean - row.mean)).toBeLessThan(5 * Math.SQRT2 * (row.mcseMean ?? 0));
  });

  test("HMC on the page's WebGPU", { timeout: 240_000 }, async () => {
    const script = `${begin}
      const method = hmc({ chains: 64, warmup: 150, draws: 100 });
      const fit = await infer(model, { data, method, seed: 3, device: "webgpu" });
      const [row] = fit.summary(["mu"]).rows;
      await say([row.mean, row.mcseMean]);`;
    const [answer] = await runInPage(program, script, false);
    const [mean, error] = answer as [number, number];
    const method = hmc({ chains: 64, warmup: 150, draws: 100 });
    const here = await infer(model, { data, method, seed: 3 });
    const [row] = here.summary(["mu"]).rows;
    // Two estimates of one mean: five standard errors of their difference.
    expect(Math.abs(mean - row.mean)).toBeLessThan(5 * Math.hypot(error, row.mcseMean ?? 0));
  });
});
