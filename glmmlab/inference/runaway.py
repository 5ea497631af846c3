"""What separated data leave open: coefficients without a finite estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glmmlab._types import BoolArray, FloatArray
from glmmlab.estimate.result import full_name
from glmmlab.estimate.separation import open_directions
from glmmlab.formula.columns import factor
from glmmlab.inference.estimable import estimable_rows

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

HUGE_VARIANCE = 1e12


def separated_names(estimate: Estimate, component: str = "conditional") -> tuple[str, ...]:
    """Coefficients of one part of the model that have no finite estimate."""
    parts = {"conditional": estimate.conditional, **estimate.auxiliary}
    names = parts[component].names if component in parts else ()
    return tuple(name for name in names if full_name(component, name) in estimate.separated)


def runaway_basis(estimate: Estimate, component: str, kept: np.ndarray) -> FloatArray | None:
    """Directions of a part's coefficients that have no finite estimate; None when all have one.

    Rows orthogonal to them are estimated by the rows of the data that are not separated.
    """
    if not separated_names(estimate, component):
        return None
    directions = open_directions(estimate.design, estimate.family, component)
    basis = np.zeros((kept.size, directions.shape[1]))
    basis[kept] = directions
    return basis


def separated_rows(estimate: Estimate, component: str, X: FloatArray) -> BoolArray:
    """Which rows, of the kept columns of a part's design, have no finite linear predictor."""
    if not separated_names(estimate, component):
        return np.zeros(len(X), dtype=bool)
    return ~estimable_rows(X, open_directions(estimate.design, estimate.family, component))


def with_open_variances(estimate: Estimate, names: Sequence[str], cov: FloatArray) -> FloatArray:
    """A covariance of coefficients (full names) in which separated ones have a huge variance.

    Where the search left them the likelihood may be flat, so that they have none of their own.
    """
    cov = cov.copy()
    for i, name in enumerate(names):
        if name in estimate.separated and np.isnan(cov[i, i]):
            cov[i], cov[:, i] = 0.0, 0.0
            cov[i, i] = HUGE_VARIANCE
    return cov


def baseline_notes(estimate: Estimate) -> tuple[str, ...]:
    """Advice where a baseline level has no finite mean, so that no comparison with it has one."""
    part, design = estimate.conditional, estimate.design
    named = set(separated_names(estimate))
    if not named:
        return ()
    notes = []
    for coded in part.fixed.codings:
        column = coded.column or coded.category
        own = [t for t in part.terms if t.variables == {coded.name}]
        names = [part.names[j] for t in own for j in t.columns]
        if column is None or not names or not all("[T." in n and n in named for n in names):
            continue
        endless = separated_rows(estimate, "conditional", design.conditional.X)
        levels, codes = factor(design.data[column])
        at_baseline = np.array([f"{coded.name}[T.{v}]" not in names for v in levels])[codes]
        finite = codes[~endless & ~at_baseline]
        if endless[at_baseline].all() and finite.size:
            baseline, better = (str(levels[i]) for i in (codes[at_baseline][0], finite.min()))
            written = column if column.isidentifier() else f"`{column}`"
            notes.append(
                f"The baseline of {column}, {baseline!r}, has no finite mean, so that neither the "
                f"intercept nor any comparison with it is finite. With {better!r} as the baseline, "
                f"C({written}, contr.treatment({better!r})), the table shows what is."
            )
    return tuple(notes)


def separation_notes(estimate: Estimate, component: str = "conditional") -> tuple[str, ...]:
    """The words under tests of terms that have such coefficients."""
    names = separated_names(estimate, component)
    if not names:
        return ()
    return (
        f"No finite estimate (separated data): {', '.join(names)}. Wald tests of terms with "
        f"{'it' if len(names) == 1 else 'them'} mean nothing; use fit.compare().",
    )
