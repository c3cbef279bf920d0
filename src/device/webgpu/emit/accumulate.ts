/** Loops that combine many elements in one thread, and how vectors of results combine. */
import type { ReduceFn } from "../../../tensor/ops.js";
import { foldText } from "../wgsl/elementwise.js";
import type { Ix } from "./indices.js";
import type { ValueEmitter } from "./values.js";

export const LANES_OF_FOUR = [0, 1, 2, 3] as const;

export interface Loop {
  /** Of the accumulator `acc`, which is there already. */
  readonly type: "f32" | "vec4<f32>";
  /** Every `stride`-th number from `from` on, below `to`: about `count` of them. */
  readonly from: string;
  readonly to: string;
  readonly stride: number;
  readonly count: number;
  /** One running result will do; else blocks of about the root of `count` have one each. */
  readonly isShort: boolean;
  readonly start: string;
  readonly combine: (a: string, b: string) => string;
  /** What is combined at a number; written inside of the loop. */
  readonly value: (k: Ix) => string;
}

/** `acc` combined with all values of the loop. */
export function accumulate(emitter: ValueEmitter, loop: Loop): void {
  const { scopes } = emitter;
  const { from, to, stride, start, combine } = loop;
  const k = scopes.name("k");
  const inner = (acc: string): string =>
    scopes.within(false, () => {
      const value = loop.value({ text: k, depth: scopes.depth });
      scopes.line(`${acc} = ${combine(acc, value)};`);
    });
  if (loop.isShort) {
    scopes.line(`for (var ${k} = ${from}; ${k} < ${to}; ${k} += ${stride}u) {\n${inner("acc")}\n}`);
    return;
  }
  const block = Math.max(16, Math.ceil(Math.sqrt(loop.count))) * stride;
  const outer = scopes.name("k");
  const body = scopes.within(false, () => {
    scopes.line(`var part = ${start};`);
    scopes.line(`let stop = min(${to}, ${outer} + ${block}u);`);
    scopes.line(
      `for (var ${k} = ${outer}; ${k} < stop; ${k} += ${stride}u) {\n${inner("part")}\n}`,
    );
    scopes.line(`acc = ${combine("acc", "part")};`);
  });
  scopes.line(
    `for (var ${outer} = ${from}; ${outer} < ${to}; ${outer} += ${block}u) {\n${body}\n}`,
  );
}

/** A vector of the same four numbers. */
export function vectorOf(text: string): string {
  return `vec4<f32>(${text})`;
}

/** Two vectors by a reduction's rule, which is one of numbers; operands are names. */
export function combineVectors(fn: ReduceFn): (a: string, b: string) => string {
  const { combine } = foldText[fn];
  if (fn === "sum" || fn === "prod") return combine;
  const call = fn === "max" ? "m_max4" : "m_min4";
  return (a, b) => `${call}(${a}, ${b})`;
}
