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
  load,
  lt,
  mul,
  neg,
  perform,
  select,
  set,
  sub,
  unary,
  when,
  whileLoop,
} from "../../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Local, Stmt } from "../../../kernel/ir.js";
import { sqrt } from "../../../kernel/mathlib/define.js";
import { rngBuffers } from "../../../kernel/mathlib/index.js";
import { zigguratBuffers } from "../../hamiltonian/normal.js";
import { LAYERS, TAIL_START } from "../../hamiltonian/ziggurat.js";

export const real = (name: string): Local => ({ name, type: "f64" });
export const whole = (name: string): Local => ({ name, type: "i32" });

export const log = (x: Expr): Expr => call("log", [x]);
export const exp = (x: Expr): Expr => call("exp", [x]);
export const normalDraw = (): Expr => call("gibbs_normal", []);
export const uniformDraw = (): Expr => call("uniform01", []);
/** Gamma of shape ≥ 1 and rate 1. */
export const gammaDraw = (shape: Expr): Expr => call("gibbs_standard_gamma", [shape]);
export const logGammaDraw = (shape: Expr): Expr => call("gibbs_log_gamma", [shape]);

/** The seed's two words, low first, and the chain. */
export const KEY = "gibbs_key";

export const randomBuffers: readonly Buffer[] = [
  ...rngBuffers,
  { name: KEY, element: "i32", length: 3, region: "workspace" },
  ...zigguratBuffers(),
];

/** Begins the stream of a block (`site`) and sweep. */
export function seedStream(site: number, sweep: Expr): Stmt {
  const word = (k: number): Expr => load(KEY, i32(k), "i32");
  return perform("rng_seed", [word(0), word(1), word(2), i32(site), sweep]);
}

/** `gibbs_normal()`: `GibbsStream.normal`, word for word. */
function standardNormal(): KernelFunction {
  const [low, high, layer, sign] = ["low", "high", "layer", "sign"].map(whole);
  const [x, beyond, level] = ["x", "beyond", "level"].map(real);
  const word = (): Expr => call("rng_word", [], "i32");
  const edge = (at: Expr): Expr => load("ziggurat_x", at);
  const height = (at: Expr): Expr => load("ziggurat_f", at);
  const real32 = (bits: Expr): Expr => convert("f64_from_u32", bits);
  const position = mul(
    add(mul(real32(get(high)), f64(2 ** 21)), real32(binary("shr_u", get(low), i32(11)))),
    f64(2 ** -53),
  );
  const candidate: readonly Stmt[] = [
    set(low, word()),
    set(high, word()),
    set(layer, and(get(low), i32(LAYERS - 1))),
    set(x, mul(position, edge(get(layer)))),
  ];
  const exponential = (): Expr => neg(log(uniformDraw()));
  const signed = select(get(sign), neg(get(x)), get(x));
  const next = add(get(layer), i32(1));
  return {
    name: "gibbs_normal",
    params: [],
    result: "f64",
    body: [
      ...candidate,
      set(sign, and(get(low), i32(LAYERS))),
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
  standardNormal(),
  standardGamma(),
  logGamma(),
];
