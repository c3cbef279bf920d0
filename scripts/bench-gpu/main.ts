/**
 * `npm run bench:gpu -- [--device webgpu|tensorflow|cpu] [--size tiny|middle|full] [--out FOLDER]
 * [--bandwidth GB/s] [--peak TFLOP/s]`: checks every op on the device, then measures kernels,
 * learning, many chains and mixtures, and the same by NumPyro and JAX where the Python that
 * `TILDE_PEERS_PYTHON` names (or `python3`) has them. Kernels are timed kind by kind where WebGPU's adapter
 * has timestamps. Writes bench-gpu.json and bench-gpu.md. The
 * card's bandwidth and peak, where given, turn figures into shares.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { TildeError } from "../../src/base/diagnostic.js";
import type { GraphDevice, GraphDeviceName } from "../../src/device/contract.js";
import { asGraphDevice, openGpu } from "../../src/device/webgpu/index.js";
import { openers } from "../../src/run/device/open.js";
import { type KernelProbe, kernelProbe } from "./kernels.js";
import { mixtureLines } from "./mixtures.js";
import { checkOps } from "./ops.js";
import { measurePeers } from "./peers.js";
import { chainLines, kernelLines, type Line, learningLines } from "./programs.js";
import { markdown, type Report } from "./report.js";
import { sizes } from "./sizes.js";

const { values: flags } = parseArgs({
  options: {
    device: { type: "string", default: "webgpu" },
    size: { type: "string", default: "full" },
    out: { type: "string", default: "." },
    bandwidth: { type: "string" },
    peak: { type: "string" },
  },
});
const size = sizes[flags.size as keyof typeof sizes];
const open = openers[flags.device as GraphDeviceName];
if (size === undefined || open === undefined) {
  console.error("--size is tiny, middle or full; --device is webgpu, tensorflow or cpu");
  process.exit(1);
}
/** What an error says, with what to do about it; our own mistakes with where they are. */
function told(error: unknown): string {
  if (error instanceof TildeError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The device, and where it can be had a probe of its kernels, else why not. */
async function opened(): Promise<{ device: GraphDevice; probe?: KernelProbe; why?: string }> {
  if (flags.device !== "webgpu") {
    return { device: await open(), why: "kernels are timed on WebGPU only" };
  }
  const gpu = await openGpu();
  if (!gpu.features.includes("timestamp-query")) {
    return { device: asGraphDevice(gpu), why: "the adapter has no `timestamp-query`" };
  }
  const probe = kernelProbe(gpu);
  return { device: probe.device, probe };
}

const opening = performance.now();
const { device, probe, why } = await opened().catch((error: unknown) => {
  console.error(told(error));
  process.exit(1);
});
const openMilliseconds = performance.now() - opening;
const say = (text: string): void => console.error(text);
say(`${device.name}: ${device.description}`);
const checks = await checkOps(device);
say(
  `${checks.filter((c) => c.passed).length} of ${checks.length} ops and functions agree with f64`,
);
const lines: Line[] = [];
const failed: { readonly name: string; readonly reason: string }[] = [];
for (const part of [kernelLines, learningLines, chainLines, mixtureLines]) {
  for (const { name, measure } of part(device, size)) {
    try {
      await probe?.rows();
      const measured = await measure();
      const kernels = await probe?.rows();
      const line = { ...measured, ...(kernels !== undefined && { kernels }) };
      say(`${line.name}: ${line.microseconds.toPrecision(4)} µs`);
      lines.push(line);
    } catch (error) {
      failed.push({ name, reason: told(error) });
      say(`${name}: ${told(error)}`);
    }
  }
}
device.close();
const peers = measurePeers(lines, size.seconds);
if (peers.kind === "absent") say(`NumPyro and JAX are not measured: ${peers.reason}`);
const report: Report = {
  device: device.name,
  description: device.description,
  precision: device.precision,
  details: device.details,
  node: process.version,
  size: flags.size,
  openMilliseconds,
  checks,
  lines,
  failed,
  peers,
  ...(why !== undefined && { noKernels: why }),
  ...(flags.bandwidth !== undefined && { bandwidth: Number(flags.bandwidth) }),
  ...(flags.peak !== undefined && { peak: Number(flags.peak) }),
};
mkdirSync(flags.out, { recursive: true });
writeFileSync(join(flags.out, "bench-gpu.json"), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(join(flags.out, "bench-gpu.md"), markdown(report));
console.log(markdown(report));
if (failed.length > 0 || checks.some((c) => !c.passed)) process.exitCode = 1;
