"""What marginal means are asked for, and the words on what they are averages of."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from glmmlab.errors import UnknownColumnError, UnknownNameError
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.model_parts import ModelPart
from glmmlab.inference.nesting import nesting_note
from glmmlab.inference.reference_grid import ReferenceGrid
from glmmlab.inference.result_table import names_of

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate


OVERALL = "1"
"""What R writes for the mean over everything, ``emmeans(m, ~ 1)``."""


def split_specs(
    specs: str | Sequence[str], by: str | Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Factors and panels from names, or from R's ``~ a * b | c``."""
    panels_ = list(names_of(by))
    factors: list[str] = []
    for text in names_of(specs):
        if not isinstance(specs, str):  # names in a list are as they are
            factors.append(text)
            continue
        left, _, right = text.partition("|")
        factors += [
            n.strip(" `") for n in left.lstrip("~ ").replace("+", "*").replace(":", "*").split("*")
        ]
        panels_ += [n.strip(" `") for n in right.replace("+", "*").split("*") if n.strip()]
    factors = [n for n in dict.fromkeys(factors) if n and n not in panels_]
    if not factors:
        raise UnknownNameError(
            "specs= names no predictor that is not also in by=; '1' is the overall mean."
        )
    if OVERALL in factors and len(factors) > 1:
        factors.remove(OVERALL)
    return tuple(factors), tuple(dict.fromkeys(panels_))


def check_names(names: Sequence[str], grid: ReferenceGrid, estimate: Estimate) -> None:
    """Raise an UnknownColumnError for what is no predictor; a grouping factor has its own."""
    groups = {term.group for term in estimate.design.random}
    for name in names:
        if name in groups and name not in grid.values:
            raise UnknownColumnError(
                f"{name!r} is random in this model, so that its levels have no means to compare: "
                "fit.random_effects_table() lists its effects, and "
                f"fit.plot_random_effects({name!r}) draws them."
            )
        if name not in grid.values:
            near = difflib.get_close_matches(str(name), list(grid.values), 1, cutoff=0.5)
            operators = near and set(near[0]) & set("*:+|~")  # only a list takes it as it is
            hint = f" Did you mean {near if operators else near[0]!r}?" if near else ""
            raise UnknownColumnError(
                f"{name!r} is not a predictor of this part of the model; its predictors are "
                f"{', '.join(grid.values) or 'none'}.{hint}"
            )


def averaging_context(
    estimate: Estimate,
    grid: ReferenceGrid,
    keep: Sequence[str],
    weights: str | Any,
    part: ModelPart,
    bias_sigma: float | None,
    own_offset: bool = False,
) -> tuple[str, ...]:
    """What the means are averaged over, on which scale, and where all else stands."""
    notes = []
    averaged = grid.averaged(keep)
    at_zero = "at random effects = 0" if estimate.design.random else ""
    if averaged:
        how = weights if isinstance(weights, str) else "custom"
        over = f"Averaged over {', '.join(averaged)} ({how} weights)"
        over += f" on the {part.averaging_scale} scale"
        notes.append(f"{over}, {at_zero}." if at_zero else f"{over}.")
    elif at_zero:
        notes.append(f"{at_zero.capitalize()}.")
    fixed = [n for n, v in grid.values.items() if len(v) == 1 and n not in keep]
    if fixed:
        values = ", ".join(f"{n} = {plain_label(grid.values[n][0])}" for n in fixed)
        notes.append(f"Held at {values}.")
    for name in (n for n in keep if n in grid.held):
        notes.append(
            f"{name} is numeric and held at its mean {plain_label(grid.values[name][0])}; to "
            f"compare its values make it a factor (factor({name}) in the formula, or a "
            "pd.Categorical), or choose some with at=."
        )
    if part.static_offset and not own_offset:
        notes.append(f"Offset held at its mean over the rows, {part.static_offset:.4g}.")
    notes.extend(nesting_note(grid.nesting, list(grid.values)))
    if bias_sigma is not None:
        notes.append(f"Response adjusted for bias with sigma = {bias_sigma:.4g}.")
    return tuple(notes)


def interaction_cautions(
    part: ModelPart, grid: ReferenceGrid, keep: Sequence[str]
) -> tuple[str, ...]:
    """Averaging over a factor that interacts with a kept one can hide what matters."""
    averaged = set(grid.averaged(keep))
    for columns in part.term_columns:
        if columns & averaged and columns & set(keep):
            return (
                "Results may mislead: "
                f"{', '.join(sorted(columns & set(keep)))} interacts with "
                f"{', '.join(sorted(columns & averaged))}, which was averaged over.",
            )
    return ()
