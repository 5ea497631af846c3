"""Contrasts that go by the order of the levels, of levels that are numbers in another order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab._warnings import warn
from glmmlab.errors import InferenceWarning
from glmmlab.inference.contrasts import Method, plain_label

_BY_ORDER = {"poly", "opoly", "consec", "mean_chg"}


def tell_of_level_order(labels: pd.DataFrame, methods: Sequence[tuple[str, Method]]) -> None:
    """Warn where a method goes along a factor whose levels are numbers that go up and down.

    Text is ordered as text, "10" before "5".

    Parameters
    ----------
    labels : DataFrame
        The rows of a table.
    methods : sequence of (factor, method)

    Warns
    -----
    InferenceWarning
    """
    for factor, method in methods:
        column = labels[factor]
        if not isinstance(method, str) or method.replace(".", "_").lower() not in _BY_ORDER:
            continue
        if not isinstance(column.dtype, pd.CategoricalDtype):
            continue  # numbers in the order in which at= gave them
        levels = [value for value in column.cat.categories if value in set(column)]
        numbers = _numbers(levels)
        if numbers is None:
            continue
        steps = np.diff(numbers)
        if (steps > 0).all() or (steps < 0).all():
            continue
        shown = ", ".join(map(plain_label, levels))
        right = ", ".join(
            repr(value) if isinstance(value, str) else plain_label(value)
            for _, value in sorted(zip(numbers, levels, strict=True), key=itemgetter(0))
        )
        warn(
            InferenceWarning(
                f"contrast({method!r}) goes along the levels of {factor} in the order {shown}, "
                f"which is not that of the numbers. For that, before the fit: data[{factor!r}] = "
                f"pd.Categorical(data[{factor!r}], categories=[{right}], ordered=True)."
            )
        )


def _numbers(levels: Sequence[object]) -> FloatArray | None:
    """Levels as numbers: 5, "5", or all with the same words around them, "N5", "5 kg"."""
    found = [re.fullmatch(r"(\D*?)(-?\d+(?:\.\d+)?)(\D*)", str(level).strip()) for level in levels]
    matches = [match for match in found if match]
    around = {(match[1], match[3]) for match in matches}
    if len(matches) < len(levels) or len(around) != 1:
        return None
    return np.array([float(match[2]) for match in matches])
