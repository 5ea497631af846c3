"""Names of a table's own columns where a predictor already has the name.

The user's predictors keep their names.  A column of ours that would write over one of them ends in
an underscore instead: beside a predictor ``group`` the letters are in ``group_``.
"""

from __future__ import annotations

from collections.abc import Collection


def own_name(name: str, taken: Collection[object]) -> str:
    """The name of an own column beside the user's columns `taken`.

    >>> own_name("group", ["dose"]), own_name("group", ["group"])
    ('group', 'group_')
    """
    while name in taken:
        name += "_"
    return name


def own_kind(name: str) -> str:
    """Which of our columns it is, whatever name it had to take.

    >>> own_kind("group_")
    'group'
    """
    return name.rstrip("_")
