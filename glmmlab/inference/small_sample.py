r"""Small-sample tests of Gaussian mixed models: Satterthwaite's and Kenward and Roger's.

For a row L of coefficients, h_i = - L Phi P_i Phi L' is the derivative of its variance L Phi L'
in s_i (:mod:`glmmlab.inference.variance_components` has the letters), and with a covariance A
of the estimated variances

.. math:: df = 2 (L \Phi L')^2 / (h' A h).

Satterthwaite (1946, Biometrics Bulletin 2:110-114): A from the observed information; several
rows at once after Fai & Cornelius (1996, J. Statist. Comput. Simul. 54:363-378), as in
Kuznetsova, Brockhoff & Christensen (2017, J. Statist. Software 82(13)).  Kenward & Roger (1997,
Biometrics 53:983-997): A from the expected information, a covariance of the coefficients that
allows for the estimated variances, and a scaled F; see also Halekoh & Hojsgaard (2014, J.
Statist. Software 59(9)).  In balanced designs with positive variance estimates the two agree.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab._warnings import warn
from glmmlab.errors import InferenceError, InferenceWarning, UnknownNameError
from glmmlab.inference.f_tests import FTest
from glmmlab.inference.variance_components import MarginalModel, positive_inverse
from glmmlab.inference.wald import wald_chisq

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

METHODS = ("satterthwaite", "kenward-roger")
TITLES = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}
Df = str | float | None
"""How a table is to count degrees of freedom: a method's name, a number, or None (z tests)."""


@dataclass(frozen=True)
class SmallSample:
    """Degrees of freedom of linear functions of the coefficients of one fit.

    Call it with rows (m, p) of coefficients for their degrees of freedom (m,).

    Attributes
    ----------
    method : {"satterthwaite", "kenward-roger"}
    cov : ndarray, shape (p, p)
        Covariance of the coefficients to test with; NaN where aliased.
    kept : ndarray of int
        Places of the estimated coefficients.
    phi : ndarray
        (X' V^{-1} X)^{-1} of the estimated coefficients.
    slopes : ndarray, shape (k, ...)
        Derivatives of `phi` in the variances.
    variances : ndarray, shape (k, k)
        Covariance of the estimated variances.
    remark : str
        What to mind, for the foot of tables.
    """

    method: str
    cov: FloatArray
    kept: np.ndarray
    phi: FloatArray
    slopes: FloatArray
    variances: FloatArray
    remark: str = ""

    @property
    def title(self) -> str:
        """The method's name as printed."""
        return TITLES[self.method]

    @property
    def note(self) -> str:
        """What a table says about its degrees of freedom."""
        if self.method == "kenward-roger":
            return "t with Kenward-Roger degrees of freedom and standard errors."
        return f"t with Satterthwaite degrees of freedom. {self.remark}".rstrip()

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Degrees of freedom of each row, shape (m,); NaN for a row of zeros."""
        L = np.atleast_2d(rows)[:, self.kept]
        variance = np.einsum("mp,pq,mq->m", L, self.phi, L)
        slopes = np.einsum("mp,kpq,mq->km", L, self.slopes, L)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(
                2 * variance**2 / np.einsum("km,kl,lm->m", slopes, self.variances, slopes)
            )

    def f_test(self, rows: FloatArray, estimate: FloatArray) -> FTest:
        """F test that independent rows have expectation zero.

        Parameters
        ----------
        rows : ndarray, shape (q, p)
        estimate : ndarray, shape (q,)
            L b minus the hypothesised values.
        """
        if not len(rows):
            return FTest(float("nan"), 0, float("nan"))
        L = np.atleast_2d(rows)[:, self.kept]
        chisq = wald_chisq(estimate, L @ self.cov[np.ix_(self.kept, self.kept)] @ L.T)
        if self.method == "satterthwaite":
            scale, df_resid = 1.0, self._fai_cornelius(rows)
        else:
            scale, df_resid = self._kenward_roger(rows)
        return FTest(scale * chisq / len(L), len(L), df_resid)

    def _fai_cornelius(self, rows: FloatArray) -> float:
        r"""Denominator df of q rows: of an F distribution with the mean of the statistic.

        On the eigenvectors of L Phi L' the statistic is an average of q independent squared t,
        each of mean nu / (nu - 2).  With some nu <= 2 there is no mean: then the smallest nu.
        """
        L = rows[:, self.kept]
        _, vectors = np.linalg.eigh(L @ self.phi @ L.T)
        nu = self(vectors.T @ rows)
        if np.ptp(nu) <= 1e-8 * nu.max() or nu.min() <= 2:
            return float(nu.min())
        total = float((nu / (nu - 2)).sum())
        return 2 * total / (total - len(nu))

    def _kenward_roger(self, rows: FloatArray) -> tuple[float, float]:
        """Scale and denominator df of the Wald F of q rows."""
        L = rows[:, self.kept]
        variance = L @ self.phi @ L.T
        slopes = np.einsum("qp,kpr,sr->kqs", L, self.slopes, L)
        relative = np.array([linalg.solve(variance, s, assume_a="pos") for s in slopes])
        traces = np.trace(relative, axis1=1, axis2=2)
        a1 = traces @ self.variances @ traces
        a2 = np.einsum("kqs,kl,lsq->", relative, self.variances, relative)
        with np.errstate(all="ignore"):
            scale, df = match_f_moments(a1, a2, len(L))
        if scale > 0 and df > 0:
            return float(scale), float(df)
        # too little information for the expansion: the least informed direction decides
        _, vectors = np.linalg.eigh(variance)
        return 1.0, float(self(vectors.T @ rows).min())


def match_f_moments(a1: float, a2: float, q: int) -> tuple[float, float]:
    r"""Scale and df such that scale * F has, to first order, the mean and variance of F(q, df).

    Kenward & Roger (1997), section 3, with their A_1 and A_2.  One row has a1 = a2 = 2 / df.
    The mean of F is infinite at 2 df and its variance at 4, where the formulas are continuous:
    they are written in the reciprocals, and 0 / 0 is its limit 1.

    >>> match_f_moments(0.2, 0.2, 1)
    (1.0, 10.0)
    >>> scale, df = match_f_moments(4.0, 2.0, 2)
    >>> round(scale, 6), round(df, 6)
    (1.0, 2.0)
    """
    if q == 1:
        return 1.0, 2 / a2
    b = (a1 + 6 * a2) / (2 * q)
    g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
    below = 3 * q + 2 * (1 - g)
    c1, c2, c3 = g / below, (q - g) / below, (q + 2 - g) / below
    inverse_mean = 1 - a2 / q
    ratio = _quotient(1 - c2 * b, inverse_mean)
    inverse_rho = q * ratio**2 * (1 - c3 * b) / (1 + c1 * b)
    df = 4 + (q + 2) * inverse_rho / (q - inverse_rho)
    return df * _quotient(2 * inverse_mean, df - 2) / 2, df


def _quotient(above: float, below: float) -> float:
    """above / below; 1 where both vanish."""
    if abs(above) < 1e-6 and abs(below) < 1e-6:
        return 1.0
    return above / below


# ---------------------------------------------------------------------------- from a fit


def small_sample(estimate: Estimate, method: str) -> SmallSample:
    r"""Degrees of freedom of a Gaussian mixed model by one of the two methods.

    Parameters
    ----------
    estimate : Estimate
        Gaussian with identity link and one dispersion.  Prior weights are counts of equal
        observations, as in the likelihood.
    method : {"satterthwaite", "kenward-roger"}

    Returns
    -------
    SmallSample
        Its covariance is (X' V^{-1} X)^{-1} for Satterthwaite, as in lmer: where the fit's own
        differs, that is what the fit adds for the estimated variances.  Kenward-Roger adds
        2 Phi {sum_ij A_ij (Q_ij - P_i Phi P_j)} Phi.

    Raises
    ------
    InferenceError
        Another family, link or a dispersion formula; Kenward-Roger without REML; a model of
        more than 3000 rows and effects.
    UnknownNameError
        Another method.

    Examples
    --------
    >>> import glmmlab as gl
    >>> aphids = gl.datasets.load("aphids")
    >>> formula = "log(aphids + 1) ~ treatment + (1 | block)"
    >>> fit = gl.glmm(formula, data=aphids, method="REML")
    >>> small_sample(fit.estimate, "kenward-roger")(np.eye(4)).round(1)
    array([34.3, 85. , 85. , 85. ])
    """
    method = resolve_method(method)
    if reason := not_gaussian(estimate):
        raise InferenceError(f"{TITLES[method]} degrees of freedom need {reason}.")
    if method == "kenward-roger" and estimate.method != "REML":
        raise InferenceError(
            "Kenward and Roger's method is for REML; fit the model with method='REML', or use "
            "df='satterthwaite'."
        )
    model = MarginalModel(estimate)
    phi = model.phi
    slopes = -phi @ model.p_i @ phi
    if method == "satterthwaite":
        variances, jacobian = model.cholesky_covariance()
        slopes = np.einsum("iu,ipq->upq", jacobian, slopes)
        cov = phi
    else:
        variances = positive_inverse(model.expected_information)
        crossed = np.einsum("ipq,qr,jrs->ijps", model.p_i, phi, model.p_i)
        middle = np.einsum("ij,ijpq->pq", variances, model.q_ij - crossed)
        cov = phi + 2 * phi @ ((middle + middle.T) / 2) @ phi
    full = np.full((estimate.conditional.params.size,) * 2, np.nan)
    full[np.ix_(model.kept, model.kept)] = cov
    remark = _singular(estimate) if method == "satterthwaite" else ""
    return SmallSample(method, full, model.kept, phi, slopes, variances, remark)


def _singular(estimate: Estimate) -> str:
    """Satterthwaite's method cannot see that a variance of zero is an estimate too."""
    if not estimate.singular:
        return ""
    return (
        f"With a variance of {', '.join(estimate.singular)} estimated as zero, Satterthwaite's "
        "degrees of freedom are those of the model without it; Kenward-Roger's count its groups "
        "all the same."
    )


def not_gaussian(estimate: Estimate) -> str:
    """What the model lacks for exact small-sample theory; empty if nothing."""
    family, dispersion = estimate.family, estimate.auxiliary.get("dispersion")
    if not family.is_linear:
        return f"a Gaussian model with identity link, not {family.name} ({family.link.name})"
    if dispersion is None or len(dispersion.names) != 1 or "zero_inflation" in estimate.auxiliary:
        return "one constant dispersion, not a formula"
    return ""


def resolve_method(name: str) -> str:
    """The method of a name; an error that suggests the nearest.

    >>> resolve_method("Kenward-Roger")
    'kenward-roger'
    """
    plain = str(name).lower().replace("_", "-").replace(" ", "-")
    if plain in METHODS:
        return plain
    near = difflib.get_close_matches(plain, METHODS, 1, 0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownNameError(
        f"df={name!r} is unknown; use 'satterthwaite', 'kenward-roger', a number, or None for "
        f"z tests.{hint}"
    )


def degrees_for(
    estimate: Estimate, df: Df, component: str = "conditional"
) -> SmallSample | float | None:
    """What ``df=`` asks for: None is the table's own default.

    Warns
    -----
    InferenceWarning
        The model or the component has no small-sample theory: its tests stay asymptotic.
    """
    if df is None:
        return None
    if not isinstance(df, str):
        return positive_number(df)
    method = resolve_method(df)
    reason = not_gaussian(estimate)
    if not reason and component != "conditional":
        reason = f"coefficients of the conditional model, not of component={component!r}"
    if reason:
        warn(
            InferenceWarning(
                f"{TITLES[method]} degrees of freedom need {reason}. Tests and intervals are "
                "asymptotic (df = inf)."
            )
        )
        return None
    return small_sample(estimate, method)


def positive_number(df: float) -> float:
    """Degrees of freedom given as a number."""
    if isinstance(df, bool) or not isinstance(df, (int, float, np.number)) or not df > 0:
        raise UnknownNameError(f"df={df!r} is neither a method's name nor a positive number.")
    return float(df)
