"""SimulatedResiduals: scaled residuals of one data set, with the tests and figures they carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._types import FloatArray, Seed
from glmmlab.errors import DataError
from glmmlab.residuals import aggregate, autocorrelation, outliers, predictors, statistics
from glmmlab.residuals.categorical import CategoricalTest, categorical_test
from glmmlab.residuals.checks import option
from glmmlab.residuals.pit import pooled_rank
from glmmlab.residuals.quantiles import QUANTILES, QuantileTest, quantile_test
from glmmlab.residuals.result import ResidualTest
from glmmlab.residuals.uniformity import UniformityTest, uniformity_test
from glmmlab.residuals.values import ScaledValues

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedResiduals(ScaledValues):
    """Scaled quantile residuals of a model, and what they say about it.

    Made by :func:`glmmlab.residuals.from_simulations` or ``fit.simulate_residuals()``.  The
    residuals are in ``scaled`` (nobs,), uniform on (0, 1) under a right model; the other values
    are those of :class:`glmmlab.residuals.values.ScaledValues`.
    """

    def test_uniformity(
        self, alternative: str = "two-sided", reference: str | None = None
    ) -> UniformityTest:
        """Kolmogorov-Smirnov test of the residuals against the uniform distribution.

        Parameters
        ----------
        alternative : {"two-sided", "greater", "less"}
        reference : {"independent", "simulations"}, optional
            "independent": the textbook p-value, which treats rows as independent.
            "simulations": p among the residuals of the simulated data sets, which also holds for
            rows that share a random effect drawn anew (there, the textbook p rejects right models
            most of the time).  Default: "simulations" if the rows are ``dependent``.

        Notes
        -----
        Scaled residuals are multiples of 1/nsim; that they are not quite uniform shows when there
        are more than about (nsim/4)^2 rows (3,900 for 250 simulations).  The distance is then
        computed from ranks among the simulations and the observation itself with ties broken at
        random, which are exactly uniform.
        """
        chosen = reference or ("simulations" if self.dependent else "independent")
        option(chosen, ("independent", "simulations"), "reference")
        if chosen == "simulations":
            rows, sets = self._reference
            return uniformity_test(self.scaled[rows], alternative, self.nsim, sets)
        r = self.scaled
        if self.method == "pit" and self.nobs > (self.nsim / 4) ** 2:
            r = pooled_rank(*self._ranked, self._rng(None, 6))
        return uniformity_test(r, alternative, self.nsim)

    def test_dispersion(
        self, alternative: str = "two-sided", type: str | None = None
    ) -> statistics.DispersionTest | statistics.PearsonDispersionTest:
        """Spread of the data against the spread of the simulations.

        Parameters
        ----------
        alternative : {"two-sided", "greater", "less"}
        type : {"simulation", "pearson", "refit"}, optional
            "simulation" (default): the variance over rows of response minus prediction, divided
            by its mean over the simulations.  "pearson": chi-square test of the Pearson
            residuals.  "refit" (default after refitting): their sum of squares among those of
            the refitted models.
        """
        chosen = type or ("simulation" if self.refits is None else "refit")
        option(chosen, ("simulation", "pearson", "refit"), "type")
        if chosen == "pearson":
            if self.pearson is None or self.pearson_df is None:
                raise DataError(
                    "No Pearson residuals here; pass pearson= and pearson_df= to "
                    "from_simulations, or use type='simulation'."
                )
            return statistics.pearson_test(self.pearson, self.pearson_df, alternative, self.nsim)
        if chosen == "refit":
            if self.refits is None:
                raise DataError("No refits here; ask for refit=True when simulating residuals.")
            observed, simulated = self.refits.pearson_sums()
            method = "Sum of squared Pearson residuals among those of refitted models"
        else:
            observed, simulated = statistics.spread(self.observed, self.simulated, self.fitted)
            method = "Variance around the predictions, data against simulations"
        null = "the data are spread as the fitted model says"
        return statistics.statistic_test(
            statistics.DispersionTest,
            observed,
            simulated,
            alternative,
            self.nobs,
            method,
            null,
        )

    def test_outliers(
        self,
        alternative: str = "two-sided",
        margin: str = "both",
        type: str | None = None,
        nboot: int = 100,
        seed: Seed = None,
    ) -> outliers.OutlierTest:
        """Number of observations outside all their simulations, against chance.

        The binomial test of counts ranks each observation among its simulations and itself with
        ties broken at random, so that the number of outliers is exactly binomial for independent
        rows.  R's DHARMa uses the residuals as they are, which makes outliers of counts rarer than
        its binomial distribution says, and rejects right models of many rows.

        Parameters
        ----------
        alternative : {"two-sided", "greater", "less"}
        margin : {"both", "upper", "lower"}
        type : {"binomial", "bootstrap", "simulations"}, optional
            Default: "simulations" if the rows are ``dependent``; else "bootstrap" for counts with
            at most 500 rows, "binomial" for all others, as in DHARMa.
        nboot : int
            Data sets of the bootstrap, at most the number of simulations.
        seed : int or Generator, optional
            None uses a seed kept with the residuals: asking twice gives the same answer.
        """
        chosen = type or outliers.default_type(self.integer, self.nobs, self.dependent)
        option(chosen, ("binomial", "bootstrap", "simulations"), "type")
        y, s = self._ranked
        if chosen == "simulations":
            return outliers.exchangeable_outlier_test(y, s, margin, alternative)
        if chosen == "binomial":
            r = self.scaled
            if self.method == "pit" and self.integer:  # an exact null distribution despite ties
                r = pooled_rank(y, s, self._rng(seed, 5))
            return outliers.binomial_outlier_test(r, self.nsim, margin, alternative)
        return outliers.bootstrap_outlier_test(
            y, s, self.scaled, self._rng(seed, 1), margin, alternative, nboot
        )

    def test_zero_inflation(self, alternative: str = "two-sided") -> statistics.StatisticTest:
        """Number of zeros in the data against the number in the simulations."""
        return statistics.statistic_test(
            statistics.ZeroInflationTest,
            *statistics.zeros(self.observed, self.simulated),
            alternative,
            self.nobs,
            method="Number of zeros, data against simulations",
            null="the data have as many zeros as the fitted model produces",
        )

    def test_generic(
        self, summary: Callable[[FloatArray], float], alternative: str = "two-sided"
    ) -> statistics.StatisticTest:
        """Any statistic of the response, data against simulations.

        Parameters
        ----------
        summary : callable
            Takes a response vector (nobs,), returns a number.

        Examples
        --------
        >>> import numpy as np
        >>> import glmmlab.residuals as residuals
        >>> rng = np.random.default_rng(1)
        >>> res = residuals.from_simulations(
        ...     rng.poisson(3, 50), rng.poisson(3, (100, 50)), np.full(50, 3.0), True, seed=1
        ... )
        >>> res.test_generic(np.max).p > 0.05
        True
        """
        values = statistics.apply_summary(summary, self.observed, self.simulated)
        return statistics.statistic_test(statistics.StatisticTest, *values, alternative, self.nobs)

    def test_quantiles(
        self,
        predictor: predictors.PredictorLike = None,
        quantiles: tuple[float, ...] = QUANTILES,
    ) -> QuantileTest:
        """Whether the residuals' quartiles are flat along a predictor.

        See :func:`glmmlab.residuals.quantiles.quantile_test` for how the p-value is formed.

        Parameters
        ----------
        predictor : array or str, optional
            Values or the name of a column of ``data``; None: the fitted values.
        quantiles : tuple of float
        """
        values, name = predictors.numeric(predictor, self)
        rows, reference = self._reference
        return quantile_test(
            self.scaled[rows],
            values[rows],
            reference,
            quantiles,
            name,
            nsim=self.nsim,
            nobs=self.nobs,
        )

    def test_categorical(self, factor: predictors.PredictorLike) -> CategoricalTest:
        """Uniformity within, and equal spread between, the levels of a factor.

        For ``dependent`` rows the p-values are ranks among the simulated data sets.
        """
        values, name = predictors.categorical(factor, self)
        if not self.dependent:
            return categorical_test(self.scaled, values, name)
        rows, reference = self._reference
        return categorical_test(self.scaled[rows], values[rows], name, reference)

    def test_temporal(
        self, time: predictors.PredictorLike, alternative: str = "two-sided"
    ) -> autocorrelation.TemporalTest:
        """Durbin-Watson test of the residuals in the order of ``time`` (unique values)."""
        values, _ = predictors.numeric(time, self)
        return autocorrelation.temporal_test(self.scaled, values, alternative)

    def test_spatial(
        self,
        x: predictors.PredictorLike = None,
        y: predictors.PredictorLike = None,
        distances: ArrayLike | None = None,
        alternative: str = "two-sided",
    ) -> autocorrelation.SpatialTest:
        """Moran's I of the residuals, from coordinates or a matrix of distances."""
        matrix = predictors.distances(x, y, distances, self)
        return autocorrelation.spatial_test(self.scaled, matrix, alternative)

    def test_all(self) -> pd.DataFrame:
        """The default tests as a frame: ``statistic, p`` by test."""
        tests: dict[str, ResidualTest] = {
            "uniformity": self.test_uniformity(),
            "dispersion": self.test_dispersion(),
            "outliers": self.test_outliers(),
            "quantiles": self.test_quantiles(),
        }
        if self.integer:
            tests["zero inflation"] = self.test_zero_inflation()
        frame = pd.DataFrame({k: (t.statistic, t.p) for k, t in tests.items()}).T
        return frame.set_axis(["statistic", "p"], axis=1).rename_axis("test")

    def recalculate(
        self,
        group: predictors.PredictorLike,
        by: str | Callable[[FloatArray], float] = "sum",
        select: ArrayLike | None = None,
        seed: Seed = None,
    ) -> SimulatedResiduals:
        """Residuals of groups: responses, predictions and simulations aggregated, then ranked.

        Parameters
        ----------
        group : array or str
            Group of every row; groups come in the order of their levels (sorted, if no factor).
        by : {"sum", "mean"} or callable
            How the rows of a group become one value.
        select : boolean array, optional
            Rows to keep.
        seed : int or Generator, optional
            For ties; None uses a seed kept with the residuals.

        Returns
        -------
        SimulatedResiduals
            With as many rows as groups: tests that count rows count groups (R's DHARMa keeps the
            original number here).
        """
        groups, name = predictors.categorical(group, self)
        return aggregate.recalculate(self, groups, name, by, select, self._rng(seed, 2))

    # -- figures -------------------------------------------------------------------------------

    def plot(self, figure: Figure | None = None) -> Figure:
        """Two panels: quantile-quantile plot, and residuals against the predictions."""
        from glmmlab.residuals import figures

        return figures.overview(self, figure)

    def plot_qq(self, ax: Axes | None = None) -> Axes:
        """Quantile-quantile plot of the residuals with three tests in words."""
        from glmmlab.residuals import figures

        return figures.qq(self, ax)

    def plot_residuals(
        self, against: predictors.PredictorLike = None, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """Residuals against the predictions or any predictor (boxplots for a factor)."""
        from glmmlab.residuals import figures

        return figures.residuals(self, against, ax, **options)

    def plot_dispersion(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Histogram of the simulated spread with the observed value and its p."""
        from glmmlab.residuals import figures

        return figures.dispersion(self, ax, **options)

    def plot_zero_inflation(self, ax: Axes | None = None) -> Axes:
        """Histogram of the simulated number of zeros with the observed number and its p."""
        from glmmlab.residuals import figures

        return figures.zero_inflation(self, ax)

    def plot_histogram(self, ax: Axes | None = None) -> Axes:
        """Histogram of the scaled residuals, outliers in bins of their own."""
        from glmmlab.residuals import figures

        return figures.histogram(self, ax)

    def plot_temporal(self, time: predictors.PredictorLike, figure: Figure | None = None) -> Figure:
        """Residuals in the order of time, and their autocorrelation function."""
        from glmmlab.residuals import figures

        return figures.temporal(self, time, figure)

    def plot_spatial(
        self, x: predictors.PredictorLike, y: predictors.PredictorLike, ax: Axes | None = None
    ) -> Axes:
        """Map of the residuals."""
        from glmmlab.residuals import figures

        return figures.spatial(self, x, y, ax)
