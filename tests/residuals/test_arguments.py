"""What residuals refuse, and that the reason names the argument, the rows, and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import glmmlab.residuals as residuals
from glmmlab.errors import DataError, UnknownNameError

N = 12


@pytest.fixture(scope="module")
def res():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"day": np.repeat(np.arange(6), 2), "site": list("aabbccddeeff")})
    return residuals.from_simulations(
        rng.poisson(3, N), rng.poisson(3, (40, N)), np.full(N, 3.0), True, 1, data=data
    )


def with_gap(*rows: int) -> np.ndarray:
    values = np.arange(float(N))
    values[list(rows)] = np.nan
    return values


def distances(i: int, j: int, value: float, back: float) -> np.ndarray:
    out = np.abs(np.subtract.outer(np.arange(float(N)), np.arange(float(N))))
    out[i, j], out[j, i] = value, back
    return out


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda r: r.test_temporal("day"), DataError, "'day' has repeated values .rows 0, 1"),
        (lambda r: r.plot_acf("day"), DataError, "'day' has repeated values"),
        (lambda r: r.test_quantiles(with_gap(2, 4)), DataError, "rows 2, 4; fill them, or leave"),
        (
            lambda r: r.test_quantiles(pd.Series(np.r_[np.inf, np.ones(11)], name="dose")),
            DataError,
            "dose has missing or infinite values in row 0; leave",
        ),
        (lambda r: r.test_spatial(distances=np.eye(3)), DataError, r"\(12, 12\).* shape \(3, 3\)"),
        (lambda r: r.test_spatial(distances=distances(1, 2, 5, 1)), DataError, r"\(1, 2\) is 5"),
        (
            lambda r: r.test_spatial(distances=distances(1, 2, -1, -1)),
            DataError,
            "negative in rows 1",
        ),
        (
            lambda r: r.test_spatial(distances=distances(3, 5, np.nan, np.nan)),
            DataError,
            "missing or infinite entries in rows 3, 5",
        ),
        (lambda r: r.test_spatial("day"), DataError, "coordinates x= and y="),
        (lambda r: r.test_generic("max"), UnknownNameError, "summary='max'"),
        (lambda r: r.test_generic(lambda y: y), DataError, "one number of a response"),
        (lambda r: r.recalculate("site", by=3), UnknownNameError, "by=3"),
        (
            lambda r: r.recalculate("site", by=lambda y: np.nan),
            DataError,
            "no number of the rows of site a, b",
        ),
        (lambda r: r.recalculate(np.ones(N)), DataError, "fewer than 2 groups"),
        (lambda r: r.select(np.zeros(N, bool)), DataError, "at least 2"),
        (lambda r: r.residuals(3), UnknownNameError, "quantile_function=3"),
        (lambda r: r.residuals("normal", 7), DataError, "two numbers"),
        (lambda r: r.plot_panels([]), DataError, "formula such as"),
        (lambda r: r.plot_panels(3), DataError, "formula such as"),
    ],
)
def test_questions_that_cannot_be_answered(res, ask, error, words):
    with pytest.raises(error, match=words):
        ask(res)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"integer": "no"}, UnknownNameError, "integer='no': True or False"),
        ({"dependent": "maybe"}, UnknownNameError, "dependent='maybe'"),
        ({"pearson_df": "x"}, UnknownNameError, "pearson_df='x'"),
        ({"data": [1] * N}, DataError, "DataFrame"),
        ({"simulated": np.ones((5, N)) * 1j}, DataError, "complex"),
        ({"refit": 3, "pearson": np.ones(N)}, UnknownNameError, "refit=3"),
        ({"refit": lambda y: y, "pearson": np.ones(N)}, DataError, "two arrays"),
        ({"refit": lambda y: (y[:3], y), "pearson": np.ones(N)}, DataError, "3 values.* 12 rows"),
        (
            {"refit": lambda y: (y, y), "pearson": np.ones(N), "rotation": "estimated"},
            DataError,
            "not rotated",
        ),
        ({"rotation": np.full((N, N), np.nan)}, DataError, "rotation has missing"),
    ],
)
def test_residuals_that_cannot_be_made(change, error, words):
    rng = np.random.default_rng(1)
    good = {
        "observed": rng.normal(size=N),
        "simulated": rng.normal(size=(20, N)),
        "fitted": np.zeros(N),
        "integer": False,
    }
    with pytest.raises(error, match=words):
        residuals.from_simulations(**(good | change))


def test_sums_and_maxima_of_counts_are_counts_and_means_are_not(res):
    assert res.recalculate("site").integer and res.recalculate("site", by=np.max).integer
    assert not res.recalculate("site", by="mean").integer
