"""The fit against its data: fitted values, residuals, predictions, simulations, diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from glmmlab._types import FloatArray, Seed
from glmmlab.estimate.result import Estimate
from glmmlab.inference.diagnosis import Diagnosis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from glmmlab.residuals import SimulatedResiduals


class FitChecks:
    """What the model says about responses (see :class:`glmmlab.Fit`)."""

    estimate: Estimate

    @property
    def fittedvalues(self) -> pd.Series:
        """E(y | conditional modes) for the rows used; proportions for binomial kinds."""
        from glmmlab.inference.predict import fitted_mean

        index = self.estimate.design.data.index
        return pd.Series(fitted_mean(self.estimate), index=index, name="fitted")

    def residuals(self, kind: str = "response") -> pd.Series:
        """Residuals of a kind: ``"response"``, ``"pearson"`` or ``"deviance"``.

        See :func:`glmmlab.inference.residual_kinds.residuals` for their definitions.
        """
        from glmmlab.inference.residual_kinds import residuals

        return residuals(self.estimate, kind)

    def predict(
        self,
        newdata: pd.DataFrame | dict[str, Any] | None = None,
        scale: str = "response",
        random_effects: str = "conditional",
        se: bool = False,
        level: float = 0.95,
        offset: Any = None,
        interval: str = "mean",
        trials: Any = None,
        seed: Seed = None,
    ) -> pd.Series | pd.DataFrame:
        """Predicted means: a Series, or with ``se=True`` a frame ``estimate, se, lower, upper``.

        ``random_effects`` is ``"conditional"`` (the fitted groups), ``"population"`` (a typical
        group, b = 0) or ``"marginal"`` (the average over groups); ``interval="prediction"``
        gives limits for a new observation.  See :func:`glmmlab.inference.predict.predict` for
        scales, levels and new groups.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> new = {"extract": ["bean", "cucumber"], "gen": ["O73", "O73"]}
        >>> fit.predict(new, se=True).round(3)
           estimate     se  lower  upper
        0     0.398  0.044  0.316  0.487
        1     0.532  0.042  0.449  0.613
        >>> fit.predict(new, interval="prediction", trials=40, seed=1).round(3)
           estimate  lower  upper
        0     0.398  0.225  0.575
        1     0.532  0.350  0.700
        """
        from glmmlab.inference.predict import predict

        return predict(
            self.estimate, newdata, scale, random_effects, se, level, offset, interval, trials, seed
        )

    def simulate(
        self, n: int, seed: Seed = None, random_effects: str = "unconditional"
    ) -> FloatArray:
        """`n` new responses, shape (n, nobs); successes for binomial kinds.

        See :func:`glmmlab.inference.simulate.simulate`.
        """
        from glmmlab.inference.simulate import simulate

        return simulate(self.estimate, n, seed, random_effects)

    def simulate_residuals(
        self,
        n: int = 250,
        seed: Seed = None,
        random_effects: str = "unconditional",
        *,
        method: str = "pit",
        rotation: ArrayLike | str | None = None,
        refit: bool = False,
        progress: bool = False,
    ) -> SimulatedResiduals:
        """Scaled quantile residuals, with their tests and plots.

        Parameters
        ----------
        n : int
            Number of simulations.
        seed : int, Generator or None
            The same seed gives the same residuals.
        random_effects : {"unconditional", "conditional"}
            Drawn anew for every simulation, which checks the whole model, or kept at their
            modes, which checks the rows given the groups.
        method : {"pit", "traditional"}
            How ties are treated; see :func:`glmmlab.residuals.from_simulations`.
        rotation : array or "estimated", optional
            Covariance of the rows to rotate away.
        refit : bool
            Refit the model to every simulated response (slow).
        progress : bool
            A progress bar while refitting.

        Returns
        -------
        SimulatedResiduals

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", seeds, "binomial")
        >>> residuals = fit.simulate_residuals(n=100, seed=1)
        >>> residuals.scaled.shape
        (21,)
        """
        from glmmlab.residuals import simulate_residuals

        return simulate_residuals(
            self.estimate,
            n,
            seed,
            random_effects,
            method=method,
            rotation=rotation,
            refit=refit,
            progress=progress,
        )

    def diagnose(self) -> Diagnosis:
        """What is wrong with the fit, if anything, and what to do: in sentences.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> print(gl.glmm(formula, data=seeds, family="binomial").diagnose())
        Nothing to report: the fit looks sound.
        """
        from glmmlab.inference.diagnosis import diagnose

        return diagnose(self.estimate)
