/**
 * Stochastic gradient ascent as one kernel: noise, gradient and update of many steps in a call, so
 * that nothing crosses to the host inside the loop. Adam is that of Kingma & Ba (2015), algorithm 1,
 * with an ascending sign; averages of the iterates are those of Polyak & Juditsky (1992).
 */
import {
  add,
  call,
  div,
  eq,
  f64,
  get,
  giveBack,
  gt,
  i32,
  index,
  load,
  loop,
  mul,
  perform,
  set,
  store,
  sub,
  unary,
  when,
} from "../../kernel/build.js";
import type { Buffer, Expr, KernelModule, Local, Stmt } from "../../kernel/ir.js";
import { type Noise, noiseKernels } from "./noise.js";

export type Rule = "adam" | "sgd";

export interface Optimised {
  /** An exported function of the module that returns the objective and writes its gradient. */
  readonly objective: string;
  readonly params: string;
  readonly gradient: string;
  /** Length of the parameters. */
  readonly length: number;
  readonly noise: readonly Noise[];
  readonly rule: Rule;
}

/** Elements of `opt_settings`. */
export const SETTINGS = {
  /** Step size. */
  rate: 0,
  /** Largest Euclidean norm of a gradient; longer ones are shortened. 0: none is. */
  clip: 1,
  /** 1 where iterates are added to `opt_average`. */
  averaging: 2,
  beta1: 3,
  beta2: 4,
  /** Powers of the two up to the present step. */
  power1: 5,
  power2: 6,
  count: 7,
} as const;

/** Steps of one call whose objective is kept in `opt_trace`. */
export const TRACE = 1024;
const EPSILON = 1e-8;

const f64Buffer = (name: string, length: number): Buffer => ({
  name,
  element: "f64",
  length,
  region: "workspace",
});
const setting = (k: number): Expr => load("opt_settings", i32(k));

/**
 * The module with `opt_steps(first, count)`: takes up to `count` ≤ TRACE steps from number `first`
 * on and returns how many it took. It stops before a step whose objective or gradient is not
 * finite; `opt_trace` then holds that step's objective after those taken.
 */
export function withOptimiser(model: KernelModule, what: Optimised): KernelModule {
  const { objective, params, gradient, length, noise, rule } = what;
  const kernels = noiseKernels(noise);
  const [first, count]: Local[] = [
    { name: "first", type: "i32" },
    { name: "count", type: "i32" },
  ];
  const f = (name: string): Local => ({ name, type: "f64" });
  const [value, norm, scale, rate, c1, c2, beta1, beta2] = [
    "value",
    "norm",
    "scale",
    "rate",
    "c1",
    "c2",
    "beta1",
    "beta2",
  ].map(f);
  const i = index("i");
  const over = (body: readonly Stmt[], reductions: readonly Local[] = []): Stmt =>
    loop("i", i32(0), i32(length), body, {
      reductions: reductions.map((l) => ({ local: l.name, fn: "add" })),
    });
  const g = mul(load(gradient, i), get(scale));
  const [moved, speed] = [f("moved"), f("speed")];
  const adam: Stmt[] = [
    set(moved, add(mul(get(beta1), load("opt_first", i)), mul(sub(f64(1), get(beta1)), g))),
    set(
      speed,
      add(mul(get(beta2), load("opt_second", i)), mul(mul(sub(f64(1), get(beta2)), g), g)),
    ),
    store("opt_first", i, get(moved)),
    store("opt_second", i, get(speed)),
    store(
      params,
      i,
      add(
        load(params, i),
        div(
          mul(get(rate), mul(get(moved), get(c1))),
          add(unary("sqrt", mul(get(speed), get(c2))), f64(EPSILON)),
        ),
      ),
    ),
  ];
  // Heavy-ball momentum (Polyak 1964).
  const sgd: Stmt[] = [
    set(moved, add(mul(get(beta1), load("opt_first", i)), g)),
    store("opt_first", i, get(moved)),
    store(params, i, add(load(params, i), mul(get(rate), get(moved)))),
  ];
  const finite = (x: Expr): Expr => eq(sub(x, x), f64(0));
  const body: Stmt[] = [
    set(rate, setting(SETTINGS.rate)),
    set(beta1, setting(SETTINGS.beta1)),
    set(beta2, setting(SETTINGS.beta2)),
    loop("t", i32(0), get(count), [
      perform("noise", [add(get(first), index("t"))]),
      set(value, call(objective, [])),
      store("opt_trace", index("t"), get(value)),
      set(norm, f64(0)),
      over([set(norm, add(get(norm), mul(load(gradient, i), load(gradient, i))))], [norm]),
      when(unary("eqz", finite(add(get(value), get(norm)))), [giveBack(index("t"))]),
      set(scale, f64(1)),
      when(gt(setting(SETTINGS.clip), f64(0)), [
        set(norm, unary("sqrt", get(norm))),
        when(gt(get(norm), setting(SETTINGS.clip)), [
          set(scale, div(setting(SETTINGS.clip), get(norm))),
        ]),
      ]),
      ...(["power1", "power2"] as const).map((name, k) =>
        store(
          "opt_settings",
          i32(SETTINGS[name]),
          mul(setting(SETTINGS[name]), get([beta1, beta2][k])),
        ),
      ),
      set(c1, div(f64(1), sub(f64(1), setting(SETTINGS.power1)))),
      set(c2, div(f64(1), sub(f64(1), setting(SETTINGS.power2)))),
      over(rule === "adam" ? adam : sgd),
      when(eq(setting(SETTINGS.averaging), f64(1)), [
        over([store("opt_average", i, add(load("opt_average", i), load(params, i)))]),
      ]),
    ]),
    giveBack(get(count)),
  ];
  return {
    buffers: [
      ...model.buffers,
      ...kernels.buffers,
      f64Buffer("opt_settings", SETTINGS.count),
      f64Buffer("opt_first", length),
      f64Buffer("opt_second", length),
      f64Buffer("opt_average", length),
      f64Buffer("opt_trace", TRACE),
    ],
    functions: [
      ...model.functions,
      ...kernels.functions,
      { name: "opt_steps", params: [first, count], result: "i32", body, exported: true },
    ],
  };
}
