"""From a formula and a data frame to a checked :class:`Design`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from glmmlab._types import BoolArray, FloatArray
from glmmlab._warnings import warn
from glmmlab.design.arguments import check_offset, check_weights, row_values
from glmmlab.design.checks import aliased_message, check_random, check_response, check_rows
from glmmlab.design.labels import label_columns, label_warnings, lost_levels
from glmmlab.design.objects import Design, LinearPart
from glmmlab.design.random import random_term
from glmmlab.design.rank import independent_columns
from glmmlab.errors import (
    DataError,
    FormulaError,
    FormulaWarning,
    GlmmlabWarning,
    MissingDataWarning,
    RankDeficientWarning,
    UnknownColumnError,
    WeightsError,
)
from glmmlab.families.base import Family
from glmmlab.formula.algebra import idle_powers, terms
from glmmlab.formula.bars import ParsedFormula, parse, parse_part
from glmmlab.formula.columns import as_frame, category_codes, snapshot
from glmmlab.formula.fixed import FixedPart, offset_values, used_columns
from glmmlab.formula.response import (
    Response,
    evaluate_response,
    response_columns,
    trials_for_failures,
)
from glmmlab.formula.source import Source
from glmmlab.formula.tokens import needs_quotes


@dataclass
class _Rows:
    """The rows used: data and row-wise arguments after missing values were dropped."""

    data: pd.DataFrame
    weights: FloatArray | None
    weights_name: str | None
    offset: FloatArray | None
    offset_name: str | None
    n_dropped: int
    dropped: str
    """The text of a MissingDataWarning; empty where no row was dropped."""


def build_design(
    formula: str,
    data: pd.DataFrame,
    family: Family,
    *,
    weights: Any = None,
    offset: Any = None,
    dispersion: str | None = None,
    zero_inflation: str | None = None,
) -> Design:
    """Evaluate a formula on data, check everything, and keep what the engine needs.

    Parameters
    ----------
    formula : str
        ``response ~ fixed terms + offset(...) + (random | group)``.
    data : DataFrame
    family : Family
    weights, offset : str or array, optional
        A column's name, or one value a row.  For a binomial proportion the weights are its
        trials; otherwise they multiply the log-densities.
    dispersion, zero_inflation : str, optional
        One-sided formulas; an intercept otherwise.

    Returns
    -------
    Design

    Raises
    ------
    FormulaError, UnknownColumnError, ResponseError, WeightsError, DataError
        Every message names the column, the rows, and what to do.

    Warns
    -----
    MissingDataWarning, LabelWarning, FormulaWarning, RankDeficientWarning

    Examples
    --------
    >>> import pandas as pd
    >>> import glmmlab as gl
    >>> data = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0], "g": ["a", "a", "b", "b"]})
    >>> design = build_design("y ~ 1 + (1 | g)", data, gl.families.get("gaussian"))
    >>> design.nobs, design.random[0].levels
    (4, ('a', 'b'))
    """
    everything = Source(snapshot(as_frame(data)))
    with _names_in_backticks((formula, dispersion, zero_inflation), everything.data.columns):
        parsed = parse(formula)
        parts = _auxiliary_formulas(family, dispersion, zero_inflation)
        if not (parsed.random or terms(parsed.fixed)):
            raise FormulaError(f"'{formula}' has no term to estimate: write {parsed.response} ~ 1")
        rows = _rows_used(parsed, parts, everything, weights, offset)
    source = Source(rows.data) if rows.n_dropped else everything
    response = _response(parsed, rows, source, family)
    fixed = FixedPart.learn(parsed.fixed, source, parsed.offsets)
    others = {name: FixedPart.learn(text, source) for name, text in parts.items()}
    # said before the matrices are made: a covariate read as text has a column for each number
    columns = label_columns((fixed, *others.values()), parsed.random, source)
    warnings = [
        *_missing_data(rows, columns, everything, source),
        *(labels := list(label_warnings(columns, source))),
        *_formula_warnings(parsed, parts, source),
    ]
    for warning in warnings:
        warn(warning)
    conditional = _linear_part(fixed, source)
    auxiliary = {name: _linear_part(part, source) for name, part in others.items()}
    random = tuple(random_term(spec, source) for spec in parsed.random)
    check_rows(len(source), len(conditional.kept), family, " ".join(map(str, labels)))
    check_random(random, len(source), family)
    for aliased in _rank_warnings(conditional, auxiliary):
        warn(aliased)
        warnings.append(aliased)
    return Design(
        formula=formula,
        response=parsed.response,
        y=response.y,
        trials=response.trials,
        weights=response.weights,
        offset=_offset(parsed, rows, source),
        conditional=conditional,
        auxiliary=auxiliary,
        random=random,
        data=rows.data,
        n_dropped=rows.n_dropped,
        weights_name=rows.weights_name,
        offset_name=rows.offset_name,
        warnings=tuple(warnings),
    )


def _auxiliary_formulas(
    family: Family, dispersion: str | None, zero_inflation: str | None
) -> dict[str, str]:
    """One-sided formula of each auxiliary predictor."""
    given = {"dispersion": dispersion, "zero_inflation": zero_inflation}
    for name, text in given.items():
        if text is None:
            continue
        if not isinstance(text, str):
            raise FormulaError(f"{name}= is a formula such as '~ x', not {text!r:.60}")
        if name not in family.auxiliary:
            raise FormulaError(
                f"{name}='{text}': the {family.name} family has no {name.replace('_', ' ')} "
                "to model"
            )
        if parse_part(text)[1]:
            raise FormulaError(f"{name}='{text}': an offset is possible in the main formula only")
        if not terms(parse_part(text)[0]):
            raise FormulaError(
                f"{name}='{text}' has no column: write '~ 1' for a constant, or leave it out"
            )
    return {name: "1" if given.get(name) is None else str(given[name]) for name in family.auxiliary}


def _rows_used(
    parsed: ParsedFormula, parts: Mapping[str, str], source: Source, weights: Any, offset: Any
) -> _Rows:
    """Drop the rows with a missing value in any column or argument in use."""
    data = source.data
    if len(data) == 0:
        raise DataError("the data have no rows")
    missing = _missing(_roles(parsed, parts), source)
    w, weights_name = (
        (None, None) if weights is None else row_values(weights, data, "weights", WeightsError)
    )
    o, offset_name = (
        (None, None) if offset is None else row_values(offset, data, "offset", DataError)
    )
    for values, name in ((w, weights_name), (o, offset_name)):
        if values is not None and name is not None and np.isnan(values).any():
            missing[name] = np.isnan(values)
    if not missing:
        return _Rows(data, w, weights_name, o, offset_name, 0, "")
    drop = np.logical_or.reduce(list(missing.values()))
    n_dropped = int(drop.sum())
    named = ", ".join(f"{name} ({int(rows.sum())})" for name, rows in missing.items())
    if n_dropped == len(data):
        raise DataError(
            f"every row has a missing value, none is left to fit: missing values a column: {named}"
        )
    verb = "was" if n_dropped == 1 else "were"
    keep = ~drop
    return _Rows(
        data.loc[keep],
        None if w is None else w[keep],
        weights_name,
        None if o is None else o[keep],
        offset_name,
        n_dropped,
        f"{n_dropped} of {len(data)} rows {verb} dropped for missing values in {named}",
    )


def _roles(parsed: ParsedFormula, parts: Mapping[str, str]) -> dict[str, str]:
    """Every data column in use -> the first place where it is used."""
    roles: dict[str, str] = {}

    def note(columns: tuple[str, ...], role: str) -> None:
        for name in columns:
            roles.setdefault(name, role)

    note(response_columns(parsed.response), "the response")
    note(used_columns(parsed.fixed), "the fixed part")
    note(used_columns("1", parsed.offsets), "the offset")
    for spec in parsed.random:
        note((*used_columns(spec.lhs), *spec.group_columns), f"the random term {spec.text}")
    for name, text in parts.items():
        note(used_columns(text), f"{name}=")
    return roles


def _missing(roles: Mapping[str, str], source: Source) -> dict[str, BoolArray]:
    """Rows with missing values of each column that has any."""
    found: dict[str, BoolArray] = {}
    for name, role in roles.items():
        rows = _missing_in(source.column(name, role))
        if rows is not None and rows.any():
            found[name] = rows
    return found


def _missing_in(values: pd.Series) -> BoolArray | None:
    if isinstance(values.dtype, np.dtype):
        if values.dtype.kind in "iub":
            return None
        if values.dtype.kind == "f":
            return np.asarray(np.isnan(values.to_numpy()))
    if isinstance(values.dtype, pd.CategoricalDtype):
        return category_codes(values) < 0
    return np.asarray(values.isna().to_numpy(), dtype=bool)


def _response(parsed: ParsedFormula, rows: _Rows, source: Source, family: Family) -> Response:
    name = rows.weights_name or ""
    if rows.weights is not None:
        check_weights(rows.weights, name, rows.data.index)
    response = evaluate_response(parsed.response, source, family, rows.weights, name)
    check_response(response, parsed.response, family, rows.data.index)
    return response


def _linear_part(fixed: FixedPart, source: Source) -> LinearPart:
    X = fixed.matrix(source)
    kept = independent_columns(X)
    if len(kept) < X.shape[1]:
        X = np.ascontiguousarray(X[:, list(kept)])
    return LinearPart(fixed, X, kept)


def _offset(parsed: ParsedFormula, rows: _Rows, source: Source) -> FloatArray:
    """Offsets of the formula and of the argument, added."""
    total = np.broadcast_to(0.0, len(source))  # none costs no memory
    for text in parsed.offsets:
        values = offset_values(text, source)
        check_offset(values, f"offset({text})", rows.data.index)
        total = total + values
    if rows.offset is not None:
        check_offset(rows.offset, f"'{rows.offset_name}'", rows.data.index)
        total = total + rows.offset
    return total


def _missing_data(
    rows: _Rows, columns: Iterable[str], everything: Source, source: Source
) -> Iterator[GlmmlabWarning]:
    """Rows that were dropped, and the levels that went with them."""
    if rows.n_dropped:
        yield MissingDataWarning(rows.dropped + lost_levels(columns, everything, source))


def _formula_warnings(
    parsed: ParsedFormula, parts: Mapping[str, str], source: Source
) -> Iterator[FormulaWarning]:
    """Powers that are no arithmetic, and trials in the place of failures."""
    texts = (parsed.fixed, *parts.values(), *(spec.lhs for spec in parsed.random))
    powers = (text for text in texts if "^" in text or "**" in text)
    idle = dict.fromkeys(itertools.chain(*(idle_powers(parse_part(t)[0]) for t in powers)))
    for factor, power in idle:
        if factor.category is not None or factor.stateful:
            continue
        if factor.column is None or not source.is_factor(factor.column):
            name, more = factor.name, f", or poly({factor.name}, {power}) for a curve"
            yield FormulaWarning(
                f"{name}^{power} is {name} in a formula, where a power crosses terms as in "
                f"(a + b)^2: write I({name}^{power}){more if factor.column else ''}"
            )
    if said := trials_for_failures(parsed.response, source):
        yield FormulaWarning(said)


@contextmanager
def _names_in_backticks(texts: Iterable[str | None], columns: pd.Index) -> Iterator[None]:
    """Add to an error what to write for columns whose names are no plain words."""
    try:
        yield
    except (FormulaError, UnknownColumnError) as error:
        text = " ".join(text for text in texts if isinstance(text, str))
        names = needs_quotes(text, [name for name in columns if isinstance(name, str)])
        if not names:
            raise
        shown = ", ".join(f"`{name}`" for name in names)
        told = type(error)(
            f"{error}\nThe data have the column {names[0]!r}: a name that is not a plain word "
            f"stands in backticks, {shown}"
        )
        if isinstance(error, FormulaError) and isinstance(told, FormulaError):
            told.position = error.position
        raise told from None


def _rank_warnings(
    conditional: LinearPart, auxiliary: Mapping[str, LinearPart]
) -> Iterator[RankDeficientWarning]:
    named = itertools.chain(
        [("the fixed part", conditional)],
        ((f"the {name.replace('_', ' ')} model", part) for name, part in auxiliary.items()),
    )
    for where, part in named:
        if part.aliased:
            yield RankDeficientWarning(aliased_message(part, where))
