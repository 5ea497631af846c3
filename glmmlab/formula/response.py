"""The left side of a formula: ``y``, ``log(y)``, ``cbind(germ, n - germ)``, ``germ / n``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._types import BoolArray, FloatArray
from glmmlab.errors import ResponseError, WeightsError
from glmmlab.formula.bars import response_expressions
from glmmlab.formula.columns import as_frame, shown_rows
from glmmlab.formula.expressions import Expression
from glmmlab.formula.factors import compute
from glmmlab.formula.source import Source

if TYPE_CHECKING:
    from glmmlab.families.base import Family

WHOLE = 0.01
"""How far successes may be from a whole number: proportions are often stored rounded."""


@dataclass(frozen=True)
class Response:
    """A response as the family takes it.

    Attributes
    ----------
    y : ndarray, shape (n,)
        For binomial kinds the number of successes.
    trials : ndarray, shape (n,), or None
        For binomial kinds the number of trials.
    weights : ndarray, shape (n,), or None
        Prior weights; None when the weights were the trials.
    """

    y: FloatArray
    trials: FloatArray | None
    weights: FloatArray | None


def evaluate_response(
    text: str,
    data: pd.DataFrame | Source,
    family: Family,
    weights: FloatArray | None = None,
    weights_name: str = "weights",
) -> Response:
    """Evaluate a response.

    Parameters
    ----------
    text : str
        Left side of the formula.
    data : DataFrame or Source
    family : Family
        Binomial kinds accept ``cbind(successes, failures)``, a proportion with its trials in
        ``weights``, 0/1 numbers, booleans, and two-level text (the second level is the success).
    weights : ndarray, shape (n,), optional

    Raises
    ------
    ResponseError, WeightsError, FormulaError, UnknownColumnError

    References
    ----------
    The forms are those of R's ``glm`` (McCullagh and Nelder 1989, section 4.1).

    Examples
    --------
    >>> import pandas as pd
    >>> import glmmlab as gl
    >>> data = pd.DataFrame({"germ": [10, 23], "n": [39, 62]})
    >>> family = gl.families.get("binomial")
    >>> evaluate_response("cbind(germ, n - germ)", data, family).trials
    array([39., 62.])
    """
    reader = data if isinstance(data, Source) else Source(as_frame(data))
    parts = response_expressions(text)
    if len(parts) == 2:
        return _counts(text, parts, reader, family, weights)
    labels = _label_column(parts[0], reader)
    if labels is not None:
        return _labels(labels, reader, family, weights)
    values = compute(parts[0], reader)
    _check_finite(values, text, reader)
    if not family.is_binomial:
        return Response(values, None, weights)
    return _proportion(values, parts[0], reader, weights, weights_name)


def _check_finite(values: FloatArray, text: str, reader: Source) -> None:
    if not np.isfinite(values).all():
        bad = ~np.isfinite(values)
        kind = "not a number" if np.isnan(values[bad]).any() else "infinite"
        raise ResponseError(
            f"the response '{text}' is {kind} in {shown_rows(reader.data.index, bad)}"
        )


def _label_column(part: Expression, reader: Source) -> str | None:
    """The response's column if it holds labels."""
    name = part.column or part.category
    if name is None or (part.column is not None and not reader.is_factor(name)):
        return None
    return name


def _labels(name: str, reader: Source, family: Family, weights: FloatArray | None) -> Response:
    levels, codes = reader.factor(name)
    shown = ", ".join(repr(str(level)) for level in levels[:6])
    boolean = set(levels) <= {False, True}
    if not family.is_binomial:
        how = ".astype(int)" if boolean else "pd.to_numeric"
        raise ResponseError(
            f"the response '{name}' holds labels ({shown}), not numbers: convert it with "
            f"{how}, or use family='binomial' if there are two of them"
        )
    if boolean:  # a column of booleans keeps its meaning if one is absent
        codes = np.array([bool(level) for level in levels], dtype=np.intp)[codes]
    elif len(levels) != 2:
        more = ", ..." if len(levels) > 6 else ""
        raise ResponseError(
            f"the response '{name}' has {len(levels)} level{'' if len(levels) == 1 else 's'} "
            f"({shown}{more}): a binomial response has two, the second being the success"
        )
    return Response(codes.astype(np.float64), np.ones(len(codes)), weights)


def _counts(
    text: str,
    parts: tuple[Expression, ...],
    reader: Source,
    family: Family,
    weights: FloatArray | None,
) -> Response:
    if not family.is_binomial:
        raise ResponseError(
            f"'{text}' counts successes and failures: use family='binomial' or 'betabinomial', "
            f"not {family.name}"
        )
    successes, failures = (compute(part, reader) for part in parts)
    for part, values in zip(parts, (successes, failures), strict=True):
        _check_finite(values, part.name, reader)
        bad = (values < 0) | (values != np.round(values))
        if bad.any():
            raise ResponseError(
                f"'{part.name}' in {text} is not a count (a whole number, not negative) in "
                f"{shown_rows(reader.data.index, bad)}; cbind() takes successes and failures, "
                "not successes and trials"
            )
    return Response(successes, successes + failures, weights)


def _proportion(
    values: FloatArray,
    part: Expression,
    reader: Source,
    weights: FloatArray | None,
    weights_name: str,
) -> Response:
    """0/1 values, or proportions whose trials are the weights."""
    binary = bool(((values == 0) | (values == 1)).all())
    if weights is None:
        if not binary:
            raise ResponseError(_not_binary(values, part, reader))
        return Response(values, np.broadcast_to(1.0, values.shape), None)
    outside = (values < 0) | (values > 1)
    if outside.any():
        raise ResponseError(
            f"the response '{part.name}' is not a proportion between 0 and 1 in "
            f"{shown_rows(reader.data.index, outside)}; with counts write "
            f"cbind({part.name}, {weights_name} - {part.name})"
        )
    if binary and (weights != np.round(weights)).any():
        return Response(values, np.ones(len(values)), weights)  # weights of single trials
    return _successes(values, part.name, weights, weights_name, reader)


def _successes(
    values: FloatArray, name: str, trials: FloatArray, weights_name: str, reader: Source
) -> Response:
    successes = np.round(values * trials)
    broken: BoolArray = (np.abs(values * trials - successes) > WHOLE) | (trials != np.round(trials))
    if broken.any():
        i = int(np.flatnonzero(broken)[0])
        raise WeightsError(
            f"the weights '{weights_name}' are not the numbers of trials of '{name}': "
            f"{values[i]:.6g} x {trials[i]:g} = {values[i] * trials[i]:.6g} successes is not a "
            f"whole number ({shown_rows(reader.data.index, broken)}). Give the trials as weights "
            "and the exact proportion, or write cbind(successes, failures); proportions that are "
            "not counts are for family='beta'"
        )
    return Response(successes, trials, None)


def _not_binary(values: FloatArray, part: Expression, reader: Source) -> str:
    bad = (values != 0) & (values != 1)
    where = shown_rows(reader.data.index, bad)
    if ((values >= 0) & (values <= 1)).all():
        trials = part.columns[-1] if len(part.columns) == 2 and "/" in part.name else "n"
        return (
            f"the binomial response '{part.name}' is a proportion ({where}): give the numbers of "
            f"trials, weights='{trials}', or write cbind(successes, failures); proportions that "
            "are not counts are for family='beta'"
        )
    return (
        f"the binomial response '{part.name}' is neither 0 nor 1 in {where}: write "
        "cbind(successes, failures) for counts"
    )


def response_columns(text: str) -> tuple[str, ...]:
    """Data columns of a response."""
    found = [name for part in response_expressions(text) for name in part.columns]
    return tuple(dict.fromkeys(found))


__all__ = ["Response", "evaluate_response", "response_columns"]
