import { readFileSync } from "node:fs";
import { test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice, compileGraph, compileLoop } from "../../../src/device/webgpu/index.js";
import { svi, vi } from "../../../src/run/methods.js";
import { fitGuide } from "../../../src/run/variational.js";
import { learnOn, jobOf, exampleJob } from "../run/fixtures.js";
import { parseJson } from "../../../src/run/data/files.js";
import { deviceForTests } from "../webgpu/harness.js";

const gpu = await deviceForTests();
if (gpu === undefined) throw new Error("no device");
let what = "";
const log = (s: string) => process.stdout.write(`${s}\n`);
const dump = process.env.DUMP;
const on: GraphDevice = {
  ...asGraphDevice(gpu),
  compileGraph: async (g) => {
    const t = performance.now();
    const p = await compileGraph(gpu, g);
    log(`${what} graph: ${p.kernels.length} kernels, ${(performance.now() - t).toFixed(0)} ms`);
    return p;
  },
  compileLoop: async (spec) => {
    const t = performance.now();
    const p = await compileLoop(gpu, spec);
    log(`${what} loop: ${p.kernels.length} kernels, ${(performance.now() - t).toFixed(0)} ms to compile`);
    for (const k of p.kernels) log(`   ${k.groups} x ${k.label}`);
    if (dump === what) log(p.kernels.map((k) => k.code).join("\n=====\n"));
    return {
      ...p,
      steps: async (f, c) => {
        const s = performance.now();
        const r = await p.steps(f, c);
        if (f === 0 || c > 3) log(`   steps ${f}+${c}: ${(performance.now() - s).toFixed(1)} ms`);
        return r;
      },
    };
  },
};
const only = process.env.ONLY ?? "eight,logistic,vae";
test("eight", async () => {
  if (!only.includes("eight")) return;
  what = "eight";
  await fitGuide(exampleJob("eight_schools", on).run, vi({ steps: 100, draws: 10 }));
}, 1e6);
test("logistic", async () => {
  if (!only.includes("logistic")) return;
  what = "logistic";
  const N = 20000, D = 100;
  const text = readFileSync("examples/logistic_regression/model.ppl", "utf8");
  log(text);
  const m = `model logistic(N: int, D: int, x: real[N, D], y: int[N]) {
  b ~ iid(Normal(0, 1), D)
  for i in 0..N { observe y[i] ~ Bernoulli(logits: dot(x[i], b)) }
}
guide g(N: int, D: int, x: real[N, D], y: int[N]) for logistic {
  param m: real[D] = zeros(D)
  param s: real[D] = zeros(D)
  for d in 0..D { b[d] ~ Normal(m[d], exp(s[d])) }
}`;
  const x = Array.from({ length: N }, (_, i) => Array.from({ length: D }, (_, j) => Math.sin(i * 7 + j * j)));
  const y = x.map((r) => (r[0] + r[1] > 0 ? 1 : 0));
  for (const batch of [{ batch: { N: 1000 } }, {}]) {
    what = `logistic ${JSON.stringify(batch)}`;
    try { await learnOn(jobOf(m, { N, D, x, y }, on), svi({ ...batch, steps: 4, draws: 2 })); } catch (e) { log(String(e)); }
  }
}, 1e6);
test("vae", async () => {
  if (!only.includes("vae")) return;
  what = "vae";
  const job = jobOf(readFileSync("examples/vae/model.ppl", "utf8"), parseJson("data.json", readFileSync("examples/vae/data.json", "utf8")), on);
  await learnOn(job, svi({ batch: { N: 100 }, steps: 4, draws: 2 }));
}, 1e6);
