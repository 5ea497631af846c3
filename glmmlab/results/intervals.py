"""How sure a fit is: Wald, profile and bootstrap intervals, as thin methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from glmmlab.errors import UnknownNameError
from glmmlab.estimate.result import Estimate

if TYPE_CHECKING:
    from glmmlab.inference.profile import Profile

METHODS = ("wald", "profile")


class FitIntervals:
    """Intervals of every kind of parameter (see :class:`glmmlab.Fit`)."""

    estimate: Estimate

    def conf_int(
        self,
        level: float = 0.95,
        parameters: str | Sequence[str] = "conditional",
        method: str = "wald",
    ) -> pd.DataFrame:
        """Confidence intervals.

        Parameters
        ----------
        level : float
            Confidence level.
        parameters : str or sequence of str
            ``"conditional"``, ``"zero_inflation"`` or ``"dispersion"``: coefficients of that
            part, on the scale of its linear predictor.  ``"variance"``: the standard deviations
            and correlations of the random effects and the dispersion, on their own scales.
            ``"all"``, or names of single parameters, for every method but Wald.
        method : {"wald", "profile"}
            ``"wald"``: estimate -+ z se (standard deviations on the log scale, correlations on
            Fisher's).  ``"profile"``: where twice the log-likelihood falls by the chi-square
            quantile, see :meth:`profile`; better in small samples and near a zero variance.

        Returns
        -------
        DataFrame
            Columns ``lower, upper``; variance parameters and parameters asked for by name have
            ``estimate`` before them.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> fit.conf_int().round(3).loc["gen[T.O75]"].tolist()
        [-0.583, 0.291]
        >>> fit.conf_int(method="profile").round(3).loc["gen[T.O75]"].tolist()
        [-0.582, 0.294]
        """
        if method == "wald":
            from glmmlab.inference.intervals import wald_intervals

            return wald_intervals(self.estimate, level, parameters)
        if method == "profile":
            from glmmlab.inference.parameters import select

            wanted = None if parameters == "all" else parameters
            return select(self.profile(wanted, level).conf_int(level), parameters)
        raise UnknownNameError(f"method={method!r} is unknown; use one of {', '.join(METHODS)}.")

    def profile(
        self,
        parameters: str | Sequence[str] | None = None,
        level: float = 0.95,
        workers: int = 1,
        progress: bool = False,
    ) -> Profile:
        """Profile likelihoods of any parameters: coefficients, deviations, correlations.

        Parameters
        ----------
        parameters : str or sequence of str, optional
            Names, or the sets ``"conditional"``, ``"variance"``, ``"dispersion"``,
            ``"zero_inflation"``, ``"shape"``; all when left out.
        level : float
            The highest confidence level that limits will be asked for.
        workers : int
            Processes that share the parameters.
        progress : bool
            Show a progress bar.

        Returns
        -------
        Profile
            ``.conf_int()``, ``.frame`` (``parameter, value, zeta``), ``.plot()``.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen + (1 | plate)"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> fit.profile("variance").conf_int().round(3)
                               estimate  lower  upper
        sd(Intercept | plate)     0.235    0.0  0.482
        """
        from glmmlab.inference.profile import profile

        return profile(self.estimate, parameters, level, workers, progress)
