"""Which mean, or which other part of the model, a table of marginal means is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.families.base import Family
from glmmlab.inference.intervals import limits_of_mean
from glmmlab.inference.model_parts import MEANS, outcome, response_name, response_transformation

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

EXPECTED = ("response", "cmean")
"""Components that are averaged as means, not as linear predictors."""


def quantity_of(component: str) -> str:
    """The heading of a table."""
    if component in MEANS:
        return "Marginal means"
    return f"Marginal means ({component.replace('_', ' ')} part)"


def component_notes(estimate: Estimate, component: str) -> tuple[str, ...]:
    """What the means are means of, where that is not the response as it stands."""
    if component not in MEANS:
        return ()
    event = outcome(estimate)
    notes = (f"Response: {event}.",) if event else ()
    return notes + _which_mean(estimate, component)


def _which_mean(estimate: Estimate, component: str) -> tuple[str, ...]:
    inflated, ordered = "zero_inflation" in estimate.auxiliary, _ordered_beta(estimate)
    if component == "response":
        if inflated:
            return ("E(y), zero inflation included.",)
        return ("E(y), zeros and ones included." if ordered else "E(y).",)
    if ordered:
        return (
            "Mean of the values between 0 and 1; component='response' is E(y), zeros and ones "
            "included.",
        )
    if _truncated(estimate):
        if component == "cmean":
            return ("E(y) of the counts above zero.",)
        return ("The mean before truncation; component='cmean' is that of the counts above zero.",)
    return ("Mean of the conditional part, zero inflation not included.",) if inflated else ()


def axis_name(estimate: Estimate, component: str) -> str:
    """The response as an axis names it; another part of the model by its own name."""
    name = response_name(estimate)
    if component == "zero_inflation":
        return f"probability of {'a' if estimate.family.is_hurdle else 'an excess'} zero"
    if component not in MEANS:
        return f"{component.replace('_', ' ')} of {name}"
    inverse = response_transformation(estimate)[0] if component in EXPECTED else None
    return name if inverse is None else inverse.target or name


def which_mean_in_brief(estimate: Estimate, component: str) -> str:
    """What an axis adds to the response's name; empty where the mean is the whole one."""
    inflated, ordered = "zero_inflation" in estimate.auxiliary, _ordered_beta(estimate)
    if component not in MEANS or not (inflated or ordered or _truncated(estimate)):
        return ""
    if component == "response":
        return ", zeros and ones included" if ordered else ", zeros included"
    if ordered:
        return " between 0 and 1"
    if _truncated(estimate):
        return " above zero" if component == "cmean" else " before truncation"
    return ", zeros not included" if estimate.family.is_hurdle else " without zero inflation"


def _ordered_beta(estimate: Estimate) -> bool:
    return "lower_cut" in estimate.auxiliary


def _truncated(estimate: Estimate) -> bool:
    """Whether the conditional mean is another than the inverse link's."""
    return type(estimate.family.base).conditional_expected is not Family.conditional_expected


# -------------------------------------------------------------- limits inside the range


def range_of_mean(estimate: Estimate, component: str) -> tuple[float, float] | None:
    """Where the expected response of a family on [0, 1] can lie, on the scale of the data.

    None for components whose limits are transformed back, and for families without an upper end.
    """
    if component not in EXPECTED or estimate.family.natural != "logit":
        return None
    inverse, _ = response_transformation(estimate)
    ends = np.array([0.0, 1.0]) if inverse is None else inverse.limits(np.zeros(1), np.ones(1))
    low, high = np.ravel(ends).tolist()
    return (low, high) if np.isfinite([low, high]).all() else None


def limits_inside(
    bounds: tuple[float, float], values: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Limits of bounded means by the delta method on the logit scale, from symmetric ones.

    Examples
    --------
    >>> low, high = limits_inside((0.0, 1.0), np.array([0.5]), np.array([0.0]), np.array([1.0]))
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.1192], [0.8808])
    """
    start, width = bounds[0], bounds[1] - bounds[0]
    place = (values - start) / width
    with np.errstate(divide="ignore", invalid="ignore"):
        below = limits_of_mean(place, (values - lower) / width, 1.0, unit=True)[0]
        above = limits_of_mean(place, (upper - values) / width, 1.0, unit=True)[1]
    return start + width * below, start + width * above
