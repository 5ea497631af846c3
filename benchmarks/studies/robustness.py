"""Does the default fit reach the best optimum?  Mixed designs, every family, multi-start.

For each family ``SETS`` seeded data sets are drawn from designs that make trouble: few levels,
zero variances, unbalanced groups, extreme means, correlated slopes, crossed factors.  Each is
fitted from the default start and from ``STARTS`` random ones.  A set *fails* when some start
reaches a log-likelihood more than 1e-4 above the default's, and fails *silently* when the
default fit raised no ConvergenceWarning, PerfectFitWarning or SeparationWarning.  Starts that
run to where f has no minimum do not count: a perfect fit of a Student t model, a standard
deviation so large that the Laplace approximation fails.

    python benchmarks/studies/robustness.py            # all families, results are stored
    python benchmarks/studies/robustness.py resume     # the families not stored yet
    python benchmarks/studies/robustness.py beta 20    # one family, 20 sets, printed only
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

import glmmlab as gl
from glmmlab.design import build_design
from glmmlab.estimate import fit as fitting
from glmmlab.estimate.valleys import runs_away
from glmmlab.families.base import Family
from glmmlab.laplace import Laplace
from glmmlab.threads import single_blas_thread

SETS, STARTS, SEED = 200, 5, 2026
FAMILIES = {
    "gaussian": "gaussian",
    "t": "t",
    "gamma": "gamma",
    "beta": "beta",
    "binomial": "binomial",
    "bernoulli": "binomial",
    "betabinomial": "betabinomial",
    "poisson": "poisson",
    "nbinom1": "nbinom1",
    "nbinom2": "nbinom2",
}
RANDOM = (
    "(1 | g)",
    "(x | g)",
    "(x || g)",
    "(1 | g) + (1 | h)",
    "(1 | g / h)",
)


def draw(kind: str, rng: np.random.Generator) -> tuple[str, pd.DataFrame]:
    """A formula and data simulated from it (or from a simpler model)."""
    family = gl.families.get(FAMILIES[kind])
    levels = int(rng.choice([3, 4, 8, 20]))
    n = int(rng.choice([40, 80, 200]))
    if kind == "t":  # with free degrees of freedom and few rows a level f is unbounded
        levels, n = min(levels, 8), max(n, 80)
    g = np.r_[np.arange(levels), rng.choice(levels, n - levels, p=rng.dirichlet(np.ones(levels)))]
    h = np.r_[np.arange(3), rng.integers(0, 3, n - 3)]
    x = rng.normal(size=n)
    f = rng.choice(["a", "b", "c"], n)
    sd = float(rng.choice([0.0, 0.1, 0.5, 1.5]))
    slope = float(rng.choice([0.0, 0.3]))
    level = float(rng.choice([-2.0, 0.0, 2.0]))
    eta = (
        level
        + 0.4 * x
        + 0.5 * (f == "b")
        + rng.normal(0, sd, levels)[g]
        + rng.normal(0, slope, levels)[g] * x
    )
    random = RANDOM[rng.integers(len(RANDOM))]
    trials = np.ones(n) if kind == "bernoulli" else rng.integers(2, 15, n).astype(float)
    dispersion = float(rng.choice([0.3, 2.0, 20.0]))
    mu = family.link.inverse(eta)
    aux = [np.full(n, np.log(dispersion)) for _ in family.auxiliary]
    if family.name == "gamma":
        aux = [np.full(n, np.log(min(dispersion, 1.0)))]
    if family.name == "t":
        aux = [np.full(n, 0.0), np.full(n, np.log(4.0))]
    y = family.simulate(rng, mu, aux, trials if family.is_binomial else None)
    if family.name == "beta":
        y = np.clip(y, 1e-6, 1 - 1e-6)
    if family.name == "gamma":
        y = np.maximum(y, 1e-8)
    data = pd.DataFrame({"y": y, "n": trials, "x": x, "f": f, "g": g.astype(str)})
    data["h"] = h.astype(str)
    left = "cbind(y, n - y)" if family.is_binomial else "y"
    return f"{left} ~ x + f + {random}", data


def best_of_random_starts(
    formula: str, data: pd.DataFrame, family: Family, rng: np.random.Generator, starts: int
) -> float:
    """The highest log-likelihood that random starting points reach."""
    design = build_design(formula, data, family)
    laplace = Laplace(design, family)
    base = fitting.starting_values(laplace, design, family)
    best = -np.inf
    degenerate = fitting.spread_is_gone(laplace, design, family)
    with single_blas_thread():
        for _ in range(starts):
            psi = base.psi + rng.normal(size=len(base.psi))
            start = fitting.Start(psi, base.scale, base.beta)
            try:
                path, optimum = fitting._optimise(laplace, start, degenerate)
            except gl.errors.ConvergenceError:
                continue
            if path.degenerate or runs_away(laplace, optimum.at.psi):
                continue
            best = max(best, -float(optimum.at.f))
    return best


def one(kind: str, number: int, starts: int = STARTS) -> dict[str, Any]:
    """Default fit against random starts for one data set."""
    rng = np.random.default_rng([SEED, list(FAMILIES).index(kind), number])
    formula, data = draw(kind, rng)
    family = gl.families.get(FAMILIES[kind])
    row: dict[str, Any] = {"family": kind, "set": number, "formula": formula}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = gl.glmm(formula, data, family)
        except gl.errors.GlmmlabError as error:
            # a constant response, for example: no model, so nothing to reach
            return {**row, "refused": type(error).__name__, "why": str(error)[:200]}
        best = best_of_random_starts(formula, data, family, rng, starts)
    told = [type(w).__name__ for w in fit.warnings]
    return {
        **row,
        "llf": fit.llf,
        "shortfall": max(0.0, best - fit.llf),
        "warnings": told,
        "evaluations": fit.optimization.evaluations,
    }


def study(kind: str, sets: int, starts: int = STARTS) -> dict[str, Any]:
    """Counts for one family."""
    rows = [one(kind, i, starts) for i in tqdm(range(sets), desc=kind, leave=False)]
    fitted = [r for r in rows if "llf" in r]
    failed = [r for r in fitted if not r["shortfall"] <= 1e-4]
    alarms = {"ConvergenceWarning", "PerfectFitWarning", "SeparationWarning"}
    silent = [r for r in failed if not alarms & set(r["warnings"])]
    return {
        "family": kind,
        "sets": sets,
        "fitted": len(fitted),
        "refused": [r for r in rows if "refused" in r],
        "reached": 1.0 - len(failed) / max(1, len(fitted)),
        "failed": failed,
        "silent": len(silent),
        "convergence_warnings": sum("ConvergenceWarning" in r["warnings"] for r in fitted),
    }


RESULTS = Path(__file__).parent / "results" / "robustness.json"


def stored() -> list[dict[str, Any]]:
    """Results of this seed and version on file, of the families that were finished."""
    if not RESULTS.exists():
        return []
    found = json.loads(RESULTS.read_text())
    same = (found["seed"], found["version"]) == (SEED, gl.__version__)
    return list(found["results"]) if same else []


def main(arguments: list[str]) -> None:
    """Run and store, or print one family."""
    resume = arguments == ["resume"]
    if arguments and not resume:
        result = study(arguments[0], int(arguments[1]) if len(arguments) > 1 else SETS)
        print(json.dumps(result, indent=1))
        return
    results = stored() if resume else []
    done = {r["family"] for r in results}
    for kind in (kind for kind in FAMILIES if kind not in done):
        results.append(study(kind, SETS))
        content = {"seed": SEED, "version": gl.__version__, "results": results}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(content, indent=1) + "\n")  # a family at a time: resumable
    for r in results:
        print(f"{r['family']:14} reached {r['reached']:.4f}  silent {r['silent']}")


if __name__ == "__main__":
    main(sys.argv[1:])
