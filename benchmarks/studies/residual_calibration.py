"""How often the residual tests reject: right models (should be 5 %) and named misfits (power).

Six parts, each a table in ``results/``:

truth     data and simulations from the same known model: the tests' own calibration, with
          parameters known, for seven families, with and without a random effect
quantreg  the quantile test beside plain Wald tests of statsmodels' QuantReg
fitted    data from a known model, simulations from that model fitted to them: calibration as
          users meet it, random effects drawn anew or kept
power     data from another model than the one fitted: rejection of named misfits
blocks    counts and successes in random blocks, as spread as the fitted model says or more so:
          which test of dispersion sees it
rotation  rows of one correlated series, rotated by a covariance estimated from the simulations

Run ``python benchmarks/studies/residual_calibration.py [PART ...] [--reps N]``.
Every replicate has its own seed, spawned from ``SEED``, so results do not depend on how many
processes run.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import glmmlab.residuals as residuals
from glmmlab.residuals import SimulatedResiduals
from glmmlab.residuals.pit import estimated_covariance
from glmmlab.residuals.quantiles import min_bh
from glmmlab.residuals.splines import SplineBasis, rank_transform

SEED = 20_260_701
NSIM = 250
RESULTS = Path(__file__).parent / "results"
Sampler = Callable[[np.random.Generator, np.ndarray], np.ndarray]

FAMILIES: dict[str, tuple[bool, str, Sampler]] = {
    # name: (integer, link, draws given the mean)
    "gaussian": (False, "identity", lambda g, m: g.normal(m, 1.0)),
    "poisson": (True, "log", lambda g, m: g.poisson(m).astype(float)),
    "binomial n=1": (True, "logit", lambda g, m: g.binomial(1, m).astype(float)),
    "binomial n=20": (True, "logit", lambda g, m: g.binomial(20, m).astype(float)),
    "nbinom2 theta=1.5": (True, "log", lambda g, m: g.poisson(g.gamma(1.5, m / 1.5)).astype(float)),
    "gamma phi=0.3": (False, "log", lambda g, m: g.gamma(1 / 0.3, 0.3 * m)),
    "beta phi=15": (False, "logit", lambda g, m: g.beta(15 * m, 15 * (1 - m))),
}


def inverse(link: str, eta: np.ndarray) -> np.ndarray:
    """Mean from linear predictor."""
    if link == "identity":
        return eta
    return np.exp(eta) if link == "log" else 1 / (1 + np.exp(-eta))


def eta_of(x: np.ndarray, link: str) -> np.ndarray:
    """Linear predictor of the truth: means of about 1 to 7 (log), 0.25 to 0.75 (logit)."""
    return 1.0 + 1.0 * x if link != "logit" else 1.1 * x


def known_truth(
    family: str, n: int, groups: int, rng: np.random.Generator, sd: float = 0.7
) -> SimulatedResiduals:
    """Residuals of data and simulations drawn from one and the same model."""
    integer, link, draw = FAMILIES[family]
    x = rng.uniform(-1, 1, n)
    group = np.arange(n) % max(groups, 1)
    if groups:  # the predictor is constant within groups: the hard case for unconditional residuals
        x = rng.uniform(-1, 1, groups)[group]
    eta = eta_of(x, link)

    def respond(count: int) -> np.ndarray:
        b = rng.normal(0, sd, (count, max(groups, 1)))[:, group] if groups else 0.0
        return draw(rng, inverse(link, np.broadcast_to(eta + b, (count, n))))

    trials = 20 if family.endswith("n=20") else 1
    fitted = inverse(link, eta) * trials
    return residuals.from_simulations(
        respond(1)[0], respond(NSIM), fitted, integer, seed=rng, dependent=groups > 0
    )


def p_values(
    res: SimulatedResiduals, time: np.ndarray | None = None, without: tuple[str, ...] = ()
) -> dict[str, float]:
    """p-values of all tests, and of the rules of DHARMa where ours differ.

    ``time``: a place of every row; in space, rows of eight places.  ``without``: what not to ask.
    """
    rule = "bootstrap" if res.integer and res.nobs <= 500 else "binomial"
    tests: dict[str, Callable[[], residuals.ResidualTest]] = {
        "uniformity": res.test_uniformity,
        "uniformity, DHARMa's rule": lambda: res.test_uniformity(reference="independent"),
        "dispersion": res.test_dispersion,
        "outliers": res.test_outliers,
        "outliers, DHARMa's rule": lambda: res.test_outliers(type=rule),
        "quantiles": res.test_quantiles,
    }
    if res.integer:
        tests["zero inflation"] = res.test_zero_inflation
    if time is not None:
        place = (time // 8, time % 8)
        tests |= {
            "categorical": lambda: res.test_categorical(np.arange(res.nobs) % 4),
            "temporal": lambda: res.test_temporal(time),
            "temporal, DHARMa's rule": lambda: res.test_temporal(time, reference="independent"),
            "spatial": lambda: res.test_spatial(*place),
            "spatial, DHARMa's rule": lambda: res.test_spatial(*place, reference="independent"),
        }
    return {name: ask().p for name, ask in tests.items() if name not in without}


def neighbours(group: np.ndarray) -> np.ndarray:
    """Times at which the rows of a group follow each other."""
    time = np.empty(len(group), dtype=int)
    time[np.argsort(group, kind="stable")] = np.arange(len(group))
    return time


def truth_p_values(
    family: str, n: int, groups: int, reps: int, without: tuple[str, ...] = ()
) -> pd.DataFrame:
    """p-values of all tests, one row a replicate, when data and simulations have one source."""
    key = [SEED, 1, list(FAMILIES).index(family), n, groups]
    time = neighbours(np.arange(n) % max(groups, 1))
    seeds = (np.random.default_rng([*key, i]) for i in range(reps))
    return pd.DataFrame(
        [p_values(known_truth(family, n, groups, rng), time, without) for rng in seeds]
    )


def truth_cell(family: str, n: int, groups: int, reps: int) -> list[dict[str, Any]]:
    """Rejection rates of one family, size and grouping."""
    where = {"family": family, "n": n, "groups": groups}
    return [where | row for row in rates(truth_p_values(family, n, groups, reps))]


def rates(p: pd.DataFrame) -> list[dict[str, Any]]:
    """Share of p-values at or below 0.05 with its Monte Carlo standard error."""
    out = []
    for test in p:
        rejected = float(np.mean(p[test].dropna() < 0.05))
        se = np.sqrt(max(rejected * (1 - rejected), 0.05 * 0.95) / len(p))
        out.append({"test": test, "rejected": rejected, "mc_se": round(se, 4), "reps": len(p)})
    return out


def run_truth(reps: int) -> pd.DataFrame:
    """All cells of the part with known parameters."""
    cells = [(f, n, g, reps) for f in FAMILIES for n in (48, 400) for g in (0, 8)]
    return pd.DataFrame([row for rows in parallel(truth_cell, cells) for row in rows])


def wald_p(r: np.ndarray, x: np.ndarray, covariance: str) -> float:
    """The quantile test as plain Wald tests of QuantReg on the same basis (for comparison)."""
    from statsmodels.regression.quantile_regression import QuantReg

    ranks = rank_transform(x)
    basis = SplineBasis.build(ranks)(ranks) * np.sqrt(len(r))
    taus = []
    for tau in (0.25, 0.5, 0.75):
        fit = QuantReg(r - tau, basis).fit(q=tau, vcov=covariance, max_iter=500)
        smooth = fit.wald_test(np.eye(basis.shape[1])[1:], use_f=False, scalar=True).pvalue
        taus.append(float(min_bh(np.array([fit.pvalues[0], float(smooth)]))))
    return float(min_bh(np.array(taus)))


def quantile_p(
    pattern: str, n: int, replicate: int
) -> tuple[float, SimulatedResiduals, np.ndarray]:
    """p of the quantile test for uniform residuals, with the residuals and the predictor."""
    rng = np.random.default_rng([SEED, 2, n, len(pattern), replicate])
    draws = {
        "uniform": lambda: rng.uniform(size=n),
        "skewed": lambda: rng.lognormal(0, 2, n),
        "12 values": lambda: rng.integers(12, size=n).astype(float),
        "heteroscedastic": lambda: rng.normal(size=n),
    }
    x = draws[pattern]()
    scale = np.exp(x) if pattern == "heteroscedastic" else 1.0  # known to the model
    s = rng.normal(0, 1, (NSIM, n)) * scale
    res = residuals.from_simulations(rng.normal(0, 1, n) * scale, s, x, False, seed=rng)
    return res.test_quantiles().p, res, x


def quantreg_cell(pattern: str, n: int, reps: int) -> list[dict[str, Any]]:
    """Rejection rates of the quantile test and of Wald tests, uniform residuals."""
    rows = []
    for i in range(reps):
        p, res, x = quantile_p(pattern, n, i)
        row = {"quantiles": p}
        if n <= 400:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row["Wald, robust"] = wald_p(res.scaled, x, "robust")
                row["Wald, iid"] = wald_p(res.scaled, x, "iid")
        rows.append(row)
    where = {"predictor": pattern, "n": n}
    return [where | row for row in rates(pd.DataFrame(rows))]


def run_quantreg(reps: int) -> pd.DataFrame:
    """All cells of the comparison with Wald tests."""
    patterns = ("uniform", "skewed", "12 values", "heteroscedastic")
    cells = [(p, n, reps) for p in patterns for n in (30, 48, 100, 400)]
    return pd.DataFrame([row for rows in parallel(quantreg_cell, cells) for row in rows])


def fitted_residuals(
    frame: pd.DataFrame, family: str, random: bool, random_effects: str, seed: int
) -> SimulatedResiduals:
    """Fit y ~ x (+ (1 | group)) and simulate residuals."""
    import glmmlab as gl

    link = FAMILIES[family][1]
    left = "cbind(y, 20 - y)" if family.endswith("n=20") else "y"
    name = gl.families.get(family.split()[0], link=link)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.errors.GlmmlabWarning)
        fit = gl.glmm(f"{left} ~ x" + " + (1 | group)" * random, data=frame, family=name)
    return fit.simulate_residuals(NSIM, seed=seed, random_effects=random_effects)


def data_from(family: str, n: int, sd: float, rng: np.random.Generator) -> pd.DataFrame:
    """n rows in groups of 10 with a normal random effect, from y ~ x (+ group)."""
    _, link, draw = FAMILIES[family]
    x = rng.uniform(-1, 1, n)
    group = np.arange(n) // 10
    predictor = eta_of(x, link) + rng.normal(0, sd, n // 10)[group]
    return pd.DataFrame(
        {"y": draw(rng, inverse(link, predictor)), "x": x, "group": group.astype(str)}
    )


def fitted_cell(family: str, effect: str, reps: int) -> list[dict[str, Any]]:
    """Rejection rates when the right model was fitted; effect: none, unconditional, conditional."""
    random = effect != "none"
    rows = []
    for i in range(reps):
        key = [SEED, 3, list(FAMILIES).index(family), random, i]
        frame = data_from(family, 100, 0.7 * random, np.random.default_rng(key))
        how = effect if random else "unconditional"
        res = fitted_residuals(frame, family, random, how, i)
        rows.append(p_values(res, np.arange(len(frame))))
    where = {"family": family, "random effect": effect}
    return [where | row for row in rates(pd.DataFrame(rows))]


def run_fitted(reps: int) -> pd.DataFrame:
    """Fitted models of all families."""
    cells = [(f, e, reps) for f in FAMILIES for e in ("none", "unconditional", "conditional")]
    return pd.DataFrame([row for rows in parallel(fitted_cell, cells) for row in rows])


MISFITS = (
    "overdispersed counts, Poisson fitted",
    "underdispersed counts, Poisson fitted",
    "zero-inflated counts, Poisson fitted",
    "missing quadratic term, Gaussian",
    "spread grows with x, Gaussian",
    "missing random effect, Poisson",
    "missing random effect, binomial n=20",
    "drift in time, Gaussian",
    "gradient in space, Gaussian",
)


def misfit(name: str, rng: np.random.Generator, n: int = 100) -> tuple[pd.DataFrame, str]:
    """Data of a named misfit, and the family that is fitted to them."""
    x = rng.uniform(-1, 1, n)
    group = (np.arange(n) // 10).astype(str)
    mu = np.exp(1 + x)
    if name.startswith("missing random effect"):
        family = "poisson" if "Poisson" in name else "binomial n=20"
        return data_from(family, n, 0.5, rng), family
    family = "gaussian" if "Gaussian" in name else "poisson"
    y = {
        "overdispersed counts, Poisson fitted": lambda: rng.poisson(rng.gamma(3, mu / 3)),
        "underdispersed counts, Poisson fitted": lambda: rng.binomial(10, mu / 10),
        "zero-inflated counts, Poisson fitted": lambda: rng.poisson(mu) * (rng.random(n) > 0.15),
        "missing quadratic term, Gaussian": lambda: rng.normal(x + 1.5 * x**2, 1),
        "spread grows with x, Gaussian": lambda: rng.normal(x, np.exp(0.8 * x)),
        # half of the variance of a row is that of a process with correlation 0.7 at lag 1
        "drift in time, Gaussian": lambda: rng.normal(x, 1) + autoregression(rng, n, 0.7),
        "gradient in space, Gaussian": lambda: rng.normal(x + np.linspace(-1, 1, n), 1),
    }[name]()
    return pd.DataFrame({"y": y.astype(float), "x": x, "group": group}), family


def autoregression(rng: np.random.Generator, n: int, correlation: float) -> np.ndarray:
    """A stationary series of variance 1."""
    out = rng.normal(size=n)
    for i in range(1, n):
        out[i] = correlation * out[i - 1] + np.sqrt(1 - correlation**2) * out[i]
    return out


def power_cell(name: str, reps: int) -> list[dict[str, Any]]:
    """Rejection rates of one misfit."""
    rows = []
    for i in range(reps):
        frame, family = misfit(name, np.random.default_rng([SEED, 4, MISFITS.index(name), i]))
        res = fitted_residuals(frame, family, False, "unconditional", i)
        row = p_values(res, np.arange(len(frame)))
        row["categorical"] = res.test_categorical("group").p  # the groups that were left out
        rows.append(row)
    return [{"misfit": name} | row for row in rates(pd.DataFrame(rows).dropna(axis=1))]


def run_power(reps: int) -> pd.DataFrame:
    """All named misfits."""
    cells = [(name, reps) for name in MISFITS]
    return pd.DataFrame([row for rows in parallel(power_cell, cells) for row in rows])


KINDS = ("poisson", "binomial")
TOO_SPREAD = {"poisson": 3.0, "binomial": 10.0}
"""theta of the negative binomial, and phi of the beta-binomial of 20 trials."""


def blocked(kind: str, sd: float, wrong: bool, rng: np.random.Generator) -> pd.DataFrame:
    """6 blocks of 8 plots, 4 treatments: counts of about 12, or 20 seeds of which half sprout."""
    frame = pd.DataFrame({"block": np.repeat([f"b{i}" for i in range(6)], 8)})
    frame["treatment"] = list("ABCDABCD") * 6
    effect = frame["treatment"].map({"A": 0.0, "B": 0.3, "C": -0.3, "D": 0.5}).to_numpy()
    eta = effect + np.repeat(rng.normal(0, sd, 6), 8)
    if kind == "poisson":
        mean, theta = np.exp(2.4 + eta), TOO_SPREAD[kind]
        frame["y"] = rng.poisson(rng.gamma(theta, mean / theta) if wrong else mean)
    else:
        chance, phi = inverse("logit", eta), TOO_SPREAD[kind]
        frame["y"] = rng.binomial(
            20, rng.beta(phi * chance, phi * (1 - chance)) if wrong else chance
        )
    return frame


def blocks_cell(kind: str, sd: float, wrong: bool, reps: int) -> list[dict[str, Any]]:
    """Rejection rates of the tests of dispersion, with the right random blocks fitted."""
    import glmmlab as gl
    from glmmlab.inference.overdispersion import overdispersion

    left = "y" if kind == "poisson" else "cbind(y, 20 - y)"
    rows = []
    for i in range(reps):
        key = [SEED, 6, KINDS.index(kind), int(10 * sd), wrong, i]
        frame = blocked(kind, sd, wrong, np.random.default_rng(key))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gl.errors.GlmmlabWarning)
            fit = gl.glmm(f"{left} ~ treatment + (1 | block)", data=frame, family=kind)
        res = fit.simulate_residuals(NSIM, seed=i)
        kept = fit.simulate_residuals(NSIM, seed=i, random_effects="conditional")
        found = overdispersion(fit.estimate)
        rows.append(
            {
                "dispersion": res.test_dispersion().p,
                "dispersion, kept": kept.test_dispersion().p,
                "dispersion (Pearson)": res.test_dispersion("greater", "pearson").p,
                "diagnose()": float(not (found is not None and found.clear)),  # 0: it complains
            }
        )
    where = {"family": kind, "block sd": sd, "too spread": wrong}
    return [where | row for row in rates(pd.DataFrame(rows))]


def run_blocks(reps: int) -> pd.DataFrame:
    """Right and overdispersed responses in blocks that differ little or much."""
    cells = [(k, sd, wrong, reps) for k in KINDS for sd in (0.5, 1.0) for wrong in (False, True)]
    return pd.DataFrame([row for rows in parallel(blocks_cell, cells) for row in rows])


def rotation_cell(n: int, reps: int) -> list[dict[str, Any]]:
    """Rejection rates of right models of a series with correlation 0.7 at lag 1, rotated."""
    lower = np.linalg.cholesky(0.7 ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))))
    rows = []
    for i in range(reps):
        rng = np.random.default_rng([SEED, 5, n, i])
        draws = rng.normal(size=(NSIM + 1, n)) @ lower.T
        row = {}
        for rule, rotation in (
            ("", "estimated"),
            # without the data, and rows taken as independent
            (", DHARMa's rule", estimated_covariance(draws[1:])),
        ):
            res = residuals.from_simulations(
                draws[0], draws[1:], np.zeros(n), False, seed=i, rotation=rotation
            )
            row["uniformity" + rule] = res.test_uniformity().p
            row["outliers" + rule] = res.test_outliers().p
            row["temporal" + rule] = res.test_temporal(np.arange(n)).p
        rows.append(row)
    return [{"n": n} | row for row in rates(pd.DataFrame(rows))]


def run_rotation(reps: int) -> pd.DataFrame:
    """Fewer, and more, rows than simulations."""
    cells = [(n, reps) for n in (30, 100, 200, 400)]
    return pd.DataFrame([row for rows in parallel(rotation_cell, cells) for row in rows])


def parallel(function: Callable[..., Any], cells: list[tuple[Any, ...]]) -> list[Any]:
    """Cells over two processes, one BLAS thread each."""
    from joblib import Parallel, delayed

    with_one_thread = Parallel(n_jobs=2, verbose=5)
    return list(with_one_thread(delayed(function)(*cell) for cell in cells))


def store(name: str, frame: pd.DataFrame, seconds: float) -> None:
    """The table as CSV, with seed and versions beside it."""
    RESULTS.mkdir(exist_ok=True)
    frame.to_csv(RESULTS / f"residual_{name}.csv", index=False, float_format="%.4f")
    packages = ("glmmlab", "numpy", "scipy", "pandas", "statsmodels")
    about = {
        "script": Path(__file__).name,
        "seed": SEED,
        "nsim": NSIM,
        "seconds": round(seconds),
        "python": platform.python_version(),
        "versions": {p: version(p) for p in packages},
    }
    (RESULTS / f"residual_{name}.json").write_text(json.dumps(about, indent=2) + "\n")


def main(arguments: list[str]) -> None:
    """Run the parts that are named, all by default."""
    parts = {
        "truth": run_truth,
        "quantreg": run_quantreg,
        "fitted": run_fitted,
        "power": run_power,
        "blocks": run_blocks,
        "rotation": run_rotation,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=list(parts))
    parser.add_argument("--reps", type=int, default=500)
    chosen = parser.parse_args(arguments)
    for name in chosen.parts or parts:
        start = time.perf_counter()
        frame = parts[name](chosen.reps)
        store(name, frame, time.perf_counter() - start)
        print(frame.to_string(index=False))


if __name__ == "__main__":
    main(sys.argv[1:])
