"""New responses drawn from a fitted model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from glmmlab._arguments import number_of
from glmmlab._random import generator
from glmmlab._types import FloatArray, Seed
from glmmlab.errors import UnknownNameError
from glmmlab.inference.modes import cholesky_factors
from glmmlab.inference.predict import population_eta

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

CHUNK_ENTRIES = 4_000_000
"""Simulations times rows held at once: bounds the memory beyond the result (32 MB an array)."""


def simulate(
    estimate: Estimate,
    n: int,
    seed: Seed = None,
    random_effects: str = "unconditional",
) -> FloatArray:
    """Draw `n` new response vectors.

    Parameters
    ----------
    estimate : Estimate
        The fitted model.
    n : int
        Number of simulations.
    seed : int, numpy Generator or None
        The same seed gives the same draws; None draws fresh.
    random_effects : {"unconditional", "conditional"}
        ``"unconditional"`` draws new random effects b ~ N(0, Sigma) in every simulation;
        ``"conditional"`` keeps the conditional modes of the fit.

    Returns
    -------
    ndarray, shape (n, nobs)
        On the response's own scale: counts of successes for binomial and beta-binomial models
        (in whatever form the response was written), the response itself otherwise.  Prior
        weights that are not trials do not enter, since they are not part of a distribution.

    Raises
    ------
    UnknownNameError
        When `random_effects` is neither of the two, `n` no positive whole number or `seed` no
        seed.
    """
    if random_effects not in ("unconditional", "conditional"):
        raise UnknownNameError(
            f"random_effects={random_effects!r} is unknown; use 'unconditional' (new random "
            "effects in every simulation) or 'conditional' (the modes of the fit)."
        )
    n = number_of(n, 1, "simulations")
    rng = generator(seed)
    redraw = random_effects == "unconditional"
    fixed = population_eta(estimate) if redraw else estimate.eta
    out = np.empty((n, len(fixed)))
    for start, stop in _chunks(n, len(fixed)):
        eta = np.broadcast_to(fixed, (stop - start, len(fixed)))
        if redraw:
            eta = eta + _new_effects(estimate, rng, stop - start)
        mu = estimate.family.link.inverse(eta)
        out[start:stop] = estimate.family.simulate(
            rng, mu, estimate.aux, trials=estimate.design.trials
        )
    return out


def _chunks(n: int, width: int) -> Iterator[tuple[int, int]]:
    step = max(1, CHUNK_ENTRIES // max(width, 1))
    for start in range(0, n, step):
        yield start, min(start + step, n)


def _new_effects(estimate: Estimate, rng: np.random.Generator, n: int) -> FloatArray:
    """Z b for fresh b, shape (n, nobs)."""
    total = np.zeros((n, estimate.nobs))
    for term, factor in zip(estimate.design.random, cholesky_factors(estimate), strict=True):
        u = rng.standard_normal((n, len(term.levels), len(term.names)))
        b = u @ factor.T
        for j in range(len(term.names)):
            effects = np.take(b[:, :, j], term.codes, axis=1)
            effects *= term.Z[:, j]
            total += effects
    return total
