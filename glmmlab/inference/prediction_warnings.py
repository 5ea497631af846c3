"""What is said of predictions that no number stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from glmmlab._types import BoolArray, FloatArray
from glmmlab._warnings import warn
from glmmlab.errors import ExtrapolationWarning, RankDeficientWarning, SeparationWarning
from glmmlab.formula.columns import shown_rows
from glmmlab.links.stable import LARGEST

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

Lost = dict[tuple[str, ...], BoolArray]
"""Columns that were dropped from a part of the model, and the rows that cannot do without them."""


def tell_of_endless_means(estimate: Estimate, eta: FloatArray, index: pd.Index) -> None:
    """Warn of means beyond the largest number."""
    if estimate.family.link.name != "log" or not (far := eta > LARGEST).any():
        return
    warn(
        ExtrapolationWarning(
            f"the mean in {shown_rows(index, far)} is beyond the largest number that there is: "
            "the linear predictor exceeds 700. Check the units of the new rows."
        )
    )


def tell_of_lost_rows(lost: Lost, missing: BoolArray, index: pd.Index) -> None:
    """Warn of rows that the data cannot estimate, where their prediction is missing."""
    for names, rows in lost.items():
        if (rows & missing).any():
            warn(
                RankDeficientWarning(
                    f"the prediction is missing in {shown_rows(index, rows & missing)}, which the "
                    f"data cannot estimate: it needs {', '.join(names)}, left out of the fit as "
                    "the data have no such combination of the predictors."
                )
            )


def tell_of_separated_rows(rows: BoolArray, index: pd.Index) -> None:
    """Warn of limits around predictions that run to the end of their range."""
    if rows.any():
        warn(
            SeparationWarning(
                f"the linear predictor in {shown_rows(index, rows)} has no finite estimate, since "
                "the data are separated there: its standard error and limits mean nothing."
            )
        )
