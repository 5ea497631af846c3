"""Marginal means, pairs and letters of our own fits against R, over the whole chain.

Tolerances of the project: means 1e-5 of their standard error, standard errors 1e-4 relative,
adjusted p-values 1e-4 absolute, letters equal.  (tests/inference/test_emmeans_reference.py
holds the same tables to 1e-8 from R's coefficients.)
"""

from __future__ import annotations

import numpy as np
import pytest
from inference.r_estimates import column, entries
from numpy.testing import assert_allclose

from conftest import reference
from r_models import fit

CASES = entries()
IDS = [f"{case}-{reference(case)['emmeans'][i]['name']}" for case, i in CASES]
VALUES = ("emmean", "response", "prob", "rate", "estimate", "ratio", "odds.ratio")
pytestmark = pytest.mark.parametrize(("case", "position"), CASES, ids=IDS)


def entry(case, position):
    """R's table: from its exact Hessian where recomputed, with residual df where it has them."""
    r = reference(case)
    key = "emmeans_exact" if "emmeans_exact" in r else "emmeans"
    return (r.get("emmeans_df_residual") or r[key])[position]


def means(case, position, type="link"):
    e = entry(case, position)
    options = dict(e.get("args") or {})
    specs, _, by = e["specs"].removeprefix("~").partition("|")
    return fit(case).emmeans(
        [name.strip() for name in specs.split("*")],
        by=by.strip() or None,
        at=options.get("at"),
        weights=options.get("weights", "equal"),
        offset=options.get("offset"),
        type=type,
    )


def compare(frame, rows):
    se = column(rows, "SE")
    assert np.all(np.abs(frame["estimate"] - column(rows, *VALUES)) <= 1e-5 * se)
    assert_allclose(frame["se"], se, rtol=1e-4)


@pytest.mark.parametrize("type", ["link", "response"])
def test_means(case, position, type):
    e = entry(case, position)
    if type in e:
        compare(means(case, position, type).frame, e[type])


@pytest.mark.parametrize("type", ["link", "response"])
def test_pairs(case, position, type):
    rows = entry(case, position)["pairs"].get(type)
    if rows:
        frame = means(case, position, type).pairs().frame
        compare(frame, rows)
        assert_allclose(frame["p"], column(rows, "p.value"), atol=1e-4)


def test_letters(case, position):
    rows = entry(case, position)["cld"]["rows"]
    assert means(case, position).cld()["group"].tolist() == [row["group"] for row in rows]
