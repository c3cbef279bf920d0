/** Names of devices, and which methods have programs for them. */
import { fail } from "../../base/diagnostic.js";
import type { Method, MethodName } from "../methods.js";

/** `auto` measures what is at hand and chooses. */
export const deviceChoices = ["cpu", "tensorflow", "webgpu", "auto"] as const;
export type DeviceChoice = (typeof deviceChoices)[number];

/** Methods that take whole graphs to a device. */
export const deviceMethods: readonly MethodName[] = [
  "svi",
  "nce",
  "vi",
  "nuts",
  "hmc",
  "em",
  "cavi",
  "gibbs",
  "map",
  "laplace",
];

/** @throws TildeError where the method has no program for devices */
export function checkDevice(method: Method, device: DeviceChoice | undefined): void {
  if (device === undefined || device === "cpu" || device === "auto") return;
  if (deviceMethods.includes(method.method)) return;
  fail("device_method", undefined, { method: method.method, device, known: deviceMethods });
}
