"""A seeded, reduced version of benchmarks/studies/inference.py, and its store.

The bounds on rates are those of the binomial distribution: a test that holds its level of 5 %
leaves them once in a thousand seeds.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
SPEC = importlib.util.spec_from_file_location("study", BENCHMARKS / "studies" / "inference.py")
assert SPEC is not None and SPEC.loader is not None
study = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(study)

from counted import Cell, replicate  # noqa: E402
from truths import TRUTHS, Setting  # noqa: E402


def table(cell: Cell, workers: int = 1) -> pd.Series:
    """What was counted: (measure, method, target) -> value."""
    frame = study.run(cell, workers)
    return frame.set_index(["measure", "method", "target"])["value"]


@pytest.fixture(scope="module")
def between_six() -> pd.Series:
    """Two treatments of three groups each, Gaussian, REML: the difference of means is exact."""
    return table(Cell("between-6", "gaussian, REML", reps=200))


@pytest.mark.parametrize("df", ["design df", "Kenward-Roger"])
def test_intervals_of_a_balanced_gaussian_trial_cover(between_six, df):
    """Balanced groups of five: the t interval with groups - 2 degrees of freedom is exact."""
    low, high = stats.binom.interval(0.998, 200, 0.95)
    assert low <= 200 * between_six["coverage", f"Wald t, {df}", "effect"] <= high


def test_six_groups_are_too_few_for_z(between_six):
    """z takes 1.96 for t(4)'s 2.78: it covers P(|t(4)| < 1.96), not 95 %.

    With a group variance estimated as zero the fit has more degrees of freedom than that.
    """
    exact = stats.t.cdf(1.96, 4) - stats.t.cdf(-1.96, 4)  # 0.878
    low, high = stats.binom.interval(0.998, 200, exact)
    assert low <= 200 * between_six["coverage", "Wald z", "effect"] <= high
    assert high < 0.95 * 200


@pytest.mark.parametrize("family", ["binomial", "nbinom2", "gamma"])
def test_a_medium_design_holds_the_level(family):
    """The other factor and the interaction have no effect, in twenty complete blocks."""
    found = table(Cell("factorial-20", family, reps=40))
    assert found["share", "fit", "failed"] == 0.0
    most = stats.binom.ppf(0.999, 40, 0.05)
    for role in ("other factor", "interaction"):
        assert 40 * found["rejection", "Anova II, Wald z", role] <= most
    errors = found["bias", "estimate", "effect"]
    assert abs(errors) < 4 * found["se", "model", "effect"] / 40**0.5


@pytest.mark.parametrize("family", TRUTHS)
def test_every_family_is_drawn_and_fitted(family):
    values = replicate(Cell("factorial-20", family, profiles=0), 0)
    assert values["share", "fit", "failed"] == 0.0
    assert abs(values["bias", "estimate", "effect"]) < 5 * values["se", "model", "effect"]


def test_workers_do_not_change_the_numbers():
    cell = Cell("between-6", "gaussian", reps=20)
    pd.testing.assert_series_equal(table(cell, 1), table(cell, 2), check_exact=True)


def test_an_interrupted_study_goes_on(tmp_path, monkeypatch, capsys):
    """Finished cells stay as they are, the others follow; the file is always a whole one."""
    cells = [Cell(f"between-{g}", "gaussian", reps=10) for g in (4, 6)]
    path = tmp_path / "inference.csv"
    monkeypatch.setattr(study, "cells", lambda: iter(cells))
    monkeypatch.setattr(study, "CSV", path)
    real = study.run

    def stopped(cell, workers):
        if cell is cells[1]:
            raise KeyboardInterrupt
        return real(cell, workers)

    monkeypatch.setattr(study, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.main([])
    first = study.stored(path)
    assert set(first["cell"]) == {cells[0].name}
    monkeypatch.setattr(study, "run", real)
    study.main([])
    both = study.stored(path)
    assert list(both["cell"].unique()) == [cell.name for cell in cells]
    pd.testing.assert_frame_equal(both[both["cell"] == cells[0].name], first)
    capsys.readouterr()
    study.main([])
    assert capsys.readouterr().out == ""
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".new"] == []


def test_a_cell_asked_for_more_often_is_run_again(tmp_path, monkeypatch):
    cell = Cell("between-4", "gaussian", reps=10)
    monkeypatch.setattr(study, "CSV", tmp_path / "inference.csv")
    for reps in (10, 20):
        monkeypatch.setattr(study, "cells", lambda reps=reps: iter([replace(cell, reps=reps)]))
        study.main([])
    assert set(study.stored(tmp_path / "inference.csv")["asked"]) == {20}


def test_the_null_of_a_layout_has_equal_means():
    known = Setting("disease", "beta", null=True)
    assert known.means.nunique() == 1
