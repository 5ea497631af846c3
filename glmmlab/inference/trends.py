"""Slopes of numeric predictors, averaged over the reference grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmmlab._arguments import finite
from glmmlab._types import FloatArray
from glmmlab.errors import DataError, FormulaError, UnknownColumnError, UnknownNameError
from glmmlab.formula.expressions import Expression, expression
from glmmlab.formula.factors import compute
from glmmlab.formula.fixed import FixedPart
from glmmlab.formula.source import Source
from glmmlab.inference.emmeans import EMMeans
from glmmlab.inference.estimable import estimable_rows
from glmmlab.inference.linear import DegreesOfFreedom, LinearEstimates
from glmmlab.inference.model_parts import (
    ModelPart,
    conditional_mean,
    default_df,
    linear_part,
    prior_weights,
    response_name,
)
from glmmlab.inference.nesting import with_nests
from glmmlab.inference.reference_grid import ReferenceGrid, averaging_matrix, build_grid
from glmmlab.inference.result_table import check_type
from glmmlab.inference.specs import (
    OVERALL,
    averaging_context,
    check_names,
    interaction_cautions,
    split_specs,
)

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

_RELATIVE_STEP = 0.001
_SMALLEST_STEP = 1e-10
_POWERS = {1: "Slopes", 2: "Second-degree trends"}


def emtrends(
    estimate: Estimate,
    specs: str | Sequence[str],
    var: str,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    type: str = "link",
    degree: int = 1,
    weights: str | Any = "equal",
    component: str = "conditional",
    level: float = 0.95,
    delta: float | None = None,
    df: DegreesOfFreedom | None = None,
    cov: FloatArray | None = None,
) -> EMMeans:
    r"""Slopes of the linear predictor (or of the response) along a numeric predictor.

    The difference quotient [X(x + d) - X(x)] / d of the model matrix at the reference value x,
    with d one thousandth of the range of x, averaged like marginal means.

    Parameters
    ----------
    estimate : Estimate
    specs : str or list of str
        Factors at whose levels slopes are wanted; ``"1"`` for the overall slope.
    var : str
        The numeric predictor, or arithmetic with it: ``"log(dose)"`` gives the slope per unit of
        log(dose), ``"dose / 10"`` that per ten units.
    by, at, weights, component, level, df, cov
        As in :func:`glmmlab.inference.emmeans.emmeans`; ``at={var: x}`` moves the point.
    type : {"link", "response"}
        Slope of the linear predictor, or of the back-transformed mean (delta method, averaged
        on the response scale).
    degree : int
        2 for the second-degree coefficient, f''/2, of the curve at x, by a central difference.
    delta : float, optional
        Step d.

    Returns
    -------
    EMMeans
        ``estimate`` is the slope; ``.pairs()``, ``.cld()`` and ``.test()`` compare slopes.

    Raises
    ------
    UnknownColumnError, DataError
        `var` is not a numeric predictor of the model, or no function of one that has a slope.
    FormulaError
        `var` cannot be read.

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("germ ~ extract * n", data=seeds, family="poisson")
    >>> slopes = fit.emtrends("extract", var="n")
    >>> slopes.frame["extract"].tolist()
    ['bean', 'cucumber']
    """
    check_type(type)
    if degree not in _POWERS:
        raise UnknownNameError(f"degree={degree!r}: slopes are of degree 1 or 2.")
    factors, panels = split_specs(specs, by)
    part = linear_part(estimate, component, cov)
    column, function = _predictor(part.fixed, var)
    grid = build_grid(
        [part.fixed],
        estimate.design.data,
        prior_weights(estimate),
        at,
    )
    check_names([n for n in (*factors, *panels) if n != OVERALL], grid, estimate)
    factors = with_nests(factors, panels, grid.nesting)
    keep = [n for n in (*factors, *panels) if n != OVERALL]
    values = estimate.design.data[column].to_numpy(float)
    step = _RELATIVE_STEP * _range(estimate.design.data[column])
    if delta is not None and not (step := finite(delta, "delta")):
        raise UnknownNameError("delta=0: the step of a difference quotient must not be zero.")
    if delta is not None and abs(delta) < _SMALLEST_STEP * np.abs(values).max():
        raise UnknownNameError(
            f"delta={delta:g} is lost in the rounding of {column}, whose values are as large as "
            f"{np.abs(values).max():g}: give a larger step, or leave delta= out."
        )
    shifts = (0, 1) if degree == 1 else (-1, 0, 1)
    levels = [_moved(part, grid, column, k * step) for k in shifts]
    unit = _unit(grid, var, column, function, [k * step for k in shifts])
    matrix, labels = averaging_matrix(grid, keep, weights)
    if OVERALL in factors:
        labels.insert(0, OVERALL, "overall")
    degrees = df if df is not None else default_df(estimate, component)
    if type == "response" and part.transformation is not None:
        linear = _response_slopes(part, levels, unit**degree, degrees)
        linear = linear.combine(matrix, labels)
    else:
        rows = _difference([p.rows for p in levels]) / unit[:, None] ** degree
        linear = LinearEstimates(
            labels, matrix @ rows, part.params, part.cov,
            matrix @ (_difference([p.offset for p in levels]) / unit**degree),
            degrees, part.null_basis, part.runaway,
        )  # fmt: skip
    scale = part.scale_name if type == "link" else ""
    described = replace(part, averaging_scale="response" if type == "response" else "link")
    return EMMeans(
        linear, factors, panels, None, type, level,
        averaging_context(estimate, grid, keep, weights, described, None, own_offset=True),
        f"{_POWERS[degree]} of {var}", response_name(estimate), scale,
        cautions=interaction_cautions(part, grid, keep),
        mixed=bool(estimate.design.random),
        kept_response=part.kept_response,
    )  # fmt: skip


def _predictor(fixed: FixedPart, var: str) -> tuple[str, Expression | None]:
    """The numeric predictor behind `var`, and the function of it unless it is the column itself."""
    function = None if var in fixed.variables else _function(var)
    columns = (var,) if function is None else function.columns
    if len(columns) != 1 or columns[0] not in fixed.variables:
        raise UnknownColumnError(
            f"var={var!r} does not name one predictor of this part of the model; its predictors "
            f"are {', '.join(fixed.variables) or 'none'}."
        )
    if fixed.variables[columns[0]].kind != "numeric":
        raise DataError(f"var={var!r} is a factor; slopes need a numeric predictor.")
    if fixed.variables[columns[0]].levels is not None:
        raise DataError(
            f"var={var!r}: the model has {columns[0]} as a factor, too, so that it has means at "
            "its levels and no slope between them."
        )
    plain = function is None or function.column is not None
    return columns[0], None if plain else function


def _function(var: str) -> Expression:
    """`var` as arithmetic, not as terms: ``x^2`` is a square here."""
    try:
        found = expression(var)
    except FormulaError as error:
        raise FormulaError(f"var={var!r} is no arithmetic with a predictor: {error}") from None
    if found.stateful or found.category is not None:
        raise DataError(
            f"var={var!r} is not one number a row; name the predictor itself, "
            f"var={found.columns[0]!r}, or arithmetic with it."
        )
    return found


def _range(values: pd.Series) -> float:
    return float(values.max() - values.min())


def _moved(part: ModelPart, grid: ReferenceGrid, column: str, shift: float) -> ModelPart:
    """The part on the grid with one predictor shifted."""
    frame = grid.frame.assign(**{column: grid.frame[column] + shift})
    return conditional_mean(part, replace(grid, frame=frame), None)


def _difference(values: Sequence[FloatArray]) -> FloatArray:
    """First difference, or half the second."""
    if len(values) == 2:
        return values[1] - values[0]
    return (values[2] - 2 * values[1] + values[0]) / 2


def _unit(
    grid: ReferenceGrid,
    var: str,
    column: str,
    function: Expression | None,
    shifts: Sequence[float],
) -> FloatArray:
    """Change of `var` over a step, in each grid row: the step itself, or that of a function."""
    steps = len(shifts) - 1
    at = grid.frame[column].to_numpy(float)
    if function is None:
        return np.full(len(at), (shifts[-1] - shifts[0]) / steps)
    ends = [compute(function, Source(pd.DataFrame({column: at + s}))) for s in shifts]
    change = (ends[-1] - ends[0]) / steps
    still = ~np.isfinite(change) | (change == 0)
    if still.any():
        where = at[still][0]
        raise DataError(
            f"var={var!r} has no slope at {column} = {where:g}: it is undefined or does not change "
            f"there. Choose another place with at={{{column!r}: ...}}."
        )
    return change


@np.errstate(over="ignore", invalid="ignore")  # beyond the largest float there is no slope
def _response_slopes(
    part: ModelPart, levels: Sequence[ModelPart], unit: FloatArray, df: DegreesOfFreedom
) -> LinearEstimates:
    """Slopes of the back-transformed mean, one a grid row, with their delta covariance."""
    inverse = part.transformation
    assert inverse is not None
    etas = [p.rows @ part.params + p.offset for p in levels]
    values = _difference([inverse.inverse(eta) for eta in etas]) / unit
    slopes = [inverse.slope(eta)[:, None] * p.rows for eta, p in zip(etas, levels, strict=True)]
    jacobian = _difference(slopes) / unit[:, None]
    n = len(values)
    keep = np.isfinite(values) & np.isfinite(jacobian).all(axis=1)
    jacobian = np.where(keep[:, None], jacobian, 0.0)
    lost = np.eye(n)[:, ~keep]
    endless = np.eye(n)[:, ~estimable_rows(levels[0].rows, part.runaway)]
    return LinearEstimates(
        pd.DataFrame(index=range(n)), np.eye(n), np.where(keep, values, 0.0),
        jacobian @ part.cov @ jacobian.T, np.zeros(n),
        df if not callable(df) else float(np.min(df(levels[0].rows))),
        lost if lost.size else None, endless if endless.size else None, at_limit=True,
    )  # fmt: skip
