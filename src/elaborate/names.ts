/** Suggestions for names: what is near, and what other systems call the same thing. */
import { nearestNames } from "../base/nearest.js";
import { builtinNames } from "../model/builtins.js";
import { builtinAliases } from "./builtins.js";
import type { Cx } from "./context.js";
import type { Scope } from "./scope.js";

/** Distributions that take distributions, and those of unbounded plates. */
export const combinatorNames = [
  "iid",
  "Truncated",
  "Censored",
  "ZeroInflated",
  "Mixture",
  "Transformed",
  "Energy",
  "CRP",
  "StickBreaking",
  "DirichletProcess",
] as const;

/** What Stan, NumPyro, PyMC, SciPy and R call things, and what this language writes instead. */
const foreignNames: Readonly<Record<string, string>> = {
  dnorm: "Normal(mu, sigma).log_prob(x)",
  rnorm: "x ~ Normal(mu, sigma)",
  pnorm: "Normal(mu, sigma).cdf(x)",
  qnorm: "normal_quantile(p)",
  multi_normal: "MvNormal(mu, cov)",
  multi_normal_cholesky: "MvNormal(mu, cholesky: L)",
  multi_normal_prec: "MvNormal(mu, precision: P)",
  MultivariateNormal: "MvNormal(mu, cov)",
  MvNormalCholesky: "MvNormal(mu, cholesky: L)",
  lkj_corr: "LKJ(eta, D)",
  lkj_corr_cholesky: "LKJCholesky(eta, D)",
  LKJCorr: "LKJ(eta, D)",
  inv_gamma: "InverseGamma(shape, scale)",
  inv_wishart: "InverseWishart(nu, S)",
  neg_binomial_2: "NegativeBinomial(mean, dispersion)",
  NegativeBinomial2: "NegativeBinomial(mean, dispersion)",
  bernoulli_logit: "Bernoulli(logits: eta)",
  binomial_logit: "Binomial(n, logits: eta)",
  categorical_logit: "Categorical(logits: eta)",
  poisson_log: "Poisson(log_rate: eta)",
  double_exponential: "Laplace(mu, b)",
  von_mises: "VonMises(mu, kappa)",
  student_t: "StudentT(nu, mu, sigma)",
  improper_uniform: "Flat()",
  ImproperUniform: "Flat()",
  HalfFlat: "Flat(lower: 0)",
  InverseGaussian: "Transformed",
  dot_product: "a @ b",
  rep_vector: "fill(x, N)",
  rep_array: "fill(x, N)",
  rep_matrix: "fill(x, N, M)",
  full: "fill(x, N)",
  append_row: "concat(a, b)",
  concatenate: "concat(a, b)",
  stack: "[a, b]",
  num_elements: "size(x)",
  length: "size(x)",
  len: "size(x)",
  rows: "size(x, 0)",
  cols: "size(x, 1)",
  fabs: "abs(x)",
  ln: "log(x)",
  gammaln: "lgamma(x)",
  loggamma: "lgamma(x)",
  lbinom: "lchoose(n, k)",
  binomial_coefficient_log: "lchoose(n, k)",
  tgamma: "exp(lgamma(x))",
  log_softplus: "log(softplus(x))",
  inv_sqrt: "1 / sqrt(x)",
  cholesky_decompose: "cholesky(A)",
  diagonal: "diag(A)",
  identity_matrix: "eye(N)",
  arange: "range(a, b)",
  seq_len: "range(0, n)",
  to_vector: "reshape(A, N * M)",
  squareroot: "sqrt(x)",
  ifelse: "if c then a else b",
  where: "if c then a else b",
  std: "sd(x)",
  nrow: "size(x, 0)",
  ncol: "size(x, 1)",
  target: "factor e",
  print: "nothing: models do not print",
};

/** What to write instead of a name that this language does not know; undefined where none is near. */
export function foreignAdvice(name: string, known: readonly string[]): string | undefined {
  const own = Object.hasOwn(foreignNames, name) ? foreignNames[name] : undefined;
  if (own !== undefined) return own;
  const suffixed = /^(\w+)_(lpdf|lpmf|logpdf|log_prob|rng|cdf|lcdf)$/.exec(name);
  if (suffixed === null) return undefined;
  const [, base, suffix] = suffixed;
  const key = foreignNames[base];
  const dist = key ?? known.find((k) => k.toLowerCase() === base.replaceAll("_", "").toLowerCase());
  if (dist === undefined) return undefined;
  const shown = dist.includes("(") ? dist : `${dist}(…)`;
  if (suffix === "rng") return `x ~ ${shown}`;
  return suffix.endsWith("cdf") ? `${shown}.cdf(x)` : `${shown}.log_prob(x)`;
}

/** Functions that are written as operators. */
const operatorNames: readonly string[] = [
  ..."neg not add sub mul div mod lt le gt ge eq ne and or".split(" "),
  ..."matmul maximum minimum".split(" "),
];

/** Names of every kind near to `name`. */
export function suggestions(
  cx: Cx,
  name: string,
  scope: Scope,
  want: "value" | "function" | "distribution",
): string[] {
  const values = scope.names();
  const functions = [
    ...builtinNames.filter((b) => !operatorNames.includes(b)),
    ...Object.keys(builtinAliases),
    ...scope.env.fns.keys(),
    "max",
    "min",
  ];
  const dists = [...Object.keys(cx.distributions), ...combinatorNames, ...scope.env.dists.keys()];
  const first = { value: values, function: functions, distribution: dists }[want];
  // `normal` for `Normal`: only the letter case differs.
  const sameLetters = dists.filter(
    (d) => d.toLowerCase() === name.replaceAll("_", "").toLowerCase(),
  );
  if (sameLetters.length > 0 && !values.includes(name)) return sameLetters;
  const near = nearTo(name, first);
  return near.length > 0 ? near : nearTo(name, [...values, ...functions, ...dists]);
}

/** Every one-letter name is near to every other: of short names only the letter case counts. */
function nearTo(name: string, known: readonly string[]): string[] {
  if (name.length > 2) return nearestNames(name, known);
  return known.filter((k) => k !== name && k.toLowerCase() === name.toLowerCase()).slice(0, 3);
}

/** The names under which arguments of distributions go elsewhere. */
const keywordAliases: Readonly<Record<string, readonly string[]>> = {
  loc: ["mu"],
  mean: ["mu"],
  location: ["mu"],
  scale: ["sigma", "b", "s", "beta"],
  sd: ["sigma"],
  std: ["sigma"],
  stddev: ["sigma"],
  df: ["nu"],
  lam: ["rate"],
  lambda: ["rate"],
  mu: ["mean", "rate"],
  probs: ["p"],
  prob: ["p"],
  theta: ["p"],
  logit: ["logits"],
  logit_p: ["logits"],
  eta: ["logits"],
  concentration: ["alpha", "eta", "shape", "kappa"],
  concentration1: ["a"],
  concentration0: ["b"],
  alpha: ["shape", "a"],
  beta: ["rate", "b", "scale"],
  covariance_matrix: ["cov"],
  covariance: ["cov"],
  Sigma: ["cov"],
  sigma: ["cov", "b"],
  scale_tril: ["cholesky"],
  chol: ["cholesky"],
  L: ["cholesky"],
  precision_matrix: ["precision"],
  tau: ["precision"],
  total_count: ["n"],
  low: ["a", "lower"],
  high: ["b", "upper"],
  min: ["a", "lower"],
  max: ["b", "upper"],
  lower: ["a"],
  upper: ["b"],
  phi: ["dispersion"],
};

/** The keywords that are meant by one of another system, or that are spelt nearly alike. */
export function keywordSuggestions(name: string, known: readonly string[]): string[] {
  const meant = (keywordAliases[name] ?? []).filter((k) => known.includes(k));
  return meant.length > 0 ? meant.slice(0, 1) : nearestNames(name, known);
}
