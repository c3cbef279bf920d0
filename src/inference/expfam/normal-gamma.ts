/**
 * NormalGamma(m, kappa, shape, rate) of a mean μ and a precision τ: τ is Gamma(α, β), μ given τ is
 * normal of mean m and precision κτ. x = (μ, τ), T = (log τ, τ, τμ, τμ²),
 * η = (α − 1/2, −β − κm²/2, κm, −κ/2). Source: Bishop (2006), equation 2.154.
 */
import { digamma, HALF_LOG_2PI, lgamma } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { num } from "./read.js";

function usual(eta: Float64Array) {
  const kappa = -2 * eta[3];
  const m = eta[2] / kappa;
  return { m, kappa, shape: eta[0] + 0.5, rate: -eta[1] - (kappa * m * m) / 2 };
}

export const normalGamma: ExpFamily = {
  name: "NormalGamma",
  setting: () => ({ size: 2 }),
  toNatural: (p) => {
    const [m, kappa] = [num(p, "m"), num(p, "kappa")];
    const second = -num(p, "rate") - (kappa * m * m) / 2;
    return Float64Array.of(num(p, "shape") - 0.5, second, kappa * m, -kappa / 2);
  },
  fromNatural: (eta) => usual(eta),
  isValid: (eta) => {
    const { kappa, shape, rate } = usual(eta);
    return [kappa, shape, rate].every((v) => v > 0 && v < Infinity) && Number.isFinite(eta[2]);
  },
  statistics: ([mu, tau]) => Float64Array.of(Math.log(tau), tau, tau * mu, tau * mu * mu),
  logBase: () => -HALF_LOG_2PI,
  logNormaliser: (eta) => {
    const { kappa, shape, rate } = usual(eta);
    return lgamma(shape) - shape * Math.log(rate) - Math.log(kappa) / 2;
  },
  mean: (eta) => {
    const { m, kappa, shape, rate } = usual(eta);
    const tau = shape / rate;
    return Float64Array.of(digamma(shape) - Math.log(rate), tau, m * tau, 1 / kappa + m * m * tau);
  },
  expectedLogBase: () => -HALF_LOG_2PI,
  sample: (eta, _, rng) => {
    const { m, kappa, shape, rate } = usual(eta);
    const tau = rng.gamma(shape) / rate;
    return Float64Array.of(m + rng.normal() / Math.sqrt(kappa * tau), tau);
  },
};
