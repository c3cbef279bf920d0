/** Models of latent counts and of hidden states for the Gibbs benchmark, with simulated data. */
import { stream } from "../../src/math/rng/index.js";
import type { GibbsModel } from "./gibbs-models.js";

/** N-mixture: abundance of `sites` places from five counts each (Royle, Biometrics 2004). */
export function abundance(sites: number): GibbsModel {
  const rng = stream(4, 0, 0, sites);
  const y = Array.from({ length: sites }, () => {
    const present = rng.poisson(8);
    return Array.from({ length: 5 }, () => rng.binomial(present, 0.4));
  });
  return {
    name: `N-mixture, ${sites} sites`,
    text: `model m(R: int, T: int) {
      lambda ~ Gamma(2, 0.1)
      p ~ Beta(2, 2)
      for i in 0..R {
        N[i] ~ Poisson(lambda)
        for t in 0..T { y[i, t] ~ Binomial(N[i], p) }
      }
    }`,
    bugs: `model {
      lambda ~ dgamma(2, 0.1)
      p ~ dbeta(2, 2)
      for (i in 1:R) {
        N[i] ~ dpois(lambda)
        for (t in 1:T) { y[i, t] ~ dbin(p, N[i]) }
      }
    }`,
    sites: ["lambda", "p"],
    data: { R: sites, T: 5, y },
    inits: { N: y.map((row) => Math.max(...row) + 1) },
  };
}

/** Cormack–Jolly–Seber with states: `animals` marked at the first of eight occasions. */
export function survival(animals: number): GibbsModel {
  const rng = stream(4, 0, 1, animals);
  const y = Array.from({ length: animals }, () => {
    let alive = 1;
    return Array.from({ length: 8 }, (_, t) => {
      if (t === 0) return 1;
      alive = alive === 1 && rng.uniform() < 0.7 ? 1 : 0;
      return alive === 1 && rng.uniform() < 0.6 ? 1 : 0;
    });
  });
  return {
    name: `capture and recapture, ${animals} animals`,
    text: `model m(M: int, T: int, y: int[M, T]) {
      phi ~ Beta(1, 1)
      p ~ Beta(1, 1)
      for i in 0..M {
        z[i, 0] ~ Bernoulli(1.0)
        for t in 1..T {
          z[i, t] ~ Bernoulli(phi * z[i, t - 1])
          y[i, t] ~ Bernoulli(p * z[i, t])
        }
      }
    }`,
    bugs: `model {
      phi ~ dbeta(1, 1)
      p ~ dbeta(1, 1)
      for (i in 1:M) {
        z[i, 1] ~ dbern(1)
        for (t in 2:T) {
          z[i, t] ~ dbern(phi * z[i, t - 1])
          y[i, t] ~ dbern(p * z[i, t])
        }
      }
    }`,
    sites: ["phi", "p"],
    data: { M: animals, T: 8, y },
    inits: { z: y.map((row) => row.map(() => 1)) },
  };
}
