/**
 * The time from a model's text to the first step of inference, split by stage, of eight schools and
 * of a VAE on each device: each run is a process of its own. Run by hand:
 *   npx tsc -p tsconfig.bench.json && node dist/scripts/bench/first-step.js [models] [devices] [repeats]
 * such as `schools,vae cpu,tensorflow 5`. TensorFlow is found through TILDE_TENSORFLOW, a software
 * Vulkan where tests/devices/webgpu/setup-vulkan.mjs put it. Processor time is what a busy machine's
 * clock does not say.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "./figures.js";
import type { FirstStep } from "./first-step-run.js";

const child = fileURLToPath(new URL("first-step-run.js", import.meta.url));
/** Stages that are no part of the way from the text to the step. */
const AROUND = /^(Node|modules|opening|\()/;

/** Where there is a software Vulkan, what its loader has to be told. */
function vulkan(): NodeJS.ProcessEnv {
  const lib = resolve("node_modules/.cache/tilde-vulkan/usr/lib");
  const icd = join(lib, "chromium/vk_swiftshader_icd.json");
  if (process.env.VK_DRIVER_FILES !== undefined || !existsSync(icd)) return {};
  return { VK_DRIVER_FILES: icd, LD_LIBRARY_PATH: join(lib, "x86_64-linux-gnu") };
}

function once(model: string, device: string): FirstStep {
  const { status, stdout, stderr } = spawnSync(process.execPath, [child, model, device], {
    encoding: "utf8",
    env: { ...process.env, ...vulkan() },
  });
  if (status !== 0) throw new Error(`${model} on ${device}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as FirstStep;
}

const [models = "schools,vae", devices = "cpu", repeats = "5"] = process.argv.slice(2);
const cases = models.split(",").flatMap((m) => devices.split(",").map((d) => [m, d] as const));
const found = cases.map((): FirstStep[] => []);
// In turns, so that whatever else the machine does meets all of them.
for (let k = 0; k < Number(repeats); k++) {
  for (const [c, [model, device]] of cases.entries()) found[c].push(once(model, device));
}
for (const [c, [model, device]] of cases.entries()) {
  const runs = found[c];
  console.log(`\n${model} on ${device}, milliseconds: processor time, clock (medians)`);
  const line = (name: string, pick: (run: FirstStep) => { wall: number; used: number }): void => {
    const parts = runs.map(pick);
    const cells = [median(parts.map((p) => p.used)), median(parts.map((p) => p.wall))];
    console.log(`  ${name.padEnd(44)}${cells.map((v) => v.toFixed(1).padStart(9)).join("")}`);
  };
  runs[0].stages.forEach(({ stage }, k) => {
    line(stage, (run) => run.stages[k]);
  });
  line("text to the first step", (run) => {
    const own = run.stages.filter((s) => !AROUND.test(s.stage));
    const sum = (key: "wall" | "used") => own.reduce((n, s) => n + s[key], 0);
    return { wall: sum("wall"), used: sum("used") };
  });
  for (const { label, bytes, wall } of runs[0].pipelines) {
    console.log(
      `    kernel ${label.slice(0, 50).padEnd(52)}${bytes} bytes, done at ${wall.toFixed(0)}`,
    );
  }
}
