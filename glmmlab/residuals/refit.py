"""Residuals of models refitted to simulated responses (a parametric bootstrap)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glmmlab._types import AnyArray, FloatArray
from glmmlab._warnings import warn
from glmmlab.errors import DataError, GlmmlabError, GlmmlabWarning, InferenceWarning
from glmmlab.residuals.checks import vector

Refit = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Takes a response (nobs,), returns the refitted model's fitted values and Pearson residuals."""


@dataclass(frozen=True, eq=False)
class Refits:
    """Response and Pearson residuals of the model and of its refits.

    Attributes
    ----------
    observed, pearson : ndarray, shape (nobs,)
        Residuals of the model fitted to the data.
    simulated, simulated_pearson : ndarray, shape (m, nobs)
        Residuals of the models fitted to simulated responses, failures left out.
    failures : int
        Refits that did not succeed.
    """

    observed: FloatArray
    simulated: FloatArray
    pearson: FloatArray
    simulated_pearson: FloatArray
    failures: int

    def pearson_sums(self) -> tuple[float, FloatArray]:
        """Sums of squared Pearson residuals: the data's, and every refit's."""
        return float(np.sum(self.pearson**2)), np.sum(self.simulated_pearson**2, axis=1)


def refit_all(
    observed: FloatArray,
    simulated: AnyArray,
    fitted: FloatArray,
    pearson: FloatArray,
    refit: Refit,
    progress: bool = False,
) -> Refits:
    """Refit the model to every simulated response.

    Parameters
    ----------
    observed, fitted, pearson : ndarray, shape (nobs,)
        Response, fitted values and Pearson residuals of the model.
    simulated : ndarray, shape (nsim, nobs)
    refit : callable
        From a response to (fitted values, Pearson residuals).  A failure is an error of ours.
    progress : bool
        Show a progress bar.

    Warns
    -----
    InferenceWarning
        Refits that failed, or that gave the same fitted values as another refit.
    """
    responses, pearsons, failures = [], [], 0
    for one in _watched(simulated, progress):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GlmmlabWarning)  # singular refits are ordinary
                answer = refit(np.asarray(one, dtype=float))
        except (GlmmlabError, np.linalg.LinAlgError):
            failures += 1
            continue
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise DataError("refit must return two arrays: fitted values and Pearson residuals.")
        mean, standardised = answer
        responses.append(one - vector(mean, "the fitted values of a refit", len(one)))
        pearsons.append(vector(standardised, "the Pearson residuals of a refit", len(one)))
    if len(responses) < 2:
        raise DataError(f"{failures} of {len(simulated)} refits failed; too few are left to rank.")
    _warn(failures, len(simulated), responses)
    return Refits(observed - fitted, np.array(responses), pearson, np.array(pearsons), failures)


def _watched(simulated: AnyArray, progress: bool) -> AnyArray:
    if not progress:
        return simulated
    from tqdm.auto import tqdm

    return tqdm(simulated, desc="refits")


def _warn(failures: int, nsim: int, responses: list[FloatArray]) -> None:
    duplicates = len(responses) - len(np.unique(np.array(responses), axis=0))
    if failures:
        warn(InferenceWarning(f"{failures} of {nsim} refits failed and are left out of the ranks."))
    if duplicates:
        serious = " This is a third or more: do not use these residuals." * (duplicates * 3 >= nsim)
        warn(
            InferenceWarning(
                f"{duplicates} refits gave the same residuals as another refit.{serious}"
            )
        )
