"""``python -m glmmlab.verify`` tells agreement from disagreement, and how far."""

from __future__ import annotations

import copy
import re

import pytest

import glmmlab as gl
from glmmlab.verify import agreement, cases, compare, reference
from glmmlab.verify.__main__ import main


@pytest.fixture
def changed(monkeypatch):
    """R's answers of one case, changed by a function."""

    def change(how):
        r = copy.deepcopy(reference.reference("fung_gauss_reml"))
        how(r)
        monkeypatch.setattr(agreement, "reference", lambda case: r)
        return compare("fung_gauss_reml")

    return change


def test_all_cases_agree_and_the_program_says_so(capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.endswith("agrees")]
    assert [row.split()[0] for row in rows] == list(cases())
    assert f"{len(cases())} of {len(cases())} models agree with R" in "\n".join(lines)
    assert max(map(len, lines[3:])) <= 100
    assert re.search(r"^against glmmTMB [\d.]+", "\n".join(lines), re.M)


def _times(factor, *path):
    def change(r):
        *way, last = path
        for key in way:
            r = r[key]
        r[last] *= factor

    return change


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_times(1 + 1e-6, "logLik"), ["log-likelihood"]),
        (_times(1.01, "fixef", "fungicide2"), ["coefficients"]),
        (_times(1.001, "se", "fungicide2"), ["standard errors"]),
        (_times(1.001, "anova_type2", 0, "Chisq"), ["Wald tests"]),
        (_times(1.001, "emmeans", 0, "link", 3, "emmean"), ["means"]),
        (lambda r: r["emmeans"][0]["pairs"]["link"][0].update({"p.value": 0.9}), ["comparisons"]),
        (lambda r: r["fixef"].update({"extra": 1.0}), ["coefficients"]),
    ],
    ids=["logLik", "coef", "se", "chisq", "mean", "pairs", "extra"],
)
def test_a_number_of_another_r_is_a_disagreement(changed, change, what):
    found = changed(change)
    assert list(found.disagreements) == what and not found.agrees


def test_a_disagreement_is_named_and_sets_the_exit_status(monkeypatch, capsys):
    worse = {**agreement.TOLERANCES, "log-likelihood": (-1.0, "absolute")}
    monkeypatch.setattr(agreement, "TOLERANCES", worse)
    assert main(["seeds_binom"]) == 1
    out = capsys.readouterr().out
    assert "DIFFERS: log-likelihood" in out and "0 of 1 models agree" in out


def test_a_fit_that_fails_is_a_disagreement(monkeypatch, capsys):
    def fails(**arguments):
        raise gl.ConvergenceError("no usable optimum")

    monkeypatch.setattr(agreement, "glmm", fails)
    assert main(["seeds_binom"]) == 1
    assert "FAILED: ConvergenceError: no usable optimum" in capsys.readouterr().out


def test_cases_that_are_not_there(monkeypatch, capsys):
    assert main(["nothing"]) == 2
    assert "no reference case 'nothing'" in capsys.readouterr().err
    monkeypatch.setattr(reference, "FOLDERS", ())
    with pytest.raises(gl.DataError, match="reference files are missing"):
        reference.folder.__wrapped__()
