"""Random terms: codes of the grouping factor and the columns that vary over its levels."""

from __future__ import annotations

import numpy as np

from glmmlab._types import IntArray
from glmmlab.design.objects import RandomTerm
from glmmlab.design.rank import independent_columns
from glmmlab.errors import DataError, FormulaError
from glmmlab.formula.bars import RandomSpec
from glmmlab.formula.fixed import FixedPart
from glmmlab.formula.source import Source


def random_term(spec: RandomSpec, source: Source) -> RandomTerm:
    """Build one random term from the rows used.

    Raises
    ------
    DataError
        For a grouping factor with one level, and for columns that repeat each other.
    FormulaError
        If nothing is left to vary, as in ``(0 | g)``.
    """
    levels, codes = grouping(spec.group_columns, source)
    if len(levels) < 2:
        found = f"one level ({levels[0]!r})" if levels else "no level"
        raise DataError(
            f"the grouping factor '{spec.group}' of {spec.text} has {found} in the rows used: a "
            "variance needs several. Take the term out"
        )
    basis = FixedPart.learn(spec.lhs, source)
    if basis.offsets:
        raise FormulaError(f"an offset belongs in the fixed part, not in {spec.text}")
    if not basis.names:
        raise FormulaError(f"nothing varies over the levels of '{spec.group}' in {spec.text}")
    Z = basis.matrix(source)
    kept = independent_columns(Z)
    if len(kept) < Z.shape[1]:
        extra = ", ".join(name for j, name in enumerate(basis.names) if j not in kept)
        raise DataError(
            f"in {spec.text} the column {extra} is constant or a combination of the others: its "
            "variance cannot be estimated. Take it out"
        )
    if basis.names == ("Intercept",):
        Z = np.broadcast_to(1.0, Z.shape)  # a view of one number: long data keep no column of ones
    return RandomTerm(
        spec.text,
        spec.group,
        spec.group_columns,
        levels,
        codes,
        basis.names,
        Z,
        spec.double_bar and Z.shape[1] > 1,
        basis,
    )


def grouping(columns: tuple[str, ...], source: Source) -> tuple[tuple[str, ...], IntArray]:
    """Levels in use and codes; of several columns their combinations, the first slowest."""
    labels, codes = _labels(columns[0], source)
    for name in columns[1:]:
        inner, inner_codes = _labels(name, source)
        found, codes = np.unique(codes * len(inner) + inner_codes, return_inverse=True)
        labels = tuple(f"{labels[c // len(inner)]}:{inner[c % len(inner)]}" for c in found.tolist())
        if len(set(labels)) < len(labels):
            twice = next(label for label in labels if labels.count(label) > 1)
            raise DataError(
                f"different levels of {':'.join(columns)} have the same name, {twice!r}: rename "
                "those that hold a colon"
            )
    return labels, codes.astype(np.intp)


def _labels(name: str, source: Source) -> tuple[tuple[str, ...], IntArray]:
    levels, codes = source.factor(name)
    labels = tuple(str(level) for level in levels)
    if len(set(labels)) < len(labels):
        raise DataError(f"column '{name}' has different levels that print alike: rename them")
    return labels, codes
