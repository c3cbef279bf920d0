/** States of chains as one row of numbers. */
import { internalError } from "../base/internal.js";

/** The parts behind each other. */
export function pack(parts: readonly ArrayLike<number>[]): Float64Array {
  const out = new Float64Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Fills `parts` with what `pack` made of them. */
export function unpack(state: Float64Array, parts: readonly Float64Array[]): void {
  let at = 0;
  for (const part of parts) {
    part.set(state.subarray(at, at + part.length));
    at += part.length;
  }
  if (at !== state.length) internalError(`a state of ${state.length} numbers where ${at} are`);
}
