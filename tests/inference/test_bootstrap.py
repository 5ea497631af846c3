"""The parametric bootstrap: sampling distributions that are known, seeds, failures, resuming."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

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


def interrupted_in_the_fifth(monkeypatch):
    """The real replicate, and the calls so far of one that stops in the fifth."""
    real, calls = module._replicate, []

    def stops(*arguments):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(module, "_replicate", stops)
    return real, calls


def test_an_interrupted_run_keeps_what_finished_and_goes_on(monkeypatch):
    whole = fit("seeds_binom").bootstrap(9, seed=2)
    real, _ = interrupted_in_the_fifth(monkeypatch)
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


# -- checkpoints -----------------------------------------------------------------------------


def test_a_checkpoint_gives_what_an_uninterrupted_run_gives(tmp_path, monkeypatch):
    whole = fit("seeds_binom").bootstrap(9, seed=2)
    path = tmp_path / "boot.json"
    real, calls = interrupted_in_the_fifth(monkeypatch)
    with pytest.warns(gl.errors.InferenceWarning, match="4 of 9 replicates; the same call"):
        fit("seeds_binom").bootstrap(9, seed=2, checkpoint=path)
    monkeypatch.setattr(module, "_replicate", lambda *a: calls.append(1) or real(*a))
    calls.clear()
    again = fit("seeds_binom").bootstrap(9, seed=2, checkpoint=path)
    assert len(calls) == 5
    pd.testing.assert_frame_equal(again.frame, whole.frame, check_exact=True)
    calls.clear()
    longer = fit("seeds_binom").bootstrap(11, checkpoint=path)  # its own seed goes on
    assert len(calls) == 2
    expected = fit("seeds_binom").bootstrap(11, seed=2).frame
    pd.testing.assert_frame_equal(longer.frame, expected, check_exact=True)
    shorter = fit("seeds_binom").bootstrap(3, seed=2, checkpoint=path)
    pd.testing.assert_frame_equal(shorter.frame, whole.frame.iloc[:3], check_exact=True)


def test_an_error_in_the_statistic_keeps_what_was_finished(tmp_path):
    path = tmp_path / "boot.json"
    calls = []

    def statistic(f):
        calls.append(1)
        if len(calls) == 4:
            raise ZeroDivisionError
        return f.llf

    with pytest.raises(ZeroDivisionError):
        fit("seeds_binom").bootstrap(6, statistic, seed=2, checkpoint=path)
    assert len(json.loads(path.read_text())["replicates"]) == 2
    again = fit("seeds_binom").bootstrap(6, statistic, seed=2, checkpoint=path)
    expected = fit("seeds_binom").bootstrap(6, lambda f: f.llf, seed=2)
    pd.testing.assert_frame_equal(again.frame, expected.frame, check_exact=True)


KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
from glmmlab.inference import checkpoint
from r_models import fit
checkpoint.SECONDS = 0.0
def slow(f):
    time.sleep(0.05)
    return f.llf
fit("seeds_binom").bootstrap(10_000, slow, seed=2, checkpoint={path!r}, workers={workers})
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal that Windows does not have")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_process_leaves_its_replicates(tmp_path, workers):
    """SIGKILL cannot be caught: what is on the disk is all there is."""
    path = tmp_path / "boot.json"
    tests = str(Path(__file__).parents[1])
    code = KILLED.format(tests=tests, path=str(path), workers=workers)
    run = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    deadline = time.monotonic() + 120
    while not path.exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    kept = {int(i) for i in json.loads(path.read_text())["replicates"]}
    assert kept
    n = max(kept) + 3
    again = fit("seeds_binom").bootstrap(n, lambda f: f.llf, seed=2, checkpoint=path)
    expected = fit("seeds_binom").bootstrap(n, lambda f: f.llf, seed=2)
    pd.testing.assert_frame_equal(again.frame, expected.frame, check_exact=True)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / "boot.json"
    seeds = fit("seeds_binom")
    seeds.bootstrap(2, lambda f: f.llf, seed=2, checkpoint=path)
    with pytest.raises(gl.SavedFileError, match="another model or other data"):
        fit("seeds_binom_plate").bootstrap(2, lambda f: f.llf, seed=2, checkpoint=path)
    with pytest.raises(gl.SavedFileError, match="another statistic"):
        seeds.bootstrap(2, seed=2, checkpoint=path)
    with pytest.raises(gl.SavedFileError, match="another seed than 3"):
        seeds.bootstrap(2, lambda f: f.llf, seed=3, checkpoint=path)
    earlier = seeds.bootstrap(2, lambda f: f.llf, seed=2)
    with pytest.raises(gl.UnknownNameError, match="give one"):
        seeds.bootstrap(2, lambda f: f.llf, seed=2, checkpoint=path, resume=earlier)
    seeds.save(path)
    with pytest.raises(gl.SavedFileError, match="'format' is 'glmmlab fit'"):
        seeds.bootstrap(2, lambda f: f.llf, seed=2, checkpoint=path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c.pop("model"),
        lambda c: c.pop("entropy"),
        lambda c: c.update(schema=2),
        lambda c: c.update(replicates=[]),
        lambda c: c["replicates"].update({"0": {"values": [1.0, 2.0], "singular": False}}),
        lambda c: c["replicates"].update({"x": {"failure": ""}}),
        lambda c: c["replicates"].update({"0": {}}),
    ],
    ids=range(7),
)
def test_a_damaged_checkpoint_is_an_error_of_ours(tmp_path, damage):
    path = tmp_path / "boot.json"
    fit("seeds_binom").bootstrap(2, lambda f: f.llf, seed=2, checkpoint=path)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(gl.SavedFileError, match=r"boot\.json"):
        fit("seeds_binom").bootstrap(3, lambda f: f.llf, seed=2, checkpoint=path)


def test_failures_are_kept_as_well(tmp_path, monkeypatch):
    path = tmp_path / "boot.json"

    real = module._replicate

    def replicate(estimate, statistic, entropy, number):
        if number == 1:
            return module.Outcome(None, failure="no usable optimum")
        return real(estimate, statistic, entropy, number)

    monkeypatch.setattr(module, "_replicate", replicate)
    with pytest.warns(gl.InferenceWarning, match=r"1 of \d refits failed"):
        fit("seeds_binom").bootstrap(4, seed=2, checkpoint=path)
    monkeypatch.setattr(module, "_replicate", real)
    with pytest.warns(gl.InferenceWarning, match=r"1 of \d refits failed"):
        again = fit("seeds_binom").bootstrap(5, seed=2, checkpoint=path)
    assert again.failures == {1: "no usable optimum"} and len(again.frame) == 4


def test_a_comparison_goes_on_from_its_checkpoint_too(tmp_path):
    path = tmp_path / "compare.json"
    models = fit("seeds_binom"), fit("seeds_binom_plate")
    whole = models[0].compare(models[1], bootstrap=8, seed=4)
    models[0].compare(models[1], bootstrap=3, seed=4, checkpoint=path)
    assert len(json.loads(path.read_text())["replicates"]) == 3
    again = models[0].compare(models[1], bootstrap=8, seed=4, checkpoint=path)
    pd.testing.assert_frame_equal(again.frame, whole.frame, check_exact=True)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_one_two_or_four_workers_give_the_same(workers):
    one = fit("seeds_binom_plate").bootstrap(9, seed=5)
    several = fit("seeds_binom_plate").bootstrap(9, seed=5, workers=workers)
    pd.testing.assert_frame_equal(one.frame, several.frame, check_exact=True)


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same():
    distributed = pytest.importorskip("distributed")
    from joblib import parallel_config

    one = fit("seeds_binom_plate").bootstrap(9, seed=5)
    cluster = distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, parallel_config(backend="dask"):
        two = fit("seeds_binom_plate").bootstrap(9, seed=5, workers=-1)
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)
