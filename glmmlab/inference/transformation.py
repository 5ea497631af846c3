"""From the scale of the linear predictor to the scale of the response, and back to words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from glmmlab import links
from glmmlab._types import FloatArray

Function = Callable[[FloatArray], FloatArray]

_LEFT_SIDE = re.compile(r"(?:np\.)?(log1p|log10|log2|log|sqrt)\((.*)\)$")


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
    lower : float
        Linear predictors at or below it have no response.
    """

    name: str
    inverse: Function
    slope: Function
    curvature: Function
    ratio: str = ""
    base: float = float(np.e)
    lower: float = -np.inf

    def apply(self, eta: FloatArray, se: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Response and its delta-method standard error; NaN outside the inverse's domain."""
        eta = self._inside(eta)
        return self.inverse(eta), np.abs(self.slope(eta)) * se

    def limits(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Back-transformed limits, swapped when the inverse decreases."""
        first, second = self._limit(lower), self._limit(upper)
        return np.fmin(first, second), np.fmax(first, second)

    def _inside(self, eta: FloatArray) -> FloatArray:
        return np.where(eta > self.lower, eta, np.nan) if np.isfinite(self.lower) else eta

    def _limit(self, eta: FloatArray) -> FloatArray:
        finite = np.isfinite(eta)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            inner = self.inverse(self._inside(np.where(finite, eta, np.sign(eta) * 1e300)))
        return np.where(np.isnan(eta), np.nan, inner)

    def bias_adjusted(self, sigma: float) -> Transformation:
        """E g^{-1}(eta + e), e with standard deviation `sigma`, to second order."""
        return Transformation(
            self.name,
            partial(_mean_value, self, 0.5 * sigma * sigma),
            partial(_mean_slope, self, 0.5 * sigma * sigma),
            self.curvature,
            self.ratio,
            self.base,
            self.lower,
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
        return _exponential(1.0, 0.0, order, np.asarray(eta, float))
    return link.derivatives(np.asarray(eta, float))[order]


def _square(shift: float, order: int, eta: FloatArray) -> FloatArray:
    return (eta**2 - shift, 2 * eta, 2 + 0 * eta)[order]


def _exponential(rate: float, shift: float, order: int, eta: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):  # a mean beyond the largest float is infinite
        return rate**order * np.exp(rate * eta) - (shift if order == 0 else 0.0)


def _composed(
    first: Transformation, then: Transformation, order: int, eta: FloatArray
) -> FloatArray:
    inner = first.inverse(eta)
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
    """A response transformed on the left of the formula: log, log10, log2, log1p, sqrt.

    >>> from_response("log(yield + 1)").name
    'log(yield + 1)'
    >>> from_response("yield") is None
    True
    """
    match = _LEFT_SIDE.match(text.replace(" ", ""))
    if not match:
        return None
    kind, inside = match.groups()
    shift = 1.0 if kind == "log1p" else _constant(inside)
    if kind == "sqrt":
        square = partial(_square, shift)
        return Transformation(
            text, partial(square, 0), partial(square, 1), partial(square, 2), lower=-1e-12
        )
    base = {"log10": 10.0, "log2": 2.0}.get(kind, float(np.e))
    power = partial(_exponential, float(np.log(base)), shift)
    return Transformation(
        text,
        partial(power, 0),
        partial(power, 1),
        partial(power, 2),
        ratio=f"ratio of {inside} + 1" if kind == "log1p" else f"ratio of {inside}",
        base=base,
    )


def _constant(inside: str) -> float:
    """c of ``y+c`` or ``c+y`` inside a transformation."""
    number = r"(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)"
    match = re.search(rf"\+{number}$", inside) or re.match(rf"{number}\+", inside)
    return float(match.group(1)) if match else 0.0


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
    )


def as_ratio(transformation: Transformation) -> Transformation:
    """What turns differences on a log or logit scale into ratios: the exponential."""
    power = partial(_exponential, float(np.log(transformation.base)), 0.0)
    return Transformation(
        transformation.name,
        partial(power, 0),
        partial(power, 1),
        partial(power, 2),
        ratio=transformation.ratio,
        base=transformation.base,
    )
