## Profile-likelihood limits for tests/reference/profile.json.
##   Rscript make_profile.R        (in tests/reference; R 4.2.2, lme4 1.1-31, glmmTMB 1.1.5)
suppressPackageStartupMessages({ library(lme4); library(glmmTMB); library(jsonlite) })
index <- fromJSON("data/datasets.json")
read <- function(name) {
  levels <- index[[name]]$levels
  first <- names(read.csv(index[[name]]$file, nrows = 1))
  kinds <- setNames(ifelse(first %in% names(levels), "character", "numeric"), first)
  d <- read.csv(index[[name]]$file, colClasses = kinds, na.strings = "NA")
  for (v in names(levels)) d[[v]] <- factor(d[[v]], levels = levels[[v]])
  d
}
table_of <- function(ci) lapply(split(ci[, 1:2, drop = FALSE], rownames(ci)), as.numeric)
named <- function(ci) { out <- lapply(seq_len(nrow(ci)), function(i) as.numeric(ci[i, 1:2])); setNames(out, rownames(ci)) }

lmm <- function(formula, data, ...) {
  fit <- lmer(formula, read(data), REML = FALSE,
              control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9)))
  pr <- profile(fit, signames = FALSE, delta.cutoff = 1/32)   # a fine grid: accurate splines
  list(package = "lme4", formula = deparse1(formula), data = data,
       limits95 = named(confint(pr, level = 0.95)), limits80 = named(confint(pr, level = 0.80)))
}
tmb <- function(formula, data, family, ...) {
  fit <- glmmTMB(formula, read(data), family = family, ...)
  ## uniroot: the exact roots; "theta_" limits stay on the log-sd scale
  pr <- confint(fit, method = "profile", parm = "beta_", npts = 40)
  root <- confint(fit, method = "uniroot", parm = "beta_")
  th <- confint(fit, method = "uniroot", parm = "theta_")
  list(package = "glmmTMB", formula = deparse1(formula), data = data, family = family$family,
       profile95 = named(pr), limits95 = named(root), theta95 = named(th))
}
out <- list(
  sleep = lmm(Reaction ~ Days + (Days | Subject), "sleepstudy"),
  dyestuff = lmm(Yield ~ 1 + (1 | Batch), "Dyestuff"),
  dyestuff2 = lmm(Yield ~ 1 + (1 | Batch), "Dyestuff2"),
  penicillin = lmm(diameter ~ 1 + (1 | plate) + (1 | sample), "Penicillin"),
  seeds = tmb(cbind(germ, n - germ) ~ extract * gen + (1 | plate), "seeds", binomial()),
  cbpp = tmb(cbind(incidence, size - incidence) ~ period + (1 | herd), "cbpp", binomial()),
  fungicide = tmb(severity ~ fungicide + (1 | block), "fungicide", beta_family())
)
writeLines(toJSON(out, auto_unbox = TRUE, digits = NA, na = "null", pretty = TRUE), "profile.json")
