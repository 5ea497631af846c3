"""Labels of a model's factors and groups: what looks like a slip, and levels without rows left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from glmmlab.errors import LabelWarning
from glmmlab.formula.bars import RandomSpec
from glmmlab.formula.columns import Level
from glmmlab.formula.fixed import FixedPart, used_columns
from glmmlab.formula.labels import (
    OF_PANDAS,
    Kind,
    day_first,
    difference,
    is_short_code,
    kind_of,
    missing_codes,
    number_cure,
    quoted,
    spelled_alike,
    visible,
)
from glmmlab.formula.source import Source

FEW = 12
"""So many levels a factor may have whose labels are numbers or dates; more are a covariate's."""
FEW_ROWS = 3
"""Of a spelling; with fewer it is a slip."""
MOST_WORDS = 0.1
"""A larger share of words among numbers is no slip."""


def label_columns(
    parts: Iterable[FixedPart], random: Iterable[RandomSpec], source: Source
) -> dict[str, bool]:
    """Columns read as labels -> whether one is a factor of the fixed part only for being text.

    ``C(x)`` and ``factor(x)`` say that labels are meant.
    """
    found: dict[str, bool] = {}
    for part in parts:
        bare = {factor.column for factor in part.codings}
        for name, variable in part.variables.items():
            if variable.levels is not None:
                found[name] = found.get(name, False) or name in bare
    for spec in random:
        slopes = (name for name in used_columns(spec.lhs) if source.is_factor(name))
        for name in (*spec.group_columns, *slopes):
            found.setdefault(name, False)
    return found


def label_warnings(columns: Mapping[str, bool], source: Source) -> Iterator[LabelWarning]:
    """One warning for each column whose labels look like slips."""
    for name, bare in columns.items():
        levels, which = source.factor(name)
        labels = [level for level in levels if isinstance(level, str)]
        codes, groups = missing_codes(labels), spelled_alike(labels)
        if codes or groups:
            rows = dict(zip(levels, np.bincount(which, minlength=len(levels)), strict=True))
            codes = [code for code in codes if not _is_treatment(code, rows)]
            groups = [group for group in groups if not _are_symbols(group, rows)]
        said = [*_alike(name, groups), *_missing(name, codes)]
        text = not isinstance(source.column(name).dtype, pd.CategoricalDtype)
        if bare and text:
            said += _numbers(name, labels, codes, len(source))
        if said:
            first, *rest = said
            further = "".join(f". It {sentence}" for sentence in rest)
            yield LabelWarning(f"column '{name}' {first}{further}")


def _is_treatment(code: str, rows: Mapping[Level, int]) -> bool:
    """Whether "-" or "NA" has as many rows as other levels: nothing added, or nutrient agar."""
    others = [n for level, n in rows.items() if level != code]
    return code in ("-", "NA") and 2 * rows[code] >= float(np.median(others))


def _are_symbols(group: Sequence[str], rows: Mapping[Level, int]) -> bool:
    """Whether short codes differ in letter case alone and are about as frequent: alleles."""
    counts = [rows[label] for label in group]
    plain = all(label == visible(label) and is_short_code(label) for label in group)
    return plain and min(counts) >= FEW_ROWS and 2 * min(counts) >= max(counts)


def _alike(name: str, groups: Sequence[Sequence[str]]) -> Iterator[str]:
    if groups:
        about, cure = difference(groups, name)
        shown = "; ".join(quoted(group) for group in groups[:4]) + "; ..." * (len(groups) > 4)
        yield (
            f"has labels that differ only in {about}, and each is a level of its own: {shown}. If "
            f"they are the same, write {cure}"
        )


def _missing(name: str, codes: Sequence[str]) -> Iterator[str]:
    if not codes:
        return
    many = len(codes) > 1
    if OF_PANDAS.issuperset(codes):
        cure = (
            "if astype(str) made the label of missing values, write "
            f"data[{name!r}] = data[{name!r}].mask(data[{name!r}].isin({list(codes)!r}))"
        )
    else:
        cure = f"for missing values read the file with pd.read_csv(..., na_values={list(codes)!r})"
    yield (
        f"has the level{'s' * many} {quoted(codes)}, which look{'s' * (not many)} like "
        f"{'codes' if many else 'a code'} of missing values: {cure}"
    )


def _numbers(name: str, labels: Sequence[str], codes: Sequence[str], rows: int) -> Iterator[str]:
    """Numbers or dates that are a factor only because a file was read as text."""
    read = [label for label in labels if label not in set(codes)]
    words = [label for label in read if kind_of([label]) in (None, "dates")]
    if len(words) > MOST_WORDS * len(read):
        words = []
    numbers = [label for label in read if label not in set(words)]
    kind = kind_of(numbers)
    if kind is None or len(numbers) <= _usual(kind, numbers, words, rows):
        return
    if kind == "dates":
        order = day_first(numbers)
        read_as = f"pd.to_datetime(data[{name!r}]{', dayfirst=True' if order else ''})"
        cure = f"count days, as in ({read_as} - start).dt.days"
        if order is None:
            cure += ", with dayfirst=True if the day stands before the month"
    else:
        cure = number_cure(labels, name)
    beside = f" beside {quoted(words)}" if words else ""
    yield (
        f"holds {kind} as text ({quoted(numbers, 3)}){beside}, so it is a factor of {len(labels)} "
        f"levels. If numbers are meant, {cure}; if labels, write factor({name})"
    )


def _usual(kind: Kind, numbers: Sequence[str], words: Sequence[str], rows: int) -> float:
    """So many levels a factor may have whose labels are numbers or dates.

    Whole numbers are codes (of genotypes, of plots), in any number.
    """
    if kind == "numbers" and all(float(label) % 1 == 0 for label in numbers):
        return np.inf
    commas = kind == "numbers with a decimal comma"
    return 0 if commas and not words else max(FEW, rows / 3)


def lost_levels(columns: Iterable[str], before: Source, after: Source) -> str:
    """Levels all of whose rows were dropped, as ``; no rows are left for 'N06' of entry``."""
    said = ""
    for name in columns:
        kept = set(after.factor(name)[0])
        lost = [str(level) for level in before.factor(name)[0] if level not in kept]
        if lost:
            said += f"; no rows are left for {quoted(lost)} of {name}"
    return said
