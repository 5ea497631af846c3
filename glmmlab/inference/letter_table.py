"""Marginal means with letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from glmmlab._arguments import significance_level
from glmmlab._tables import Document
from glmmlab._types import BoolArray, Seed
from glmmlab.inference.letters import letter_display
from glmmlab.inference.linear import panels
from glmmlab.inference.views import document

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glmmlab.inference.emmeans import EMMeans


class LetterDisplay(pd.DataFrame):
    """A frame of marginal means, ascending, with a column ``group`` of letters.

    Beside a predictor that is called ``group`` the letters are in ``group_``.

    It is a DataFrame; printing it adds what the letters mean.  Anything computed from it is a
    plain DataFrame.

    Attributes
    ----------
    notes : tuple of str
        Adjustment, significance level, scale.
    """

    _metadata: ClassVar[list[str]] = ["heading", "notes", "by", "label_columns", "means"]
    heading: str
    notes: tuple[str, ...]
    by: tuple[str, ...]
    label_columns: tuple[str, ...]
    means: EMMeans

    @property
    def _constructor(self):  # type: ignore[no-untyped-def]
        return pd.DataFrame

    @property
    def frame(self) -> pd.DataFrame:
        """The same numbers as a plain DataFrame."""
        return pd.DataFrame(self)

    def _document(self) -> Document:
        return document(self.heading, self.frame, self.by, self.label_columns, self.notes)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:  # type: ignore[override]
        """The means with these letters above their intervals.

        pandas' own curves of the columns are at ``.frame.plot()``.

        Parameters
        ----------
        ax : Axes, optional
        **options
            Of :meth:`glmmlab.inference.emmeans.EMMeans.plot`.

        Examples
        --------
        >>> import glmmlab as gl
        >>> plots = gl.datasets.load("disease_severity")
        >>> fit = gl.glmm("severity ~ fungicide", data=plots, family="beta")
        >>> ax = fit.emmeans("fungicide", type="response").cld(adjust="holm").plot()
        >>> ax.get_title(loc="left")
        'Marginal means'
        """
        return self.means.plot(ax, letters=self, **options)

    # pandas' own would write the numbers unrounded and, for Markdown, need another package
    def to_markdown(self) -> str:  # type: ignore[override]
        """As Markdown, for a report or an issue."""
        return self._document().to_markdown()

    def to_latex(self) -> str:  # type: ignore[override]
        """As LaTeX, for a paper; the tables use the rules of the package booktabs."""
        return self._document().to_latex()

    def to_html(self) -> str:  # type: ignore[override]
        """As an HTML fragment without colours of its own, every label escaped."""
        return self._document().html()

    def __repr__(self) -> str:
        return self._document().text()

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self._document().html()


def letter_table(
    table: EMMeans,
    level: float,
    adjust: str,
    alpha: float | None,
    reversed: bool,
    sweep: bool,
    seed: Seed,
) -> LetterDisplay:
    """Sort the rows of each panel by their estimates and give them letters (see EMMeans.cld)."""
    alpha = 1 - level if alpha is None else significance_level(alpha)
    frame, intervals = table._interval_frame(level, "none", "two-sided", seed)
    comparisons = table.pairs(adjust=adjust, seed=seed)
    p = comparisons.frame[comparisons._own("p")].to_numpy()
    columns = (table._own("estimate"), table._own("group"))
    pieces, start = [], 0
    for _, index in panels(frame, table.by):
        k = len(index)
        count = k * (k - 1) // 2
        significant = _decisions(p[start : start + count], k, alpha)
        start += count
        finite = ~table.linear.separated[index] & np.isfinite(table.linear.se[index])
        pieces.append(_one_panel(frame.iloc[index], finite, columns, significant, reversed, sweep))
    result = LetterDisplay(pd.concat(pieces, ignore_index=True))
    result.heading = f"{table.quantity} with letters"
    words = comparisons._tested[1] or ("P-values of the comparisons are not adjusted.",)
    result.notes = (
        *table._scale_notes(),
        f"Confidence level {level:g}{'.' if intervals else ', not adjusted.'}",
        *intervals,
        *words,
        f"Rows of a panel that share a letter do not differ significantly (alpha = {alpha:.3g}); "
        "this is not evidence that they are equal.",
        *_blank_note(result[columns[1]]),
        *table.cautions,
    )
    result.by, result.label_columns, result.means = table.by, table._labels, table
    return result


def _blank_note(letters: pd.Series) -> tuple[str, ...]:
    if (letters != "").all():
        return ()
    return ("Rows without a letter have no finite estimate; they are compared with none.",)


def _decisions(p: np.ndarray, k: int, alpha: float) -> np.ndarray:
    """Symmetric table of p < alpha; a missing p is not significant."""
    table = np.zeros((k, k), bool)
    with np.errstate(invalid="ignore"):
        table[np.triu_indices(k, 1)] = p < alpha
    return table | table.T


def _one_panel(
    frame: pd.DataFrame,
    finite: BoolArray,
    columns: tuple[str, str],
    significant: np.ndarray,
    reversed: bool,
    sweep: bool,
) -> pd.DataFrame:
    """The rows of a panel in order, their letters in the second of the columns named.

    Rows without a (finite) estimate or a standard error have none.
    """
    estimate = frame[columns[0]].to_numpy()
    order = np.argsort(-estimate if reversed else estimate, kind="stable")  # NaN last
    present = order[(np.isfinite(estimate) & finite)[order]]
    letters = letter_display(significant[np.ix_(present, present)], sweep=sweep)
    ordered = frame.iloc[order].copy()
    written = np.full(len(order), "", dtype=object)
    written[present] = letters
    ordered[columns[1]] = written[order]
    return ordered
