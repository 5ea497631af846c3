"""The Hessian of f by central differences of its exact gradient."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray, IntArray
from glmmlab.laplace import Evaluation, Laplace, Modes

BATCH_ROWS = 400_000
"""Rows times evaluations held at once when a batch is evaluated."""
PRECISE = 1e-18
"""Newton decrement of the inner problem for differences: errors far below the step."""


def finite_difference_hessian(
    laplace: Laplace,
    at: Evaluation,
    steps: FloatArray,
    columns: IntArray | None = None,
    central: bool = True,
    rough: bool = False,
) -> FloatArray:
    """Columns of the Hessian of f, shape (d, len(columns)).

    Parameters
    ----------
    laplace : Laplace
    at : Evaluation
        The point, with its gradient; its mode is the starting branch everywhere.
    steps : ndarray, shape (d,)
        Step of each parameter.
    columns : ndarray of int, optional
        Which parameters to move; all by default.
    central : bool
        Central differences (the standard errors need them) or forward ones.
    rough : bool
        Modes need not be exact: enough for the steps of a search.
    """
    columns = np.arange(laplace.size) if columns is None else columns
    known = laplace.hessian(at, steps)
    if known is not None:
        return known[:, columns]
    if not central:
        plus = gradients(laplace, at, steps, columns, rough=rough)
        return (plus - at.gradient).T / steps[columns]
    both = gradients(laplace, at, steps, columns, both_ways=True)
    plus, minus = both[: len(columns)], both[len(columns) :]
    return (plus - minus).T / (2.0 * steps[columns])


def gradients(
    laplace: Laplace,
    at: Evaluation,
    steps: FloatArray,
    columns: IntArray,
    both_ways: bool = False,
    rough: bool = False,
) -> FloatArray:
    """Gradients at psi + step for each column in turn.

    ``both_ways`` adds psi - step for each column after them.  Modes moved along with psi are then
    good enough, since their errors are even in the step and cancel, as they are if ``rough``.
    """
    moves = np.zeros((len(columns), len(at.psi)))
    moves[np.arange(len(columns)), columns] = steps[columns]
    points = at.psi + (np.concatenate([moves, -moves]) if both_ways else moves)
    led = both_ways or rough
    if not laplace.batchable:
        each = [_gradient(laplace, at, psi, led) for psi in points]
        return np.array(each).reshape(points.shape)
    size = max(1, BATCH_ROWS // sum(r.n for r in laplace.rows))
    batches = [points[i : i + size] for i in range(0, len(points), size)]
    return np.concatenate([points[:0], *(_gradient(laplace, at, batch, led) for batch in batches)])


def _gradient(laplace: Laplace, at: Evaluation, psi: FloatArray, led: bool) -> FloatArray:
    return laplace.evaluate(psi, at.modes, decrement=PRECISE, explore=False, led=led).gradient


def modes_beside(laplace: Laplace, at: Evaluation, step: float, parameter: int) -> Modes:
    """The modes where one parameter is moved."""
    psi = at.psi.copy()
    psi[parameter] += step
    beside = laplace.evaluate(psi, at.modes, gradient=False, decrement=PRECISE, explore=False)
    return beside.modes
