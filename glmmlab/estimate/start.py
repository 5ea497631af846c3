"""Where the outer optimisation starts, and how curved f is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.blocks import Factor
from glmmlab.design import Design
from glmmlab.estimate.curvature import finite_difference_hessian
from glmmlab.estimate.optimise import minimise, positive_definite
from glmmlab.estimate.perfect import without_spread
from glmmlab.families.base import Family
from glmmlab.gaussian import GaussianObjective, ProfiledGaussian
from glmmlab.laplace import Evaluation, Laplace

GLM_STEPS = 12
DISPERSION_STEPS = 8
SCORING_STEPS = 8
SMALL_DATA = 40_000
"""Rows times parameters below which a gradient costs well under a millisecond or two."""
FEW_COLUMNS = 3
"""Gradients that fresh curvature may cost on large data."""


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


def starting_values(laplace: Laplace, design: Design, family: Family) -> Start:
    """Coefficients of the model without random effects; moderate standard deviations."""
    eta0, aux0 = family.start(design.y, design.trials, design.weights)
    eta0 = np.broadcast_to(np.asarray(eta0, dtype=float), (design.nobs,))
    without = (eta0 - design.offset)[laplace.structure.order]
    beta = laplace.columns @ without / design.nobs  # the columns are orthonormal
    gammas = [
        _constant(design.auxiliary[name].X, float(np.mean(value)))
        for name, value in zip(family.auxiliary, aux0, strict=True)
    ]
    for _ in range(2 if gammas else 1):
        beta = _glm(laplace, beta, gammas)
        gammas = _dispersion(laplace, design, beta, gammas)
    without -= beta @ laplace.columns
    spread = float(np.std(without))
    identity = family.link.name == "identity"
    size = max(spread, 1e-8) if identity else float(np.clip(spread, 0.2, 1.5))
    theta, theta_scale = _theta(laplace, 0.6 * size)
    beta_scale = np.full(laplace.n_beta, size if identity else 1.0)
    gamma_scale = np.ones(sum(laplace.aux_sizes))
    first = beta if laplace.n_beta else np.empty(0)
    psi = np.concatenate([first, theta, *gammas])
    return Start(psi, np.concatenate([beta_scale, theta_scale, gamma_scale]), beta)


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

    def curvature(at: Evaluation) -> FloatArray:
        columns = [
            (profile.evaluate(at.psi + h).gradient - at.gradient) / h.sum()
            for h in np.diag(1e-4 * scale)
        ]
        return positive_definite(np.array(columns), floor=1e-4)

    points: list[tuple[FloatArray, float]] = []

    def no_spread_left(at: Evaluation) -> bool:
        beta, theta, log_sigma = profile.expand(at.psi)
        psi = np.concatenate([beta[:p], theta, [log_sigma]])
        points.append((psi, float(at.f)))
        return bool(without_spread(design, laplace.family, [psi[-1:]]).any())

    steps = _scored(profile, first)
    for at in steps[:-1]:
        no_spread_left(at)
    first = steps[-1]
    crossed = laplace.structure.pattern.q > 0
    path = minimise(
        profile.evaluate,
        first,
        positive_definite(profile.data.information(first.psi)),
        lambda psi: 1.5 * np.maximum(np.abs(psi), 0.1 * scale),
        refresh=None if crossed else curvature,  # a factor of crossed terms is dear
        degenerate=no_spread_left,
    )
    best = path.best.psi
    beta, theta, log_sigma = profile.expand(best)
    psi = np.concatenate([beta[:p], theta, [log_sigma]])
    hessian = laplace.hessian_from_profile(best, path.hessian)
    return Start(psi, start.scale, beta, tuple(points[:-1]), hessian)


def _scored(profile: ProfiledGaussian, first: Evaluation) -> list[Evaluation]:
    """A few steps of Fisher's scoring, as long as f falls as they promise."""
    steps = [first]
    for _ in range(SCORING_STEPS):
        at = steps[-1]
        information = positive_definite(profile.data.information(at.psi))
        step = linalg.solve(information, -at.gradient, assume_a="pos")
        promised = -0.5 * float(at.gradient @ step)
        if promised < 1e-2:
            break
        new = profile.evaluate(at.psi + step)
        if not float(new.f) < float(at.f) - 0.25 * promised:
            break
        steps.append(new)
    return steps


def least_squares(design: Design, family: Family) -> bool:
    """Whether a model is Gaussian with identity link, one sigma and random effects."""
    simple = family.name == "gaussian" and family.link.name == "identity"
    one_sigma = simple and bool((design.auxiliary["dispersion"].X == 1.0).all())
    return one_sigma and bool(design.random)


def _constant(X: FloatArray, value: float) -> FloatArray:
    """Coefficients that make an auxiliary predictor (nearly) constant."""
    return np.asarray(linalg.lstsq(X, np.full(len(X), value), check_finite=False)[0])


def _theta(laplace: Laplace, size: float) -> tuple[FloatArray, FloatArray]:
    structure = laplace.structure
    theta, scale = np.zeros(structure.n_theta), np.ones(structure.n_theta)
    for s in structure.slots:
        Z = structure.terms[s.term].Z
        root_mean_square = np.sqrt(np.maximum(np.mean(Z * Z, axis=0), 1e-300))
        natural = size / root_mean_square
        scale[s.theta] = natural[s.rows]
        theta[s.theta] = np.where(s.rows == s.cols, natural[s.rows], 0.0)
    return theta, scale


def _glm(laplace: Laplace, beta: FloatArray, gammas: list[FloatArray]) -> FloatArray:
    """A few damped Newton steps for the model without random effects."""

    def state(b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, score, information = 0.0, np.zeros(len(b)), np.zeros((len(b), len(b)))
        for rows in laplace.rows:
            aux = laplace.aux_values(rows, gammas)
            l, d1, d2 = laplace.family.eta_part(rows.obs, aux, rows.offset + b @ rows.X)
            if rows.weights is not None:
                l, d1, d2 = rows.weights * l, rows.weights * d1, rows.weights * d2
            value += float(l.sum())
            score += rows.X @ d1
            information += (rows.X * np.maximum(-d2, 0.0)) @ rows.X.T
        return value, score, information

    if not len(beta):
        return beta
    value, score, information = state(beta)
    if not np.isfinite(value):
        return beta
    for _ in range(GLM_STEPS):
        step = linalg.solve(positive_definite(information), score, assume_a="pos")
        gain = float(score @ step)
        if not np.isfinite(gain) or gain < 1e-4:
            break
        for t in (1.0, 0.5, 0.25, 0.125, 0.03):
            trial = state(beta + t * step)
            if np.isfinite(trial[0]) and trial[0] >= value:
                beta = beta + t * step
                value, score, information = trial
                break
        else:
            break
    return beta


def _dispersion(
    laplace: Laplace, design: Design, beta: FloatArray, gammas: list[FloatArray]
) -> list[FloatArray]:
    """Shift the first auxiliary predictor to where the score of its constant is zero."""
    if not gammas:
        return gammas
    unit = _constant(design.auxiliary[laplace.family.auxiliary[0]].X, 1.0)

    def score(shift: float) -> float:
        moved = [gammas[0] + shift * unit, *gammas[1:]]
        total = 0.0
        for rows in laplace.rows:
            aux = laplace.aux_values(rows, moved)
            l_a = laplace.family.aux_part(rows.obs, aux, rows.offset + beta @ rows.X)[0][0]
            total += float((l_a if rows.weights is None else rows.weights * l_a).sum())
        return total

    shift, value = 0.0, score(0.0)
    for _ in range(DISPERSION_STEPS):
        slope = (score(shift + 1e-3) - value) / 1e-3
        step = -value / slope if slope < 0.0 else np.sign(value)
        step = float(np.clip(step, -2.0, 2.0))
        shift, value = shift + step, score(shift + step)
        if not np.isfinite(value) or abs(shift) > 8.0:
            return gammas
        if abs(step) < 0.1:
            break
    return [gammas[0] + shift * unit, *gammas[1:]]


def cheap_batch(laplace: Laplace) -> bool:
    """Whether the gradients at d neighbouring points cost about as much as one or two."""
    return laplace.batchable and laplace.rows[0].offset.size * laplace.size < SMALL_DATA


def cheap_curvature(laplace: Laplace) -> bool:
    """Whether `starting_curvature` costs no more than the steps of a search that it saves."""
    return cheap_batch(laplace) or laplace.size - laplace.n_beta <= FEW_COLUMNS


def starting_curvature(laplace: Laplace, at: Evaluation, scale: FloatArray) -> FloatArray:
    """A positive definite matrix near the Hessian of f at the start.

    Small data: forward differences of the gradient in all parameters, one batch.  Large data:
    differences for theta and gamma, the Schur complement X'WX - ... for beta.
    """
    d, p = laplace.size, laplace.n_beta
    everything = cheap_batch(laplace)
    columns = np.arange(0 if everything else p, d)
    hessian = np.zeros((d, d))
    steps = 1e-3 * scale
    hessian[:, columns] = finite_difference_hessian(
        laplace, at, steps, columns=columns, central=False
    )
    hessian[p:, :p] = hessian[:p, p:].T
    if not everything and p:
        hessian[:p, :p] = _schur(laplace, at)
    gamma = np.arange(p + laplace.n_theta, d)
    # auxiliary predictors are logs and logits: where f is flat in one (a dispersion that runs to
    # its limit), a step must not jump hundreds of units
    hessian[gamma, gamma] = np.maximum(np.abs(hessian[gamma, gamma]), 1e-3)
    return positive_definite(hessian, floor=1e-4)


def _schur(laplace: Laplace, at: Evaluation) -> FloatArray:
    """Curvature in beta with the random effects profiled out, summed over chunks."""
    total = np.zeros((laplace.p, laplace.p))
    for i in range(len(laplace.rows)):
        piece, point = laplace.at_mode(at, i)
        W = np.maximum(-point.parts[3], 0.0)
        if not piece.k:
            total += (piece.rows.X * W) @ piece.rows.X.T
            continue
        factor = Factor(piece.pattern, piece.R, piece.V, piece.rows.X, W)
        if factor.positive:
            corner = factor.S_lower[piece.q :, piece.q :]
            total += corner @ corner.T
        else:
            total += (piece.rows.X * W) @ piece.rows.X.T
    return total
