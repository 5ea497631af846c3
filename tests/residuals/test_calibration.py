"""A seeded, reduced version of benchmarks/studies/residual_calibration.py.

With 150 replicates a rejection rate at 5 % has a standard error of 1.8 %, and the share of
p-values below one half, which is one half for an exact test, one of 4.1 %: the bounds are three
and four of these away.  A p-value that is wrong by a factor of two moves the second share to 1 or
to 1/4.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "studies" / "residual_calibration.py"
SPEC = importlib.util.spec_from_file_location("residual_calibration", PATH)
assert SPEC is not None and SPEC.loader is not None
study = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(study)

REPS = 150
RULES = ("outliers, DHARMa's rule", "temporal, DHARMa's rule", "spatial, DHARMa's rule")
EXACT = ["uniformity", "dispersion", "quantiles", "temporal", "spatial"]
"""Tests whose p-values are uniform under a right model; those of the others are on few values."""


def rates(rows) -> pd.Series:
    return pd.DataFrame(rows).set_index("test")["rejected"]


def assert_uniform(p: pd.DataFrame) -> None:
    """p-values of REPS replicates, one column a test."""
    rejected, below_half = p.lt(0.05).mean(), p.lt(0.5).mean()
    assert rejected.between(0.005, 0.105).all(), rejected
    assert below_half.between(0.337, 0.663).all(), below_half


@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("predictor", ["skewed", "12 values"])
def test_quantile_test_rejects_at_five_percent(predictor, n):
    p = [study.quantile_p(predictor, n, i)[0] for i in range(REPS)]
    assert_uniform(pd.DataFrame({"quantiles": p}))


@pytest.mark.parametrize("family", ["gaussian", "poisson", "beta phi=15"])
@pytest.mark.parametrize("groups", [0, 8])
def test_right_models_are_rejected_at_five_percent(family, groups):
    p = study.truth_p_values(family, 48, groups, REPS, without=RULES)
    assert_uniform(p[EXACT])
    others = p.drop(columns=[*EXACT, "uniformity, DHARMa's rule"])
    assert {"outliers", "categorical"} <= set(others)
    assert others.lt(0.05).mean().le(0.105).all(), others.lt(0.05).mean()
    if groups:  # rows that share effects drawn anew: the textbook test rejects right models
        assert p["uniformity, DHARMa's rule"].lt(0.05).mean() > 0.15


def test_power_against_named_misfits():
    over = rates(study.power_cell("overdispersed counts, Poisson fitted", 20))
    assert over["dispersion"] > 0.8
    zeros = rates(study.power_cell("zero-inflated counts, Poisson fitted", 20))
    assert zeros["zero inflation"] > 0.5
    missing = rates(study.power_cell("missing random effect, Poisson", 20))
    assert missing["categorical"] > 0.6


def test_spread_within_blocks_hides_from_the_default_test_only():
    """Published with the course: 25 % of such counts, against 98 to 100 %."""
    found = rates(study.blocks_cell("poisson", 0.5, True, 20))
    assert found["dispersion"] < 0.6
    assert found.drop("dispersion").min() > 0.8
    assert rates(study.blocks_cell("poisson", 0.5, False, 20)).max() <= 0.15
