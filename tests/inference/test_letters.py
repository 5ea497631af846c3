"""Letters against the worked examples of the specification, and against their meaning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmmlab.inference.letters import letter_display, symbols


def decisions(k: int, pairs: str) -> np.ndarray:
    """'13 24' (levels counted from 1) as a symmetric table."""
    table = np.zeros((k, k), bool)
    for pair in pairs.split():
        i, j = int(pair[0]) - 1, int(pair[1]) - 1
        table[i, j] = table[j, i] = True
    return table


# Displays printed by multcompView (executed in R 4.2.2), section 3.12 of the specification.
GOLDEN = [
    (4, "13 14 24", ["a", "ab", "bc", "c"]),
    (5, "12 14 15 23 25", ["a", "b", "ac", "bc", "c"]),
    (3, "", ["a", "a", "a"]),
    (3, "12 13 23", ["a", "b", "c"]),
    (6, "13 34 25 16", ["ab", "acd", "ce", "abdf", "bef", "cdef"]),
]


@pytest.mark.parametrize(("k", "pairs", "expected"), GOLDEN)
def test_golden(k: int, pairs: str, expected: list[str]) -> None:
    assert letter_display(decisions(k, pairs)) == expected


@st.composite
def random_decisions(draw: st.DrawFn) -> np.ndarray:
    k = draw(st.integers(1, 8))
    flags = draw(st.lists(st.booleans(), min_size=k * (k - 1) // 2, max_size=k * (k - 1) // 2))
    table = np.zeros((k, k), bool)
    table[np.triu_indices(k, 1)] = flags
    return table | table.T


@given(random_decisions(), st.booleans())
def test_sharing_a_letter_means_not_significant(table: np.ndarray, sweep: bool) -> None:
    groups = [set(text) for text in letter_display(table, sweep=sweep)]
    for i in range(len(table)):
        assert groups[i]
        for j in range(i):
            assert bool(groups[i] & groups[j]) is not bool(table[i, j])


@given(random_decisions())
def test_sweep_never_adds_letters(table: np.ndarray) -> None:
    plain, swept = letter_display(table), letter_display(table, sweep=True)
    assert sum(map(len, swept)) <= sum(map(len, plain))


@given(random_decisions())
def test_letters_appear_in_order(table: np.ndarray) -> None:
    text = "".join(letter_display(table))
    first_seen = list(dict.fromkeys(text))
    assert first_seen == symbols(len(first_seen))


def test_symbols_run_on_with_a_prefix() -> None:
    names = symbols(130)
    assert len(set(names)) == 130
    assert names[62] == "9a"
