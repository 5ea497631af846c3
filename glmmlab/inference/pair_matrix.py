"""All pairwise comparisons of the means of a by-group as a square table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmmlab.errors import UnknownNameError
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.linear import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glmmlab.inference.contrast_table import Contrasts
    from glmmlab.inference.estimate_table import EstimateTable


def pair_matrix(contrasts: Contrasts) -> pd.DataFrame:
    """See :meth:`glmmlab.inference.contrast_table.Contrasts.matrix`."""
    squares = pair_matrices(contrasts)
    if not contrasts.by:
        return squares[()]
    return pd.concat(squares, names=[*contrasts.by, ""])


def pair_matrices(contrasts: Contrasts, drawn: bool = False) -> dict[tuple, pd.DataFrame]:
    """The square of each by-group, by its values; for a figure without what is not finite."""
    table = _compared_means(contrasts)
    tested, estimate = contrasts._tested[0], table._values()[0]
    p, values = (tested[contrasts._own(name)].to_numpy(float) for name in ("p", "estimate"))
    if drawn:
        endless = contrasts.linear.separated & contrasts.linear.testable
        p, values = np.where(endless, np.nan, p), np.where(endless, np.nan, values)
    first, second = np.array(contrasts.compared, int).reshape(-1, 2).T
    result = {}
    for key, index in panels(table.linear.labels, table.by):
        inside = table.linear.labels.iloc[index][list(table.factors)]
        names = [" ".join(map(plain_label, row)) for row in inside.itertuples(index=False)]
        place = {int(row): position for position, row in enumerate(index)}
        square = np.diag(estimate[index])
        for row in np.flatnonzero(np.isin(first, index)):
            i, j = sorted((place[int(first[row])], place[int(second[row])]))
            square[i, j], square[j, i] = p[row], values[row]
        result[key] = pd.DataFrame(square, index=names, columns=names)
    return result


def plot_pair_matrix(
    contrasts: Contrasts, ax: Axes | Sequence[Axes] | None, **options: Any
) -> Axes | list[Axes]:
    """One figure a by-group (see :func:`glmmlab.plots.plot_pairs`)."""
    from glmmlab.plots.interaction import panel_axes
    from glmmlab.plots.pairs import plot_pairs

    squares = pair_matrices(contrasts, drawn=True)
    inverse = contrasts.transformation
    ratio = contrasts._on_response() and inverse is not None and bool(inverse.ratio)
    options.setdefault("xlabel", " : ".join(_compared_means(contrasts).factors))
    if not contrasts.by:
        axes: list[Any] = [ax]
    elif ax is None:
        axes = panel_axes(len(squares))
    else:
        axes = [*ax] if isinstance(ax, (list, tuple, np.ndarray)) else [ax]
    if len(axes) != len(squares):
        raise UnknownNameError(f"There are {len(squares)} panels; ax= gives {len(axes)} Axes.")
    drawn = []
    for (key, square), one in zip(squares.items(), axes, strict=True):
        values = square.to_numpy()
        above = np.triu_indices(len(square), 1)
        own = dict(options)
        if contrasts.by:
            own.setdefault(
                "title",
                ", ".join(f"{n} {plain_label(v)}" for n, v in zip(contrasts.by, key, strict=True)),
            )
        drawn.append(
            plot_pairs(
                values.T[above], values[above], list(square.index), ratio=ratio, ax=one, **own
            )
        )
    return drawn if contrasts.by else drawn[0]


def _compared_means(contrasts: Contrasts) -> EstimateTable:
    if contrasts.means is None:
        raise UnknownNameError("Only all pairwise contrasts make a square; use em.pairs().")
    return contrasts.means
