"""Families of contrasts among k levels: their coefficients, names, order and usual adjustment."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.errors import GlmmlabError, UnknownNameError

_DEGREES = ("linear", "quadratic", "cubic", "quartic")


@dataclass(frozen=True)
class ContrastFamily:
    """Contrasts of k levels.

    Attributes
    ----------
    pieces : tuple of tuple of str
        Names in parts, joined by ``" - "`` for differences and by ``" / "`` for ratios.
    coefficients : ndarray, shape (m, k)
        One row a contrast, one column a level.
    adjust : str
        Usual adjustment of this family.
    pairs : bool
        Whether the contrasts are all pairwise differences (Tukey's method applies).
    """

    pieces: tuple[tuple[str, ...], ...]
    coefficients: FloatArray
    adjust: str = "none"
    pairs: bool = False

    def labels(self, *, ratio: bool = False) -> list[str]:
        """Names of the contrasts, as differences or as ratios.

        >>> contrast_family("pairwise", ["bean", "cucumber"]).labels(ratio=True)
        ['bean / cucumber']
        """
        return [(" / " if ratio else " - ").join(piece) for piece in self.pieces]


Method = str | Mapping[str, Sequence[float]] | pd.DataFrame


def level_labels(factors: Mapping[str, Sequence[object]]) -> list[str]:
    """Labels of level combinations, fit to stand in ``A - B``.

    A factor whose levels all look like numbers puts its name before them, and a label that
    contains ``- + / *`` gets parentheses.

    Parameters
    ----------
    factors : mapping of str to sequence
        For each factor its value in each of the k combinations.

    >>> level_labels({"fungicide": ["1", "2"]})
    ['fungicide1', 'fungicide2']
    >>> level_labels({"extract": ["bean", "y-z"]})
    ['bean', '(y-z)']
    """
    columns = []
    for name, values in factors.items():
        texts = [plain_label(value) for value in values]
        prefix = name if all(map(_looks_numeric, texts)) else ""
        columns.append([prefix + text for text in texts])
    joined = [" ".join(parts) for parts in zip(*columns, strict=True)]
    return [f"({text})" if any(sign in text for sign in "-+/*") else text for text in joined]


def plain_label(value: object) -> str:
    """A level as text: numbers without a trailing ``.0``."""
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.7g}"
    return str(value)


def _looks_numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------- the families


def _unit_rows(k: int) -> FloatArray:
    return np.eye(k)


def _pairwise(labels: Sequence[str], reverse: bool = False) -> ContrastFamily:
    unit = _unit_rows(len(labels))
    if reverse:
        pairs = [(i, j) for i in range(len(labels)) for j in range(i)]
    else:
        pairs = list(combinations(range(len(labels)), 2))
    rows = [unit[i] - unit[j] for i, j in pairs]
    pieces = tuple((labels[i], labels[j]) for i, j in pairs)
    return ContrastFamily(pieces, _stack(rows, len(labels)), "tukey", pairs=True)


def _revpairwise(labels: Sequence[str], reverse: bool = False) -> ContrastFamily:
    return _pairwise(labels, reverse=not reverse)


def _references(labels: Sequence[str], ref: object) -> list[int]:
    """Positions of the reference levels: an index counted from 1, a label, or several."""
    wanted = ref if isinstance(ref, (list, tuple)) else [ref]
    positions = []
    for one in wanted:
        if isinstance(one, (int, np.integer)) and 1 <= int(one) <= len(labels):
            positions.append(int(one) - 1)
        elif one in labels:
            positions.append(list(labels).index(str(one)))
        else:
            raise UnknownNameError(
                f"ref={one!r} is neither a level ({', '.join(labels)}) nor a position from 1 to "
                f"{len(labels)}."
            )
    return positions


def _trt_vs_ctrl(labels: Sequence[str], ref: object = 1, reverse: bool = False) -> ContrastFamily:
    references = _references(labels, ref)
    unit = _unit_rows(len(labels))
    base = unit[references].mean(axis=0)
    name = ",".join(labels[i] for i in references)
    name = name if len(references) == 1 else f"avg({name})"
    rows, pieces = [], []
    for i in range(len(labels)):
        if i not in references:
            sign = -1.0 if reverse else 1.0
            rows.append(sign * (unit[i] - base))
            pieces.append((name, labels[i]) if reverse else (labels[i], name))
    return ContrastFamily(tuple(pieces), _stack(rows, len(labels)), "dunnettx")


def _trt_vs_ctrlk(labels: Sequence[str], reverse: bool = False) -> ContrastFamily:
    return _trt_vs_ctrl(labels, ref=len(labels), reverse=reverse)


def _consec(labels: Sequence[str], reverse: bool = False) -> ContrastFamily:
    unit = _unit_rows(len(labels))
    sign = -1.0 if reverse else 1.0
    steps = range(len(labels) - 1)
    pieces = tuple(
        (labels[i], labels[i + 1]) if reverse else (labels[i + 1], labels[i]) for i in steps
    )
    rows = [sign * (unit[i + 1] - unit[i]) for i in steps]
    return ContrastFamily(pieces, _stack(rows, len(labels)), "mvt")


def _mean_chg(labels: Sequence[str], reverse: bool = False) -> ContrastFamily:
    k = len(labels)
    sign = -1.0 if reverse else 1.0
    rows = []
    for i in range(1, k):
        rows.append(sign * np.r_[np.full(i, -1.0 / i), np.full(k - i, 1.0 / (k - i))])
    pieces = tuple((f"{labels[i - 1]}|{labels[i]}",) for i in range(1, k))
    return ContrastFamily(pieces, _stack(rows, k), "mvt")


def _numbers(values: Sequence[float], k: int, name: str) -> FloatArray:
    """One finite number a level."""
    found = np.asarray(values, float)
    if found.shape != (k,) or not np.isfinite(found).all():
        raise GlmmlabError(f"{name}= is one finite number for each of the {k} levels.")
    return found


def _eff(labels: Sequence[str], weights: Sequence[float] | None = None) -> ContrastFamily:
    k = len(labels)
    share = np.full(k, 1 / k) if weights is None else _numbers(weights, k, "weights")
    if not share.sum():
        raise GlmmlabError("weights= must not add up to zero.")
    share = share / share.sum()
    pieces = tuple((f"{label} effect",) for label in labels)
    return ContrastFamily(pieces, _unit_rows(k) - share, "BH")


def _del_eff(labels: Sequence[str], weights: Sequence[float] | None = None) -> ContrastFamily:
    family = _eff(labels, weights)
    own = np.diag(family.coefficients)[:, None]
    return replace(family, coefficients=family.coefficients / own)


def _degree_name(degree: int) -> str:
    return _DEGREES[degree - 1] if degree <= len(_DEGREES) else f"degree {degree}"


def _orthonormal_polynomials(k: int, degree: int, scores: Sequence[float] | None) -> FloatArray:
    x = np.arange(1.0, k + 1) if scores is None else _numbers(scores, k, "scores")
    x = (x - x.mean()) / np.ptp(x)
    q, _ = np.linalg.qr(np.vander(x, degree + 1, increasing=True))
    rows = q[:, 1:].T
    return rows * np.sign(rows[:, [-1]])


def _opoly(
    labels: Sequence[str],
    degree: int | None = None,
    scores: Sequence[float] | None = None,
) -> ContrastFamily:
    k = len(labels)
    if degree is not None and (not isinstance(degree, (int, np.integer)) or degree < 1):
        raise UnknownNameError(f"degree={degree!r}: a whole number from 1 is needed.")
    if scores is not None and len(set(np.ravel(scores).tolist())) < k:
        raise GlmmlabError(f"scores= must be {k} different numbers, one for each level.")
    top = min(6, k - 1) if degree is None else min(degree, k - 1)
    pieces = tuple((_degree_name(d),) for d in range(1, top + 1))
    return ContrastFamily(pieces, _orthonormal_polynomials(k, top, scores))


def _poly(
    labels: Sequence[str],
    degree: int | None = None,
    scores: Sequence[float] | None = None,
) -> ContrastFamily:
    family = _opoly(labels, degree, scores)
    return replace(family, coefficients=np.array([_integers(row) for row in family.coefficients]))


def _integers(row: FloatArray) -> FloatArray:
    """Small whole numbers proportional to `row`, as the tables of polynomial contrasts print."""
    sizes = np.abs(row)
    scaled = row / sizes[sizes > 0.01].min()
    for _ in range(100):
        error = np.abs(scaled - scaled.round()).max()
        if error <= 0.05:
            return scaled.round() + 0.0
        scaled = scaled / error
    return row


def _helmert(labels: Sequence[str], reverse: bool = False) -> ContrastFamily:
    k = len(labels)
    sign = -1.0 if reverse else 1.0
    rows = [sign * np.r_[np.full(i, -1.0), float(i), np.zeros(k - i - 1)] for i in range(1, k)]
    pieces = tuple((f"{labels[i]} vs earlier",) for i in range(1, k))
    return ContrastFamily(pieces, _stack(rows, k))


def _identity(labels: Sequence[str]) -> ContrastFamily:
    return ContrastFamily(tuple((label,) for label in labels), _unit_rows(len(labels)))


def _stack(rows: list[FloatArray], k: int) -> FloatArray:
    return np.array(rows).reshape(len(rows), k)


_FAMILIES: dict[str, Callable[..., ContrastFamily]] = {
    "pairwise": _pairwise, "tukey": _pairwise, "revpairwise": _revpairwise,
    "trt_vs_ctrl": _trt_vs_ctrl, "dunnett": _trt_vs_ctrl, "trt_vs_ctrl1": _trt_vs_ctrl,
    "trt_vs_ctrlk": _trt_vs_ctrlk, "consec": _consec, "mean_chg": _mean_chg, "eff": _eff,
    "del_eff": _del_eff, "poly": _poly, "opoly": _opoly, "helmert": _helmert,
    "identity": _identity,
}  # fmt: skip


def contrast_names() -> tuple[str, ...]:
    """Names of the built-in families."""
    return tuple(_FAMILIES)


def option_names(method: Method) -> tuple[str, ...]:
    """Options that a family takes; custom coefficients take none.

    >>> option_names("dunnett")
    ('ref', 'reverse', 'exclude')
    """
    if not isinstance(method, str):
        return ()
    return (*list(inspect.signature(_FAMILIES[_known(method)]).parameters)[1:], "exclude")


def contrast_family(
    method: Method,
    labels: Sequence[str],
    *,
    exclude: Sequence[object] = (),
    **options: object,
) -> ContrastFamily:
    """Build a family of contrasts.

    Parameters
    ----------
    method : str, mapping or DataFrame
        A family's name (R's dots may stand for underscores), or custom contrasts: a mapping
        from name to k coefficients, or a frame with one column a contrast.
    labels : sequence of str
        The k levels, in order.
    exclude : sequence
        Levels (labels or positions counted from 1) that take no part: coefficients 0.
    **options
        ``ref`` (trt_vs_ctrl), ``reverse``, ``weights`` (eff, del_eff), ``degree`` and
        ``scores`` (poly, opoly).

    Raises
    ------
    UnknownNameError
        An unknown family or reference level, or an option that the family does not take.
    GlmmlabError
        Custom coefficients, weights or scores of the wrong number.

    Examples
    --------
    >>> from glmmlab.inference.contrasts import contrast_family
    >>> contrast_family("poly", ["a", "b", "c"]).coefficients
    array([[-1.,  0.,  1.],
           [ 1., -2.,  1.]])
    >>> contrast_family("trt.vs.ctrl", ["a", "b", "c"]).labels()
    ['b - a', 'c - a']
    """
    given = [*options, *(["exclude"] if len(exclude) else [])]
    for option in given:
        if option not in (taken := option_names(method)):
            raise UnknownNameError(
                f"{option}= is no option of "
                + (f"{method!r}; it takes {', '.join(taken)}." if taken else "custom contrasts.")
            )
    if not isinstance(method, str):
        return _custom(method, labels)
    dropped = set(_references(labels, list(exclude))) if len(exclude) else set()
    kept = [i for i in range(len(labels)) if i not in dropped]
    family = _FAMILIES[_known(method)]([labels[i] for i in kept], **options)
    if not dropped:
        return family
    full = np.zeros((len(family.pieces), len(labels)))
    full[:, kept] = family.coefficients
    return replace(family, coefficients=full)


def _known(method: str) -> str:
    """The family's name as it stands in the registry."""
    name = method.replace(".", "_").lower()
    if name not in _FAMILIES:
        near = difflib.get_close_matches(name, _FAMILIES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownNameError(
            f"Unknown contrast family {method!r}; choose one of {', '.join(_FAMILIES)}.{hint}"
        )
    return name


def _custom(
    method: Mapping[str, Sequence[float]] | pd.DataFrame, labels: Sequence[str]
) -> ContrastFamily:
    if not isinstance(method, (Mapping, pd.DataFrame)):
        raise GlmmlabError(
            "A contrast method is a name or a dict of coefficients, as in {'a - b': [1, -1, 0]}, "
            f"not a {type(method).__name__}."
        )
    rows = {str(name): _coefficients(name, values) for name, values in dict(method).items()}
    for name, row in rows.items():
        if row.shape != (len(labels),):
            raise GlmmlabError(
                f"Contrast {name!r} has {row.size} coefficients for {len(labels)} levels "
                f"({', '.join(labels)}); give one for each, in this order."
            )
    return ContrastFamily(tuple((name,) for name in rows), _stack(list(rows.values()), len(labels)))


def _coefficients(name: object, values: object) -> FloatArray:
    try:
        row = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        row = np.array([np.nan])
    if not np.all(np.isfinite(row)):
        raise GlmmlabError(f"Contrast {str(name)!r} has coefficients that are no finite numbers.")
    return row


def interaction_family(families: Sequence[ContrastFamily]) -> FloatArray:
    """Coefficients of products of contrasts, the first factor's levels and contrasts fastest.

    Parameters
    ----------
    families : sequence of ContrastFamily
        One a factor, in the order of the factors (first fastest).

    Returns
    -------
    ndarray, shape (product of m, product of k)
    """
    result: np.ndarray = np.ones((1, 1))
    for family in families:
        result = np.kron(family.coefficients, result)
    return result
