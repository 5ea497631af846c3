"""Adjustment for several tests: p-values and the half widths of simultaneous intervals.

Methods, in the notation of the tables: none, tukey, sidak, bonferroni, holm, hochberg, hommel,
BH (also fdr), BY, scheffe, dunnettx, mvt (multcomp's single-step), free, westfall and shaffer (its
step-down ones).  All of them work on one family: the m tests of one by-group.  Tails are survival
functions throughout, so small p-values keep their digits.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri, fdtrc, fdtri, ndtr, ndtri, stdtr, stdtrit

from glmmlab._types import FloatArray, Seed
from glmmlab.errors import UnknownNameError
from glmmlab.inference.multivariate_t import max_t_quantile, max_t_sf
from glmmlab.inference.p_adjust import FROM_P
from glmmlab.inference.step_down import free_p, shaffer_p, westfall_p
from glmmlab.inference.studentized_range import (
    studentized_range_quantile,
    studentized_range_sf,
)

SIDES = ("two-sided", "greater", "less")


@dataclass(frozen=True)
class TestFamily:
    """The tests that are adjusted together.

    Attributes
    ----------
    statistic : ndarray, shape (m,)
        t or z statistics; NaN where an estimate is not estimable (it does not count).
    df : ndarray, shape (m,)
        Degrees of freedom, ``inf`` for z.
    covariance : ndarray, shape (m, m), or None
        Of the m estimates; ``mvt`` and ``scheffe`` (its rank) need it.
    means : float or None
        Number of means whose pairs are compared: ``tukey`` needs it.
    rank : int or None
        Dimension of the estimates for ``scheffe``; from `covariance` when None.
    side : str
        "two-sided", "greater" or "less".
    distance : bool
        Equivalence tests: the statistics are distances from the null, whose signs, and with
        them their correlations under the hypotheses, are not known.
    constrained : bool
        Whether one set of parameters satisfies all hypotheses, so that some may follow from
        others: not if a - b, b - c and a - c are all said to be 1.
    """

    __test__ = False  # not a test case, whatever pytest reads into its name

    statistic: FloatArray
    df: FloatArray
    covariance: FloatArray | None = None
    means: float | None = None
    rank: int | None = None
    side: str = "two-sided"
    distance: bool = False
    constrained: bool = True

    @property
    def size(self) -> int:
        """Tests that can be made."""
        return int(np.isfinite(self.statistic).sum())

    @property
    def one_sided(self) -> bool:
        """Whether only one direction counts."""
        return self.side != "two-sided"

    @property
    def towards(self) -> FloatArray:
        """The statistics, turned so that larger ones speak against the hypotheses."""
        return -self.statistic if self.side == "less" else self.statistic

    def ranked(self) -> int:
        """Rank of the estimates."""
        if self.rank is not None:
            return self.rank
        if self.covariance is None:
            return self.size
        return max(int(np.linalg.matrix_rank(self.covariance, hermitian=True)), 1)


@dataclass(frozen=True)
class Adjusted:
    """P-values or critical values, the method that was really used, and its words.

    ``error`` is the integration error of ``mvt`` (zero for the others).
    """

    values: FloatArray
    method: str
    note: str
    error: float = 0.0


def adjustments() -> tuple[str, ...]:
    """Names of the methods."""
    return (*_P_METHODS, "fdr")


def canonical(method: str | None) -> str:
    """The method's name as the tables write it; unknown names are an error with a suggestion.

    >>> canonical("FDR"), canonical("Tukey"), canonical(None)
    ('BH', 'tukey', 'none')
    """
    if method is None:
        return "none"
    known = {name.lower(): name for name in _P_METHODS} | {"fdr": "BH", "single-step": "mvt"}
    try:
        return known[str(method).lower()]
    except KeyError:
        near = difflib.get_close_matches(str(method).lower(), known, n=1)
        hint = f" Did you mean {known[near[0]]!r}?" if near else ""
        raise UnknownNameError(
            f"Unknown adjustment {method!r}; choose one of {', '.join(_P_METHODS)}.{hint}"
        ) from None


# ------------------------------------------------------------------------- raw tails


def tail_probability(statistic: ArrayLike, df: ArrayLike, side: str = "two-sided") -> FloatArray:
    """Unadjusted p-values of t (finite df) or z (df = inf) statistics.

    >>> print(f"{tail_probability(-30.0, np.inf):.6g}")
    9.81343e-198
    """
    statistic, df = np.broadcast_arrays(np.asarray(statistic, float), np.asarray(df, float))
    if side not in SIDES:
        raise UnknownNameError(f"Unknown side {side!r}; choose one of {', '.join(SIDES)}.")
    lower = {"two-sided": -np.abs(statistic), "greater": -statistic, "less": statistic}[side]
    with np.errstate(invalid="ignore"):
        student = stdtr(np.where(np.isinf(df), 1.0, df), lower)
    tail = np.where(np.isinf(df), ndtr(lower), student)
    return np.minimum(2 * tail, 1.0) if side == "two-sided" else tail


def t_quantile(upper_tail: ArrayLike, df: ArrayLike) -> FloatArray:
    """The t with P(T > t) = `upper_tail`."""
    upper_tail, df = np.asarray(upper_tail, float), np.asarray(df, float)
    student = -stdtrit(np.where(np.isinf(df), 1.0, df), upper_tail)
    return np.where(np.isinf(df), -ndtri(upper_tail), student)


def adjust_p(p: ArrayLike, method: str) -> FloatArray:
    """Adjust p-values by a method that needs nothing else; NaN entries do not count.

    Methods: none, sidak, bonferroni, holm, hochberg, hommel, BH (fdr), BY.

    >>> adjust_p([0.01, 0.02, 0.03], "holm")
    array([0.03, 0.04, 0.04])
    """
    name = canonical(method)
    if name not in FROM_P:
        raise UnknownNameError(f"{name!r} needs the statistics, not only p-values.")
    p = np.asarray(p, float)
    result = np.full(p.shape, np.nan)
    valid = np.isfinite(p)
    if valid.any():
        result[valid] = FROM_P[name](p[valid])
    return result


# -------------------------------------------------------- methods that see the statistics


def _tukey(family: TestFamily, seed: Seed) -> tuple[FloatArray, float]:
    means = family.means if family.means is not None else _implied_means(family.size)
    p = studentized_range_sf(np.sqrt(2) * np.abs(family.statistic), means, family.df)
    return _at_least_raw(p, family), 0.0


def _scheffe(family: TestFamily, seed: Seed) -> tuple[FloatArray, float]:
    rank, square = family.ranked(), family.statistic**2
    finite = fdtrc(rank, np.where(np.isinf(family.df), 1.0, family.df), square / rank)
    return np.where(np.isinf(family.df), chdtrc(rank, square), finite), 0.0


def _dunnettx_tail(t: FloatArray, df: FloatArray, m: int) -> FloatArray:
    """1 - [(m-1)/m P(Q_h < sqrt2 t) + P(|T| < t)^m / m], h = (1 + sqrt(1 + 8m))/2, as a tail."""
    range_tail = studentized_range_sf(np.sqrt(2) * np.abs(t), _implied_means(m), df)
    p = np.minimum(tail_probability(t, df), 1 - 1e-16)
    return (m - 1) / m * range_tail - np.expm1(m * np.log1p(-p)) / m


def _dunnettx(family: TestFamily, seed: Seed) -> tuple[FloatArray, float]:
    return _at_least_raw(_dunnettx_tail(family.statistic, family.df, family.size), family), 0.0


def _at_least_raw(p: FloatArray, family: TestFamily) -> FloatArray:
    """An adjusted p is never below the raw one; quadrature knows that only to 1e-11."""
    return np.maximum(p, tail_probability(family.statistic, family.df))


def _mvt(family: TestFamily, seed: Seed) -> tuple[FloatArray, float]:
    valid = np.isfinite(family.statistic)
    if family.covariance is None:
        raise UnknownNameError("mvt needs the covariance of the estimates.")
    covariance = family.covariance[np.ix_(valid, valid)]
    one_sided = family.one_sided
    df = family.df[valid]
    result = max_t_sf(family.towards[valid], covariance, df, one_sided=one_sided, seed=seed)
    p = np.full(valid.shape, np.nan)
    raw = tail_probability(family.statistic[valid], df, family.side)
    # Sidak's (two-sided) and Bonferroni's inequalities hold for every correlation; in the far
    # tail they are closer than any sample of directions.
    ceiling = FROM_P["bonferroni" if one_sided else "sidak"](raw)
    p[valid] = np.clip(result.p, raw, np.maximum(ceiling, raw))
    return p, result.error


def _step_down(name: str, family: TestFamily, seed: Seed) -> tuple[FloatArray, float]:
    valid = np.isfinite(family.statistic)
    if family.covariance is None:
        raise UnknownNameError(f"{name} needs the covariance of the estimates.")
    statistic, covariance = family.statistic[valid], family.covariance[np.ix_(valid, valid)]
    df = float(family.df[valid].min())
    raw = tail_probability(statistic, df, family.side)
    p, error = np.full(valid.shape, np.nan), 0.0
    if name == "shaffer":
        p[valid] = shaffer_p(statistic, raw, covariance)
        return p, error
    if name == "free":
        one_sided = family.one_sided
        result = free_p(family.towards[valid], covariance, df, one_sided=one_sided, seed=seed)
    else:
        result = westfall_p(statistic, raw, covariance, df, seed=seed)
    p[valid] = np.maximum(result.p, raw)
    return p, result.error


_FROM_STATISTIC: dict[str, Callable[[TestFamily, Seed], tuple[FloatArray, float]]] = {
    "tukey": _tukey,
    "scheffe": _scheffe,
    "dunnettx": _dunnettx,
    "mvt": _mvt,
    "free": partial(_step_down, "free"),
    "westfall": partial(_step_down, "westfall"),
    "shaffer": partial(_step_down, "shaffer"),
}
_P_METHODS = (
    "none", "tukey", "sidak", "bonferroni", "holm", "hochberg", "hommel", "BH", "BY",
    "scheffe", "dunnettx", "mvt", "free", "westfall", "shaffer",
)  # fmt: skip


_ONE_SIDED = {"tukey": "sidak", "scheffe": "sidak", "dunnettx": "sidak"}
_UNCONSTRAINED = {"westfall": "free", "shaffer": "holm"}
"""What takes the place of methods whose logic is that of equalities."""
_DISTANCE = {"mvt": "bonferroni", "free": "holm"}
"""What takes the place of methods that need the correlations of the statistics."""
_INTERVALS = {
    "holm": "bonferroni", "hochberg": "bonferroni", "hommel": "bonferroni", "BH": "bonferroni",
    "BY": "bonferroni", "shaffer": "bonferroni", "free": "mvt", "westfall": "mvt",
}  # fmt: skip
"""The intervals given with methods that have none of their own."""


def _implied_means(m: float) -> float:
    """k of the k(k-1)/2 = m pairs."""
    return (1 + np.sqrt(1 + 8 * m)) / 2


def effective_method(method: str | None, family: TestFamily) -> str:
    """What is used: nothing for one test (Scheffe excepted), sidak for one-sided ranges."""
    name = canonical(method)
    if family.one_sided:
        name = _ONE_SIDED.get(name, name)
    if family.one_sided or not family.constrained:
        name = _UNCONSTRAINED.get(name, name)
    if family.distance:
        name = _DISTANCE.get(name, name)
    return "none" if family.size <= 1 and name != "scheffe" else name


def _words(name: str, family: TestFamily, what: str) -> str:
    if name == "none":
        return ""
    if name == "tukey":
        means = family.means if family.means is not None else _implied_means(family.size)
        return f"tukey method for comparing a family of {means:.4g} estimates"
    if name == "scheffe":
        return f"scheffe method with rank {family.ranked()}"
    return f"{name} method for {family.size} {what}"


def adjust_family(family: TestFamily, method: str | None, seed: Seed = 0) -> Adjusted:
    """Adjusted p-values of one family of tests.

    Parameters
    ----------
    family : TestFamily
    method : str or None
        One of :func:`adjustments`.
    seed : int, Generator or None
        For ``mvt``.

    Returns
    -------
    Adjusted
        ``values`` in the order of the statistics; ``method`` the one that was used: tukey,
        scheffe and dunnettx become sidak for one-sided tests, westfall and shaffer free and
        holm (also when the hypotheses cannot all be true); in equivalence tests mvt and free
        become bonferroni and holm; one test is not adjusted.

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.inference.adjust import TestFamily, adjust_family
    >>> family = TestFamily(np.array([2.391, 1.0, 0.5]), np.full(3, 40.0), means=3)
    >>> adjust_family(family, "tukey").values.round(4)
    array([0.0551, 0.5812, 0.8717])
    """
    name = effective_method(method, family)
    error = 0.0
    if name in FROM_P:
        values = adjust_p(tail_probability(family.statistic, family.df, family.side), name)
    else:
        values, error = _FROM_STATISTIC[name](family, seed)
    return Adjusted(values, name, _words(name, family, "tests"), error)


# ----------------------------------------------------------------- intervals


def critical_values(
    family: TestFamily, level: float, method: str | None, seed: Seed = 0
) -> Adjusted:
    """Multipliers c of the standard errors in estimate +- c se, one an estimate.

    holm, hochberg, hommel, BH, BY and shaffer have no intervals of their own: Bonferroni's are
    given, as the field's software does (free and westfall: those of mvt), and ``method`` says so.
    One-sided families get one-sided limits.

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.inference.adjust import TestFamily, critical_values
    >>> family = TestFamily(np.ones(15), np.full(15, 40.0), means=6)
    >>> print(f"{critical_values(family, 0.95, 'tukey').values[0]:.6f}")
    2.992224
    """
    name = effective_method(method, family)
    name = _INTERVALS.get(name, name)
    if name in ("none", "sidak", "bonferroni"):
        values = t_quantile(_upper_tail(name, level, family), family.df)
    else:
        values = np.full(family.df.shape, np.nan)
        for df in np.unique(family.df[~np.isnan(family.df)]):
            values[family.df == df] = _critical(name, replace(family), level, float(df), seed)
    return Adjusted(values, name, _words(name, family, "estimates"))


def _upper_tail(name: str, level: float, family: TestFamily) -> float:
    sides = 1 if family.one_sided else 2
    if name == "sidak":
        return float(-np.expm1(np.log(level) / family.size)) / sides
    return (1 - level) / (sides * (family.size if name == "bonferroni" else 1))


def _critical(name: str, family: TestFamily, level: float, df: float, seed: Seed) -> float:
    from scipy.optimize import brentq

    m = family.size
    if name == "tukey":
        means = family.means if family.means is not None else _implied_means(m)
        return studentized_range_quantile(level, means, df) / np.sqrt(2)
    if name == "scheffe":
        rank = family.ranked()
        known = np.isinf(df)
        return float(np.sqrt(chdtri(rank, 1 - level) if known else rank * fdtri(rank, df, level)))
    if name == "dunnettx":

        def excess(c: float) -> float:
            return float(_dunnettx_tail(np.array(c), np.array(df), m)) - (1 - level)

        return float(brentq(excess, 1e-6, 2 * float(t_quantile((1 - level) / (2 * m), df))))
    valid = np.isfinite(family.statistic)
    if family.covariance is None:
        raise UnknownNameError("mvt needs the covariance of the estimates.")
    covariance = family.covariance[np.ix_(valid, valid)]
    return max_t_quantile(level, covariance, df, one_sided=family.one_sided, seed=seed)
