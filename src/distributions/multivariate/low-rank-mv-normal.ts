import type { Distribution } from "../contract.js";
import {
  alongEvent,
  batchSize,
  isShared,
  spread,
  squaredSolve,
  sumEvent,
  sumLogDiagonal,
} from "../shared/batch.js";
import { HALF_LOG_2PI } from "../shared/logs.js";
import { arg, array, vector } from "../shared/spec.js";

/**
 * LowRankMvNormal(mu, W, diag): MvNormal(mu, W W' + diagonal(diag)) with W of shape [D, K]. Costs
 * D K² instead of D³: by Woodbury's identity and the determinant lemma only C = I + W' Δ⁻¹ W, of
 * shape [K, K], is factorised.
 */
export const lowRankMvNormal: Distribution = {
  name: "LowRankMvNormal",
  parameterisations: [
    [
      vector("mu", "real"),
      { name: "W", rank: 2, domain: "real", axis: 0 },
      vector("diag", "positive_vector"),
    ],
  ],
  event: { rank: 1, scalar: "real", sizeFrom: "mu" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args, batch) => {
    const size = x.shape[x.shape.length - 1];
    const w = arg(args, "W");
    const diag = arg(args, "diag");
    const rank = w.shape[w.shape.length - 1];
    // Where either differs between copies, so does what is factorised.
    const own = isShared(w, 2) && isShared(diag, 1) ? [] : batch;
    const W = spread(g, w, 2, own);
    const scaled = g.div(W, alongEvent(g, spread(g, diag, 1, own), [rank]));
    const axes = W.shape.map((_, k) => k);
    const swapped = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
    const inner = g.matmul(g.transpose(W, swapped), scaled);
    const unit = Float64Array.from({ length: rank * rank }, (_, i) =>
      i % (rank + 1) === 0 ? 1 : 0,
    );
    const capacity = g.cholesky(g.add(inner, spread(g, g.constant(unit, [rank, rank]), 2, own)));
    const d = g.sub(x, spread(g, arg(args, "mu"), 1, batch));
    const rows =
      own.length === 0
        ? g.reshape(g.matmul(g.reshape(d, [batchSize(batch), size]), scaled), [...batch, rank])
        : g.reshape(g.matmul(g.reshape(d, [...batch, 1, size]), scaled), [...batch, rank]);
    const plain = sumEvent(g, g.div(g.square(d), spread(g, diag, 1, batch)), 1);
    const squared = g.sub(plain, squaredSolve(g, capacity, rows, batch));
    const logScale = g.add(g.mul(sumEvent(g, g.log(diag), 1), 0.5), sumLogDiagonal(g, capacity));
    return g.sub(g.mul(squared, -0.5), g.add(logScale, size * HALF_LOG_2PI));
  },
  sample: (rng, args) => {
    const mu = array(args, "mu");
    const w = array(args, "W");
    const diag = array(args, "diag");
    const rank = mu.length === 0 ? 0 : w.length / mu.length;
    const z = Float64Array.from({ length: rank }, () => rng.normal());
    return mu.map((m, i) => {
      let value = m + Math.sqrt(diag[i]) * rng.normal();
      for (let k = 0; k < rank; k++) value += w[i * rank + k] * z[k];
      return value;
    });
  },
  mean: (g, args, batch) => spread(g, arg(args, "mu"), 1, batch),
};
