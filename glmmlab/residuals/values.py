"""Observations, simulations and scaled residuals of one data set, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import special

from glmmlab._random import generator
from glmmlab._types import AnyArray, FloatArray, IntArray, Seed
from glmmlab.errors import DataError
from glmmlab.residuals import outliers
from glmmlab.residuals.checks import option
from glmmlab.residuals.pit import leave_one_out_pit
from glmmlab.residuals.refit import Refits

MANY_ROWS = 20_000
"""With more rows, tests that need the residuals of all simulated sets use this many by default."""


@dataclass(frozen=True, eq=False, repr=False)
class ScaledValues:
    """Scaled quantile residuals of a model.

    Attributes
    ----------
    observed : ndarray, shape (nobs,)
        Responses (numbers of successes for binomial kinds).
    simulated : ndarray, shape (nsim, nobs)
        Responses simulated from the model.
    fitted : ndarray, shape (nobs,)
        Population-level predictions on the scale of the response (random effects at 0).
    integer : bool
        Whether the response is a count.
    scaled : ndarray, shape (nobs,)
        Scaled residuals, uniform on (0, 1) under a right model.
    method : {"pit", "traditional", "refit"}
        How ``scaled`` was computed.
    random_effects : {"unconditional", "conditional", None}
        Whether the simulations drew the random effects anew; None when not known.
    dependent : bool
        Whether rows share random effects that the simulations drew anew, or were rotated by an
        estimated covariance.  Residuals of such rows are alike even under a right model, so tests
        then take their reference from the simulations where the textbook one assumes independent
        rows.
    data : DataFrame or None
        Predictors by name, for ``test_quantiles("x")`` and ``plot_residuals("x")``.
    predictors : tuple of str
        Columns of ``data`` that the model uses, for ``plot_panels("~ .")``; empty: not known.
    factors : tuple of str
        Columns of ``data`` that make the groups of random effects; drawn as boxes.
    pearson, pearson_df : ndarray and float, or None
        Pearson residuals and their residual degrees of freedom.
    fixed_variance : bool
        Whether the mean fixes the variance (Poisson, binomial) in a model with random effects.
        ``test_all`` then asks the Pearson residuals too: too much spread of the rows can hide
        behind random effects that are drawn anew.
    refits : Refits or None
        Residuals of the refitted models, with ``method="refit"``.
    rotated : tuple of ndarray, or None
        Responses and simulations as they were ranked, with ``rotation=``.
    noise : int
        Seed of what is random in the tests.
    most_rows : int
        Tests that need the residuals of all simulated data sets use a random subset of this size
        when there are more rows.
    """

    observed: FloatArray
    simulated: AnyArray
    fitted: FloatArray
    integer: bool
    scaled: FloatArray
    method: str = "pit"
    random_effects: str | None = None
    dependent: bool = False
    data: pd.DataFrame | None = None
    predictors: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    pearson: FloatArray | None = None
    pearson_df: float | None = None
    fixed_variance: bool = False
    refits: Refits | None = None
    rotated: tuple[FloatArray, AnyArray] | None = None
    noise: int = 0
    most_rows: int = MANY_ROWS

    @property
    def nobs(self) -> int:
        """Number of rows (or of groups, after ``recalculate``)."""
        return len(self.observed)

    @property
    def nsim(self) -> int:
        """Number of simulations."""
        return len(self.simulated)

    def residuals(
        self,
        quantile_function: Callable[[FloatArray], FloatArray] | str | None = None,
        outlier_values: tuple[float, float] | None = None,
    ) -> FloatArray:
        """Scaled residuals on another scale.

        Parameters
        ----------
        quantile_function : callable or "normal", optional
            Applied to the residuals; "normal" gives standard normal residuals.
        outlier_values : (low, high), optional
            What replaces -inf and inf (residuals of exactly 0 and 1).

        Examples
        --------
        >>> import glmmlab.residuals as residuals
        >>> s = np.arange(1.0, 5.0)[:, None] * np.ones(2)
        >>> res = residuals.from_simulations([2.5, 9.0], s, [2.5, 2.5], False)
        >>> res.residuals("normal", outlier_values=(-7, 7)).tolist()
        [0.0, 7.0]
        """
        if quantile_function is None:
            return self.scaled.copy()
        if not callable(quantile_function):
            option(quantile_function, ("normal",), "quantile_function")
        function = quantile_function if callable(quantile_function) else special.ndtri
        values = np.array(function(self.scaled), dtype=float)
        if outlier_values is not None:
            if np.shape(outlier_values) != (2,):
                raise DataError(
                    f"outlier_values={outlier_values!r}: two numbers are needed, what replaces "
                    "-inf and what replaces inf."
                )
            values[np.isneginf(values)] = outlier_values[0]
            values[np.isposinf(values)] = outlier_values[1]
        return values

    def outliers(self, margin: str = "both") -> IntArray:
        """Positions of the rows that lie outside all their simulations."""
        option(margin, outliers.MARGINS, "margin")
        return np.flatnonzero(outliers.outlier_mask(self.scaled, margin))

    @property
    def _ranked(self) -> tuple[FloatArray, AnyArray]:
        """What was ranked: responses, rotated ones, or the residuals of refitted models."""
        if self.refits is not None:
            return self.refits.observed, self.refits.simulated
        return self.rotated or (self.observed, self.simulated)

    @property
    def _counts(self) -> bool:
        """Whether what was ranked are counts."""
        return self.integer and self.rotated is None

    @cached_property
    def _rows(self) -> IntArray:
        """Rows of the quantile test: all, or a random subset when there are very many."""
        if self.nobs <= self.most_rows:
            return np.arange(self.nobs)
        return np.sort(self._rng(None, 3).choice(self.nobs, self.most_rows, replace=False))

    @cached_property
    def _reference(self) -> tuple[IntArray, FloatArray]:
        """Rows used, and residuals of the simulated data sets there (nsim, rows used)."""
        return self._rows, self._sets(self._rows)

    def _sets(self, rows: IntArray) -> FloatArray:
        """Residuals that the simulated data sets would have had as data (nsim, len(rows))."""
        y, s = self._ranked
        return leave_one_out_pit(y[rows], s[:, rows], self._rng(None, 4))

    def _rng(self, seed: Seed, stream: int) -> np.random.Generator:
        if seed is None:
            return np.random.default_rng([self.noise, stream])
        return generator(seed)

    def __repr__(self) -> str:
        kind = ", rotated" if self.rotated else ""
        kind += f", random effects {self.random_effects}" if self.random_effects else ""
        return (
            f"<SimulatedResiduals ({self.method}{kind}): {self.nobs} rows, {self.nsim} simulations>"
        )
