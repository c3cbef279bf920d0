import type { Distribution } from "../contract.js";
import { toBatch } from "../shared/guard.js";
import { standardise } from "../shared/location-scale.js";
import { arg, number, scalar } from "../shared/spec.js";
import { studentConstant, studentKernel, studentLogCcdf } from "../shared/student.js";

/** StudentT(nu, mu, sigma): location and scale μ, σ; Cauchy at ν = 1, normal as ν → ∞. */
export const studentT: Distribution = {
  name: "StudentT",
  parameterisations: [
    [scalar("nu", "positive"), scalar("mu", "real"), scalar("sigma", "positive")],
  ],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args) => {
    const nu = arg(args, "nu");
    const sigma = arg(args, "sigma");
    const kernel = studentKernel(g, g.sub(x, arg(args, "mu")), nu, sigma);
    return g.add(kernel, studentConstant(g, nu, sigma));
  },
  sample: (rng, args) =>
    number(args, "mu") + number(args, "sigma") * rng.studentT(number(args, "nu")),
  /** NaN for ν ≤ 1, where there is no mean. */
  mean: (g, args, batch) =>
    toBatch(g, g.select(g.gt(arg(args, "nu"), 1), arg(args, "mu"), Number.NaN), batch),
  cdf: (g, x, args) =>
    g.exp(studentLogCcdf(g, g.neg(standardise(g, x, args, "mu", "sigma")), arg(args, "nu"))),
  logCdf: (g, x, args) =>
    studentLogCcdf(g, g.neg(standardise(g, x, args, "mu", "sigma")), arg(args, "nu")),
  logCcdf: (g, x, args) =>
    studentLogCcdf(g, standardise(g, x, args, "mu", "sigma"), arg(args, "nu")),
};
