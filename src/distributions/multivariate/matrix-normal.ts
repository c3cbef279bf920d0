import type { Distribution } from "../contract.js";
import { alongEvent, spread, sumEvent, sumLogDiagonal } from "../shared/batch.js";
import { HALF_LOG_2PI } from "../shared/logs.js";
import { arg, array, matrix, sideOf } from "../shared/spec.js";
import { factor } from "./normal-kernel.js";

/**
 * MatrixNormal(M, U, V): a matrix of shape [R, C] with mean M whose rows have the covariance U and
 * whose columns V: X = M + A Z B' with A A' = U, B B' = V and Z of standard normals. Gupta & Nagar
 * (1999), definition 2.2.1.
 */
export const matrixNormal: Distribution = {
  name: "MatrixNormal",
  parameterisations: [
    [
      { name: "M", rank: 2, domain: "real" },
      { ...matrix("U", "cov"), axis: 0 },
      { ...matrix("V", "cov"), axis: 1 },
    ],
  ],
  event: { rank: 2, scalar: "real", sizeFrom: "M" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args, batch) => {
    const [rows, columns] = x.shape.slice(-2);
    const d = g.sub(x, spread(g, arg(args, "M"), 2, batch));
    const left = g.cholesky(arg(args, "U"));
    const right = g.cholesky(arg(args, "V"));
    const axes = d.shape.map((_, k) => k);
    const swapped = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
    const half = g.triangularSolve(spread(g, left, 2, batch), d);
    const z = g.triangularSolve(spread(g, right, 2, batch), g.transpose(half, swapped));
    const logScale = g.add(
      g.mul(sumLogDiagonal(g, left), columns),
      g.mul(sumLogDiagonal(g, right), rows),
    );
    const shared = logScale.shape.length === 0 ? logScale : alongEvent(g, logScale, []);
    const squared = sumEvent(g, g.square(z), 2);
    return g.sub(g.mul(squared, -0.5), g.add(shared, rows * columns * HALF_LOG_2PI));
  },
  sample: (rng, args) => {
    const mean = array(args, "M");
    const [u, v] = [array(args, "U"), array(args, "V")];
    const [rows, columns] = [sideOf(u), sideOf(v)];
    const [a, b] = [factor(u, rows, "U"), factor(v, columns, "V")];
    const z = Float64Array.from({ length: rows * columns }, () => rng.normal());
    return mean.map((m, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      let value = m;
      for (let k = 0; k <= i; k++) {
        for (let l = 0; l <= j; l++) {
          value += a[i * rows + k] * z[k * columns + l] * b[j * columns + l];
        }
      }
      return value;
    });
  },
  mean: (g, args, batch) => spread(g, arg(args, "M"), 2, batch),
};
