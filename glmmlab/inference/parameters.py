"""Every estimated parameter of a model under the name and on the scale it is reported in.

=============================  ==================================  =============================
name                           what                                scale
=============================  ==================================  =============================
``Days``                       coefficient of the conditional      link
``sd(Days | Subject)``         standard deviation                  of the linear predictor
``cor(Intercept, Days | S)``   correlation                         -1 to 1
``dispersion``                 a constant dispersion               the family's phi
``dispersion: x``              coefficient of a dispersion part    log
``zero_inflation: Intercept``  coefficient of the zero inflation   logit
``shape: Intercept``           shape of the family                 its predictor's
``lower_cut``, ``upper_cut``   cut points of ordered beta          link
=============================  ==================================  =============================
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._arguments import several_names
from glmmlab.errors import UnknownNameError
from glmmlab.estimate.boundary import CUT_POINTS
from glmmlab.estimate.result import full_name
from glmmlab.inference.modes import cholesky_factors

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

PARTS = ("conditional", "variance", "dispersion", "zero_inflation", "shape")


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, its kind and its place in the model.

    Attributes
    ----------
    name : str
    kind : {"coefficient", "auxiliary", "sd", "correlation"}
    part : str
        What ``conf_int(parameters=...)`` calls the set it belongs to.
    value : float
        The estimate, on the reported scale; NaN where there is none.
    place : tuple of int
        A coefficient's column among the estimated ones; an auxiliary part and the column in it;
        a random term and the row (and the other row) of its covariance matrix.
    reported : bool
        An auxiliary intercept shown as the family's phi and not on its predictor's scale.
    """

    name: str
    kind: str
    part: str
    value: float
    place: tuple[int, ...]
    reported: bool = False

    @property
    def range(self) -> tuple[float, float]:
        """Closed interval the parameter lives in."""
        if self.kind == "correlation":
            return -1.0, 1.0
        return (0.0 if self.kind == "sd" else -np.inf), np.inf


def parameters_of(estimate: Estimate) -> tuple[Parameter, ...]:
    """All parameters, in the order conditional, random effects, auxiliary parts."""
    return (*_coefficients(estimate), *_random(estimate), *_auxiliary(estimate))


def parameter_values(estimate: Estimate) -> pd.Series:
    """The estimates by name."""
    found = parameters_of(estimate)
    return pd.Series({p.name: p.value for p in found}, name="estimate", dtype=float)


def _coefficients(estimate: Estimate) -> Iterator[Parameter]:
    part = estimate.conditional
    for column, j in enumerate(estimate.design.conditional.kept):
        name, value = part.names[j], float(part.params[j])
        yield Parameter(name, "coefficient", "conditional", value, (column,))


def _random(estimate: Estimate) -> Iterator[Parameter]:
    for t, (term, factor) in enumerate(
        zip(estimate.design.random, cholesky_factors(estimate), strict=True)
    ):
        sds = np.sqrt((factor**2).sum(axis=1))
        for i, name in enumerate(term.names):
            label = f"sd({name} | {term.group})"
            yield Parameter(label, "sd", "variance", float(sds[i]), (t, i))
        for i in range(len(term.names)):
            for j in range(0 if term.diagonal else i):
                label = f"cor({term.names[j]}, {term.names[i]} | {term.group})"
                size = sds[i] * sds[j]
                rho = float(factor[i] @ factor[j] / size) if size > 0 else np.nan
                rho = float(np.clip(rho, -1.0, 1.0))
                yield Parameter(label, "correlation", "variance", rho, (t, j, i))


def _auxiliary(estimate: Estimate) -> Iterator[Parameter]:
    for a, (name, part) in enumerate(estimate.auxiliary.items()):
        if name == "dispersion" and tuple(part.names) == ("Intercept",):
            phi = float(estimate.family.dispersion(float(part.params[0])))
            yield Parameter("dispersion", "auxiliary", "variance", phi, (a, 0), reported=True)
            continue
        if name in CUT_POINTS:
            yield Parameter(name, "auxiliary", "shape", float(part.params[0]), (a, 0))
            continue
        for column, j in enumerate(estimate.design.auxiliary[name].kept):
            value = float(part.params[j])
            label = full_name(name, part.names[j])
            yield Parameter(label, "auxiliary", name, value, (a, column))


def choose(estimate: Estimate, wanted: str | Sequence[str] | None) -> tuple[Parameter, ...]:
    """The parameters asked for: names, names of parts, or all.

    Raises
    ------
    UnknownNameError
        A name that is neither; the message suggests the nearest.
    """
    found = parameters_of(estimate)
    if wanted is None:
        return found
    chosen: list[Parameter] = []
    for name in several_names(wanted, "parameters"):
        some = [p for p in found if p.name == name]
        if not some and name in PARTS:
            some = [p for p in found if p.part == name]
        elif not some:
            names = [*(p.name for p in found), *PARTS]
            near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownNameError(
                f"the model has no parameter {name!r}.{hint} Its parameters: "
                f"{', '.join(p.name for p in found)}."
            )
        chosen += [p for p in some if p not in chosen]
    return tuple(chosen)


def select(limits: pd.DataFrame, wanted: str | Sequence[str]) -> pd.DataFrame:
    """Limits as ``conf_int`` shows them: a part's coefficients by their own names."""
    if not isinstance(wanted, str) or wanted in ("variance", "all") or wanted not in PARTS:
        return limits
    names = [str(name).removeprefix(f"{wanted}: ") for name in limits.index]
    return limits[["lower", "upper"]].set_axis(names, axis=0)
