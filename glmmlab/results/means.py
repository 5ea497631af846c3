"""Means and slopes of a fit: thin methods over the rooms of inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from glmmlab._arguments import finite
from glmmlab.results.degrees import FitDegrees

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glmmlab.inference.emmeans import EMMeans
    from glmmlab.inference.small_sample import Df


class FitMeans(FitDegrees):
    """Marginal means, slopes and their plots (see :class:`glmmlab.Fit`)."""

    def emmeans(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        type: str = "link",
        weights: str | ArrayLike = "equal",
        component: str = "conditional",
        level: float = 0.95,
        offset: float | ArrayLike | None = None,
        bias_adjust: bool = False,
        sigma: float | None = None,
        df: Df = None,
    ) -> EMMeans:
        """Estimated marginal means over a reference grid.

        Averages of the linear predictor at random effects = 0, back-transformed afterwards with
        ``type="response"``: not the mean over the random effects (see ``bias_adjust``).

        Parameters
        ----------
        specs : str or list of str
            Predictors whose combinations are wanted; ``"a * b | c"`` works as in R, and ``"1"``
            is the overall mean.
        by : str or list of str, optional
            Predictors of separate panels: comparisons stay inside them.
        at : mapping, optional
            Values of predictors, ``{"dose": [1, 2]}`` or ``{"block": "1"}``.
        type : {"link", "response"}
            Scale of the table.
        weights : str or array_like
            How other factors are averaged: equal, proportional, outer, cells, flat, or numbers.
        component : str
            ``conditional``, ``zero_inflation``, ``dispersion``; ``response`` for E(y), zero
            inflation included, or ``cmean`` without it: of counts above zero where they are
            truncated.  The conditional mean of ordered beta is that of the values between 0 and
            1; ``response`` includes its zeros and ones.
        level : float
            Confidence level.
        offset : float or array_like, optional
            Replaces the model's offset on the grid: 0 for one unit of effort.  Without it the
            grid takes the formula's offset, and the mean of one given beside the formula.
        bias_adjust : bool
            Second-order correction of back-transformed means towards the mean over the random
            effects: g^{-1}(eta) + sigma^2 g^{-1}''(eta) / 2.
        sigma : float, optional
            Total standard deviation for ``bias_adjust``; by default that of the random
            intercepts (and, for a transformed Gaussian response, of the residuals).
        df : {"satterthwaite", "kenward-roger"} or float, optional
            Degrees of freedom of the means and of all comparisons made from them (Gaussian
            models with identity link; others warn and stay asymptotic).

        Returns
        -------
        EMMeans
            ``.frame``; ``.pairs()``, ``.contrast()``, ``.cld()``, ``.test()``, ``.plot()``.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> fit.emmeans("gen", type="response").frame[["gen", "estimate", "lower"]].round(3)
           gen  estimate  lower
        0  O73     0.465  0.404
        1  O75     0.525  0.482
        """
        from glmmlab.inference.emmeans import emmeans
        from glmmlab.inference.model_parts import total_sd

        if sigma is not None:
            sigma = finite(sigma, "sigma", least=0.0)
        elif bias_adjust:
            sigma = total_sd(self.estimate)
        degrees = self._degrees(df, component)
        return emmeans(
            self.estimate,
            specs,
            by=by,
            at=at,
            type=type,
            weights=weights,
            component=component,
            level=level,
            offset=offset,
            df=degrees,
            cov=getattr(degrees, "cov", None),
            bias_sigma=sigma if bias_adjust else None,
        )

    def emtrends(
        self,
        specs: str | Sequence[str],
        var: str,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        type: str = "link",
        degree: int = 1,
        weights: str | ArrayLike = "equal",
        component: str = "conditional",
        level: float = 0.95,
        delta: float | None = None,
        df: Df = None,
    ) -> EMMeans:
        """Slopes along a numeric predictor at the levels of factors.

        Parameters
        ----------
        specs : str or list of str
            Factors at whose levels slopes are wanted; ``"1"`` for the overall slope.
        var : str
            The numeric predictor, or arithmetic with it: ``"log(dose)"`` gives the slope per
            unit of log(dose), ``"dose / 10"`` that per ten units.
        by, at, weights, component, level
            As in :meth:`emmeans`; ``at={var: x}`` moves the point.
        type : {"link", "response"}
            Slope of the linear predictor, or of the back-transformed mean.
        degree : {1, 2}
            2 for half the second derivative.
        delta : float, optional
            Step of the difference quotient; a thousandth of the range by default.
        df : {"satterthwaite", "kenward-roger"} or float, optional
            As in :meth:`emmeans`.

        Returns
        -------
        EMMeans
            ``estimate`` is the slope; ``.pairs()`` compares slopes, ``.test()`` tests them.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> fit = gl.glmm("germ ~ extract * n", data=seeds, family="poisson")
        >>> fit.emtrends("extract", var="n").frame[["extract", "estimate", "se"]].round(4)
            extract  estimate      se
        0      bean    0.0221  0.0038
        1  cucumber    0.0307  0.0027
        """
        from glmmlab.inference.trends import emtrends

        degrees = self._degrees(df, component)
        return emtrends(
            self.estimate, specs, var, by, at, type, degree, weights, component, level, delta,
            df=degrees, cov=getattr(degrees, "cov", None),
        )  # fmt: skip

    def emmip(
        self, formula: str, at: Mapping[str, Any] | None = None, **options: Any
    ) -> Axes | list[Axes]:
        """Interaction plot of marginal means: ``"trace ~ x | panel"``.

        Parameters
        ----------
        formula : str
            ``x`` runs along the axis (continuous if it is numeric with several values in
            ``at``), one line a level of ``trace``, one Axes a level of ``panel``;
            ``trace`` and ``panel`` may be left out (``"~ x"``) or be products (``a * b``).
        at : mapping, optional
            As in :meth:`emmeans`.
        **options
            ``type, weights, component, level`` of :meth:`emmeans`; ``intervals`` (False), ``ax``
            and the titles of :func:`glmmlab.plots.plot_interaction`.

        Returns
        -------
        Axes, or a list of Axes with panels

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> ax = fit.emmip("gen ~ extract", type="response")
        >>> ax.get_ylabel()
        'probability of germ (response scale)'
        """
        from glmmlab.inference.interaction_plot import interaction_plot

        return interaction_plot(self.estimate, formula, at, **options)
