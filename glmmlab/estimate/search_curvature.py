"""How curved f is, roughly: what a search needs, for little work."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.estimate.curvature import finite_difference_hessian
from glmmlab.estimate.optimise import positive_definite
from glmmlab.estimate.start import SMALLEST
from glmmlab.laplace import Evaluation, Laplace
from glmmlab.laplace.piece import Piece, Point

SMALL_DATA = 40_000
"""Rows times parameters below which a gradient costs well under a millisecond or two."""
FEW_COLUMNS = 3
"""Gradients that fresh curvature may cost on large data."""
FLATTEST = 1e-3
"""Least curvature in an auxiliary predictor, a log or logit: where f is flat in one (a dispersion
that runs to its limit), a step must not jump hundreds of units."""


def is_small(laplace: Laplace) -> bool:
    """Whether an evaluation costs well under a millisecond or two."""
    return sum(rows.n for rows in laplace.rows) * laplace.size < SMALL_DATA


def cheap_batch(laplace: Laplace) -> bool:
    """Whether the gradients at d neighbouring points cost about as much as one or two."""
    return laplace.batchable and is_small(laplace)


def cheap_curvature(laplace: Laplace) -> bool:
    """Whether `fresh_curvature` costs no more than the steps of a search that it saves."""
    return cheap_batch(laplace) or laplace.size - laplace.n_beta <= FEW_COLUMNS


def fresh_curvature(laplace: Laplace, at: Evaluation, scale: FloatArray) -> FloatArray:
    """A positive definite matrix near the Hessian of f at a point.

    Forward differences of the gradient for theta and gamma, the Schur complement X'WX - ... for
    beta.
    """
    hessian = _differences(laplace, at, scale, laplace.n_beta)
    for i in range(len(laplace.rows)):
        piece, point = laplace.at_mode(at, i)
        _add_information(hessian, piece, _weights(point))
    return _usable(laplace, hessian)


def expected_curvature(
    laplace: Laplace, at: Evaluation, scale: FloatArray, spread: float | None = None
) -> FloatArray:
    """The same where theta is far from the optimum and f may even curve downwards in it.

    For theta the expected information of a Gaussian model with the weights W at the mode, terms
    and effects taken as uncorrelated: a level with information i in an effect of variance s^2
    has v = i / (1 + s^2 i), and the entry (a, b) of the Cholesky factor, diagonal as it is,
    s_b^2 sum(v_a v_b), twice that on the diagonal; a zero counts as a small s.  ``spread`` is the
    curvature in the last parameter, a dispersion, where it is known.
    """
    p, t = laplace.n_beta, laplace.n_theta
    hessian = _differences(laplace, at, scale, p + t if spread is None else laplace.size)
    if spread is not None:
        hessian[-1, -1] = spread
    structure, theta = laplace.structure, at.psi[p : p + t]
    for i, rows in enumerate(laplace.rows):
        piece, point = laplace.at_mode(at, i)
        W = _weights(point)
        _add_information(hessian, piece, W)
        for s in structure.slots:
            diagonal = s.theta.start + np.flatnonzero(s.rows == s.cols)
            square = np.maximum(np.abs(theta), SMALLEST * scale[p : p + t])[diagonal] ** 2
            Z = structure.covariates(rows.pattern, s)
            v = structure.level_sums(rows.pattern, s, Z * W)
            v /= 1.0 + square[:, None] * v
            index = p + np.arange(s.theta.start, s.theta.stop)
            twice = np.where(s.rows == s.cols, 2.0, 1.0)
            hessian[index, index] += twice * square[s.cols] * (v[s.rows] * v[s.cols]).sum(axis=1)
    return _usable(laplace, hessian)


def _differences(laplace: Laplace, at: Evaluation, scale: FloatArray, first: int) -> FloatArray:
    """Rows and columns of the Hessian from the parameter `first` on; zeros elsewhere."""
    hessian = np.zeros((laplace.size, laplace.size))
    columns = np.arange(first, laplace.size)
    if len(columns):
        hessian[:, columns] = finite_difference_hessian(
            laplace, at, 1e-3 * scale, columns=columns, central=False, rough=True
        )
        hessian[first:, :first] = hessian[:first, first:].T
    return hessian


def _weights(point: Point) -> FloatArray:
    return np.maximum(-point.parts[3], 0.0)


def _add_information(hessian: FloatArray, piece: Piece, W: FloatArray) -> None:
    """Add a chunk's curvature in beta (none under REML)."""
    if piece.full is None:
        p = len(piece.rows.X)
        hessian[:p, :p] += piece.information(W)


def _usable(laplace: Laplace, hessian: FloatArray) -> FloatArray:
    gamma = np.arange(laplace.n_beta + laplace.n_theta, laplace.size)
    hessian[gamma, gamma] = np.maximum(np.abs(hessian[gamma, gamma]), FLATTEST)
    return positive_definite(hessian, floor=1e-4)
