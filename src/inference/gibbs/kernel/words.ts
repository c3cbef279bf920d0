/**
 * The words of a random stream in kernels, those of `RandomStream` (Philox4x32-10; Salmon, Moraes,
 * Dror and Shaw 2011), several blocks at a time: the ten rounds of a block wait for each other, so
 * that neighbouring blocks cost little more than one.
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
  perform,
  set,
  store,
  when,
} from "../../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Local, Stmt } from "../../../kernel/ir.js";

/** The seed's two words, low first, and the chain. */
export const KEY = "gibbs_key";

/** Blocks at a time, a power of two. */
const BLOCKS = 2;
const WORDS = 4 * BLOCKS;

/** Of `gibbs_words`: the words, how many are drawn, then block, step and site of the counter. */
const USED = WORDS;
const BLOCK = WORDS + 1;
const STEP = WORDS + 2;
const SITE = WORDS + 3;

export const wordBuffers: readonly Buffer[] = [
  { name: KEY, element: "i32", length: 3, region: "workspace" },
  { name: "gibbs_words", element: "i32", length: WORDS + 4, region: "workspace" },
];

const at = (slot: number): Expr => load("gibbs_words", i32(slot), "i32");
const put = (slot: number, value: Expr): Stmt => store("gibbs_words", i32(slot), value);

/** Begins the stream of a block (`site`) and sweep. */
export function seedStream(site: number, sweep: Expr): Stmt {
  return perform("gibbs_seed", [i32(site), sweep]);
}

function seed(): KernelFunction {
  const [site, step] = [
    { name: "site", type: "i32" },
    { name: "step", type: "i32" },
  ] as const;
  return {
    name: "gibbs_seed",
    params: [site, step],
    body: [
      put(USED, i32(WORDS)),
      put(BLOCK, i32(0)),
      put(STEP, get(step)),
      put(SITE, get(site)),
      giveBack(),
    ],
    exported: false,
  };
}

const M0 = 0xd2511f53n;
const M1 = 0xcd9e8d57n;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;
const LOW = i64(0xffffffffn);

/** Fills the words from the next blocks of the stream. Words are zero-extended in i64 locals. */
function refill(): KernelFunction {
  const wide = (name: string): Local => ({ name, type: "i64" });
  const x = Array.from({ length: BLOCKS }, (_, b) => [0, 1, 2, 3].map((k) => wide(`x${b}_${k}`)));
  const [k0, k1] = [wide("k0"), wide("k1")];
  const extended = (e: Expr): Expr => convert("i64_from_u32", e);
  const key = (k: number): Expr => load(KEY, i32(k), "i32");
  const xor = (a: Expr, b: Expr): Expr => binary("xor", a, b);
  const high = (e: Expr): Expr => binary("shr_u", e, i64(32n));
  const body: Stmt[] = [];
  x.forEach(([a, b, c, d], block) => {
    body.push(
      set(a, extended(add(at(BLOCK), i32(block)))),
      set(b, extended(at(STEP))),
      set(c, extended(at(SITE))),
      set(d, extended(key(2))),
    );
  });
  for (let round = 0; round < ROUNDS; round++) {
    body.push(
      set(k0, extended(add(key(0), i32(Math.imul(round, W0))))),
      set(k1, extended(add(key(1), i32(Math.imul(round, W1))))),
    );
    const products = x.map((_, b) => [wide(`p${b}`), wide(`r${b}`)]);
    x.forEach(([a, , c], b) => {
      body.push(
        set(products[b][0], mul(get(a), i64(M0))),
        set(products[b][1], mul(get(c), i64(M1))),
      );
    });
    x.forEach(([a, b, c, d], block) => {
      const [p, r] = products[block].map(get);
      body.push(
        set(a, xor(xor(high(r), get(b)), get(k0))),
        set(b, and(r, LOW)),
        set(c, xor(xor(high(p), get(d)), get(k1))),
        set(d, and(p, LOW)),
      );
    });
  }
  x.forEach((words, block) => {
    words.forEach((w, k) => {
      body.push(put(4 * block + k, convert("i32_from_i64", get(w))));
    });
  });
  body.push(put(BLOCK, add(at(BLOCK), i32(BLOCKS))), giveBack());
  return { name: "gibbs_refill", params: [], body, exported: false };
}

/** The next two words, the first one low. Kernels draw words in pairs only. */
function pair(): KernelFunction {
  const used: Local = { name: "used", type: "i32" };
  const word = (k: number): Expr =>
    convert("i64_from_u32", load("gibbs_words", add(get(used), i32(k)), "i32"));
  return {
    name: "gibbs_pair",
    params: [],
    result: "i64",
    body: [
      set(used, at(USED)),
      when(eq(get(used), i32(WORDS)), [perform("gibbs_refill", []), set(used, i32(0))]),
      put(USED, add(get(used), i32(2))),
      giveBack(binary("or", word(0), binary("shl", word(1), i64(32n)))),
    ],
    exported: false,
  };
}

/** Uniform on (0, 1): `RandomStream.uniform`, an odd multiple of 2⁻⁵³ from 26 bits of each word. */
function uniform(): KernelFunction {
  const bits: Local = { name: "bits", type: "i64" };
  const first = and(binary("shr_u", get(bits), i64(6n)), i64(0x3ffffffn));
  const second = binary("shr_u", get(bits), i64(38n));
  const odd = binary(
    "or",
    binary("or", binary("shl", first, i64(27n)), binary("shl", second, i64(1n))),
    i64(1n),
  );
  return {
    name: "gibbs_uniform",
    params: [],
    result: "f64",
    body: [
      set(bits, call("gibbs_pair", [], "i64")),
      giveBack(mul(convert("f64_from_i64", odd), f64(2 ** -53))),
    ],
    exported: false,
  };
}

export const wordFunctions = (): readonly KernelFunction[] => [seed(), refill(), pair(), uniform()];
