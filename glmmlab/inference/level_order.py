"""Contrasts that go by the order of the levels, of levels that are numbers in another order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

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
        try:
            numbers = np.array([float(value) for value in levels])
        except (TypeError, ValueError):
            continue
        steps = np.diff(numbers)
        if (steps > 0).all() or (steps < 0).all():
            continue
        shown = ", ".join(map(plain_label, levels))
        right = ", ".join(
            repr(value) if isinstance(value, str) else plain_label(value)
            for value in sorted(levels, key=float)
        )
        warn(
            InferenceWarning(
                f"contrast({method!r}) goes along the levels of {factor} in the order {shown}, "
                f"which is not that of the numbers. For that, before the fit: data[{factor!r}] = "
                f"pd.Categorical(data[{factor!r}], categories=[{right}], ordered=True)."
            )
        )
