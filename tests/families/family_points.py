"""Where the families are tested: ordinary and extreme responses, predictors and dispersions."""

from __future__ import annotations

import itertools

import numpy as np

from glmmlab import families
from glmmlab.families import ZeroInflated
from glmmlab.families.base import Family

Array = np.ndarray

RESPONSES: dict[str, list[tuple[float, float | None]]] = {
    "gaussian": [(0.3, None), (-40.0, None), (1e4, None)],
    "t": [(0.3, None), (-40.0, None), (1e4, None)],
    "gamma": [(0.02, None), (3.0, None), (5e3, None)],
    "beta": [(0.31, None), (1e-6, None), (0.9999, None)],
    "binomial": [(0.0, 1.0), (1.0, 1.0), (3.0, 10.0), (10.0, 10.0), (0.0, 400.0)],
    "betabinomial": [(0.0, 1.0), (3.0, 10.0), (10.0, 10.0), (0.0, 400.0), (77.0, 400.0)],
    "poisson": [(0.0, None), (1.0, None), (250.0, None)],
    "nbinom2": [(0.0, None), (1.0, None), (250.0, None)],
    "nbinom1": [(0.0, None), (1.0, None), (250.0, None)],
    "truncated_poisson": [(1.0, None), (2.0, None), (250.0, None)],
    "truncated_nbinom1": [(1.0, None), (2.0, None), (250.0, None)],
    "truncated_nbinom2": [(1.0, None), (2.0, None), (250.0, None)],
    "genpois": [(0.0, None), (1.0, None), (2.0, None), (250.0, None)],
    "ordbeta": [(0.0, None), (1.0, None), (0.31, None), (1e-6, None)],
    "tweedie": [(0.0, None), (1e-4, None), (0.7, None), (40.0, None)],
    "inverse_gaussian": [(0.02, None), (3.0, None), (5e3, None)],
    "lognormal": [(0.02, None), (3.0, None), (5e3, None)],
}
LOG_SCALE = [(-0.7,), (2.0,), (-12.0,), (9.0,)]
AUXILIARIES: dict[str, list[tuple[float, ...]]] = {
    "gaussian": LOG_SCALE,
    "t": [(-0.7, 0.2), (2.0, 1.5), (-12.0, -2.0), (0.5, 14.0)],
    "gamma": [(-0.7,), (2.0,), (-20.0,), (6.0,)],
    "beta": [(0.4,), (4.0,), (9.3,), (18.0,), (-12.0,)],
    "betabinomial": [(0.4,), (4.0,), (23.0,), (-12.0,)],
    "nbinom2": [(0.4,), (-12.0,), (23.0,), (6.0,)],
    "nbinom1": [(0.4,), (-23.0,), (9.0,), (-6.0,)],
    "truncated_nbinom1": [(0.4,), (-23.0,), (9.0,), (-6.0,)],
    "truncated_nbinom2": [(0.4,), (-12.0,), (23.0,), (6.0,)],
    "genpois": [(0.4,), (0.0,), (23.0,), (4.0,)],
    "ordbeta": [(1.4, -1.0, 1.0), (4.0, -2.0, -1.99), (-12.0, -9.0, 3.0), (12.0, 0.0, 6.0)],
    "tweedie": [(0.4, 0.3), (2.0, -2.5), (-1.5, 0.0), (0.0, 2.5)],
    "inverse_gaussian": [(-0.7,), (2.0,), (-20.0,), (6.0,)],
    "lognormal": [(-0.7,), (2.0,), (-6.0,), (9.0,)],
}
ETAS = {
    "identity": [0.01, 0.4, 0.97],
    "sqrt": [0.02, 0.4, 0.98],
    "inverse": [1.02, 2.5, 300.0],
    "log": [-700.0, -30.0, -2.5, -0.01],
    "logit": [-700.0, -30.0, -2.0, 0.1, 3.0, 40.0, 700.0],
    "probit": [-30.0, -6.0, -1.2, 0.1, 2.0, 8.0],
    "cloglog": [-700.0, -30.0, -3.0, -0.69, 0.2, 1.3, 3.0],
}
WIDE_ETAS = {  # families whose mean is not confined to (0, 1)
    "identity": [0.01, 0.4, 7.0, 3e3],
    "sqrt": [0.02, 0.7, 9.0],
    "inverse": [0.003, 0.4, 25.0],
    "log": [-700.0, -30.0, -2.5, 0.3, 5.0, 60.0, 700.0],
}
UNIT_MEAN = ("binomial", "betabinomial", "beta", "ordbeta")
SQUARED_MEAN = ("gaussian", "t")


def combinations() -> list[tuple[str, str]]:
    """Every family with every link it takes."""
    return [(n, link) for n in families.names() for link in families.get(n).allowed_links]


def etas(name: str, link: str) -> list[float]:
    """Linear predictors to test, down to the ends of what the family allows."""
    if name in UNIT_MEAN:
        return ETAS[link]
    values = WIDE_ETAS[link]
    if name == "gamma":  # y / (phi mu) must be a double
        return [max(v, -650.0) for v in values]
    if name == "inverse_gaussian":  # and here y / (phi mu^2)
        return [max(v, -300.0) for v in values]
    if name == "lognormal":  # and here mu^2 / phi^2
        return [min(v, 300.0) for v in values]
    if name == "tweedie":
        return [min(max(v, -300.0), 300.0) for v in values]
    if name in SQUARED_MEAN:  # the density needs the square of the mean
        return [v for v in values if v <= 300.0] + ([-3e3] if link == "identity" else [])
    return values


Point = tuple[float, float | None, tuple[float, ...], float]


def grid(family: Family) -> list[Point]:
    """Response, trials, auxiliary values and linear predictor of every test point."""
    if isinstance(family, ZeroInflated):
        return _zero_inflated_grid(family)
    auxiliaries = AUXILIARIES.get(family.name, [()])
    product = itertools.product(
        RESPONSES[family.name], auxiliaries, etas(family.name, family.link.name)
    )
    used = len(family.auxiliary)
    return [(y, n, aux[:used], eta) for (y, n), aux, eta in product]


def _zero_inflated_grid(family: ZeroInflated) -> list[Point]:
    points = grid(family.base)
    points += [(0.0, n, aux, eta) for _, n, aux, eta in points[::2]]
    return [
        (y, n, (*aux, zeta), eta)
        for (y, n, aux, eta) in points
        for zeta in (-30.0, -1.0, 2.0, 40.0)
    ]


def sample(family: Family, size: int) -> list[Point]:
    """A fixed sample of the grid, all of it if it is small."""
    points = grid(family)
    chosen = np.random.default_rng(20240501).permutation(len(points))[:size]
    return [points[i] for i in chosen]


def columns(points: list[Point]) -> tuple[Array, Array | None, tuple[Array, ...], Array]:
    """The points as arrays."""
    y = np.array([p[0] for p in points])
    trials = None if points[0][1] is None else np.array([p[1] for p in points])
    aux = tuple(np.array(column) for column in zip(*(p[2] for p in points), strict=True))
    return y, trials, aux, np.array([p[3] for p in points])


def everyone() -> list[Family]:
    """Every family with every link, and zero inflation over all that allow it."""
    plain = [families.get(name, link=link) for name, link in combinations()]
    plain.append(families.StudentT(df=4.5))
    inflated = [ZeroInflated(f) for f in plain if f.natural != "identity"]
    return [*plain, *inflated]


def identifier(family: Family) -> str:
    """Test id."""
    return f"{family.name}-{family.link.name}" + ("-fixed" if getattr(family, "df", None) else "")
