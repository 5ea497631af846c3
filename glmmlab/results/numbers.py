"""The numbers of a fit: coefficients, likelihood, variances."""

from __future__ import annotations

import pandas as pd

from glmmlab.errors import GlmmlabWarning
from glmmlab.estimate.result import Estimate, Optimization, PartEstimate
from glmmlab.families.base import Family
from glmmlab.inference.comparison import information_criteria
from glmmlab.results.summary import all_warnings, coefficient_frame, has_formula


class FitNumbers:
    """What was estimated, as Series, frames and numbers (see :class:`glmmlab.Fit`)."""

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
        """Covariance of `params`.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> fit = gl.glmm("cbind(germ, n - germ) ~ gen", data=seeds, family="binomial")
        >>> fit.cov_params().round(4)
                    Intercept  gen[T.O75]
        Intercept      0.0152     -0.0152
        gen[T.O75]    -0.0152      0.0223
        """
        part = self.estimate.conditional
        return pd.DataFrame(part.cov.copy(), index=list(part.names), columns=list(part.names))

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
        """All estimated parameters, coefficients as well as dispersion, variances, covariances."""
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
        """The record of the optimiser, from start to end, with iterates, evaluations, message."""
        return self.estimate.optimization
