/**
 * `hmc_transition`: one draw of Hamiltonian Monte Carlo over a fixed integration time, whose number
 * of leapfrog steps is jittered uniformly so that no trajectory keeps hitting a period (Neal,
 * "MCMC using Hamiltonian dynamics", 2011, sections 3.2 and 4.2).
 */
import {
  add,
  binary,
  call,
  convert,
  div,
  f64,
  get,
  i32,
  load,
  lt,
  mul,
  select,
  set,
  store,
  sub,
  unary,
  when,
  whileLoop,
} from "../../kernel/build.js";
import type { Expr, KernelFunction } from "../../kernel/ir.js";
import { statistics } from "../hamiltonian/block.js";
import { GRADIENT, leapfrog, POSITION, refreshMomentum } from "../hamiltonian/integrator.js";
import { drawWords, SITES, uniformWord } from "../hamiltonian/random.js";
import type { HamiltonianShape } from "../hamiltonian/shape.js";
import { copy, real, type Slice, whole } from "../hamiltonian/vector.js";

/** An energy that has risen by more has left the region where the integrator is stable. */
const DIVERGENCE_THRESHOLD = 1000;

/** Elements of `hmc_path`: integration time, relative jitter in [0, 1), most steps of a draw. */
export const PATH = { time: i32(0), jitter: i32(1), mostSteps: i32(2) } as const;
export const PATH_LENGTH = 3;

/** `hmc_transition(iteration)`: as `nuts_transition`, on a path set by `hmc_path`. */
export function transitionFunction(shape: HamiltonianShape): KernelFunction {
  const { dimension: d } = shape;
  const [iteration, steps, taken, accepted] = ["iteration", "steps", "taken", "accepted"].map(
    whole,
  );
  const [energy0, lp0, epsilon, half, uniform, planned, gain, rate] = [
    "energy0",
    "lp0",
    "epsilon",
    "half",
    "uniform",
    "planned",
    "gain",
    "rate",
  ].map(real);
  const values = { lp: real("lp"), energy: real("energy") };
  const saved: readonly [Slice, Slice][] = [
    [POSITION, { buffer: "cand_q" }],
    [GRADIENT, { buffer: "cand_grad" }],
  ];
  const path = (field: Expr): Expr => load("hmc_path", field);
  const spread = add(f64(1), mul(path(PATH.jitter), sub(mul(f64(2), uniformWord(i32(0))), f64(1))));
  const wanted = unary("nearest", mul(div(path(PATH.time), get(epsilon)), spread));

  return {
    name: "hmc_transition",
    params: [iteration],
    body: [
      ...copy(d, ...saved),
      ...refreshMomentum(shape, get(iteration), { lp: lp0, energy: energy0 }),
      drawWords(i32(0), get(iteration), SITES.acceptance),
      set(uniform, uniformWord(i32(1))),
      set(epsilon, load("mc_epsilon", i32(0))),
      set(half, mul(f64(0.5), get(epsilon))),
      set(planned, binary("max", f64(1), binary("min", wanted, path(PATH.mostSteps)))),
      set(steps, convert("i32_from_f64", get(planned))),
      set(taken, i32(0)),
      set(gain, f64(0)),
      set(values.lp, get(lp0)),
      set(values.energy, get(energy0)),
      whileLoop(
        // Written so that a NaN energy ends the path.
        binary(
          "and",
          lt(get(taken), get(steps)),
          binary("ge", get(gain), f64(-DIVERGENCE_THRESHOLD)),
        ),
        [
          ...leapfrog(shape, epsilon, half, values),
          set(gain, sub(get(energy0), get(values.energy))),
          set(taken, add(get(taken), i32(1))),
        ],
      ),
      set(rate, f64(0)),
      when(binary("ge", get(gain), f64(-DIVERGENCE_THRESHOLD)), [
        set(rate, call("exp", [binary("min", get(gain), f64(0))])),
      ]),
      set(accepted, lt(get(uniform), get(rate))),
      when(
        get(accepted),
        [store("mc_lp", i32(0), get(values.lp))],
        copy(d, ...saved.map(([live, kept]): [Slice, Slice] => [kept, live])),
      ),
      ...statistics({
        lp: load("mc_lp", i32(0)),
        accept_stat: get(rate),
        stepsize: get(epsilon),
        treedepth: f64(0),
        n_leapfrog: convert("f64_from_i32", get(taken)),
        divergent: convert(
          "f64_from_i32",
          unary("eqz", binary("ge", get(gain), f64(-DIVERGENCE_THRESHOLD))),
        ),
        energy: select(get(accepted), get(values.energy), get(energy0)),
      }),
    ],
    exported: true,
  };
}
