## Nested factors and empty cells, for tests/reference/nesting.json.
##   Rscript make_nesting.R        (in tests/reference; R 4.2.2, emmeans 1.8.4)
## The numbers of both data sets are made up; they stand in the JSON file.
suppressPackageStartupMessages({ library(emmeans); library(jsonlite) })
columns <- function(x) lapply(as.list(as.data.frame(x)), function(v) if (is.factor(v)) as.character(v) else v)
means <- function(m, ...) columns(emmeans(m, ...))
joint <- function(m) { t <- as.data.frame(joint_tests(m)); list(term = t[["model term"]], df = t$df1, F = t$F.ratio) }

cows <- data.frame(
  route = rep(c("injection", "oral"), c(5, 9)),
  drug = rep(c("Bovi", "Char", "Angu", "Here", "Moll"), c(3, 2, 4, 2, 3)),
  brand = c("a", "a", "b", "c", "d", "e", "f", "e", "f", "g", "h", "i", "i", "j"),
  treatment = c("1", "2")[c(1, 2, 1, 2, 1, 1, 2, 1, 2, 1, 2, 1, 2, 2)],
  gain = c(34, 35, 34, 44, 43, 36, 33, 36, 32, 26, 25, 25, 24, 24), stringsAsFactors = TRUE)
one <- lm(gain ~ route + drug + treatment, cows)
two <- lm(gain ~ route + drug + brand, cows)
crossed <- lm(gain ~ route * treatment + drug, cows)

set.seed(1)
cells <- expand.grid(a = c("1", "2", "3"), b = c("1", "2", "3"), r = 1:3)
cells$x <- round(rnorm(27), 3)
cells$y <- round(rnorm(27, as.numeric(cells$a) * as.numeric(cells$b)), 3)
cells <- cells[!(cells$a == "2" & cells$b == "3"), ]
empty <- lm(y ~ a * b + x, cells)

write_json(list(
  cows = columns(cows),
  one = list(drug = means(one, "drug"), route = means(one, "route"),
             treatment = means(one, "treatment"),
             proportional = means(one, "treatment", weights = "proportional"),
             cells = means(one, "treatment", weights = "cells"),
             pairs = columns(pairs(emmeans(one, "drug"))),
             within = columns(pairs(emmeans(one, "drug", by = "route"))), joint = joint(one)),
  two = list(brand = means(two, "brand"), route = means(two, "route"), joint = joint(two)),
  crossed = list(joint = joint(crossed)),
  cells = columns(cells), empty = list(joint = joint(empty))
), "nesting.json", digits = 10, auto_unbox = FALSE)
