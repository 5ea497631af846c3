"""E(y) on the reference grid: zero inflation, truncation and cut points included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from glmmlab._types import FloatArray
from glmmlab.estimate.result import full_name
from glmmlab.inference.estimable import estimable_rows
from glmmlab.inference.model_parts import (
    ModelPart,
    conditional_mean,
    linear_part,
    prior_weights,
    response_transformation,
)
from glmmlab.inference.reference_grid import ReferenceGrid, build_grid
from glmmlab.inference.runaway import with_open_variances

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate


def expected_response(
    estimate: Estimate,
    at: Mapping[str, Any] | None,
    offset: float | ArrayLike | None = None,
    zero_inflation: bool = True,
) -> tuple[ModelPart, ReferenceGrid]:
    """E(y) at random effects = 0 on the grid, as parameters with their delta covariance.

    The mean is the family's: mu (1 - pi) with zero inflation, if that is wanted, mu / P(y > 0)
    when truncated.  Parts of the model that do not enter it are left out of the grid.
    """
    family = estimate.family
    expected = family.expected if zero_inflation else family.conditional_expected

    def mean_at(eta: FloatArray, aux: Sequence[FloatArray]) -> FloatArray:
        return expected(family.link.inverse(eta), aux)

    names = ["conditional", *_parts_of_the_mean(estimate, mean_at)]
    parts = [linear_part(estimate, name) for name in names]
    grid = build_grid([p.fixed for p in parts], estimate.design.data, prior_weights(estimate), at)
    parts = [conditional_mean(parts[0], grid, offset)] + [
        conditional_mean(p, grid, None) for p in parts[1:]
    ]
    predictors = [p.rows @ p.params + p.offset for p in parts]
    mean = _mean_function(estimate, names[1:], mean_at)
    slopes = [_slope(mean, predictors, k) for k in range(len(parts))]
    J = np.hstack([d[:, None] * p.rows for d, p in zip(slopes, parts, strict=True)])
    values = mean(predictors)
    n = len(values)
    merged = replace(
        parts[0], params=values, cov=J @ _joint_covariance(estimate, names, parts) @ J.T,
        transformation=None, scale_name="", averaging_scale="response",
        term_columns=tuple({c for p in parts for c in p.term_columns}),
        rows=np.eye(n), offset=np.zeros(n), null_basis=_cells(parts, [p.null_basis for p in parts]),
        runaway=_cells(parts, [p.runaway for p in parts]), at_limit=True,
    )  # fmt: skip
    return merged, grid


MeanAt = Callable[[FloatArray, Sequence[FloatArray]], FloatArray]


def _parts_of_the_mean(estimate: Estimate, mean_at: MeanAt) -> list[str]:
    """Auxiliary parts that move E(y)."""
    here = mean_at(estimate.eta, estimate.aux)
    found = []
    for k, name in enumerate(estimate.auxiliary):
        moved = list(estimate.aux)
        moved[k] = moved[k] + 0.5
        if not np.allclose(mean_at(estimate.eta, moved), here, rtol=1e-9, atol=0.0):
            found.append(name)
    return found


Mean = Callable[[Sequence[FloatArray]], FloatArray]


def _mean_function(estimate: Estimate, moving: Sequence[str], mean_at: MeanAt) -> Mean:
    """E(y), on the scale of the data, from the predictors of the parts that enter it."""
    inverse, _ = response_transformation(estimate)

    def mean(predictors: Sequence[FloatArray]) -> FloatArray:
        given = dict(zip(moving, predictors[1:], strict=True))
        n = len(predictors[0])
        aux = [
            given.get(name, np.full(n, float(np.mean(values))))
            for name, values in zip(estimate.auxiliary, estimate.aux, strict=True)
        ]
        value = np.asarray(mean_at(predictors[0], aux), float)
        return value if inverse is None else inverse.inverse(value)

    return mean


def _slope(mean: Mean, predictors: Sequence[FloatArray], k: int, h: float = 1e-3) -> FloatArray:
    """Derivative in one predictor by a five-point difference (its error is about 1e-12)."""

    def at(step: float) -> FloatArray:
        return mean([*predictors[:k], predictors[k] + step, *predictors[k + 1 :]])

    return (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h)


def _cells(parts: Sequence[ModelPart], bases: Sequence[FloatArray | None]) -> FloatArray | None:
    """Unit vectors of the grid cells that are not orthogonal to the basis of some part."""
    n = len(parts[0].rows)
    lost = np.zeros(n, bool)
    for part, basis in zip(parts, bases, strict=True):
        lost |= ~estimable_rows(part.rows, basis)
    return np.eye(n)[:, lost] if lost.any() else None


def _joint_covariance(
    estimate: Estimate, names: Sequence[str], parts: Sequence[ModelPart]
) -> FloatArray:
    """Covariance of the coefficients of several parts, zeros where aliased.

    Auxiliary coefficients at the end of their range count as known, as they do in predictions.
    """
    known = with_open_variances(estimate, estimate.full_names, estimate.cov_full)
    held = np.isnan(np.diag(known)) & ~np.isin(estimate.full_names, estimate.conditional.names)
    if not np.isnan(known).all():
        known[held], known[:, held] = 0.0, 0.0
    place = {name: i for i, name in enumerate(estimate.full_names)}
    wanted = [
        place.get(full_name(name, column), -1)
        for name, part in zip(names, parts, strict=True)
        for column in part.fixed.names
    ]
    present = np.array([i >= 0 for i in wanted])
    result = np.zeros((len(wanted), len(wanted)))
    index = np.array([i for i in wanted if i >= 0], dtype=np.intp)
    result[np.ix_(present, present)] = known[np.ix_(index, index)]
    return result
