import { readFileSync } from "node:fs";
import { test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { openTensorFlow } from "../../../src/device/tensorflow/index.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { svi, vi } from "../../../src/run/methods.js";
import { fitGuide } from "../../../src/run/variational.js";
import { learnOn, jobOf, exampleJob } from "../run/fixtures.js";
import { parseJson } from "../../../src/run/data/files.js";
import { deviceForTests } from "../webgpu/harness.js";
import { folder } from "../tensorflow/harness.js";

const log = (s: string) => process.stdout.write(`${s}\n`);
function clock() {
  const t = performance.now(), c = process.cpuUsage();
  return () => { const d = process.cpuUsage(c); return `${(performance.now() - t).toFixed(0)} ms wall, ${((d.user + d.system) / 1000).toFixed(0)} ms cpu`; };
}
function traced(d: GraphDevice, all: () => string): GraphDevice {
  let first = true;
  return { ...d,
    compileGraph: async (g) => { const c = clock(); const p = await d.compileGraph(g); log(`   compileGraph ${c()}`); return p; },
    compileLoop: async (spec) => {
      log(`   before compileLoop: ${all()}`);
      const c = clock(); const p = await d.compileLoop(spec); log(`   compileLoop ${c()}`);
      return { ...p, set: (v) => { const c = clock(); p.set(v); log(`   set ${Object.keys(v)} ${c()}`); },
       steps: async (f, n) => { const c = clock(); const r = await p.steps(f, n); if (first || f === 0) { log(`   steps ${f}+${n} ${c()}; all: ${all()}`); } if (f === 0) first = false; return r; } };
    } };
}
const which = process.env.WHICH ?? "tensorflow";
const o = clock();
const dev = which === "tensorflow" ? await openTensorFlow({ precision: "f64", folder }) : asGraphDevice((await deviceForTests())!);
log(`open ${o()}`);
for (const round of [0, 1]) {
  test(`eight ${round}`, async () => {
    const all = clock();
    log(`eight ${round}`);
    const job = exampleJob("eight_schools", traced(dev, all));
    log(`   front ${all()}`);
    await fitGuide(job.run, vi({ steps: 100, draws: 10 }));
  }, 1e6);
  test(`vae ${round}`, async () => {
    const raw = parseJson("data.json", readFileSync("examples/vae/data.json", "utf8"));
    const all = clock();
    log(`vae ${round}`);
    const job = jobOf(readFileSync("examples/vae/model.ppl", "utf8"), raw, traced(dev, all));
    log(`   front ${all()}`);
    await learnOn(job, svi({ batch: { N: 100 }, steps: 4, draws: 2 }));
  }, 1e6);
}
