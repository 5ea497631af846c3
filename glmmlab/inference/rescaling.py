"""Contrasts times a number, plus a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.errors import GlmmlabError


@dataclass(frozen=True)
class Rescaling:
    """What the contrasts of each by-group are multiplied by, and what is added to them then.

    Attributes
    ----------
    scale, offset : float or sequence of float
        One number for all contrasts of a by-group, or one for each.
    """

    scale: Any = 1.0
    offset: Any = 0.0

    def values(self, groups: Sequence[int]) -> tuple[FloatArray, FloatArray]:
        """Scale and offset of each contrast, for by-groups with so many of them.

        Raises
        ------
        GlmmlabError
            What are no finite numbers, or not one for each contrast; a scale that is not
            positive.
        """
        scale, offset = _each(self.scale, "scale", groups), _each(self.offset, "offset", groups)
        if (scale <= 0).any():
            raise GlmmlabError(
                f"scale={self.scale!r}: positive numbers are needed, so that contrasts keep the "
                "direction that their names tell."
            )
        return scale, offset

    def notes(self, scale_name: str) -> tuple[str, ...]:
        """What is done, in sentences."""
        notes = []
        if np.any(np.asarray(self.scale) != 1):
            notes.append(f"Contrasts multiplied by {_listed(self.scale)}.")
        if np.any(np.asarray(self.offset) != 0):
            where = f" ({scale_name} scale)" if scale_name else ""
            notes.append(f"Added to the contrasts{where}: {_listed(self.offset)}.")
        return tuple(notes)


def _listed(values: Any) -> str:
    return ", ".join(f"{value:g}" for value in np.ravel(values))


def _each(given: Any, name: str, groups: Sequence[int]) -> FloatArray:
    """One number for each contrast of all by-groups."""
    try:
        values = np.asarray(given, float)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if not np.isfinite(values).all():
        raise GlmmlabError(f"{name}={given!r}: finite numbers are needed.")
    if values.ndim and any(values.shape != (size,) for size in groups):
        sizes = " or ".join(str(size) for size in dict.fromkeys(groups))
        raise GlmmlabError(
            f"{name}= has {values.size} numbers for {sizes} contrasts; give one for each of a "
            "by-group, or one for all."
        )
    return np.concatenate([np.broadcast_to(values, size) for size in groups])
