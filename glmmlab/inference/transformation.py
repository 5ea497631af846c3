"""From the scale of the linear predictor to the scale of the response, and back to words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

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
        What the exponential of a difference is: "ratio", "odds ratio", or "" for no such thing.
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
        half = 0.5 * sigma * sigma

        def slope_adjusted(eta: FloatArray) -> FloatArray:
            step = 5e-4
            third = (self.curvature(eta + step) - self.curvature(eta - step)) / (2 * step)
            return self.slope(eta) + half * third

        return Transformation(
            self.name,
            lambda eta: self.inverse(eta) + half * self.curvature(eta),
            slope_adjusted,
            self.curvature,
            self.ratio,
            self.base,
            self.lower,
        )


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
        lambda eta: link.derivatives(np.asarray(eta, float))[1],
        lambda eta: link.derivatives(np.asarray(eta, float))[2],
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
        return Transformation(
            text, lambda eta: eta**2 - shift, lambda eta: 2 * eta, lambda eta: 2 + 0 * eta,
            lower=-1e-12,
        )  # fmt: skip
    base = {"log10": 10.0, "log2": 2.0}.get(kind, float(np.e))
    rate = float(np.log(base))
    return Transformation(
        text,
        lambda eta: np.exp(rate * eta) - shift,
        lambda eta: rate * np.exp(rate * eta),
        lambda eta: rate**2 * np.exp(rate * eta),
        "ratio",  # of y + c where a constant was added
        base,
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
    return Transformation(
        f"{first.name} of {then.name}",
        lambda eta: then.inverse(first.inverse(eta)),
        lambda eta: then.slope(first.inverse(eta)) * first.slope(eta),
        lambda eta: (
            then.curvature(first.inverse(eta)) * first.slope(eta) ** 2
            + then.slope(first.inverse(eta)) * first.curvature(eta)
        ),
        lower=first.lower,
    )


def as_ratio(transformation: Transformation) -> Transformation:
    """What turns differences on a log or logit scale into ratios: the exponential."""
    rate = float(np.log(transformation.base))
    return Transformation(
        transformation.name,
        lambda eta: np.exp(rate * eta),
        lambda eta: rate * np.exp(rate * eta),
        lambda eta: rate**2 * np.exp(rate * eta),
        transformation.ratio,
        transformation.base,
    )
