/** The leapfrog integrator, and the probe by which a first step size is found. */
import {
  add,
  call,
  f64,
  get,
  giveBack,
  i32,
  load,
  mul,
  perform,
  set,
  store,
  sub,
} from "../../kernel/build.js";
import type { Expr, KernelFunction, Local, Stmt } from "../../kernel/ir.js";
import { drift, kineticEnergy } from "./metric.js";
import type { HamiltonianShape } from "./shape.js";
import { copy, over, real, type Slice, whole } from "./vector.js";

export const POSITION: Slice = { buffer: "q" };
export const GRADIENT: Slice = { buffer: "grad" };
const stepSize = load("mc_epsilon", i32(0));

/** What `leapfrog` sets: the log density at the new point and the energy there. */
export interface PhaseValues {
  readonly lp: Local;
  readonly energy: Local;
}

const twiceKinetic = real("twice_kinetic");

/**
 * One leapfrog step of the point (q, p) with gradient `grad`: half a kick, a drift, the gradient,
 * half a kick (Neal, "MCMC using Hamiltonian dynamics", 2011, eqs. 5.18-5.20). `epsilon` and
 * `half` are locals with the signed step and its half; `keep` receives a copy of the momentum.
 * The energy -lp + ½ pᵀM⁻¹p may be NaN.
 */
export function leapfrog(
  shape: HamiltonianShape,
  epsilon: Local,
  half: Local,
  values: PhaseValues,
  keep?: Slice,
): readonly Stmt[] {
  const { dimension: d, metric } = shape;
  const p = real("p_half");
  const kicked = (i: Expr): Expr => add(load("p", i), mul(get(half), load("grad", i)));
  const firstHalf =
    metric === "diag"
      ? [
          over(d, (i) => [
            set(p, kicked(i)),
            store("p", i, get(p)),
            store("q", i, add(load("q", i), mul(mul(get(epsilon), load("mc_inverse", i)), get(p)))),
          ]),
        ]
      : [over(d, (i) => [store("p", i, kicked(i))]), ...drift(shape, get(epsilon))];
  return [
    ...firstHalf,
    set(values.lp, call("lp_grad", [])),
    ...kineticEnergy(shape, twiceKinetic, kicked, keep),
    ...energyOf(values),
  ];
}

/** Draws a momentum for the present q and sets the energy. */
export function refreshMomentum(
  shape: HamiltonianShape,
  iteration: Expr,
  values: PhaseValues,
  keep?: Slice,
): readonly Stmt[] {
  return [
    perform("mc_momentum", [iteration]),
    set(values.lp, load("mc_lp", i32(0))),
    ...kineticEnergy(shape, twiceKinetic, undefined, keep),
    ...energyOf(values),
  ];
}

function energyOf({ lp, energy }: PhaseValues): readonly Stmt[] {
  return [set(energy, sub(mul(f64(0.5), get(twiceKinetic)), get(lp)))];
}

/** `mc_refresh()`: evaluates the density and gradient at q and gives the log density. */
export function refreshFunction(): KernelFunction {
  return {
    name: "mc_refresh",
    params: [],
    result: "f64",
    body: [store("mc_lp", i32(0), call("lp_grad", [])), giveBack(load("mc_lp", i32(0)))],
    exported: true,
  };
}

/**
 * `mc_probe(iteration)`: the fall in energy, H before - H after, over one leapfrog step with a new
 * momentum. Leaves q and its gradient as they were.
 */
export function probeFunction(shape: HamiltonianShape): KernelFunction {
  const { dimension: d } = shape;
  const iteration = whole("iteration");
  const [epsilon, half, before] = [real("epsilon"), real("half"), real("before")];
  const values: PhaseValues = { lp: real("lp"), energy: real("energy") };
  const saved: readonly [Slice, Slice][] = [
    [POSITION, { buffer: "cand_q" }],
    [GRADIENT, { buffer: "cand_grad" }],
  ];
  return {
    name: "mc_probe",
    params: [iteration],
    result: "f64",
    body: [
      ...copy(d, ...saved),
      ...refreshMomentum(shape, get(iteration), values),
      set(before, get(values.energy)),
      set(epsilon, stepSize),
      set(half, mul(f64(0.5), stepSize)),
      ...leapfrog(shape, epsilon, half, values),
      ...copy(d, ...saved.map(([from, to]): [Slice, Slice] => [to, from])),
      giveBack(sub(get(before), get(values.energy))),
    ],
    exported: true,
  };
}
