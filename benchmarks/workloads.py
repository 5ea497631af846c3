"""The models that are timed: data simulated from stated seeds, or from tests/reference."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))


@dataclass(frozen=True)
class Workload:
    """One row of the table: a model, its data, who else fits it and how often."""

    name: str
    formula: str
    family: str
    data: Callable[[], pd.DataFrame]
    peers: tuple[str, ...]
    method: str = "ML"
    r_formula: str | None = None
    repeats: int = 7
    tolerance: float = 1e-4


def _reference(name: str) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        from conftest import reference_data

        return reference_data(name)

    return load


def crossed_bernoulli() -> pd.DataFrame:
    """The size of lme4's VerbAgg: 316 subjects x 24 items, one 0/1 answer each."""
    rng = np.random.default_rng(20261)
    subject, item = np.divmod(np.arange(316 * 24), 24)
    anger = rng.normal(20, 5, 316)[subject]
    group = np.array(["a", "b", "c"])[item % 3]
    eta = (
        -1.0
        + 0.05 * anger
        + np.where(group == "b", -1.0, np.where(group == "c", -2.0, 0.0))
        + rng.normal(0, 1.3, 316)[subject]
        + rng.normal(0, 0.5, 24)[item]
    )
    y = (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(int)
    return pd.DataFrame(
        {
            "y": y,
            "anger": anger,
            "group": group,
            "subject": subject.astype(str),
            "item": item.astype(str),
        }
    ).astype({"subject": "category", "item": "category", "group": "category"})


def large_bernoulli(rows: int) -> Callable[[], pd.DataFrame]:
    """``rows`` 0/1 answers in groups of about twenty, four coefficients."""

    def make() -> pd.DataFrame:
        rng = np.random.default_rng(20262)
        groups = rows // 20
        g = rng.integers(0, groups, rows)
        x = rng.normal(size=(rows, 3))
        eta = -0.5 + x @ np.array([0.5, -0.3, 0.2]) + rng.normal(0, 0.8, groups)[g]
        y = (rng.random(rows) < 1 / (1 + np.exp(-eta))).astype(int)
        return pd.DataFrame({"y": y, "x1": x[:, 0], "x2": x[:, 1], "x3": x[:, 2], "g": g})

    return make


def crossed_gaussian() -> pd.DataFrame:
    """The size of lme4's InstEval: 73,421 ratings, 2,972 students x 1,128 lecturers."""
    rng = np.random.default_rng(20263)
    rows = 73_421
    s, d = rng.integers(0, 2972, rows), rng.integers(0, 1128, rows)
    service = rng.integers(0, 2, rows)
    y = (
        3.2
        - 0.07 * service
        + rng.normal(0, 0.33, 2972)[s]
        + rng.normal(0, 0.52, 1128)[d]
        + rng.normal(0, 1.18, rows)
    )
    return pd.DataFrame({"y": y, "service": service.astype(float), "s": s, "d": d})


CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
WORKLOADS = {
    w.name: w
    for w in (
        Workload(
            "disease severity, beta, 48 rows",
            "severity ~ fungicide + (1 | block)",
            "beta",
            _reference("fungicide"),
            ("glmmTMB", "gpboost"),
            tolerance=1e-3,
        ),
        Workload(
            "cbpp, binomial, 56 rows",
            CBPP,
            "binomial",
            _reference("cbpp"),
            ("glmmTMB", "lme4", "gpboost"),
            tolerance=1e-3,
        ),
        Workload(
            "Salamanders, nbinom2, 644 rows",
            "count ~ mined + spp + (1 | site)",
            "nbinom2",
            _reference("Salamanders"),
            ("glmmTMB", "gpboost"),
        ),
        Workload(
            "sleepstudy, correlated slopes, 180 rows",
            "Reaction ~ Days + (Days | Subject)",
            "gaussian",
            _reference("sleepstudy"),
            ("glmmTMB", "lme4", "gpboost"),
        ),
        Workload(
            "crossed Bernoulli, 7,584 rows",
            "y ~ anger + group + (1 | subject) + (1 | item)",
            "binomial",
            crossed_bernoulli,
            ("glmmTMB", "lme4", "gpboost"),
            repeats=3,
            tolerance=0.1,
        ),
        Workload(
            "Bernoulli, 100,000 rows, 5,000 groups",
            "y ~ x1 + x2 + x3 + (1 | g)",
            "binomial",
            large_bernoulli(100_000),
            ("glmmTMB", "lme4", "gpboost"),
            repeats=3,
            tolerance=0.5,
        ),
        Workload(
            "Bernoulli, 1,000,000 rows",
            "y ~ x1 + x2 + x3 + (1 | g)",
            "binomial",
            large_bernoulli(1_000_000),
            (),
            repeats=1,
        ),
        Workload(
            "crossed Gaussian, 73,421 rows",
            "y ~ service + (1 | s) + (1 | d)",
            "gaussian",
            crossed_gaussian,
            ("glmmTMB", "lme4", "gpboost"),
            repeats=3,
            tolerance=0.05,
        ),
    )
}
