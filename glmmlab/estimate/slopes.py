"""Random slopes on predictors of very large or small numbers are fitted in units of their own.

A column z = s z' of a random term has the effect b = b'/s: the row of its Cholesky factor is
that of z' over s, and nothing else changes.  The fixed part needs none of this, since the search
runs on its orthonormalised columns.  The units are powers of two, so that they are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.blocks import RandomStructure
from glmmlab.design import Design, RandomTerm
from glmmlab.estimate.result import Estimate
from glmmlab.estimate.units import ORDINARY


def column_units(random: Sequence[RandomTerm]) -> list[FloatArray] | None:
    """A power of two for each column of each term; None where all columns are ordinary."""
    units = []
    for term in random:
        size = np.abs(term.Z).max(axis=0)
        ordinary = (size == 0.0) | ((size >= 1.0 / ORDINARY) & (size <= ORDINARY))
        units.append(np.where(ordinary, 1.0, 2.0 ** np.round(np.log2(np.where(ordinary, 1, size)))))
    return units if any((u != 1.0).any() for u in units) else None


def in_column_units(design: Design, units: list[FloatArray] | None) -> Design:
    """The design with the columns of its random terms in their units."""
    if units is None:
        return design
    random = [replace(t, Z=t.Z / u) for t, u in zip(design.random, units, strict=True)]
    return replace(design, random=type(design.random)(random))


def out_of_column_units(
    estimate: Estimate, design: Design, units: list[FloatArray] | None
) -> Estimate:
    """The estimate of ``design``, from that of the same design in column units."""
    if units is None:
        return estimate
    structure = RandomStructure(design.random, design.nobs)
    factor = np.ones(len(estimate.theta))
    effects: dict[str, dict[str, float]] = {}
    for s in structure.slots:
        term = structure.terms[s.term]
        own = dict(zip(term.names, 1.0 / units[s.term], strict=True))
        factor[s.theta] = np.array(list(own.values()))[s.rows]
        effects.setdefault(term.group, {}).update(own)
    names = estimate.conditional.names
    kept = int(estimate.conditional.estimable.sum()) if names else 0
    record = estimate.optimization
    n_beta = kept if estimate.method == "ML" else 0
    every, outer = np.ones(len(estimate.cov_full)), np.ones(len(record.end))
    every[kept : kept + len(factor)] = factor
    outer[n_beta : n_beta + len(factor)] = factor
    return replace(
        estimate,
        design=design,
        theta=factor * estimate.theta,
        cov_full=every[:, None] * estimate.cov_full * every,
        random_covariance={
            group: _times(_times(frame, effects[group]).T, effects[group]).T
            for group, frame in estimate.random_covariance.items()
        },
        modes={group: _times(frame, effects[group]) for group, frame in estimate.modes.items()},
        optimization=replace(
            record,
            start=outer * record.start,
            end=outer * record.end,
            iterates=outer * record.iterates,
        ),
    )


def _times(frame: pd.DataFrame, factors: dict[str, float]) -> pd.DataFrame:
    """Every column times its factor."""
    return frame * np.array([factors[name] for name in frame.columns])
