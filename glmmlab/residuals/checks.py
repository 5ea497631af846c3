"""Input checks of the residuals room; every message names rows and says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glmmlab._types import AnyArray, FloatArray
from glmmlab._warnings import warn
from glmmlab.errors import DataError, InferenceWarning, UnknownNameError


def some_rows(bad: ArrayLike, most: int = 5) -> str:
    """Positions of the true entries as text, at most ``most`` of them.

    Examples
    --------
    >>> some_rows(np.array([True, False, True]))
    'rows 0, 2'
    """
    where = np.flatnonzero(bad)
    text = ", ".join(str(i) for i in where[:most])
    more = f" and {len(where) - most} more" if len(where) > most else ""
    return f"row{'s' if len(where) > 1 else ''} {text}{more}"


def flag(value: Any, name: str) -> bool:
    """``value`` if it is True or False."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise UnknownNameError(f"{name}={value!r}: True or False is needed.")


SAME_ROWS = (
    "drop these rows from the data, the simulations, the fitted values and the Pearson residuals "
    "alike"
)


def vector(
    values: ArrayLike, name: str, nobs: int | None = None, remedy: str = SAME_ROWS
) -> FloatArray:
    """``values`` as a finite float vector (of length ``nobs``); ``remedy``: what to do if not."""
    array = _floats(values, name)
    if array.ndim != 1:
        raise DataError(f"{name} must be one number a row, but has shape {array.shape}.")
    if nobs is not None and len(array) != nobs:
        raise DataError(f"{name} has {len(array)} values, but there are {nobs} rows.")
    bad = ~np.isfinite(array)
    if bad.any():
        raise DataError(f"{name} has missing or infinite values in {some_rows(bad)}; {remedy}.")
    return array


def symmetric(values: ArrayLike, name: str, nobs: int) -> FloatArray:
    """``values`` as a finite symmetric matrix with a row and a column for every row."""
    matrix = _floats(values, name)
    if matrix.shape != (nobs, nobs):
        raise DataError(
            f"{name} must be a matrix ({nobs}, {nobs}), one row and one column for each of the "
            f"rows, but has shape {matrix.shape}."
        )
    bad = ~np.isfinite(matrix)
    if bad.any():
        raise DataError(
            f"{name} has missing or infinite entries in {some_rows(bad.any(axis=1))}; fill them, "
            "or leave these rows out of the matrix and of the residuals."
        )
    unequal = ~np.isclose(matrix, matrix.T)
    if unequal.any():
        i, j = np.argwhere(unequal)[0]
        raise DataError(
            f"{name} is not symmetric: its entry ({i}, {j}) is {matrix[i, j]:g}, and ({j}, {i}) is "
            f"{matrix[j, i]:g}; give the same in both places."
        )
    return matrix


def simulations(values: ArrayLike, nobs: int) -> AnyArray:
    """``values`` as a matrix (nsim, nobs); compact integer and float types are kept."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        array = _floats(values, "simulated")
    if array.ndim != 2:
        raise DataError(
            f"simulated must be a matrix (simulations, rows), but has {array.ndim} dimension(s)."
        )
    if array.shape[1] != nobs:
        hint = " It looks transposed: pass simulated.T." if array.shape[0] == nobs else ""
        raise DataError(
            f"simulated has shape {array.shape}: its second dimension must be the {nobs} rows of "
            f"observed.{hint}"
        )
    if array.shape[0] < 2:
        raise DataError("At least 2 simulations are needed; 250 are usual.")
    if array.dtype.kind == "f":
        _check_finite(array)
    return array


def _check_finite(array: AnyArray) -> None:
    missing = np.zeros(array.shape[1], dtype=bool)
    infinite = missing.copy()
    for one in array:  # one simulation at a time: no temporary copy of the matrix
        missing |= np.isnan(one)
        infinite |= np.isinf(one)
    if missing.any():
        raise DataError(
            f"simulated has missing values (NaN) in {some_rows(missing)}: the model cannot "
            "simulate these rows; check their predictors, weights and fitted values."
        )
    if infinite.any():
        warn(
            InferenceWarning(
                f"simulated has infinite values in {some_rows(infinite)}; they count as larger "
                "(smaller) than any observation, but statistics that use sums will be infinite."
            )
        )


def _floats(values: Any, name: str) -> FloatArray:
    if np.iscomplexobj(values):
        raise DataError(f"{name} must be real numbers; these are complex.")
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numeric: {error}") from None


def option(value: str, allowed: Sequence[str], name: str) -> str:
    """``value`` if allowed, else an error that suggests the nearest."""
    if value in allowed:
        return value
    near = difflib.get_close_matches(str(value), allowed, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownNameError(
        f"{name}={value!r} is not known; choose one of {', '.join(map(repr, allowed))}.{hint}"
    )
