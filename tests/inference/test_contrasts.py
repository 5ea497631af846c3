"""Coefficients, names and order of the contrast families."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from glmmlab.errors import GlmmlabError, UnknownNameError
from glmmlab.inference.contrasts import (
    contrast_family,
    contrast_names,
    interaction_family,
    level_labels,
)

# Section 3.5 of the specification: integer orthogonal polynomials as R prints them.
POLYNOMIALS = {
    3: [(-1, 0, 1), (1, -2, 1)],
    4: [(-3, -1, 1, 3), (1, -1, -1, 1), (-1, 3, -3, 1)],
    5: [(-2, -1, 0, 1, 2), (2, -1, -2, -1, 2), (-1, 2, 0, -2, 1), (1, -4, 6, -4, 1)],
    6: [(-5, -3, -1, 1, 3, 5), (5, -1, -4, -4, -1, 5), (-5, 7, 4, -4, -7, 5)],
}


@pytest.mark.parametrize("k", POLYNOMIALS)
def test_polynomials(k: int) -> None:
    family = contrast_family("poly", [str(i) for i in range(k)])
    expected = POLYNOMIALS[k]
    assert_allclose(family.coefficients[: len(expected)], expected, atol=0)
    assert family.labels()[:2] == ["linear", "quadratic"]


def test_polynomials_stop_at_degree_six() -> None:
    family = contrast_family("poly", [str(i) for i in range(10)])
    assert family.labels()[-1] == "degree 6"
    products = family.coefficients @ family.coefficients.T
    assert_allclose(products - np.diag(np.diag(products)), 0, atol=1e-9)


@pytest.mark.parametrize("name", [n for n in contrast_names() if n != "identity"])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_contrasts_sum_to_zero(name: str, k: int) -> None:
    family = contrast_family(name, [f"level {i}" for i in range(k)])
    assert_allclose(family.coefficients.sum(axis=1), 0, atol=1e-12)
    assert len(family.labels()) == len(family.coefficients) > 0


# Labels and coefficients printed by emmeans 1.8.4 for levels x, y-z, w, v.
LEVELS = level_labels({"a": ["x", "y-z", "w", "v"]})
PRINTED = {
    "pairwise": ["x - (y-z)", "x - w", "x - v", "(y-z) - w", "(y-z) - v", "w - v"],
    "revpairwise": ["(y-z) - x", "w - x", "w - (y-z)", "v - x", "v - (y-z)", "v - w"],
    "trt.vs.ctrl": ["(y-z) - x", "w - x", "v - x"],
    "trt.vs.ctrlk": ["x - v", "(y-z) - v", "w - v"],
    "consec": ["(y-z) - x", "w - (y-z)", "v - w"],
    "mean_chg": ["x|(y-z)", "(y-z)|w", "w|v"],
    "eff": ["x effect", "(y-z) effect", "w effect", "v effect"],
    "identity": ["x", "(y-z)", "w", "v"],
}


@pytest.mark.parametrize("name", PRINTED)
def test_labels_are_r_labels(name: str) -> None:
    assert contrast_family(name, LEVELS).labels() == PRINTED[name]


def test_coefficients_printed_by_r() -> None:
    third = 1 / 3
    assert_allclose(
        contrast_family("mean_chg", LEVELS).coefficients,
        [[-1, third, third, third], [-0.5, -0.5, 0.5, 0.5], [-third, -third, -third, 1]],
    )
    assert_allclose(contrast_family("del.eff", LEVELS).coefficients[0], [1, -third, -third, -third])
    assert_allclose(
        contrast_family("eff", ["a", "b"], weights=[1, 3]).coefficients,
        [[0.75, -0.75], [-0.25, 0.25]],
    )


def test_references() -> None:
    family = contrast_family("trt_vs_ctrl", ["b1", "b2", "b3"], ref=[1, 2])
    assert family.labels() == ["b3 - avg(b1,b2)"]
    assert_allclose(family.coefficients, [[-0.5, -0.5, 1]])
    reverse = contrast_family("trt_vs_ctrl", ["b1", "b2", "b3"], ref="b2", reverse=True)
    assert reverse.labels() == ["b2 - b1", "b2 - b3"]


def test_exclude_shrinks_the_family() -> None:
    family = contrast_family("pairwise", ["a", "b", "c"], exclude=["b"])
    assert family.labels() == ["a - c"]
    assert_allclose(family.coefficients, [[1, 0, -1]])


def test_level_labels() -> None:
    assert level_labels({"b": ["1", "2"]}) == ["b1", "b2"]
    assert level_labels({"a": ["x", "y-z"], "b": ["1", "1"]}) == ["x b1", "(y-z b1)"]
    assert level_labels({"dose": [0.5, 2.0]}) == ["dose0.5", "dose2"]


def test_interaction_products() -> None:
    first = contrast_family("pairwise", ["a", "b"])
    second = contrast_family("consec", ["u", "v", "w"])
    product = interaction_family([first, second])
    assert_allclose(product, [[-1, 1, 1, -1, 0, 0], [0, 0, -1, 1, 1, -1]])


def test_custom_and_errors() -> None:
    family = contrast_family({"ends": [1, 0, -1]}, ["a", "b", "c"])
    assert family.labels() == ["ends"]
    with pytest.raises(GlmmlabError, match="2 coefficients for 3 levels"):
        contrast_family({"ends": [1, -1]}, ["a", "b", "c"])
    with pytest.raises(UnknownNameError, match="Did you mean 'pairwise'"):
        contrast_family("pairwize", ["a", "b"])
    with pytest.raises(UnknownNameError, match="neither a level"):
        contrast_family("trt_vs_ctrl", ["a", "b"], ref="c")
