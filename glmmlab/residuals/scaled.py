"""SimulatedResiduals: scaled residuals of one data set, with their groups and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._types import FloatArray, Seed
from glmmlab.residuals import aggregate, predictors
from glmmlab.residuals.tested import TestedResiduals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedResiduals(TestedResiduals):
    """Scaled quantile residuals of a model, and what they say about it.

    Made by :func:`glmmlab.residuals.from_simulations` or ``fit.simulate_residuals()``.  The
    residuals are in ``scaled`` (nobs,), uniform on (0, 1) under a right model; the other values
    are those of :class:`glmmlab.residuals.values.ScaledValues`.
    """

    def recalculate(
        self,
        group: predictors.PredictorLike | pd.DataFrame,
        by: str | Callable[[FloatArray], float] = "sum",
        select: ArrayLike | None = None,
        seed: Seed = None,
    ) -> SimulatedResiduals:
        """Residuals of groups: responses, predictions and simulations aggregated, then ranked.

        Parameters
        ----------
        group : array, str, list of str or DataFrame
            Group of every row, or the column of ``data`` that has it; groups come in the order of
            their levels (sorted, if no factor).  Several columns make a group of every combination
            that occurs, the first column slowest.
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
            original number here).  ``data`` has the columns that make the groups, so that
            ``res.recalculate("day").test_temporal("day")`` works.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import glmmlab.residuals as residuals
        >>> rng = np.random.default_rng(1)
        >>> data = pd.DataFrame({"plot": list("aabb") * 5, "day": np.repeat(np.arange(5), 4)})
        >>> res = residuals.from_simulations(
        ...     rng.poisson(3, 20), rng.poisson(3, (250, 20)), np.full(20, 3), True, 1, data=data
        ... )
        >>> res.recalculate(["plot", "day"]).data.head(2)
          plot  day
        0    a    0
        1    a    1
        """
        codes, columns, name = predictors.grouping(group, self)
        return aggregate.recalculate(self, codes, columns, name, by, select, self._rng(seed, 2))

    def select(self, rows: ArrayLike) -> SimulatedResiduals:
        """Residuals of some rows, as they are: nothing is drawn or ranked anew.

        Parameters
        ----------
        rows : boolean array, shape (nobs,)
            Rows to keep.

        Returns
        -------
        SimulatedResiduals
            Without the Pearson residuals, whose degrees of freedom belong to all rows.

        Examples
        --------
        >>> import numpy as np
        >>> import glmmlab.residuals as residuals
        >>> rng = np.random.default_rng(1)
        >>> res = residuals.from_simulations(
        ...     rng.normal(size=50), rng.normal(size=(250, 50)), np.zeros(50), False, seed=1
        ... )
        >>> res.select(np.arange(50) < 20).nobs
        20
        """
        return aggregate.select(self, rows)

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
        """Residuals against the predictions or any predictor (boxplots for a factor).

        Parameters
        ----------
        against : array or str, optional
            Values, the name of a column of ``data``, or a formula of one panel as for
            :meth:`plot_panels`, such as ``'~ dose | site == "north"'``.  None: the fitted values.
        ax : Axes, optional
        **options
            ``rank=False`` keeps the predictor's own scale, ``absolute=True`` draws
            2 \\|r - 1/2\\| (a changing spread shows as a trend), ``test=False`` leaves out curves
            and test, ``title=`` replaces the title.
        """
        from glmmlab.residuals import figures

        return figures.residuals(self, against, ax, **options)

    def plot_panels(
        self,
        panels: str | Sequence[predictors.PredictorLike] = "~ .",
        by: predictors.PredictorLike = None,
        axes: Sequence[Axes] | None = None,
        **options: Any,
    ) -> Figure:
        """Residuals against several predictors, or within the levels of a factor, in panels.

        The p-values are multiplied by the number of panels (Bonferroni), so that one of many
        panels is marked by chance no more often than a single one would be.

        Parameters
        ----------
        panels : str or sequence
            A formula: ``"~ x"``, ``"~ x + z"``, ``"~ ."`` (all predictors of the model),
            ``"~ x | g"`` (a panel for every level of g that has two rows or more),
            ``'~ x | g == "north"'``.  Or predictors as for :meth:`plot_residuals`.
        by : array or str, optional
            Factor whose levels get a panel each, instead of ``| g`` in a formula.
        axes : sequence of Axes, optional
            One for each panel; a new figure by default.
        **options
            As for :meth:`plot_residuals`.

        Returns
        -------
        Figure

        Warns
        -----
        InferenceWarning
            So many panels that none could be significant with this number of simulations.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import glmmlab.residuals as residuals
        >>> rng = np.random.default_rng(1)
        >>> data = pd.DataFrame({"dose": rng.random(60), "site": ["north", "south"] * 30})
        >>> res = residuals.from_simulations(
        ...     rng.poisson(3, 60), rng.poisson(3, (250, 60)), np.full(60, 3), True, 1, data=data
        ... )
        >>> [ax.get_title(loc="left") for ax in res.plot_panels("~ dose | site").axes]
        ['dose, site = north', 'dose, site = south']
        """
        from glmmlab.residuals import panels as several

        return several.draw(self, panels, by, axes, **options)

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

    def plot_temporal(
        self,
        time: predictors.PredictorLike,
        figure: Figure | None = None,
        group: predictors.PredictorLike | pd.DataFrame = None,
    ) -> Figure:
        """Residuals in the order of time, and their autocorrelation function: two panels.

        Parameters
        ----------
        time, group
            As for :meth:`test_temporal`.
        figure : Figure, optional
        """
        from glmmlab.residuals import figures

        return figures.temporal(self, time, figure, group)

    def plot_series(
        self,
        time: predictors.PredictorLike,
        ax: Axes | None = None,
        group: predictors.PredictorLike | pd.DataFrame = None,
    ) -> Axes:
        """Residuals in the order of time with the Durbin-Watson test; rows of a group are joined.

        Parameters
        ----------
        time, group
            As for :meth:`test_temporal`.
        ax : Axes, optional
        """
        from glmmlab.residuals import figures

        return figures.series(self, time, ax, group)

    def plot_acf(
        self,
        time: predictors.PredictorLike,
        ax: Axes | None = None,
        group: predictors.PredictorLike | pd.DataFrame = None,
    ) -> Axes:
        """Autocorrelation function of the residuals in the order of time (within groups).

        Parameters
        ----------
        time, group
            As for :meth:`test_temporal`.
        ax : Axes, optional
        """
        from glmmlab.residuals import figures

        return figures.acf(self, time, ax, group)

    def plot_spatial(
        self, x: predictors.PredictorLike, y: predictors.PredictorLike, ax: Axes | None = None
    ) -> Axes:
        """Map of the residuals."""
        from glmmlab.residuals import figures

        return figures.spatial(self, x, y, ax)

    def plot_phylogenetic(
        self,
        distances: pd.DataFrame | ArrayLike,
        taxon: predictors.PredictorLike = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Residual of every taxon against the mean residual of its relatives.

        Parameters
        ----------
        distances, taxon
            As for :meth:`test_phylogenetic`.
        ax : Axes, optional
        """
        from glmmlab.residuals import figures

        return figures.phylogenetic(self, distances, taxon, ax)
