"""Auxiliary parts that run to the end of their range: no zero inflation, no extra dispersion,
no zeros or ones for ordered beta."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from glmmlab._types import BoolArray, FloatArray
from glmmlab.design import LinearPart
from glmmlab.estimate.result import PartEstimate
from glmmlab.families.base import Family

EDGE = 10.0
"""On a log or logit scale: a probability of 5e-5, or a dispersion 20,000 times the other part."""


def boundary_sentences(
    family: Family, parts: Mapping[str, PartEstimate], designs: Mapping[str, LinearPart]
) -> Iterator[str]:
    """One sentence a part whose predictor runs to infinity, with what it means.

    A predictor counts as running away when it lies beyond 10 and its standard error is of its own
    size: the likelihood is flat there, which a merely extreme but well determined value is not.

    Parameters
    ----------
    family : Family
    parts, designs : mapping from the auxiliary part's name
        Its estimate, and its model matrix on the rows used.
    """
    if "zero_inflation" in parts:
        part, X = parts["zero_inflation"], designs["zero_inflation"]
        none, all_ = (_runs_away(part, X, sign) for sign in (-1.0, 1.0))
        if none.any():
            there = "" if none.all() else " there"
            yield (
                f"the zero-inflation probability is estimated as 0{_rows(none)}: the data show no "
                f"more zeros{there} than the {family.base.name} distribution explains. Its "
                "coefficient and standard error mean nothing; leave zero_inflation= out (or "
                "simplify it) and compare the two fits."
            )
        if all_.any():
            yield (
                f"the zero-inflation probability is estimated as 1{_rows(all_)}: all of these "
                "responses are zero. Merge levels, or simplify zero_inflation=."
            )
    if len(endless_cut_points(parts, designs)) == 2:
        yield (
            "no response is 0 or 1: the cut points run to infinity, where the probability of "
            "either is 0, and what is left is the beta family. Use family='beta'."
        )
    limits = {"dispersion": family.dispersion_limit, "shape": family.shape_limit}
    for name, limit in limits.items():
        if name not in parts or limit is None:
            continue
        simpler, sign = limit
        away = _runs_away(parts[name], designs[name], sign)
        if away.any():
            why = ": the data vary no more than that" if name == "dispersion" else ""
            yield (
                f"the {name} of the {family.base.name} family runs to its limit{_rows(away)}, "
                f"which is the {simpler} family{why}. Its value and standard error mean nothing; "
                f"the other estimates are those of {simpler}, the simpler model."
            )
    # in a peak of the likelihood without top its curvature is no sign of being determined
    if family.unbounded_shape and (_predictor(parts["shape"], designs["shape"]) < -EDGE).any():
        yield (
            f"the likelihood of the {family.base.name} family has no maximum: "
            f"{family.unbounded_shape}. No estimate, standard error or AIC of this fit means "
            "anything."
        )


CUT_POINTS = {"lower_cut": (-1.0, 0), "upper_cut": (1.0, 1)}
"""Of ordered beta: the infinity without responses at an end, and that end."""


def endless_cut_points(
    parts: Mapping[str, PartEstimate], designs: Mapping[str, LinearPart]
) -> dict[str, float]:
    """Cut points that run away, with the sign of their infinity."""
    return {
        name: sign
        for name, (sign, _) in CUT_POINTS.items()
        if name in parts and _runs_away(parts[name], designs[name], sign).any()
    }


def end_without_responses(
    parts: Mapping[str, PartEstimate], designs: Mapping[str, LinearPart]
) -> Iterator[str]:
    """What ordered beta does where there are zeros and no ones, or ones and no zeros.

    Such data are ordinary, and the fit is sound.
    """
    endless = endless_cut_points(parts, designs)
    if len(endless) == 1:
        ((name, sign),) = endless.items()
        end = CUT_POINTS[name][1]
        yield (
            f"no response is {end}: the {name.replace('_', ' ')} point runs to "
            f"{'-' if sign < 0 else ''}infinity, where the probability of a {end} is 0. It counts "
            "as a parameter in AIC all the same."
        )


def _runs_away(part: PartEstimate, design: LinearPart, sign: float) -> BoolArray:
    """Rows whose predictor is beyond the edge on this side and not determined."""
    kept, predictor = np.flatnonzero(part.estimable), _predictor(part, design)
    cov = part.cov[np.ix_(kept, kept)]
    variance = np.einsum("ij,jk,ik->i", design.X, cov, design.X)
    with np.errstate(invalid="ignore"):
        determined = np.sqrt(np.maximum(variance, 0.0)) < 0.5 * np.abs(predictor)
    return (sign * predictor > EDGE) & ~determined


def _predictor(part: PartEstimate, design: LinearPart) -> FloatArray:
    return np.asarray(design.X @ part.params[part.estimable])


def _rows(away: BoolArray) -> str:
    return "" if away.all() else f" in {int(away.sum())} of {away.size} rows"
