"""What is said of labels and formulas when a model is fitted, and when nothing is said."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from test_design import case_design

import glmmlab as gl
from conftest import reference_cases
from glmmlab.design import build_design
from glmmlab.design.labels import label_warnings
from glmmlab.errors import FormulaWarning, LabelWarning, MissingDataWarning
from glmmlab.formula.source import Source

N = 48
OURS = (LabelWarning, FormulaWarning)


def trial() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "x": rng.uniform(0, 9, N),
            "z": rng.uniform(0, 9, N),
            "t": np.tile(list("ABC"), N // 3),
            "g": np.repeat(["g1", "g2", "g3", "g4"], N // 4),
        }
    )


def said(formula: str, data: pd.DataFrame, family: str = "gaussian", **parts: str) -> list[str]:
    """The warnings of these classes, kept in the design and given to the caller alike."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        design = build_design(formula, data, gl.families.get(family), **parts)
    told = [str(w.message) for w in caught if isinstance(w.message, OURS)]
    assert told == [str(w) for w in design.warnings if isinstance(w, OURS)]
    return told


@pytest.mark.parametrize("case", reference_cases())
def test_the_reference_data_are_sound(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not [w for w in case_design(case).warnings if isinstance(w, OURS)]


@pytest.mark.parametrize("name", gl.datasets.names())
def test_the_data_sets_are_sound(name):
    source = Source(gl.datasets.load(name))
    labels = {column: True for column in source.data if source.is_factor(column)}
    assert not list(label_warnings(labels, source))


def numbers(values: pd.Series) -> pd.Series:
    return values.round(2).astype(str)


def test_one_warning_a_column_says_all_of_it():
    data = trial()
    data["x"] = numbers(data["x"]).str.replace(".", ",")
    data.loc[3, "x"] = "."
    data.loc[5, "g"] = "G1"
    data["y"] = data["z"].round() + 1
    covariate, group = said("y ~ x + (1 | g)", data, "poisson")
    assert covariate.startswith("column 'x' has the level '.'")
    assert "It holds numbers with a decimal comma as text" in covariate
    assert "decimal=',', na_values=['.']" in covariate
    assert group.startswith("column 'g' has labels that differ only in letter case")


@pytest.mark.parametrize(
    ("levels", "speaks"),
    [(12, False), (16, False), (17, True), (48, True)],
)
def test_numbers_as_text_are_a_factor_up_to_a_third_of_the_rows(levels, speaks):
    data = trial().assign(x=[f"{i % levels}.5" for i in range(N)])
    told = said("z ~ x", data.assign(z=data["z"].round() + 1), "poisson")
    assert bool(told) == speaks
    assert not told or f"factor of {levels} levels" in told[0]


@pytest.mark.parametrize("how", ["category", "factor(x)", "C(x)", "(1 | x)"])
def test_who_says_that_labels_are_meant_is_believed(how):
    data = trial().assign(x=numbers(trial()["x"]).str.replace(".", ","))
    if how == "category":
        data["x"], how = data["x"].astype("category"), "x"
    assert said(f"z ~ t + {how}", data.assign(z=data["z"].round() + 1), "poisson") == []


def test_codes_of_genotypes_are_labels():
    """Whole numbers as text, as many as rows or half as many, also beside the checks' names."""
    data = trial().assign(z=trial()["z"].round() + 1)
    for labels in (range(N), [i // 2 + 101 for i in range(N)], [f"{i // 2}.0" for i in range(N)]):
        data["x"] = [str(label) for label in labels]
        assert said("z ~ x", data, "poisson") == []
    data.loc[:2, "x"] = "CHECK"
    assert said("z ~ x", data, "poisson") == []


def test_a_word_among_numbers():
    data = trial().assign(x=numbers(trial()["x"]), z=trial()["z"].round() + 1)
    data.loc[:2, "x"] = "n.d."
    (told,) = said("z ~ x", data, "poisson")
    assert "numbers as text" in told and "beside 'n.d.'" in told and "na_values=['n.d.']" in told
    data.loc[:20, "x"] = [f"plot {i}" for i in range(21)]
    assert said("z ~ x", data, "poisson") == []


def test_the_usual_factor_of_doses_is_silent():
    data = trial().assign(x=np.tile(["0", "5", "10", "20"], N // 4))
    assert said("y ~ x + (x | g)", data) == []


def test_few_dates_are_a_factor_and_many_a_covariate():
    few = trial().assign(x=[f"{i % 4 + 1}.5.2024" for i in range(N)])
    weekly = trial().assign(x=[f"2024-05-{i % (N // 3) + 1:02}" for i in range(N)])
    many = trial().assign(x=[f"{i % 20 + 1}.5.2024" for i in range(N)])
    assert said("y ~ t + x", few) == [] and said("y ~ t + x", weekly) == []
    (told,) = said("y ~ t + x", many)
    assert "holds dates as text" in told
    assert "pd.to_datetime(data['x'], dayfirst=True)" in told


def test_labels_of_all_parts_are_looked_at():
    data = trial()
    data.loc[0, "t"] = "A "
    for formula, parts in [
        ("y ~ t", {}),
        ("y ~ x + (t | g)", {}),
        ("y ~ x + (1 | g:t)", {}),
        ("y ~ x", {"dispersion": "~ t"}),
    ]:
        (told,) = said(formula, data, **parts)
        assert "'A', 'A '" in told


def test_missing_values_made_text():
    data = trial().assign(t=trial()["t"].where(trial().index > 0).astype(object).map(str))
    (told,) = said("y ~ t", data)
    assert ".mask(data['t'].isin(['nan']))" in told


def test_powers_of_sums_and_of_factors_are_silent():
    for formula in ("y ~ (x + z)^2", "y ~ (x + t)**2", "y ~ t^2", "y ~ I(x^2)", "y ~ x + z^1"):
        assert said(formula, trial()) == []
    assert said("y ~ x + (z - z)^2", trial()) == []


@pytest.mark.parametrize(
    ("n", "successes", "speaks"),
    [
        (25, (0, 5, 9, 25), True),
        (25, (0, 5, 9, 26), False),
        (25, (0, 5, 5, 5), False),
        (1, (0, 1, 0, 1), False),
    ],
)
def test_trials_in_the_place_of_failures(n, successes, speaks):
    data = trial().assign(n=n, k=np.tile(successes, N // 4))
    told = said("cbind(k, n) ~ t", data, "binomial")
    assert bool(told) == speaks
    assert said("cbind(k, n + 26 - k) ~ t", data, "binomial") == []
    assert said("cbind(k, n) ~ t", data.assign(n=np.arange(N) + 30), "binomial") == []


def test_levels_that_lose_all_rows_are_named():
    data = trial()
    data["y"] = data["y"].where(~data["t"].isin(["B"]) & (data["g"] != "g3"))
    with pytest.warns(MissingDataWarning) as caught:
        build_design("y ~ t + (1 | g)", data, gl.families.get("gaussian"))
    message = str(caught[0].message)
    assert message.endswith("; no rows are left for 'B' of t; no rows are left for 'g3' of g")
    with pytest.warns(MissingDataWarning, match=r"in y \(24\)$"):
        build_design("y ~ x", data, gl.families.get("gaussian"))


@pytest.mark.parametrize(
    "labels", [["A1", "a1"], ["Rht1", "rht1"], ["Vrn-A1", "vrn-A1"], ["A1A1", "A1a1", "a1a1"]]
)
def test_symbols_of_genes_that_are_as_frequent_are_genotypes(labels):
    data = trial().assign(x=np.resize(labels, N))
    assert said("y ~ x", data) == []
    data = trial().assign(x=[labels[1], *[labels[0]] * (N - 1)])
    (told,) = said("y ~ x", data)
    assert "letter case" in told


@pytest.mark.parametrize("labels", [["-", "N", "P", "NP"], ["NA", "PDA", "MEA"]])
def test_a_code_with_as_many_rows_as_the_others_is_a_treatment(labels):
    data = trial().assign(x=np.resize(labels, N))
    assert said("y ~ x", data) == []
    (told,) = said("y ~ x", data.assign(x=[labels[0], *np.resize(labels[1:], N - 1)]))
    assert "missing values" in told
