"""Gamma differences over the counts of the rows, remembered from call to call."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np

from glmmlab._types import FloatArray, IntArray
from glmmlab.families.base import Obs, remember
from glmmlab.families.special import GammaSet, rising

Part = Literal["log", "first", "second", "third"]


class Rises:
    """``rising(1 + size, counts)`` for the counts of the rows.

    Parameters
    ----------
    counts : ndarray, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> Rises(np.array([2.0, 0.0, 2.0])).part(np.array(1.0), "log").round(4).tolist()
    [1.7918, 0.0, 1.7918]
    """

    def __init__(self, counts: FloatArray) -> None:
        self.counts = counts
        self.rows, self.levels = Obs(), Obs()

    @cached_property
    def _distinct(self) -> tuple[FloatArray, IntArray]:
        """The counts that occur, and the place of each row's among them."""
        counts, place = np.unique(self.counts, return_inverse=True)
        return counts, place.reshape(self.counts.shape)

    def all(self, size: FloatArray) -> GammaSet:
        """The differences at a size for each row, shape (..., n)."""
        return remember(self.rows, np.asarray(size), lambda x: rising(1.0 + x, self.counts))

    def part(self, size: FloatArray, part: Part) -> FloatArray:
        """One of them; where all rows have one size, found once for each count that occurs."""
        size = np.asarray(size)
        if size.ndim and size.shape[-1] != 1:
            return np.asarray(getattr(self.all(size), part))
        counts, place = self._distinct
        found = remember(self.levels, size, lambda x: rising(1.0 + x, counts))
        return np.asarray(getattr(found, part)[..., place])
