# Draws of one model by JAGS (Debian: jags, r-cran-rjags) for scripts/bench/gibbs.ts, which writes
# the model, the data and the options and reads the draws.
#   Rscript scripts/reference/jags_gibbs.R FOLDER
# FOLDER holds model.bug, data.R (R assignments) and options.R (chains, adapt, warmup, draws, seed,
# sites), and inits.R where a start is given; this adds draws.csv (chains one after another, a column for each scalar) and seconds.txt
# (the processor time of the draws alone).
library(rjags)
folder <- commandArgs(trailingOnly = TRUE)[1]
options <- new.env()
source(file.path(folder, "options.R"), local = options)
data <- new.env()
source(file.path(folder, "data.R"), local = data)
start <- new.env()
if (file.exists(file.path(folder, "inits.R"))) {
  source(file.path(folder, "inits.R"), local = start)
}
inits <- lapply(seq_len(options$chains), function(c) {
  c(as.list(start), .RNG.name = "base::Mersenne-Twister", .RNG.seed = options$seed + c)
})
model <- jags.model(file.path(folder, "model.bug"), data = as.list(data), inits = inits,
                    n.chains = options$chains, n.adapt = options$adapt, quiet = TRUE)
update(model, options$warmup, progress.bar = "none")
taken <- system.time(
  draws <- jags.samples(model, options$sites, options$draws, progress.bar = "none")
)
# Of each site: its dims, then iterations, then chains.
flat <- lapply(draws, function(x) {
  d <- dim(x)
  k <- prod(d[seq_len(length(d) - 2)])
  iterations <- d[length(d) - 1]
  t(matrix(aperm(array(x, c(k, iterations, d[length(d)])), c(1, 2, 3)), nrow = k))
})
write.table(do.call(cbind, flat[options$sites]), file.path(folder, "draws.csv"), sep = ",",
            row.names = FALSE, col.names = FALSE)
write(taken[["user.self"]] + taken[["sys.self"]], file.path(folder, "seconds.txt"))
