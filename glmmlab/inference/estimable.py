"""What the data can estimate: rows of coefficients orthogonal to the null space of the design."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._types import BoolArray, FloatArray

if TYPE_CHECKING:
    from glmmlab.inference.linear import LinearEstimates

_ESTIMABLE = 1e-8


def estimable_rows(rows: FloatArray, null_basis: FloatArray | None) -> BoolArray:
    """Which rows are orthogonal to the null space of the model matrix.

    >>> estimable_rows(np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([[0.5**0.5], [-(0.5**0.5)]]))
    array([ True, False])
    """
    if null_basis is None or null_basis.size == 0:
        return np.ones(len(rows), bool)
    leak = ((rows @ null_basis) ** 2).sum(axis=1)
    return np.asarray(leak <= _ESTIMABLE * np.maximum((rows**2).sum(axis=1), 1e-300))


def estimable_combinations(linear: LinearEstimates) -> LinearEstimates:
    """The linear functions of the rows that the data can estimate; all rows if all can be.

    With empty cells two rows may be out of reach while their sum is not: the combinations C with
    C L N = 0, for N a basis of the null space of the model matrix.
    """
    if linear.null_basis is None or linear.estimable.all():
        return linear
    size = np.sqrt(np.maximum((linear.rows**2).sum(axis=1), 1e-300))
    u, s, _ = np.linalg.svd((linear.rows / size[:, None]) @ linear.null_basis)
    rank = int((s > np.sqrt(_ESTIMABLE)).sum())
    combinations = u[:, rank:].T / size
    return linear.combine(combinations, pd.DataFrame(index=range(len(combinations))))
