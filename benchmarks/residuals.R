# The steps of simulated residuals as DHARMa's documentation describes them, in plain R: simulate,
# place each observation among its simulations, Kolmogorov-Smirnov, dispersion and outliers.
# Called by residuals.py as: Rscript residuals.R data.csv seed ; prints one line of JSON.
arguments <- commandArgs(trailingOnly = TRUE)
if (!requireNamespace("glmmTMB", quietly = TRUE)) {
  cat(jsonlite::toJSON(list(missing = TRUE), auto_unbox = TRUE)); quit()
}
suppressPackageStartupMessages(library(glmmTMB))
data <- read.csv(arguments[1], stringsAsFactors = TRUE)
data$g <- factor(data$g)
m <- suppressWarnings(glmmTMB(y ~ x + (1 | g), data = data, family = poisson()))
y <- data$y
n <- length(y)
size <- 250

steps <- function(seed) {
  set.seed(seed)
  at <- c(start = proc.time()[["elapsed"]])
  mark <- function(name) at[[name]] <<- proc.time()[["elapsed"]]
  simulated <- as.matrix(as.data.frame(simulate(m, nsim = size)))
  mark("simulate")
  scaled <- numeric(n)
  for (i in seq_len(n)) {
    low <- sum(simulated[i, ] < y[i]) / size
    high <- sum(simulated[i, ] <= y[i]) / size
    scaled[i] <- if (low == high) low else runif(1, low, high)
  }
  mark("scaled residuals")
  uniformity <- suppressWarnings(ks.test(scaled, "punif"))$p.value
  mark("uniformity")
  fitted <- predict(m, type = "response", re.form = NA)
  scale <- sd(as.vector(simulated))^2
  spread <- function(x) var(x - fitted) / scale
  observed <- spread(y)
  expected <- apply(simulated, 2, spread)
  dispersion <- min(1, 2 * min(mean(expected >= observed), mean(expected <= observed)))
  mark("dispersion")
  outside <- sum(scaled < 1 / (size + 1)) + sum(scaled > 1 - 1 / (size + 1))
  outliers <- binom.test(outside, n, 2 / (size + 1))$p.value
  mark("outliers")
  list(seconds = as.list(diff(at)), ratio = observed / mean(expected),
       p = c(uniformity, dispersion, outliers))
}

run <- steps(as.integer(arguments[2]))
run$version <- as.character(packageVersion("glmmTMB"))
cat(jsonlite::toJSON(run, auto_unbox = TRUE, digits = 10))
