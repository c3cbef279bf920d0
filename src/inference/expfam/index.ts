/** The table of exponential families. */
import { bernoulli } from "./bernoulli.js";
import { beta } from "./beta.js";
import { binomial } from "./binomial.js";
import { categorical } from "./categorical.js";
import { dirichlet } from "./dirichlet.js";
import { exponential } from "./exponential.js";
import { gamma } from "./gamma.js";
import { inverseGamma } from "./inverse-gamma.js";
import { inverseWishart } from "./inverse-wishart.js";
import { matrixNormal } from "./matrix-normal.js";
import { multinomial } from "./multinomial.js";
import { mvNormal } from "./mv-normal.js";
import { normal } from "./normal.js";
import { normalGamma } from "./normal-gamma.js";
import { normalInverseWishart } from "./normal-inverse-wishart.js";
import { pareto } from "./pareto.js";
import { poisson } from "./poisson.js";
import { wishart } from "./wishart.js";

export type { ExpFamily, Params, Setting } from "./contract.js";
export { divergence, entropy, inner, logDensity } from "./derived.js";

export const expFamilies = {
  Normal: normal,
  Gamma: gamma,
  InverseGamma: inverseGamma,
  Beta: beta,
  Dirichlet: dirichlet,
  Categorical: categorical,
  Bernoulli: bernoulli,
  Binomial: binomial,
  Multinomial: multinomial,
  Poisson: poisson,
  Exponential: exponential,
  Pareto: pareto,
  MvNormal: mvNormal,
  Wishart: wishart,
  InverseWishart: inverseWishart,
  NormalGamma: normalGamma,
  NormalInverseWishart: normalInverseWishart,
  MatrixNormal: matrixNormal,
} as const;
export type FamilyName = keyof typeof expFamilies;
