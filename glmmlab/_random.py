"""Seeds: the one way from what a caller gives to a random generator."""

from __future__ import annotations

import numpy as np

from glmmlab._types import Seed
from glmmlab.errors import UnknownNameError


def generator(seed: Seed, stream: int | None = None) -> np.random.Generator:
    """A generator of random numbers from a seed; a generator passes through.

    Parameters
    ----------
    seed : int, Generator or None
        None draws a fresh one.
    stream : int, optional
        Of several that the same number starts and that share no draws.

    Raises
    ------
    UnknownNameError
        For anything but a whole number from 0, a generator or None.

    Examples
    --------
    >>> int(generator(1).integers(100)) == int(generator(1).integers(100))
    True
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(_sequence(seed, () if stream is None else (stream,)))


def entropy(seed: Seed) -> int:
    """A number from which streams of draws can start: the seed itself, or one drawn.

    Examples
    --------
    >>> entropy(3)
    3
    """
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**63))
    drawn = _sequence(seed, ()).entropy
    return int(drawn) if isinstance(drawn, (int, np.integer)) else 0


def _sequence(seed: int | None, key: tuple[int, ...]) -> np.random.SeedSequence:
    try:
        return np.random.SeedSequence(seed, spawn_key=key)
    except (TypeError, ValueError):
        raise UnknownNameError(
            f"seed={seed!r} is no seed: give a whole number from 0, a numpy Generator or None."
        ) from None
