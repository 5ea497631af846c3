"""Tables of estimates as text and HTML: how their columns are printed, and their panels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from glmmlab._tables import HUGE, Document, Table, common_decimals, format_fixed
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.linear import panels
from glmmlab.inference.own_columns import own_kind

_PRECISE = ("estimate", "lower", "upper", "null")
MISSING = "nonEst"


def format_column(name: str, values: pd.Series, digits: int = 3) -> list[str]:
    """One column as strings: statistics 3 decimals, p 4, estimates `digits` significant."""
    if name == "p":
        return [_p(v) for v in values.astype(float)]
    if name == "statistic":
        return format_fixed(values.astype(float), 3)
    if name in ("df", "df_resid"):
        return [_df(v) for v in values.astype(float)]
    if name == "se":
        return format_fixed(values.astype(float), common_decimals(values.astype(float), 3))
    if name in _PRECISE:
        return _numbers(values.astype(float), digits, MISSING if name == "estimate" else "")
    return _labels_of(values)


def _labels_of(values: pd.Series) -> list[str]:
    return [plain_label(v) for v in values]


def _numbers(values: pd.Series, digits: int, missing: str) -> list[str]:
    """Common decimals; one value near zero, or a huge one, does not change all others."""
    sizes = np.sort(np.abs(values[np.isfinite(values) & (values != 0)].to_numpy()))
    sizes = sizes[sizes < min(HUGE, 1e4 * np.median(sizes))] if sizes.size else sizes
    if sizes.size and sizes[-1] > 1e3 * sizes[0]:
        sizes = sizes[sizes > sizes[-1] / 1e3]
    decimals = common_decimals(sizes, digits) if sizes.size else 1
    return format_fixed(values, decimals, missing)


def _p(value: float) -> str:
    if np.isnan(value):
        return ""
    return "<0.0001" if value < 1e-4 else f"{value:.4f}"


def _df(value: float) -> str:
    if np.isnan(value):
        return ""
    return "inf" if np.isinf(value) else f"{value:.2f}".rstrip("0").rstrip(".")


def panel_tables(
    frame: pd.DataFrame, by: Sequence[str], labels: Sequence[str], digits: int = 3
) -> list[Table]:
    """The frame as tables, one a by-group, headed ``gen = O73``.

    Parameters
    ----------
    frame : DataFrame
    by : sequence of str
        Columns that make the panels (not shown inside them).
    labels : sequence of str
        Columns that name the rows.
    """
    shown = [name for name in frame.columns if name not in by]
    cells = {
        name: _labels_of(frame[name])
        if name in labels
        else format_column(own_kind(name), frame[name], digits)
        for name in shown
    }
    tables = []
    for key, index in panels(frame, by):
        title = ", ".join(
            f"{name} = {plain_label(value)}" for name, value in zip(by, key, strict=True)
        )
        rows = [tuple(cells[name][i] for name in shown) for i in index]
        tables.append(Table(shown, rows, title, left=len(labels)))
    return tables


def document(
    heading: str,
    frame: pd.DataFrame,
    by: Sequence[str],
    labels: Sequence[str],
    notes: Sequence[str],
) -> Document:
    """Heading, panels and notes."""
    tables = panel_tables(frame, by, labels)
    return Document([*tables, "\n".join(notes)] if notes else tables, heading)
