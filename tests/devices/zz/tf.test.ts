import { test } from "vitest";
import { readFileSync, statSync } from "node:fs";
import { compileLoop } from "../../../src/device/tensorflow/loop.js";
import { loadPackage } from "../../../src/device/tensorflow/package.js";
import { openTensorFlow } from "../../../src/device/tensorflow/index.js";
import { Scope } from "../../../src/device/tensorflow/graph/scope.js";
import { svi, vi } from "../../../src/run/methods.js";
import { fitGuide } from "../../../src/run/variational.js";
import { learnOn, jobOf, exampleJob } from "../run/fixtures.js";
import { parseJson } from "../../../src/run/data/files.js";
import { folder } from "../tensorflow/harness.js";
const log = (s: string) => process.stdout.write(`${s}\n`);
function cpu() { const c = process.cpuUsage(); return () => { const u = process.cpuUsage(c); return Math.round((u.user + u.system) / 1000); }; }
const dev = await openTensorFlow({ precision: "f64", folder });
const { addon } = loadPackage("f64", folder);
const spy = Object.create(addon, {
  loadSavedModel: { value: (f: string, t: string) => { const c = cpu(); const m = addon.loadSavedModel(f, t); log(`  load ${c()} cpu, ${statSync(f + "/saved_model.pb").size} bytes`); return m; } },
  runSavedModel: { value: (...a: any[]) => { const c = cpu(); const m = (addon.runSavedModel as any)(...a); const d = c(); if (d > 4) log(`  run ${d} cpu ${a[3].slice(0, 40)}`); return m; } },
});
const orig = Scope.prototype.ops; let count = 0; const ops = new Map<string, number>();
Scope.prototype.ops = function (this: Scope, ...a: any) { count++; ops.set(a[0], (ops.get(a[0]) ?? 0) + 1); return (orig as any).apply(this, a); };
const on = { ...dev, compileLoop: async (s: any) => { count = 0; ops.clear(); const c = cpu(); const l = compileLoop(spy, s, "double"); log(`compileLoop ${c()} cpu, ${count} ops; ${JSON.stringify([...ops].sort((a, b) => b[1] - a[1]).slice(0, 12))}`); return l; } };
for (const k of [0, 1]) test(`p${k}`, async () => {
  log("eight");
  await fitGuide(exampleJob("eight_schools", on).run, vi({ steps: 100, draws: 10 }));
  log("vae");
  const raw = parseJson("data.json", readFileSync("examples/vae/data.json", "utf8"));
  await learnOn(jobOf(readFileSync("examples/vae/model.ppl", "utf8"), raw, on), svi({ batch: { N: 100 }, steps: 4, draws: 2 }));
}, 1e6);
