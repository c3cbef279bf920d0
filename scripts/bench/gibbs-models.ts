/** Conjugate hierarchical models for the Gibbs benchmark: our text, the BUGS text, and the data. */
import { stream } from "../../src/math/rng/index.js";

export interface GibbsModel {
  readonly name: string;
  readonly text: string;
  /** The same model in the BUGS language, whose normals take precisions. */
  readonly bugs: string;
  /** In the order of the table: site names that both report, in own scalars. */
  readonly sites: readonly string[];
  readonly data: Readonly<Record<string, RValue>>;
  /** Where JAGS begins, whose own states the data may exclude. */
  readonly inits?: Readonly<Record<string, RValue>>;
}

export type RValue = number | readonly number[] | readonly (readonly number[])[];

const eight: GibbsModel = {
  name: "eight schools, inverse-gamma variance",
  text: `model m(J: int, sigma: positive[J]) {
    mu ~ Normal(0, 10)
    v ~ InverseGamma(1, 20)
    for j in 0..J { theta[j] ~ Normal(mu, sqrt(v)) }
    for j in 0..J { y[j] ~ Normal(theta[j], sigma[j]) }
  }`,
  bugs: `model {
    mu ~ dnorm(0, 0.01)
    w ~ dgamma(1, 20)
    v <- 1 / w
    for (j in 1:J) { theta[j] ~ dnorm(mu, w) }
    for (j in 1:J) { y[j] ~ dnorm(theta[j], 1 / (sigma[j] * sigma[j])) }
  }`,
  sites: ["mu", "v", "theta"],
  data: {
    J: 8,
    sigma: [15, 10, 16, 11, 9, 11, 10, 18],
    y: [28, 8, -3, 7, -1, 1, 18, 12],
  },
};

/** Weights of 30 rats at five ages: Gelfand, Hills, Racine-Poon and Smith (JASA 1990), table 3. */
const weights = [
  [151, 199, 246, 283, 320],
  [145, 199, 249, 293, 354],
  [147, 214, 263, 312, 328],
  [155, 200, 237, 272, 297],
  [135, 188, 230, 280, 323],
  [159, 210, 252, 298, 331],
  [141, 189, 231, 275, 305],
  [159, 201, 248, 297, 338],
  [177, 236, 285, 350, 376],
  [134, 182, 220, 260, 296],
  [160, 208, 261, 313, 352],
  [143, 188, 220, 273, 314],
  [154, 200, 244, 289, 325],
  [171, 221, 270, 326, 358],
  [163, 216, 242, 281, 312],
  [160, 207, 248, 288, 324],
  [142, 187, 234, 280, 316],
  [156, 203, 243, 283, 317],
  [157, 212, 259, 307, 336],
  [152, 203, 246, 286, 321],
  [154, 205, 253, 298, 334],
  [139, 190, 225, 267, 302],
  [146, 191, 229, 272, 302],
  [157, 211, 250, 285, 323],
  [132, 185, 237, 286, 331],
  [160, 207, 257, 303, 345],
  [169, 216, 261, 295, 333],
  [157, 205, 248, 289, 316],
  [137, 180, 219, 258, 291],
  [153, 200, 244, 286, 324],
];

const rats: GibbsModel = {
  name: "rats, a hierarchy of regressions",
  text: `model m(N: int, T: int, x: real[T]) {
    mu_a ~ Normal(0, 1000)
    mu_b ~ Normal(0, 1000)
    tau_a ~ Gamma(0.001, 0.001)
    tau_b ~ Gamma(0.001, 0.001)
    tau ~ Gamma(0.001, 0.001)
    for n in 0..N {
      alpha[n] ~ Normal(mu_a, 1 / sqrt(tau_a))
      beta[n] ~ Normal(mu_b, 1 / sqrt(tau_b))
      for t in 0..T { y[n, t] ~ Normal(alpha[n] + beta[n] * (x[t] - 22), 1 / sqrt(tau)) }
    }
  }`,
  bugs: `model {
    mu_a ~ dnorm(0, 1.0E-6)
    mu_b ~ dnorm(0, 1.0E-6)
    tau_a ~ dgamma(0.001, 0.001)
    tau_b ~ dgamma(0.001, 0.001)
    tau ~ dgamma(0.001, 0.001)
    for (n in 1:N) {
      alpha[n] ~ dnorm(mu_a, tau_a)
      beta[n] ~ dnorm(mu_b, tau_b)
      for (t in 1:T) { y[n, t] ~ dnorm(alpha[n] + beta[n] * (x[t] - 22), tau) }
    }
  }`,
  sites: ["mu_a", "mu_b", "tau_a", "tau_b", "tau", "alpha", "beta"],
  data: { N: 30, T: 5, x: [8, 15, 22, 29, 36], y: weights },
};

function twoLevel(): GibbsModel {
  const rng = stream(20, 0, 0, 0);
  const [N, J] = [1000, 50];
  const group = Array.from({ length: N }, (_, n) => n % J);
  const means = Array.from({ length: J }, () => 1 + 0.3 * rng.normal());
  const y = group.map((g) => means[g] + rng.normal());
  return {
    name: "two-level normal, 1000 observations in 50 groups",
    text: `model m(N: int, J: int, group: category(J)[N]) {
      mu ~ Normal(0, 10)
      lambda ~ Gamma(1, 1)
      tau ~ Gamma(1, 1)
      for j in 0..J { a[j] ~ Normal(mu, 1 / sqrt(lambda)) }
      for n in 0..N { y[n] ~ Normal(a[group[n]], 1 / sqrt(tau)) }
    }`,
    bugs: `model {
      mu ~ dnorm(0, 0.01)
      lambda ~ dgamma(1, 1)
      tau ~ dgamma(1, 1)
      for (j in 1:J) { a[j] ~ dnorm(mu, lambda) }
      for (n in 1:N) { y[n] ~ dnorm(a[group[n] + 1], tau) }
    }`,
    sites: ["mu", "lambda", "tau", "a"],
    data: { N, J, group, y },
  };
}

function betaBinomial(): GibbsModel {
  const rng = stream(21, 0, 0, 0);
  const n = Array.from({ length: 40 }, () => 5 + Math.floor(30 * rng.uniform()));
  const k = n.map((trials) => rng.binomial(trials, 0.2 + 0.3 * rng.uniform()));
  return {
    name: "beta-binomial, 40 groups",
    text: `model m(G: int, n: int[G]) {
      for g in 0..G {
        p[g] ~ Beta(2, 3)
        k[g] ~ Binomial(n[g], p[g])
      }
    }`,
    bugs: `model {
      for (g in 1:G) {
        p[g] ~ dbeta(2, 3)
        k[g] ~ dbin(p[g], n[g])
      }
    }`,
    sites: ["p"],
    data: { G: 40, n, k },
  };
}

export const gibbsModels: readonly GibbsModel[] = [eight, rats, twoLevel(), betaBinomial()];
