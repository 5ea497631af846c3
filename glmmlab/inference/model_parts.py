"""One part of a model (conditional mean, zero inflation, dispersion) as rows of parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from glmmlab import links
from glmmlab._types import FloatArray
from glmmlab.errors import DataError, UnknownNameError
from glmmlab.estimate.result import full_name
from glmmlab.formula.expressions import expression
from glmmlab.formula.factors import compute
from glmmlab.formula.response import outcome_labels
from glmmlab.formula.source import Source
from glmmlab.inference.left_side import left_side
from glmmlab.inference.reference_grid import ReferenceGrid
from glmmlab.inference.runaway import runaway_basis, with_open_variances
from glmmlab.inference.transformation import (
    Transformation,
    compose,
    from_link,
    from_response,
)

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate, PartEstimate
    from glmmlab.formula.fixed import FixedPart

MEANS = ("conditional", "response", "cmean")
"""Components that are means of the response."""
_AUXILIARY_LINKS = {"zero_inflation": "logit"}  # all others are logarithms


@dataclass(frozen=True)
class ModelPart:
    """Parameters of one linear predictor and what its grid rows are.

    Attributes
    ----------
    fixed : FixedPart
    params, cov : ndarray
        Zeros where aliased.
    null_basis : ndarray, shape (p, q), or None
        Null space of the model matrix when columns are aliased.
    transformation : Transformation or None
    scale_name : str
        Name of the link; empty for identity.
    averaging_scale : str
        "link" or "response".
    runaway, at_limit
        As in :class:`glmmlab.inference.linear.LinearEstimates`.
    kept_response : str
        The response's expression if it is transformed and stays so; else empty.
    term_columns : tuple of frozenset of str
        Data columns of each term.
    static_offset : float
        Mean of the offset given beside the formula.
    rows, offset : ndarray
        Model matrix and offset on the grid, once there is one.
    """

    fixed: FixedPart
    params: FloatArray
    cov: FloatArray
    null_basis: FloatArray | None
    transformation: Transformation | None
    scale_name: str
    averaging_scale: str
    term_columns: tuple[frozenset[str], ...]
    static_offset: float
    rows: FloatArray
    offset: FloatArray
    kept_response: str = ""
    runaway: FloatArray | None = None
    at_limit: bool = False


def term_columns(fixed: FixedPart) -> tuple[frozenset[str], ...]:
    """Data columns behind the factors of each term."""
    columns = {e.name: frozenset(e.columns) for e in fixed.codings}
    return tuple(
        frozenset().union(*(columns.get(name, frozenset([name])) for name in term.variables))
        for term in fixed.terms
    )


def part_of(estimate: Estimate, component: str) -> PartEstimate:
    """The coefficients of a component; an error that names the components there are."""
    if component == "conditional":
        return estimate.conditional
    if component in estimate.auxiliary:
        return estimate.auxiliary[component]
    parts = ", ".join(["conditional", *estimate.auxiliary])
    raise UnknownNameError(
        f"The model has no {component!r} part; its parts are {parts} (emmeans: 'response' and "
        "'cmean', too)."
    )


def linear_part(estimate: Estimate, component: str, cov: FloatArray | None = None) -> ModelPart:
    """A component of the model before it has met a grid."""
    part = part_of(estimate, component)
    if component == "conditional":
        response, kept = response_transformation(estimate)
        transformation = compose(from_link(estimate.family.link), response)
        name = "" if transformation is None else transformation.name
        static = _static_offset(estimate)
    else:
        transformation = from_link(links.get(_AUXILIARY_LINKS.get(component, "log")))
        name, static, kept = _AUXILIARY_LINKS.get(component, "log"), 0.0, ""
    covariance = part.cov if cov is None else np.asarray(cov, float)
    aliased = ~part.estimable
    names = [full_name(component, name) for name in part.names]
    covariance = with_open_variances(estimate, names, covariance)
    return ModelPart(
        part.fixed,
        np.where(aliased, 0.0, part.params),
        np.where(aliased | aliased[:, None], 0.0, covariance),
        null_basis(part.fixed, estimate, aliased),
        transformation,
        name,
        "link" if transformation is not None else "response",
        term_columns(part.fixed),
        static,
        np.zeros((0, part.params.size)),
        np.zeros(0),
        kept,
        runaway_basis(estimate, component, part.estimable),
    )


def response_transformation(estimate: Estimate) -> tuple[Transformation | None, str]:
    """How the left side of the formula is undone, and its text if it is something that is not.

    What would not give back the data of the fit (the root of a square where some values are
    negative) is not undone.
    """
    if estimate.family.is_binomial:
        return None, ""
    text = estimate.design.response
    side, inverse = left_side(text), from_response(text)
    if inverse is not None:
        source = Source(estimate.design.data)
        values, before = (compute(expression(one), source) for one in (text, side.inner))
        if np.allclose(inverse.apply(values, np.zeros(1))[0], before, rtol=1e-6):
            return inverse, ""
    return None, "" if side.plain else text


def null_basis(fixed: FixedPart, estimate: Estimate, aliased: np.ndarray) -> FloatArray | None:
    """Orthonormal basis of {c : X c = 0}; None when no column is aliased.

    Each aliased column is a combination of the others: X_a = X_k C, so (-C, I) spans it.
    """
    if not aliased.any():
        return None
    X = fixed.matrix(estimate.design.data)
    scale = np.linalg.norm(X, axis=0)
    scale[scale == 0] = 1.0
    X = X / scale
    combination, *_ = np.linalg.lstsq(X[:, ~aliased], X[:, aliased], rcond=None)
    basis = np.zeros((X.shape[1], int(aliased.sum())))
    basis[~aliased] = -combination
    basis[aliased] = np.eye(int(aliased.sum()))
    q, _ = np.linalg.qr(basis / scale[:, None])
    return q


def conditional_mean(
    part: ModelPart, grid: ReferenceGrid, offset: float | ArrayLike | None
) -> ModelPart:
    """The part on a grid: model matrix rows and offsets."""
    n = len(grid.frame)
    if offset is None:
        known = part.fixed.offset(grid.frame) + part.static_offset
    else:
        try:
            known = np.asarray(offset, float)
        except (TypeError, ValueError):
            raise DataError(
                f"offset={offset!r:.60}: a number, or one a grid row, is needed."
            ) from None
        if known.shape not in ((), (n,)):
            raise DataError(
                f"offset= has shape {known.shape}; give one number or {n}, one a grid row."
            )
        known = np.broadcast_to(known, (n,))
    if not np.isfinite(known).all():
        raise DataError(
            "the offset is not finite in some rows of the reference grid (a logarithm of 0?): give "
            "offset= a finite number, or other values in at=."
        )
    return replace(part, rows=part.fixed.matrix(grid.frame), offset=np.array(known))


def _static_offset(estimate: Estimate) -> float:
    """Mean of the part of the offset that no formula can evaluate on a grid."""
    total = np.asarray(estimate.design.offset, float)
    inside = estimate.conditional.fixed.offset(estimate.design.data)
    return float(np.mean(total - inside))


def prior_weights(estimate: Estimate) -> FloatArray | None:
    """Weights of the rows in cell weights: prior weights, and trials given as weights."""
    design = estimate.design
    if design.weights is not None:
        return np.asarray(design.weights, float)
    if design.trials is not None and design.weights_name is not None:
        return np.asarray(design.trials, float)
    return None


def response_name(estimate: Estimate) -> str:
    """What the means are means of, for the axis of a figure.

    The left side of the formula; for binomial kinds the probability of what it counts.
    """
    text = estimate.design.response
    if not estimate.family.is_binomial:
        return text
    if labels := outcome_labels(text, estimate.design.data):
        return f"probability of {labels[0]}"
    match = re.match(r"(?:cbind\(\s*([^,]+?)\s*,|\s*([^/]+?)\s*/)", text)
    event = (match.group(1) or match.group(2)) if match else text
    return f"probability of {event}"


def outcome(estimate: Estimate) -> str:
    """Which of two labels is the success: ``r = 'dead' (against 'alive')``; empty for numbers."""
    if not estimate.family.is_binomial:
        return ""
    labels = outcome_labels(estimate.design.response, estimate.design.data)
    return f"{labels[0]} (against {labels[1]})" if labels else ""


def default_df(estimate: Estimate, component: str = "conditional") -> float:
    """Residual df for Gaussian models without random effects and of constant dispersion."""
    if component not in MEANS or estimate.family.name != "gaussian":
        return float("inf")
    dispersion = estimate.auxiliary.get("dispersion")
    constant = dispersion is None or len(dispersion.names) == 1
    if constant and not estimate.design.random:
        # REML divides by the rows less the coefficients: the t tests are those of least squares
        return float(estimate.df_resid + (estimate.method == "REML"))
    return float("inf")


def total_sd(estimate: Estimate) -> float:
    """Standard deviation of the linear predictor's random part, for the bias adjustment.

    The random intercepts' variances together; a Gaussian response that was transformed on the
    left of the formula adds its residual variance.

    Raises
    ------
    DataError
        With random slopes the variance depends on the predictors: sigma= must say at which.
    """
    for group, covariance in estimate.random_covariance.items():
        if list(covariance.columns) != ["Intercept"]:
            raise DataError(
                f"bias_adjust needs sigma=: the random effects of {group} "
                f"({', '.join(map(str, covariance.columns))}) are not intercepts only, so their "
                "variance depends on the predictors."
            )
    variance = sum(float(c.to_numpy()[0, 0]) for c in estimate.random_covariance.values())
    if estimate.family.name == "gaussian":
        dispersion = estimate.auxiliary["dispersion"]
        if len(dispersion.names) > 1:
            raise DataError("bias_adjust needs sigma=: the residual variance is not constant.")
        variance += float(estimate.family.dispersion(dispersion.params[0]))
    return float(np.sqrt(variance))
