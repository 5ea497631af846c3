"""Do more observations fall outside all simulations than chance puts there?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from glmmlab._arguments import number_of
from glmmlab._types import AnyArray, BoolArray, FloatArray
from glmmlab.residuals.checks import option
from glmmlab.residuals.pit import pit_bounds, randomise, row_blocks
from glmmlab.residuals.result import (
    ALTERNATIVES,
    ResidualTest,
    count,
    exchangeable_p,
    significant_digits,
    simulation_p,
)

MARGINS = ("both", "upper", "lower")
BOOTSTRAP_MOST = 500
"""Up to this number of rows with a count response the default test is the bootstrap."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class OutlierTest(ResidualTest):
    """Number of observations outside the range of their simulations.

    Attributes
    ----------
    statistic : float
        Number of outliers.
    frequency, expected : float
        Share of outliers among the rows, observed and under a right model.
    interval : tuple of float
        Type "binomial": Clopper-Pearson interval of the share.  Else: the central 95 % of the
        share under a right model (not an interval for the estimate).
    margin : {"both", "upper", "lower"}
    type : {"binomial", "bootstrap", "simulations"}
    """

    frequency: float
    expected: float
    interval: tuple[float, float]
    margin: str
    type: str

    title = "Outliers"
    statistic_name = "outliers"

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        low, high = (significant_digits(v, 3) for v in self.interval)
        facts.insert(2, ("frequency", significant_digits(self.frequency)))
        facts.insert(3, ("expected", significant_digits(self.expected)))
        under = "of the share" if self.type == "binomial" else "if the model is right"
        facts.insert(4, ("95 % interval", f"{low} to {high} ({under})"))
        return facts

    def _compared(self) -> str:
        return (
            f"{count(self.statistic)} of {self.nobs:,} observations "
            f"{'lies' if self.statistic == 1 else 'lie'} outside all {self.nsim} "
            f"simulated values of their row ({_margin_text(self.margin)}); "
            f"{count(self.expected * self.nobs)} are expected when the model is right."
        )

    def _direction(self) -> str:
        if self.frequency > self.expected:
            return (
                "More observations than expected lie beyond everything the model simulates: look "
                "at these rows (outliers()) for recording errors first; several of them usually "
                "mean tails that are too light or too small a variance, so read the dispersion "
                "test. Do not delete rows because of this test."
            )
        return (
            "Fewer observations than expected lie beyond the simulations: the model's tails are "
            "wider than the data's, as in underdispersion. Read the dispersion test, and try a "
            "family with a smaller variance."
        )

    def _limits(self) -> str:
        return (
            "Outliers are counted, not measured: an observation far outside counts as much as one "
            "just outside, and more simulations make outliers rarer."
        )


def _margin_text(margin: str) -> str:
    return {"both": "below or above", "lower": "below", "upper": "above"}[margin]


def default_type(integer: bool, nobs: int, dependent: bool) -> str:
    """The binomial test; "bootstrap" for at most 500 counts; "simulations" for dependent rows."""
    if dependent:
        return "simulations"
    return "bootstrap" if integer and nobs <= BOOTSTRAP_MOST else "binomial"


def outlier_mask(r: FloatArray, margin: str = "both") -> BoolArray:
    """Rows whose residual is exactly 0 or 1: outside the range of their simulations."""
    low, high = r <= 0.0, r >= 1.0
    return {"both": low | high, "lower": low, "upper": high}[margin]


def binomial_outlier_test(
    r: FloatArray, nsim: int, margin: str = "both", alternative: str = "two-sided"
) -> OutlierTest:
    """Exact binomial test of the number of residuals below 1/(nsim+1) or above 1 - 1/(nsim+1).

    Examples
    --------
    >>> r = np.r_[np.zeros(4), np.full(196, 0.5)]
    >>> round(binomial_outlier_test(r, 250).p, 8)
    0.07716488
    """
    option(margin, MARGINS, "margin")
    option(alternative, ALTERNATIVES, "alternative")
    edge = 1 / (nsim + 1)
    low, high = r < edge, r > 1 - edge
    k = int({"both": np.sum(low | high), "lower": np.sum(low), "upper": np.sum(high)}[margin])
    n, p0 = len(r), edge * (2 if margin == "both" else 1)
    return OutlierTest(
        statistic=float(k),
        p=binomial_p(k, n, p0, alternative),
        null_hypothesis=f"an observation is an outlier with probability {p0:.4g}",
        method="Exact binomial test, rows taken as independent",
        alternative=alternative,
        nobs=n,
        nsim=nsim,
        frequency=k / n,
        expected=p0,
        interval=clopper_pearson(k, n),
        margin=margin,
        type="binomial",
    )


def binomial_p(k: int, n: int, p0: float, alternative: str) -> float:
    """Exact binomial p-value; two-sided: all outcomes at most as likely as the observed one."""
    if alternative == "greater":
        return 1.0 if k == 0 else float(special.bdtrc(k - 1, n, p0))
    if alternative == "less":
        return float(special.bdtr(k, n, p0))
    counts = np.arange(n + 1)
    log_p = (
        special.gammaln(n + 1)
        - special.gammaln(counts + 1)
        - special.gammaln(n - counts + 1)
        + special.xlogy(counts, p0)
        + special.xlog1py(n - counts, -p0)
    )
    probability = np.exp(log_p)
    # the tolerance of R's binom.test: symmetric outcomes must not be lost to rounding
    return float(min(1.0, probability[probability <= probability[k] * (1 + 1e-7)].sum()))


def clopper_pearson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact confidence interval of a binomial probability."""
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(special.betainccinv(k + 1, n - k, tail))
    return low, high


def bootstrap_outlier_test(
    observed: FloatArray,
    simulated: AnyArray,
    r: FloatArray,
    rng: np.random.Generator,
    margin: str = "both",
    alternative: str = "two-sided",
    nboot: int = 100,
) -> OutlierTest:
    """Frequency of outliers among the frequencies in simulated data sets.

    Simulation i (i = 1 ... nboot) is taken as data, and nsim columns are drawn with replacement
    from the other simulations to compute its residuals; the share of exact 0 and 1 among them is
    one draw from the distribution under a right model, ties and dependence included.  Drawing
    with replacement leaves only about 63 % of the columns, so outliers are somewhat more frequent
    in the bootstrap than in the data: the test is conservative for "greater".
    """
    option(margin, MARGINS, "margin")
    option(alternative, ALTERNATIVES, "alternative")
    nsim, nobs = simulated.shape
    nboot = min(number_of(nboot, 1, "data sets of the bootstrap"), nsim)
    frequencies = np.empty(nboot)
    for i in range(nboot):
        drawn = rng.integers(nsim - 1, size=nsim)
        drawn += drawn >= i  # any column but the i-th
        # a column drawn twice changes shares, not which rows tie or lie outside: the distinct
        # columns with their numbers would do, but the plain computation is fast enough
        low, high = pit_bounds(simulated[i], simulated[drawn])
        frequencies[i] = _frequency(randomise(low, high, rng), margin)
    frequency = _frequency(r, margin)
    interval = np.quantile(frequencies, [0.025, 0.975])
    return OutlierTest(
        statistic=frequency * nobs,
        p=simulation_p(frequency, frequencies, alternative),
        null_hypothesis=f"outliers are as frequent as in simulated data ({frequencies.mean():.4g})",
        method=f"Bootstrap from the simulations ({nboot} data sets)",
        alternative=alternative,
        nobs=nobs,
        nsim=nsim,
        frequency=frequency,
        expected=float(frequencies.mean()),
        interval=(float(interval[0]), float(interval[1])),
        margin=margin,
        type="bootstrap",
        smallest_p=1 / nboot,
    )


def exchangeable_outlier_test(
    observed: FloatArray,
    simulated: AnyArray,
    margin: str = "both",
    alternative: str = "two-sided",
    block: int | None = None,
) -> OutlierTest:
    """Number of outliers among the numbers in simulated data sets, every data set in turn.

    Data and simulations are one pool of nsim + 1 data sets, which are exchangeable under a right
    model; an outlier of a data set is an entry outside all others of its row.  The p-value,
    (1 + number of simulated data sets at least as extreme) / (nsim + 1), is exact, also where
    rows share random effects that were drawn anew: outliers then come in groups.
    """
    option(margin, MARGINS, "margin")
    option(alternative, ALTERNATIVES, "alternative")
    nsim, nobs = simulated.shape
    counts = np.zeros(nsim + 1)
    for rows in row_blocks(nobs, nsim + 1, block):
        pool = np.vstack([observed[rows][None, :], simulated[:, rows]])
        if margin != "upper":
            counts += _sole_owners(pool, pool.min(axis=0))
        if margin != "lower":
            counts += _sole_owners(pool, pool.max(axis=0))
    k, others = counts[0], counts[1:]
    interval = np.quantile(others / nobs, [0.025, 0.975])
    expected = float(others.mean() / nobs)
    return OutlierTest(
        statistic=float(k),
        p=exchangeable_p(float(k), others, alternative),
        null_hypothesis=f"outliers are as frequent as in simulated data ({expected:.4g})",
        method="Number of outliers among those of the simulated data sets",
        alternative=alternative,
        nobs=nobs,
        nsim=nsim,
        frequency=float(k / nobs),
        expected=expected,
        interval=(float(interval[0]), float(interval[1])),
        margin=margin,
        type="simulations",
        smallest_p=1 / (nsim + 1),
    )


def _sole_owners(pool: FloatArray, extreme: FloatArray) -> FloatArray:
    """For every data set (row of the pool), in how many columns it alone holds the extreme."""
    at = pool == extreme
    return at[:, at.sum(axis=0) == 1].sum(axis=1).astype(float)


def _frequency(r: FloatArray, margin: str) -> float:
    return float(np.mean(outlier_mask(r, margin)))
