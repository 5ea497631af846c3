"""Linear functions of estimated parameters: values, standard errors, intervals and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from glmmlab._arguments import confidence_level
from glmmlab._types import BoolArray, FloatArray, Seed
from glmmlab.errors import UnknownNameError
from glmmlab.inference.adjust import (
    Adjusted,
    TestFamily,
    adjust_family,
    adjust_p,
    canonical,
    critical_values,
)
from glmmlab.inference.estimable import estimable_rows
from glmmlab.inference.p_adjust import FROM_P

DegreesOfFreedom = float | Callable[[FloatArray], FloatArray]
"""One number, or a function from rows (m, p) of coefficients to their degrees of freedom (m,)."""

_SATISFIED = 1e-6
"""Of a standard error: hypotheses that contradict one another by less do not."""


@dataclass(frozen=True)
class LinearEstimates:
    """Rows L of an estimated parameter vector: L b + offset, with what is needed to test them.

    Attributes
    ----------
    labels : DataFrame, shape (m, ...)
        What each row is (levels of factors, or the name of a contrast).
    rows : ndarray, shape (m, p)
        Coefficients of the parameters.
    params, cov : ndarray, shape (p,) and (p, p)
        Parameters and covariance; zeros for aliased ones, whose part in a row does not matter
        when the row is estimable.
    offset : ndarray, shape (m,)
        Known constants.
    df : float or callable
        Degrees of freedom: one number, or a function of rows (Satterthwaite's, say).
    null_basis : ndarray, shape (p, q), or None
        Basis of the null space of the model matrix; a row is estimable when orthogonal to it.
    runaway : ndarray, shape (p, q), or None
        Directions without a finite estimate (separated data): rows that are not orthogonal to
        them have none either.
    at_limit : bool
        Whether such rows stand at their limit, a mean of 0 say: then they have no standard error.
    """

    labels: pd.DataFrame
    rows: FloatArray
    params: FloatArray
    cov: FloatArray
    offset: FloatArray
    df: DegreesOfFreedom = float("inf")
    null_basis: FloatArray | None = None
    runaway: FloatArray | None = None
    at_limit: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def estimable(self) -> BoolArray:
        """Which rows the data can estimate."""
        return estimable_rows(self.rows, self.null_basis)

    @cached_property
    def separated(self) -> BoolArray:
        """Which rows have no finite estimate."""
        return self.estimable & ~estimable_rows(self.rows, self.runaway)

    @cached_property
    def testable(self) -> BoolArray:
        """Which rows have a standard error."""
        return self.estimable & ~self.separated if self.at_limit else self.estimable

    @cached_property
    def estimate(self) -> FloatArray:
        """L b + offset; NaN where not estimable."""
        return np.where(self.estimable, self.rows @ self.params + self.offset, np.nan)

    @cached_property
    def covariance(self) -> FloatArray:
        """L V L'."""
        return self.rows @ self.cov @ self.rows.T

    @cached_property
    def se(self) -> FloatArray:
        """Standard errors; NaN where not estimable, and at a limit."""
        variance = np.einsum("ij,jk,ik->i", self.rows, self.cov, self.rows)
        with np.errstate(invalid="ignore"):
            return np.where(self.testable, np.sqrt(np.maximum(variance, 0.0)), np.nan)

    @cached_property
    def degrees(self) -> FloatArray:
        """Degrees of freedom of each row."""
        if callable(self.df):
            values = np.asarray(self.df(self.rows), float)
        else:
            values = np.full(len(self), float(self.df))
        return np.where(self.estimable, values, np.nan)

    @property
    def asymptotic(self) -> bool:
        """Whether all tests are z tests."""
        return not callable(self.df) and bool(np.isinf(self.df))

    def combine(self, coefficients: FloatArray, labels: pd.DataFrame) -> LinearEstimates:
        """Linear functions of these rows: `coefficients` (q, m) with their labels."""
        return replace(
            self,
            labels=labels,
            rows=coefficients @ self.rows,
            offset=coefficients @ self.offset,
        )

    def plus(self, constants: FloatArray) -> LinearEstimates:
        """The same rows, each with a known constant added."""
        return replace(self, offset=self.offset + constants)

    def take(self, index: Sequence[int] | np.ndarray) -> LinearEstimates:
        """Some of the rows, in the order given."""
        index = np.asarray(index, dtype=np.intp)
        return replace(
            self,
            labels=self.labels.iloc[index].reset_index(drop=True),
            rows=self.rows[index],
            offset=self.offset[index],
        )

    def satisfiable(self, null: float = 0.0) -> bool:
        """Whether some parameters make all rows that can be estimated equal `null`.

        >>> pairs = np.array([[1.0, -1, 0], [0, 1, -1], [1, 0, -1]])
        >>> equal = LinearEstimates(
        ...     pd.DataFrame(index=range(3)), pairs, np.zeros(3), np.eye(3), np.zeros(3)
        ... )
        >>> equal.satisfiable(), equal.satisfiable(1.0)
        (True, False)
        """
        rows, target = self.rows[self.estimable], (null - self.offset)[self.estimable]
        if not target.any():
            return True
        columns = np.linalg.norm(rows, axis=0)
        rows = rows / np.where(columns > 0.0, columns, 1.0)
        se = self.se[self.estimable]
        unit = np.where(se > 0.0, se, 1.0)
        rows, target = rows / unit[:, None], target / unit
        left = target - rows @ np.linalg.lstsq(rows, target, rcond=1e-10)[0]
        return bool(np.abs(left).max() <= _SATISFIED)

    @np.errstate(over="ignore", invalid="ignore")
    def transformed(self, values: FloatArray, slopes: FloatArray) -> LinearEstimates:
        """New parameters `values`, one a row, whose derivatives in the estimates are `slopes`.

        Rows whose value or variance is beyond the largest float count as not estimable.
        """
        jacobian = slopes[:, None] * self.rows
        variance = np.einsum("ij,jk,ik->i", jacobian, self.cov, jacobian)
        keep = np.isfinite(values) & np.isfinite(variance)
        jacobian = np.where(keep[:, None], jacobian, 0.0)
        m = len(self)
        lost = np.eye(m)[:, ~(keep & self.estimable)]
        return LinearEstimates(
            self.labels,
            np.eye(m),
            np.where(keep, values, 0.0),
            jacobian @ self.cov @ jacobian.T,
            np.zeros(m),
            _cell_degrees(self.degrees),
            lost if lost.size else None,
            np.eye(m)[:, self.separated] if self.separated.any() else None,
            at_limit=True,
        )

    def without_limits(self) -> LinearEstimates:
        """The same rows; those at a limit count as not estimable."""
        if not self.at_limit or self.runaway is None:
            return self
        parts = [basis for basis in (self.null_basis, self.runaway) if basis is not None]
        return replace(self, null_basis=np.hstack(parts), runaway=None)


def _cell_degrees(degrees: FloatArray) -> DegreesOfFreedom:
    """Degrees of freedom after regridding: the common ones, else the smallest involved."""
    finite = degrees[~np.isnan(degrees)]
    if finite.size == 0:
        return float("inf")
    if np.isinf(finite).all() or np.ptp(finite) < 0.01:
        return float(finite.mean())

    def smallest(rows: FloatArray) -> FloatArray:
        involved = np.where(np.abs(rows) > 1e-12, degrees, np.inf)
        return np.nanmin(involved, axis=1)

    return smallest


def panels(labels: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[tuple, np.ndarray]]:
    """By-groups in order of appearance: their values and the positions of their rows."""
    if not by:
        yield (), np.arange(len(labels))
        return
    keys = list(zip(*(labels[name].tolist() for name in by), strict=True))
    for key in dict.fromkeys(keys):
        yield key, np.array([i for i, other in enumerate(keys) if other == key], dtype=np.intp)


@dataclass(frozen=True)
class Families:
    """How rows are grouped for adjustment.

    Attributes
    ----------
    by : tuple of str
        Columns whose combinations are separate families.
    pairs : bool
        All pairwise differences: Tukey's method applies, with `means` means a family.
    means : int or None
    across : str
        Adjustment of each row for its namesakes in the other by-groups, after that in its own.
    """

    by: tuple[str, ...] = ()
    pairs: bool = False
    means: int | None = None
    across: str = "none"


@dataclass(frozen=True)
class RowTests:
    """Statistics and adjusted p-values of rows, with the words for the table's foot."""

    statistic: FloatArray
    p: FloatArray
    method: str
    notes: tuple[str, ...]
    error: float


SIDES = {
    "two-sided": "two-sided", "two.sided": "two-sided", "equivalence": "two-sided",
    "greater": "greater", "noninferiority": "greater", "right": "greater", ">": "greater",
    "less": "less", "nonsuperiority": "less", "left": "less", "<": "less",
}  # fmt: skip


def resolve_side(side: str) -> str:
    """ "two-sided", "greater" or "less" from any of their names."""
    if side not in SIDES:
        raise UnknownNameError(f"Unknown side {side!r}; choose one of {', '.join(SIDES)}.")
    return SIDES[side]


def _family(
    linear: LinearEstimates, index: np.ndarray, families: Families, statistic: FloatArray, side: str
) -> TestFamily:
    """The rows of one by-group as a family of tests or of intervals."""
    sub = statistic[index]
    means: float | None = None
    if families.pairs and families.means is not None:
        complete = bool(np.isfinite(sub).all())
        means = float(families.means) if complete else None
    covariance = linear.covariance[np.ix_(index, index)]
    return TestFamily(sub, linear.degrees[index], covariance, means, _rank(linear, index), side)


def _rank(linear: LinearEstimates, index: np.ndarray) -> int:
    rows = linear.rows[index][linear.testable[index]]
    return max(int(np.linalg.matrix_rank(rows)), 1) if rows.size else 1


def _resolve_method(method: str, families: Families) -> str:
    """Tukey's method is for pairwise differences; other families get sidak instead."""
    return "sidak" if method == "tukey" and not families.pairs else method


def wald_tests(
    linear: LinearEstimates,
    families: Families,
    adjust: str,
    *,
    null: float = 0.0,
    delta: float = 0.0,
    side: str = "two-sided",
    seed: Seed = 0,
) -> RowTests:
    """Test each row against a null value, adjusted within its by-group.

    With ``delta > 0``: equivalence (two-sided: \\|estimate - null\\| < delta), noninferiority
    ("greater": estimate > null - delta) or nonsuperiority ("less": estimate < null + delta).
    """
    side = resolve_side(side)
    method = _resolve_method(adjust, families)
    difference = linear.estimate - null
    tail = side
    if delta > 0:
        shift = {"two-sided": np.abs(difference) - delta, "greater": difference + delta}
        difference = shift.get(side, difference - delta)
        tail = "less" if side == "two-sided" else side
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = difference / linear.se
    p = np.full(len(linear), np.nan)
    results: list[Adjusted] = []
    for _, index in panels(linear.labels, families.by):
        family = replace(
            _family(linear, index, families, statistic, tail),
            distance=delta > 0 and side == "two-sided",
            constrained=linear.take(index).satisfiable(null),
        )
        results.append(adjust_family(family, method, seed))
        p[index] = results[-1].values
    notes = _notes(results, adjust, "P-values adjusted by the")
    if families.across != "none":
        p = _across(p, linear.labels, families)
        notes += (_across_note("P-values", linear.labels, families.across, families),)
    error = max((r.error for r in results), default=0.0)
    used = next((r.method for r in results if r.method != "none"), "none")
    return RowTests(statistic, p, used, notes, error)


def interval_rows(
    linear: LinearEstimates,
    families: Families,
    level: float,
    adjust: str,
    *,
    side: str = "two-sided",
    seed: Seed = 0,
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Limits estimate -+ c se of each row and the words on how c was found."""
    level = confidence_level(level)
    side = resolve_side(side)
    method = _resolve_method(adjust, families)
    half = np.full(len(linear), np.nan)
    results = []
    across = "sidak" if families.across == "sidak" else "bonferroni"
    groups = _groups(linear.labels, families) if families.across != "none" else 1
    inner = level ** (1 / groups) if across == "sidak" else 1 - (1 - level) / groups
    for _, index in panels(linear.labels, families.by):
        present = np.where(linear.testable, 1.0, np.nan)
        family = _family(linear, index, families, present, side)
        results.append(critical_values(family, inner, method, seed))
        half[index] = results[-1].values * linear.se[index]
    lower = linear.estimate - half if side != "less" else np.full(len(linear), -np.inf)
    upper = linear.estimate + half if side != "greater" else np.full(len(linear), np.inf)
    missing = ~linear.testable
    lower, upper = np.where(missing, np.nan, lower), np.where(missing, np.nan, upper)
    notes = _notes(results, adjust, "Intervals adjusted by the")
    if groups > 1:
        notes += (_across_note("Intervals", linear.labels, across, families),)
    return lower, upper, notes


def crossed(families: Families, method: str) -> Families:
    """The same families, adjusted across by-groups too.

    Raises
    ------
    UnknownNameError
    """
    name = canonical(method)
    if name not in FROM_P:
        raise UnknownNameError(
            f"{name!r} cannot adjust across groups; choose one of {', '.join(FROM_P)}."
        )
    if not families.by:
        raise UnknownNameError("There are no by-groups to adjust across: give by= first.")
    return replace(families, across=name)


def _groups(labels: pd.DataFrame, families: Families) -> int:
    return sum(1 for _ in panels(labels, families.by))


def _across(p: FloatArray, labels: pd.DataFrame, families: Families) -> FloatArray:
    """P-values adjusted for the rows of the same name in the other by-groups."""
    own = [name for name in labels.columns if name not in families.by]
    result = np.empty_like(p)
    for _, index in panels(labels, own):
        result[index] = adjust_p(p[index], families.across)
    return result


def _across_note(what: str, labels: pd.DataFrame, method: str, families: Families) -> str:
    by = " and ".join(families.by)
    groups = _groups(labels, families)
    return f"{what} adjusted across the {groups} groups of {by} by the {method} method."


def _notes(results: Sequence[Adjusted], asked: str, words: str) -> tuple[str, ...]:
    """One sentence a method, and one if it is not the method asked for."""
    notes = [f"{words} {note}." for note in dict.fromkeys(r.note for r in results if r.note)]
    used = {r.method for r in results if r.method != "none"}
    changed = sorted(used - {asked})
    if changed and asked != "none":
        notes.append(f"adjust={asked!r} does not apply here and was changed to {changed[0]!r}.")
    return tuple(notes)
