"""What the options of scaled residuals do, from their definitions (mathematics)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import glmmlab as gl
from glmmlab.residuals import from_simulations
from glmmlab.residuals.categorical import categorical_test
from glmmlab.residuals.outliers import default_type
from glmmlab.residuals.uniformity import uniformity_test


@pytest.fixture(scope="module")
def plates() -> gl.residuals.SimulatedResiduals:
    seeds = gl.datasets.load("seed_germination")
    fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen + (1 | plate)", seeds, "binomial")
    return fit.simulate_residuals(40, seed=1)


@pytest.fixture(scope="module")
def outside() -> gl.residuals.SimulatedResiduals:
    """The first row lies below, the last above all simulations."""
    simulated = np.random.default_rng(1).normal(size=(20, 5))
    observed = np.array([-9.0, *simulated[:3, 1:4].diagonal(), 9.0])
    return from_simulations(observed, simulated, np.zeros(5), False, seed=1)


def test_outlier_values_stand_for_infinite_residuals(outside):
    raw = outside.residuals("normal")
    assert np.isneginf(raw[0]) and np.isposinf(raw[-1]) and np.isfinite(raw[1:-1]).all()
    bounded = outside.residuals("normal", outlier_values=(-7, 8))
    assert bounded[[0, -1]].tolist() == [-7.0, 8.0]
    np.testing.assert_array_equal(bounded[1:-1], raw[1:-1])
    assert outside.outliers().tolist() == [0, 4]
    assert outside.outliers("lower").tolist() == [0]
    assert outside.outliers("upper").tolist() == [4]


def test_the_bootstrap_of_outliers_has_at_most_as_many_data_sets_as_simulations(plates):
    many = plates.test_outliers(type="bootstrap", nboot=1000)
    assert many.p == plates.test_outliers(type="bootstrap", nboot=40).p
    assert many.smallest_p == 1 / 40
    assert plates.test_outliers(type="bootstrap", nboot=8).smallest_p == 1 / 8


def test_rows_become_groups_by_any_function(plates):
    mean, by_function = (plates.recalculate("gen", by=by, seed=1) for by in ("mean", np.mean))
    np.testing.assert_allclose(by_function.observed, mean.observed)
    np.testing.assert_allclose(by_function.simulated, mean.simulated)
    with pytest.raises(gl.UnknownNameError, match="by='max'"):
        plates.recalculate("gen", by="max")
    rows = np.arange(21) % 2 == 0
    some = plates.recalculate("gen", select=rows, seed=1)
    levels = plates.data["gen"].cat.categories
    sums = [plates.observed[rows & (plates.data["gen"] == level)].sum() for level in levels]
    assert some.observed.tolist() == sums and some.nobs == 2


def test_selected_rows_have_no_pearson_residuals(plates):
    some = plates.select(np.arange(21) < 10)
    assert plates.pearson is not None and some.pearson is None and some.pearson_df is None
    with pytest.raises(gl.DataError, match="No Pearson residuals"):
        some.test_dispersion(type="pearson")


def test_asking_again_gives_the_same_and_a_seed_another(plates):
    again = [plates.test_outliers(type="bootstrap").p for _ in range(2)]
    assert again[0] == again[1]
    first, second = (plates.recalculate("gen").scaled for _ in range(2))
    np.testing.assert_array_equal(first, second)
    drawn = [plates.test_outliers(type="bootstrap", seed=s).statistic for s in (1, 2)]
    assert drawn[0] == drawn[1]  # the data's outliers are no matter of seeds


def test_conditional_residuals_are_those_of_independent_rows(plates):
    assert plates.dependent and plates.random_effects == "unconditional"
    assert plates.test_uniformity().reference == "simulations"
    assert plates.test_uniformity(reference="independent").reference in ("exact", "asymptotic")


def test_the_default_outlier_test_is_dharmas_rule_up_to_500_counts():
    assert default_type(integer=True, nobs=500, dependent=False) == "bootstrap"
    assert default_type(integer=True, nobs=501, dependent=False) == "binomial"
    assert default_type(integer=False, nobs=20, dependent=False) == "binomial"
    assert default_type(integer=True, nobs=20, dependent=True) == "simulations"


def test_ranks_without_steps_are_used_beyond_the_square_of_a_quarter_of_the_simulations():
    """20 simulations: (20 / 4)^2 = 25 rows."""
    rng = np.random.default_rng(1)
    for rows, stepped in ((25, True), (26, False)):
        res = from_simulations(
            rng.normal(size=rows), rng.normal(size=(20, rows)), np.zeros(rows), False, seed=1
        )
        plain = uniformity_test(res.scaled).statistic
        assert (res.test_uniformity().statistic == plain) == stepped


def test_levels_deviate_by_their_adjusted_p_values():
    """p = 0.03 in one of two levels is 0.06 after Holm: none deviates."""
    n, worst = 20, np.linspace(0.02, 0.98, 20)
    r = np.concatenate([worst, worst])
    factor = pd.Categorical(np.repeat(["a", "b"], n))
    for power in np.linspace(1.0, 3.0, 81):
        test = categorical_test(np.concatenate([worst**power, worst]), factor, "f")
        p, adjusted = test.frame.loc["a", ["p", "p_adjusted"]]
        if p < 0.05 <= adjusted:
            assert test.levels_deviating == []
            break
    else:
        raise AssertionError("no such p-value was met")
    assert categorical_test(np.concatenate([worst**4, worst]), factor, "f").levels_deviating == [
        "a"
    ]
    assert categorical_test(r, factor, "f").levels_deviating == []
