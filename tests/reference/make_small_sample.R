# Small-sample tests of Gaussian mixed models by lmerTest, pbkrtest, car and emmeans, as small_sample.json.
# Run:  Rscript make_small_sample.R small_sample.json
#
# Coefficients are those of contr.treatment.  `contests` test K b = 0 by lmerTest::contest with K written out, so that
# Fai and Cornelius' degrees of freedom, which depend on the choice of K, are those of the same rows.
suppressMessages({ library(lme4); library(lmerTest); library(pbkrtest); library(emmeans); library(car); library(jsonlite) })
emm_options(lmerTest.limit = 1e4, pbkrtest.limit = 1e4)
out <- commandArgs(TRUE)[1]
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.2, rhoend = 1e-10), check.conv.singular = "ignore")

# Yates (1935): yield of oats in quarter pounds; blocks of three whole plots of four subplots.
oats <- data.frame(
  yield = c(111,130,157,174, 117,114,161,141, 105,140,118,156,  61, 91, 97,100,  70,108,126,149,  96,124,121,144,
             68, 64,112, 86,  60,102, 89, 96,  89,129,132,124,  74, 89, 81,122,  64,103,132,133,  70, 89,104,117,
             62, 90,100,116,  80, 82, 94,126,  63, 70,109, 99,  53, 74,118,113,  89, 82, 86,104,  97, 99,119,121),
  nitrogen = factor(rep(c("0.0", "0.2", "0.4", "0.6"), 18)),
  variety = factor(rep(rep(c("Victory", "Golden Rain", "Marvellous"), each = 4), 6), levels = c("Victory", "Golden Rain", "Marvellous")),
  block = factor(rep(c("I", "II", "III", "IV", "V", "VI"), each = 12)))
lost <- oats[-c(3, 8, 20, 21, 22, 40, 41, 55, 70), ]
# Whole plots with 2 and with 4 degrees of freedom, where the mean and the variance of F are infinite.
two <- droplevels(oats[oats$block %in% c("I", "II"), ]); three <- droplevels(oats[oats$block %in% c("I", "III", "VI"), ])
few <- data.frame(x = c("a","b","c","a")[rep(1:4, c(3, 5, 2, 4))], g = factor(rep(1:4, c(3, 5, 2, 4))),
  y = c(4.6, 5.9, 5.2, 1.3, 2.0, 0.4, 1.8, 0.7, 3.9, 2.8, 7.2, 8.6, 6.7, 7.4)); few$x <- factor(few$x)
data("sleepstudy", package = "lme4")
sleep <- sleepstudy[!(sleepstudy$Subject %in% c("308", "309", "330", "331", "332", "333") & sleepstudy$Days > 3), ]
sleep <- sleep[-c(5, 6, 60, 61, 62, 63, 100), ]; sleep$Subject <- factor(sleep$Subject)
sleep$early <- factor(ifelse(sleep$Days < 4, "yes", "no"), levels = c("no", "yes"))

frame <- function(x) lapply(as.list(x), function(v) if (is.factor(v) || is.character(v)) as.character(v) else as.numeric(v))
table_of <- function(x) { x <- as.data.frame(x); c(list(row = I(rownames(x))), frame(x)) }
contest_of <- function(m, K, ddf) { a <- as.data.frame(contest(m, K, ddf = ddf)); list(F = a[["F value"]], df = a$NumDF, df_resid = a$DenDF, p = a[["Pr(>F)"]]) }

# Type II from the coefficients: L = [I, -V_OA V_AA^-1] on own columns O and those of the relatives A, with the
# covariance V of the method (car's choice too).
type2 <- function(V, own, above) {
  K <- matrix(0, length(own), ncol(V)); K[cbind(seq_along(own), own)] <- 1
  if (length(above)) K[, above] <- -V[own, above] %*% solve(V[above, above]); K }

case <- function(name, formula, data, contests, REML = TRUE, emm = NULL) {
  m <- lmer(formula, data, REML = REML, control = tight)
  J <- list(case = name, formula = deparse1(formula), method = if (REML) "REML" else "ML", logLik = as.numeric(logLik(m)), fixef = as.list(fixef(m)), sigma = sigma(m),
            random_sd = as.data.frame(VarCorr(m))$sdcor, data = frame(data[all.vars(formula)]))
  methods <- if (REML) c("Satterthwaite", "Kenward-Roger") else "Satterthwaite"
  for (ddf in methods) {
    key <- tolower(ddf); K <- contests(as.matrix(if (key == "satterthwaite") vcov(m) else vcovAdj(m)))
    J[[key]] <- list(coefficients = table_of(coef(summary(m, ddf = ddf))), rows = lapply(K, function(k) I(unname(k))), contests = lapply(K, function(k) contest_of(m, k, ddf)))
    J[[key]]$anova3 <- table_of(anova(m, type = 3, ddf = ddf))
    if (!is.null(emm)) {
      e <- emmeans(m, emm, lmer.df = key, data = data)
      J[[key]]$emmeans <- table_of(summary(e)); J[[key]]$pairs <- table_of(summary(pairs(e)))
    } }
  if (REML) J$car_type2 <- table_of(Anova(m, type = 2, test.statistic = "F"))
  J }

rows <- function(p, own) { K <- matrix(0, length(own), p); K[cbind(seq_along(own), own)] <- 1; K }
split <- function(V) list(
  "type2 variety" = type2(V, 2:3, 7:12), "type2 nitrogen" = type2(V, 4:6, 7:12), "type2 variety:nitrogen" = rows(12, 7:12),
  "type3 Intercept" = rows(12, 1), "type3 variety" = rows(12, 2:3), "type3 nitrogen" = rows(12, 4:6), "type3 variety:nitrogen" = rows(12, 7:12))
f <- yield ~ variety * nitrogen + (1 | block) + (1 | block:variety)
sleeping <- function(V) list("type2 Days" = type2(V, 2, 4), "type2 early" = type2(V, 3, 4), "type3 Days" = rows(4, 2), "type3 early" = rows(4, 3), "both" = rows(4, 2:4))
cases <- list(
  case("oats", f, oats, split, emm = "variety"),
  case("oats_lost", f, lost, split, emm = "variety"),
  case("oats_lost_ml", f, lost, split, REML = FALSE, emm = "variety"),
  case("oats_singular", yield ~ variety + (1 | block) + (1 | nitrogen:variety) + (1 | nitrogen), lost, function(V) list("type2 variety" = rows(3, 2:3))),
  case("oats_two", yield ~ block + variety + nitrogen + (1 | block:variety), two, function(V) list("type2 variety" = rows(7, 3:4), "type2 nitrogen" = rows(7, 5:7))),
  case("oats_three", yield ~ variety + nitrogen + (1 | block) + (1 | block:variety), three, function(V) list("type2 variety" = rows(6, 2:3), "type2 nitrogen" = rows(6, 4:6))),
  case("sleep_slopes", Reaction ~ Days * early + (Days | Subject), sleep, sleeping),
  case("sleep_independent", Reaction ~ Days * early + (Days || Subject), sleep, sleeping),
  case("sleep_slopes_ml", Reaction ~ Days * early + (Days | Subject), sleep, sleeping, REML = FALSE))
# The eigenvectors of L V L' with their degrees of freedom, one of at most 2 (lmerTest then gives 2 for the whole).
m <- lmer(y ~ x + (1 | g), few, control = tight); L <- rows(3, 2:3); E <- eigen(L %*% as.matrix(vcov(m)) %*% t(L))$vectors
directions <- list(data = frame(few), df = sapply(1:2, function(i) contest1D(m, drop(E[, i] %*% L))$df), contest = contest_of(m, L, "Kenward-Roger"), singular = isSingular(m))
versions <- sapply(c("lme4", "lmerTest", "pbkrtest", "emmeans", "car"), function(p) as.character(packageVersion(p)))
writeLines(toJSON(list(R = R.version.string, packages = as.list(versions), cases = cases, directions = directions), digits = NA, auto_unbox = TRUE, na = "null", null = "null"), out)
