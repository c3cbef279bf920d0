/** The table of distributions: name to everything known about it. */
import { beta } from "./continuous/beta.js";
import { cauchy } from "./continuous/cauchy.js";
import { chiSquare } from "./continuous/chi-square.js";
import { exponential } from "./continuous/exponential.js";
import { flat } from "./continuous/flat.js";
import { gamma } from "./continuous/gamma.js";
import { gumbel } from "./continuous/gumbel.js";
import { halfCauchy } from "./continuous/half-cauchy.js";
import { halfNormal } from "./continuous/half-normal.js";
import { halfStudentT } from "./continuous/half-student-t.js";
import { inverseGamma } from "./continuous/inverse-gamma.js";
import { kumaraswamy } from "./continuous/kumaraswamy.js";
import { laplace } from "./continuous/laplace.js";
import { logNormal } from "./continuous/log-normal.js";
import { logistic } from "./continuous/logistic.js";
import { normal } from "./continuous/normal.js";
import { pareto } from "./continuous/pareto.js";
import { studentT } from "./continuous/student-t.js";
import { triangular } from "./continuous/triangular.js";
import { uniform } from "./continuous/uniform.js";
import { vonMises } from "./continuous/von-mises.js";
import { weibull } from "./continuous/weibull.js";
import type { Distribution } from "./contract.js";
import { bernoulli } from "./discrete/bernoulli.js";
import { betaBinomial } from "./discrete/beta-binomial.js";
import { binomial } from "./discrete/binomial.js";
import { categorical } from "./discrete/categorical.js";
import { delta } from "./discrete/delta.js";
import { geometric } from "./discrete/geometric.js";
import { hypergeometric } from "./discrete/hypergeometric.js";
import { negativeBinomial } from "./discrete/negative-binomial.js";
import { orderedLogistic } from "./discrete/ordered-logistic.js";
import { poisson } from "./discrete/poisson.js";
import { dirichlet } from "./multivariate/dirichlet.js";
import { dirichletMultinomial } from "./multivariate/dirichlet-multinomial.js";
import { inverseWishart } from "./multivariate/inverse-wishart.js";
import { lkj } from "./multivariate/lkj.js";
import { lkjCholesky } from "./multivariate/lkj-cholesky.js";
import { lowRankMvNormal } from "./multivariate/low-rank-mv-normal.js";
import { matrixNormal } from "./multivariate/matrix-normal.js";
import { multinomial } from "./multivariate/multinomial.js";
import { mvNormal } from "./multivariate/mv-normal.js";
import { mvStudentT } from "./multivariate/mv-student-t.js";
import { wishart } from "./multivariate/wishart.js";

const all: readonly Distribution[] = [
  beta,
  cauchy,
  chiSquare,
  exponential,
  flat,
  gamma,
  gumbel,
  halfCauchy,
  halfNormal,
  halfStudentT,
  inverseGamma,
  kumaraswamy,
  laplace,
  logNormal,
  logistic,
  normal,
  pareto,
  studentT,
  triangular,
  uniform,
  vonMises,
  weibull,
  bernoulli,
  betaBinomial,
  binomial,
  categorical,
  delta,
  geometric,
  hypergeometric,
  negativeBinomial,
  orderedLogistic,
  poisson,
  dirichlet,
  dirichletMultinomial,
  inverseWishart,
  lkjCholesky,
  lkj,
  lowRankMvNormal,
  matrixNormal,
  multinomial,
  mvNormal,
  mvStudentT,
  wishart,
];

/** By the name that models use. Without a prototype: `constructor` is not a distribution. */
export const distributions: Readonly<Record<string, Distribution>> = Object.freeze(
  Object.assign(
    Object.create(null) as Record<string, Distribution>,
    Object.fromEntries(all.map((d) => [d.name, d])),
  ),
);
