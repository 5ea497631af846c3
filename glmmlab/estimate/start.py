"""Where the outer optimisation starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.design import Design
from glmmlab.estimate.optimise import minimise, newton_step, positive_definite
from glmmlab.estimate.perfect import without_spread
from glmmlab.families.base import Family
from glmmlab.gaussian import GaussianObjective, ProfiledGaussian
from glmmlab.laplace import Evaluation, Laplace
from glmmlab.laplace.piece import Rows

GLM_STEPS = 12
SMALL_GAIN = 1e-2
"""Of a log-likelihood: close enough to start from."""
DISPERSION_STEPS = 8
SMALL_STEP = 0.3
"""Of a log dispersion: close enough for another look at the coefficients."""
TOGETHER_STEPS, LAST_GAIN = 3, 0.25
"""Steps in both, and what a step must promise to be followed by another."""
SCORING_STEPS = 8
SMALLEST, LARGEST = 0.1, 3.0
"""Standard deviations to start from, in units of their natural size."""


@dataclass(frozen=True)
class Start:
    """Starting values in the layout of psi, and the natural size of each parameter."""

    psi: FloatArray
    scale: FloatArray
    beta: FloatArray
    path: tuple[tuple[FloatArray, float], ...] = ()
    """Points and values of f on the way to ``psi``, where it was itself optimised."""
    hessian: FloatArray | None = None
    """Nearly the Hessian at ``psi``, where that is known."""
    spread_curvature: float | None = None
    """Of f in a constant dispersion, the only auxiliary predictor, without random effects."""
    without_random: float = np.nan
    """f (of maximum likelihood) at the start, but without random effects."""


def starting_values(laplace: Laplace, design: Design, family: Family) -> Start:
    """Coefficients of the model without random effects; standard deviations by moments."""
    eta0, aux0 = family.start(design.y, design.trials, design.weights)
    eta0 = np.broadcast_to(np.asarray(eta0, dtype=float), (design.nobs,))
    without = (eta0 - design.offset)[laplace.structure.order]
    beta = laplace.columns @ without / design.nobs  # the columns are orthonormal
    gammas = [
        _constant(design.auxiliary[name].X, float(np.mean(value)))
        for name, value in zip(family.auxiliary, aux0, strict=True)
    ]
    beta = _glm(laplace, beta, gammas)
    slope: float | None = None
    if gammas:
        unit = _constant(design.auxiliary[family.auxiliary[0]].X, 1.0)
        gammas, slope = _dispersion(laplace, unit, beta, gammas)
        if slope is not None and slope < 0.0:
            beta, gammas = _together(laplace, unit, beta, gammas, slope)
    without -= beta @ laplace.columns
    spread = float(np.std(without))
    identity = family.link.name == "identity"
    size = max(spread, 1e-8) if identity else float(np.clip(spread, 0.2, 1.5))
    theta, theta_scale, without_random = _theta(laplace, 0.6 * size, beta, gammas)
    beta_scale = np.full(laplace.n_beta, size if identity else 1.0)
    gamma_scale = np.ones(sum(laplace.aux_sizes))
    first = beta if laplace.n_beta else np.empty(0)
    psi = np.concatenate([first, theta, *gammas])
    scale = np.concatenate([beta_scale, theta_scale, gamma_scale])
    alone = family.auxiliary == ("dispersion",) and laplace.aux_sizes == (1,)
    curvature = -slope if alone and slope is not None and slope < 0.0 else None
    return Start(psi, scale, beta, spread_curvature=curvature, without_random=without_random)


def profiled_start(laplace: Laplace, design: Design, start: Start) -> Start:
    """The optimum of a Gaussian model, by the profiled form; other models keep their start."""
    if not isinstance(laplace, GaussianObjective):
        return start
    p, t = laplace.n_beta, laplace.n_theta
    profile = laplace.profile
    scale = start.scale[p : p + t] * np.exp(-start.psi[-1])
    first = profile.evaluate(start.psi[p : p + t] * np.exp(-start.psi[-1]))
    if not first.finite:
        return start

    points: list[tuple[FloatArray, float]] = []
    gone = without_spread(design, laplace.family)

    def no_spread_left(at: Evaluation) -> bool:
        beta, theta, log_sigma = profile.expand(at.psi)
        psi = np.concatenate([beta[:p], theta, [log_sigma]])
        points.append((psi, float(at.f)))
        return bool(gone([psi[-1:]]).any())

    first = _scored(profile, first, no_spread_left)
    path = minimise(
        profile.evaluate,
        first,
        positive_definite(profile.data.information(first.psi)),
        lambda psi: 1.5 * np.maximum(np.abs(psi), 0.1 * scale),
        degenerate=no_spread_left,
    )
    best = path.best.psi
    beta, theta, log_sigma = profile.expand(best)
    psi = np.concatenate([beta[:p], theta, [log_sigma]])
    hessian = laplace.hessian_from_profile(best, path.hessian)
    return replace(start, psi=psi, beta=beta, path=tuple(points[:-1]), hessian=hessian)


def _scored(
    profile: ProfiledGaussian, at: Evaluation, leave: Callable[[Evaluation], bool]
) -> Evaluation:
    """A few steps of Fisher's scoring, as long as f falls as they promise.

    ``leave`` is called with every point but the last.
    """
    for _ in range(SCORING_STEPS):
        step = newton_step(positive_definite(profile.data.information(at.psi)), at.gradient)
        promised = -0.5 * float(at.gradient @ step)
        if promised < 1e-2:
            break
        new = profile.evaluate(at.psi + step)
        if not float(new.f) < float(at.f) - 0.25 * promised:
            break
        leave(at)
        at = new
    return at


def least_squares(design: Design, family: Family) -> bool:
    """Whether a model is Gaussian with identity link, one sigma and random effects."""
    one_sigma = family.is_linear and bool((design.auxiliary["dispersion"].X == 1.0).all())
    return one_sigma and bool(design.random)


def _constant(X: FloatArray, value: float) -> FloatArray:
    """Coefficients that make an auxiliary predictor (nearly) constant."""
    if X.shape[1] == 1 and (X == 1.0).all():
        return np.array([value])
    return np.asarray(linalg.lstsq(X, np.full(len(X), value), check_finite=False)[0])


def _theta(
    laplace: Laplace, size: float, beta: FloatArray, gammas: list[FloatArray]
) -> tuple[FloatArray, FloatArray, float]:
    """Uncorrelated random effects with the standard deviations of the levels' scores.

    Also their natural sizes, and f without them.

    Without random effects the score s of a level has variance i, its information; a small
    variance v of the effect adds i^2 v.  So sum(s^2 - i) / sum(i^2) estimates v.
    """
    structure = laplace.structure
    theta, scale = np.zeros(structure.n_theta), np.ones(structure.n_theta)
    sums, f = [np.zeros((3, s.size)) for s in structure.slots], 0.0
    with np.errstate(all="ignore"):
        for rows in laplace.rows if structure.n_theta else []:
            l, d1, W = _row_parts(laplace, rows, beta, gammas)
            aux = laplace.aux_values(rows, gammas)
            f -= float(l.sum() + rows.constant(laplace.family, aux))
            for s, total in zip(structure.slots, sums, strict=True):
                Z = structure.covariates(rows.pattern, s)
                scores = structure.level_sums(rows.pattern, s, d1)
                information = structure.level_sums(rows.pattern, s, Z * W)
                total[0] += (Z * Z).sum(axis=1)
                total[1] += (scores**2 - information).sum(axis=1)
                total[2] += (information**2).sum(axis=1)
        for s, (squares, excess, information) in zip(structure.slots, sums, strict=True):
            natural = size / np.sqrt(np.maximum(squares / laplace.columns.shape[1], 1e-300))
            scale[s.theta] = natural[s.rows]
            variance = excess / information
            sd = np.sqrt(np.where(variance > 0.0, variance, 0.0))
            diagonal = s.theta.start + np.flatnonzero(s.rows == s.cols)
            theta[diagonal] = np.clip(sd, SMALLEST * natural, LARGEST * natural)
            if structure.n_theta == 1 and variance[0] < 0.0:  # f curves upwards at zero
                theta[diagonal] = 0.0
    return theta, scale, f


def _row_parts(
    laplace: Laplace, rows: Rows, beta: FloatArray, gammas: list[FloatArray]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log-density, score and information of each row, without random effects."""
    aux = laplace.aux_values(rows, gammas)
    l, d1, d2 = laplace.family.eta_part(rows.obs, aux, rows.fixed(beta))
    if rows.weights is not None:
        l, d1, d2 = rows.weights * l, rows.weights * d1, rows.weights * d2
    return l, d1, np.maximum(-d2, 0.0)


def _normal_equations(
    laplace: Laplace, beta: FloatArray, gammas: list[FloatArray]
) -> tuple[float, FloatArray, FloatArray]:
    """Log-likelihood (without normaliser), score and information in the coefficients."""
    p = len(beta)
    value, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    for rows in laplace.rows:
        l, d1, W = _row_parts(laplace, rows, beta, gammas)
        value += float(l.sum())
        score += rows.X @ d1
        information += (rows.X * W) @ rows.X.T
    return value, score, information


def _glm(laplace: Laplace, beta: FloatArray, gammas: list[FloatArray]) -> FloatArray:
    """A few damped Newton steps for the model without random effects."""
    if not len(beta):
        return beta
    value, score, information = _normal_equations(laplace, beta, gammas)
    if not np.isfinite(value):
        return beta
    for _ in range(GLM_STEPS):
        step = newton_step(positive_definite(information), -score)
        gain = float(score @ step)
        if not np.isfinite(gain) or gain < SMALL_GAIN:
            break
        for t in (1.0, 0.5, 0.25, 0.125, 0.03):
            trial = _normal_equations(laplace, beta + t * step, gammas)
            if np.isfinite(trial[0]) and trial[0] >= value:
                beta = beta + t * step
                value, score, information = trial
                break
        else:
            break
    return beta


def _dispersion(
    laplace: Laplace,
    unit: FloatArray,
    beta: FloatArray,
    gammas: list[FloatArray],
) -> tuple[list[FloatArray], float | None]:
    """Shift the first auxiliary predictor to where the score of its constant is zero.

    ``unit`` are the coefficients of that constant.  Also the derivative of the score, where the
    zero was found.
    """

    def score(shift: float) -> float:
        moved = [gammas[0] + shift * unit, *gammas[1:]]
        total = 0.0
        for rows in laplace.rows:
            aux = laplace.aux_values(rows, moved)
            l_a = laplace.family.aux_part(rows.obs, aux, rows.fixed(beta))[0][0]
            total += float((l_a if rows.weights is None else rows.weights * l_a).sum())
        return total

    shift, value = 0.0, score(0.0)
    slope = (score(1e-3) - value) / 1e-3
    for _ in range(DISPERSION_STEPS):
        step = -value / slope if slope < 0.0 else np.sign(value)
        step = float(np.clip(step, -2.0, 2.0))
        if abs(step) < SMALL_STEP:
            shift += step
            break
        new = score(shift + step)
        if not np.isfinite(new):
            return gammas, None
        slope = (new - value) / step
        shift, value = shift + step, new
    else:  # the score has no zero in reach: a dispersion or a zero inflation that runs away
        return gammas, None
    return [gammas[0] + shift * unit, *gammas[1:]], slope


def _together(
    laplace: Laplace,
    unit: FloatArray,
    beta: FloatArray,
    gammas: list[FloatArray],
    slope: float,
) -> tuple[FloatArray, list[FloatArray]]:
    """Newton steps in the coefficients and the constant of the first auxiliary predictor at once.

    ``slope`` is the second derivative in that constant, which is taken as constant.
    """
    p, family = len(beta), laplace.family
    nothing = [np.zeros(size) for size in laplace.aux_sizes[1:]]

    def moved(step: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        return beta + step[:p], [gammas[0] + step[p] * unit, *gammas[1:]]

    def state(b: FloatArray, g: list[FloatArray]) -> tuple[float, FloatArray, FloatArray]:
        score, information = np.zeros(p + 1), np.zeros((p + 1, p + 1))
        value, score[:p], information[:p, :p] = _normal_equations(laplace, b, g)
        information[p, p] = -slope
        for rows in laplace.rows:
            aux = laplace.aux_values(rows, g)
            l_a, d1_a, _ = family.aux_part(rows.obs, aux, rows.fixed(b))[0]
            along = laplace.aux_values(rows, [unit, *nothing])[0]
            if rows.weights is not None:
                along = along * rows.weights
            value += float(rows.constant(family, aux))
            score[p] += float((along * l_a).sum())
            information[:p, p] -= rows.X @ (along * d1_a)
        information[p, :p] = information[:p, p]
        return value, score, information

    value, score, information = state(beta, gammas)
    for _ in range(TOGETHER_STEPS):
        step = newton_step(positive_definite(information), -score)
        gain = float(score @ step)
        if not gain >= SMALL_GAIN or not abs(step[p]) < 2.0:
            break
        if gain < LAST_GAIN:
            return moved(step)
        trial = state(*moved(step))
        if not trial[0] >= value:
            break
        beta, gammas = moved(step)
        value, score, information = trial
    return beta, gammas
