/** Standard normal draws inside kernels: the ziggurat of ziggurat.ts on Philox words. */
import {
  add,
  and,
  binary,
  call,
  convert,
  div,
  f64,
  get,
  giveBack,
  gt,
  i32,
  i64,
  index,
  load,
  lt,
  mul,
  neg,
  or,
  set,
  store,
  sub,
  when,
  whileLoop,
} from "../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Local, Stmt } from "../../kernel/ir.js";
import { drawWords, loadKey, philoxRounds, SITES, WORDS } from "./random.js";
import { LAYERS, TAIL_START, zigguratEdges, zigguratHeights } from "./ziggurat.js";

/** The tables, as constants of the module. */
export function zigguratBuffers(): readonly Buffer[] {
  const edges = zigguratEdges();
  const table = (name: string, data: Float64Array): Buffer => ({
    name,
    element: "f64",
    length: data.length,
    region: "constant",
    data,
  });
  return [table("ziggurat_x", edges), table("ziggurat_f", zigguratHeights(edges))];
}

const i64Local = (name: string): Local => ({ name, type: "i64" });
const i32Local = (name: string): Local => ({ name, type: "i32" });
const f64Local = (name: string): Local => ({ name, type: "f64" });

/** Two words, the first one low, as 64 bits. */
const joined = (low: Expr, high: Expr): Expr => or(low, binary("shl", high, i64(32n)));
const layerOf = (bits: Expr): Expr => convert("i32_from_i64", and(bits, i64(BigInt(LAYERS - 1))));
/** The 53 high bits as a fraction in [0, 1). */
const fraction = (bits: Expr): Expr =>
  mul(convert("f64_from_i64", binary("shr_u", bits, i64(11n))), f64(2 ** -53));
/** The same in (0, 1), for logarithms. */
const openFraction = (bits: Expr): Expr => add(fraction(bits), f64(2 ** -54));
const edge = (at: Expr): Expr => load("ziggurat_x", at);
const height = (at: Expr): Expr => load("ziggurat_f", at);

/** What normals are drawn for: a function of that name fills the buffer from the site's streams. */
export interface NormalsUse {
  readonly name: string;
  readonly buffer: string;
  readonly site: number;
  /** The stream of the numbers that settle a draw whose first 64 bits did not. */
  readonly retrySite: number;
}

const momentumUse: NormalsUse = {
  name: "mc_normals",
  buffer: "p",
  site: SITES.momentum,
  retrySite: SITES.momentumRetry,
};
const retryName = (use: NormalsUse): string => `${use.name.replace(/s$/, "")}_retry`;

/**
 * `mc_normals(iteration, n)` writes n standard normals (one more if n is odd) to `p`; elements 2k
 * and 2k + 1 come from block k of the momentum stream. The same for other uses.
 */
export function normalsFunction(use: NormalsUse = momentumUse): KernelFunction {
  const iteration = i32Local("iteration");
  const n = i32Local("n");
  const i = index("i");
  const [w0, w1, w2, w3] = WORDS.map(get);
  return {
    name: use.name,
    params: [iteration, n],
    body: [
      ...loadKey,
      {
        kind: "for",
        index: "i",
        from: i32(0),
        to: get(n),
        step: 2,
        body: [
          ...philoxRounds(binary("shr_u", i, i32(1)), get(iteration), i32(use.site)),
          ...oneNormal(use, "a", joined(w0, w1), i, iteration),
          ...oneNormal(use, "b", joined(w2, w3), add(i, i32(1)), iteration),
        ],
      },
    ],
    exported: false,
  };
}

function oneNormal(
  use: NormalsUse,
  prefix: string,
  bits: Expr,
  element: Expr,
  iteration: Local,
): readonly Stmt[] {
  const word = i64Local(`${prefix}_bits`);
  const layer = i32Local(`${prefix}_layer`);
  const x = f64Local(`${prefix}_x`);
  const sign = binary("shl", and(get(word), i64(256n)), i64(55n));
  return [
    set(word, bits),
    set(layer, layerOf(get(word))),
    set(x, mul(fraction(get(word)), edge(get(layer)))),
    when(binary("ge", get(x), edge(add(get(layer), i32(1)))), [
      set(x, call(retryName(use), [get(x), get(layer), get(iteration), element])),
    ]),
    store(use.buffer, element, convert("f64_bits", or(convert("i64_bits", get(x)), sign))),
  ];
}

/**
 * `mc_normal_retry(x, layer, iteration, element)`: the size of a normal whose candidate x in
 * `layer` lies outside the part of the layer that is wholly under the density. Attempt k reads
 * block 256·element + k of its own stream.
 */
export function normalRetryFunction(use: NormalsUse = momentumUse): KernelFunction {
  const x = f64Local("x");
  const layer = i32Local("layer");
  const iteration = i32Local("iteration");
  const element = i32Local("element");
  const attempt = i32Local("attempt");
  const [first, second] = [i64Local("first"), i64Local("second")];
  const beyond = f64Local("beyond");
  const word = (k: number): Expr => convert("i64_from_u32", load("mc_words", i32(k), "i32"));
  const f0 = height(get(layer));
  const f1 = height(add(get(layer), i32(1)));
  const level = add(f0, mul(openFraction(get(first)), sub(f1, f0)));
  return {
    name: retryName(use),
    params: [x, layer, iteration, element],
    result: "f64",
    body: [
      set(attempt, mul(get(element), i32(256))),
      whileLoop(i32(1), [
        drawWords(get(attempt), get(iteration), use.retrySite),
        set(first, joined(word(0), word(1))),
        set(second, joined(word(2), word(3))),
        when(
          binary("eq", get(layer), i32(0)),
          // The tail, by Marsaglia (1964): an exponential beyond its start.
          [
            set(beyond, div(neg(call("log", [openFraction(get(first))])), f64(TAIL_START))),
            when(
              gt(
                mul(f64(-2), call("log", [openFraction(get(second))])),
                mul(get(beyond), get(beyond)),
              ),
              [giveBack(add(f64(TAIL_START), get(beyond)))],
            ),
          ],
          // The part of the layer that the density cuts.
          [
            when(lt(level, call("exp", [mul(mul(f64(-0.5), get(x)), get(x))])), [giveBack(get(x))]),
            set(layer, layerOf(get(second))),
            set(x, mul(fraction(get(second)), edge(get(layer)))),
            when(lt(get(x), edge(add(get(layer), i32(1)))), [giveBack(get(x))]),
          ],
        ),
        set(attempt, add(get(attempt), i32(1))),
      ]),
      giveBack(get(x)),
    ],
    exported: false,
  };
}
