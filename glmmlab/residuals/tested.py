"""The tests of scaled residuals, as methods that choose each test's reference and options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._arguments import function_of
from glmmlab._types import FloatArray, IntArray, Seed
from glmmlab.errors import DataError
from glmmlab.residuals import outliers, predictors, spatial, statistics, temporal
from glmmlab.residuals.categorical import CategoricalTest, categorical_test
from glmmlab.residuals.checks import option
from glmmlab.residuals.pit import pooled_rank
from glmmlab.residuals.quantiles import QUANTILES, QuantileTest, quantile_test
from glmmlab.residuals.result import ResidualTest
from glmmlab.residuals.uniformity import UniformityTest, uniformity_test
from glmmlab.residuals.values import ScaledValues


@dataclass(frozen=True, eq=False, repr=False)
class TestedResiduals(ScaledValues):
    """Scaled residuals with their tests; the values are those of :class:`ScaledValues`."""

    __test__ = False  # not a class of tests, whatever its name says to pytest

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
        if self._simulated_reference(reference):
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

        Notes
        -----
        In a Poisson or binomial model with random effects that are drawn anew, the simulations
        vary so much between groups that too much spread within them can hide from the default
        test; ``type="pearson"`` and residuals with ``random_effects="conditional"`` see it.
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
        refit = statistics.RefitDispersionTest
        kind = refit if chosen == "refit" else statistics.DispersionTest
        of = (kind, observed, simulated, alternative, self.nobs, method, null)
        hidden = self.fixed_variance and self.dependent
        return replace(statistics.statistic_test(*of), can_hide=hidden)

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
        chosen = type or outliers.default_type(self._counts, self.nobs, self.dependent)
        option(chosen, ("binomial", "bootstrap", "simulations"), "type")
        y, s = self._ranked
        if chosen == "simulations":
            return outliers.exchangeable_outlier_test(y, s, margin, alternative)
        if chosen == "binomial":
            r = self.scaled
            if self.method == "pit" and self._counts:  # an exact null distribution despite ties
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
        function_of(summary, "summary", "a response")
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
        if predictor is None and quantiles is QUANTILES:
            return self._along_fitted  # asked for by test_all and by the overview
        return self._along(predictor, quantiles)

    @cached_property
    def _along_fitted(self) -> QuantileTest:
        return self._along(None, QUANTILES)

    def _along(
        self, predictor: predictors.PredictorLike, quantiles: tuple[float, ...]
    ) -> QuantileTest:
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
        self,
        time: predictors.PredictorLike,
        alternative: str = "two-sided",
        reference: str | None = None,
        group: predictors.PredictorLike | pd.DataFrame = None,
    ) -> temporal.TemporalTest:
        """Durbin-Watson test of the residuals in the order of ``time``.

        Parameters
        ----------
        time : array or str
            Times, or the name of a column of ``data``; no two rows (of a group) may share one.
        alternative : {"two-sided", "greater", "less"}
            "greater": residuals that follow each other are alike.
        reference : {"independent", "simulations"}, optional
            "independent": the Durbin-Watson distribution.  "simulations": p among the residuals
            of the simulated data sets, which holds for rows that share a random effect drawn
            anew.  Default: "simulations" if the rows are ``dependent``.
        group : array, str, list of str or DataFrame, optional
            What was measured over time, such as the plot of every row, as for
            :meth:`recalculate`.  Then neighbours in time are rows of the same group, and the
            spread is the one around the mean of each group: what the rows of a group have in
            common does not count as likeness in time.

        Notes
        -----
        Random slopes of time take up much of a likeness in time; the test sees what they leave,
        with random effects drawn anew a little more of it than with the fitted ones.

        Many fixed effects estimated from few groups make p a little too small: of right models of
        12 plots with 12 means for 6 visits, 7 % are rejected at 5 %.  Residuals with
        ``refit=True`` take the estimation into account.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import glmmlab.residuals as residuals
        >>> rng = np.random.default_rng(1)
        >>> visits = pd.DataFrame({"plot": np.repeat(range(8), 9), "visit": list(range(9)) * 8})
        >>> walk = rng.normal(size=(8, 9)).cumsum(axis=1).ravel()  # plots drift from visit to visit
        >>> res = residuals.from_simulations(
        ...     walk, rng.normal(0, 2, (250, 72)), np.zeros(72), False, seed=1, data=visits
        ... )
        >>> res.test_temporal("visit", group="plot").significant
        True
        """
        values, codes, called = self._series(time, group)
        rows, sets = np.arange(self.nobs), None
        if self._simulated_reference(reference):
            # neighbours in time are needed: of very many rows, a run from the middle
            start = max(0, (self.nobs - self.most_rows) // 2)
            rows = temporal.series_order(values, codes)[0][start : start + self.most_rows]
            sets = self._sets(rows)
        return temporal.temporal_test(
            self.scaled[rows], values[rows], alternative, sets, self.nobs, codes[rows], called
        )

    def _series(
        self, time: predictors.PredictorLike, group: predictors.PredictorLike | pd.DataFrame
    ) -> tuple[FloatArray, IntArray, str]:
        """Checked times, the series of every row from 0, and their name; empty for one series."""
        values, name = predictors.numeric(time, self)
        codes, called = np.zeros(self.nobs, dtype=int), ""
        if group is not None:
            codes, _, called = predictors.grouping(group, self)
            called = "the groups" if called == predictors.UNNAMED else called
        name = "time" if name == predictors.UNNAMED else repr(name)
        temporal.check_times(values, name, codes, called, predictors.units(values, self))
        return values, codes, called

    def test_spatial(
        self,
        x: predictors.PredictorLike = None,
        y: predictors.PredictorLike = None,
        distances: ArrayLike | None = None,
        alternative: str = "two-sided",
        reference: str | None = None,
    ) -> spatial.SpatialTest:
        """Moran's I of the residuals, from coordinates or a matrix of distances.

        Parameters
        ----------
        x, y : array or str
            Coordinates, or the names of columns of ``data``; distances are Euclidean.  Of more
            than 5,000 rows a random subset is used.
        distances : array, shape (nobs, nobs), optional
            Symmetric distances, instead of coordinates.
        alternative : {"two-sided", "greater", "less"}
            "greater": near rows are alike.
        reference : {"independent", "simulations"}, optional
            As for :meth:`test_temporal`.
        """
        if distances is None and (x is None or y is None):
            raise DataError("Give the coordinates x= and y=, or a matrix distances=.")
        rows = np.arange(self.nobs)
        if distances is None:
            (xs, _), (ys, _) = predictors.numeric(x, self), predictors.numeric(y, self)
            rows = spatial.subset(self.nobs, self._rng(None, 8))
            blocks = spatial.euclidean_blocks(xs[rows], ys[rows])
        else:
            blocks = spatial.matrix_blocks(spatial.checked_matrix(distances, self.nobs))
        sets = self._sets(rows) if self._simulated_reference(reference) else None
        return spatial.spatial_test(self.scaled[rows], blocks, alternative, sets, self.nobs)

    def test_phylogenetic(
        self,
        distances: pd.DataFrame | ArrayLike,
        taxon: predictors.PredictorLike = None,
        alternative: str = "two-sided",
        reference: str | None = None,
    ) -> spatial.PhylogeneticTest:
        """Moran's I of the residuals of taxa, from the distances along their tree.

        Parameters
        ----------
        distances : DataFrame or array, shape (taxa, taxa)
            Cophenetic distances (lengths of the paths between tips).  A DataFrame has the taxa as
            index and columns, in any order; an array has them in the order of the rows.
        taxon : array or str, optional
            The taxon of every row, or the name of its column; needed with a DataFrame.
        alternative : {"two-sided", "greater", "less"}
            "greater": related taxa are alike.
        reference : {"independent", "simulations"}, optional
            As for :meth:`test_temporal`.

        Raises
        ------
        DataError
            Several rows of one taxon (aggregate first: ``recalculate(group=taxon)``), or taxa
            without distances.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import glmmlab.residuals as residuals
        >>> rng = np.random.default_rng(1)
        >>> taxa = ["fox", "wolf", "cat", "lynx"]
        >>> tree = np.array([[0, 2, 6, 6], [2, 0, 6, 6], [6, 6, 0, 3], [6, 6, 3, 0]])
        >>> res = residuals.from_simulations(
        ...     rng.normal(size=4), rng.normal(size=(250, 4)), np.zeros(4), False, seed=1
        ... )
        >>> test = res.test_phylogenetic(pd.DataFrame(tree, taxa, taxa), taxa)
        >>> round(test.expected, 3)
        -0.333
        """
        blocks = self._tree(distances, taxon)
        sets = self._sets(np.arange(self.nobs)) if self._simulated_reference(reference) else None
        test = spatial.spatial_test(
            self.scaled, blocks, alternative, sets, kind=spatial.PhylogeneticTest
        )
        assert isinstance(test, spatial.PhylogeneticTest)
        return test

    def _tree(
        self, distances: pd.DataFrame | ArrayLike, taxon: predictors.PredictorLike
    ) -> spatial.Blocks:
        """Checked distances between the taxa of the rows."""
        if taxon is not None:
            distances = predictors.tree_distances(distances, taxon, self)
        elif isinstance(distances, pd.DataFrame):
            raise DataError("Name the taxa of the rows, taxon=, or pass distances as an array.")
        return spatial.matrix_blocks(spatial.checked_matrix(distances, self.nobs))

    def test_all(self) -> pd.DataFrame:
        """The default tests as a frame: ``statistic, p`` by test.

        Poisson and binomial models with random effects have a row ``dispersion (Pearson)``: does
        the chi-square of the Pearson residuals say that the rows vary too much?
        """
        tests: dict[str, ResidualTest] = {
            "uniformity": self.test_uniformity(),
            "dispersion": self.test_dispersion(),
        }
        if self.fixed_variance:
            # its degrees of freedom count no random effects: too little spread is no news
            tests["dispersion (Pearson)"] = self.test_dispersion("greater", "pearson")
        tests |= {"outliers": self.test_outliers(), "quantiles": self.test_quantiles()}
        if self.integer:
            tests["zero inflation"] = self.test_zero_inflation()
        frame = pd.DataFrame({k: (t.statistic, t.p) for k, t in tests.items()}).T
        return frame.set_axis(["statistic", "p"], axis=1).rename_axis("test")

    def _simulated_reference(self, reference: str | None) -> bool:
        """Whether a test takes its reference from the simulations; dependent rows need it."""
        chosen = reference or ("simulations" if self.dependent else "independent")
        option(chosen, ("independent", "simulations"), "reference")
        return chosen == "simulations"
