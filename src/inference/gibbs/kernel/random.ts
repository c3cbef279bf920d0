/**
 * Draws in kernels, word for word those of `GibbsStream`: normals by the ziggurat, gammas by
 * Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
 */
import {
  add,
  and,
  binary,
  call,
  convert,
  div,
  eq,
  f64,
  get,
  giveBack,
  gt,
  i32,
  i64,
  load,
  lt,
  mul,
  neg,
  set,
  sub,
  unary,
  when,
  whileLoop,
} from "../../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Local, Stmt } from "../../../kernel/ir.js";
import { sqrt } from "../../../kernel/mathlib/define.js";
import { zigguratBuffers } from "../../hamiltonian/normal.js";
import { LAYERS, TAIL_START } from "../../hamiltonian/ziggurat.js";
import { wordBuffers, wordFunctions } from "./words.js";

export { KEY, seedStream } from "./words.js";

export const real = (name: string): Local => ({ name, type: "f64" });
export const whole = (name: string): Local => ({ name, type: "i32" });

export const log = (x: Expr): Expr => call("log", [x]);
export const exp = (x: Expr): Expr => call("exp", [x]);
export const normalDraw = (): Expr => call("gibbs_normal", []);
export const uniformDraw = (): Expr => call("gibbs_uniform", []);
/** Gamma of shape ≥ 1 and rate 1. */
export const gammaDraw = (shape: Expr): Expr => call("gibbs_standard_gamma", [shape]);
export const logGammaDraw = (shape: Expr): Expr => call("gibbs_log_gamma", [shape]);

export const randomBuffers: readonly Buffer[] = [...wordBuffers, ...zigguratBuffers()];

/** `gibbs_normal()`: `GibbsStream.normal`, word for word. */
function standardNormal(): KernelFunction {
  const bits: Local = { name: "bits", type: "i64" };
  const layer = whole("layer");
  const [x, sign, beyond, level] = ["x", "sign", "beyond", "level"].map(real);
  const edge = (at: Expr): Expr => load("ziggurat_x", at);
  const height = (at: Expr): Expr => load("ziggurat_f", at);
  const position = mul(
    convert("f64_from_i64", binary("shr_u", get(bits), i64(11n))),
    f64(2 ** -53),
  );
  const candidate: readonly Stmt[] = [
    set(bits, call("gibbs_pair", [], "i64")),
    set(layer, convert("i32_from_i64", and(get(bits), i64(BigInt(LAYERS - 1))))),
    set(x, mul(position, edge(get(layer)))),
  ];
  const signBit = and(get(bits), i64(BigInt(LAYERS)));
  const exponential = (): Expr => neg(log(uniformDraw()));
  const signed = mul(get(sign), get(x));
  const next = add(get(layer), i32(1));
  return {
    name: "gibbs_normal",
    params: [],
    result: "f64",
    body: [
      ...candidate,
      // 1 − 2b: a branch would be wrong half of the time.
      set(sign, sub(f64(1), convert("f64_from_i64", binary("shr_u", signBit, i64(7n))))),
      whileLoop(unary("eqz", lt(get(x), edge(next))), [
        when(eq(get(layer), i32(0)), [
          whileLoop(i32(1), [
            set(beyond, div(exponential(), f64(TAIL_START))),
            when(gt(mul(f64(2), exponential()), mul(get(beyond), get(beyond))), [
              set(x, add(f64(TAIL_START), get(beyond))),
              giveBack(signed),
            ]),
          ]),
        ]),
        set(
          level,
          add(height(get(layer)), mul(uniformDraw(), sub(height(next), height(get(layer))))),
        ),
        when(lt(get(level), exp(mul(mul(f64(-0.5), get(x)), get(x)))), [giveBack(signed)]),
        ...candidate,
      ]),
      giveBack(signed),
    ],
    exported: false,
  };
}

/** `gibbs_standard_gamma(shape)`, shape ≥ 1. */
function standardGamma(): KernelFunction {
  const [shape, d, c, x, t, v, u, s] = ["shape", "d", "c", "x", "t", "v", "u", "s"].map(real);
  const third = 1 / 3;
  const quadratic = mul(f64(0.5), get(s));
  const exact = lt(
    log(get(u)),
    add(add(quadratic, sub(get(d), mul(get(d), get(v)))), mul(get(d), log(get(v)))),
  );
  // Their squeeze: it accepts no draw that the exact test would not, without logarithms.
  const squeeze = lt(get(u), sub(f64(1), mul(mul(f64(0.0331), get(s)), get(s))));
  return {
    name: "gibbs_standard_gamma",
    params: [shape],
    result: "f64",
    body: [
      set(d, sub(get(shape), f64(third))),
      set(c, div(f64(1), sqrt(mul(f64(9), get(d))))),
      whileLoop(i32(1), [
        set(x, normalDraw()),
        set(t, add(f64(1), mul(get(c), get(x)))),
        when(gt(get(t), f64(0)), [
          set(v, mul(mul(get(t), get(t)), get(t))),
          set(u, uniformDraw()),
          set(s, mul(get(x), get(x))),
          when(squeeze, [giveBack(mul(get(d), get(v)))]),
          when(exact, [giveBack(mul(get(d), get(v)))]),
        ]),
      ]),
      giveBack(f64(0)),
    ],
    exported: false,
  };
}

/** `gibbs_log_gamma(shape)`: below 1 it is log G(shape + 1) + log(U)/shape. */
function logGamma(): KernelFunction {
  const [shape, value] = [real("shape"), real("value")];
  const draw = (a: Expr): Expr => log(call("gibbs_standard_gamma", [a]));
  return {
    name: "gibbs_log_gamma",
    params: [shape],
    result: "f64",
    body: [
      when(lt(get(shape), f64(1)), [
        set(value, draw(add(get(shape), f64(1)))),
        giveBack(add(get(value), div(log(uniformDraw()), get(shape)))),
      ]),
      giveBack(draw(get(shape))),
    ],
    exported: false,
  };
}

export const randomFunctions = (): readonly KernelFunction[] => [
  ...wordFunctions(),
  standardNormal(),
  standardGamma(),
  logGamma(),
];
