"""The objective f(psi): pieces of psi, chunks of rows, evaluations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmmlab._types import FloatArray, IntArray
from glmmlab.blocks import Factor, RandomStructure
from glmmlab.design import Design
from glmmlab.families.base import Family
from glmmlab.laplace.coordinates import Coordinates, orthonormalise
from glmmlab.laplace.intercept import InterceptPiece, is_one_intercept
from glmmlab.laplace.piece import Begin, Piece, Point, Rows, expand

CHUNK_ROWS = 16_384
"""Rows evaluated together: small enough to stay in cache."""
DECREMENT = 1e-14
"""Newton decrement at which the mode is accepted; through log|H| f is off by its square root."""
MAX_TANGENT_ROWS = 200_000
"""Beyond, the memory of a tangent, about 70 bytes a row, is not worth its time."""
FAR = 2.0
"""Predicted changes of a spherical random effect beyond this are not trusted."""
NEAR = 0.02
"""Predicted changes up to this leave the curvature good enough for a step."""


@dataclass(frozen=True)
class Modes:
    """The mode of the random effects: per chunk the eliminated part, and the dense part."""

    u: tuple[FloatArray, ...]
    dense: FloatArray
    tangents: tuple[Tangent, ...] = ()


@dataclass(frozen=True)
class Tangent:
    """What predicts a chunk's mode at a neighbouring psi; for MAX_TANGENT_ROWS rows at most."""

    psi: FloatArray
    piece: Piece
    point: Point
    factor: Factor

    def begin(self, psi: FloatArray) -> Begin | None:
        """The mode to first order, or None where psi is too far for that."""
        u, dense = self.piece.moved(self.point, self.factor, psi - self.psi)
        far = max(np.abs(u - expand(self.point.u, psi)).max(initial=0.0), 0.0)
        return Begin(u, dense, self.factor if far < NEAR else None) if far < FAR else None


@dataclass(frozen=True)
class Evaluation:
    """f and its gradient at psi; ``f`` is inf where the model has no density.

    ``decrement`` is Newton's at the mode, ``concave`` whether the log-densities of all rows curve
    downwards there, so that it is the only one.
    """

    psi: FloatArray
    f: FloatArray
    gradient: FloatArray
    modes: Modes
    newton_steps: int
    decrement: float = 0.0
    concave: bool = True

    @property
    def finite(self) -> bool:
        """Whether f is usable in every batch entry."""
        return bool(np.isfinite(self.f).all())


def _columns(X: FloatArray, order: IntArray, orthonormal: bool) -> tuple[FloatArray, Coordinates]:
    n, p = X.shape
    columns = np.empty((p, n))
    for column, values in zip(columns, X.T, strict=True):
        np.take(values, order, out=column, mode="clip")  # "clip": no copy to check the places
    return orthonormalise(columns) if orthonormal else (columns, Coordinates.own(p))


class Laplace:
    """f(psi) for one design and family.

    Parameters
    ----------
    design : Design
    family : Family
    integrate_beta : bool
        REML: the fixed coefficients are integrated with the random effects.
    orthonormal : bool
        The fixed part is X A of ``coordinates``; otherwise X itself.
    """

    flattest = 0.1
    """Least curvature at the mode, in units of the prior's, for which the approximation is used.

    Where log-densities curve upwards (zero inflation, Student's t) the curvature may run to zero,
    and with it f to minus infinity, which the integral does not.
    """

    def __init__(
        self,
        design: Design,
        family: Family,
        integrate_beta: bool = False,
        orthonormal: bool = True,
    ) -> None:
        self.family = family
        self.integrate_beta = integrate_beta
        self.structure = RandomStructure(design.random, design.nobs)
        simple = not integrate_beta and is_one_intercept(self.structure.pattern)
        self.piece: type[Piece] = InterceptPiece if simple else Piece
        self.p = design.conditional.X.shape[1]
        order = self.structure.order
        self.columns, self.coordinates = _columns(design.conditional.X, order, orthonormal)
        """Columns of the fixed part in the order of the rows, shape (p, n)."""
        self.n_beta = 0 if integrate_beta else self.p
        self.n_theta = self.structure.n_theta
        aux = [design.auxiliary[name].X for name in family.auxiliary]
        self.aux_sizes = tuple(x.shape[1] for x in aux)
        self.size = self.n_beta + self.n_theta + sum(self.aux_sizes)
        constant = [x.shape[1] == 1 and bool((x == 1.0).all()) for x in aux]
        rest = self.structure.pattern.q + (self.p if integrate_beta else 0)
        self.batchable = rest == 0
        pieces = self.structure.chunks(CHUNK_ROWS) if self.batchable else None
        if pieces is None:
            pieces = [(slice(0, design.nobs), self.structure.pattern)]
        self.predicts = design.nobs <= MAX_TANGENT_ROWS
        self.rows, shifted = [], bool(design.offset.any())
        for cut, pattern in pieces:
            at = order[cut]
            trials = None if design.trials is None else design.trials[at]
            self.rows.append(
                Rows(
                    pattern=pattern,
                    obs=family.prepare(design.y[at], trials),
                    X=self.columns[:, cut],
                    offset=design.offset[at] if shifted else None,
                    weights=None if design.weights is None else design.weights[at],
                    aux=tuple(
                        None if flat else np.ascontiguousarray(x[at].T)
                        for x, flat in zip(aux, constant, strict=True)
                    ),
                )
            )

    # -- pieces of psi -----------------------------------------------------------------

    def split(self, psi: FloatArray) -> tuple[FloatArray, FloatArray, list[FloatArray]]:
        """Beta, theta and the gammas of a psi of shape (..., d)."""
        a, b = self.n_beta, self.n_beta + self.n_theta
        gammas, start = [], b
        for size in self.aux_sizes:
            gammas.append(psi[..., start : start + size])
            start += size
        return psi[..., :a], psi[..., a:b], gammas

    def aux_values(self, rows: Rows, gammas: list[FloatArray]) -> tuple[FloatArray, ...]:
        """Auxiliary predictors of a chunk; a scalar where there is only a constant."""
        values = []
        for gamma, x in zip(gammas, rows.aux, strict=True):
            if x is not None:
                values.append(gamma @ x)
            else:
                values.append(gamma if gamma.ndim > 1 else gamma[0])
        return tuple(values)

    # -- the objective -----------------------------------------------------------------

    def evaluate(
        self,
        psi: FloatArray,
        start: Modes | None = None,
        gradient: bool = True,
        decrement: float = DECREMENT,
        explore: bool = True,
        led: bool = False,
    ) -> Evaluation:
        """f and its gradient at psi, of shape (d,) or, where ``batchable``, (B, d).

        Newton's method starts at ``start`` and ends at ``decrement``.  If ``led``, a mode moved
        along from a neighbour close by, right to first order, is taken as it is.  Where the
        log-density is not concave there the inner problem may have several modes; ``explore``
        then starts from zero too and keeps the higher one, so that f does not depend on the path.
        Differences of f need one branch: they ask for ``explore=False``.
        """
        beta, theta, gammas = self.split(psi)
        batch = psi.shape[:-1]
        f = np.zeros(batch)
        grad = np.zeros(psi.shape)
        modes, dense, steps = [], np.empty(0), 0
        reached, concave = 0.0, True
        tangents: list[Tangent] = []
        for i, rows in enumerate(self.rows):
            piece = self.piece(self, rows, beta, theta, self.aux_values(rows, gammas))
            begin = self._begin(start, psi, i)
            point, factor, n_steps = piece.mode(begin, decrement, led)
            if piece.may_have_other_modes(point):
                concave = False
                if explore and begin is not None:
                    point, factor, n_steps = piece.higher_mode(point, factor, decrement)
            steps, reached = max(steps, n_steps), max(reached, point.decrement)
            modes.append(point.u)
            dense = point.dense
            if factor is None or factor.flattest < self.flattest:
                factor = None
                f = np.full(batch, np.inf)
                grad = np.full(psi.shape, np.nan)
                break
            f = f + piece.value(point, factor)
            if gradient:
                grad += piece.gradient(point, factor)
                if self.predicts and not batch:
                    tangents.append(Tangent(psi, piece, point, factor))
        if len(modes) < len(self.rows):
            modes += [np.zeros(0)] * (len(self.rows) - len(modes))
        f = np.asarray(np.fmin(f, np.inf))  # NaN counts as infinite
        complete = len(tangents) == len(self.rows)
        found = Modes(tuple(modes), dense, tuple(tangents) if complete else ())
        return Evaluation(psi, f, grad, found, steps, reached, concave)

    def _begin(self, start: Modes | None, psi: FloatArray, chunk: int) -> Begin | None:
        """Where Newton's method starts: the mode moved along with psi where that is known."""
        if start is None:
            return None
        if start.tangents:
            predicted = start.tangents[chunk].begin(psi)
            if predicted is not None:
                return predicted
        return Begin(expand(start.u[chunk], psi), start.dense)

    def start_modes(self, beta: FloatArray) -> Modes:
        """No random effects, and (REML) the given fixed coefficients: where Newton starts."""
        structure = self.structure
        u = tuple(np.zeros((r.pattern.Z1.shape[0], len(r.pattern.counts))) for r in self.rows)
        dense = np.zeros(structure.pattern.q)
        return Modes(u, np.concatenate([dense, beta]) if self.integrate_beta else dense)

    def hessian(self, at: Evaluation, steps: FloatArray) -> FloatArray | None:
        """The Hessian of f where there is a better way than differences in all parameters."""
        return None

    def at_mode(self, evaluation: Evaluation, chunk: int = 0) -> tuple[Piece, Point]:
        """One chunk at an evaluated mode: its rows, its derivatives."""
        tangents = evaluation.modes.tangents
        if tangents and tangents[chunk].psi is evaluation.psi:
            return tangents[chunk].piece, tangents[chunk].point
        beta, theta, gammas = self.split(evaluation.psi)
        rows = self.rows[chunk]
        piece = self.piece(self, rows, beta, theta, self.aux_values(rows, gammas))
        u, dense = evaluation.modes.u[chunk], evaluation.modes.dense
        return piece, piece.at(u, dense, third=True)
