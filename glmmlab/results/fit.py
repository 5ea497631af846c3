"""Fit: the object a user holds.  It keeps an Estimate and hands it to the rooms of inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from glmmlab._types import FloatArray, Seed
from glmmlab.errors import GlmmlabWarning, UnknownNameError
from glmmlab.estimate.result import Estimate, Optimization, PartEstimate
from glmmlab.families.base import Family
from glmmlab.inference.comparison import Comparison, information_criteria
from glmmlab.inference.diagnosis import Diagnosis
from glmmlab.inference.intervals import coefficient_intervals
from glmmlab.results.summary import (
    Summary,
    all_warnings,
    coefficient_frame,
    has_formula,
    summarize,
)

if TYPE_CHECKING:
    from glmmlab.residuals import SimulatedResiduals

INTERVALS = ("conditional", "zero_inflation", "dispersion", "variance")


@dataclass(frozen=True, repr=False, eq=False)
class Fit:
    """A fitted generalized linear mixed model.

    Immutable.  Coefficients and their tests are on the scale of the linear predictor; tests are
    asymptotic (Wald z).  Made by :func:`glmmlab.glmm`.

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

    # -------------------------------------------------------------------- coefficients

    @property
    def params(self) -> pd.Series:
        """Coefficients of the conditional model, link scale; missing where aliased."""
        return self._column("estimate")

    @property
    def bse(self) -> pd.Series:
        """Standard errors of `params`."""
        return self._column("se")

    @property
    def zvalues(self) -> pd.Series:
        """Wald z statistics of `params`."""
        return self._column("z")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided normal p-values of `zvalues`."""
        return self._column("p")

    @property
    def params_dispersion(self) -> pd.Series:
        """Coefficients of the dispersion formula (its predictor's scale); empty without one."""
        return self._auxiliary("dispersion", "estimate")

    @property
    def bse_dispersion(self) -> pd.Series:
        """Standard errors of `params_dispersion`."""
        return self._auxiliary("dispersion", "se")

    @property
    def params_zero_inflation(self) -> pd.Series:
        """Coefficients of the zero-inflation part (logit scale); empty without one."""
        return self._auxiliary("zero_inflation", "estimate")

    @property
    def bse_zero_inflation(self) -> pd.Series:
        """Standard errors of `params_zero_inflation`."""
        return self._auxiliary("zero_inflation", "se")

    def _column(self, column: str) -> pd.Series:
        return coefficient_frame(self.estimate.conditional)[column]

    def _auxiliary(self, name: str, column: str) -> pd.Series:
        part = self._part(name)
        return (
            pd.Series(dtype=float, name=column) if part is None else coefficient_frame(part)[column]
        )

    def _part(self, name: str) -> PartEstimate | None:
        part = self.estimate.auxiliary.get(name)
        if part is None or (name == "dispersion" and not has_formula(part)):
            return None
        return part

    def cov_params(self) -> pd.DataFrame:
        """Covariance of `params`."""
        part = self.estimate.conditional
        return pd.DataFrame(part.cov.copy(), index=list(part.names), columns=list(part.names))

    def conf_int(self, level: float = 0.95, parameters: str = "conditional") -> pd.DataFrame:
        """Wald confidence intervals.

        Parameters
        ----------
        level : float
            Confidence level.
        parameters : {"conditional", "zero_inflation", "dispersion", "variance"}
            Coefficients of a part (link scale), or ``"variance"``: the standard deviations and
            correlations of the random effects and the dispersion, on their own scales.

        Returns
        -------
        DataFrame
            Columns ``lower, upper``; variance parameters have ``estimate`` before them.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> fit.conf_int().round(3).loc["gen[T.O75]"].tolist()
        [-0.583, 0.291]
        """
        from glmmlab.inference import intervals

        if parameters == "variance":
            random = intervals.variance_intervals(self.estimate, level)
            phi = intervals.dispersion_interval(self.estimate, level)
            return pd.concat([frame for frame in (random, phi) if len(frame)] or [random])
        if parameters == "conditional":
            return coefficient_intervals(self.estimate.conditional, level)
        if parameters not in INTERVALS:
            raise UnknownNameError(
                f"parameters={parameters!r} is unknown; use one of {', '.join(INTERVALS)}."
            )
        part = self._part(parameters)
        if part is None:
            return pd.DataFrame(columns=["lower", "upper"], dtype=float)
        return coefficient_intervals(part, level)

    # ------------------------------------------------------------------------- the fit

    @property
    def family(self) -> Family:
        """The response distribution with its link."""
        return self.estimate.family

    @property
    def formula(self) -> str:
        """The model formula as given."""
        return self.estimate.design.formula

    @property
    def method(self) -> str:
        """``"ML"`` or ``"REML"``."""
        return self.estimate.method

    @property
    def llf(self) -> float:
        """Log-likelihood (restricted under REML; Laplace approximation with random effects)."""
        return self.estimate.llf

    @property
    def aic(self) -> float:
        """-2 llf + 2 npar."""
        return information_criteria(self.estimate)[0]

    @property
    def bic(self) -> float:
        """-2 llf + npar log(nobs)."""
        return information_criteria(self.estimate)[1]

    @property
    def nobs(self) -> int:
        """Rows used."""
        return self.estimate.nobs

    @property
    def npar(self) -> int:
        """All estimated parameters: coefficients, dispersion, variances and covariances."""
        return self.estimate.npar

    @property
    def df_resid(self) -> int:
        """nobs - npar."""
        return self.estimate.df_resid

    @property
    def dispersion(self) -> float:
        """The family's phi in its mean-variance relation; 1 for Poisson and binomial.

        Gaussian sigma^2, t scale^2, gamma phi in phi mu^2, beta and beta-binomial phi as in
        mu (1 - mu) / (1 + phi), nbinom2 theta in mu + mu^2 / theta, nbinom1 phi in mu (1 + phi).
        Missing for a model with a dispersion formula, which has one value a row.
        """
        part = self.estimate.auxiliary.get("dispersion")
        if part is None:
            return 1.0
        if has_formula(part):
            return float("nan")
        return float(self.family.dispersion(part.params[0]))

    @property
    def random_covariance(self) -> dict[str, pd.DataFrame]:
        """Covariance matrix of the random effects for each grouping factor."""
        return {g: frame.copy() for g, frame in self.estimate.random_covariance.items()}

    @property
    def random_effects(self) -> dict[str, pd.DataFrame]:
        """Conditional modes for each grouping factor, one row a level (link scale)."""
        return {g: frame.copy() for g, frame in self.estimate.modes.items()}

    @property
    def is_singular(self) -> bool:
        """Whether a variance is estimated as zero, or a correlation as -1 or 1."""
        return bool(self.estimate.singular)

    @property
    def converged(self) -> bool:
        """Whether the optimum was reached and checked."""
        return self.estimate.converged

    @property
    def warnings(self) -> tuple[GlmmlabWarning, ...]:
        """Everything said about the data and the fit."""
        return all_warnings(self.estimate)

    @property
    def optimization(self) -> Optimization:
        """The record of the optimiser: start, end, iterates, evaluations, message."""
        return self.estimate.optimization

    def diagnose(self) -> Diagnosis:
        """What is wrong with the fit, if anything, and what to do: in sentences."""
        from glmmlab.inference.diagnosis import diagnose

        return diagnose(self.estimate)

    # ------------------------------------------------------------ fitted values and draws

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
    ) -> pd.Series | pd.DataFrame:
        """Predicted means: a Series, or with ``se=True`` a frame ``estimate, se, lower, upper``.

        See :func:`glmmlab.inference.predict.predict` for scales, levels and new groups.

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
        """
        from glmmlab.inference.predict import predict

        return predict(self.estimate, newdata, scale, random_effects, se, level, offset)

    def simulate(
        self, n: int, seed: Seed = None, random_effects: str = "unconditional"
    ) -> FloatArray:
        """`n` new responses, shape (n, nobs); successes for binomial kinds.

        See :func:`glmmlab.inference.simulate.simulate`.
        """
        from glmmlab.inference.simulate import simulate

        return simulate(self.estimate, n, seed, random_effects)

    def simulate_residuals(
        self, n: int = 250, seed: Seed = None, random_effects: str = "unconditional"
    ) -> SimulatedResiduals:
        """Scaled quantile residuals from `n` simulations, with their tests and plots."""
        from glmmlab.residuals import simulate_residuals

        return simulate_residuals(self.estimate, n, seed, random_effects)

    # ------------------------------------------------------------------------ inference

    def anova(self, type: int = 2, component: str = "conditional") -> Any:
        """Wald chi-square tests of the terms: type II or III."""
        from glmmlab.inference.anova import anova

        return anova(self.estimate, type=type, component=component)

    def joint_tests(self) -> Any:
        """Coding-free joint tests of every term."""
        from glmmlab.inference.anova import joint_tests

        return joint_tests(self.estimate)

    def compare(self, *others: Fit, boundary: bool = False) -> Comparison:
        """Likelihood-ratio table of this fit (``model 1``) and others, smallest first.

        See :func:`glmmlab.inference.comparison.compare` for the checks and ``boundary``.

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
        from glmmlab.inference.comparison import compare

        return compare([fit.estimate for fit in (self, *others)], boundary=boundary)

    def emmeans(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        type: str = "link",
        weights: str = "equal",
        component: str = "conditional",
        level: float = 0.95,
    ) -> Any:
        """Estimated marginal means over a reference grid."""
        from glmmlab.inference.emmeans import emmeans

        return emmeans(
            self.estimate,
            specs,
            by=by,
            at=at,
            type=type,
            weights=weights,
            component=component,
            level=level,
        )

    # ------------------------------------------------------------------------- showing

    def summary(self, stars: bool = False) -> Summary:
        """The fit as tables: text in a terminal, HTML in a notebook.

        Parameters
        ----------
        stars : bool
            Add R's significance codes to the coefficient tables.

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
        """
        return summarize(self.estimate, stars)

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
