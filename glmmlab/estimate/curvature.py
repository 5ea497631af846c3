"""The Hessian of f by central differences of its exact gradient."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray, IntArray
from glmmlab.laplace import Evaluation, Laplace

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
    """
    columns = np.arange(laplace.size) if columns is None else columns
    if not central:
        plus, _ = gradients(laplace, at, steps, columns)
        return (plus - at.gradient).T / steps[columns]
    both, _ = gradients(laplace, at, steps, columns, both_ways=True)
    plus, minus = both[: len(columns)], both[len(columns) :]
    return (plus - minus).T / (2.0 * steps[columns])


def gradients(
    laplace: Laplace,
    at: Evaluation,
    steps: FloatArray,
    columns: IntArray,
    both_ways: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Gradients, and modes of the dense part, at psi + step for each column in turn.

    ``both_ways`` adds psi - step for each column after them.
    """
    moves = np.zeros((len(columns), len(at.psi)))
    moves[np.arange(len(columns)), columns] = steps[columns]
    points = at.psi + (np.concatenate([moves, -moves]) if both_ways else moves)
    dense = np.empty((len(points), len(at.modes.dense)))
    if not laplace.batchable:
        out = np.empty(points.shape)
        for i, psi in enumerate(points):
            evaluation = laplace.evaluate(psi, at.modes, decrement=PRECISE, explore=False)
            out[i], dense[i] = evaluation.gradient, evaluation.modes.dense
        return out, dense
    rows = sum(r.offset.size for r in laplace.rows)
    size = max(1, BATCH_ROWS // rows)
    pieces = [
        laplace.evaluate(points[i : i + size], at.modes, decrement=PRECISE, explore=False).gradient
        for i in range(0, len(points), size)
    ]
    return (np.concatenate(pieces) if pieces else np.empty(points.shape)), dense
