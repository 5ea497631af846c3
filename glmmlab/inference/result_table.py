"""A table of estimates as it is shown: plain columns, a heading, and notes on what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from glmmlab._arguments import several_names
from glmmlab._tables import Document, Exported
from glmmlab.errors import UnknownNameError
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.linear import LinearEstimates, resolve_side
from glmmlab.inference.views import MISSING, document

TYPES = ("link", "response")
_MOST_NAMES = 6
NOT_ESTIMABLE = (
    "not estimable from these data (empty cells, or columns that are combinations of others)"
)


def names_of(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """A name or several as a tuple."""
    return several_names(names, "names")


@dataclass(frozen=True)
class ResultTable(Exported):
    """Rows of estimates with their columns, as numbers and as text.

    Attributes
    ----------
    frame : DataFrame
        Plain columns; the numbers as computed.
    heading : str
    notes : tuple of str
        Scale, averaging, adjustment, degrees of freedom.
    """

    frame: pd.DataFrame
    heading: str
    notes: tuple[str, ...]
    by: tuple[str, ...]
    labels: tuple[str, ...]

    def __getitem__(self, column: str) -> pd.Series:
        return self.frame[column]

    def __len__(self) -> int:
        return len(self.frame)

    def _document(self) -> Document:
        return document(self.heading, self.frame, self.by, self.labels, self.notes)

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def check_type(type: str) -> str:
    """ "link" or "response"."""
    if type not in TYPES:
        raise UnknownNameError(f"Unknown type {type!r}; choose one of {', '.join(TYPES)}.")
    return type


def df_note(linear: LinearEstimates) -> str:
    """How the rows' degrees of freedom were counted."""
    if note := getattr(linear.df, "note", ""):
        return str(note)
    if linear.asymptotic or np.isinf(linear.degrees[linear.estimable]).all():
        return "Asymptotic z (df = inf)."
    degrees = linear.degrees[linear.estimable]
    if degrees.size and np.ptp(degrees) < 1e-9:
        return f"t with {degrees[0]:.4g} degrees of freedom."
    return "t with the degrees of freedom shown."


def row_notes(linear: LinearEstimates) -> tuple[str, ...]:
    """Which rows have no estimate, or no finite one."""
    return (*_missing_notes(linear), *_runaway_notes(linear))


def _missing_notes(linear: LinearEstimates) -> tuple[str, ...]:
    """What stands for rows without an estimate means."""
    if linear.estimable.all():
        return ()
    scale = " Or without a value on this scale." if linear.at_limit else ""
    return (f"{MISSING}: {NOT_ESTIMABLE}.{scale}",)


def _runaway_notes(linear: LinearEstimates) -> tuple[str, ...]:
    """Which rows have no finite estimate, because the data are separated."""
    if not linear.separated.any():
        return ()
    rows = linear.labels[linear.separated].itertuples(index=False)
    names = [" ".join(map(plain_label, row)) for row in rows]
    shown = "; ".join(names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    end = "their standard errors and tests mean nothing"
    if linear.at_limit:
        end = "there is no standard error and no test at such a limit"
    return (f"No finite estimate (separated data): {shown}{more}; {end}.",)


def side_notes(delta: float, side: str) -> tuple[str, ...]:
    kind = resolve_side(side)
    if delta > 0:
        name = {"two-sided": "equivalence", "greater": "noninferiority"}.get(kind, "nonsuperiority")
        return (f"Tests of {name} with threshold {delta:g} (link scale).",)
    return () if kind == "two-sided" else (f"One-sided tests: {kind} than the null value.",)
