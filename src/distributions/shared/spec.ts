/** Short forms for parameter lists, and reading of the arguments of one draw. */
import { internalError } from "../../base/internal.js";
import type { Node } from "../../tensor/ops.js";
import type { HostArgs, NodeArgs, ParamDomain, ParamSpec } from "../contract.js";

/** A scalar parameter. */
export function scalar(name: string, domain: ParamDomain): ParamSpec {
  return { name, rank: 0, domain };
}
/** A vector parameter. */
export function vector(name: string, domain: ParamDomain): ParamSpec {
  return { name, rank: 1, domain };
}
/** A square matrix parameter. */
export function matrix(name: string, domain: ParamDomain): ParamSpec {
  return { name, rank: 2, domain };
}

/** The node of an argument that this parameterisation must have. */
export function arg(args: NodeArgs, name: string): Node {
  return args[name] ?? internalError(`no argument ${name}`);
}

/** A scalar argument of a draw. */
export function number(args: HostArgs, name: string): number {
  const value = args[name];
  if (typeof value === "number") return value;
  return internalError(`argument ${name} of a draw is not a number`);
}

/** A vector argument of a draw, or a row-major matrix. */
export function array(args: HostArgs, name: string): Float64Array {
  const value = args[name];
  if (value instanceof Float64Array) return value;
  return internalError(`argument ${name} of a draw is not an array`);
}

/** The side of a row-major square matrix. */
export function sideOf(m: Float64Array): number {
  const n = Math.round(Math.sqrt(m.length));
  return n * n === m.length ? n : internalError(`${m.length} elements are no square matrix`);
}
