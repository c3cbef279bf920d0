/**
 * Stochastic gradient ascent as one kernel: noise, gradient and update of many steps in a call, so
 * that nothing crosses to the host inside the loop. Adam is that of Kingma & Ba (2015), algorithm 1,
 * with an ascending sign; averages of the iterates are those of Polyak & Juditsky (1992).
 */
import {
  add,
  and,
  call,
  div,
  eq,
  f64,
  ge,
  get,
  giveBack,
  gt,
  i32,
  index,
  load,
  loop,
  lt,
  mul,
  perform,
  set,
  store,
  sub,
  unary,
  when,
} from "../../kernel/build.js";
import type { Buffer, Expr, KernelModule, Local, Stmt } from "../../kernel/ir.js";
import { type ChunkSum, chunkCount, sharedLoop } from "../../kernel/share.js";
import { type Noise, noiseKernels } from "./noise.js";

/** `natural`: adam for the params that have no natural gradient. */
export type Rule = "adam" | "sgd" | "natural";

export interface Optimised {
  /** An exported function of the module that returns the objective and writes its gradient. */
  readonly objective: string;
  readonly params: string;
  readonly gradient: string;
  /** Length of the parameters. */
  readonly length: number;
  readonly noise: readonly Noise[];
  readonly rule: Rule;
  /**
   * Params whose next values the objective writes itself, given the step size; the others take
   * steps by the rule.
   */
  readonly written?: {
    readonly rate: string;
    readonly next: string;
    /** 1 for each such param. */
    readonly mask: Float64Array;
  };
  /** Where several numbers are maximised in turn; `objective` and `length` then say nothing. */
  readonly players?: readonly OptimisedPlayer[];
}

/** One of several numbers that are maximised in turn, each in stretches of the params of its own. */
export interface OptimisedPlayer {
  readonly objective: string;
  /** `[from, to)` */
  readonly spans: readonly (readonly [number, number])[];
  /** Steps in a round. */
  readonly steps: number;
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

/** Where the powers of the moments' factors stand: those of players after the first at the end. */
export function powerOf(player: number, which: number): number {
  return player === 0 ? SETTINGS.power1 + which : SETTINGS.count + 2 * (player - 1) + which;
}

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
  const whole: OptimisedPlayer = { objective, spans: [[0, length]], steps: 1 };
  const players = what.players ?? [whole];
  const over = ({ spans }: OptimisedPlayer, body: readonly Stmt[], sum?: ChunkSum): Stmt[] =>
    spans.flatMap((span) => sharedLoop("i", span, body, sum));
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
  const { written } = what;
  const climbed = rule === "sgd" ? sgd : adam;
  const moves = (player: OptimisedPlayer): Stmt[] =>
    written === undefined
      ? over(player, climbed)
      : [
          ...over({ ...player, spans: stretches(written.mask, 0, player.spans) }, climbed),
          ...over({ ...player, spans: stretches(written.mask, 1, player.spans) }, [
            store(params, i, load(written.next, i)),
          ]),
        ];
  const turn = (player: OptimisedPlayer, k: number): Stmt[] => [
    ...(written === undefined ? [] : [store(written.rate, i32(0), get(rate))]),
    set(value, call(player.objective, [])),
    store("opt_trace", index("t"), get(value)),
    set(norm, f64(0)),
    ...over(player, [], {
      local: norm,
      term: mul(load(gradient, i), load(gradient, i)),
      parts: "opt_parts",
    }),
    when(unary("eqz", finite(add(get(value), get(norm)))), [giveBack(index("t"))]),
    set(scale, f64(1)),
    when(gt(setting(SETTINGS.clip), f64(0)), [
      set(norm, unary("sqrt", get(norm))),
      when(gt(get(norm), setting(SETTINGS.clip)), [
        set(scale, div(setting(SETTINGS.clip), get(norm))),
      ]),
    ]),
    ...[beta1, beta2].map((beta, power) =>
      store("opt_settings", i32(powerOf(k, power)), mul(setting(powerOf(k, power)), get(beta))),
    ),
    set(c1, div(f64(1), sub(f64(1), setting(powerOf(k, 0))))),
    set(c2, div(f64(1), sub(f64(1), setting(powerOf(k, 1))))),
    ...moves(player),
  ];
  const body: Stmt[] = [
    set(rate, setting(SETTINGS.rate)),
    set(beta1, setting(SETTINGS.beta1)),
    set(beta2, setting(SETTINGS.beta2)),
    loop("t", i32(0), get(count), [
      perform("noise", [add(get(first), index("t"))]),
      ...turns(players, add(get(first), index("t")), turn),
      when(eq(setting(SETTINGS.averaging), f64(1)), [
        ...over({ ...whole, spans: [[0, length]] }, [
          store("opt_average", i, add(load("opt_average", i), load(params, i))),
        ]),
      ]),
    ]),
    giveBack(get(count)),
  ];
  return {
    buffers: [
      ...model.buffers,
      ...kernels.buffers,
      f64Buffer("opt_settings", powerOf(players.length, 0)),
      f64Buffer("opt_first", length),
      f64Buffer("opt_second", length),
      f64Buffer("opt_average", length),
      f64Buffer("opt_trace", TRACE),
      f64Buffer("opt_parts", chunkCount(length)),
    ],
    functions: [
      ...model.functions,
      ...kernels.functions,
      { name: "opt_steps", params: [first, count], result: "i32", body, exported: true },
    ],
  };
}

/** What is done by the player whose turn step `t` is; rounds begin at step 0. */
function turns(
  players: readonly OptimisedPlayer[],
  t: Expr,
  turn: (player: OptimisedPlayer, k: number) => Stmt[],
): Stmt[] {
  const [only, ...others] = players;
  if (others.length === 0) return turn(only, 0);
  const round: Local = { name: "round", type: "i32" };
  const period = players.reduce((n, p) => n + p.steps, 0);
  let end = 0;
  const place = sub(t, mul(div(t, i32(period)), i32(period)));
  return [
    set(round, place),
    ...players.map((p, k): Stmt => {
      const from = end;
      end += p.steps;
      const inside = lt(get(round), i32(end));
      return when(from === 0 ? inside : and(ge(get(round), i32(from)), inside), turn(p, k));
    }),
  ];
}

/** The stretches inside of `spans` where a mask has the given value. */
function stretches(
  mask: Float64Array,
  value: number,
  spans: OptimisedPlayer["spans"],
): [number, number][] {
  const found: [number, number][] = [];
  for (const [from, to] of spans) {
    for (let k = from; k < to; k++) {
      if (mask[k] !== value) continue;
      const last = found.at(-1);
      if (last !== undefined && last[1] === k) last[1] = k + 1;
      else found.push([k, k + 1]);
    }
  }
  return found;
}
