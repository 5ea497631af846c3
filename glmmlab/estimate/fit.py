"""From a design and a family to an Estimate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glmmlab._types import FloatArray
from glmmlab._warnings import warn
from glmmlab.design import Design
from glmmlab.errors import (
    BoundaryWarning,
    ConvergenceError,
    ConvergenceWarning,
    GlmmlabWarning,
    PerfectFitWarning,
)
from glmmlab.estimate import frames, verdict
from glmmlab.estimate.boundary import boundary_sentences
from glmmlab.estimate.covariance import on_the_formula_scale
from glmmlab.estimate.optimise import Path, minimise, positive_definite
from glmmlab.estimate.perfect import perfect_fit_sentence, without_spread
from glmmlab.estimate.result import Estimate
from glmmlab.estimate.search_curvature import cheap_curvature, expected_curvature, fresh_curvature
from glmmlab.estimate.separation import has_undetermined_signs, separated_coefficients
from glmmlab.estimate.settle import Optimum, at_zero, settle
from glmmlab.estimate.slopes import column_units, in_column_units, out_of_column_units
from glmmlab.estimate.start import Start, least_squares, profiled_start, starting_values
from glmmlab.estimate.units import in_unit, out_of_unit, unit_of
from glmmlab.estimate.valleys import escape, other_starts, runs_away, second_valleys
from glmmlab.families.base import Family
from glmmlab.gaussian import GaussianObjective
from glmmlab.laplace import Evaluation, Laplace
from glmmlab.quadrature import Quadrature
from glmmlab.threads import single_blas_thread

Degenerate = Callable[[Evaluation], bool]


def fit_design(design: Design, family: Family, method: str = "ML", quadrature: int = 1) -> Estimate:
    """Maximise the likelihood, approximated by Laplace's method or by quadrature.

    Parameters
    ----------
    design : Design
    family : Family
    method : {"ML", "REML"}
        Under REML the fixed coefficients are integrated with the random effects.
    quadrature : int
        Nodes of adaptive Gauss-Hermite quadrature; 1 is Laplace.

    Raises
    ------
    ConvergenceError
        When no starting point with a finite likelihood is found.
    """
    with single_blas_thread():
        unit = unit_of(design, family)
        columns = column_units(design.random)
        in_y = in_unit(design, unit)
        scaled = in_column_units(in_y, columns)
        laplace = objective(scaled, family, method, quadrature)
        start = profiled_start(laplace, scaled, starting_values(laplace, scaled, family))
        path, optimum = _optimise(laplace, start, spread_is_gone(laplace, scaled, family))
        estimate = _estimate(scaled, family, method, laplace, path, optimum)
        return out_of_unit(out_of_column_units(estimate, in_y, columns), design, unit)


def spread_is_gone(laplace: Laplace, design: Design, family: Family) -> Degenerate | None:
    """Tells whether a point of the search is a perfect fit; None where there is none."""
    if not family.has_residual:
        return None
    gone = without_spread(design, family)

    def degenerate(at: Evaluation) -> bool:
        return bool(gone(laplace.split(at.psi)[2]).any())

    return degenerate


def objective(design: Design, family: Family, method: str = "ML", quadrature: int = 1) -> Laplace:
    """What is minimised: f(psi) of a model."""
    if quadrature > 1:
        return Quadrature(design, family, quadrature)
    kind = GaussianObjective if least_squares(design, family) else Laplace
    return kind(design, family, integrate_beta=method == "REML")


def _caps(laplace: Laplace, scale: FloatArray, psi: FloatArray) -> FloatArray:
    """Largest step of each parameter.

    Five natural sizes of a coefficient; of a random effect one and a half times what it is, or a
    little from zero; two units of a log or logit scale.
    """
    p, t = laplace.n_beta, laplace.n_theta
    caps = 5.0 * scale
    caps[p : p + t] = 1.5 * np.maximum(np.abs(psi[p : p + t]), 0.1 * scale[p : p + t])
    caps[p + t :] = 2.0
    return caps


def _optimise(
    laplace: Laplace, start: Start, degenerate: Degenerate | None = None
) -> tuple[Path, Optimum]:
    zero = laplace.start_modes(start.beta)
    first = laplace.evaluate(start.psi, zero)
    for shrink in (0.5, 0.1, 0.01):
        if first.finite and np.isfinite(first.gradient).all():
            break
        psi = start.psi.copy()
        psi[laplace.n_beta : laplace.n_beta + laplace.n_theta] *= shrink
        first = laplace.evaluate(psi, zero)
    else:
        raise ConvergenceError(
            "no starting point with a finite likelihood was found. Check the response and the "
            "link: an inverse or square-root link needs positive linear predictors."
        )
    if not laplace.size:
        return _nothing_to_search(first)
    path = _run(laplace, start, first, degenerate)
    path.iterates[:0] = [psi for psi, _ in start.path]
    path.values[:0] = [value for _, value in start.path]
    path.evaluations += len(start.path)
    if path.degenerate:
        return path, _nowhere(laplace, path)
    optimum = settle(laplace, path, start.scale)
    for elsewhere in other_starts(laplace, start, optimum):
        path, optimum = _better(laplace, start, elsewhere, path, optimum, degenerate)
        if path.degenerate:
            return path, optimum
    if optimum.boundary_is_true:
        others = second_valleys(laplace, optimum, start.scale)
    else:
        others = [escape(laplace, optimum, start.scale)]
    for elsewhere in others:
        path, optimum = _better(laplace, start, elsewhere, path, optimum, degenerate)
    return path, optimum


def _nothing_to_search(at: Evaluation) -> tuple[Path, Optimum]:
    """REML without variances: every parameter is integrated, the mode is the whole answer."""
    path = Path(at, np.empty((0, 0)), 0.0, True, "no parameter to search for", 1)
    path.iterates, path.values = [at.psi], [float(at.f)]
    return path, Optimum(at, path.hessian, np.empty(0, dtype=bool), True)


def _nowhere(laplace: Laplace, path: Path) -> Optimum:
    """Where the search for a minimum that does not exist was given up."""
    size = laplace.size
    return Optimum(path.best, np.full((size, size), np.nan), np.ones(size, dtype=bool), True)


def _better(
    laplace: Laplace,
    start: Start,
    psi: FloatArray,
    path: Path,
    optimum: Optimum,
    degenerate: Degenerate | None,
) -> tuple[Path, Optimum]:
    """The lower of an optimum and the one reached from psi."""
    first = laplace.evaluate(psi, laplace.start_modes(start.beta))
    if not first.finite or not np.isfinite(first.gradient).all():
        return path, optimum
    second = _run(laplace, start, first, degenerate)
    if second.degenerate and not laplace.family.always_unbounded:
        return second, _nowhere(laplace, second)
    if second.degenerate or runs_away(laplace, second.best.psi):
        return path, optimum
    proper = second.converged and path.walled and not path.converged
    if not (proper or float(second.best.f) < float(optimum.at.f) - 1e-9):
        return path, optimum
    second.evaluations += path.evaluations
    return second, settle(laplace, second, start.scale)


def _run(laplace: Laplace, start: Start, first: Evaluation, degenerate: Degenerate | None) -> Path:
    def refresh(at: Evaluation) -> tuple[Evaluation, FloatArray]:
        at, zero = at_zero(laplace, at, start.scale)
        hessian = fresh_curvature(laplace, at, start.scale)
        if zero.any():  # f is even there
            hessian[np.ix_(zero, ~zero)] = hessian[np.ix_(~zero, zero)] = 0.0
        return at, hessian

    if start.hessian is not None and np.array_equal(first.psi, start.psi):
        hessian = positive_definite(start.hessian)
    else:
        hessian = expected_curvature(laplace, first, start.scale, start.spread_curvature)
    path = minimise(
        laplace.evaluate,
        first,
        hessian,
        lambda psi: _caps(laplace, start.scale, psi),
        refresh=refresh if cheap_curvature(laplace) else None,
        degenerate=degenerate,
    )
    if path.walled and not path.converged and laplace.family.always_unbounded:
        path.message = f"the spread ran towards zero. {laplace.family.perfect_advice}"
    return path


def _estimate(
    design: Design,
    family: Family,
    method: str,
    laplace: Laplace,
    path: Path,
    optimum: Optimum,
) -> Estimate:
    at = optimum.at
    _, theta, gammas = laplace.split(at.psi)
    eta, aux = frames.predictors(design, laplace, at, gammas)
    separated = separated_coefficients(design, family, eta)
    beta, cov, llf = on_the_formula_scale(method, laplace, optimum, bool(separated))
    p = len(beta)
    auxiliary, first = {}, p + laplace.n_theta
    for name, gamma in zip(family.auxiliary, gammas, strict=True):
        block = slice(first, first + len(gamma))
        auxiliary[name] = frames.part_estimate(design.auxiliary[name], gamma, cov[block, block])
        first += len(gamma)
    theta_names = frames.theta_names(laplace)
    if path.degenerate or _residual_is_flat(laplace, optimum):
        said = perfect_fit_sentence(design, family, eta, gammas)
        raised: list[GlmmlabWarning] = [PerfectFitWarning(said)]
    else:
        open_ways = has_undetermined_signs(design, family, separated)
        raised = verdict.convergence_warnings(laplace, path, optimum, separated, open_ways)
        raised += [
            BoundaryWarning(said)
            for said in boundary_sentences(family, auxiliary, design.auxiliary)
        ]
    for warning in raised:
        warn(warning)
    return Estimate(
        family=family,
        design=design,
        method=method,
        quadrature=len(laplace.nodes) if isinstance(laplace, Quadrature) else 1,
        conditional=frames.part_estimate(design.conditional, beta, cov[:p, :p]),
        auxiliary=auxiliary,
        theta=theta,
        theta_names=theta_names,
        cov_full=cov,
        full_names=(
            *design.conditional.names,
            *theta_names,
            *frames.gamma_names(design, family),
        ),
        random_covariance=frames.random_covariance(laplace, theta),
        modes=frames.modes(laplace, at, theta),
        llf=llf,
        npar=len(cov),
        eta=eta,
        aux=aux,
        singular=verdict.singular_terms(laplace, optimum),
        separated=separated,
        converged=not any(isinstance(w, ConvergenceWarning) for w in raised),
        optimization=verdict.record(laplace, path, optimum),
        warnings=tuple(raised),
    )


def _residual_is_flat(laplace: Laplace, optimum: Optimum) -> bool:
    """Whether the residual spread ran so near zero that f no longer depends on it."""
    family, first = laplace.family, laplace.n_beta + laplace.n_theta
    if not family.has_residual:
        return False
    before = sum(laplace.aux_sizes[: family.auxiliary.index("dispersion")])
    size = laplace.aux_sizes[family.auxiliary.index("dispersion")]
    return not optimum.free[first + before : first + before + size].all()
