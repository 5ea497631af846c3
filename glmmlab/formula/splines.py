"""B-splines as formulas call them: formulaic's, with errors that say what to do at their ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from formulaic.transforms.basis_spline import basis_spline
from formulaic.utils.stateful_transforms import stateful_transform

from glmmlab._types import AnyArray
from glmmlab.errors import DataError, FormulaError

BESIDE = 0.01
"""Share of the range by which new values may lie outside it: room for difference quotients."""


@stateful_transform
def bs(
    x: AnyArray,
    df: int | None = None,
    knots: Iterable[float] | None = None,
    degree: int = 3,
    include_intercept: bool = False,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
    extrapolation: str = "raise",
    _state: dict[str, Any] = {},  # noqa: B006  # formulaic gives the state of the fit
) -> Any:
    """Columns of a B-spline, with formulaic's arguments.

    Right beside the range of the fit the outer polynomials go on, so that slopes exist at its
    ends; further out `extrapolation` decides.

    Raises
    ------
    FormulaError
        Fewer degrees of freedom than a polynomial of the degree has.
    DataError
        Values outside the range, unless `extrapolation` says what to do there.
    """
    least = degree + bool(include_intercept)
    if df is not None and df < least:
        raise FormulaError(
            f"df={df} is too small, {least} is the least for pieces of degree {degree}: give more, "
            "or a lower degree="
        )
    if extrapolation == "raise":
        ends = [_state.get("lower_bound", lower_bound), _state.get("upper_bound", upper_bound)]
        _check_inside(np.asarray(x, dtype=float), ends, BESIDE if "knots" in _state else 0.0)
        extrapolation = "extend"
    return basis_spline(
        x, df, knots, degree, include_intercept, lower_bound, upper_bound, extrapolation,
        _state=_state,
    )  # fmt: skip


def _check_inside(x: AnyArray, ends: list[float | None], beside: float) -> None:
    if not x.size:
        return
    low = float(np.nanmin(x)) if ends[0] is None else ends[0]
    high = float(np.nanmax(x)) if ends[1] is None else ends[1]
    room = beside * (high - low)
    outside = x[(x < low - room) | (x > high + room)]
    if outside.size:
        raise DataError(
            f"the spline reaches from {low:.6g} to {high:.6g}, and {outside[0]:.6g} lies outside: "
            "stay inside, or add extrapolation='extend' to its arguments, which continues its "
            "outer polynomials as R does"
        )
