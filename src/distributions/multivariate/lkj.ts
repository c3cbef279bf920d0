import { internalError } from "../../base/internal.js";
import type { Distribution } from "../contract.js";
import { diagonal, spread, sumEvent, sumLogDiagonal } from "../shared/batch.js";
import { arg, number, scalar } from "../shared/spec.js";
import { lkjFactor, logLkjNormaliser } from "./lkj-kernel.js";
import { gram, whereDefinite } from "./wishart-kernel.js";

/** How far a diagonal element may be from 1. */
const TOLERANCE = 1e-6;

/** LKJ(eta, D): det(R)^{η−1} on correlation matrices; η = 1 is uniform. Mean the identity. */
export const lkj: Distribution = {
  name: "LKJ",
  parameterisations: [[scalar("eta", "positive"), scalar("D", "size")]],
  event: { rank: 2, scalar: "real", sizeFrom: "D" },
  support: () => ({ kind: "corr" }),
  logProb: (g, x, args) => {
    const eta = arg(args, "eta");
    const size = x.shape[x.shape.length - 1];
    const l = g.cholesky(x);
    const kernel = g.mul(sumLogDiagonal(g, l), g.mul(g.sub(eta, 1), 2));
    const gap = g.abs(g.sub(diagonal(g, x), 1));
    const wrong = sumEvent(g, g.select(g.le(gap, TOLERANCE), 0, 1), 1);
    const guarded = g.select(g.eq(wrong, 0), whereDefinite(g, l, kernel), -Infinity);
    return g.sub(guarded, logLkjNormaliser(g, eta, size));
  },
  sample: (rng, args) => {
    const size = number(args, "D");
    const r = gram(lkjFactor(rng, number(args, "eta"), size), size);
    for (let i = 0; i < size; i++) r[i * size + i] = 1;
    return r;
  },
  mean: (g, args, batch) => {
    const size = arg(args, "D");
    if (size.op !== "const") return internalError("the size of an LKJ matrix is not a constant");
    const n = size.data[0];
    const unit = Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0));
    return spread(g, g.constant(unit, [n, n]), 2, batch);
  },
};
