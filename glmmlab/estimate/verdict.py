"""What the user is told about a fit: singular terms, convergence, the record of the optimiser."""

from __future__ import annotations

import numpy as np

from glmmlab.errors import ConvergenceWarning, GlmmlabWarning, SeparationWarning, SingularFitWarning
from glmmlab.estimate.frames import theta_names
from glmmlab.estimate.optimise import Path, solve_positive_definite
from glmmlab.estimate.result import Optimization, full_name
from glmmlab.estimate.settle import Optimum
from glmmlab.families.base import Family
from glmmlab.laplace import Laplace


def singular_terms(laplace: Laplace, optimum: Optimum) -> tuple[str, ...]:
    """Terms with a variance at zero or a correlation at +-1."""
    zero = ~optimum.free[laplace.n_beta : laplace.n_beta + laplace.n_theta]
    return tuple(
        laplace.structure.terms[s.term].text for s in laplace.structure.slots if zero[s.theta].any()
    )


def convergence_warnings(
    laplace: Laplace,
    path: Path,
    optimum: Optimum,
    separated: tuple[str, ...],
    undetermined: bool,
) -> list[GlmmlabWarning]:
    """Named conditions of the fit, with advice."""
    found: list[GlmmlabWarning] = []
    for text in singular_terms(laplace, optimum):
        found.append(
            SingularFitWarning(
                f"the fit is singular: a variance of {text} is estimated as zero (or a "
                "correlation as +-1). The data show no more spread between its groups than the "
                "rest of the model explains. This is a result, not a failure: keep the term if "
                "the design asks for it, and see fit.diagnose()."
            )
        )
    if separated:
        said = _separation_sentence(laplace.family, separated, undetermined)
        found.append(SeparationWarning(said))
        return found
    if not path.converged and _remaining(optimum) > 1e-5:
        found.append(
            ConvergenceWarning(
                f"the optimum was not reached: {path.message}. See fit.diagnose() for what to do."
            )
        )
    if not optimum.smallest_eigenvalue > 1e-10:
        found.append(
            ConvergenceWarning(
                "the Hessian at the optimum is not positive definite: some parameters are not "
                "determined by the data, and their standard errors are missing or mean nothing. "
                "See fit.diagnose()."
            )
        )
    return found


def _separation_sentence(family: Family, separated: tuple[str, ...], undetermined: bool) -> str:
    inflation = full_name("zero_inflation", "")
    conditional = any(not name.startswith(inflation) for name in separated)
    are = "is" if len(separated) == 1 else "are"
    open_ = (
        f", or {are} not determined at all,"
        if undetermined or (family.is_hurdle and conditional)
        else ","
    )
    seen = family.separated_by if conditional else "only zeros"
    seen += " or no zeros" if any(name.startswith(inflation) for name in separated) else ""
    run, them, their = ("runs", "it", "its") if len(separated) == 1 else ("run", "them", "their")
    return (
        f"the data are separated: {', '.join(separated)} {run} to infinity{open_} since some "
        f"combination of the predictors has {seen}. No finite estimate exists for {them} and "
        f"{their} Wald tests mean nothing; tabulate the response by these predictors, merge "
        "levels, or use likelihood-ratio tests with fit.compare()."
    )


def _remaining(optimum: Optimum) -> float:
    """Decrease of f that a Newton step from the final point would still bring."""
    free = optimum.free
    g, h = optimum.at.gradient[free], optimum.hessian[np.ix_(free, free)]
    if not len(g):
        return 0.0
    if not np.all(np.diag(h) > 0.0):
        return float("inf")
    scale = np.sqrt(np.diag(h))  # a unit diagonal: the response's units must not decide
    step = solve_positive_definite(h / np.outer(scale, scale), g / scale)
    return float("inf") if step is None else float(0.5 * (g / scale) @ step)


def record(laplace: Laplace, path: Path, optimum: Optimum) -> Optimization:
    """What the optimiser did."""
    names = [f"beta~{j}" for j in range(laplace.n_beta)]
    names += [*theta_names(laplace), *(f"gamma{j}" for j in range(sum(laplace.aux_sizes)))]
    gradient = optimum.at.gradient[optimum.free]
    return Optimization(
        names=tuple(names),
        start=path.iterates[0],
        end=optimum.at.psi,
        iterates=np.array(path.iterates),
        values=np.array(path.values),
        evaluations=path.evaluations,
        gradient_norm=float(np.linalg.norm(gradient)),
        predicted_decrease=_remaining(optimum),
        smallest_eigenvalue=optimum.smallest_eigenvalue,
        converged=path.converged,
        message=path.message,
    )
