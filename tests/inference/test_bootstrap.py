"""The parametric bootstrap: sampling distributions that are known, seeds, failures, resuming."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.inference import bootstrap as module
from glmmlab.inference.parameters import parameter_values
from r_models import fit


@pytest.fixture(scope="module")
def dyestuff():
    return fit("dyestuff_ml").bootstrap(120, seed=1)


def test_all_parameters_under_the_names_of_the_profile(dyestuff):
    limits = dyestuff.conf_int()
    assert list(limits.index) == ["Intercept", "sd(Intercept | Batch)", "dispersion"]
    assert list(limits.index) == list(fit("dyestuff_ml").profile().estimates.index)
    assert (limits["lower"] < limits["upper"]).all()
    assert dyestuff.failures == {} and dyestuff.missing == 0


def test_a_balanced_one_way_layout_has_known_standard_errors(dyestuff):
    """Six batches of five: the mean has variance sd^2 / 6 + sigma^2 / 30."""
    sd, phi = fit("dyestuff_ml").profile().estimates.iloc[1:]
    exact = np.sqrt(sd**2 / 6 + phi / 30)
    mean_se = dyestuff.summary.loc["Intercept", "se"]
    assert mean_se == pytest.approx(exact, rel=4 / np.sqrt(2 * 120))
    # where sd > 0, the ML phi is SSE / 24 and SSE / phi is chi-square with 24 df
    assert dyestuff.frame["dispersion"].mean() == pytest.approx(phi, rel=4 * np.sqrt(2 / 24 / 120))


def test_singular_refits_belong_to_the_distribution(dyestuff):
    zeros = (dyestuff.frame["sd(Intercept | Batch)"] == 0).sum()
    assert 0 < zeros == dyestuff.singular


def test_basic_limits_mirror_the_percentiles(dyestuff):
    percentile, basic = dyestuff.conf_int(0.9), dyestuff.conf_int(0.9, method="basic")
    assert_allclose(basic["lower"], 2 * percentile["estimate"] - percentile["upper"])
    assert_allclose(
        percentile.loc["Intercept", "lower"], np.quantile(dyestuff.frame["Intercept"], 0.05)
    )
    with pytest.raises(gl.errors.UnknownNameError, match="percentile, basic"):
        dyestuff.conf_int(method="bca")


def test_the_result_depends_on_the_seed_alone():
    one = fit("seeds_binom_plate").bootstrap(12, seed=5)
    two = fit("seeds_binom_plate").bootstrap(12, seed=5, workers=2)
    pd.testing.assert_frame_equal(one.frame, two.frame)
    rng = [np.random.default_rng(5) for _ in range(2)]
    drawn = [fit("seeds_binom").bootstrap(3, seed=g).frame for g in rng]
    pd.testing.assert_frame_equal(*drawn)
    assert not np.allclose(drawn[0], fit("seeds_binom").bootstrap(3, seed=5).frame)


def test_an_interrupted_run_keeps_what_finished_and_goes_on(monkeypatch):
    whole = fit("seeds_binom").bootstrap(9, seed=2)
    real, calls = module._replicate, []

    def stops(*arguments):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(module, "_replicate", stops)
    with pytest.warns(gl.errors.InferenceWarning, match="interrupted after 4 of 9"):
        part = fit("seeds_binom").bootstrap(9, seed=2)
    assert len(part.frame) == 4 and part.missing == 5
    assert "resume" in str(part)
    monkeypatch.setattr(module, "_replicate", real)
    finished = fit("seeds_binom").bootstrap(9, resume=part)
    pd.testing.assert_frame_equal(finished.frame, whole.frame)
    with pytest.raises(gl.errors.DataError, match="another fit"):
        fit("seeds_probit").bootstrap(9, resume=part)


def test_failures_are_counted_and_named(monkeypatch):
    real = module.refit

    def fails(estimate, y):
        if y[0] % 3 == 0:
            raise gl.errors.ConvergenceError("no starting point. Really none.")
        return real(estimate, y)

    monkeypatch.setattr(module, "refit", fails)
    with pytest.warns(gl.errors.InferenceWarning, match="refits failed: no starting point"):
        result = fit("seeds_binom").bootstrap(20, seed=1)
    assert 0 < len(result.failures) < 20
    assert len(result.frame) + len(result.failures) == 20
    assert set(result.frame.index).isdisjoint(result.failures)
    assert "failed (no starting point)" in str(result)


def test_a_statistic_of_the_users_own():
    def odds_ratio(f: gl.Fit) -> dict[str, float]:
        return {"odds ratio": float(np.exp(f.params["extract[T.cucumber]"]))}

    own = fit("seeds_binom").bootstrap(15, odds_ratio, seed=3)
    every = fit("seeds_binom").bootstrap(15, seed=3)
    assert_allclose(own.frame["odds ratio"], np.exp(every.frame["extract[T.cucumber]"]))
    assert own.estimates["odds ratio"] == pytest.approx(np.exp(0.5401), abs=1e-3)


def test_intervals_through_the_fit():
    seeds = fit("seeds_binom")
    limits = seeds.conf_int(method="bootstrap", n=40, seed=4)
    assert list(limits.columns) == ["lower", "upper"]
    assert_allclose(limits, seeds.conf_int(), atol=0.6)
    variance = fit("cbpp_binom").conf_int(
        method="bootstrap", parameters="variance", n=20, seed=4, level=0.8
    )
    assert list(variance.columns) == ["estimate", "lower", "upper"]
    assert list(variance.index) == ["sd(Intercept | herd)"]


def test_prior_weights_cannot_be_simulated():
    data = fit("dyestuff_ml").estimate.design.data
    weighted = gl.glmm("Yield ~ 1 + (1 | Batch)", data=data, weights=np.full(len(data), 2.0))
    with pytest.warns(gl.errors.InferenceWarning, match="prior weights"):
        weighted.bootstrap(3, seed=1)


def test_likelihood_ratio_by_simulation():
    """An extra fixed effect in a Gaussian model: the exact p is that of the F test."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"x": np.linspace(-1, 1, 12), "z": rng.normal(size=12)})
    data["y"] = data["x"] + 0.9 * data["z"] + rng.normal(size=12)
    small, large = (gl.glmm(f, data=data) for f in ("y ~ x", "y ~ x + z"))
    table = large.compare(small, bootstrap=200, seed=1)
    F = (np.exp(table.frame["chisq"].iloc[1] / 12) - 1) * 9
    from scipy.stats import f

    exact = f.sf(F, 1, 9)
    assert 0.002 < exact < 0.5
    assert table.frame["p"].iloc[1] == pytest.approx(exact, abs=4 * np.sqrt(exact / 200))
    assert "200 responses simulated" in table.notes[0]
    with pytest.raises(gl.errors.ComparisonError, match="equally many"):
        small.compare(small, bootstrap=10)


def test_names_of_all_kinds_of_parameters():
    names = list(parameter_values(fit("sal_nbinom2_dispDOY").estimate).index)
    assert "dispersion: DOY" in names and "dispersion" not in names
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = parameter_values(fit("sleep_corr_ml").estimate)
    assert values["cor(Intercept, Days | Subject)"] == pytest.approx(0.081, abs=1e-3)
