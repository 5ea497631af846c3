"""A seeded, reduced version of benchmarks/studies/residual_calibration.py.

Rejection rates at 5 % with 150 replicates have a standard error of 1.8 %: the bounds below are
about three of these away.
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

EXACT = ["uniformity", "dispersion", "quantiles"]


def rates(rows) -> pd.Series:
    return pd.DataFrame(rows).set_index("test")["rejected"]


@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("predictor", ["skewed", "12 values"])
def test_quantile_test_rejects_at_five_percent(predictor, n):
    p = [study.quantile_p(predictor, n, i)[0] for i in range(150)]
    assert 0.005 <= pd.Series(p).lt(0.05).mean() <= 0.105


@pytest.mark.parametrize("family", ["gaussian", "poisson", "beta phi=15"])
@pytest.mark.parametrize("groups", [0, 8])
def test_right_models_are_rejected_at_five_percent(family, groups):
    found = rates(study.truth_cell(family, 48, groups, 150))
    assert found[EXACT].between(0.005, 0.105).all(), found
    assert found["outliers"] <= 0.105
    if groups:  # rows that share effects drawn anew: the textbook test rejects right models
        assert found["uniformity, DHARMa's rule"] > 0.15


def test_power_against_named_misfits():
    over = rates(study.power_cell("overdispersed counts, Poisson fitted", 20))
    assert over["dispersion"] > 0.8
    zeros = rates(study.power_cell("zero-inflated counts, Poisson fitted", 20))
    assert zeros["zero inflation"] > 0.5
    missing = rates(study.power_cell("missing random effect, Poisson", 20))
    assert missing["categorical"] > 0.6
