"""Other minima of f: where a second descent may end lower than the first.

f need not have one minimum.  A variance may be zero in one and positive in another; the random
effects may explain in one what the dispersion explains in the other; and log-densities that are
not concave make f bumpy in the variances.  A descent from each likely place is cheap on small
data; on large data one evaluation tells that there is nothing to look for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glmmlab._types import FloatArray, IntArray
from glmmlab.blocks.structure import Slot
from glmmlab.estimate.optimise import newton_step, positive_definite
from glmmlab.estimate.search_curvature import cheap_batch, is_small
from glmmlab.estimate.settle import Optimum, columns_of
from glmmlab.estimate.start import Start
from glmmlab.laplace import Laplace, Modes

WORTH_A_LOOK = 0.3
"""How far above the minimum a point may lie to be descended from again."""
WORTH_A_LONG_LOOK = 15.0
"""The same for far larger random effects, where all other parameters must change with them."""
FAR_FROM_ZERO = 10.0
"""Variances so many standard errors from zero are not looked for there."""
ROUGH = 1e-6
"""Newton decrement of the inner problem where f is only compared; f is off by its root at most."""
RUNAWAY = 15.0
"""A standard deviation beyond this on the scale of a curved link is no optimum: with one or two
rows a level the Laplace approximation itself rises without bound there."""


def other_starts(laplace: Laplace, start: Start, optimum: Optimum) -> Iterator[FloatArray]:
    """Points of descent with no, smaller and larger random effects, where they are promising."""
    if not laplace.n_theta or not is_small(laplace):
        return
    theta = slice(laplace.n_beta, laplace.n_beta + laplace.n_theta)
    lowest = float(optimum.at.f)
    none = start.psi.copy()
    none[theta] = 0.0
    # a model with random effects must never fit worse than the one without
    if optimum.at.psi[theta].any():
        known = start.without_random
        without = _value(laplace, none, start) if laplace.integrate_beta else known
        if without < lowest + WORTH_A_LOOK:
            yield none
    if laplace.family.dispersion_limit is not None:
        # extra spread is the dispersion's in one valley, the random effects' in another
        most = optimum.at.psi.copy()
        most[theta] = 5.0 * _natural_theta(laplace, start.scale[theta])
        if _value(laplace, most, start) < lowest + WORTH_A_LONG_LOOK:
            yield most
    if cheap_batch(laplace):
        piece, point = laplace.at_mode(optimum.at)
        if piece.may_have_other_modes(point):
            small, large = start.psi.copy(), optimum.at.psi.copy()
            small[theta] = 0.2 * _natural_theta(laplace, start.scale[theta])
            large[theta] = 3.0 * _natural_theta(laplace, start.scale[theta])
            yield from (small, large)


def runs_away(laplace: Laplace, psi: FloatArray) -> bool:
    """Whether a random effect's size says that the Laplace approximation has failed."""
    theta = laplace.split(psi)[1]
    return laplace.family.link.name != "identity" and bool((np.abs(theta) > RUNAWAY).any())


def escape(laplace: Laplace, optimum: Optimum, scale: FloatArray) -> FloatArray:
    """A start away from a false zero: along the direction in which f falls fastest."""
    theta = np.arange(laplace.size) < laplace.n_beta + laplace.n_theta
    zero = ~optimum.free & theta
    block = optimum.hessian[np.ix_(zero, zero)]
    _, vectors = np.linalg.eigh(block)
    psi = optimum.at.psi.copy()
    psi[zero] = 0.5 * scale[zero] * vectors[:, 0] / max(np.abs(vectors[:, 0]).max(), 1e-12)
    return psi


def second_valleys(laplace: Laplace, optimum: Optimum, scale: FloatArray) -> list[FloatArray]:
    """Starts for other minima that are likely: variances at zero and away from it.

    f may have a minimum with a variance at zero and another with it away from zero.  From a
    positive one, unless it is far away, f is looked at with that column of Lambda at zero, from a
    zero one with it at shares of its natural size, the other parameters moved by a Newton step; a
    value hardly above the minimum is worth a second descent, and so is one below a smaller
    step's.  Beside a zero in correlated effects the other entries move along, so those are
    always descended from a second time.

    Returns
    -------
    list of ndarray, shape (d,)
        The most promising first.
    """
    worth = float(optimum.at.f) + WORTH_A_LOOK
    found: list[tuple[float, FloatArray]] = []
    refreshed: set[int] = set()
    for group in columns_of(laplace.structure):
        index = np.array(group) + laplace.n_beta
        slot = _slot_of(laplace, group[0])
        if optimum.free[index[0]]:
            if _zero_was_seen(laplace):
                continue
            block, theta = np.ix_(index, index), optimum.at.psi[index]
            if theta @ optimum.hessian[block] @ theta > FAR_FROM_ZERO**2:
                continue
            trials = [(index, np.zeros(len(index)))]
        elif len(slot.rows) > slot.size:  # correlated effects
            if slot.theta.start not in refreshed:
                refreshed.add(slot.theta.start)
                found.append((-np.inf, _fresh_term(laplace, optimum, scale, slot)))
            continue
        else:
            trials = [(index[:1], share * scale[index[:1]]) for share in (0.3, 0.6, 1.0, 2.0)]
        points = np.tile(optimum.at.psi, (len(trials), 1))
        for psi, (where, values) in zip(points, trials, strict=True):
            psi[where] = values
        last, lowest, best = np.inf, worth, None
        ends = _evaluated(laplace, points, optimum.at.modes, gradient=len(trials) > 1)
        if len(trials) > 1:
            ends = _reachable(optimum, ends, index)
        for i, (f, _) in enumerate(ends):
            small_step = len(trials) > 1 and i == 0
            if (f < lowest and not small_step) or f < last < np.inf:
                best, lowest = i, min(f, lowest)
            last = f
        if best is not None:
            found.append((lowest, points[best]))
    return [psi for _, psi in sorted(found, key=lambda pair: pair[0])]


def _zero_was_seen(laplace: Laplace) -> bool:
    """Whether `other_starts` has looked at the one variance there is at zero.

    That was at the best coefficients for it, and the best dispersion beside them.
    """
    known = sum(laplace.aux_sizes) <= 1 and "zero_inflation" not in laplace.family.auxiliary
    return laplace.n_theta == 1 and known and is_small(laplace)


def _value(laplace: Laplace, psi: FloatArray, start: Start) -> float:
    modes = laplace.start_modes(start.beta)
    return float(laplace.evaluate(psi, modes, gradient=False, decrement=ROUGH).f)


End = tuple[float, FloatArray]
"""f and its gradient at a point."""


def _reachable(optimum: Optimum, ends: list[End], fixed: IntArray) -> list[End]:
    """With f less what a Newton step in the parameters not fixed promises."""
    moving = optimum.free.copy()
    moving[fixed] = False
    curvature = positive_definite(optimum.hessian[np.ix_(moving, moving)])
    found = []
    for f, gradient in ends:
        if np.isfinite(f):
            g = gradient[moving]
            f += 0.5 * float(g @ newton_step(curvature, g))
        found.append((f, gradient))
    return found


def _evaluated(laplace: Laplace, points: FloatArray, modes: Modes, gradient: bool) -> list[End]:
    """f, and its gradient if wanted, at several points; one batch where the model allows it."""
    if laplace.batchable:
        batch = laplace.evaluate(points, modes, gradient, decrement=ROUGH)
        if batch.finite:  # one impossible point spoils a batch
            return list(zip(map(float, batch.f), batch.gradient, strict=True))
    each = [laplace.evaluate(psi, modes, gradient, decrement=ROUGH) for psi in points]
    return [(float(at.f), at.gradient) for at in each]


def _slot_of(laplace: Laplace, entry: int) -> Slot:
    return next(s for s in laplace.structure.slots if s.theta.start <= entry < s.theta.stop)


def _natural_theta(laplace: Laplace, scale: FloatArray) -> FloatArray:
    """Factors of natural size without correlations."""
    theta = np.zeros(laplace.n_theta)
    for s in laplace.structure.slots:
        theta[s.theta] = np.where(s.rows == s.cols, scale[s.theta], 0.0)
    return theta


def _fresh_term(laplace: Laplace, optimum: Optimum, scale: FloatArray, slot: Slot) -> FloatArray:
    """The optimum with one term's factor set to its natural size, without correlations."""
    index = np.arange(slot.theta.start, slot.theta.stop) + laplace.n_beta
    psi = optimum.at.psi.copy()
    psi[index] = np.where(slot.rows == slot.cols, scale[index], 0.0)
    return psi
