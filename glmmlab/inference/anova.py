"""Wald chi-square tests of the terms of a model: types II and III, and coding-free joint tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import linalg

from glmmlab._tables import Document, Exported, Table, format_fixed, format_p
from glmmlab._types import FloatArray
from glmmlab.errors import UnknownNameError
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.f_tests import FTest, JointDegrees, title_of
from glmmlab.inference.model_parts import part_of
from glmmlab.inference.own_columns import own_kind
from glmmlab.inference.runaway import separation_notes
from glmmlab.inference.wald import chi_square_tail, wald_chisq

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate, PartEstimate
    from glmmlab.formula.fixed import Term

_ROMAN = {2: "II", 3: "III"}
_TYPES: dict[object, int] = {2: 2, 3: 3, "II": 2, "III": 3, "2": 2, "3": 3}


@dataclass(frozen=True)
class AnovaTable(Exported):
    """Tests of terms.

    Attributes
    ----------
    frame : DataFrame
        Indexed by term; ``chisq, df, p`` (and ``df_resid`` for tests with a finite one), or
        ``F, df, df_resid, p`` where degrees of freedom were asked for.  Where a predictor of the
        index has one of these names, or is called ``term``, ours ends in an underscore.
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
        frame = self.frame.rename(columns=own_kind)
        statistic = "F" if "F" in frame else "chisq"
        names = list(map(str, frame.index.names))
        columns = [*names, statistic, "df"]
        cells: list[list[str]] = [
            [plain_label(v) for v in frame.index.get_level_values(i)] for i in range(len(names))
        ]
        cells += [format_fixed(frame[statistic], 4), [f"{d:d}" for d in frame["df"]]]
        if "df_resid" in frame:
            columns.append("df_resid")
            cells.append([f"{d:.4g}" for d in frame["df_resid"]])
        cells.append(_p_cells(frame["p"]))
        table = Table([*columns, "p"], list(zip(*cells, strict=True)), left=len(names))
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
    type: int | str = 2,
    component: str = "conditional",
    cov: FloatArray | None = None,
    df: JointDegrees | float | None = None,
) -> AnovaTable:
    r"""Wald chi-square test of every term of one part of the model.

    With W(I) = b_I' (V_II)^{-1} b_I for a set I of coefficients and R(T) the other terms that
    contain all variables of T,

        type II:   W(R(T) + T) - W(R(T)),      type III:   W(T).

    Parameters
    ----------
    estimate : Estimate
    type : {2, 3, "II", "III"}
        Type II respects marginality and does not depend on the coding.  Type III tests the
        coefficients as fitted, the intercept included: with treatment coding and interactions
        its main effects are simple effects at the baselines, as in R's car.
    component : str
        ``conditional``, ``zero_inflation`` or ``dispersion``.
    cov : ndarray, optional
        Another covariance of the coefficients.
    df : SmallSample or float, optional
        F tests instead: by Satterthwaite's or Kenward and Roger's method
        (:func:`glmmlab.inference.small_sample.small_sample`), which bring their covariance, or
        F = chisq / df with a number of denominator degrees of freedom.

    Returns
    -------
    AnovaTable
        ``.frame`` indexed by term: ``chisq, df, p``, or ``F, df, df_resid, p``; df counts
        estimable columns only, and a term without any has a missing statistic and p.

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
    if type not in _TYPES:
        raise UnknownNameError(f"type={type!r} is not a type of test; use 2 or 3.")
    type = _TYPES[type]
    part = part_of(estimate, component)
    if component != "conditional" and all(not term.variables for term in part.terms):
        raise UnknownNameError(
            f"The {component} part of the model has no terms to test; give it a formula."
        )
    covariance = part.cov if cov is None else np.asarray(cov, float)
    notes = (*_notes(part, type), *separation_notes(estimate, component))
    title = f"Type {_ROMAN[type]} Wald chi-square tests, asymptotic"
    if component != "conditional":
        title += f" ({component.replace('_', ' ')} part)"
    if df is not None:
        title = title.replace("Wald chi-square tests, asymptotic", f"F tests, {title_of(df)}")
        remark = getattr(df, "remark", "")
        notes = (*notes, *([remark] if remark else []))
        return AnovaTable(_f_frame(part, covariance, df, type), title, notes)
    test = _type_two if type == 2 else _type_three
    rows = {}
    for term in part.terms:
        if term.variables or type == 3:
            rows[term.name] = test(part, covariance, term)
    return AnovaTable(_frame(rows), title, notes)


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
    above = _columns(part, _relatives(part, term))
    both = np.union1d(above, own)
    # a difference of two sums of squares: rounding may leave a tiny negative number
    return max(_subset(part, cov, both) - _subset(part, cov, above), 0.0), own.size


def _f_frame(
    part: PartEstimate, cov: FloatArray, df: JointDegrees | float, type: int
) -> pd.DataFrame:
    """F tests of the terms, as rows of coefficients."""
    cov = getattr(df, "cov", cov)
    params = np.where(part.estimable, part.params, 0.0)
    rows = {}
    for term in part.terms:
        if not (term.variables or type == 3):
            continue
        L = _hypothesis(part, cov, term, type)
        if isinstance(df, JointDegrees):
            test = df.f_test(L, L @ params)
        else:
            known = np.where(np.outer(part.estimable, part.estimable), cov, 0.0)
            test = FTest(wald_chisq(L @ params, L @ known @ L.T) / max(len(L), 1), len(L), df)
        lost = (float("nan"), 0, float("nan"), float("nan"))
        rows[term.name] = (test.F, test.df, test.df_resid, test.p) if len(L) else lost
    frame = pd.DataFrame(list(rows.values()), columns=["F", "df", "df_resid", "p"])
    frame.index = pd.Index(list(rows), name="term")
    return frame.astype({"F": float, "df": int, "df_resid": float, "p": float})


def _hypothesis(part: PartEstimate, cov: FloatArray, term: Term, type: int) -> FloatArray:
    """The rows (q, p) whose Wald test is the term's.

    Type III: its coefficients.  Type II: W(R(T) + T) - W(R(T)) is the test of b_O - V_OA
    V_AA^{-1} b_A, with O the term's columns and A those of the terms that contain it.
    """
    own = _columns(part, [term])
    rows = np.zeros((own.size, part.params.size))
    rows[np.arange(own.size), own] = 1.0
    above = _columns(part, _relatives(part, term)) if type == 2 else own[:0]
    if own.size and above.size:
        scale = np.sqrt(np.diag(cov)[above])
        inside = cov[np.ix_(above, above)] / np.outer(scale, scale)
        across = cov[np.ix_(above, own)] / scale[:, None]
        rows[:, above] = -(linalg.solve(inside, across, assume_a="pos") / scale[:, None]).T
    return rows


def _relatives(part: PartEstimate, term: Term) -> list[Term]:
    """The other terms that contain all variables of a term."""
    return [o for o in part.terms if o is not term and term.variables <= o.variables]


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
