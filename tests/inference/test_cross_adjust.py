"""Adjustment across by-groups: emmeans' cross.adjust, and the intervals it does not have."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.errors import UnknownNameError
from glmmlab.inference.adjust import Adjusted
from glmmlab.inference.emmeans import EMMeans, emmeans
from glmmlab.inference.linear import _notes

# emmeans 1.8.4: pairs(emmeans(lm(grain ~ block + variety * factor(nitrogen), oats),
# ~ nitrogen | variety)), p-values of summary(., cross.adjust = ...), 6 pairs of 3 varieties.
R = {
    "none": [
        0.19693679, 0.0022344186, 5.6905929e-05, 0.30531074, 0.02954597, 0.68835088,
        0.09465876, 0.0086310925, 0.00032399476, 0.78270178, 0.20363143, 0.72088101,
        0.21048671, 0.00043810818, 2.4767093e-05, 0.11063445, 0.01434569, 0.83862213,
    ],
    "bonferroni": [
        0.59081036, 0.0067032559, 0.00017071779, 0.91593221, 0.08863791, 1,
        0.28397628, 0.025893277, 0.00097198427, 1, 0.61089428, 1,
        0.63146014, 0.0013143245, 7.4301279e-05, 0.33190336, 0.04303707, 1,
    ],
    "holm": [
        0.39387357, 0.0044688373, 0.00011381186, 0.61062147, 0.05909194, 1,
        0.28397628, 0.0086310925, 0.00032399476, 0.78270178, 0.20363143, 1,
        0.39387357, 0.0013143245, 7.4301279e-05, 0.33190336, 0.04303707, 1,
    ],
    "sidak": [
        0.48209608, 0.0066882892, 0.00017070807, 0.6647477, 0.08604481, 0.96973103,
        0.25794361, 0.025670433, 0.00097166939, 0.9897395, 0.49494074, 0.97825456,
        0.50787171, 0.0013137488, 7.4299439e-05, 0.29653758, 0.042422626, 0.99579727,
    ],
    "BH": [
        0.21048671, 0.003351628, 8.5358893e-05, 0.4579661, 0.044318955, 0.83862213,
        0.21048671, 0.0086310925, 0.00032399476, 0.78270178, 0.20363143, 0.83862213,
        0.21048671, 0.0013143245, 7.4301279e-05, 0.33190336, 0.04303707, 0.83862213,
    ],
}  # fmt: skip


@cache
def means() -> EMMeans:
    data = gl.datasets.load("oats")
    data["nitrogen"] = data["nitrogen"].astype(str)
    fit = gl.glmm("grain ~ block + variety * nitrogen", data)
    unbiased = fit.estimate.conditional.cov * fit.nobs / 55  # lm's sigma
    return emmeans(fit.estimate, "nitrogen", by="variety", df=55, cov=unbiased)


@pytest.mark.parametrize("method", R)
def test_p_values_are_those_of_emmeans(method: str) -> None:
    for pairs in (means().pairs().cross_adjust(method), means().cross_adjust(method).pairs()):
        frame = pairs.frame.astype({"variety": str}).sort_values("variety", kind="stable")
        assert_allclose(frame["p"], R[method], rtol=1e-6)


@pytest.mark.parametrize("method", ["bonferroni", "sidak"])
def test_intervals_agree_with_their_tests(method: str) -> None:
    """At any level: 0 is outside exactly where p is smaller."""
    pairs = means().pairs().cross_adjust(method)
    p = pairs.frame["p"].to_numpy()
    for level in (0.5, 0.9, 0.95, 0.999):
        limits = pairs.confint(level).frame
        outside = (limits["lower"] > 0) | (limits["upper"] < 0)
        assert (outside == (p < 1 - level)).all()


def test_means_have_the_critical_value_of_all_groups() -> None:
    """One mean a family: three groups, the Bonferroni t of 0.05 / 3."""
    table = means().cross_adjust("holm")
    frame = table.frame
    half = (frame["upper"] - frame["estimate"]) / frame["se"]
    assert_allclose(half, 2.46940915, rtol=1e-8)  # R's qt(1 - 0.05 / 6, 55)
    assert "Intervals adjusted across the 3 groups of variety by the bonferroni method" in str(
        table
    )
    assert "not adjusted" not in str(table)


def test_what_it_cannot_do_is_told() -> None:
    with pytest.raises(UnknownNameError, match="give by= first"):
        means().contrast("pairwise", by=[]).cross_adjust()
    with pytest.raises(UnknownNameError, match="'tukey' cannot adjust across groups"):
        means().pairs().cross_adjust("tukey")


def test_of_several_methods_the_first_by_name_is_told() -> None:
    used = [Adjusted(np.zeros(1), name, "") for name in ("sidak", "none", "holm", "BY", "BH")]
    assert "changed to 'BH'" in _notes(used, "mvt", "P-values adjusted by the")[0]


def test_it_stays_with_the_table() -> None:
    table = means().cross_adjust("sidak")
    kept = [table.regrid(), table.pairs(), table.regrid("log").pairs()]
    assert [one.grouping.across for one in kept] == ["sidak"] * 3
    assert np.isfinite(kept[2].frame["p"]).all()
