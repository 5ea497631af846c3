"""A design from numbers that were kept: nothing is checked again, nothing is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from glmmlab.design.objects import Design, LinearPart
from glmmlab.design.random import random_term
from glmmlab.errors import DataError
from glmmlab.formula.bars import parse
from glmmlab.formula.fixed import FixedPart
from glmmlab.formula.source import Source


def restore_design(
    formula: str,
    data: pd.DataFrame,
    kept: Mapping[str, tuple[str, ...]],
    parts: Mapping[str, str],
    **rest: Any,
) -> Design:
    """The design of a fit, its matrices computed again from the rows that the fit used.

    Parameters
    ----------
    formula : str
    data : DataFrame
        The rows used.
    kept : mapping
        ``"conditional"`` and each auxiliary part -> names of the columns that were estimated.
    parts : mapping
        Each auxiliary part -> its one-sided formula.
    **rest
        The other attributes of :class:`Design`: ``y``, ``trials``, ``weights``, ``offset``, ...

    Raises
    ------
    DataError
        The formula and the data give no column of a name in `kept`.
    """
    parsed = parse(formula)
    source = Source(data)
    return Design(
        formula=formula,
        response=parsed.response,
        conditional=_part(parsed.fixed, source, parsed.offsets, kept["conditional"]),
        auxiliary={name: _part(text, source, (), kept[name]) for name, text in parts.items()},
        random=tuple(random_term(spec, source) for spec in parsed.random),
        data=data,
        **rest,
    )


def _part(
    text: str, source: Source, offsets: tuple[str, ...], names: tuple[str, ...]
) -> LinearPart:
    fixed = FixedPart.learn(text, source, offsets)
    missing = [name for name in names if name not in fixed.names]
    if missing:
        raise DataError(f"'{text}' and the data give no column {missing[0]!r}.")
    kept = tuple(fixed.names.index(name) for name in names)
    X = fixed.matrix(source)
    if len(kept) < X.shape[1]:
        X = np.ascontiguousarray(X[:, list(kept)])
    return LinearPart(fixed, X, kept)
