"""How sure a fit is: Wald, profile and bootstrap intervals, as thin methods."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from glmmlab._arguments import function_of, several_names
from glmmlab._types import Seed
from glmmlab.errors import InferenceError, UnknownNameError
from glmmlab.estimate.result import Estimate
from glmmlab.results.degrees import FitDegrees

if TYPE_CHECKING:
    from glmmlab.inference.bootstrap import Bootstrap
    from glmmlab.inference.profile import Profile
    from glmmlab.inference.small_sample import Df
    from glmmlab.results.fit import Fit

METHODS = ("wald", "profile", "bootstrap")


class FitIntervals(FitDegrees):
    """Intervals of every kind of parameter (see :class:`glmmlab.Fit`)."""

    estimate: Estimate

    def conf_int(
        self,
        level: float = 0.95,
        parameters: str | Sequence[str] = "conditional",
        method: str = "wald",
        n: int = 500,
        seed: Seed = None,
        df: Df = None,
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
            ``"shape"``: the shape of Student t and Tweedie on its predictor's scale, and the cut
            points of ordered beta.
            ``"all"``, or names of single parameters, for every method but Wald.
        method : {"wald", "profile", "bootstrap"}
            ``"wald"``: estimate -+ z se (standard deviations on the log scale, correlations on
            Fisher's).  ``"profile"``: where twice the log-likelihood falls by the chi-square
            quantile, see :meth:`profile`; better in small samples and near a zero variance.
            ``"bootstrap"``: percentiles of `n` refits to simulated responses, see
            :meth:`bootstrap`.
        n, seed : int
            Of the bootstrap.
        df : {"satterthwaite", "kenward-roger"} or float, optional
            t in place of z in Wald intervals of coefficients: see :meth:`summary`.

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
        if not isinstance(parameters, str):
            parameters = several_names(parameters, "parameters")
        if df is not None and (method != "wald" or parameters == "variance"):
            raise InferenceError("df= is for Wald intervals of coefficients; leave it out here.")
        if method == "wald":
            from glmmlab.inference.intervals import wald_intervals

            degrees = self._degrees(df, str(parameters))
            return wald_intervals(self.estimate, level, parameters, degrees)
        if method == "profile":
            from glmmlab.inference.parameters import select

            wanted = None if parameters == "all" else parameters
            return select(self.profile(wanted, level).conf_int(level), parameters)
        if method == "bootstrap":
            from glmmlab.inference.parameters import choose, select

            chosen = choose(self.estimate, None if parameters == "all" else parameters)
            limits = self.bootstrap(n, seed=seed).conf_int(level)
            return select(limits.loc[[p.name for p in chosen]], parameters)
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

    def bootstrap(
        self,
        n: int = 500,
        statistic: Callable[[Fit], Any] | None = None,
        seed: Seed = None,
        workers: int = 1,
        progress: bool = False,
        resume: Bootstrap | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Bootstrap:
        """Parametric bootstrap: the model refitted to `n` responses simulated from it.

        Parameters
        ----------
        n : int
            Replicates.
        statistic : callable, optional
            From a Fit to a number, an array, a dict or a Series; all parameters by default.
        seed : int, Generator or None
            The result depends on it alone, not on the number of workers.
        workers : int
            Processes; -1 for all cores.
        progress : bool
            Show a progress bar.
        resume : Bootstrap, optional
            An interrupted or shorter run to go on from.
        checkpoint : path, optional
            A JSON file that keeps finished replicates while the run goes on; the same call
            after an interruption or a crash goes on from it.

        Returns
        -------
        Bootstrap
            ``.frame`` one row a replicate, ``.summary``, ``.conf_int(level, method)``,
            ``.failures``.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> boot = fit.bootstrap(20, lambda f: f.predict().iloc[0], seed=1)
        >>> boot.frame.shape, boot.failures
        ((20, 1), {})
        """
        from glmmlab.inference.bootstrap import bootstrap

        of_fit = None
        if statistic is not None:
            of_fit = _OnFit(function_of(statistic, "statistic", "a Fit"))
        return bootstrap(self.estimate, n, of_fit, seed, workers, progress, resume, checkpoint)


@dataclass(frozen=True)
class _OnFit:
    """A user's statistic of a Fit, as a statistic of an Estimate (picklable)."""

    statistic: Callable[[Fit], Any]

    def __call__(self, estimate: Estimate) -> Any:
        from glmmlab.results.fit import Fit

        return self.statistic(Fit(estimate))
