"""Columns that are combinations of earlier ones, found in order as R does."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray

TOLERANCE = 1e-7
"""A column is aliased if less than this share of its length is left after the earlier columns
(R's ``qr(tol = 1e-7)``)."""


def independent_columns(X: FloatArray) -> tuple[int, ...]:
    """Places of the columns that are not combinations of earlier kept ones.

    The triangle R of X = QR has the columns' inner products, and |R_jj| is what is left of column
    j after the columns before it, so the search works on the small R.

    Parameters
    ----------
    X : ndarray, shape (n, p)

    Examples
    --------
    >>> import numpy as np
    >>> independent_columns(np.array([[1.0, 1.0, 2.0], [1.0, 2.0, 3.0], [1.0, 3.0, 4.0]]))
    (0, 1)
    """
    p = X.shape[1]
    if _clearly_independent(X):
        return tuple(range(p))
    triangle = np.linalg.qr(X, mode="r")
    lengths = np.sqrt(np.einsum("ij,ij->j", triangle, triangle))
    kept = list(range(p))
    while kept:
        diagonal = np.abs(np.diag(triangle))
        left = np.zeros(len(kept))
        left[: len(diagonal)] = diagonal
        aliased = np.flatnonzero(left <= TOLERANCE * lengths[kept])
        if not len(aliased):
            break
        first = int(aliased[0])
        del kept[first]
        triangle = np.linalg.qr(np.delete(triangle, first, axis=1), mode="r")
    return tuple(kept)


def _clearly_independent(X: FloatArray) -> bool:
    """The cheap case: X'X, whose factor has half the digits, is far from singular."""
    if X.shape[1] == 1:
        return bool(X.any())
    gram = X.T @ X
    lengths = np.sqrt(np.diag(gram))
    if not (lengths > 0).all() or not np.isfinite(lengths).all():
        return False
    try:
        factor = np.linalg.cholesky(gram / np.outer(lengths, lengths))
    except np.linalg.LinAlgError:
        return False
    return bool((np.diag(factor) > 1e-3).all())
