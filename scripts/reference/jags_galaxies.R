# Posterior of the number of clusters of examples/galaxies by JAGS: stick-breaking cut at 40.
# Needs rjags; prints the table that tests/examples/structure.test.ts quotes.
library(rjags)
model <- "model {
  alpha ~ dgamma(2, 4)
  for (k in 1:(T - 1)) { v[k] ~ dbeta(1, alpha) }
  v[T] <- 1
  w[1] <- v[1]
  for (k in 2:T) { w[k] <- v[k] * (1 - v[k - 1]) * w[k - 1] / v[k - 1] }
  for (k in 1:T) { tau[k] ~ dgamma(2, 1); mu[k] ~ dnorm(20, tau[k] / 25) }
  for (i in 1:N) { z[i] ~ dcat(w); x[i] ~ dnorm(mu[z[i]], tau[z[i]]) }
}"
x <- as.numeric(commandArgs(TRUE))
set.seed(1)
fit <- jags.model(textConnection(model), list(x = x, N = length(x), T = 40), n.chains = 4, quiet = TRUE,
  inits = lapply(1:4, function(c) list(.RNG.name = "base::Mersenne-Twister", .RNG.seed = c)))
update(fit, 5000, progress.bar = "none")
draws <- coda.samples(fit, c("z", "alpha"), 20000, thin = 5, progress.bar = "none")
k <- unlist(lapply(draws, function(d) apply(d[, grep("^z", colnames(d))], 1, function(r) length(unique(r)))))
print(round(table(k) / length(k), 4))
cat("mean k", mean(k), "mean alpha", mean(unlist(lapply(draws, function(d) d[, "alpha"]))), "ESS k", sum(effectiveSize(mcmc(k))), "\n")
