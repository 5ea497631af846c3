"""The numbers of a fit under their names: coefficients, covariances, modes, predictors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.design import Design, LinearPart
from glmmlab.estimate.result import PartEstimate, full_name
from glmmlab.families.base import Family
from glmmlab.laplace import Evaluation, Laplace


def part_estimate(part: LinearPart, values: FloatArray, cov: FloatArray) -> PartEstimate:
    """Coefficients in the formula's order, NaN for aliased columns."""
    p = len(part.fixed.names)
    params, full = np.full(p, np.nan), np.full((p, p), np.nan)
    kept = np.array(part.kept, dtype=np.intp)
    params[kept] = values
    full[np.ix_(kept, kept)] = cov
    return PartEstimate(part.fixed, params, full)


def theta_names(laplace: Laplace) -> tuple[str, ...]:
    """Names of the entries of the Cholesky factors: ``theta[Intercept | block]``."""
    names = []
    for s in laplace.structure.slots:
        term = laplace.structure.terms[s.term]
        for a, b in zip(s.rows, s.cols, strict=True):
            inside = term.names[a] if a == b else f"{term.names[a]}, {term.names[b]}"
            names.append(f"theta[{inside} | {term.group}]")
    return tuple(names)


def gamma_names(design: Design, family: Family) -> tuple[str, ...]:
    """Names of the auxiliary coefficients: ``dispersion: Intercept``."""
    return tuple(
        full_name(name, column)
        for name in family.auxiliary
        for column in design.auxiliary[name].names
    )


def _by_group(laplace: Laplace) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for i, s in enumerate(laplace.structure.slots):
        groups.setdefault(laplace.structure.terms[s.term].group, []).append(i)
    return groups


@dataclass(frozen=True)
class _Table:
    values: FloatArray
    rows: Sequence[Any]
    columns: Sequence[str]
    name: str | None = None


class Frames(Mapping[str, pd.DataFrame]):
    """One frame a grouping factor, made when it is asked for: a fit alone needs none."""

    def __init__(self, tables: dict[str, _Table]) -> None:
        self._tables = tables
        self._made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, group: str) -> pd.DataFrame:
        if group not in self._made:
            table = self._tables[group]
            index = pd.Index(table.rows, name=table.name)
            self._made[group] = pd.DataFrame(table.values, index, pd.Index(table.columns))
        return self._made[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def random_covariance(laplace: Laplace, theta: FloatArray) -> Frames:
    """Covariance matrix of each grouping factor's effects."""
    structure = laplace.structure
    lowers = structure.factors(theta)
    tables = {}
    for group, members in _by_group(laplace).items():
        names = [x for i in members for x in structure.terms[structure.slots[i].term].names]
        sigma = linalg.block_diag(*[lowers[i] @ lowers[i].T for i in members])
        tables[group] = _Table(sigma, names, names)
    return Frames(tables)


def modes(laplace: Laplace, at: Evaluation, theta: FloatArray) -> Frames:
    """Conditional modes b = Lambda u, one frame a grouping factor, one row a level."""
    structure = laplace.structure
    lowers = structure.factors(theta)
    if not structure.slots:
        return Frames({})
    u = np.concatenate(at.modes.u, axis=-1)
    tables = {}
    for group, members in _by_group(laplace).items():
        names: list[str] = []
        effects = []
        for i in members:
            s = structure.slots[i]
            term = structure.terms[s.term]
            if s.eliminated:
                spherical = u[s.entries]
            else:
                spherical = at.modes.dense[structure.dense_slice(s)].reshape(-1, s.size).T
            names += term.names
            effects.append(lowers[i] @ spherical)
        levels = structure.terms[structure.slots[members[0]].term].levels
        tables[group] = _Table(np.concatenate(effects).T, levels, names, group)
    return Frames(tables)


def predictors(
    design: Design,
    laplace: Laplace,
    at: Evaluation,
    gammas: list[FloatArray],
) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Linear predictors at the modes, in the order of the data."""
    eta = np.empty(design.nobs)
    start = 0
    for i, rows in enumerate(laplace.rows):
        _, point = laplace.at_mode(at, i)
        n = rows.n
        eta[laplace.structure.order[start : start + n]] = point.parts[0]
        start += n
    aux = tuple(
        design.auxiliary[name].X @ gamma
        for name, gamma in zip(laplace.family.auxiliary, gammas, strict=True)
    )
    return eta, aux
