"""A table of means as figures show it: what separated data leave open does not stretch the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from glmmlab.inference.emmeans import EMMeans

_FLAT = 1e-3
"""A response that moves by less than this with its linear predictor stands at its limit."""


def drawn_frame(table: EMMeans) -> pd.DataFrame:
    """The table's frame, a copy; rows without a finite estimate have no interval.

    Their estimates are infinite, unless they stand at a limit on the response scale, a
    probability of 0 say.
    """
    frame, endless = table.frame.copy(), table.linear.separated
    if not endless.any():
        return frame
    estimate, *limits = (table._own(name) for name in ("estimate", "lower", "upper"))
    frame.loc[endless, limits] = np.nan
    if table.linear.at_limit:
        return frame
    eta = table.linear.estimate
    if table._on_response():
        with np.errstate(over="ignore", invalid="ignore"):
            slope = table.transformation.slope(eta)  # type: ignore[union-attr]
        endless = endless & ~(np.abs(slope) < _FLAT)
    frame.loc[endless, estimate] = np.copysign(np.inf, eta[endless])
    return frame
