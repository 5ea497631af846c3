"""Contrasts of estimates with their adjusted tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from glmmlab._tables import Document
from glmmlab._types import FloatArray, Seed
from glmmlab.errors import UnknownNameError
from glmmlab.inference.adjust import canonical
from glmmlab.inference.contrasts import (
    Method,
    contrast_family,
    interaction_family,
    level_labels,
    plain_label,
)
from glmmlab.inference.estimate_table import EstimateTable
from glmmlab.inference.linear import Families, panels
from glmmlab.inference.result_table import ResultTable
from glmmlab.inference.transformation import Transformation, as_ratio
from glmmlab.inference.views import document

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
    """

    adjust: str = "none"
    seed: Seed = 0
    remark: str = ""

    @cached_property
    def _tested(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        return self._test_frame(self.adjust, 0.0, 0.0, "two-sided", self.seed)

    @property
    def frame(self) -> pd.DataFrame:
        """``contrast``, by columns, ``estimate, se, df, statistic, p``."""
        return self._tested[0]

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
                kind = "Odds ratios" if odds else "Ratios"
                first = f"{kind} (response scale), delta-method SE, tests on the {scale} scale."
            else:
                first = f"{'Log odds ratios' if odds else 'Log ratios'} (link scale, {scale})."
            notes = (first, *notes[1:])
        return (*notes, self.remark) if self.remark else notes

    def _notes(self) -> tuple[str, ...]:
        notes = self._tested[1]
        plain = () if notes else ("P-values not adjusted.",)
        return (*self._scale_notes(tests=True), *notes, *plain)

    def _document(self) -> Document:
        return document(self.quantity, self.frame, self.by, self._labels, self._notes())


def build_contrasts(
    table: EstimateTable, builder: Builder, adjust: str | None, seed: Seed
) -> Contrasts:
    """Contrast every by-group of a table.

    Parameters
    ----------
    table : EstimateTable
    builder : callable
        What to do in each by-group.
    adjust : str or None
        None for the family's usual adjustment.
    """
    blocks, labels, ratios = [], [], []
    usual, pairs, means = "none", False, 0
    for key, index in panels(table.linear.labels, table.by):
        inside = table.linear.labels.iloc[index][list(table.factors)]
        frame, coefficients, usual, pairs, ratio = builder(inside)
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
        means = max(means, len(index))
    coefficients = np.vstack(blocks)
    frame = pd.concat(labels, ignore_index=True)
    families = Families(table.by, pairs, means)
    method = canonical(usual if adjust is None else adjust)
    return _contrasts(table, frame, coefficients, ratios, families, method, seed)


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
        frame["contrast"] = ratios
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
        families=families,
        adjust=adjust,
        seed=seed,
        remark=remark,
    )


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
    if (np.count_nonzero(coefficients, axis=1) <= 1).all() and (coefficients >= 0).all():
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


def products(
    factors: Sequence[str], method: Method | Sequence[Method], options: Mapping[str, Any]
) -> Builder:
    """Interaction contrasts: columns ``extract_pairwise, gen_pairwise``."""
    methods: list[Method]
    methods = list(method) if isinstance(method, (list, tuple)) else [method] * len(factors)  # type: ignore[list-item]
    if len(methods) != len(factors):
        raise UnknownNameError(
            f"interaction= has {len(methods)} methods for {len(factors)} factors "
            f"({', '.join(factors)}); give one for each."
        )

    def build(labels: pd.DataFrame) -> Built:
        families = []
        for name, one in zip(factors, methods, strict=True):
            levels = [plain_label(v) for v in dict.fromkeys(labels[name].tolist())]
            levels = [f"({v})" if any(s in v for s in "-+/*") else v for v in levels]
            families.append(contrast_family(one, levels, **options))
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
