"""Other panels for a table, and the contrasts of each factor in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glmmlab._tables import Document, Exported
from glmmlab._types import Seed
from glmmlab.errors import UnknownColumnError
from glmmlab.inference.contrast_table import (
    Contrasts,
    build_contrasts,
    each_method,
    one_family,
    products,
)
from glmmlab.inference.contrasts import Method
from glmmlab.inference.estimate_table import EstimateTable
from glmmlab.inference.level_order import tell_of_level_order
from glmmlab.inference.linear import panels
from glmmlab.inference.rescaling import Rescaling
from glmmlab.inference.result_table import names_of


@dataclass(frozen=True, repr=False, eq=False)
class ContrastSet(Exported, Mapping[str, Contrasts]):
    """Contrasts of each factor at every combination of the others: ``simple="each"``.

    A mapping from the factor's name to its :class:`Contrasts`; each is adjusted by itself.
    """

    tables: Mapping[str, Contrasts]

    def __getitem__(self, factor: str) -> Contrasts:
        return self.tables[factor]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def _document(self) -> Document:
        parts: list[Any] = []
        for factor, table in self.tables.items():
            parts += [f"Contrasts of {factor}", *table._document().parts]
        return Document(parts, "Simple contrasts of each factor")

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def contrasts_of(
    table: EstimateTable,
    method: Method,
    adjust: str | None,
    by: str | Sequence[str] | None,
    simple: str | Sequence[str] | None,
    interaction: bool | str | Sequence[Method] | None,
    rescaling: Rescaling,
    seed: Seed,
    options: Mapping[str, Any],
) -> Contrasts | ContrastSet:
    """See :meth:`EstimateTable.contrast`."""
    if simple == "each":
        build = one_family(method, options)
        every = [(name, method) for name in (*table.factors, *table.by)]
        tell_of_level_order(table.linear.labels, every)
        return each_factor(table, lambda one: build_contrasts(one, build, adjust, seed, rescaling))
    table = regrouped(table, by, simple)
    if interaction is None or interaction is False:
        build = one_family(method, options)
        along = [(name, method) for name in table.factors if len(table.factors) == 1]
    else:
        methods = method if interaction is True else interaction
        build = products(table.factors, methods, options)
        along = each_method(table.factors, methods)
    tell_of_level_order(table.linear.labels, along)
    return build_contrasts(table, build, adjust, seed, rescaling)


def each_factor(
    table: EstimateTable, contrast: Callable[[EstimateTable], Contrasts]
) -> ContrastSet:
    """Contrasts of every factor at each combination of the others (and of the by-predictors)."""
    columns = [*table.factors, *table.by]
    varied = [name for name in columns if table.linear.labels[name].nunique() > 1]
    return ContrastSet({name: contrast(regrouped(table, None, name)) for name in varied})


def regrouped(
    table: EstimateTable, by: str | Sequence[str] | None, simple: str | Sequence[str] | None
) -> EstimateTable:
    """The table with other panels, its rows in their order."""
    columns = (*table.factors, *table.by)
    if simple is not None:
        kept = names_of(simple)
        panels_ = tuple(name for name in columns if name not in kept)
    elif by is not None:
        panels_ = names_of(by)
    else:
        return table
    for name in (*panels_, *names_of(simple)):
        if name not in columns:
            raise UnknownColumnError(
                f"{name!r} is not a factor of this table; it has {', '.join(columns)}."
            )
    factors = tuple(name for name in columns if name not in panels_)
    index = np.concatenate([rows for _, rows in panels(table.linear.labels, panels_)])
    return replace(
        table, linear=table.linear.take(index), factors=factors, by=panels_, families=None
    )
