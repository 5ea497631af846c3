"""Joint tests of terms by contrasts of marginal means: whatever the coding of the factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.errors import UnknownNameError
from glmmlab.inference.anova import AnovaTable
from glmmlab.inference.contrasts import contrast_family, interaction_family, plain_label
from glmmlab.inference.estimable import estimable_combinations
from glmmlab.inference.f_tests import title_of
from glmmlab.inference.linear import (
    DegreesOfFreedom,
    LinearEstimates,
    panels,
)
from glmmlab.inference.model_parts import (
    ModelPart,
    conditional_mean,
    default_df,
    linear_part,
    prior_weights,
)
from glmmlab.inference.nesting import nesting_note, with_nests
from glmmlab.inference.own_columns import own_name
from glmmlab.inference.reference_grid import (
    ReferenceGrid,
    around_mean,
    averaging_matrix,
    build_grid,
    few_values,
    mean_or_few_values,
    with_values,
)
from glmmlab.inference.result_table import NOT_ESTIMABLE
from glmmlab.inference.runaway import separation_notes
from glmmlab.inference.wald import joint_test

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate
    from glmmlab.formula.fixed import Variable


@dataclass(frozen=True)
class _Grid:
    """A part of the model on its grid, and the by-predictors."""

    part: ModelPart
    grid: ReferenceGrid
    by: tuple[str, ...]
    df: DegreesOfFreedom

    def estimates(self, rows: FloatArray, labels: pd.DataFrame | None = None) -> LinearEstimates:
        """Differences of grid rows: no offset, nothing but coefficients."""
        part = self.part
        labels = pd.DataFrame(index=range(len(rows))) if labels is None else labels
        return LinearEstimates(
            labels, rows @ part.rows, part.params, part.cov, np.zeros(len(rows)), self.df,
            part.null_basis,
        )  # fmt: skip


def joint_tests(
    estimate: Estimate,
    by: str | Sequence[str] | None = None,
    component: str = "conditional",
    df: DegreesOfFreedom | None = None,
    cov: FloatArray | None = None,
    confounded: bool = False,
) -> AnovaTable:
    """Tests of every term that do not depend on how the factors are coded.

    For each set of predictors that stand together in a term: equal-weight marginal means,
    products of consecutive contrasts, one joint Wald test.  Numeric predictors enter with the
    values mean - 1 and mean + 1, so that their rows test slopes at the average; those that share
    no term with what is tested stay at one value, which does not matter.  With balanced
    weights these are the type III tests under sum coding and centred covariates.  A factor
    nested in others is tested inside its nests.

    Parameters
    ----------
    estimate : Estimate
    by : str or list of str, optional
        Test within each combination of these predictors.
    component : str
        ``conditional``, ``zero_inflation`` or ``dispersion``.
    df, cov : optional
        As in :func:`glmmlab.inference.emmeans.emmeans`.
    confounded : bool
        Add a row ``(confounded)`` for the estimable differences between cells that lie outside
        the contrasts of all rows above it: with empty cells there are such.

    Returns
    -------
    AnovaTable
        ``.frame`` indexed by term (and the by-predictors): ``chisq, df, p``; empty cells cost a
        term degrees of freedom or its row, and the notes say so.  With finite
        denominator degrees of freedom also ``df_resid``, and p from F = chisq / df; with `df`
        given ``F, df, df_resid, p``.

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    >>> fit.joint_tests().frame["chisq"].round(3).to_dict()
    {'extract': 36.774, 'gen': 2.518, 'extract:gen': 6.448}
    """
    panels_ = (by,) if isinstance(by, str) else tuple(by or ())
    part = linear_part(estimate, component, cov)
    design = estimate.design
    grid = build_grid([part.fixed], design.data, prior_weights(estimate), covariates=_one_value)
    unknown = [name for name in panels_ if name not in grid.values]
    if unknown:
        raise UnknownNameError(
            f"by= names {unknown[0]!r}; the predictors are {', '.join(grid.values)}."
        )
    degrees = df if df is not None else default_df(estimate, component)
    space = _Grid(part, grid, panels_, degrees)
    subsets = _subsets(space)
    tables, lost = [], []
    for subset in subsets:
        advice = f"The test of {':'.join(subset)} needs them all; see anova() for others."
        table, fewer = _rows(_around(space, design.data, subset, advice), subset)
        tables.append(table)
        lost += fewer
    if confounded:
        whole = _around(space, design.data, tuple(grid.values), "confounded=True needs them all.")
        tables.append(_confounded(whole, subsets))
    tables = [table for table in tables if len(table)]
    frame = pd.concat(tables) if tables else _table([], [], panels_)
    kind = "F tests (F = chisq / df)"
    if df is not None:
        frame.insert(0, "F", frame.pop("chisq") / frame["df"])
        frame = frame[["F", "df", "df_resid", "p"]]
        kind = f"F tests, {title_of(degrees)}"
    elif np.isinf(frame["df_resid"]).all():
        frame = frame.drop(columns="df_resid")
        kind = "Wald chi-square tests, asymptotic"
    return AnovaTable(
        frame.rename(columns={name: own_name(name, panels_) for name in frame.columns}),
        f"Joint tests of the terms: {kind}",
        (
            "Contrasts of equal-weight marginal means: the coding does not matter.",
            *nesting_note(grid.nesting, list(grid.values)),
            *_lost_note(lost, confounded),
            *separation_notes(estimate, component),
        ),
    )


def _one_value(variable: Variable) -> tuple[float, ...]:
    """One value of a number, but all that has levels: a factor may be nested in it."""
    found = mean_or_few_values(variable)
    return found[:1] if variable.levels is None else found


def _values_tested(variable: Variable) -> tuple[float, ...]:
    few = few_values(variable) or ()
    return few if len(few) > 1 else around_mean(variable)


def _around(space: _Grid, data: pd.DataFrame, subset: Sequence[str], advice: str) -> _Grid:
    """The grid in which the numbers vary that are tested, or share a term with what is."""
    near = {*subset, *space.by}
    near |= set().union(*(c for c in space.part.term_columns if not c.isdisjoint(subset)))
    values = {
        name: _values_tested(variable)
        for name, variable in space.part.fixed.variables.items()
        if variable.kind == "numeric" and name in near
    }
    grid = with_values(space.grid, data, values, advice)
    return replace(space, grid=grid, part=conditional_mean(space.part, grid, None))


def _subsets(space: _Grid) -> list[tuple[str, ...]]:
    """Sets of predictors that stand together in a term, nested ones with their nests."""
    variables = space.part.fixed.variables
    names = [
        n
        for n, values in space.grid.values.items()
        if n not in space.by and (variables[n].kind == "numeric" or len(values) > 1)
    ]
    together: set[tuple[int, ...]] = set()
    for columns in space.part.term_columns:
        inside = [place for place, name in enumerate(names) if name in columns]
        for size in range(1, len(inside) + 1):
            together |= set(combinations(inside, size))
    found: dict[tuple[str, ...], None] = {}
    for places in sorted(together, key=lambda p: (len(p), p)):
        whole = with_nests([names[place] for place in places], (), space.grid.nesting)
        found[tuple(n for n in names if n in whole)] = None
    return sorted(found, key=len)


def _contrast_rows(space: _Grid, subset: Sequence[str], cells: pd.DataFrame) -> FloatArray:
    """Products of consecutive contrasts of the cells (of one by-group), nest by nest."""
    nests = [
        name
        for name in subset
        if any(name in space.grid.nesting.get(other, ()) for other in subset)
    ]
    crossed = [name for name in subset if name not in nests]
    blocks = []
    for _, index in panels(cells, nests):
        inside = cells.iloc[index][crossed]
        families = [
            contrast_family("consec", [str(v) for v in dict.fromkeys(inside[name])])
            for name in crossed
        ]
        block = np.zeros((int(np.prod([len(f.pieces) for f in families])), len(cells)))
        block[:, index] = interaction_family(families)
        blocks.append(block)
    return np.vstack(blocks)


def _rows(space: _Grid, subset: Sequence[str]) -> tuple[pd.DataFrame, list[tuple[str, int, int]]]:
    """Test of one set of predictors, one row a by-group; and what lost degrees of freedom.

    Of these their name, the degrees of freedom that are left and those that all cells would give.
    """
    matrix, labels = averaging_matrix(space.grid, (*subset, *space.by))
    rows, keys, lost = [], [], []
    for key, index in panels(labels, space.by):
        contrasts = _contrast_rows(space, subset, labels.iloc[index][list(subset)])
        linear, name = space.estimates(contrasts @ matrix[index]), _term_name(space.part, subset)
        test = joint_test(linear, "")
        if test.df:  # of empty cells nothing may be left to test
            rows.append((test.chisq, test.df, test.p, test.df_resid))
            keys.append((name, *key))
        whole = len(_basis(linear.rows))
        if test.df < whole and not linear.estimable.all():
            at = [f"{n} = {plain_label(v)}" for n, v in zip(space.by, key, strict=True)]
            lost.append((f"{name} at {', '.join(at)}" if at else name, test.df, whole))
    return _table(rows, keys, space.by), lost


def _lost_note(lost: Sequence[tuple[str, int, int]], confounded: bool) -> tuple[str, ...]:
    """Which terms empty cells leave no test, or a test of a part of them."""
    none = ", ".join(name for name, df, _ in lost if not df)
    fewer = ", ".join(f"{name} ({df} of {whole} df)" for name, df, whole in lost if df)
    words = []
    if none:
        words.append(f"No test of {none}")
    if fewer:
        words.append(f"{'a' if none else 'A'} test of what can be estimated of {fewer}")
    if not words:
        return ()
    more = "" if confounded else " confounded=True tests what the rows leave out."
    return (f"{', and '.join(words)}: {NOT_ESTIMABLE}.{more}",)


def _term_name(part: ModelPart, subset: Sequence[str]) -> str:
    """The formula's own name for this set of predictors, if it has one."""
    for term, columns in zip(part.fixed.terms, part.term_columns, strict=True):
        if columns == set(subset) and len(term.variables) == len(subset):
            return term.name
    return ":".join(subset)


def _table(rows: list, keys: list, by: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["chisq", "df", "p", "df_resid"])
    frame = frame.astype({"chisq": float, "df": int, "p": float, "df_resid": float})
    if by and keys:
        frame.index = pd.MultiIndex.from_tuples(keys, names=[own_name("term", by), *by])
    else:
        frame.index = pd.Index([k[0] for k in keys], name="term")
    return frame


def _confounded(space: _Grid, subsets: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Test of what the rows of all subsets leave out."""
    everything = [n for n in space.grid.values if n not in space.by]
    matrix, labels = averaging_matrix(space.grid, (*everything, *space.by))
    rows, keys = [], []
    for key, index in panels(labels, space.by):
        steps = contrast_family("consec", [str(i) for i in index]).coefficients
        whole = estimable_combinations(space.estimates(steps @ matrix[index]))
        tested = [np.zeros((0, space.part.params.size))]
        for subset in subsets:
            means, cells = averaging_matrix(space.grid, (*subset, *space.by))
            for other, chosen in panels(cells, space.by):
                if other == key:
                    contrasts = _contrast_rows(space, subset, cells.iloc[chosen][list(subset)])
                    tests = estimable_combinations(space.estimates(contrasts @ means[chosen]))
                    tested.append(tests.rows)
        known = np.vstack(tested)
        left = _outside(whole.rows, known, whole.cov)
        test = joint_test(LinearEstimates(
            pd.DataFrame(index=range(len(left))), left, whole.params, whole.cov,
            np.zeros(len(left)), whole.df,
        ), "")  # fmt: skip
        if test.df:
            rows.append((test.chisq, test.df, test.p, test.df_resid))
            keys.append(("(confounded)", *key))
    return _table(rows, keys, space.by)


def _outside(rows: FloatArray, known: FloatArray, cov: FloatArray) -> FloatArray:
    """Rows of span(rows) whose estimates are uncorrelated with those of span(known).

    Their joint test is W(rows) - W(known), as in type II tests.
    """
    whole, tested = _basis(rows), _basis(known)
    if tested.size:
        covariance = tested @ cov @ tested.T
        whole = whole - whole @ cov @ tested.T @ np.linalg.solve(covariance, tested)
    return _basis(whole, 1e-6)


def _basis(rows: FloatArray, tolerance: float = 1e-8) -> FloatArray:
    """Orthonormal rows with the same span."""
    _, s, vt = np.linalg.svd(rows, full_matrices=False)
    return vt[s > tolerance * max(float(s.max(initial=0.0)), 1.0)]
