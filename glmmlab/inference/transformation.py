"""From the scale of the linear predictor to the scale of the response, and back to words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from glmmlab import links
from glmmlab._types import FloatArray
from glmmlab.inference.left_side import EDGE, Step, left_side

Function = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Transformation:
    """The inverse of a link (or of a transformed response) with two derivatives.

    Attributes
    ----------
    name : str
        Of the link: "logit", "log", ...
    inverse, slope, curvature : callable
        The inverse and its first and second derivative, elementwise.
    ratio : str
        What the exponential of a difference is: "ratio", "ratio of y + 1", "odds ratio", or ""
        for no such thing.
    base : float
        Base of the logarithm that turns differences into ratios.
    lower, upper : float
        Linear predictors at or outside them have no response.
    target : str
        What a transformed response is when undone: "y", "germ / n"; empty for a link.
    """

    name: str
    inverse: Function
    slope: Function
    curvature: Function
    ratio: str = ""
    base: float = float(np.e)
    lower: float = -np.inf
    upper: float = np.inf
    target: str = ""

    def apply(self, eta: FloatArray, se: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Response and its delta-method standard error; NaN outside the inverse's domain."""
        eta = self._inside(eta)
        return self.inverse(eta), np.abs(self.slope(eta)) * se

    def limits(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Back-transformed limits, swapped when the inverse decreases.

        What an interval has outside the inverse's domain is cut off.
        """
        first, second = self._limit(lower), self._limit(upper)
        return np.fmin(first, second), np.fmax(first, second)

    def _inside(self, eta: FloatArray) -> FloatArray:
        if not (np.isfinite(self.lower) or np.isfinite(self.upper)):
            return eta
        return np.where((eta > self.lower) & (eta < self.upper), eta, np.nan)

    def _limit(self, eta: FloatArray) -> FloatArray:
        finite = np.isfinite(eta)
        large = np.where(finite, eta, np.sign(eta) * 1e300)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            inner = self.inverse(np.clip(large, self.lower, self.upper))
        return np.where(np.isnan(eta), np.nan, inner)

    def bias_adjusted(self, sigma: float) -> Transformation:
        """E g^{-1}(eta + e), e with standard deviation `sigma`, to second order."""
        half = 0.5 * sigma * sigma
        return replace(
            self, inverse=partial(_mean_value, self, half), slope=partial(_mean_slope, self, half)
        )


# The functions below stand in the module, bound by partial: tables that hold them can be pickled.


def _mean_value(plain: Transformation, half: float, eta: FloatArray) -> FloatArray:
    return plain.inverse(eta) + half * plain.curvature(eta)


def _mean_slope(plain: Transformation, half: float, eta: FloatArray) -> FloatArray:
    step = 5e-4
    third = (plain.curvature(eta + step) - plain.curvature(eta - step)) / (2 * step)
    return plain.slope(eta) + half * third


def _of_link(link: links.Link, order: int, eta: FloatArray) -> FloatArray:
    if link.name == "log":  # the link itself stops at 700, where no likelihood is accepted
        return _exponential(1.0, order, np.asarray(eta, float))
    return link.derivatives(np.asarray(eta, float))[order]


def _exponential(rate: float, order: int, eta: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):  # a mean beyond the largest float is infinite
        return rate**order * np.exp(rate * eta)


def _composed(
    first: Transformation, then: Transformation, order: int, eta: FloatArray
) -> FloatArray:
    inner = then._inside(first.inverse(eta))
    if order == 0:
        return then.inverse(inner)
    slope = then.slope(inner)
    if order == 1:
        return slope * first.slope(eta)
    return then.curvature(inner) * first.slope(eta) ** 2 + slope * first.curvature(eta)


def from_link(link: links.Link) -> Transformation | None:
    """The inverse link; None for the identity, where nothing is to be undone.

    >>> from glmmlab import links
    >>> from_link(links.get("logit")).ratio
    'odds ratio'
    """
    if link.name == "identity":
        return None
    return Transformation(
        link.name,
        link.inverse,
        partial(_of_link, link, 1),
        partial(_of_link, link, 2),
        {"log": "ratio", "logit": "odds ratio"}.get(link.name, ""),
        lower=link.lower,
    )


def from_response(text: str) -> Transformation | None:
    """A response transformed on the left of the formula; None if there is nothing to undo.

    Undone are logarithms, powers, exponentials and arcsines, with constants anywhere and one in
    another; what is not recognised as a whole stays as it is.

    >>> from_response("log(yield + 1)").name
    'log(yield + 1)'
    >>> from_response("asin(sqrt(germ/40))").target
    'germ'
    >>> from_response("yield") is None
    True
    """
    side = left_side(text)
    if not side.steps:
        return None
    whole = partial(_undone, side.steps)
    lower, upper = _domain(side.steps)
    rate = _log_rate(side.steps)
    return Transformation(
        text, partial(whole, 0), partial(whole, 1), partial(whole, 2),
        ratio=f"ratio of {side.of_log}" if rate else "",
        base=float(np.exp(rate)) if rate else float(np.e),
        lower=lower,
        upper=upper,
        target=side.inner,
    )  # fmt: skip


def _undone(steps: Sequence[Step], order: int, eta: FloatArray) -> FloatArray:
    """Value or derivative of the inverses, one after the other, by the chain rule."""
    value = np.asarray(eta, float)
    slope, curvature = np.ones_like(value), np.zeros_like(value)
    for step in steps:
        if order:
            inner = step.undo(1, value)
            curvature = step.undo(2, value) * slope**2 + inner * curvature
            slope = inner * slope
        value = step.undo(0, value)
    return (value, slope, curvature)[order]


def _domain(steps: Sequence[Step]) -> tuple[float, float]:
    """Between which linear predictors all the steps can be undone."""
    lower, upper = -np.inf, np.inf
    for step in reversed(steps):
        with np.errstate(all="ignore"):
            first, second = step.forward(np.array([lower, upper]))
        lower, upper = (
            float(np.fmax(np.fmin(first, second) - EDGE, step.lower)),
            float(np.fmin(np.fmax(first, second) + EDGE, step.upper)),
        )
    return lower, upper


def _log_rate(steps: Sequence[Step]) -> float:
    """Log of what a difference of 1 multiplies the logarithm's argument by; 0 without one."""
    factor = 1.0
    for step in steps:
        if step.kind == "log":
            return max(1 / factor, 0.0)  # -log(y): a difference would be the ratio turned round
        if step.kind != "line":
            break
        factor *= step.factor
    return 0.0


def compose(first: Transformation | None, then: Transformation | None) -> Transformation | None:
    """Undo `first` (the link), then `then` (the transformed response)."""
    if first is None or then is None:
        return first or then
    both = partial(_composed, first, then)
    return Transformation(
        f"{first.name} of {then.name}",
        partial(both, 0),
        partial(both, 1),
        partial(both, 2),
        lower=first.lower,
        target=then.target,
    )


def as_ratio(transformation: Transformation) -> Transformation:
    """What turns differences on a log or logit scale into ratios: the exponential."""
    power = partial(_exponential, float(np.log(transformation.base)))
    return Transformation(
        transformation.name,
        partial(power, 0),
        partial(power, 1),
        partial(power, 2),
        ratio=transformation.ratio,
        base=transformation.base,
    )
