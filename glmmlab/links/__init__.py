"""Link functions: how the mean of a response becomes a linear predictor.

A link ``g`` maps a mean ``mu`` to ``eta = g(mu)``.  The engine needs the inverse link and its
first three derivatives; families also need the mean on the scale that is natural to them
(``log mu`` for positive means, ``logit mu`` for probabilities), which every link can give without
passing through a mean that has been rounded to 0 or 1.

Everything is elementwise, broadcasts, and stays finite and accurate for ``|eta| <= 700`` (of the
inverse link away from its pole at 0).
"""

from __future__ import annotations

import difflib

from glmmlab.errors import UnknownNameError
from glmmlab.links.base import Derivatives, Link
from glmmlab.links.positive import Identity, Inverse, Log, Sqrt
from glmmlab.links.stable import expit_pair, exponential_parts, softplus
from glmmlab.links.unit import CLogLog, Logit, Probit

__all__ = [
    "CLogLog",
    "Derivatives",
    "Identity",
    "Inverse",
    "Link",
    "Log",
    "Logit",
    "Probit",
    "Sqrt",
    "expit_pair",
    "exponential_parts",
    "get",
    "names",
    "softplus",
]

_REGISTRY: dict[str, type[Link]] = {
    cls.name: cls for cls in (Identity, Log, Logit, Probit, CLogLog, Inverse, Sqrt)
}


def names() -> tuple[str, ...]:
    """Names of all links.

    Examples
    --------
    >>> names()
    ('identity', 'log', 'logit', 'probit', 'cloglog', 'inverse', 'sqrt')
    """
    return tuple(_REGISTRY)


def get(name: str | Link) -> Link:
    """A link by its name (a link passes through).

    Parameters
    ----------
    name : str or Link
        One of :func:`names`.

    Returns
    -------
    Link

    Raises
    ------
    UnknownNameError
        No such link; the message suggests the nearest name.

    Examples
    --------
    >>> get("cloglog")
    CLogLog()
    """
    if isinstance(name, Link):
        return name
    try:
        kind = _REGISTRY[name]
    except (KeyError, TypeError):
        near = difflib.get_close_matches(str(name).lower(), _REGISTRY, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownNameError(
            f"Unknown link {name!r}.{hint} Known links: {', '.join(_REGISTRY)}."
        ) from None
    return kind()
