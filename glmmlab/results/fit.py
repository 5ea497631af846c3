"""Fit: the object a user holds.  It keeps an Estimate and hands it to the rooms of inference."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glmmlab._types import Seed
from glmmlab.estimate.result import Estimate
from glmmlab.results.checks import FitChecks
from glmmlab.results.intervals import FitIntervals
from glmmlab.results.means import FitMeans
from glmmlab.results.numbers import FitNumbers
from glmmlab.results.random import FitRandom
from glmmlab.results.summary import Summary, summarize
from glmmlab.results.tests import FitTests

if TYPE_CHECKING:
    from glmmlab.inference.report import Report
    from glmmlab.inference.small_sample import Df


@dataclass(frozen=True, repr=False, eq=False)
class Fit(FitNumbers, FitIntervals, FitChecks, FitTests, FitMeans, FitRandom):
    """A fitted generalized linear mixed model.

    Immutable.  Coefficients and their tests are on the scale of the linear predictor; tests are
    asymptotic (Wald z) unless ``df=`` asks for degrees of freedom.  Made by :func:`glmmlab.glmm`.

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    >>> fit.params.round(4)
    Intercept                         -0.4122
    extract[T.cucumber]                0.5401
    gen[T.O75]                        -0.1459
    extract[T.cucumber]:gen[T.O75]     0.7781
    Name: estimate, dtype: float64
    """

    estimate: Estimate

    def summary(self, stars: bool = False, df: Df = None) -> Summary:
        """The fit as tables: text in a terminal, HTML in a notebook.

        Parameters
        ----------
        stars : bool
            Add R's significance codes to the coefficient tables.
        df : {"satterthwaite", "kenward-roger"} or float, optional
            t tests of the coefficients with these degrees of freedom (Gaussian models with
            identity link; others warn and keep z).  A method brings its standard errors: lmer's
            (X' V^{-1} X)^{-1}, which leaves the uncertainty of the variances to the df, or
            Kenward and Roger's, which adds it.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> fit.summary().coefficients.round(3)
                                        estimate     se      z      p
        Intercept                         -0.412  0.184 -2.238  0.025
        extract[T.cucumber]                0.540  0.250  2.162  0.031
        gen[T.O75]                        -0.146  0.223 -0.654  0.513
        extract[T.cucumber]:gen[T.O75]     0.778  0.306  2.539  0.011

        >>> aphids = gl.datasets.load("aphids")
        >>> formula = "log(aphids + 1) ~ treatment + (1 | block)"
        >>> fit = gl.glmm(formula, data=aphids, method="REML")
        >>> fit.summary(df="kenward-roger").coefficients.round(3)
                               estimate     se      df       t      p
        Intercept                 2.755  0.206  34.268  13.355  0.000
        treatment[T.soap]        -0.037  0.257  85.000  -0.144  0.885
        treatment[T.oil]         -0.926  0.257  85.000  -3.611  0.001
        treatment[T.systemic]    -1.251  0.257  85.000  -4.877  0.000
        """
        return summarize(self.estimate, stars, self._degrees(df))

    def report(
        self, level: float = 0.95, checks: bool = True, seed: Seed = 1, df: Df = None
    ) -> Report:
        """Methods and results in sentences, to be edited into a paper.

        Parameters
        ----------
        level : float
            Of the intervals.
        checks : bool
            Simulate residuals and report their tests.
        seed : int, Generator or None
            Of these simulations.
        df : {"satterthwaite", "kenward-roger"} or float, optional
            F tests of the terms with these degrees of freedom, as in :meth:`anova`.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> print(fit.report().results.split("Residual")[0])
        Wald tests of the terms: extract (chi-square 53.40 with 1 df, p < 0.001), gen
        (chi-square 3.04 with 1 df, p = 0.081), extract:gen (chi-square 6.45 with 1 df, p = 0.011).
        """
        from glmmlab.inference.report import report

        return report(self.estimate, level, checks, seed, self._degrees(df))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fit with its data as one plain JSON file; :func:`glmmlab.load` reads it.

        Every float is kept to its last bit.  The file is written whole or not at all: an old
        file of that name stays until the new one is complete.  Unused columns of the data that
        JSON has no form for (objects, dates with a time zone) are left out.

        Parameters
        ----------
        path : str or path
            ``.json`` is a good ending.

        Raises
        ------
        SavedFileError
            The folder cannot be written to, the family is a class of your own, or a column of
            the model has a type that cannot be saved.

        Examples
        --------
        >>> import os, tempfile
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fit.save(os.path.join(folder, "seeds.json"))
        ...     print(os.listdir(folder))
        ['seeds.json']
        """
        import glmmlab
        from glmmlab._files import canonical, write_atomically
        from glmmlab.saving import to_document

        write_atomically(path, canonical(to_document(self.estimate, glmmlab.__version__)) + "\n")

    def to_markdown(self) -> str:
        """The summary as Markdown."""
        return self.summary().to_markdown()

    def to_latex(self) -> str:
        """The summary as LaTeX (its tables use the rules of booktabs)."""
        return self.summary().to_latex()

    def to_html(self) -> str:
        """The summary as an HTML fragment."""
        return self.summary().to_html()

    def __str__(self) -> str:
        return str(self.summary())

    def __repr__(self) -> str:
        singular = ", singular" if self.is_singular else ""
        return (
            f"<Fit: {self.formula!r}, {self.family.name} ({self.family.link.name}), "
            f"{self.method}, {self.nobs} rows, logLik {self.llf:.2f}{singular}>"
        )

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()
