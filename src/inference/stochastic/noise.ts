/**
 * Random inputs of an objective, drawn inside its module: before each step every buffer is filled
 * from streams of its own, keyed by seed, step and buffer, so that step t sees the same numbers
 * however the steps are cut into calls.
 */
import {
  add,
  binary,
  convert,
  f64,
  get,
  i32,
  index,
  loop,
  mul,
  perform,
  set,
  store,
  unary,
} from "../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Local, Stmt } from "../../kernel/ir.js";
import {
  type NormalsUse,
  normalRetryFunction,
  normalsFunction,
  zigguratBuffers,
} from "../hamiltonian/normal.js";
import { loadKey, philoxFunction, philoxRounds, SITES, WORDS } from "../hamiltonian/random.js";

/** How the numbers of a buffer are distributed, independently of each other. */
export type NoiseLaw =
  | { readonly kind: "normal" }
  /** On (0, 1). */
  | { readonly kind: "uniform" }
  /** Whole numbers 0 … of − 1, with replacement: the rows of a minibatch. */
  | { readonly kind: "index"; readonly of: number };

export interface Noise {
  /** A buffer of the module with room for one number more where `length` is odd. */
  readonly buffer: string;
  readonly length: number;
  readonly law: NoiseLaw;
  /** The stream's site; absent, twice the place in the list after `SITES.noise`. */
  readonly site?: number;
}

/** The site of the stream that fills the buffer at place `k`; the next one settles its normals. */
export function noiseSite({ site }: Noise, k: number): number {
  return site ?? SITES.noise + 2 * k;
}

/** Numbers of a buffer of `length`: normals are drawn in pairs. */
export function noiseRoom(length: number): number {
  return length + (length % 2);
}

/** Buffers and functions that the noise needs; `noise(step)` fills all of it. */
export function noiseKernels(noise: readonly Noise[]): {
  readonly buffers: readonly Buffer[];
  readonly functions: readonly KernelFunction[];
} {
  const step: Local = { name: "step", type: "i32" };
  const functions: KernelFunction[] = [philoxFunction()];
  const body: Stmt[] = [];
  noise.forEach((own, k) => {
    const { buffer, length, law } = own;
    if (length === 0) return;
    const name = `noise_${k}s`;
    const site = noiseSite(own, k);
    if (law.kind === "normal") {
      const use: NormalsUse = { name, buffer, site, retrySite: site + 1 };
      functions.push(normalRetryFunction(use), normalsFunction(use));
      body.push(perform(name, [get(step), i32(length)]));
    } else {
      functions.push(uniformsFunction(name, buffer, site, length, law));
      body.push(perform(name, [get(step)]));
    }
  });
  functions.push({ name: "noise", params: [step], body, exported: true });
  return {
    functions,
    buffers: [
      { name: "mc_key", element: "i32", length: 3, region: "workspace" },
      { name: "mc_words", element: "i32", length: 8, region: "workspace" },
      ...zigguratBuffers(),
    ],
  };
}

/** Two uniforms of 53 bits a block: odd multiples of 2⁻⁵⁴. */
function uniformsFunction(
  name: string,
  buffer: string,
  site: number,
  length: number,
  law: Exclude<NoiseLaw, { kind: "normal" }>,
): KernelFunction {
  const step: Local = { name: "step", type: "i32" };
  const at: Local = { name: "at", type: "i32" };
  const [w0, w1, w2, w3] = WORDS.map(get);
  const uniform = (low: Expr, high: Expr): Expr => {
    const bits = (w: Expr, shift: number): Expr =>
      convert(
        "f64_from_i64",
        binary("shr_u", w, { kind: "const", type: "i64", value: BigInt(shift) }),
      );
    const whole = add(mul(bits(high, 6), f64(2 ** 27)), bits(low, 5));
    return mul(add(mul(whole, f64(2)), f64(1)), f64(2 ** -54));
  };
  const value = (u: Expr): Expr =>
    law.kind === "uniform" ? u : unary("floor", mul(u, f64(law.of)));
  return {
    name,
    params: [step],
    exported: false,
    body: [
      ...loadKey,
      loop("block", i32(0), i32(Math.ceil(length / 2)), [
        ...philoxRounds(index("block"), get(step), i32(site)),
        set(at, mul(index("block"), i32(2))),
        store(buffer, get(at), value(uniform(w0, w1))),
        store(buffer, add(get(at), i32(1)), value(uniform(w2, w3))),
      ]),
    ],
  };
}

/** Sets the streams' key: two words of the seed and a run's number. */
export function seedNoise(key: Int32Array, seed: number | bigint, run: number): void {
  const wide = BigInt(seed);
  key[0] = Number(BigInt.asIntN(32, wide));
  key[1] = Number(BigInt.asIntN(32, wide >> 32n));
  key[2] = run;
}
