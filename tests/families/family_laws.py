"""Each distribution laid out on a grid, so that sums replace integrals.

Whole-number families are summed.  Continuous ones use the trapezoidal rule after a change of
variable that makes the integrand decay on both sides, where that rule converges exponentially.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmmlab import families
from glmmlab.families import ZeroInflated
from glmmlab.families.base import Family

# mean, auxiliary values, trials: ordinary shapes, some skew, some nearly degenerate
SETTINGS: dict[str, list[tuple[float, tuple[float, ...], float | None]]] = {
    "gaussian": [(1.5, (0.3,), None), (0.2, (-2.0,), None)],
    "t": [(1.5, (0.3, 2.3), None), (0.2, (-1.0, 2.9), None)],
    "gamma": [(1.5, (-0.7,), None), (0.2, (-3.0,), None)],
    "beta": [(0.3, (1.5,), None), (0.8, (3.0,), None)],
    "binomial": [(0.3, (), 1.0), (0.8, (), 25.0)],
    "betabinomial": [(0.3, (1.0,), 1.0), (0.8, (0.5,), 25.0), (0.1, (6.0,), 40.0)],
    "poisson": [(0.4, (), None), (30.0, (), None)],
    "nbinom1": [(0.4, (0.7,), None), (20.0, (1.0,), None), (6.0, (-5.0,), None)],
    "nbinom2": [(0.4, (0.7,), None), (20.0, (0.5,), None), (6.0, (7.0,), None)],
    "truncated_poisson": [(0.01, (), None), (2.5, (), None), (30.0, (), None)],
    "truncated_nbinom1": [(0.4, (0.7,), None), (20.0, (1.0,), None), (6.0, (-5.0,), None)],
    "truncated_nbinom2": [(0.05, (-0.7,), None), (20.0, (0.5,), None), (6.0, (7.0,), None)],
    "genpois": [(0.4, (0.7,), None), (20.0, (1.5,), None), (30.0, (-0.8,), None)],
    "ordbeta": [(0.3, (1.5, -1.0, 1.0), None), (0.8, (3.0, 0.5, 2.0), None)],
    "tweedie": [(1.5, (0.2, 0.4), None), (0.3, (-2.0, -0.5), None)],
    "inverse_gaussian": [(1.5, (-0.7,), None), (0.2, (1.0,), None)],
    "lognormal": [(1.5, (-0.7,), None), (0.2, (-1.5,), None)],
}
COUNTS = 4000


@dataclass(frozen=True)
class Law:
    """Points in increasing order, each with the probability around it."""

    y: np.ndarray
    probability: np.ndarray
    mu: float
    aux: tuple[np.ndarray, ...]
    trials: float | None

    def total(self) -> float:
        return float(self.probability.sum())

    def mean(self) -> float:
        return float(self.probability @ self.y)

    def variance(self) -> float:
        return float(self.probability @ (self.y - self.mean()) ** 2)


def settings(family: Family) -> list[tuple[float, tuple[float, ...], float | None]]:
    if isinstance(family, ZeroInflated):
        inner = settings(family.base)
        return [
            (mu, (*aux, z), n) for (mu, aux, n), z in zip(inner, (-1.0, 0.8, 0.1), strict=False)
        ]
    return [(mu, aux[: len(family.auxiliary)], n) for mu, aux, n in SETTINGS[family.name]]


def law(family: Family, mu: float, aux: tuple[float, ...], trials: float | None) -> Law:
    y, weight = _grid(family, mu, trials)
    auxiliary = tuple(np.asarray(a) for a in aux)
    n = None if trials is None else np.full(y.shape, trials)
    density = np.exp(family.logpdf(y, np.full(y.shape, mu), auxiliary, n))
    return Law(y, density * weight, mu, auxiliary, trials)


def _grid(family: Family, mu: float, trials: float | None) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(family, ZeroInflated) and not family.base.zero_is_possible:
        y, weight = _grid(family.base, mu, trials)
        return np.concatenate([[0.0], y]), np.concatenate([[1.0], weight])
    base = family.base if isinstance(family, ZeroInflated) else family
    if trials is not None:
        return np.arange(trials + 1.0), np.ones(int(trials) + 1)
    if family.integer:
        first = 0.0 if base.zero_is_possible else 1.0
        return np.arange(first, COUNTS), np.ones(COUNTS - int(first))
    if base.name == "ordbeta":
        y, weight = _grid(families.get("beta"), mu, trials)
        return np.concatenate([[0.0], y, [1.0]]), np.concatenate([[1.0], weight, [1.0]])
    if base.name == "tweedie":
        y, weight = _grid(families.get("gamma"), mu, trials)
        return np.concatenate([[0.0], y]), np.concatenate([[1.0], weight])
    if base.natural == "identity":
        x = np.linspace(-12.0, 12.0, 24001)
        return mu + np.sinh(x), np.cosh(x) * (x[1] - x[0])
    if base.natural == "log":
        x = np.linspace(-60.0, 12.0, 36001)
        return np.exp(x), np.exp(x) * (x[1] - x[0])
    x = np.linspace(-36.0, 36.0, 36001)
    y = 1.0 / (1.0 + np.exp(-x))
    return y, y / (1.0 + np.exp(x)) * (x[1] - x[0])
