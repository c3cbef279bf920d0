import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { lgammaDifference } from "../shared/gamma.js";
import { nonnegativeFinite, onSupport, toBatch } from "../shared/guard.js";
import { LOG_2 } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";
import {
  studentConstant,
  studentKernel,
  studentLogInside,
  studentLogOutside,
} from "../shared/student.js";

/** x/σ, 0 below the support. */
function ratio(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  return g.div(g.max(x, 0), arg(args, "sigma"));
}

/** HalfStudentT(nu, sigma): |StudentT(ν, 0, σ)|, twice its density on x ≥ 0. */
export const halfStudentT: Distribution = {
  name: "HalfStudentT",
  parameterisations: [[scalar("nu", "positive"), scalar("sigma", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => {
    const nu = arg(args, "nu");
    const sigma = arg(args, "sigma");
    const kernel = onSupport(g, nonnegativeFinite(g, x), x, 1, (v) =>
      studentKernel(g, v, nu, sigma),
    );
    return g.add(kernel, g.add(studentConstant(g, nu, sigma), LOG_2));
  },
  sample: (rng, args) => number(args, "sigma") * Math.abs(rng.studentT(number(args, "nu"))),
  /** 2 σ √(ν/π) Γ((ν + 1)/2) / (Γ(ν/2) (ν − 1)); ∞ for ν ≤ 1. */
  mean: (g, args, batch) => {
    const nu = arg(args, "nu");
    const exists = g.gt(nu, 1);
    const safe = g.select(exists, nu, 2);
    const gammas = g.exp(lgammaDifference(g, g.mul(safe, 0.5), 0.5));
    const unit = g.div(g.mul(g.sqrt(g.div(safe, Math.PI)), g.mul(gammas, 2)), g.sub(safe, 1));
    const mean = g.mul(g.select(exists, unit, Infinity), arg(args, "sigma"));
    return toBatch(g, mean, batch);
  },
  cdf: (g, x, args) => g.exp(studentLogInside(g, ratio(g, x, args), arg(args, "nu"))),
  logCdf: (g, x, args) => studentLogInside(g, ratio(g, x, args), arg(args, "nu")),
  logCcdf: (g, x, args) => studentLogOutside(g, ratio(g, x, args), arg(args, "nu")),
};
