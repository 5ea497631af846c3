"""Contrasts of estimates with their adjusted tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmmlab._tables import Document
from glmmlab._types import FloatArray, Seed
from glmmlab.errors import EstimabilityError, UnknownNameError
from glmmlab.inference.adjust import canonical
from glmmlab.inference.contrasts import (
    Method,
    contrast_family,
    interaction_family,
    level_labels,
    option_names,
    plain_label,
)
from glmmlab.inference.estimate_table import EstimateTable
from glmmlab.inference.linear import Families, panels
from glmmlab.inference.own_columns import own_name
from glmmlab.inference.rescaling import Rescaling
from glmmlab.inference.result_table import ResultTable
from glmmlab.inference.transformation import Transformation, as_ratio
from glmmlab.inference.views import document

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Built = tuple[pd.DataFrame, FloatArray, str, bool, list[str]]
Builder = Callable[[pd.DataFrame], Built]
"""From the factor labels of a by-group to (labels of contrasts, coefficients, usual adjustment,
whether they are all pairs, labels as ratios)."""


@dataclass(frozen=True, repr=False, eq=False)
class Contrasts(EstimateTable):
    """Contrasts: differences on the link scale, or ratios on the response scale.

    Attributes
    ----------
    adjust : str
        Adjustment of the p-values within each by-group.
    seed : int, Generator or None
        For mvt.
    means : EstimateTable or None
        What was compared, if these are all its pairwise differences.
    compared : tuple of (int, int)
        Then the rows of `means` that each contrast compares.
    with_intervals : bool
        Whether the frame has ``lower, upper``, adjusted like the tests.
    """

    adjust: str = "none"
    seed: Seed = 0
    remark: str = ""
    means: EstimateTable | None = None
    compared: tuple[tuple[int, int], ...] = ()
    with_intervals: bool = False

    @cached_property
    def _tested(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        return self._test_frame(self.adjust, 0.0, 0.0, "two-sided", self.seed)

    @property
    def frame(self) -> pd.DataFrame:
        """``contrast``, by columns, ``estimate, se, df, statistic, p``."""
        return self._both[0] if self.with_intervals else self._tested[0]

    @cached_property
    def _both(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """The tests with ``lower, upper`` before them, and the words on the intervals."""
        limits, notes = self._interval_frame(self.level, self.adjust, "two-sided", self.seed)
        frame = self._tested[0].copy()
        place = list(frame.columns).index(self._own("statistic"))
        for i, name in enumerate(map(self._own, ("lower", "upper"))):
            frame.insert(place + i, name, limits[name])
        return frame, (f"Confidence level {self.level:g}.", *notes)

    def with_confint(self, level: float | None = None) -> Contrasts:
        """The same table with simultaneous intervals beside the tests.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
        >>> pairs = fit.emmeans("extract", by="gen").pairs().with_confint(0.9)
        >>> pairs.frame[["gen", "estimate", "lower", "upper", "p"]].round(3)
           gen  estimate  lower  upper      p
        0  O73    -0.540 -0.951 -0.129  0.031
        1  O75    -1.318 -1.610 -1.026  0.000
        """
        return replace(self, with_intervals=True, level=self.level if level is None else level)

    def matrix(self) -> pd.DataFrame:
        """All pairwise p-values as a square table: emmeans' pwpm.

        Returns
        -------
        DataFrame
            Diagonal: the means.  Above it: adjusted p-values.  Below it: the comparisons as
            listed, the earlier level against the later (differences; ratios on the response
            scale of log and logit models).  By-groups stand below one another, their values in
            the index.

        Raises
        ------
        UnknownNameError
            These are not all pairwise contrasts.

        Examples
        --------
        >>> import glmmlab as gl
        >>> d1 = gl.datasets.load("disease_severity")
        >>> d1 = d1[d1["fungicide"].isin(["1", "6", "11"])]
        >>> fit = gl.glmm("severity ~ fungicide", data=d1, family="beta")
        >>> fit.emmeans("fungicide").pairs().matrix().round(3)
                1      6     11
        1   1.134  0.000  0.000
        6   2.890 -1.755  0.121
        11  3.387  0.498 -2.253
        """
        from glmmlab.inference.pair_matrix import pair_matrix

        return pair_matrix(self)

    def plot(self, ax: Axes | Sequence[Axes] | None = None, **options: Any) -> Axes | list[Axes]:
        """The square of :meth:`matrix` as a figure: comparisons in colour, p-values in grey.

        Parameters
        ----------
        ax : Axes, or one for each by-group, optional
        **options
            Of :func:`glmmlab.plots.plot_pairs`: ``level, xlabel, title, caption``.
        """
        from glmmlab.inference.pair_matrix import plot_pair_matrix

        return plot_pair_matrix(self, ax, **options)

    def confint(
        self,
        level: float | None = None,
        adjust: str | None = None,
        side: str = "two-sided",
        seed: Seed = 0,
    ) -> ResultTable:
        """Simultaneous confidence intervals; the adjustment of the table by default."""
        return super().confint(level, self.adjust if adjust is None else adjust, side, seed)

    conf_int = confint

    def test(
        self,
        null: float = 0.0,
        delta: float = 0.0,
        side: str = "two-sided",
        adjust: str | None = None,
        seed: Seed = 0,
    ) -> ResultTable:
        """Test each contrast; the adjustment of the table by default (see EstimateTable.test)."""
        return super().test(null, delta, side, self.adjust if adjust is None else adjust, seed)

    def _scale_notes(self, tests: bool = False) -> tuple[str, ...]:
        notes = super()._scale_notes(tests)
        if self.transformation is not None and self.transformation.ratio:
            odds = self.transformation.ratio == "odds ratio"
            scale = self.scale_name
            if self._on_response():
                of = self.transformation.ratio.removeprefix("ratio")
                kind = "Odds ratios" if odds else f"Ratios{of}"
                first = f"{kind} (response scale), delta-method SE, tests on the {scale} scale."
            else:
                first = f"{'Log odds ratios' if odds else 'Log ratios'} (link scale, {scale})."
            notes = (first, *notes[1:])
        return (*notes, self.remark) if self.remark else notes

    def _notes(self) -> tuple[str, ...]:
        if not len(self):
            nothing = "Nothing to compare: one mean in each by-group."
            return (*self._scale_notes(tests=True), nothing)
        notes = self._tested[1]
        plain = () if notes else ("P-values not adjusted.",)
        intervals = self._both[1] if self.with_intervals else ()
        foot = (*notes, *plain, *intervals, *self.cautions)
        return (*self._scale_notes(tests=True), *foot)

    def _document(self) -> Document:
        return document(self.quantity, self.frame, self.by, self._labels, self._notes())


def build_contrasts(
    table: EstimateTable,
    builder: Builder,
    adjust: str | None,
    seed: Seed,
    rescaling: Rescaling,
) -> Contrasts:
    """Contrast every by-group of a table.

    Parameters
    ----------
    table : EstimateTable
    builder : callable
        What to do in each by-group.
    adjust : str or None
        None for the family's usual adjustment.
    seed : int, Generator or None
        For mvt.
    rescaling : Rescaling
    """
    blocks, labels, ratios = [], [], []
    usual, pairs = "none", False
    sizes: set[int] = set()
    for key, index in panels(table.linear.labels, table.by):
        inside = table.linear.labels.iloc[index][list(table.factors)]
        frame, coefficients, usual, pairs, ratio = builder(inside)
        frame = frame.rename(columns={name: own_name(name, table.by) for name in frame.columns})
        block = np.zeros((len(frame), len(table.linear)))
        block[:, index] = coefficients
        for name, value in zip(table.by, key, strict=True):
            column = table.linear.labels[name]
            frame[name] = (
                pd.Categorical([value] * len(frame), categories=column.cat.categories)
                if isinstance(column.dtype, pd.CategoricalDtype)
                else value
            )
        blocks.append(block)
        labels.append(frame)
        ratios += ratio
        sizes.add(int(coefficients.any(axis=0).sum()))
    coefficients = np.vstack(blocks)
    frame = pd.concat(labels, ignore_index=True)
    # by-groups of several sizes: each counts its own means
    means = sizes.pop() if len(sizes) == 1 else None
    families = Families(table.by, pairs, means, table.grouping.across)
    method = canonical(usual if adjust is None else adjust)
    scale, offset = rescaling.values([len(block) for block in blocks])
    scaled = scale[:, None] * coefficients
    contrasts = _contrasts(table, frame, scaled, ratios, families, method, seed)
    return replace(
        contrasts,
        linear=contrasts.linear.plus(offset),
        context=(*table.context, *rescaling.notes(table.scale_name)),
    )


def _contrasts(
    table: EstimateTable,
    frame: pd.DataFrame,
    coefficients: np.ndarray,
    ratios: list[str],
    families: Families,
    adjust: str,
    seed: Seed,
) -> Contrasts:
    transformation, scale, remark = _contrast_scale(table, coefficients)
    if scale == "response" and transformation is not None and transformation.ratio and ratios:
        frame[own_name("contrast", table.by)] = ratios
    columns = [c for c in frame.columns if c not in table.by]
    return Contrasts(
        linear=table.linear.combine(coefficients, frame[[*columns, *table.by]]),
        factors=tuple(columns),
        by=table.by,
        transformation=transformation,
        type=scale,
        level=table.level,
        context=table.context,
        quantity="Contrasts",
        response=table.response,
        scale_name=table.scale_name,
        kept_response=table.kept_response,
        cautions=table.cautions,
        families=families,
        adjust=adjust,
        seed=seed,
        remark=remark,
        means=table if families.pairs else None,
        compared=_compared(coefficients) if families.pairs else (),
    )


def _compared(coefficients: FloatArray) -> tuple[tuple[int, int], ...]:
    """Positions of the +1 and the -1 of each difference."""
    plus, minus = coefficients.argmax(axis=1), coefficients.argmin(axis=1)
    return tuple(zip(plus.tolist(), minus.tolist(), strict=True)) if len(coefficients) else ()


def _contrast_scale(
    table: EstimateTable, coefficients: np.ndarray
) -> tuple[Transformation | None, str, str]:
    """How contrasts are back-transformed, on which scale they are shown, and a remark.

    Differences of logs or log odds become ratios; contrasts that only pick rows keep the
    inverse link; all others have nothing to become.
    """
    inverse = table.transformation
    if inverse is None:
        return None, table.type, ""
    if (np.count_nonzero(coefficients, axis=1) <= 1).all() and np.isin(coefficients, (0, 1)).all():
        return inverse, table.type, ""
    if inverse.ratio and np.abs(coefficients.sum(axis=1)).max(initial=0.0) < 1e-9:
        return as_ratio(inverse), table.type, ""
    if table.type == "link":
        return None, "link", ""
    remark = (
        f"Contrasts stay on the link scale ({table.scale_name}); "
        "regrid() first for differences of responses."
    )
    return None, "link", remark


def one_family(method: Method, options: Mapping[str, Any]) -> Builder:
    """A function from the labels of a by-group to its contrasts."""

    def build(labels: pd.DataFrame) -> Built:
        levels = level_labels({name: labels[name].tolist() for name in labels.columns})
        family = contrast_family(method, levels, **options)
        frame = pd.DataFrame({"contrast": family.labels()})
        ratio = family.labels(ratio=True)
        return frame, family.coefficients, family.adjust, family.pairs, ratio

    return build


def each_method(
    factors: Sequence[str], method: Method | Sequence[Method]
) -> list[tuple[str, Method]]:
    """The factors of a product of contrasts with the method of each."""
    methods: list[Method]
    methods = list(method) if isinstance(method, (list, tuple)) else [method] * len(factors)  # type: ignore[list-item]
    if len(methods) != len(factors):
        raise UnknownNameError(
            f"interaction= has {len(methods)} methods for {len(factors)} factors "
            f"({', '.join(factors)}); give one for each."
        )
    return list(zip(factors, methods, strict=True))


def products(
    factors: Sequence[str], method: Method | Sequence[Method], options: Mapping[str, Any]
) -> Builder:
    """Interaction contrasts: columns ``extract_pairwise, gen_pairwise``."""
    methods = [one for _, one in each_method(factors, method)]

    def build(labels: pd.DataFrame) -> Built:
        if len(labels) != np.prod([labels[name].nunique() for name in factors]):
            raise EstimabilityError(
                f"Interaction contrasts need all combinations of {', '.join(factors)}; some do "
                "not exist, because a factor is nested in another. Use by=."
            )
        families = []
        known = {option for one in methods for option in option_names(one)}
        for name, one in zip(factors, methods, strict=True):
            levels = [plain_label(v) for v in dict.fromkeys(labels[name].tolist())]
            levels = [f"({v})" if any(s in v for s in "-+/*") else v for v in levels]
            own = {k: v for k, v in options.items() if k in option_names(one) or k not in known}
            families.append(contrast_family(one, levels, **own))
        columns: dict[str, Any] = {}
        repeat, total = 1, int(np.prod([len(f.pieces) for f in families]))
        for name, one, family in zip(factors, methods, families, strict=True):
            m = len(family.pieces)
            index = np.tile(np.repeat(np.arange(m), repeat), total // (repeat * m))
            texts = family.labels()
            columns[f"{name}_{one if isinstance(one, str) else 'custom'}"] = [
                texts[i] for i in index
            ]
            repeat *= m
        return pd.DataFrame(columns), interaction_family(families), "none", False, []

    return build
