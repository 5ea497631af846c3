"""The random part of a fit: modes, their plots, variance shares, as thin methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from glmmlab.estimate.result import Estimate

if TYPE_CHECKING:
    from glmmlab.inference.variance_decomposition import VarianceDecomposition


class FitRandom:
    """Questions about groups (see :class:`glmmlab.Fit`)."""

    estimate: Estimate

    def random_effects_table(self, level: float = 0.95, uncertainty: str = "joint") -> pd.DataFrame:
        """Conditional modes with standard deviations and intervals, one row an effect.

        Parameters
        ----------
        level : float
        uncertainty : {"joint", "conditional"}
            With the uncertainty of the estimated parameters (as glmmTMB) or given them (as lme4).

        Returns
        -------
        DataFrame
            ``group, level, effect, mode, sd, lower, upper``, link scale.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen + (1 | plate)"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> fit.random_effects_table().round(3).head(3)
           group level     effect   mode     sd  lower  upper
        0  plate    P1  Intercept -0.159  0.224 -0.598  0.281
        1  plate    P2  Intercept  0.009  0.190 -0.363  0.381
        2  plate    P3  Intercept -0.183  0.205 -0.585  0.220
        """
        from glmmlab.inference.random_effects import random_effects_table

        return random_effects_table(self.estimate, level, uncertainty)

    def plot_random_effects(
        self,
        group: str | None = None,
        effect: str | None = None,
        level: float = 0.95,
        uncertainty: str = "joint",
        sort: bool = True,
        ax: Any = None,
    ) -> Any:
        """Caterpillar plot of one grouping factor, one panel an effect.

        Parameters
        ----------
        group : str, optional
            The first grouping factor by default.
        effect : str, optional
            One effect; all without it.
        level : float
            Of the intervals.
        uncertainty : str
            As for :meth:`random_effects_table`.
        sort : bool
            Order the levels by their modes.
        ax : Axes, optional

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen + (1 | plate)"
        >>> ax = gl.glmm(formula, data=seeds, family="binomial").plot_random_effects()
        """
        from glmmlab.inference.random_effects import group_effects
        from glmmlab.plots.random_effects import plot_caterpillar

        name, frame = group_effects(self.estimate, group, effect, level, uncertainty)
        identity = self.estimate.family.link.name == "identity"
        scale = f"scale of {self.estimate.design.response}" if identity else "link scale"
        return plot_caterpillar(frame, group=name, sort=sort, level=level, scale=scale, ax=ax)

    def plot_shrinkage(self, group: str | None = None, ax: Any = None) -> Any:
        """Observed means of the levels of a grouping factor and where the modes draw them.

        Parameters
        ----------
        group : str, optional
            The first grouping factor by default.
        ax : Axes, optional

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen + (1 | plate)"
        >>> ax = gl.glmm(formula, data=seeds, family="binomial").plot_shrinkage()
        """
        from glmmlab.inference.random_effects import group_of, shrinkage
        from glmmlab.plots.random_effects import plot_shrinkage

        name = group_of(self.estimate, group)
        label = f"Mean of {self.estimate.design.response} (response scale)"
        if self.estimate.family.is_binomial:
            label = "Proportion of successes (response scale)"
        return plot_shrinkage(shrinkage(self.estimate, name), group=name, xlabel=label, ax=ax)

    def variance_decomposition(self, method: str | None = None) -> VarianceDecomposition:
        """Variance shares on the link scale: ICC, and R2 of Nakagawa and Schielzeth.

        Parameters
        ----------
        method : {"theoretical", "lognormal", "trigamma", "delta"}, optional
            The variance of a single observation: see
            :func:`glmmlab.inference.variance_decomposition.variance_decomposition`.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen + (1 | plate)"
        >>> shares = gl.glmm(formula, data=seeds, family="binomial").variance_decomposition()
        >>> shares.frame.round(3)
                     variance  share
        fixed           0.314  0.086
        (1 | plate)     0.055  0.015
        observation     3.290  0.899
        >>> round(shares.icc, 4), round(shares.r2_conditional, 4)
        (0.0165, 0.1008)
        """
        from glmmlab.inference.variance_decomposition import variance_decomposition

        return variance_decomposition(self.estimate, method)
