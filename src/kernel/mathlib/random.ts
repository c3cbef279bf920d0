/**
 * Random draws in kernels: the same streams, word for word, as `RandomStream` of src/math/rng
 * (Philox4x32-10 keyed by the seed, counter = block, step, site, chain). The state of the current
 * stream is in workspace buffers, so chains do not disturb each other.
 */
import {
  add,
  and,
  binary,
  call,
  convert,
  eq,
  f64,
  get,
  giveBack,
  i32,
  i64,
  load,
  mul,
  neg,
  perform,
  set,
  store,
  when,
} from "../build.js";
import type { Buffer, Expr, KernelFunction, Local, Stmt } from "../ir.js";
import { type Body, newBody, sqrt } from "./define.js";

/**
 * The buffers that a module with `rng_seed`, `rng_word`, `uniform01`, `normal` or `exponential`
 * must declare.
 */
export const rngBuffers: readonly Buffer[] = [
  { name: "rng", element: "i32", length: 12, region: "workspace" },
  { name: "rng_spare", element: "f64", length: 1, region: "workspace" },
];

/** Elements of `rng`. */
const KEY = 0;
const COUNTER = 2; // block, step, site, chain
const USED = 6; // words of the block already drawn
const WORDS = 7;
const HAS_SPARE = 11; // whether rng_spare holds a normal draw

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

const xor = (x: Expr, y: Expr): Expr => binary("xor", x, y);
const at = (slot: number): Expr => load("rng", i32(slot), "i32");
const put = (slot: number, value: Expr): Stmt => store("rng", i32(slot), value);

/** Salmon et al. (2011), section 4.3: fills the words of the current block. */
function philoxBlock(): KernelFunction {
  const { stmts, body: b } = newBody();
  let [x0, x1, x2, x3] = [0, 1, 2, 3].map((k) => b.let(at(COUNTER + k)));
  const key = [b.let(at(KEY)), b.let(at(KEY + 1))];
  for (let round = 0; round < ROUNDS; round++) {
    const first = wideProduct(b, x0, M0);
    const second = wideProduct(b, x2, M1);
    const k0 = add(key[0], i32(Math.imul(round, W0)));
    const k1 = add(key[1], i32(Math.imul(round, W1)));
    const next0 = b.let(xor(xor(second.high, x1), k0));
    const next2 = b.let(xor(xor(first.high, x3), k1));
    [x0, x1, x2, x3] = [next0, second.low, next2, first.low];
  }
  for (const [k, word] of [x0, x1, x2, x3].entries()) stmts.push(put(WORDS + k, word));
  return { name: "philox_block", params: [], body: stmts, exported: false };
}

/** The 64-bit product of two unsigned 32-bit words, as halves. */
function wideProduct(b: Body, x: Expr, m: number): { high: Expr; low: Expr } {
  const wide = b.let(mul(convert("i64_from_u32", x), i64(BigInt(m))));
  return {
    high: b.let(convert("i32_from_i64", binary("shr_u", wide, i64(32n)))),
    low: b.let(convert("i32_from_i64", wide)),
  };
}

/** `rng_seed(key0, key1, chain, site, step)`: the start of a stream (see `stream`). */
function rngSeed(): KernelFunction {
  const param = (name: string): Local => ({ name, type: "i32" });
  const [key0, key1, chain, site, step] = ["key0", "key1", "chain", "site", "step"].map(param);
  return {
    name: "rng_seed",
    params: [key0, key1, chain, site, step],
    exported: false,
    body: [
      put(KEY, get(key0)),
      put(KEY + 1, get(key1)),
      put(COUNTER, i32(0)),
      put(COUNTER + 1, get(step)),
      put(COUNTER + 2, get(site)),
      put(COUNTER + 3, get(chain)),
      put(USED, i32(4)),
      put(HAS_SPARE, i32(0)),
    ],
  };
}

/** The next uniform 32-bit word. */
function rngWord(): KernelFunction {
  const used: Local = { name: "used", type: "i32" };
  return {
    name: "rng_word",
    params: [],
    result: "i32",
    exported: false,
    body: [
      when(eq(at(USED), i32(4)), [
        perform("philox_block", []),
        put(COUNTER, add(at(COUNTER), i32(1))),
        put(USED, i32(0)),
      ]),
      set(used, at(USED)),
      put(USED, add(get(used), i32(1))),
      giveBack(load("rng", add(get(used), i32(WORDS)), "i32")),
    ],
  };
}

/** Uniform on (0, 1): an odd multiple of 2⁻⁵³ from the 26 high bits of two words. */
function uniform01(): KernelFunction {
  const { stmts, body: b } = newBody();
  const bits = () => binary("shr_u", call("rng_word", [], "i32"), i32(6));
  const high = b.let(convert("f64_from_i32", bits()));
  const low = b.let(convert("f64_from_i32", bits()));
  const odd = add(add(mul(high, f64(134217728)), mul(low, f64(2))), f64(1));
  stmts.push(giveBack(mul(odd, f64(2 ** -53))));
  return { name: "uniform01", params: [], result: "f64", body: stmts, exported: false };
}

/** Standard normal by Box and Muller (1958); the second of a pair waits in `rng_spare`. */
function normal(): KernelFunction {
  const { stmts, body: b } = newBody();
  const zero = i32(0);
  stmts.push(
    when(and(at(HAS_SPARE), i32(1)), [put(HAS_SPARE, zero), giveBack(load("rng_spare", zero))]),
  );
  const u = b.let(call("uniform01", []));
  const radius = b.let(sqrt(mul(f64(-2), call("log", [u]))));
  const angle = b.let(mul(f64(2 * Math.PI), call("uniform01", [])));
  stmts.push(
    store("rng_spare", zero, mul(radius, call("sin", [angle]))),
    put(HAS_SPARE, i32(1)),
    giveBack(mul(radius, call("cos", [angle]))),
  );
  return { name: "normal", params: [], result: "f64", body: stmts, exported: false };
}

/** Exponential of rate 1. */
function exponential(): KernelFunction {
  const value = neg(call("log", [call("uniform01", [])]));
  return {
    name: "exponential",
    params: [],
    result: "f64",
    body: [giveBack(value)],
    exported: false,
  };
}

export const randomFunctions: readonly KernelFunction[] = [
  philoxBlock(),
  rngSeed(),
  rngWord(),
  uniform01(),
  normal(),
  exponential(),
];
