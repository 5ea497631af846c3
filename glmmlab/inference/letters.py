"""Compact letter displays: means that share a letter are not shown to differ.

The insert-absorb algorithm of Piepho (2004, J. Comput. Graph. Statist. 13:456-466), in the order
of insertion and of letters that emmeans' ``cld`` uses; ``sweep=True`` adds Piepho's last step,
which takes away letters that separate nothing (multcomp's ``cld`` does that).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from glmmlab._types import BoolArray

_SYMBOLS = "abcdefghijklmnopqrstuvwxyz" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "0123456789"


def letter_display(significant: BoolArray, *, sweep: bool = False) -> list[str]:
    """Letters for k levels from the k x k table of pairwise decisions.

    Parameters
    ----------
    significant : ndarray of bool, shape (k, k)
        ``significant[i, j]``: levels i and j differ.  Symmetric; the levels are in the order in
        which letters are to be given (for means: ascending, so that the smallest gets ``a``).
    sweep : bool
        Remove redundant letters, keeping the meaning.

    Returns
    -------
    list of str
        One string of letters a level.  Two levels share a letter if and only if they do not
        differ significantly.

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.inference.letters import letter_display
    >>> differ = np.zeros((4, 4), bool)
    >>> for i, j in [(0, 2), (0, 3), (1, 3)]:
    ...     differ[i, j] = differ[j, i] = True
    >>> letter_display(differ)
    ['a', 'ab', 'bc', 'c']
    """
    significant = np.asarray(significant, bool)
    k = len(significant)
    if k == 0:
        return []
    columns = _insert_absorb(significant)
    if sweep:
        columns = _absorb(_sweep(columns, significant))
    # by first level, ties by the following ones: a column that contains the level comes first
    columns.sort(key=lambda column: tuple(not present for present in column))
    names = symbols(len(columns))
    return ["".join(n for n, c in zip(names, columns, strict=True) if c[i]) for i in range(k)]


def _insert_absorb(significant: BoolArray) -> list[tuple[bool, ...]]:
    k = len(significant)
    columns = [(True,) * k]
    for j in range(1, k):
        for i in range(j):
            if significant[i, j]:
                columns = _absorb(_insert(columns, i, j))
    return columns


def _insert(columns: list[tuple[bool, ...]], i: int, j: int) -> list[tuple[bool, ...]]:
    """Split each column that holds both i and j: one copy without j, one (at the end) without i."""
    kept, appended = [], []
    for column in columns:
        if column[i] and column[j]:
            kept.append(_without(column, j))
            appended.append(_without(column, i))
        else:
            kept.append(column)
    return kept + appended


def _without(column: tuple[bool, ...], level: int) -> tuple[bool, ...]:
    return (*column[:level], False, *column[level + 1 :])


def _absorb(columns: list[tuple[bool, ...]]) -> list[tuple[bool, ...]]:
    """Drop every column that is contained in another."""
    columns = list(columns)
    while True:
        for first, second in combinations(range(len(columns)), 2):
            if _contains(columns[first], columns[second]):
                del columns[second]
                break
            if _contains(columns[second], columns[first]):
                del columns[first]
                break
        else:
            return columns


def _contains(outer: tuple[bool, ...], inner: tuple[bool, ...]) -> bool:
    return all(o or not i for o, i in zip(outer, inner, strict=True))


def _sweep(columns: list[tuple[bool, ...]], significant: BoolArray) -> list[tuple[bool, ...]]:
    """Take level i out of a column when every mate it has there, it has in another column too."""
    columns = list(columns)
    for c in range(len(columns)):
        for i in range(len(significant)):
            mates = [j for j, present in enumerate(columns[c]) if present and j != i]
            others = [column for d, column in enumerate(columns) if d != c and column[i]]
            covered = others and all(any(o[j] for o in others) for j in mates)
            if columns[c][i] and covered:
                columns[c] = _without(columns[c], i)
    return [column for column in columns if any(column)]


def symbols(n: int) -> list[str]:
    """The first n symbols: a..z, A..Z, 0..9, then the last one as a prefix.

    >>> symbols(3)
    ['a', 'b', 'c']
    """
    result, prefix = list(_SYMBOLS), _SYMBOLS[-1]
    while len(result) < n:
        result += [prefix + symbol for symbol in _SYMBOLS]
        prefix += _SYMBOLS[-1]
    return result[:n]
