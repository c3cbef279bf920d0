/** The models that are measured. */
export const logistic = `
model logistic(N: int, D: int, x: real[N, D], y: int[N]) {
  w ~ iid(Normal(0, 1), D)
  for i in 0..N { observe y[i] ~ Bernoulli(logits: dot(x[i], w)) }
}
guide normal(N: int, D: int, x: real[N, D], y: int[N]) for logistic {
  param m: real[D]
  param s: real[D]
  w ~ Normal(m, exp(s))
}
`;

export const regression = `
model regression(N: int, D: int, x: real[N, D], y: int[N]) {
  w ~ iid(Normal(0, 1), D)
  for i in 0..N { observe y[i] ~ Bernoulli(logits: dot(x[i], w)) }
}
`;

export const vae = `
import nn
model vae(N: int, D: int, d: int, H: int) {
  let decode = nn.mlp([d, H, D], nn.relu)
  for i in 0..N {
    z[i] ~ iid(Normal(0, 1), d)
    x[i] ~ Bernoulli(logits: decode(z[i]))
  }
}
guide encoder(N: int, D: int, d: int, H: int, x: real[N, D]) for vae {
  let body = nn.mlp([D, H], nn.relu)
  let mean = nn.dense(H, d)
  let logsd = nn.dense(H, d)
  for i in 0..N {
    let h[i] = nn.relu(body(x[i]))
    z[i] ~ Normal(mean(h[i]), exp(logsd(h[i])))
  }
}
`;

export const eightSchools = `
model eight_schools(J: int, y: real[J], sigma: real[J]) {
  mu ~ Normal(0, 5)
  tau ~ HalfCauchy(5)
  for j in 0..J {
    eta[j] ~ Normal(0, 1)
    observe y[j] ~ Normal(mu + tau * eta[j], sigma[j])
  }
}
`;

export const mixture = `
model mixture(N: int, K: int, D: int) {
  param pi: simplex[K]
  for k in 0..K {
    param mu[k]: real[D]
    param Sigma[k]: cov[D]
  }
  for i in 0..N {
    z[i] ~ Categorical(pi)
    x[i] ~ MvNormal(mu[z[i]], Sigma[z[i]])
  }
}
`;

export const process = `
model process(N: int) {
  alpha ~ Gamma(2, 2)
  for k in 0.. {
    mu[k] ~ Normal(0, 5)
    tau[k] ~ Gamma(3, 3)
  }
  for i in 0..N {
    z[i] ~ CRP(alpha)
    x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]]))
  }
}
`;
