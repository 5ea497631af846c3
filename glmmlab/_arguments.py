"""Arguments that many functions share: what is no sensible value is named at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from glmmlab.errors import UnknownNameError

NUMBER = (int, float, np.integer, np.floating)


def confidence_level(level: Any) -> float:
    """A confidence level between 0 and 1.

    >>> confidence_level(0.9)
    0.9
    """
    if isinstance(level, NUMBER) and not isinstance(level, bool) and 0.0 < level < 1.0:
        return float(level)
    percent = isinstance(level, NUMBER) and 1.0 < level < 100.0
    hint = f" Did you mean {float(level) / 100:g}?" if percent else ""
    raise UnknownNameError(f"level={level!r}: a confidence level lies between 0 and 1.{hint}")


def significance_level(alpha: Any) -> float:
    """A significance level between 0 and 1.

    >>> significance_level(0.05)
    0.05
    """
    if isinstance(alpha, NUMBER) and not isinstance(alpha, bool) and 0.0 < alpha < 1.0:
        return float(alpha)
    raise UnknownNameError(f"alpha={alpha!r}: a significance level lies between 0 and 1.")


def number_of(n: Any, least: int, what: str) -> int:
    """A whole number of replicates or simulations.

    >>> number_of(250, 2, "simulations")
    250
    """
    whole = isinstance(n, NUMBER) and not isinstance(n, bool) and float(n).is_integer()
    if not whole or n < least:
        raise UnknownNameError(f"n={n!r} {what}: a whole number of at least {least} is needed.")
    return int(n)


def number_of_workers(workers: Any) -> int:
    """A number of processes; joblib counts negative ones from all cores, -1, down.

    >>> number_of_workers(-1)
    -1
    """
    whole = isinstance(workers, (int, np.integer)) and not isinstance(workers, bool)
    if not whole or workers == 0:
        raise UnknownNameError(
            f"workers={workers!r}: a number of processes is needed, or -1 for all cores."
        )
    return int(workers)


def finite(value: Any, name: str, *, least: float | None = None) -> float:
    """A finite number, not below ``least``.

    >>> finite(0.5, "delta", least=0.0)
    0.5
    """
    number = isinstance(value, NUMBER) and not isinstance(value, bool)
    if not number or not abs(float(value)) < float("inf") or (least is not None and value < least):
        bound = "" if least is None else f" of at least {least:g}"
        raise UnknownNameError(f"{name}={value!r}: a number{bound} is needed.")
    return float(value)


def function_of(function: Any, name: str, takes: str) -> Callable[..., Any]:
    """Something that can be called."""
    if not callable(function):
        raise UnknownNameError(f"{name}={function!r}: a function of {takes} is needed.")
    return function


def several_names(names: Any, argument: str) -> tuple[str, ...]:
    """A name or several as a tuple; none for None.

    >>> several_names("a", "by"), several_names(["a", "b"], "by"), several_names(None, "by")
    (('a',), ('a', 'b'), ())
    """
    if names is None:
        return ()
    if isinstance(names, str):
        return (names,)
    if not isinstance(names, Iterable):
        raise UnknownNameError(f"{argument}={names!r}: a name, or a list of names, is needed.")
    return tuple(names)
