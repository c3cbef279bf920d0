/**
 * The math library of kernels: special functions written once in kernel IR, for the interpreter,
 * scalar WebAssembly and, where branch-free, two lanes. Names are those of `UnaryFn`, `BinaryFn`
 * and `TernaryFn` in src/tensor/ops.ts; other names are helpers of these.
 */
import { internalError } from "../../base/internal.js";
import type { KernelFunction } from "../ir.js";
import { besselFunctions } from "./bessel.js";
import { errorFunctions } from "./error-function.js";
import { exponentialFunctions } from "./exponential.js";
import { gammaFunctions } from "./gamma.js";
import { incompleteFunctions } from "./incomplete.js";
import { randomFunctions } from "./random.js";
import { trigonometricFunctions } from "./trigonometric.js";

const functions = collect([
  ...exponentialFunctions,
  ...trigonometricFunctions,
  ...errorFunctions,
  ...gammaFunctions,
  ...incompleteFunctions,
  ...besselFunctions,
  ...randomFunctions,
]);

function collect(list: readonly KernelFunction[]): ReadonlyMap<string, KernelFunction> {
  const byName = new Map(list.map((fn) => [fn.name, fn]));
  if (byName.size !== list.length) internalError("two math functions of one name");
  return byName;
}

/** The library function of a name, such as `exp` or `lgamma`. */
export function mathFunction(name: string): KernelFunction | undefined {
  return functions.get(name);
}

/** Every library function. */
export function mathFunctions(): Iterable<KernelFunction> {
  return functions.values();
}
export { rngBuffers } from "./random.js";
