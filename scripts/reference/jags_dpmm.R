# The truncated stick-breaking mixture of normals in JAGS, for comparison with our samplers:
#   Rscript scripts/reference/jags_dpmm.R data.csv draws.csv TRUNCATION BURNIN DRAWS SEED
# data.csv: one number a line. draws.csv: columns K (occupied clusters) and alpha, and in its first
# line, a comment, the seconds of sampling after burn-in. Needs JAGS and the R package rjags.
suppressMessages(library(rjags))
args <- commandArgs(trailingOnly = TRUE)
y <- scan(args[1], quiet = TRUE)
size <- as.integer(args[3])
text <- "model {
  alpha ~ dgamma(2, 1)
  for (k in 1:(T - 1)) { V[k] ~ dbeta(1, alpha) }
  V[T] <- 1
  p[1] <- V[1]
  for (k in 2:T) { p[k] <- V[k] * (1 - V[k - 1]) * p[k - 1] / V[k - 1] }
  for (k in 1:T) {
    tau[k] ~ dgamma(2, 1)
    mu[k] ~ dnorm(0, 0.1 * tau[k])
  }
  for (i in 1:N) {
    z[i] ~ dcat(p[])
    y[i] ~ dnorm(mu[z[i]], tau[z[i]])
  }
  for (k in 1:T) { used[k] <- step(sum(z[] == k) - 1) }
  K <- sum(used[])
}"
seed <- list(.RNG.name = "base::Mersenne-Twister", .RNG.seed = as.integer(args[6]))
m <- jags.model(textConnection(text), data = list(y = y, N = length(y), T = size),
                inits = seed, n.chains = 1, n.adapt = 500, quiet = TRUE)
update(m, as.integer(args[4]), progress.bar = "none")
start <- proc.time()[["elapsed"]]
s <- coda.samples(m, c("K", "alpha"), as.integer(args[5]), progress.bar = "none")
seconds <- proc.time()[["elapsed"]] - start
file <- file(args[2], "w")
writeLines(sprintf("# %.3f", seconds), file)
write.csv(as.data.frame(as.matrix(s))[, c("K", "alpha")], file, row.names = FALSE, quote = FALSE)
close(file)
