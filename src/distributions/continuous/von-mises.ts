import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution } from "../contract.js";
import { between, onSupport, toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";

const LOG_2PI = Math.log(2 * Math.PI);
/** From here the asymptotic series of I₀ is exact to rounding. */
const LARGE = 60;
const SERIES_TERMS = 10;

/**
 * log(e⁻ᵏ I₀(κ)), without the cancellation of log I₀(κ) − κ: for large κ from the asymptotic
 * series of Abramowitz and Stegun 9.7.1, Σ ((2j − 1)!!)² / (j! (8κ)ʲ) / √(2πκ).
 */
function logScaledBessel(g: GraphBuilder, kappa: Node): Node {
  const large = g.gt(kappa, LARGE);
  const small = g.select(large, 1, kappa);
  const z = g.select(large, kappa, LARGE);
  const inverse = g.reciprocal(g.mul(z, 8));
  let sum: Node = g.constant(1);
  for (let j = SERIES_TERMS; j >= 1; j--) {
    sum = g.add(g.mul(g.mul(sum, inverse), (2 * j - 1) ** 2 / j), 1);
  }
  const far = g.sub(g.log(sum), g.mul(g.add(g.log(z), LOG_2PI), 0.5));
  return g.select(large, far, g.sub(g.logI0(small), small));
}

/** The angle in (−π, π] that x stands for. */
function wrap(x: number): number {
  const turns = Math.ceil((x - Math.PI) / (2 * Math.PI));
  return x - 2 * Math.PI * turns;
}

/**
 * VonMises(mu, kappa): exp(κ cos(x − μ)) / (2π I₀(κ)) on the circle, written as angles in
 * [−π, π]. κ = 0 is uniform. Its mean here is the mean direction μ, brought to that interval.
 */
export const vonMises: Distribution = {
  name: "VonMises",
  parameterisations: [[scalar("mu", "real"), scalar("kappa", "nonnegative")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "interval", lower: -Math.PI, upper: Math.PI }),
  logProb: (g, x, args) => {
    const kappa = arg(args, "kappa");
    const kernel = onSupport(g, between(g, x, -Math.PI, Math.PI), x, 0, (v) => {
      // κ cos d − κ = −2 κ sin²(d/2), which keeps its digits near the mode.
      const half = g.mul(g.sub(v, arg(args, "mu")), 0.5);
      return g.mul(g.square(g.sin(half)), g.mul(kappa, -2));
    });
    return g.sub(kernel, g.add(logScaledBessel(g, kappa), LOG_2PI));
  },
  sample: (rng, args) => wrap(number(args, "mu") + rng.vonMises(number(args, "kappa"))),
  mean: (g, args, batch) => {
    const mu = arg(args, "mu");
    const turns = g.ceil(g.div(g.sub(mu, Math.PI), 2 * Math.PI));
    return toBatch(g, g.sub(mu, g.mul(turns, 2 * Math.PI)), batch);
  },
};
