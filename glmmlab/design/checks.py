"""Whether a response and a design can be fitted at all; each error says what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.design.objects import LinearPart, RandomTerm, theta_positions
from glmmlab.errors import DataError, ResponseError
from glmmlab.families.base import Family
from glmmlab.formula.columns import shown_rows
from glmmlab.formula.labels import missing_number
from glmmlab.formula.response import Response

LARGEST = 1e75
"""Responses beyond this, or that vary by less than its inverse, are refused: fourth powers of
their residuals, which the derivatives hold, would overflow or vanish."""


def check_response(response: Response, text: str, family: Family, index: pd.Index) -> None:
    """Raise ResponseError for values outside the family's support and for constant responses."""
    y, trials = response.y, response.trials
    bad = family.check(y, trials)
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        hint = _hint(y, family) if trials is None else ""
        raise ResponseError(
            f"the response '{text}' has values that the {family.name} family cannot have "
            f"({y[i]:.6g} in {shown_rows(index, bad)}); it takes {family.support}{hint}"
        )
    if complaint := family.complaint(y):
        raise ResponseError(
            f"the response '{text}' does not suit the {family.name} family: {complaint}"
        )
    if trials is None:
        _check_constant(y, text)
        if family.is_hurdle and family.has_residual:
            _check_positive_part(y, text)
        _check_size(y, text)
    else:
        _check_binomial(y, trials, text, family)


def _check_positive_part(y: FloatArray, text: str) -> None:
    """Amounts of a hurdle model that are all the same."""
    amounts = np.unique(y[y > 0])
    if len(amounts) == 1:
        raise ResponseError(
            f"the response '{text}' is 0 or {amounts[0]:.6g} in every row: there are no amounts to "
            f"model beside the zeros. Fit '({text} > 0) ~ ...' with family='binomial'"
        )


def _check_constant(y: FloatArray, text: str) -> None:
    if len(y) > 1 and float(y.min()) == float(y.max()):
        raise ResponseError(
            f"the response '{text}' is constant ({y[0]:.6g} in every row): there is nothing "
            "to model"
        )


def _check_size(y: FloatArray, text: str) -> None:
    """Numbers whose squares, or squares of squares, leave the range of floating point."""
    size = float(np.abs(y).max())
    spread = float(y.max() / 2.0 - y.min() / 2.0)
    if len(y) > 1 and not (size <= LARGEST and spread >= 1.0 / LARGEST):
        shown = size if size > LARGEST else spread
        what = "values as large as" if size > LARGEST else "values that differ by as little as"
        raise ResponseError(
            f"the response '{text}' has {what} {shown:.3g}: sums of their squares cannot be "
            "computed. Change its unit (multiply it by a power of ten) and fit again"
        )


def _check_binomial(y: FloatArray, trials: FloatArray, text: str, family: Family) -> None:
    if not trials.any():
        raise ResponseError(f"the response '{text}' has no trials in any row")
    if not y.any():
        raise ResponseError(
            f"the response '{text}' has no success in any row: the probability has no finite logit"
        )
    if (y == trials).all():
        raise ResponseError(
            f"the response '{text}' has no failure in any row: the probability has no finite logit"
        )
    if "dispersion" in family.auxiliary and trials.max() <= 1:
        raise ResponseError(
            f"the response '{text}' has one trial a row: overdispersion cannot be seen in single "
            f"trials, so the {family.name} family has no estimate; use family='binomial'"
        )


def _hint(y: FloatArray, family: Family) -> str:
    """Advice from the values; the family's own check tells which values it takes."""

    def takes(value: float) -> bool:
        return not bool(family.check(np.array([value])).any())

    unit_interval = takes(0.25) and not takes(1.5)
    if unit_interval and y.min() >= 0 and 1 < y.max() <= 100:
        return ". Are these percentages? Divide them by 100"
    if unit_interval and y.min() >= 0 and y.max() <= 1:
        return (
            ". Values of exactly 0 or 1 need another model: family='ordbeta' for shares such as "
            "cover or severity, cbind(successes, failures) with family='binomial' for counts"
        )
    if not takes(0.5) and (y != np.round(y)).any():
        return (
            ". Counts are whole numbers: model a rate by its count with offset(log(exposure)), "
            "or use a continuous family"
        )
    if y.min() < 0 and (code := missing_number(y)):
        return f". {code}"
    if y.min() < 0:
        return ". Negative values need a family such as gaussian or t"
    if not takes(0.0) and (y == 0).any():
        return ". Zeros are not possible: were they below a limit of detection?"
    return ""


def check_rows(n: int, p: int, family: Family, reason: str = "") -> None:
    """Raise DataError where as many coefficients as rows leave nothing for a scale.

    A `reason` says what is known to make so many of them.
    """
    if "dispersion" in family.auxiliary and p >= n:
        raise DataError(
            f"the model has {p} fixed coefficient{'' if p == 1 else 's'} for {n} "
            f"row{'' if n == 1 else 's'}: nothing is left to estimate the dispersion of the "
            f"{family.name} family from. {reason or 'Simplify the formula'}"
        )


def check_random(random: Sequence[RandomTerm], n: int, family: Family) -> None:
    """Raise DataError for effects that cannot be told from each other or from the residual."""
    takes_all_numbers = not family.check(np.array([-1.0])).any()
    has_residual = takes_all_numbers and "dispersion" in family.auxiliary
    seen: dict[tuple[str, str], RandomTerm] = {}
    for term in random:
        for name in term.names:
            other = seen.setdefault((term.group, name), term)
            if other is not term:
                raise DataError(
                    f"the random terms {other.text} and {term.text} both give '{term.group}' the "
                    f"effect '{name}': their variances cannot be told apart. Keep one of them, or "
                    "write (0 + x | g) for a slope without an intercept"
                )
        if has_residual and len(term.levels) == n and "Intercept" in term.names:
            raise DataError(
                f"the grouping factor '{term.group}' has a level of its own in each of the {n} "
                f"rows: its variance cannot be told from the residual variance of the "
                f"{family.name} family. Take {term.text} out"
            )
    for group in dict.fromkeys(term.group for term in random) if has_residual else ():
        terms = [term for term in random if term.group == group]
        if _can_be_the_residual(terms):
            texts = " + ".join(term.text for term in terms)
            raise DataError(
                f"{texts} can take up the residual of every row, since no level of '{group}' has "
                f"more rows than random effects: their variances cannot be told from the residual "
                f"variance of the {family.name} family. Give '{group}' fewer effects, such as "
                f"(1 | {group})"
            )


def _can_be_the_residual(terms: Sequence[RandomTerm]) -> bool:
    """Whether random effects of one group can have the covariance of independent residuals.

    That is Z E Z' = I in every level, for a symmetric E with the zeros of the terms' covariances:
    what E adds to the variances of the effects is then taken from the residual's.
    """
    codes = terms[0].codes
    most = int(np.bincount(codes).max())
    if most > sum(len(term.names) for term in terms):  # the rank of Z E Z' is too low
        return False
    order = np.argsort(codes, kind="stable")
    codes, rows, target = codes[order], [], []
    for lag in range(most):  # pairs of rows of a level
        same = codes[: len(codes) - lag] == codes[lag:]
        products = []
        for term in terms:
            Z = term.Z[order] / np.maximum(np.abs(term.Z).max(axis=0), 1e-300)
            a, b = np.array(theta_positions(term), dtype=np.intp).T
            x, y = Z[: len(codes) - lag][same], Z[lag:][same]
            products.append(x[:, a] * y[:, b] + x[:, b] * y[:, a])
        rows.append(np.hstack(products))
        target.append(np.full(int(same.sum()), float(lag == 0)))
    A, identity = np.concatenate(rows), np.concatenate(target)
    E = np.linalg.lstsq(A, identity, rcond=None)[0]
    return bool(np.abs(A @ E - identity).max() < 1e-6)


def aliased_message(part: LinearPart, where: str) -> str:
    """The text of a RankDeficientWarning."""
    names = ", ".join(part.aliased[:10]) + (", ..." if len(part.aliased) > 10 else "")
    plural = len(part.aliased) > 1
    return (
        f"{'columns' if plural else 'column'} {names} of {where} "
        f"{'are combinations' if plural else 'is a combination'} of the columns before and "
        f"{'are' if plural else 'is'} left out (as R does); the coefficient shows as missing"
    )
