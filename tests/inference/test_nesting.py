"""Nested factors and empty cells against emmeans (tests/reference/make_nesting.R)."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import REFERENCE
from glmmlab.errors import EstimabilityError
from glmmlab.inference.emmeans import emmeans
from glmmlab.inference.joint_tests import joint_tests
from glmmlab.inference.nesting import find_nesting
from inference.r_estimates import least_squares

R = json.loads((REFERENCE / "nesting.json").read_text())
FORMULAS = {
    "one": "gain ~ route + drug + treatment",
    "two": "gain ~ route + drug + brand",
    "crossed": "gain ~ route * treatment + drug",
}


def cows() -> pd.DataFrame:
    return pd.DataFrame(R["cows"])


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.RankDeficientWarning)
        fits = {name: least_squares(formula, cows()) for name, formula in FORMULAS.items()}
        return fits | {"empty": least_squares("y ~ a * b + x", pd.DataFrame(R["cells"]))}


def by_levels(frame: pd.DataFrame, names: list[str], column: str) -> pd.Series:
    return frame.set_index([frame[n].astype(str) for n in names])[column].sort_index()


@pytest.mark.parametrize(
    ("model", "table", "specs", "weights"),
    [
        ("one", "drug", "drug", "equal"),
        ("one", "route", "route", "equal"),
        ("one", "treatment", "treatment", "equal"),
        ("one", "proportional", "treatment", "proportional"),
        ("one", "cells", "treatment", "cells"),
        ("two", "brand", "brand", "equal"),
        ("two", "route", "route", "equal"),
    ],
)
def test_means_leave_out_what_does_not_exist(models, model, table, specs, weights) -> None:
    ours = emmeans(models[model], specs, weights=weights)
    theirs = pd.DataFrame(R[model][table])
    assert len(ours) == len(theirs)
    names = list(ours.factors)
    for column, name in (("emmean", "estimate"), ("SE", "se"), ("lower.CL", "lower")):
        assert_allclose(
            by_levels(ours.frame, names, name), by_levels(theirs, names, column), rtol=1e-6
        )


def test_comparisons_of_nested_levels(models) -> None:
    em = emmeans(models["one"], "drug")
    frame, theirs = em.pairs().frame, pd.DataFrame(R["one"]["pairs"])
    ours = dict(zip(frame["contrast"], frame["p"], strict=True))
    for label, p in zip(theirs["contrast"], theirs["p.value"], strict=True):
        flipped = " - ".join(reversed(label.split(" - ")))
        assert_allclose(ours.get(label, ours.get(flipped)), p, atol=1e-6)
    inside = emmeans(models["one"], "drug", by="route").pairs().frame
    theirs = pd.DataFrame(R["one"]["within"])
    assert len(inside) == len(theirs) == 4
    oral = inside["route"] == "oral"
    assert_allclose(
        np.sort(inside["p"][oral]), np.sort(theirs["p.value"][theirs["route"] == "oral"]), atol=1e-6
    )
    # two drugs are injected: their one comparison needs no adjustment (emmeans counts three means)
    raw = emmeans(models["one"], "drug", by="route").pairs(adjust="none").frame["p"]
    assert_allclose(inside["p"][~oral], raw[~oral], rtol=1e-9)


@pytest.mark.parametrize("model", ["one", "two", "crossed", "empty"])
def test_joint_tests(models, model) -> None:
    ours = joint_tests(models[model], confounded=True).frame
    theirs = R[model]["joint"]
    assert sorted(ours.index) == sorted(theirs["term"])
    ours = ours.loc[theirs["term"]]
    assert ours["df"].tolist() == theirs["df"]
    assert_allclose(ours["chisq"] / ours["df"], theirs["F"], atol=6e-4)  # R keeps three decimals


def test_the_confounded_row_is_asked_for(models) -> None:
    assert "(confounded)" not in joint_tests(models["empty"]).frame.index
    assert "(confounded)" not in joint_tests(models["one"], confounded=True).frame.index


def test_nests_are_named_and_follow_the_factor(models) -> None:
    em = emmeans(models["two"], "brand")
    assert em.factors == ("brand", "route", "drug")
    assert "brand is nested in route and drug" in str(em)
    assert emmeans(models["two"], "brand", by="route").factors == ("brand", "drug")


def test_interactions_of_nested_factors_are_refused(models) -> None:
    with pytest.raises(EstimabilityError, match="nested"):
        emmeans(models["one"], "drug").contrast("consec", interaction=True)


def test_a_nest_of_one_level_has_no_comparison() -> None:
    data = cows()
    data = data[data["drug"] != "Char"]
    with pytest.warns(gl.RankDeficientWarning):
        fit = gl.glmm("gain ~ route + drug", data=data, family="gaussian")
    em = fit.emmeans("drug", by="route")
    assert em.pairs().frame["route"].tolist() == ["oral"] * 3
    assert em.cld()["group"].tolist() == ["a", "a", "a", "b"]


def test_crossed_factors_and_reused_labels_are_not_nested() -> None:
    crossed = pd.DataFrame({"a": list("uuvv"), "b": list("xyxy")})
    assert find_nesting(crossed, ["a", "b"]) == {}
    gap = crossed.iloc[:3]  # an empty cell is no nest
    assert find_nesting(gap, ["a", "b"]) == {}
    same = pd.DataFrame({"a": list("uvw"), "b": list("xyz")})  # emmeans: the earlier in the later
    assert find_nesting(same, ["a", "b"]) == {"a": ("b",)}
