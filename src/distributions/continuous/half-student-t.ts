import type { Distribution } from "../contract.js";
import { lgammaDifference } from "../shared/gamma.js";
import { nonnegativeFinite, onSupport, toBatch } from "../shared/guard.js";
import { LOG_2, logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";
import { studentConstant, studentKernel, studentUpperTail } from "../shared/student.js";

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
  cdf: (g, x, args) => {
    const t = g.div(g.max(x, 0), arg(args, "sigma"));
    return g.sub(1, g.mul(studentUpperTail(g, t, arg(args, "nu")), 2));
  },
  logCdf: (g, x, args) => {
    const t = g.div(g.max(x, 0), arg(args, "sigma"));
    const nu = arg(args, "nu");
    // P(|T| ≤ t) = I_{t²/(ν + t²)}(½, ν/2), which does not cancel near 0.
    const square = g.square(t);
    const near = g.lt(square, nu);
    const w = g.div(square, g.add(nu, square));
    const inner = g.betaInc(0.5, g.mul(nu, 0.5), g.select(near, w, 0.25));
    const tail = studentUpperTail(g, g.select(near, 1, t), nu);
    return g.select(near, logProbability(g, inner), g.log1p(g.mul(tail, -2)));
  },
  logCcdf: (g, x, args) => {
    const t = g.div(g.max(x, 0), arg(args, "sigma"));
    return g.add(logProbability(g, studentUpperTail(g, t, arg(args, "nu"))), LOG_2);
  },
};
