/**
 * Random numbers of the samplers, inside kernels: Philox4x32-10 of src/math/rng/philox.ts with
 * counter (block, iteration, site, chain), so that every number is a function of where it is used
 * and results do not depend on threads. The sites here lie above any site of a model.
 */
import {
  add,
  and,
  binary,
  convert,
  f64,
  get,
  i32,
  i64,
  load,
  mul,
  perform,
  set,
  store,
} from "../../kernel/build.js";
import type { Expr, KernelFunction, Local, Stmt } from "../../kernel/ir.js";

/** What a stream of the samplers is for; the counter's third word. */
export const SITES = {
  momentum: 0x7fff0001,
  /** Numbers that settle a normal draw whose first 64 bits did not. */
  momentumRetry: 0x7fff0002,
  /** Directions of a NUTS trajectory, and the choice between it and each new half. */
  doubling: 0x7fff0003,
  /** The choice of a point within a new half. */
  leaf: 0x7fff0004,
  /** Jitter and acceptance of static HMC. */
  acceptance: 0x7fff0005,
  /** Starting points. */
  start: 0x7fff0006,
  /** Draws of the Laplace approximation. */
  laplace: 0x7fff0007,
  /** Noise of stochastic optimisation, buffer by buffer: twice as many streams from here on. */
  noise: 0x7fff0100,
} as const;

const LOW_WORD = i64(0xffffffffn);
const M0 = i64(0xd2511f53n);
const M1 = i64(0xcd9e8d57n);
const W0 = 0x9e3779b9n;
const W1 = 0xbb67ae85n;
const ROUNDS = 10;

const local = (name: string): Local => ({ name, type: "i64" });
const xor = (x: Expr, y: Expr): Expr => binary("xor", x, y);
const high = (x: Expr): Expr => binary("shr_u", x, i64(32n));

/** The four words that `philoxRounds` leaves in locals, each zero-extended to i64. */
export const WORDS: readonly Local[] = ["w0", "w1", "w2", "w3"].map(local);

/** Loads the key into locals, from which `philoxRounds` reads it. */
export const loadKey: readonly Stmt[] = [
  set(local("key0"), convert("i64_from_u32", load("mc_key", i32(0), "i32"))),
  set(local("key1"), convert("i64_from_u32", load("mc_key", i32(1), "i32"))),
  set(local("chain"), convert("i64_from_u32", load("mc_key", i32(2), "i32"))),
];

/**
 * Philox4x32-10 of the counter (c0, c1, c2, chain) under the loaded key, into `WORDS`. Counter
 * words are i32. Words are kept as zero-extended i64, so that one product gives both halves.
 */
export function philoxRounds(c0: Expr, c1: Expr, c2: Expr): readonly Stmt[] {
  const [w0, w1, w2, w3] = WORDS;
  const [product0, product1] = [local("product0"), local("product1")];
  const statements: Stmt[] = [
    set(w0, convert("i64_from_u32", c0)),
    set(w1, convert("i64_from_u32", c1)),
    set(w2, convert("i64_from_u32", c2)),
    set(w3, get(local("chain"))),
  ];
  for (let round = 0n; round < ROUNDS; round++) {
    const key = (name: string, weyl: bigint): Expr =>
      round === 0n
        ? get(local(name))
        : and(add(get(local(name)), i64((round * weyl) & 0xffffffffn)), LOW_WORD);
    statements.push(
      set(product0, mul(M0, get(w0))),
      set(product1, mul(M1, get(w2))),
      set(w0, xor(xor(high(get(product1)), get(w1)), key("key0", W0))),
      set(w1, and(get(product1), LOW_WORD)),
      set(w2, xor(xor(high(get(product0)), get(w3)), key("key1", W1))),
      set(w3, and(get(product0), LOW_WORD)),
    );
  }
  return statements;
}

/** Places of two blocks in `mc_words`, so that one does not overwrite the other. */
export const NEAR_WORDS = 0;
export const FAR_WORDS = 4;

/** `mc_philox(block, iteration, site, into)` writes a block to `mc_words` from `into` on. */
export function philoxFunction(): KernelFunction {
  const params: readonly Local[] = ["block", "iteration", "site", "into"].map((name) => ({
    name,
    type: "i32",
  }));
  const [block, iteration, site, into] = params.map(get);
  return {
    name: "mc_philox",
    params,
    body: [
      ...loadKey,
      ...philoxRounds(block, iteration, site),
      ...WORDS.map((w, k) => store("mc_words", add(into, i32(k)), convert("i32_from_i64", get(w)))),
    ],
    exported: false,
  };
}

/** Calls `mc_philox`. */
export function drawWords(
  block: Expr,
  iteration: Expr,
  site: number,
  into: typeof NEAR_WORDS | typeof FAR_WORDS = NEAR_WORDS,
): Stmt {
  return perform("mc_philox", [block, iteration, i32(site), i32(into)]);
}

/**
 * Word `k` of `mc_words` as a uniform on (0, 1), (word + 1/2)·2⁻³². For choices: it resolves
 * probabilities to 2⁻³², far below what any number of draws can show.
 */
export function uniformWord(k: Expr): Expr {
  const word = convert("f64_from_u32", load("mc_words", k, "i32"));
  return mul(add(word, f64(0.5)), f64(2 ** -32));
}
