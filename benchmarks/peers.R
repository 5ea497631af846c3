# Times one model in R, warm: fit (with standard errors) `repeats` times after one untimed fit.
# Called by compare.py as: Rscript peers.R package data.csv spec.json ; prints one line of JSON.
arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
spec <- jsonlite::fromJSON(arguments[3])
if (!requireNamespace(package, quietly = TRUE)) {
  cat(jsonlite::toJSON(list(missing = TRUE), auto_unbox = TRUE)); quit()
}
suppressPackageStartupMessages(library(package, character.only = TRUE))
data <- read.csv(arguments[2], stringsAsFactors = TRUE)
for (name in spec$factors) data[[name]] <- factor(data[[name]])
model <- as.formula(spec$r_formula)
families <- list(
  beta = quote(glmmTMB::beta_family()), binomial = quote(binomial()), nbinom2 = quote(glmmTMB::nbinom2()),
  gaussian = quote(gaussian()), poisson = quote(poisson()))
family <- eval(families[[spec$family]])
reml <- identical(spec$method, "REML")
fit <- if (package == "glmmTMB") {
  function() { m <- glmmTMB(model, data = data, family = family, REML = reml); vcov(m); m }
} else if (spec$family == "gaussian") {
  function() { m <- lmer(model, data = data, REML = reml); vcov(m); m }
} else {
  function() { m <- glmer(model, data = data, family = family); vcov(m); m }
}
quiet <- function(x) suppressMessages(suppressWarnings(x))
if (spec$repeats > 1) quiet(fit())
seconds <- numeric(spec$repeats)
for (i in seq_len(spec$repeats)) seconds[i] <- system.time(m <- quiet(fit()))[["elapsed"]]
cat(jsonlite::toJSON(list(seconds = seconds, logLik = as.numeric(logLik(m)),
                          version = as.character(packageVersion(package))),
                     auto_unbox = TRUE, digits = 12))
