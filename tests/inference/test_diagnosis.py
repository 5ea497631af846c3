"""What fit.diagnose() says of offsets and of numbers that may be codes, and when it is silent."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import glmmlab as gl

pytestmark = pytest.mark.filterwarnings("ignore::glmmlab.errors.GlmmlabWarning")


def sentences(start: str, *arguments: object, **options: object) -> list[str]:
    found = gl.glmm(*arguments, **options).diagnose().sentences
    return [sentence for sentence in found if start in sentence]


def counts() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"leaves": rng.integers(5, 40, 48), "t": np.tile(list("abc"), 16)})
    data["area"] = data["leaves"] * 10.3
    data["log_leaves"] = np.log(data["leaves"])
    return data.assign(y=rng.poisson(data["leaves"] * 0.3))


@pytest.mark.parametrize(
    ("formula", "offset", "cure"),
    [
        ("y ~ t", "leaves", "offset=np.log(data['leaves'])"),
        ("y ~ t", "area", "offset=np.log(data['area'])"),
        ("y ~ t + offset(leaves)", None, "offset(log(leaves))"),
        ("y ~ t + offset(log_leaves)", "leaves", "offset=np.log(data['leaves'])"),
    ],
)
def test_an_exposure_without_its_logarithm(formula, offset, cure):
    (said,) = sentences("The offset", formula, counts(), "poisson", offset=offset)
    assert f"write {cure}." in said and "added on the log scale" in said


def test_an_array_of_exposures():
    data = counts()
    (said,) = sentences(
        "The offset", "y ~ t", data, "poisson", offset=data["leaves"].to_numpy(float)
    )
    assert "The offset runs from 5 to 39" in said and "offset=np.log(exposure)" in said


def test_an_offset_explains_what_it_does_elsewhere():
    """Large coefficients and too much spread come of it: they are not said beside it."""
    data = counts()
    fit = gl.glmm("y ~ t", data, "poisson", offset="leaves")
    first, *others = fit.diagnose().sentences
    assert "The offset leaves" in first
    assert not any("extreme" in s or "times as much" in s for s in others)


def test_logarithms_and_other_links_are_silent():
    data = counts()
    populations = np.log(np.geomspace(1e4, 1.4e9, 48))  # of countries: 9 to 21
    for offset in ("log_leaves", populations, np.zeros(48), np.ones(48)):
        assert not sentences("The offset", "y ~ t", data, "poisson", offset=offset)
    assert not sentences("The offset", "y ~ t + offset(log(leaves))", data, "poisson")
    assert not sentences("The offset", "area ~ t", data, offset="leaves")


def blocks(means: list[float], code: int = 1) -> pd.DataFrame:
    """Ten blocks of treatments with these means and numbers for names."""
    rng = np.random.default_rng(9)
    k = len(means)
    data = pd.DataFrame({"block": np.repeat(list("abcdefghij"), k), "trt": np.tile(range(k), 10)})
    data["y"] = np.tile(means, 10) + rng.normal(size=10 * k) + np.repeat(rng.normal(size=10), k)
    return data.assign(trt=data["trt"] + code)


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("formula", ["y ~ trt + block", "y ~ trt + (1 | block)"])
def test_codes_of_treatments(formula, code):
    (said,) = sentences("as a number", formula, blocks([10, 14, 11, 15], code))
    values = ", ".join(str(code + i) for i in range(4))
    assert said.startswith("trt enters as a number, with one slope")
    assert f"values {values} do not lie on a line" in said and "factor(trt)" in said


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ factor(trt) + (1 | block)",
        "y ~ poly(trt, 2) + (1 | block)",
        "y ~ trt * block",
        "y ~ trt + (trt | block)",
        "y ~ trt + I(trt^2) + (1 | block)",
    ],
)
def test_a_model_that_says_what_the_numbers_are(formula):
    assert not sentences("as a number", formula, blocks([10, 14, 11, 15]))


def test_numbers_on_a_line_and_numbers_that_are_no_codes():
    bent = blocks([10, 14, 11, 15])
    assert not sentences("as a number", "y ~ trt + (1 | block)", blocks([10, 11, 12, 13]))
    for values in ([0, 5, 10, 20], [1, 2, 4, 8], [2, 3, 4, 5], [0.5, 1.5, 2.5, 3.5]):
        data = bent.assign(trt=np.tile(values, 10))
        assert not sentences("as a number", "y ~ trt + (1 | block)", data)


def test_numbers_of_the_data_sets_are_numbers():
    """Broods of 1 to 7 chicks, visits 1 to 4, doses 0 to 10."""
    for formula, name, family in [
        ("SiblingNegotiation ~ FoodTreatment + BroodSize + (1 | Nest)", "owls", "nbinom2"),
        ("count ~ mined + sample + (1 | site)", "salamanders", "nbinom2"),
        ("y ~ x", "biomass", "gamma"),
    ]:
        assert not sentences("as a number", formula, gl.datasets.load(name), family)


def test_no_line_is_tested_where_the_variance_is_infinite():
    """A Cauchy response has no mean squares: diagnose() is silent, and does not fail."""
    data = pd.DataFrame({"week": np.repeat(range(1, 7), 20)})
    data["y"] = 0.4 * data["week"] + np.random.default_rng(1).standard_cauchy(120)
    fit = gl.glmm("y ~ week", data, "t")
    with pytest.raises(gl.EstimabilityError, match="no finite variance"):
        fit.residuals("pearson")
    assert not [said for said in fit.diagnose().sentences if "as a number" in said]


def test_a_straight_line_is_seldom_called_bent():
    """Of 200 sound data sets the F test at 0.001 calls 0.2 bent on average, 3 once in 900 tries."""
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(200):
        data = blocks([1, 2, 3, 4])
        data["y"] = data["trt"] + rng.normal(size=40) + np.repeat(rng.normal(size=10), 4)
        found += len(sentences("as a number", "y ~ trt + (1 | block)", data))
    assert found <= 2


def test_the_number_of_dropped_rows():
    data = counts().assign(t=lambda d: d["t"].where(d.index != 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (said,) = sentences("missing values", "y ~ t", data, "nbinom2")
    assert said.startswith("1 row was dropped for missing values, 47 were used")
