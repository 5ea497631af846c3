"""Factors nested in others, found from the cells that occur in the data.

A factor is nested in another when each of its levels occurs with one level of the other only:
a drug that is given by one route, a variety of one species.  The cells that do not occur are then
no gap in the data: they mean nothing, and marginal means leave them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from glmmlab._types import BoolArray, FloatArray

Nesting = Mapping[str, tuple[str, ...]]
"""Each nested factor with the factors it is nested in."""


def find_nesting(data: pd.DataFrame, factors: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which factors are nested in which.

    Of two factors that group the rows in the same way the earlier counts as nested.

    >>> data = pd.DataFrame({"route": list("iiooo"), "drug": list("ABCDD")})
    >>> find_nesting(data, ["route", "drug"])
    {'drug': ('route',)}
    """
    levels = {name: data[name].nunique() for name in factors}
    nesting: dict[str, tuple[str, ...]] = {}
    for name in factors:
        around = tuple(
            other
            for other in factors
            if other != name
            and levels[other] > 1
            and name not in nesting.get(other, ())
            and len(data[[name, other]].drop_duplicates()) == levels[name]
        )
        if around:
            nesting[name] = around
    return nesting


def present_cells(frame: pd.DataFrame, data: pd.DataFrame, nesting: Nesting) -> BoolArray:
    """Rows of a grid whose nested levels stand with the levels they belong to.

    Parameters
    ----------
    frame : DataFrame, shape (n, predictors)
        The grid.
    data : DataFrame
        The rows used in the fit.
    nesting : mapping
        Of :func:`find_nesting`.
    """
    present = np.ones(len(frame), bool)
    for name, others in nesting.items():
        columns = [name, *others]
        known = set(data[columns].drop_duplicates().itertuples(index=False, name=None))
        rows = frame[columns].itertuples(index=False, name=None)
        present &= np.array([row in known for row in rows], bool)
    return present


def with_nests(names: Sequence[str], by: Sequence[str], nesting: Nesting) -> tuple[str, ...]:
    """`names`, followed by the factors in which any of `names` or `by` is nested."""
    around = [other for name in (*names, *by) for other in nesting.get(name, ())]
    return tuple(dict.fromkeys([*names, *(n for n in around if n not in by)]))


def equal_shares(
    frame: pd.DataFrame, present: BoolArray, others: Sequence[str], nesting: Nesting
) -> FloatArray:
    """Weights of the grid rows that are equal inside every nest, then over the nests.

    The product, over the averaged factors, of one over the number of levels that the factor has
    in the row's nest; 0 for rows that do not exist.

    Parameters
    ----------
    frame, present : DataFrame and ndarray, shape (n, predictors) and (n,)
        The grid.
    others : sequence of str
        The averaged predictors.
    """
    share = present.astype(float)
    for name in others:
        if name in nesting:
            nests = list(frame[list(nesting[name])].itertuples(index=False, name=None))
            inside: dict[tuple, set] = {}
            for nest, level, here in zip(nests, frame[name].tolist(), present, strict=True):
                if here:
                    inside.setdefault(nest, set()).add(level)
            share /= np.array([max(len(inside.get(nest, ())), 1) for nest in nests])
    return share


def nesting_note(nesting: Nesting, names: Sequence[Any]) -> tuple[str, ...]:
    """A sentence on the nests that matter for these predictors."""
    return tuple(
        f"{name} is nested in {' and '.join(nesting[name])}; only cells that exist are used."
        for name in names
        if name in nesting
    )
