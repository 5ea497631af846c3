"""Tests of a fit: terms, hypotheses and other fits; thin methods over the rooms of inference."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._types import Seed
from glmmlab.errors import ComparisonError
from glmmlab.estimate.result import Estimate
from glmmlab.inference.comparison import Comparison
from glmmlab.results.degrees import FitDegrees

if TYPE_CHECKING:
    from glmmlab.inference.anova import AnovaTable
    from glmmlab.inference.hypotheses import Hypotheses
    from glmmlab.inference.small_sample import Df
    from glmmlab.results.fit import Fit


def _estimates(*fits: object) -> list[Estimate]:
    """The estimates of fits; a ComparisonError for anything that is not one."""
    for fit in fits:
        if not isinstance(fit, FitTests):
            raise ComparisonError(
                f"compare takes fits, as in fit.compare(other), not {type(fit).__name__}."
            )
    return [fit.estimate for fit in fits if isinstance(fit, FitTests)]


class FitTests(FitDegrees):
    """Tests of terms, hypotheses and other fits (see :class:`glmmlab.Fit`)."""

    def anova(
        self, type: int | str = 2, component: str = "conditional", df: Df = None
    ) -> AnovaTable:
        """Wald chi-square tests of the terms: type II or III.

        Parameters
        ----------
        type : {2, 3, "II", "III"}
            Type II respects marginality and does not depend on the coding; type III tests the
            coefficients as fitted, the intercept included.  Ordered Categoricals have treatment
            coding here and polynomials in R, where their type III rows of the intercept and of
            covariates differ: ``C(dose, contr.poly)`` gives R's.
        component : {"conditional", "zero_inflation", "dispersion"}
            The part of the model whose terms are tested.
        df : {"satterthwaite", "kenward-roger"} or float, optional
            F tests with these denominator degrees of freedom, for Gaussian models with identity
            link; other models warn and keep the chi-square.

        Returns
        -------
        AnovaTable
            ``.frame`` indexed by term: ``chisq, df, p``; with `df` ``F, df, df_resid, p``.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> fit.anova().frame["chisq"].round(3).to_dict()
        {'extract': 53.397, 'gen': 3.043, 'extract:gen': 6.448}

        A split plot: varieties on whole plots, nitrogen on subplots.

        >>> oats = gl.datasets.load("oats")
        >>> formula = "grain ~ variety * nitrogen + (1 | block / variety)"
        >>> fit = gl.glmm(formula, data=oats, method="REML")
        >>> fit.anova(df="kenward-roger").frame[["F", "df", "df_resid"]].round(3)
                               F  df  df_resid
        term
        variety            1.485   2      10.0
        nitrogen          37.686   3      45.0
        variety:nitrogen   0.303   6      45.0
        """
        from glmmlab.inference.anova import anova

        degrees = self._degrees(df, component)
        return anova(self.estimate, type=type, component=component, df=degrees)

    def joint_tests(
        self,
        by: str | Sequence[str] | None = None,
        component: str = "conditional",
        confounded: bool = False,
        df: Df = None,
    ) -> AnovaTable:
        """Joint tests of every term that do not depend on how the factors are coded.

        Parameters
        ----------
        by : str or list of str, optional
            Test within each level (combination) of these predictors: simple main effects.
        component : {"conditional", "zero_inflation", "dispersion"}
        confounded : bool
            Add a row for the differences between cells that no term's row tests, which happens
            when cells are empty.
        df : {"satterthwaite", "kenward-roger"} or float, optional
            As in :meth:`anova`.

        Returns
        -------
        AnovaTable
            ``.frame`` indexed by term, and by the levels of ``by``: ``chisq, df, p``; with a
            method of `df` ``F, df, df_resid, p``.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> fit.joint_tests(by="gen").frame.round(4)
                       chisq  df       p
        term    gen
        extract O73   4.6739   1  0.0306
                O75  55.1712   1  0.0000
        """
        from glmmlab.inference.joint_tests import joint_tests

        degrees = self._degrees(df, component)
        cov = getattr(degrees, "cov", None)
        return joint_tests(self.estimate, by, component, degrees, cov, confounded)

    def compare(
        self,
        *others: Fit,
        boundary: bool = False,
        bootstrap: int | None = None,
        seed: Seed = None,
        workers: int = 1,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Comparison:
        """Likelihood-ratio table of this fit (``model 1``) and others, smallest first.

        See :func:`glmmlab.inference.comparison.compare` for the checks and ``boundary``.  With
        ``bootstrap=n`` the p-value of two fits comes from `n` responses simulated from the
        smaller one, see :func:`glmmlab.inference.bootstrap_test.bootstrap_comparison`;
        ``checkpoint=path`` keeps them on the disk.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> plates = gl.glmm(formula + " + (1 | plate)", data=seeds, family="binomial")
        >>> fit.compare(plates, boundary=True).frame[["npar", "chisq", "df", "p"]].round(4)
                 npar   chisq   df       p
        model 1     4     NaN  NaN     NaN
        model 2     5  2.3349  1.0  0.0633
        """
        if bootstrap is not None:
            from glmmlab.inference.bootstrap_test import bootstrap_comparison

            return bootstrap_comparison(
                _estimates(self, *others), bootstrap, seed, workers, checkpoint=checkpoint
            )
        from glmmlab.inference.comparison import compare

        return compare(_estimates(self, *others), boundary=boundary)

    def test_hypotheses(
        self,
        hypotheses: str | Sequence[str] | Mapping[str, str] | pd.DataFrame | ArrayLike,
        rhs: float | Sequence[float] | None = None,
        component: str = "conditional",
        adjust: str = "single-step",
        level: float = 0.95,
        seed: Seed = 0,
        df: Df = None,
    ) -> Hypotheses:
        """Simultaneous tests of linear combinations of coefficients, as multcomp's glht.

        Parameters
        ----------
        hypotheses : str, list, mapping, DataFrame or array_like
            Text such as ``"extract[T.cucumber] - gen[T.O75] = 0"``, several of them, a mapping
            from labels to them; or a matrix, one row a hypothesis, as an array with one column a
            coefficient or a frame with coefficient names as columns (missing ones are 0).
        rhs : float or sequence, optional
            Hypothesised values beside a matrix; 0 by default.
        component : {"conditional", "zero_inflation", "dispersion"}
        adjust : str
            ``single-step`` (multivariate normal or t); its step-down versions ``free`` and, with
            logical constraints, ``westfall`` and ``shaffer``; or any adjustment of
            :meth:`glmmlab.inference.emmeans.EMMeans.contrast`; ``none`` for separate tests.
        level : float
            Of the simultaneous intervals that ``.confint()`` gives.
        seed : int, Generator or None
            Of the multivariate integration.
        df : {"satterthwaite", "kenward-roger"} or float, optional
            As in :meth:`emmeans`.

        Returns
        -------
        Hypotheses
            ``.frame``: ``contrast, estimate, se, df, null, statistic, p``; ``.confint()``;
            ``.joint_test()`` tests all at once.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> tests = fit.test_hypotheses(["extract[T.cucumber] = 0", "gen[T.O75] = 0"])
        >>> tests.frame["p"].round(3).tolist()
        [0.055, 0.722]
        >>> tests.joint_test().df
        2
        """
        from glmmlab.inference.hypotheses import linear_hypotheses

        degrees = self._degrees(df, component)
        return linear_hypotheses(
            self.estimate, hypotheses, rhs, component, adjust, level,
            degrees, getattr(degrees, "cov", None), seed,
        )  # fmt: skip
