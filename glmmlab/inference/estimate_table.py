"""What marginal means, slopes and contrasts have in common: a table that can be tested further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np
import pandas as pd

from glmmlab._arguments import finite
from glmmlab._tables import Document, Exported
from glmmlab._types import FloatArray, Seed
from glmmlab.inference.contrasts import Method
from glmmlab.inference.linear import Families, LinearEstimates, crossed, interval_rows, wald_tests
from glmmlab.inference.own_columns import own_name
from glmmlab.inference.rescaling import Rescaling
from glmmlab.inference.result_table import ResultTable, df_note, row_notes, side_notes
from glmmlab.inference.transformation import Transformation
from glmmlab.inference.views import document
from glmmlab.inference.wald import WaldTest, joint_test

if TYPE_CHECKING:
    from glmmlab.inference.contrast_table import Contrasts
    from glmmlab.inference.simple_contrasts import ContrastSet

Names = str | Sequence[str] | None


@dataclass(frozen=True, repr=False, eq=False)
class EstimateTable(Exported):
    """Estimates on the link scale, ready to be shown, contrasted and tested.

    Attributes
    ----------
    linear : LinearEstimates
        Rows on the scale of the linear predictor.
    factors : tuple of str
        Columns that tell the rows of a panel apart.
    by : tuple of str
        Columns of the panels; each is a family of its own in adjustments.
    transformation : Transformation or None
        From the linear predictor to the response; None if there is nothing to undo.
    type : {"link", "response"}
        Scale of the frame.
    level : float
        Of the intervals.
    context : tuple of str
        Sentences that stay true for everything derived from this table.
    quantity : str
        What the estimates are, for the heading.
    response : str
        Name of the response, for the axis of a figure.
    scale_name : str
        Scale of `linear`: the link's name, empty for the response scale.
    kept_response : str
        A transformed response that is not transformed back; else empty.
    cautions : tuple of str
        What may mislead in everything derived from this table.
    """

    linear: LinearEstimates
    factors: tuple[str, ...]
    by: tuple[str, ...]
    transformation: Transformation | None = None
    type: str = "link"
    level: float = 0.95
    context: tuple[str, ...] = ()
    quantity: str = "Estimates"
    response: str = ""
    scale_name: str = ""
    families: Families | None = None
    kept_response: str = ""
    cautions: tuple[str, ...] = ()

    # ------------------------------------------------------------------------- the frame

    @property
    def grouping(self) -> Families:
        """How rows are grouped for adjustment."""
        return self.families if self.families is not None else Families(self.by)

    @property
    def _labels(self) -> tuple[str, ...]:
        return tuple(name for name in self.linear.labels.columns if name not in self.by)

    def _own(self, name: str) -> str:
        """The name of one of our columns; a predictor of the same name keeps it."""
        return own_name(name, self.linear.labels.columns)

    def _on_response(self) -> bool:
        return self.type == "response" and self.transformation is not None

    def _values(self) -> tuple[FloatArray, FloatArray]:
        """Estimates and standard errors on the scale of the frame."""
        if self._on_response():
            return self.transformation.apply(self.linear.estimate, self.linear.se)  # type: ignore[union-attr]
        return self.linear.estimate, self.linear.se

    def _base_frame(self) -> pd.DataFrame:
        frame = self.linear.labels.copy()
        frame[self._own("estimate")], frame[self._own("se")] = self._values()
        frame[self._own("df")] = self.linear.degrees
        return frame

    def _interval_frame(
        self, level: float, adjust: str, side: str, seed: Seed
    ) -> tuple[pd.DataFrame, tuple[str, ...]]:
        lower, upper, notes = interval_rows(
            self.linear, self.grouping, level, adjust, side=side, seed=seed
        )
        if self._on_response():
            lower, upper = self.transformation.limits(lower, upper)  # type: ignore[union-attr]
        frame = self._base_frame()
        frame[self._own("lower")], frame[self._own("upper")] = lower, upper
        return frame, notes

    def _test_frame(
        self, adjust: str, null: float, delta: float, side: str, seed: Seed
    ) -> tuple[pd.DataFrame, tuple[str, ...]]:
        null, delta = finite(null, "null"), finite(delta, "delta", least=0.0)
        tests = wald_tests(
            self.linear, self.grouping, adjust, null=null, delta=delta, side=side, seed=seed
        )
        frame = self._base_frame()
        if null != 0:
            name, at = self._own("null"), np.array([null])
            frame[name] = self.transformation.inverse(at)[0] if self._on_response() else null  # type: ignore[union-attr]
        frame[self._own("statistic")], frame[self._own("p")] = tests.statistic, tests.p
        notes = list(tests.notes)
        if tests.error > 0:
            notes.append(f"Integration error of the p-values: about {tests.error:.1g}.")
        return frame, tuple(notes)

    @cached_property
    def _shown(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        return self._interval_frame(self.level, "none", "two-sided", 0)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows with ``estimate, se, df, lower, upper``; ``se_`` beside a predictor ``se``."""
        return self._shown[0]

    # ------------------------------------------------------------------- intervals, tests

    def confint(
        self,
        level: float | None = None,
        adjust: str = "none",
        side: str = "two-sided",
        seed: Seed = 0,
    ) -> ResultTable:
        """Confidence intervals, simultaneous within each by-group when adjusted.

        Parameters
        ----------
        level : float, optional
            Confidence level; that of the table by default.
        adjust : str
            none, tukey (pairwise comparisons), sidak, bonferroni, scheffe, dunnettx or mvt;
            the p-value methods holm, hochberg, hommel, BH and BY give Bonferroni intervals.
        side : str
            "two-sided", "greater" (a lower limit) or "less" (an upper limit).
        seed : int, Generator or None
            For mvt.

        Returns
        -------
        ResultTable
            ``.frame``: labels, ``estimate, se, df, lower, upper``.
        """
        level = self.level if level is None else level
        frame, notes = self._interval_frame(level, adjust, side, seed)
        unadjusted = () if notes else ("Not adjusted for several intervals.",)
        foot = (*self._scale_notes(), f"Confidence level {level:g}.", *notes, *unadjusted)
        return self._table(frame, f"{self.quantity}, confidence intervals", foot)

    conf_int = confint

    def test(
        self,
        null: float = 0.0,
        delta: float = 0.0,
        side: str = "two-sided",
        adjust: str = "none",
        seed: Seed = 0,
    ) -> ResultTable:
        """Test each row; statistics and `null` are on the link scale.

        Parameters
        ----------
        null : float
            Hypothesised value on the scale of the linear predictor.
        delta : float
            Threshold of an equivalence (two-sided), noninferiority ("greater") or
            nonsuperiority ("less") test; 0 for an ordinary one.
        side : str
            "two-sided", "greater" or "less" (also "equivalence", "noninferiority",
            "nonsuperiority", ">", "<").
        adjust : str
            See :mod:`glmmlab.inference.adjust`.
        seed : int, Generator or None
            For mvt.

        Returns
        -------
        ResultTable
            ``.frame``: labels, ``estimate, se, df, statistic, p`` (and ``null`` if not 0).
        """
        frame, notes = self._test_frame(adjust, null, delta, side, seed)
        foot = (*self._scale_notes(tests=True), *side_notes(delta, side), *notes)
        return self._table(frame, f"{self.quantity}, tests", foot)

    def joint_test(self, null: float = 0.0) -> WaldTest:
        """Test that all rows equal `null` (link scale) at once.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
        >>> fit.emmeans("extract").pairs().joint_test().df
        1
        """
        return joint_test(
            self.linear, f"all {len(self.linear)} {self.quantity.lower()} = {null:g}", null
        )

    def _table(self, frame: pd.DataFrame, heading: str, notes: tuple[str, ...]) -> ResultTable:
        foot = tuple(dict.fromkeys((*notes, *self.cautions)))
        return ResultTable(frame, heading, foot, self.by, self._labels)

    def _scale_notes(self, tests: bool = False) -> tuple[str, ...]:
        """Scale, averaging and degrees of freedom, in sentences."""
        name = self.scale_name
        kept = self.kept_response
        response = f"Scale of {kept}" if kept else "Response scale"
        if self._on_response():
            target = self.transformation.target  # type: ignore[union-attr]
            undone = f"{name} to {target}" if target else name
            scale = f"{response}: back-transformed from {undone}, delta-method SE"
            scale += f", tests on the {name} scale." if tests else ", limits back-transformed."
        elif name:
            scale = f"Link scale ({name})."
        else:
            scale = f"{response}; not back-transformed." if kept else "Response scale."
        return (scale, *self.context, df_note(self.linear), *row_notes(self.linear))

    # ------------------------------------------------------------------------- contrasts

    @overload
    def contrast(
        self, method: Method = ..., *, simple: Literal["each"], **options: Any
    ) -> ContrastSet: ...

    @overload
    def contrast(
        self, method: Method = ..., adjust: str | None = ..., by: Names = ..., simple: Names = ...,
        interaction: bool | str | Sequence[Method] | None = ...,
        scale: float | Sequence[float] = ..., offset: float | Sequence[float] = ...,
        seed: Seed = ..., **options: Any,
    ) -> Contrasts: ...  # fmt: skip

    def contrast(
        self,
        method: Method = "eff",
        adjust: str | None = None,
        by: Names = None,
        simple: Names = None,
        interaction: bool | str | Sequence[Method] | None = None,
        scale: float | Sequence[float] = 1.0,
        offset: float | Sequence[float] = 0.0,
        seed: Seed = 0,
        **options: Any,
    ) -> Contrasts | ContrastSet:
        """Contrasts among the rows of each by-group.

        Parameters
        ----------
        method : str, mapping or DataFrame
            pairwise, revpairwise, trt_vs_ctrl, trt_vs_ctrlk, consec, mean_chg, eff, del_eff,
            poly, opoly, helmert, identity; or custom coefficients by name.
        adjust : str, optional
            Adjustment of the p-values in each by-group; the method's usual one by default.
        by : str or list of str, optional
            Other panels than those of the table; ``[]`` for none.
        simple : str or list of str, optional
            Factors to contrast, at each combination of all others; ``"each"`` for every factor
            in turn, a ContrastSet by their names.
        interaction : True, str or list, optional
            Products of contrasts of the factors (True: `method` for each; a name for all, or
            one a factor).
        scale, offset : float or sequence of float
            The contrasts are multiplied by `scale`, and `offset` (on the scale of the linear
            predictor) is added to them: one number, or one for each contrast of a by-group.
            ``contrast("pairwise", offset=-np.log(1.5))`` tests whether means differ by half as
            much again, in a model with a log link.
        seed : int, Generator or None
            For mvt.
        **options
            ``ref``, ``reverse``, ``weights``, ``degree``, ``scores``, ``exclude`` of the method.

        Returns
        -------
        Contrasts
            ``.frame``: ``contrast``, by columns, ``estimate, se, df, statistic, p``.  With
            ``type="response"`` and a log or logit link, contrasts whose coefficients sum to 0
            are ratios (odds ratios), labelled ``A / B``; other links stay on the link scale.

        Warns
        -----
        InferenceWarning
            poly, opoly, consec or mean_chg along levels that are numbers in another order.
        """
        from glmmlab.inference.simple_contrasts import contrasts_of

        scaled = Rescaling(scale, offset)
        return contrasts_of(self, method, adjust, by, simple, interaction, scaled, seed, options)

    @overload
    def pairs(  # type: ignore[overload-overlap]  # "each" is a str that means something else
        self, adjust: str = ..., reverse: bool = ..., *, simple: Literal["each"], seed: Seed = ...
    ) -> ContrastSet: ...

    @overload
    def pairs(
        self, adjust: str = ..., reverse: bool = ..., by: Names = ..., simple: Names = ...,
        seed: Seed = ...,
    ) -> Contrasts: ...  # fmt: skip

    def pairs(
        self,
        adjust: str = "tukey",
        reverse: bool = False,
        by: Names = None,
        simple: Names = None,
        seed: Seed = 0,
    ) -> Contrasts | ContrastSet:
        """All pairwise differences (ratios on the response scale of log and logit models).

        See :meth:`contrast`; the family of an adjustment is each by-group.  ``.confint()`` gives
        simultaneous intervals, ``.with_confint()`` these beside the tests, ``.matrix()`` the
        square of p-values.
        """
        return self.contrast("pairwise", adjust, by, simple, seed=seed, reverse=reverse)

    def cross_adjust(self, method: str = "bonferroni") -> Self:
        """The same table, each row adjusted across the by-groups as well (after its own group's).

        Parameters
        ----------
        method : str
            sidak, bonferroni, holm, hochberg, hommel, BH, BY or none; intervals are Sidak's
            for sidak, and Bonferroni's for all others.

        Raises
        ------
        UnknownNameError
            There are no by-groups, or the method needs more than p-values.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
        >>> pairs = fit.emmeans("extract", by="gen").pairs()
        >>> pairs["p"].round(4).tolist(), pairs.cross_adjust()["p"].round(4).tolist()
        ([0.0306, 0.0], [0.0612, 0.0])
        """
        return replace(self, families=crossed(self.grouping, method))

    # ------------------------------------------------------------------------ other scale

    def regrid(self, transform: str = "response") -> EstimateTable:
        """Make the response scale (or another link's) the scale on which contrasts are taken.

        The back-transformed estimates become the parameters of a new table, with their
        delta-method covariance: differences are then differences of responses.

        Parameters
        ----------
        transform : str
            "response", or a link's name ("log": contrasts become ratios of responses).

        Raises
        ------
        EstimabilityError
            No row has a value on that scale.
        """
        from glmmlab.inference.regrid import regrid

        return regrid(self, transform)

    # ------------------------------------------------------------------------------ views

    def __getitem__(self, column: str) -> pd.Series:
        return self.frame[column]

    def __len__(self) -> int:
        return len(self.linear)

    def _notes(self) -> tuple[str, ...]:
        notes, level = self._shown[1], f"Confidence level {self.level:g}"
        foot = (f"{level}{'.' if notes else ', not adjusted.'}", *notes)
        return (*self._scale_notes(), *foot, *self.cautions)

    def _document(self) -> Document:
        return document(self.quantity, self.frame, self.by, self._labels, self._notes())

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()
