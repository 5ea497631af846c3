"""Conditional modes with their standard deviations, and what shrinkage does to group means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.errors import UnknownNameError
from glmmlab.inference.intervals import normal_quantile
from glmmlab.inference.modes import (
    CHUNK,
    JointUncertainty,
    Rows,
    cholesky_factors,
    factorised,
    score_and_curvature,
    sparse_modes,
)
from glmmlab.inference.predict import fitted_mean, population_eta
from glmmlab.inference.residual_kinds import observed

if TYPE_CHECKING:
    from glmmlab.design import RandomTerm
    from glmmlab.estimate.result import Estimate

KINDS = ("joint", "conditional")


def random_effects_table(
    estimate: Estimate, level: float = 0.95, uncertainty: str = "joint"
) -> pd.DataFrame:
    """Conditional modes of all random effects with standard deviations and intervals.

    The modes are predictions of random quantities, not estimates of parameters: they are drawn
    towards zero, and their intervals are for the group's own b.

    Parameters
    ----------
    estimate : Estimate
    level : float
        Of the intervals mode -+ z sd, which lean on the normal approximation.
    uncertainty : {"joint", "conditional"}
        ``"joint"`` carries the uncertainty of all estimated parameters, as glmmTMB's ranef does;
        ``"conditional"`` takes them as known, as lme4's does: Var(b | y) = Lambda H^-1 Lambda'.

    Returns
    -------
    DataFrame
        ``group, level, effect, mode, sd, lower, upper``, link scale, in the order of the terms.

    Raises
    ------
    UnknownNameError
        An unknown `uncertainty`.
    """
    if uncertainty not in KINDS:
        raise UnknownNameError(
            f"uncertainty={uncertainty!r} is unknown; use 'joint' (all parameters estimated) or "
            "'conditional' (parameters known)."
        )
    if isinstance(level, str) and level in {term.group for term in estimate.design.random}:
        raise UnknownNameError(
            f"level={level!r} is a grouping factor, and level= a confidence level. The table has "
            f"all of them: table[table['group'] == {level!r}]."
        )
    z = normal_quantile(level)
    columns = ["group", "level", "effect", "mode", "sd", "lower", "upper"]
    frames = []
    sds = _joint_sds(estimate) if uncertainty == "joint" else _conditional_sds(estimate)
    for term, sd in zip(estimate.design.random, sds, strict=True):
        modes = estimate.modes[term.group].loc[list(term.levels), list(term.names)].to_numpy()
        rows = {
            "group": term.group,
            "level": np.repeat(np.array(term.levels, dtype=object), len(term.names)),
            "effect": np.tile(np.array(term.names, dtype=object), len(term.levels)),
            "mode": modes.ravel(),
            "sd": sd.ravel(),
        }
        frame = pd.DataFrame(rows)
        frame["lower"] = frame["mode"] - z * frame["sd"]
        frame["upper"] = frame["mode"] + z * frame["sd"]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _unit_rows(term: RandomTerm) -> tuple[np.ndarray, FloatArray]:
    """Codes and columns that pick out every effect of every level in turn."""
    k = len(term.names)
    codes = np.repeat(np.arange(len(term.levels), dtype=np.intp), k)
    return codes, np.tile(np.eye(k), (len(term.levels), 1))


def _joint_sds(estimate: Estimate) -> list[FloatArray]:
    if not estimate.design.random:
        return []
    joint = JointUncertainty(estimate)
    result = []
    for t, term in enumerate(estimate.design.random):
        codes, units = _unit_rows(term)
        m = len(codes)
        random = tuple(
            (codes, units)
            if s == t
            else (np.full(m, -1, dtype=np.intp), np.zeros((m, len(other.names))))
            for s, other in enumerate(estimate.design.random)
        )
        X = np.zeros((m, estimate.design.conditional.X.shape[1]))
        parts = tuple(np.zeros((m, p.X.shape[1])) for p in estimate.design.auxiliary.values())
        none = [np.zeros(m)] * len(parts)
        sd = joint.standard_errors(Rows(X, random, parts), np.ones(m), none)
        result.append(sd.reshape(len(term.levels), len(term.names)))
    return result


def _conditional_sds(estimate: Estimate) -> list[FloatArray]:
    """Square roots of the diagonal of Lambda H^-1 Lambda', H without the fixed coefficients."""
    design = estimate.design
    if not design.random:
        return []
    factors = cholesky_factors(estimate)
    own = tuple((t.codes, t.Z) for t in design.random)
    M = sparse_modes(own, factors, design)
    solver = factorised(M, score_and_curvature(estimate)[1], M.shape[1])
    result, start = [], 0
    for term, factor in zip(design.random, factors, strict=True):
        codes, units = _unit_rows(term)
        k = len(term.names)
        variances = np.empty(len(codes))
        for first in range(0, len(codes), CHUNK):
            cut = slice(first, first + CHUNK)
            right = np.zeros((M.shape[1], len(codes[cut])))
            places = start + codes[cut][:, None] * k + np.arange(k)
            right[places.T, np.arange(len(codes[cut]))] = (units[cut] @ factor).T
            variances[cut] = np.einsum("ij,ij->j", right, solver.solve(right))
        result.append(np.sqrt(variances).reshape(len(term.levels), k))
        start += len(term.levels) * k
    return result


def group_of(estimate: Estimate, group: str | None) -> str:
    """A grouping factor by name; the first one when left out.

    Raises
    ------
    UnknownNameError
        The model has no such grouping factor, or none at all.
    """
    names = list(dict.fromkeys(t.group for t in estimate.design.random))
    if not names:
        raise UnknownNameError("the model has no random effects.")
    if group is None:
        return names[0]
    if group not in names:
        raise UnknownNameError(
            f"{group!r} is no grouping factor of the model; there are {', '.join(names)}."
        )
    return group


def shrinkage(estimate: Estimate, group: str | None = None) -> pd.DataFrame:
    """Means of the levels of a grouping factor: observed, conditional on the modes, at b = 0.

    All three are averages over the same rows on the response scale (weighted by trials or prior
    weights), so that predictors and unbalanced levels do not blur the comparison.

    Returns
    -------
    DataFrame
        Indexed by level: ``rows, observed, conditional, population``.
    """
    name = group_of(estimate, group)
    term = next(t for t in estimate.design.random if t.group == name)
    design = estimate.design
    size = np.ones(design.nobs) if design.trials is None else design.trials
    weight = size if design.weights is None else size * design.weights
    at_zero = np.asarray(estimate.family.mean(population_eta(estimate), estimate.aux))
    values = {
        "observed": observed(estimate),
        "conditional": fitted_mean(estimate),
        "population": np.broadcast_to(at_zero, (design.nobs,)),
    }
    counts = np.bincount(term.codes, minlength=len(term.levels))
    total = np.bincount(term.codes, weight, len(term.levels))
    weighed = {k: np.where(weight > 0, weight * v, 0.0) for k, v in values.items()}
    nothing = np.full(len(term.levels), np.nan)  # of levels whose rows all weigh nothing
    means = {
        k: np.divide(
            np.bincount(term.codes, x, len(total)), total, out=nothing.copy(), where=total > 0
        )
        for k, x in weighed.items()
    }
    return pd.DataFrame({"rows": counts, **means}, index=pd.Index(term.levels, name=name))


def group_effects(
    estimate: Estimate, group: str | None, effect: str | None, level: float, uncertainty: str
) -> tuple[str, pd.DataFrame]:
    """The table of one grouping factor, or of one of its effects."""
    name = group_of(estimate, group)
    table = random_effects_table(estimate, level, uncertainty)
    table = table[table["group"] == name]
    if effect is None:
        return name, table
    names = list(dict.fromkeys(table["effect"]))
    if effect not in names:
        raise UnknownNameError(f"{name} has no effect {effect!r}; there are {', '.join(names)}.")
    return name, table[table["effect"] == effect]
