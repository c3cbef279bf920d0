export { besselI0e, besselI1e, besselRatio, logBesselI0 } from "./bessel.js";
export { lbeta, lchoose } from "./beta.js";
export { erf, erfc, erfcx, expSquare, logErfc } from "./erf.js";
export {
  cosPi,
  digamma,
  gammaSign,
  HALF_LOG_2PI,
  lgamma,
  lgamma1p,
  lmvgamma,
  sinPi,
  stirlingCorrection,
  trigamma,
} from "./gamma.js";
export { gammaQuantile } from "./gamma-quantile.js";
export { betaI, betaIComplement } from "./incomplete-beta.js";
export { gammaP, gammaQ } from "./incomplete-gamma.js";
export { gammaPShape } from "./incomplete-gamma-shape.js";
export {
  log1mexp,
  log1pexp,
  logaddexp,
  logistic,
  logit,
  logLogistic,
  logsubexp,
  logsumexp,
} from "./logspace.js";
export {
  erfInverse,
  normalCdf,
  normalLogCdf,
  normalLogCdfGradient,
  normalQuantile,
  normalQuantileOfLog,
} from "./normal.js";
export { polynomial, rational } from "./polynomial.js";
export { deviance, log1pmx, logBinomialMass, logPoissonMass } from "./saddle.js";
