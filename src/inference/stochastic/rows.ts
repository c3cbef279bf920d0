/**
 * Minibatches inside a module: before each step a set of rows is drawn without replacement, uniform
 * over all sets, and the data of those rows are copied to where the objective reads them.
 */
import {
  add,
  binary,
  concurrent,
  convert,
  f64,
  i32,
  index,
  load,
  loop,
  mul,
  store,
  sub,
} from "../../kernel/build.js";
import type { Buffer, KernelFunction, Stmt } from "../../kernel/ir.js";
import { type Noise, noiseRoom } from "./noise.js";

/** Threads share copies of at least so many numbers, if there are at most so many rows. */
const SHARED = 2 ** 15;
const MOST_SHARED = 2048;

/** An array whose rows along one axis are drawn. */
export interface RowSource {
  /** The buffer that the rows are copied to. */
  readonly buffer: string;
  readonly data: Float64Array;
  /** Numbers of the axes before and behind the rows' own. */
  readonly outer: number;
  readonly inner: number;
}

/** Arrays that are cut along one size: they share the rows of a step. */
export interface RowGroup {
  readonly size: string;
  readonly all: number;
  readonly rows: number;
  readonly sources: readonly RowSource[];
}

/**
 * Buffers, uniform noise, and the function `rows()` that turns the noise into rows. The rows are the
 * beginning of a Fisher–Yates shuffle (Knuth, volume 2, algorithm P): whatever order the last step
 * left behind, each set of rows is as probable as any other.
 */
export function rowKernels(groups: readonly RowGroup[]): {
  readonly buffers: readonly Buffer[];
  readonly noise: readonly Noise[];
  readonly functions: readonly KernelFunction[];
} {
  const buffers: Buffer[] = [];
  const noise: Noise[] = [];
  const body: Stmt[] = [];
  for (const { size, all, rows, sources } of groups) {
    const [order, uniforms] = [`rows.${size}`, `uniforms.${size}`];
    buffers.push(
      {
        name: order,
        element: "i32",
        length: all,
        region: "workspace",
        data: Int32Array.from({ length: all }, (_, k) => k),
      },
      { name: uniforms, element: "f64", length: noiseRoom(rows), region: "workspace" },
    );
    noise.push({ buffer: uniforms, length: rows, law: { kind: "uniform" } });
    body.push(...shuffle(order, uniforms, all, rows));
    for (const { buffer, data, outer, inner } of sources) {
      const whole = `all.${buffer}`;
      buffers.push({ name: whole, element: "f64", length: data.length, region: "constant", data });
      const [o, b, i] = [index("o"), index("b"), index("i")];
      const to = add(mul(add(mul(o, i32(rows)), b), i32(inner)), i);
      const row = load(order, b, "i32");
      const from = add(mul(add(mul(o, i32(all)), row), i32(inner)), i);
      const copied = loop("i", i32(0), i32(inner), [store(buffer, to, load(whole, from))], {
        reductions: [],
      });
      const isShared = rows * inner >= SHARED && rows <= MOST_SHARED;
      body.push(
        loop("o", i32(0), i32(outer), [
          isShared ? concurrent("b", rows, [copied]) : loop("b", i32(0), i32(rows), [copied]),
        ]),
      );
    }
  }
  return { buffers, noise, functions: [{ name: "rows", params: [], body, exported: false }] };
}

/** Swaps each of the first `rows` places with a later one or itself. */
function shuffle(order: string, uniforms: string, all: number, rows: number): Stmt[] {
  const k = index("k");
  const left = convert("f64_from_i32", sub(i32(all), k));
  // A uniform number next to 1 may round to 1.
  const step = binary("min", mul(load(uniforms, k), left), sub(left, f64(1)));
  const other = { name: "other", type: "i32" } as const;
  const held = { name: "held", type: "i32" } as const;
  const at = (l: typeof other | typeof held) =>
    ({ kind: "local", type: l.type, name: l.name }) as const;
  return [
    loop("k", i32(0), i32(rows), [
      { kind: "set", local: other, value: add(k, convert("i32_from_f64", step)) },
      { kind: "set", local: held, value: load(order, k, "i32") },
      store(order, k, load(order, at(other), "i32")),
      store(order, at(other), at(held)),
    ]),
  ];
}
