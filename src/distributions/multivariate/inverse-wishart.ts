import { identity, matmul, transpose, triangularSolve } from "../../math/linalg/index.js";
import type { Distribution } from "../contract.js";
import { alongEvent, spread, sumLogDiagonal } from "../shared/batch.js";
import { lmvgamma } from "../shared/gamma.js";
import { LOG_2 } from "../shared/logs.js";
import { arg, array, matrix, number, scalar, sideOf } from "../shared/spec.js";
import { factor } from "./normal-kernel.js";
import { bartlettFactor, gram, traceOfRatio, whereDefinite } from "./wishart-kernel.js";

/**
 * InverseWishart(nu, S): X⁻¹ is Wishart(ν, S⁻¹); ν > D − 1.
 * |S|^{ν/2} |X|^{−(ν+D+1)/2} exp(−tr(S X⁻¹)/2) / (2^{νD/2} Γ_D(ν/2)). Mean S/(ν − D − 1).
 */
export const inverseWishart: Distribution = {
  name: "InverseWishart",
  parameterisations: [[scalar("nu", "positive"), matrix("S", "cov")]],
  event: { rank: 2, scalar: "real", sizeFrom: "S" },
  support: () => ({ kind: "cov" }),
  logProb: (g, x, args, batch) => {
    const nu = arg(args, "nu");
    const size = x.shape[x.shape.length - 1];
    const lx = g.cholesky(x);
    const ls = g.cholesky(arg(args, "S"));
    const trace = traceOfRatio(g, lx, ls, batch);
    const power = g.mul(sumLogDiagonal(g, lx), g.add(nu, size + 1));
    const kernel = whereDefinite(g, lx, g.neg(g.add(power, g.mul(trace, 0.5))));
    const scale = g.mul(nu, g.sub(sumLogDiagonal(g, ls), (size * LOG_2) / 2));
    return g.sub(g.add(kernel, scale), lmvgamma(g, size, g.mul(nu, 0.5)));
  },
  sample: (rng, args) => {
    const s = array(args, "S");
    const n = sideOf(s);
    const a = bartlettFactor(rng, number(args, "nu"), n);
    // X = L A⁻ᵀ (L A⁻ᵀ)' for S = L L' and the standard Wishart draw A A'.
    const inverse = triangularSolve(a, identity(n), n, n, "lower");
    return gram(matmul(factor(s, n, "S"), transpose(inverse, n, n), n, n, n), n);
  },
  /** NaN for ν ≤ D + 1, where there is no mean. */
  mean: (g, args, batch) => {
    const s = spread(g, arg(args, "S"), 2, batch);
    const side = s.shape[s.shape.length - 1];
    const excess = g.sub(arg(args, "nu"), side + 1);
    const divisor = g.select(g.gt(excess, 0), excess, Number.NaN);
    return g.div(s, divisor.shape.length === 0 ? divisor : alongEvent(g, divisor, [side, side]));
  },
};
