import { matmul } from "../../math/linalg/index.js";
import type { Distribution } from "../contract.js";
import { alongEvent, spread, sumLogDiagonal } from "../shared/batch.js";
import { lmvgamma } from "../shared/gamma.js";
import { LOG_2 } from "../shared/logs.js";
import { arg, array, matrix, number, scalar, sideOf } from "../shared/spec.js";
import { factor } from "./normal-kernel.js";
import { bartlettFactor, gram, traceOfRatio, whereDefinite } from "./wishart-kernel.js";

/**
 * Wishart(nu, V): the sum of ν outer products of MvNormal(0, V) draws; ν > D − 1.
 * |X|^{(ν−D−1)/2} exp(−tr(V⁻¹ X)/2) / (2^{νD/2} |V|^{ν/2} Γ_D(ν/2)). Mean ν V.
 */
export const wishart: Distribution = {
  name: "Wishart",
  parameterisations: [[scalar("nu", "positive"), matrix("V", "cov")]],
  event: { rank: 2, scalar: "real", sizeFrom: "V" },
  support: () => ({ kind: "cov" }),
  logProb: (g, x, args, batch) => {
    const nu = arg(args, "nu");
    const size = x.shape[x.shape.length - 1];
    const lx = g.cholesky(x);
    const lv = g.cholesky(arg(args, "V"));
    const trace = traceOfRatio(g, lv, lx, batch);
    const power = g.mul(sumLogDiagonal(g, lx), g.sub(nu, size + 1));
    const kernel = whereDefinite(g, lx, g.sub(power, g.mul(trace, 0.5)));
    const scale = g.mul(nu, g.add(sumLogDiagonal(g, lv), (size * LOG_2) / 2));
    return g.sub(g.sub(kernel, scale), lmvgamma(g, size, g.mul(nu, 0.5)));
  },
  sample: (rng, args) => {
    const v = array(args, "V");
    const n = sideOf(v);
    const a = bartlettFactor(rng, number(args, "nu"), n);
    return gram(matmul(factor(v, n, "V"), a, n, n, n), n);
  },
  mean: (g, args, batch) => {
    const v = spread(g, arg(args, "V"), 2, batch);
    const nu = arg(args, "nu");
    return g.mul(v, nu.shape.length === 0 ? nu : alongEvent(g, nu, v.shape.slice(-2)));
  },
};
