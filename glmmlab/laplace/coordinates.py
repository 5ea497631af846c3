"""The fixed part in orthonormal columns, where its coefficients are of one size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray


@dataclass(frozen=True)
class Coordinates:
    """X~ = X A, so that beta = A beta~."""

    A: FloatArray
    log_determinant: float
    """log|R| of X~ = X R^-1, which a restricted likelihood needs."""

    @classmethod
    def own(cls, p: int) -> Coordinates:
        """Those of X itself."""
        return cls(np.eye(p), 0.0)


def orthonormalise(columns: FloatArray) -> tuple[FloatArray, Coordinates]:
    """The columns of X, given as rows of shape (p, n), with X~'X~ = n I.

    The result takes the place of ``columns``: of long data there is one copy.
    """
    p, n = columns.shape
    if p == 0:
        return columns, Coordinates.own(0)
    q, r = linalg.qr(columns.T, mode="economic", overwrite_a=True, check_finite=False)
    q *= np.sqrt(n)
    A = linalg.lapack.dtrtri(r)[0] * np.sqrt(n)
    return q.T, Coordinates(A, float(-np.log(np.abs(np.diag(A))).sum()))
