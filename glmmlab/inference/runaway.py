"""What separated data leave open: coefficients without a finite estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.estimate.separation import open_directions

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

_PREFIX = "zero_inflation: "


def separated_names(estimate: Estimate, component: str = "conditional") -> tuple[str, ...]:
    """Coefficients of one part of the model that have no finite estimate."""
    inflation = component == "zero_inflation"
    if component not in ("conditional", "zero_inflation"):
        return ()
    return tuple(
        name.removeprefix(_PREFIX)
        for name in estimate.separated
        if name.startswith(_PREFIX) == inflation
    )


def runaway_basis(estimate: Estimate, component: str, kept: np.ndarray) -> FloatArray | None:
    """Directions of a part's coefficients that have no finite estimate; None when all have one.

    Rows orthogonal to them are estimated by the rows of the data that are not separated.
    """
    if not separated_names(estimate, component):
        return None
    directions = open_directions(estimate.design, estimate.family, component)
    basis = np.zeros((kept.size, directions.shape[1]))
    basis[kept] = directions
    return basis


def separation_notes(estimate: Estimate, component: str = "conditional") -> tuple[str, ...]:
    """The words under tests of terms that have such coefficients."""
    names = separated_names(estimate, component)
    if not names:
        return ()
    return (
        f"No finite estimate (separated data): {', '.join(names)}. Wald tests of terms with "
        f"{'it' if len(names) == 1 else 'them'} mean nothing; use fit.compare().",
    )
