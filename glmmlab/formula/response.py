"""The left side of a formula: ``y``, ``log(y)``, ``cbind(germ, n - germ)``, ``germ / n``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._types import BoolArray, FloatArray
from glmmlab.errors import ResponseError, WeightsError
from glmmlab.formula.bars import response_expressions
from glmmlab.formula.columns import Level, as_frame, shown_rows
from glmmlab.formula.expressions import Expression
from glmmlab.formula.factors import compute, log_of_zero
from glmmlab.formula.labels import (
    difference,
    missing_codes,
    missing_number,
    number_hint,
    spelled_alike,
)
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
            f"{_log(text, reader, bad)}"
        )


def _log(text: str, reader: Source, bad: BoolArray) -> str:
    hint = log_of_zero(text, reader, bad)
    return hint and f"{hint}, and families such as nbinom2 or tweedie take 0 as it is"


def _label_column(part: Expression, reader: Source) -> str | None:
    """The response's column if it holds labels."""
    name = part.column or part.category
    if name is None or (part.column is not None and not reader.is_factor(name)):
        return None
    return name


def outcome_labels(text: str, data: pd.DataFrame) -> tuple[str, str] | None:
    """The success and the failure of a response of two labels; None for numbers and booleans.

    Examples
    --------
    >>> import pandas as pd
    >>> outcome_labels("r", pd.DataFrame({"r": ["dead", "alive", "dead"]}))
    ("r = 'dead'", "'alive'")
    """
    reader, parts = Source(as_frame(data)), response_expressions(text)
    name = _label_column(parts[0], reader) if len(parts) == 1 else None
    levels = () if name is None else reader.factor(name)[0]
    if len(levels) != 2 or set(levels) <= {False, True}:
        return None
    failure, success = (repr(v) if isinstance(v, str) else str(v) for v in levels)
    return f"{name} = {success}", failure


def _labels(name: str, reader: Source, family: Family, weights: FloatArray | None) -> Response:
    levels, codes = reader.factor(name)
    shown = ", ".join(repr(str(level)) for level in levels[:6])
    boolean = set(levels) <= {False, True}
    if not family.is_binomial:
        how = ".astype(int)" if boolean else "pd.to_numeric"
        raise ResponseError(
            f"the response '{name}' holds labels ({shown}), not numbers: "
            + (
                number_hint([str(level) for level in levels], name)
                or f"convert it with {how}, or use family='binomial' if there are two of them"
            )
        )
    if boolean:  # a column of booleans keeps its meaning if one is absent
        codes = np.array([bool(level) for level in levels], dtype=np.intp)[codes]
    elif len(levels) != 2:
        more = ", ..." if len(levels) > 6 else ""
        raise ResponseError(
            f"the response '{name}' has {len(levels)} level{'' if len(levels) == 1 else 's'} "
            f"({shown}{more}): a binomial response has two, the second being the success"
            f"{_slips(levels, name)}"
        )
    return Response(codes.astype(np.float64), np.ones(len(codes)), weights)


def _slips(levels: Sequence[Level], name: str) -> str:
    """What to correct in the labels of a binomial response."""
    labels = [level for level in levels if isinstance(level, str)]
    if hint := number_hint(labels, name):
        return f"; {hint}"
    said = ""
    if groups := spelled_alike(labels):
        about, cure = difference(groups, name)
        said += f". Some differ only in {about}: {cure}"
    if codes := missing_codes(labels):
        said += f". For missing values read the file with na_values={codes!r}"
    return said


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
                f"{shown_rows(reader.data.index, bad)}"
                f"{_not_a_count(parts, successes[bad], failures[bad])}"
            )
    return Response(successes, successes + failures, weights)


def _not_a_count(parts: tuple[Expression, ...], successes: FloatArray, failures: FloatArray) -> str:
    """What is wrong in rows whose numbers are no successes or no failures."""
    few, rest = (part.name for part in parts)
    of = rest.removesuffix(f" - {few}")
    totals = failures if of == rest else successes + failures
    if code := missing_number((*successes, *totals)):
        return f". {code}"
    if of != rest and (successes > totals).any():
        i = int(np.flatnonzero(successes > totals)[0])
        return (
            f", where there are more successes than trials ({few} = {successes[i]:g}, {of} = "
            f"{totals[i]:g}): correct these rows"
        )
    return "; cbind() takes successes and failures, not successes and trials"


def trials_for_failures(text: str, reader: Source) -> str:
    """What to say of ``cbind(k, n)`` whose second column looks like a number of trials.

    It is one number in every row and never below the first, which varies: failures are hardly
    ever so, trials as a rule.
    """
    parts = response_expressions(text)
    if len(parts) != 2 or parts[1].column is None:
        return ""
    successes, failures = (compute(part, reader) for part in parts)
    same = bool((failures == failures[0]).all()) and failures[0] > 1
    if not same or successes.max() > failures[0] or len(np.unique(successes)) < 4:
        return ""
    k, n = (part.name for part in parts)
    return (
        f"{n} is {failures[0]:g} in every row and never below {k}, as a number of trials is, but "
        f"cbind() takes successes and failures: write cbind({k}, {n} - {k}) unless {n} counts the "
        "failures"
    )


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
            _check_ratio(part, reader)
            raise ResponseError(_not_binary(values, part, reader))
        return Response(values, np.broadcast_to(1.0, values.shape), None)
    outside = (values < 0) | (values > 1)
    if outside.any():
        _check_ratio(part, reader)
        counts = f"With counts write cbind({part.name}, {weights_name} - {part.name})"
        raise ResponseError(
            f"the response '{part.name}' is not a proportion between 0 and 1 in "
            f"{shown_rows(reader.data.index, outside)}. {missing_number(values) or counts}"
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
            f"not counts are for {_of_shares(values)}"
        )
    return Response(successes, trials, None)


def _of_shares(values: FloatArray) -> str:
    """The family of shares that are no counts."""
    ends = bool(((values == 0) | (values == 1)).any())
    return "family='ordbeta', which takes exact 0 and 1" if ends else "family='beta'"


def _check_ratio(part: Expression, reader: Source) -> None:
    """Raise ResponseError for ``k / n`` with k above n."""
    if len(part.columns) != 2 or part.name.replace("`", "") != " / ".join(part.columns):
        return
    k, n = (reader.numbers(name) for name in part.columns)
    above = k > n
    if above.any():
        successes, trials = part.name.split(" / ")
        i = int(np.flatnonzero(above)[0])
        raise ResponseError(
            f"the response '{part.name}' is above 1 in {shown_rows(reader.data.index, above)}, "
            f"where there are more successes than trials ({k[i]:g} of {n[i]:g}): correct these "
            f"rows. The same response is cbind({successes}, {trials} - {successes})"
        )


def _not_binary(values: FloatArray, part: Expression, reader: Source) -> str:
    bad = (values != 0) & (values != 1)
    where = shown_rows(reader.data.index, bad)
    if ((values >= 0) & (values <= 1)).all():
        trials = part.columns[-1] if len(part.columns) == 2 and "/" in part.name else "n"
        return (
            f"the binomial response '{part.name}' is a proportion ({where}): give the numbers of "
            f"trials, weights='{trials}', or write cbind(successes, failures); proportions that "
            f"are not counts are for {_of_shares(values)}"
        )
    advice = missing_number(values) or "Write cbind(successes, failures) for counts"
    return f"the binomial response '{part.name}' is neither 0 nor 1 in {where}. {advice}"


def response_columns(text: str) -> tuple[str, ...]:
    """Data columns of a response."""
    found = [name for part in response_expressions(text) for name in part.columns]
    return tuple(dict.fromkeys(found))


__all__ = [
    "Response",
    "evaluate_response",
    "outcome_labels",
    "response_columns",
    "trials_for_failures",
]
