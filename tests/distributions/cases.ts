/**
 * What the table test needs to know of each distribution beyond its reference numbers. A
 * distribution of the table without an entry here fails the test.
 */
import type { Args, Value } from "./harness.js";

export interface ArgumentSet {
  readonly args: Args;
  /** Points inside the support where the density is smooth in the point and every argument. */
  readonly xs: readonly Value[];
}

/** Where the density is integrated or summed, and how its draws are judged. */
export type Scalar =
  | { readonly kind: "continuous"; readonly from: number; readonly to: number }
  /** Sums 0 … last; what lies above is below 1e-12. */
  | { readonly kind: "discrete"; readonly last: number }
  | { readonly kind: "improper" }
  /** All mass of a set stands at its first point. */
  | { readonly kind: "certain" };

/** A function of an array draw whose law is a scalar distribution of the table. */
export interface Marginal {
  readonly label: string;
  readonly of: (draw: Float64Array) => number;
  readonly law: string;
  readonly args: Args;
}

export interface Case {
  /** At least two of the same arguments and sizes, so that batches can mix them. */
  readonly sets: readonly ArgumentSet[];
  readonly outside: readonly { readonly args: Args; readonly x: Value }[];
  /** Of the first set. Scalars have `total`, arrays have `marginals`. */
  readonly total?: Scalar;
  /** Points where the density of a set has a kink, for the quadrature. */
  readonly breaks?: (args: Args) => readonly number[];
  /** The integral's own ends, where they are arguments. */
  readonly ends?: (args: Args) => readonly [number, number];
  /** Mean and variance of the first set exist and its fourth moment too. */
  readonly moments?: boolean;
  /** The mean is the mean direction of a circle, no integral of x. */
  readonly circular?: boolean;
  readonly marginals?: readonly Marginal[];
  /** Elements of the mean of the first set's draws that are compared with `mean`. */
  readonly meanOfDraws?: boolean;
}

const line: Scalar = { kind: "continuous", from: -Infinity, to: Infinity };
const half: Scalar = { kind: "continuous", from: 0, to: Infinity };
const unit: Scalar = { kind: "continuous", from: 0, to: 1 };
const upTo = (last: number): Scalar => ({ kind: "discrete", last });
const num = (args: Args, name: string): number => args[name] as number;
/** Both reals that are not finite lie outside every support. */
const beyond = (args: Args, ...xs: number[]): Case["outside"] =>
  [...xs, -Infinity, Infinity].map((x) => ({ args, x }));
const mostly = (args: Args, ...xs: number[]): Case["outside"] => xs.map((x) => ({ args, x }));

const cov2 = [
  [2, 0.6],
  [0.6, 1],
];
const other2 = [
  [1, -0.3],
  [-0.3, 0.5],
];
const chol2 = [
  [1.5, 0],
  [-0.4, 0.7],
];
const cov3 = [
  [1.5, 0.3, -0.2],
  [0.3, 0.8, 0.25],
  [-0.2, 0.25, 2],
];
const other3 = [
  [3, 0, 1],
  [0, 2, 0.5],
  [1, 0.5, 9],
];
const corr3 = [
  [1, 0.5, -0.25],
  [0.5, 1, 0.125],
  [-0.25, 0.125, 1],
];
const corr3b = [
  [1, -0.1, 0.2],
  [-0.1, 1, 0.4],
  [0.2, 0.4, 1],
];
const indefinite3 = [
  [1, 0.9, -0.9],
  [0.9, 1, 0.9],
  [-0.9, 0.9, 1],
];
const root3 = [
  [1, 0, 0],
  [0.6, 0.8, 0],
  [0, -0.6, 0.8],
];
const root3b = [
  [1, 0, 0],
  [0, 1, 0],
  [0.48, 0.64, 0.6],
];
/** c' X c for c = (1, −2, 0.5) and a symmetric X of side 3. */
const form3 = (x: ArrayLike<number>): number => {
  const c = [1, -2, 0.5];
  let sum = 0;
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) sum += c[i] * x[3 * i + j] * c[j];
  return sum;
};
/** 1 / (X⁻¹)[0, 0] of a symmetric X of side 3: a Schur complement, det X / det X[1.., 1..]. */
const schur3 = (x: ArrayLike<number>): number => {
  const minor = x[4] * x[8] - x[5] * x[7];
  const rest = x[1] * (x[3] * x[8] - x[5] * x[6]) - x[2] * (x[3] * x[7] - x[4] * x[6]);
  return x[0] - rest / minor;
};

export const cases: Readonly<Record<string, Case>> = {
  Normal: {
    sets: [
      { args: { mu: 1.25, sigma: 0.3 }, xs: [-1, 1.2, 4] },
      { args: { mu: -3, sigma: 20 }, xs: [-50, 0] },
    ],
    outside: beyond({ mu: 0, sigma: 1 }),
    total: line,
    moments: true,
  },
  HalfNormal: {
    sets: [
      { args: { sigma: 2.5 }, xs: [0.1, 3] },
      { args: { sigma: 0.2 }, xs: [0.1, 1] },
    ],
    outside: beyond({ sigma: 1 }, -1e-300, -2),
    total: half,
    moments: true,
  },
  LogNormal: {
    sets: [
      { args: { mu: -0.5, sigma: 0.4 }, xs: [0.1, 0.6, 5] },
      { args: { mu: 1, sigma: 1.5 }, xs: [0.02, 30] },
    ],
    outside: beyond({ mu: 0, sigma: 1 }, 0, -2),
    total: half,
    moments: true,
  },
  StudentT: {
    sets: [
      { args: { nu: 7, mu: 1, sigma: 0.5 }, xs: [-1, 1.1, 40] },
      { args: { nu: 45, mu: -1, sigma: 2 }, xs: [-1.5, 3] },
    ],
    outside: beyond({ nu: 3, mu: 0, sigma: 1 }),
    total: line,
    moments: true,
  },
  HalfStudentT: {
    sets: [
      { args: { nu: 7, sigma: 0.5 }, xs: [0.1, 4] },
      { args: { nu: 45, sigma: 2 }, xs: [0.3, 5] },
    ],
    outside: beyond({ nu: 3, sigma: 1 }, -0.5),
    total: half,
    moments: true,
  },
  Cauchy: {
    sets: [
      { args: { mu: 1, sigma: 0.5 }, xs: [-1, 1.1, 400] },
      { args: { mu: -1, sigma: 2 }, xs: [-1.5, 3] },
    ],
    outside: beyond({ mu: 0, sigma: 1 }),
    total: line,
  },
  HalfCauchy: {
    sets: [
      { args: { sigma: 0.5 }, xs: [0.2, 400] },
      { args: { sigma: 2 }, xs: [1.5, 3] },
    ],
    outside: beyond({ sigma: 1 }, -0.5),
    total: half,
  },
  Laplace: {
    sets: [
      { args: { mu: 1, b: 0.5 }, xs: [-1, 1.4, 40] },
      { args: { mu: -1, b: 2 }, xs: [-1.5, 3] },
    ],
    outside: beyond({ mu: 0, b: 1 }),
    total: line,
    breaks: (a) => [num(a, "mu")],
    moments: true,
  },
  Logistic: {
    sets: [
      { args: { mu: 1, s: 0.5 }, xs: [-1, 1.4, 40] },
      { args: { mu: -1, s: 2 }, xs: [-1.5, 3] },
    ],
    outside: beyond({ mu: 0, s: 1 }),
    total: line,
    moments: true,
  },
  Gumbel: {
    sets: [
      { args: { mu: 1, beta: 0.5 }, xs: [-0.5, 1.4, 40] },
      { args: { mu: -1, beta: 2 }, xs: [-1.5, 3] },
    ],
    outside: beyond({ mu: 0, beta: 1 }),
    total: line,
    moments: true,
  },
  Exponential: {
    sets: [
      { args: { rate: 2 }, xs: [0.1, 3] },
      { args: { rate: 0.05 }, xs: [0.4, 70] },
    ],
    outside: beyond({ rate: 1 }, -1e-300, -1),
    total: half,
    moments: true,
  },
  Gamma: {
    sets: [
      { args: { shape: 3.5, rate: 0.5 }, xs: [0.1, 6, 60] },
      { args: { shape: 0.4, rate: 2 }, xs: [0.01, 3] },
      { args: { shape: 1, rate: 2 }, xs: [0.01, 3] },
    ],
    outside: beyond({ shape: 2, rate: 1 }, -1e-300, -1),
    total: half,
    moments: true,
  },
  ChiSquare: {
    sets: [
      { args: { nu: 5 }, xs: [0.1, 6, 60] },
      { args: { nu: 0.8 }, xs: [0.01, 3] },
    ],
    outside: beyond({ nu: 2 }, -1e-300, -1),
    total: half,
    moments: true,
  },
  InverseGamma: {
    sets: [
      { args: { shape: 6.5, scale: 2 }, xs: [0.1, 0.5, 6] },
      { args: { shape: 0.4, scale: 0.3 }, xs: [0.05, 3] },
    ],
    outside: beyond({ shape: 2, scale: 1 }, 0, -1),
    total: half,
    moments: true,
  },
  Beta: {
    sets: [
      { args: { a: 2, b: 5.5 }, xs: [0.01, 0.4, 0.9] },
      { args: { a: 0.5, b: 0.7 }, xs: [0.01, 0.8] },
      { args: { a: 30, b: 12 }, xs: [0.3, 0.8] },
    ],
    outside: beyond({ a: 2, b: 3 }, -0.01, 1.01),
    total: unit,
    moments: true,
  },
  Kumaraswamy: {
    sets: [
      { args: { a: 2, b: 5.5 }, xs: [0.01, 0.4, 0.9] },
      { args: { a: 0.5, b: 0.7 }, xs: [0.01, 0.8] },
    ],
    outside: beyond({ a: 2, b: 3 }, -0.01, 1.01),
    total: unit,
    moments: true,
  },
  Uniform: {
    sets: [
      { args: { a: -2, b: 6 }, xs: [-1, 5] },
      { args: { a: 0, b: 2 }, xs: [0.4, 1] },
    ],
    outside: beyond({ a: -2, b: 6 }, -2.01, 6.01),
    total: { kind: "continuous", from: -2, to: 6 },
    moments: true,
  },
  Weibull: {
    sets: [
      { args: { shape: 1.7, scale: 2 }, xs: [0.1, 3] },
      { args: { shape: 0.6, scale: 0.5 }, xs: [0.1, 3] },
    ],
    outside: beyond({ shape: 2, scale: 1 }, -1e-300, -1),
    total: half,
    moments: true,
  },
  Pareto: {
    sets: [
      { args: { x_min: 0.5, alpha: 7 }, xs: [0.6, 3] },
      { args: { x_min: 2, alpha: 0.5 }, xs: [2.5, 30] },
    ],
    outside: beyond({ x_min: 0.5, alpha: 7 }, 0.49, 0, -3),
    total: { kind: "continuous", from: 0.5, to: Infinity },
    moments: true,
  },
  VonMises: {
    sets: [
      { args: { mu: 1, kappa: 2 }, xs: [-3, 0, 1.5] },
      { args: { mu: -0.5, kappa: 100 }, xs: [-0.6, 0.2] },
    ],
    outside: beyond({ mu: 1, kappa: 2 }, -3.2, 3.2),
    total: { kind: "continuous", from: -Math.PI, to: Math.PI },
    moments: true,
    circular: true,
  },
  Triangular: {
    sets: [
      { args: { a: 0, c: 0.25, b: 1 }, xs: [0.1, 0.7] },
      { args: { a: -1, c: 0.4, b: 2 }, xs: [0.1, 0.7] },
    ],
    outside: beyond({ a: 0, c: 0.25, b: 1 }, -0.1, 1.1),
    total: { kind: "continuous", from: 0, to: 1 },
    breaks: (a) => [num(a, "c")],
    moments: true,
  },
  Flat: {
    sets: [
      { args: { lower: 0, upper: 2 }, xs: [0.5, 1] },
      { args: { lower: -1, upper: 1.5 }, xs: [0.25] },
    ],
    outside: [
      { args: { lower: 0 }, x: -1 },
      { args: { upper: 1 }, x: 2 },
    ],
    total: { kind: "improper" },
  },
  Bernoulli: {
    sets: [
      { args: { p: 0.3 }, xs: [0, 1] },
      { args: { p: 0.9 }, xs: [0, 1] },
      { args: { logits: 0.7 }, xs: [0, 1] },
      { args: { logits: -3 }, xs: [0, 1] },
    ],
    outside: [...mostly({ p: 0.3 }, -1, 2), ...mostly({ logits: 1 }, -1, 2)],
    total: upTo(1),
    moments: true,
  },
  Binomial: {
    sets: [
      { args: { n: 12, p: 0.3 }, xs: [0, 4, 12] },
      { args: { n: 50, p: 0.9 }, xs: [3, 50] },
      { args: { n: 12, logits: 0.7 }, xs: [0, 4, 12] },
      { args: { n: 12, logits: -3 }, xs: [0, 4] },
    ],
    outside: [...mostly({ n: 12, p: 0.3 }, -1, 13), ...mostly({ n: 12, logits: 0.3 }, -1, 13)],
    total: upTo(12),
    moments: true,
  },
  Poisson: {
    sets: [
      { args: { rate: 3.5 }, xs: [0, 4, 12] },
      { args: { rate: 0.2 }, xs: [0, 4] },
      { args: { log_rate: 0.7 }, xs: [0, 4, 12] },
      { args: { log_rate: -3 }, xs: [0, 4] },
    ],
    outside: [...mostly({ rate: 2 }, -1), ...mostly({ log_rate: 2 }, -1)],
    total: upTo(60),
    moments: true,
  },
  NegativeBinomial: {
    sets: [
      { args: { mean: 4, dispersion: 2.5 }, xs: [0, 4, 12] },
      { args: { mean: 0.3, dispersion: 40 }, xs: [0, 4] },
    ],
    outside: mostly({ mean: 4, dispersion: 2.5 }, -1),
    total: upTo(200),
    moments: true,
  },
  Geometric: {
    sets: [
      { args: { p: 0.3 }, xs: [0, 4, 12] },
      { args: { p: 0.9 }, xs: [0, 4] },
    ],
    outside: mostly({ p: 0.3 }, -1),
    total: upTo(120),
    moments: true,
  },
  BetaBinomial: {
    sets: [
      { args: { n: 12, a: 2, b: 3 }, xs: [0, 4, 12] },
      { args: { n: 30, a: 25, b: 0.3 }, xs: [0, 4, 30] },
    ],
    outside: mostly({ n: 12, a: 2, b: 3 }, -1, 13),
    total: upTo(12),
    moments: true,
  },
  Hypergeometric: {
    sets: [
      { args: { n: 5, hits: 7, total: 12 }, xs: [0, 3, 5] },
      { args: { n: 8, hits: 3, total: 10 }, xs: [1, 2, 3] },
    ],
    outside: [
      ...mostly({ n: 5, hits: 7, total: 12 }, -1, 6),
      ...mostly({ n: 8, hits: 3, total: 10 }, 0, 4),
    ],
    total: upTo(5),
    moments: true,
  },
  Delta: {
    sets: [
      { args: { x: 3 }, xs: [3] },
      { args: { x: 5 }, xs: [5] },
    ],
    outside: mostly({ x: 3 }, 2, 4),
    total: { kind: "certain" },
  },
  Categorical: {
    sets: [
      { args: { p: [0.2, 0.5, 0.3] }, xs: [0, 1, 2] },
      { args: { p: [0.1, 0.1, 0.8] }, xs: [0, 2] },
      { args: { logits: [0.5, -1, 2] }, xs: [0, 1, 2] },
      { args: { logits: [3, 1, 2] }, xs: [0, 1] },
    ],
    outside: [
      ...mostly({ p: [0.2, 0.5, 0.3] }, -1, 3),
      ...mostly({ logits: [0.2, 0.5, 0.3] }, -1, 3),
    ],
    total: upTo(2),
    moments: true,
  },
  OrderedLogistic: {
    sets: [
      { args: { eta: 0.4, cuts: [-1, 0.5, 2] }, xs: [0, 1, 2, 3] },
      { args: { eta: -2, cuts: [0, 1, 7] }, xs: [0, 1, 2, 3] },
    ],
    outside: mostly({ eta: 0.4, cuts: [-1, 0.5, 2] }, -1, 4),
    total: upTo(3),
    moments: true,
  },
  Multinomial: {
    sets: [
      {
        args: { n: 6, p: [0.2, 0.5, 0.3] },
        xs: [
          [1, 2, 3],
          [6, 0, 0],
        ],
      },
      { args: { n: 2, p: [0.1, 0.1, 0.8] }, xs: [[1, 0, 1]] },
    ],
    outside: [
      { args: { n: 6, p: [0.2, 0.5, 0.3] }, x: [1, 2, 4] },
      { args: { n: 6, p: [0.2, 0.5, 0.3] }, x: [-1, 4, 3] },
      { args: { n: 6, p: [0.2, 0.8, 0] }, x: [1, 4, 1] },
    ],
    marginals: [0, 1, 2].map((k) => ({
      label: `count ${k}`,
      of: (x) => x[k],
      law: "Binomial",
      args: { n: 6, p: [0.2, 0.5, 0.3][k] },
    })),
    meanOfDraws: true,
  },
  DirichletMultinomial: {
    sets: [
      {
        args: { n: 6, alpha: [0.5, 2, 3] },
        xs: [
          [1, 2, 3],
          [6, 0, 0],
        ],
      },
      { args: { n: 2, alpha: [4, 1, 12] }, xs: [[1, 0, 1]] },
    ],
    outside: [
      { args: { n: 6, alpha: [0.5, 2, 3] }, x: [1, 2, 4] },
      { args: { n: 6, alpha: [0.5, 2, 3] }, x: [-1, 4, 3] },
    ],
    marginals: [0, 1, 2].map((k) => ({
      label: `count ${k}`,
      of: (x) => x[k],
      law: "BetaBinomial",
      args: { n: 6, a: [0.5, 2, 3][k], b: [5, 3.5, 2.5][k] },
    })),
    meanOfDraws: true,
  },
  LowRankMvNormal: {
    sets: [
      {
        args: {
          mu: [0.5, -1, 2],
          W: [
            [1, 0.3],
            [0.5, -0.4],
            [-2, 1],
          ],
          diag: [1, 0.25, 3],
        },
        xs: [
          [0, 0, 0],
          [0.5, -1, 2.5],
        ],
      },
      {
        args: {
          mu: [0, 1, 2],
          W: [
            [1, 0.5],
            [0, 2],
            [3, -1],
          ],
          diag: [0.5, 1, 2],
        },
        xs: [[1, -2, 3]],
      },
    ],
    outside: [],
    marginals: [
      {
        label: "the last element",
        of: (x) => x[2],
        law: "Normal",
        args: { mu: 2, sigma: Math.sqrt(4 + 1 + 3) },
      },
      {
        label: "a difference",
        of: (x) => x[0] - x[1],
        law: "Normal",
        args: { mu: 1.5, sigma: Math.sqrt(0.5 ** 2 + 0.7 ** 2 + 1.25) },
      },
    ],
    meanOfDraws: true,
  },
  MatrixNormal: {
    sets: [
      {
        args: {
          M: [
            [0, 1],
            [2, -1],
            [0.5, 0],
          ],
          U: cov3,
          V: cov2,
        },
        xs: [
          [
            [0, 0],
            [1, 1],
            [-1, 2],
          ],
        ],
      },
      {
        args: {
          M: [
            [1, 1],
            [0, 0],
            [2, 5],
          ],
          U: other3,
          V: other2,
        },
        xs: [
          [
            [1, 0],
            [1, 4],
            [-1, 2],
          ],
        ],
      },
    ],
    outside: [],
    marginals: [
      {
        label: "an element",
        of: (x) => x[2],
        law: "Normal",
        // Row 1, column 0: U[1,1] V[0,0].
        args: { mu: 2, sigma: Math.sqrt(0.8 * 2) },
      },
      {
        label: "a sum along a row",
        of: (x) => x[4] + x[5],
        law: "Normal",
        // U[2,2] times the sum of V.
        args: { mu: 0.5, sigma: Math.sqrt(2 * (2 + 1 + 1.2)) },
      },
    ],
    meanOfDraws: true,
  },
  Dirichlet: {
    sets: [
      {
        args: { alpha: [0.5, 2, 3] },
        xs: [
          [0.25, 0.5, 0.25],
          [0.1, 0.1, 0.8],
        ],
      },
      { args: { alpha: [4, 1, 12] }, xs: [[0.3, 0.5, 0.2]] },
    ],
    outside: [
      { args: { alpha: [0.5, 2, 3] }, x: [0.25, 0.5, 0.3] },
      { args: { alpha: [0.5, 2, 3] }, x: [-0.25, 0.75, 0.5] },
    ],
    marginals: [0, 1, 2].map((k) => ({
      label: `share ${k}`,
      of: (x) => x[k],
      law: "Beta",
      args: { a: [0.5, 2, 3][k], b: 5.5 - [0.5, 2, 3][k] },
    })),
    meanOfDraws: true,
  },
  MvNormal: {
    sets: [
      {
        args: { mu: [0.5, -1], cov: cov2 },
        xs: [
          [0, 0],
          [2, -3],
        ],
      },
      { args: { mu: [0, 2], cov: other2 }, xs: [[0.3, 1]] },
      {
        args: { mu: [0.5, -1], cholesky: chol2 },
        xs: [
          [0, 0],
          [2, -3],
        ],
      },
      {
        args: {
          mu: [0, 2],
          cholesky: [
            [0.3, 0],
            [1, 2],
          ],
        },
        xs: [[0.3, 1]],
      },
      {
        args: { mu: [0.5, -1], precision: cov2 },
        xs: [
          [0, 0],
          [2, -3],
        ],
      },
      { args: { mu: [0, 2], precision: other2 }, xs: [[0.3, 1]] },
    ],
    outside: [],
    marginals: [
      // (1, −2)·x has mean 2.5 and variance 2 − 2.4 + 4.
      {
        label: "projection",
        of: (x) => x[0] - 2 * x[1],
        law: "Normal",
        args: { mu: 2.5, sigma: Math.sqrt(3.6) },
      },
      {
        label: "squared distance",
        of: (x) => {
          const [a, b] = [x[0] - 0.5, x[1] + 1];
          return (a * a - 1.2 * a * b + 2 * b * b) / 1.64;
        },
        law: "ChiSquare",
        args: { nu: 2 },
      },
    ],
    meanOfDraws: true,
  },
  MvStudentT: {
    sets: [
      {
        args: { nu: 6, mu: [0.5, -1], cov: cov2 },
        xs: [
          [0, 0],
          [2, -3],
        ],
      },
      { args: { nu: 60, mu: [0, 2], cov: other2 }, xs: [[0.3, 1]] },
    ],
    outside: [],
    marginals: [
      {
        label: "projection",
        of: (x) => x[0] - 2 * x[1],
        law: "StudentT",
        args: { nu: 6, mu: 2.5, sigma: Math.sqrt(3.6) },
      },
    ],
    meanOfDraws: true,
  },
  Wishart: {
    sets: [
      { args: { nu: 4.5, V: cov3 }, xs: [other3, corr3] },
      { args: { nu: 12, V: corr3 }, xs: [cov3] },
    ],
    outside: [{ args: { nu: 4.5, V: cov3 }, x: indefinite3 }],
    marginals: [
      // c' X c / c' V c is chi-squared of ν degrees of freedom.
      {
        label: "quadratic form",
        of: (x) => form3(x) / form3(cov3.flat()),
        law: "ChiSquare",
        args: { nu: 4.5 },
      },
      // The Schur complement's ratio is chi-squared of ν − D + 1 (Muirhead 1982, theorem 3.2.10).
      {
        label: "Schur complement",
        of: (x) => schur3(x) / schur3(cov3.flat()),
        law: "ChiSquare",
        args: { nu: 2.5 },
      },
    ],
    meanOfDraws: true,
  },
  InverseWishart: {
    sets: [
      { args: { nu: 9, S: cov3 }, xs: [other3, corr3] },
      { args: { nu: 5, S: corr3 }, xs: [cov3] },
    ],
    outside: [{ args: { nu: 4.5, S: cov3 }, x: indefinite3 }],
    marginals: [
      // X[0, 0] is inverse gamma of shape (ν − D + 1)/2 and scale S[0, 0]/2.
      {
        label: "first variance",
        of: (x) => x[0],
        law: "InverseGamma",
        args: { shape: 3.5, scale: 0.75 },
      },
      {
        label: "Schur complement",
        of: (x) => schur3(cov3.flat()) / schur3(x),
        law: "ChiSquare",
        args: { nu: 9 },
      },
    ],
    meanOfDraws: true,
  },
  LKJ: {
    sets: [
      { args: { eta: 2.5, D: 3 }, xs: [corr3, corr3b] },
      { args: { eta: 0.8, D: 3 }, xs: [corr3] },
    ],
    outside: [
      { args: { eta: 2.5, D: 3 }, x: indefinite3 },
      { args: { eta: 2.5, D: 3 }, x: cov3 },
    ],
    // Each correlation is 2 Beta(b, b) − 1 with b = η + D/2 − 1.
    marginals: [1, 2, 5].map((k) => ({
      label: `correlation ${k}`,
      of: (x) => (x[k] + 1) / 2,
      law: "Beta",
      args: { a: 3, b: 3 },
    })),
    meanOfDraws: true,
  },
  LKJCholesky: {
    sets: [
      { args: { eta: 2.5, D: 3 }, xs: [root3, root3b] },
      { args: { eta: 0.8, D: 3 }, xs: [root3] },
    ],
    outside: [
      {
        args: { eta: 2.5, D: 3 },
        x: [
          [1, 0, 0],
          [0.6, -0.8, 0],
          [0, -0.6, 0.8],
        ],
      },
    ],
    marginals: [
      {
        label: "correlation of rows 1 and 2",
        of: (l) => (l[3] * l[6] + l[4] * l[7] + 1) / 2,
        law: "Beta",
        args: { a: 3, b: 3 },
      },
      // 1 − L[2, 2]² is Beta((D − 1)/2, η).
      {
        label: "last diagonal element",
        of: (l) => l[8] * l[8],
        law: "Beta",
        args: { a: 2.5, b: 1 },
      },
    ],
  },
};
