/** Diagnostic texts of choosing a device and running on it. */
import { error, warning } from "./entry.js";

/** An error that single precision makes, with its numbers. */
export interface Rough {
  readonly name: string;
  readonly what: string;
  readonly device: string;
  readonly exact: string;
  readonly error: string;
  readonly limit: string;
}

export const deviceMessages = {
  device_method: error((p: { method: string; device: string; known: readonly string[] }) => ({
    message: `\`${p.method}\` does not run on the device \`${p.device}\``,
    help: `these methods do: ${p.known.join(", ")}; \`${p.method}\` runs on the CPU`,
  })),
  device_step: error((p: { method: string; device: string; step: string; reason: string }) => ({
    message: `\`${p.method}\` of this model does not run on the device \`${p.device}\`: ${p.step} has no program there, since ${p.reason}`,
    help: "leave `device` out: the CPU takes every step; `auto` stays on the CPU by itself",
  })),
  device_unchecked: warning((p: { name: string }) => ({
    message: `single precision on ${p.name} was not compared with double precision: the CPU has no room for these data`,
    help: "compare a run on a part of the data with the CPU's",
  })),
  device_imprecise: error((p: Rough) => ({
    message: `single precision is not enough for this model: ${p.what} is ${p.device} on ${p.name} and ${p.exact} in double precision, an error of ${p.error} where ${p.limit} is allowed`,
    help: "standardise the data, or choose the CPU device",
  })),
  device_rough: warning((p: Rough) => ({
    message: `single precision is rough for this model: ${p.what} is ${p.device} on ${p.name} and ${p.exact} in double precision, an error of ${p.error}, above ${p.limit}`,
    help: "standardise the data, or check the result on the CPU device",
  })),
} as const;
