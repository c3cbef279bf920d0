/** The math library of kernels: special functions written in kernel IR, by name. */
import type { KernelFunction } from "../ir.js";

const functions: ReadonlyMap<string, KernelFunction> = new Map(
  ([] as KernelFunction[]).map((fn) => [fn.name, fn]),
);

/** The library function of a name, such as `exp` or `lgamma`. */
export function mathFunction(name: string): KernelFunction | undefined {
  return functions.get(name);
}
