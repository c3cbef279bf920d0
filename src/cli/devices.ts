/** `tilde devices`: what there is to compute on, with a measured line each. */
import { type DeviceReport, reportDevices } from "../run/device/measure.js";
import type { ExitCode } from "./exit-code.js";
import { figure } from "./table.js";

interface DevicesFlags {
  readonly json?: boolean;
}

export async function devicesCommand(flags: DevicesFlags): Promise<ExitCode> {
  const reports = await reportDevices();
  process.stdout.write(
    flags.json ? `${JSON.stringify(reports, null, 2)}\n` : `${renderDevices(reports)}\n`,
  );
  return 0;
}

/** A paragraph a device. */
export function renderDevices(reports: readonly DeviceReport[]): string {
  return reports.map(paragraph).join("\n\n");
}

function paragraph({ name, found, missing }: DeviceReport): string {
  if (found === undefined) {
    const help = missing?.help === undefined ? [] : [`  ${missing.help}`];
    return [`${name}: not at hand`, `  ${missing?.message ?? ""}`, ...help].join("\n");
  }
  const { gigaflops, productSize: n, stepMicroseconds, openMilliseconds } = found;
  return [
    `${name}: ${found.description}, ${found.precision}`,
    ...Object.entries(found.details).map(([key, value]) => `  ${key}: ${value}`),
    `  measured: ${figure(gigaflops)} GFLOP/s in a ${n} × ${n} product, ${figure(stepMicroseconds)} µs a small step, opened in ${figure(openMilliseconds)} ms`,
  ].join("\n");
}
