/** Normal vectors in all their parameterisations, as what divergences between them need. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { alongEvent, diagonal, spread, sumEvent, sumLogDiagonal } from "../shared/batch.js";
import { arg } from "../shared/spec.js";
import type { Law } from "./contract.js";

export interface Gaussian {
  /** D */
  readonly size: number;
  /** `batch ++ [D]` */
  readonly mean: Node;
  /** ½ log |Σ|, `batch`. */
  readonly logScale: Node;
  /** F with F Fᵀ = Σ, `batch ++ [D, K]`. */
  readonly factor: () => Node;
  /** The diagonal of Σ, `batch ++ [D]`. */
  readonly variances: () => Node;
  /** tr(Xᵀ Σ⁻¹ X) of `batch ++ [D, M]`. */
  readonly squared: (x: Node) => Node;
}

const swap = (g: GraphBuilder, x: Node): Node => {
  const axes = x.shape.map((_, k) => k);
  return g.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

const identity = (g: GraphBuilder, like: Node): Node => {
  const n = like.shape[like.shape.length - 1];
  const data = Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0));
  return spread(g, g.constant(data, [n, n]), 2, like.shape.slice(0, -2));
};

const squares = (g: GraphBuilder, x: Node): Node => sumEvent(g, g.square(x), 2);

/** Rows of squares: the diagonal of F Fᵀ. */
const rowSquares = (g: GraphBuilder, f: Node): Node => sumEvent(g, g.square(f), 1);

function byFactor(g: GraphBuilder, mean: Node, l: Node): Gaussian {
  return {
    size: mean.shape[mean.shape.length - 1],
    mean,
    logScale: sumLogDiagonal(g, l),
    factor: () => l,
    variances: () => rowSquares(g, l),
    squared: (x) => squares(g, g.triangularSolve(l, x)),
  };
}

/** MvNormal or LowRankMvNormal, its arguments of shape `batch ++ own`. */
export function gaussian(g: GraphBuilder, { name, args }: Law): Gaussian {
  const mean = arg(args, "mu");
  const size = mean.shape[mean.shape.length - 1];
  if (name === "LowRankMvNormal") return byLowRank(g, mean, arg(args, "W"), arg(args, "diag"));
  if (args.precision !== undefined) {
    const root = g.cholesky(args.precision);
    const factor = (): Node => g.triangularSolve(root, identity(g, root), true);
    return {
      size,
      mean,
      logScale: g.neg(sumLogDiagonal(g, root)),
      factor,
      variances: () => rowSquares(g, factor()),
      squared: (x) => squares(g, g.matmul(swap(g, root), x)),
    };
  }
  const { cov } = args;
  if (cov === undefined) return byFactor(g, mean, arg(args, "cholesky"));
  return { ...byFactor(g, mean, g.cholesky(cov)), variances: () => diagonal(g, cov) };
}

/** Σ = W Wᵀ + Δ by Woodbury's identity: C = I + Wᵀ Δ⁻¹ W alone is factorised. */
function byLowRank(g: GraphBuilder, mean: Node, w: Node, diag: Node): Gaussian {
  const size = mean.shape[mean.shape.length - 1];
  const over = (x: Node): Node => g.div(x, alongEvent(g, diag, [x.shape[x.shape.length - 1]]));
  const scaled = over(w);
  const inner = g.matmul(swap(g, w), scaled);
  const capacity = g.cholesky(g.add(inner, identity(g, inner)));
  return {
    size,
    mean,
    logScale: g.add(g.mul(0.5, sumEvent(g, g.log(diag), 1)), sumLogDiagonal(g, capacity)),
    factor: () => {
      const root = alongEvent(g, g.sqrt(diag), [size]);
      const eye = identity(g, root);
      return g.concat([w, g.mul(root, eye)], w.shape.length - 1);
    },
    variances: () => g.add(diag, rowSquares(g, w)),
    squared: (x) => {
      const plain = sumEvent(g, g.mul(x, over(x)), 2);
      const through = g.triangularSolve(capacity, g.matmul(swap(g, scaled), x));
      return g.sub(plain, squares(g, through));
    },
  };
}

/** Independent normal elements as one vector. */
export function independent(g: GraphBuilder, mean: Node, sd: Node): Gaussian {
  const size = mean.shape[mean.shape.length - 1];
  const across = (x: Node): Node => alongEvent(g, sd, [x.shape[x.shape.length - 1]]);
  return {
    size,
    mean,
    logScale: sumEvent(g, g.log(sd), 1),
    factor: () => {
      const spreadOut = alongEvent(g, sd, [size]);
      return g.mul(spreadOut, identity(g, spreadOut));
    },
    variances: () => g.square(sd),
    squared: (x) => squares(g, g.div(x, across(x))),
  };
}

/** E_q |x − μ_p|² in the metric of p: tr(Σ_p⁻¹ Σ_q) + (μ_q − μ_p)ᵀ Σ_p⁻¹ (μ_q − μ_p). */
export function expectedSquare(g: GraphBuilder, q: Gaussian, p: Gaussian): Node {
  const d = g.sub(q.mean, p.mean);
  const column = g.reshape(d, [...d.shape, 1]);
  return p.squared(g.concat([q.factor(), column], column.shape.length - 1));
}
