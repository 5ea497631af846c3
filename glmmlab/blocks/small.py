"""Linear algebra on many small blocks at once.

Blocks are stored *entry first*: a stack of k x k matrices is an array of shape
``(k, k, ..., G)``, so that every operation below is a few vectorised statements over all
levels (and over a batch of evaluations in the middle axes).  k is the number of random effects
of one level: 1 or 2 as a rule, so the Python loops over entries are short.
"""

from __future__ import annotations

import numpy as np

from glmmlab._types import BoolArray, FloatArray


def cholesky(a: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Lower Cholesky factors and which blocks are positive definite.

    Parameters
    ----------
    a : ndarray, shape (k, k, ..., G)
        Symmetric blocks; only the lower triangle is read.

    Returns
    -------
    lower : ndarray, shape (k, k, ..., G)
        Factors; entries above the diagonal are zero.  Blocks that are not positive definite
        hold finite nonsense.
    positive : ndarray of bool, shape (..., G)
    """
    k = a.shape[0]
    if k == 1:
        positive = a[0, 0] > 0.0
        if positive.all():
            return np.sqrt(a), positive
        return np.sqrt(np.where(positive, a, 1.0)), positive
    lower = np.zeros(a.shape)
    positive = np.ones(a.shape[2:], dtype=bool)
    for j in range(k):
        pivot = a[j, j]
        for l in range(j):
            pivot = pivot - lower[j, l] * lower[j, l]
        good = pivot > 0.0
        positive &= good
        root = np.sqrt(pivot if good.all() else np.where(good, pivot, 1.0))
        lower[j, j] = root
        for i in range(j + 1, k):
            rest = a[i, j]
            for l in range(j):
                rest = rest - lower[i, l] * lower[j, l]
            lower[i, j] = rest / root
    return lower, positive


def forward(lower: FloatArray, b: FloatArray) -> FloatArray:
    """Solve L x = b for every block; ``b`` has shape (k, ..., G)."""
    k = lower.shape[0]
    if k <= 1:
        return b / lower[0] if k else b
    x: list[FloatArray] = []
    for i in range(k):
        s = b[i]
        for j in range(i):
            s = s - lower[i, j] * x[j]
        x.append(s / lower[i, i])
    return np.array(x)


def backward(lower: FloatArray, b: FloatArray) -> FloatArray:
    """Solve L' x = b for every block; ``b`` has shape (k, ..., G)."""
    k = lower.shape[0]
    if k <= 1:
        return b / lower[0] if k else b
    x: list[FloatArray] = []
    for i in reversed(range(k)):
        s = b[i]
        for j in range(i + 1, k):
            s = s - lower[j, i] * x[k - 1 - j]
        x.append(s / lower[i, i])
    return np.array(x[::-1])


def inverse(lower: FloatArray) -> FloatArray:
    """(L L')^-1 for every block, shape (k, k, ..., G)."""
    k = lower.shape[0]
    if k <= 1:
        return 1.0 / (lower * lower)
    units = np.eye(k).reshape(k, k, *(1 for _ in lower.shape[2:]))
    root = forward(lower[:, :, None], units)  # L^-1
    return np.asarray(np.einsum("ia...,ib...->ab...", root, root))


def log_determinant(lower: FloatArray) -> FloatArray:
    """log|L L'| summed over the blocks, shape (...)."""
    sums = [np.log(lower[j, j]).sum(axis=-1) for j in range(lower.shape[0])]
    return np.asarray(2.0 * sum(sums))
