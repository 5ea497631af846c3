"""Wald chi-square tests of the terms of a model: types II and III, and coding-free joint tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._tables import Document, Table, format_fixed, format_p
from glmmlab._types import FloatArray
from glmmlab.errors import UnknownNameError
from glmmlab.inference.contrasts import contrast_family, interaction_family
from glmmlab.inference.linear import DegreesOfFreedom, LinearEstimates, panels
from glmmlab.inference.model_parts import (
    ModelPart,
    conditional_mean,
    default_df,
    linear_part,
    part_of,
    prior_weights,
)
from glmmlab.inference.reference_grid import (
    ReferenceGrid,
    around_mean,
    averaging_matrix,
    build_grid,
)
from glmmlab.inference.wald import chi_square_tail, joint_test, wald_chisq

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate, PartEstimate
    from glmmlab.formula.fixed import Term, Variable

_ROMAN = {2: "II", 3: "III"}


@dataclass(frozen=True)
class AnovaTable:
    """Tests of terms.

    Attributes
    ----------
    frame : DataFrame
        Indexed by term; ``chisq, df, p`` (and ``df_resid`` for tests with a finite one).
    heading : str
        Kind of the tests.
    notes : tuple of str
        What to keep in mind.
    """

    frame: pd.DataFrame
    heading: str
    notes: tuple[str, ...] = ()

    def __getitem__(self, column: str) -> pd.Series:
        return self.frame[column]

    def __len__(self) -> int:
        return len(self.frame)

    def _document(self) -> Document:
        frame = self.frame
        by = [str(name) for name in frame.index.names if name != "term"]
        columns = ["term", *by, "chisq", "df"]
        cells: list[list[str]] = [
            [str(v) for v in frame.index.get_level_values(name)] for name in ("term", *by)
        ]
        cells += [format_fixed(frame["chisq"], 4), [f"{d:d}" for d in frame["df"]]]
        if "df_resid" in frame:
            columns.append("df_resid")
            cells.append([f"{d:.4g}" for d in frame["df_resid"]])
        cells.append(_p_cells(frame["p"]))
        table = Table([*columns, "p"], list(zip(*cells, strict=True)), left=1 + len(by))
        return Document([table, "\n".join(self.notes)] if self.notes else [table], self.heading)

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def _p_cells(p: pd.Series) -> list[str]:
    """P-values to four digits; below double precision's eps as a bound, as R prints them."""
    values = p.astype(float)
    return [
        "< 2.2e-16" if value < 2.2e-16 else text
        for value, text in zip(values, format_p(values, 4), strict=True)
    ]


# ------------------------------------------------------------------ types II and III


def anova(
    estimate: Estimate,
    type: int = 2,
    component: str = "conditional",
    cov: FloatArray | None = None,
) -> AnovaTable:
    r"""Wald chi-square test of every term of one part of the model.

    With W(I) = b_I' (V_II)^{-1} b_I for a set I of coefficients and R(T) the other terms that
    contain all variables of T,

        type II:   W(R(T) + T) - W(R(T)),      type III:   W(T).

    Parameters
    ----------
    estimate : Estimate
    type : {2, 3}
        Type II respects marginality and does not depend on the coding.  Type III tests the
        coefficients as fitted, the intercept included: with treatment coding and interactions
        its main effects are simple effects at the baselines, as in R's car.
    component : str
        ``conditional``, ``zero_inflation`` or ``dispersion``.
    cov : ndarray, optional
        Another covariance of the coefficients.

    Returns
    -------
    AnovaTable
        ``.frame`` indexed by term: ``chisq, df, p``; df counts estimable columns only, and a
        term without any has missing ``chisq`` and ``p``.

    Raises
    ------
    UnknownNameError
        An unknown type or component.

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    >>> fit.anova(type=2).frame.round(4)
                   chisq  df       p
    term
    extract      53.3974   1  0.0000
    gen           3.0426   1  0.0811
    extract:gen   6.4477   1  0.0111

    Notes
    -----
    Fox & Weisberg, An R Companion to Applied Regression, 3rd ed., chapters 5-6.
    """
    if type not in _ROMAN:
        raise UnknownNameError(f"type={type!r} is not a type of test; use 2 or 3.")
    part = part_of(estimate, component)
    if component != "conditional" and all(not term.variables for term in part.terms):
        raise UnknownNameError(
            f"The {component} part of the model has no terms to test; give it a formula."
        )
    covariance = part.cov if cov is None else np.asarray(cov, float)
    test = _type_two if type == 2 else _type_three
    rows = {}
    for term in part.terms:
        if term.variables or type == 3:
            rows[term.name] = test(part, covariance, term)
    frame = _frame(rows)
    title = f"Type {_ROMAN[type]} Wald chi-square tests, asymptotic"
    if component != "conditional":
        title += f" ({component.replace('_', ' ')} part)"
    return AnovaTable(frame, title, _notes(part, type))


def _frame(rows: dict[str, tuple[float, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "chisq": [chisq for chisq, _ in rows.values()],
            "df": np.array([df for _, df in rows.values()], dtype=int),
            "p": [chi_square_tail(chisq, df) for chisq, df in rows.values()],
        },
        index=pd.Index(list(rows), name="term"),
    ).astype({"chisq": float, "p": float})


def _columns(part: PartEstimate, terms: Sequence[Term]) -> np.ndarray:
    """Estimable columns of some terms."""
    columns = [c for term in terms for c in term.columns if part.estimable[c]]
    return np.array(sorted(columns), dtype=np.intp)


def _subset(part: PartEstimate, cov: FloatArray, columns: np.ndarray) -> float:
    return wald_chisq(part.params[columns], cov[np.ix_(columns, columns)])


def _type_three(part: PartEstimate, cov: FloatArray, term: Term) -> tuple[float, int]:
    own = _columns(part, [term])
    return (_subset(part, cov, own), own.size) if own.size else (float("nan"), 0)


def _type_two(part: PartEstimate, cov: FloatArray, term: Term) -> tuple[float, int]:
    own = _columns(part, [term])
    if not own.size:
        return float("nan"), 0
    relatives = [
        other for other in part.terms if other is not term and term.variables <= other.variables
    ]
    above = _columns(part, relatives)
    both = np.union1d(above, own)
    # a difference of two sums of squares: rounding may leave a tiny negative number
    return max(_subset(part, cov, both) - _subset(part, cov, above), 0.0), own.size


def _notes(part: PartEstimate, type: int) -> tuple[str, ...]:
    if all(not term.variables for term in part.terms):
        return ("There are no terms to test.",) if type == 2 else ()
    notes = []
    interaction = any(len(term.variables) > 1 for term in part.terms)
    treatment = any("[T." in name for name in part.names)
    if type == 3 and interaction and treatment:
        notes.append(
            "Type III with treatment coding and interactions: rows of main effects test simple "
            "effects at the baseline of the other factors. Use joint_tests(), type II, or sum "
            "coding for tests that do not depend on the coding."
        )
    if not part.estimable.all():
        lost = [n for n, ok in zip(part.names, part.estimable, strict=True) if not ok]
        notes.append(f"Not estimable and left out: {', '.join(lost)}.")
    return tuple(notes)


# ---------------------------------------------------------------------- joint tests


def joint_tests(
    estimate: Estimate,
    by: str | Sequence[str] | None = None,
    component: str = "conditional",
    df: DegreesOfFreedom | None = None,
    cov: FloatArray | None = None,
) -> AnovaTable:
    """Tests of every term that do not depend on how the factors are coded.

    For each set of predictors that stand together in a term: equal-weight marginal means,
    products of consecutive contrasts, one joint Wald test.  Numeric predictors enter with the
    values mean - 1 and mean + 1, so that their rows test slopes at the average.  With balanced
    weights these are the type III tests under sum coding and centred covariates.

    Parameters
    ----------
    estimate : Estimate
    by : str or list of str, optional
        Test within each combination of these predictors.
    component : str
        ``conditional``, ``zero_inflation`` or ``dispersion``.
    df, cov : optional
        As in :func:`glmmlab.inference.emmeans.emmeans`.

    Returns
    -------
    AnovaTable
        ``.frame`` indexed by term (and the by-predictors): ``chisq, df, p``; with finite
        denominator degrees of freedom also ``df_resid``, and p from F = chisq / df.

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
    grid = build_grid([part.fixed], design.data, prior_weights(estimate), covariates=_two_values)
    unknown = [name for name in panels_ if name not in grid.values]
    if unknown:
        raise UnknownNameError(
            f"by= names {unknown[0]!r}; the predictors are {', '.join(grid.values)}."
        )
    part = conditional_mean(part, grid, None)
    degrees = df if df is not None else default_df(estimate, component)
    names = [n for n in grid.values if n not in panels_ and len(grid.values[n]) > 1]
    tables = []
    for size in range(1, len(names) + 1):
        for subset in combinations(names, size):
            if any(set(subset) <= columns for columns in part.term_columns):
                tables.append(_joint_rows(part, grid, subset, panels_, degrees))
    frame = pd.concat(tables) if tables else _frame({})
    if "df_resid" in frame and np.isinf(frame["df_resid"]).all():
        frame = frame.drop(columns="df_resid")
    kind = (
        "F tests (F = chisq / df)" if "df_resid" in frame else "Wald chi-square tests, asymptotic"
    )
    return AnovaTable(
        frame,
        f"Joint tests of the terms: {kind}",
        ("Contrasts of equal-weight marginal means: the coding does not matter.",),
    )


def _two_values(variable: Variable) -> tuple[float, ...]:
    if variable.unique is not None and len(variable.unique) == 2:
        return tuple(float(v) for v in variable.unique)
    return around_mean(variable)


def _term_name(part: ModelPart, subset: Sequence[str]) -> str:
    """The formula's own name for this set of predictors, if it has one."""
    for term, columns in zip(part.fixed.terms, part.term_columns, strict=True):
        if columns == set(subset) and len(term.variables) == len(subset):
            return term.name
    return ":".join(subset)


def _joint_rows(
    part: ModelPart,
    grid: ReferenceGrid,
    subset: Sequence[str],
    by: Sequence[str],
    df: DegreesOfFreedom,
) -> pd.DataFrame:
    """Test of one set of predictors, one row a by-group."""
    matrix, labels = averaging_matrix(grid, (*subset, *by))
    families = [contrast_family("consec", [str(v) for v in grid.values[n]]) for n in subset]
    product = interaction_family(families)
    means = LinearEstimates(
        labels, matrix @ part.rows, part.params, part.cov, np.zeros(len(labels)), df,
        part.null_basis,
    )  # fmt: skip
    rows, keys = [], []
    for key, index in panels(labels, by):
        group = means.take(index)
        contrasts = group.combine(product, pd.DataFrame(index=range(len(product))))
        test = joint_test(replace(contrasts, offset=np.zeros(len(product))), "")
        rows.append((test.chisq, test.df, test.p, test.df_resid))
        keys.append((_term_name(part, subset), *key))
    frame = pd.DataFrame(rows, columns=["chisq", "df", "p", "df_resid"])
    if by:
        frame.index = pd.MultiIndex.from_tuples(keys, names=["term", *by])
    else:
        frame.index = pd.Index([k[0] for k in keys], name="term")
    return frame
