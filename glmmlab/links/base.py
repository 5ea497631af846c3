"""What a link is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np

from glmmlab._types import BoolArray, FloatArray

Derivatives = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


class Link(ABC):
    """A link function ``eta = g(mu)``, its inverse and the inverse's derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab import links
    >>> link = links.get("logit")
    >>> float(link.inverse(link.link(np.float64(0.25))))
    0.25
    """

    name: ClassVar[str]
    lower: ClassVar[float] = -math.inf
    """Smallest linear predictor (exclusive) at which the link is one-to-one."""

    @abstractmethod
    def link(self, mu: FloatArray) -> FloatArray:
        """Linear predictor of a mean."""

    @abstractmethod
    def inverse(self, eta: FloatArray) -> FloatArray:
        """Mean at a linear predictor."""

    @abstractmethod
    def derivatives(self, eta: FloatArray) -> Derivatives:
        """The inverse link and its first three derivatives in ``eta``."""

    @abstractmethod
    def link_derivative(self, mu: FloatArray) -> FloatArray:
        """Derivative of ``eta`` with respect to ``mu``, as a function of ``mu``."""

    def valid_eta(self, eta: FloatArray) -> BoolArray | Literal[True]:
        """True, or the elements of ``eta`` that lie in the link's domain."""
        return True if self.lower == -math.inf else np.asarray(eta > self.lower)

    def complement(self, eta: FloatArray) -> FloatArray:
        """``1 - inverse(eta)``; links onto (0, 1) keep its digits when the mean is near 1."""
        return 1.0 - self.inverse(eta)

    def log_mean(self, eta: FloatArray) -> Derivatives:
        """``log mu(eta)`` and its first three derivatives, for links onto positive means."""
        mu, mu1, mu2, mu3 = self.derivatives(eta)
        r1, r2, r3 = mu1 / mu, mu2 / mu, mu3 / mu
        return np.log(mu), r1, r2 - r1 * r1, r3 - 3.0 * r1 * r2 + 2.0 * r1**3

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        """``log(mu / (1 - mu))`` and its first three derivatives, for means in (0, 1)."""
        mu, mu1, mu2, mu3 = self.derivatives(eta)
        rest = self.complement(eta)
        r1, r2, r3 = mu1 / mu, mu2 / mu, mu3 / mu
        s1, s2, s3 = mu1 / rest, mu2 / rest, mu3 / rest
        first = r1 + s1
        second = (r2 - r1 * r1) + (s2 + s1 * s1)
        third = (r3 - 3.0 * r1 * r2 + 2.0 * r1**3) + (s3 + 3.0 * s1 * s2 + 2.0 * s1**3)
        return np.log(mu / rest), first, second, third

    def interval(self, low: float, high: float) -> tuple[float, float]:
        """Open interval of linear predictors whose means lie in the open interval (low, high).

        Examples
        --------
        >>> from glmmlab import links
        >>> links.get("inverse").interval(0.0, 1.0)
        (1.0, inf)
        """
        with np.errstate(divide="ignore"):  # the ends may be the link's own infinities
            ends = sorted(float(self.link(np.asarray(end))) for end in (low, high))
        return max(ends[0], self.lower), ends[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))
