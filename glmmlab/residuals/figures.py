"""From tests to figures: what each figure of the residuals says, in words and in colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.plots import autocorrelation as plot_auto
from glmmlab.plots import histograms, levels, style
from glmmlab.plots import residuals as panels
from glmmlab.residuals import predictors
from glmmlab.residuals.quantiles import quantile_curves
from glmmlab.residuals.result import LEVEL, ResidualTest, count, p_text
from glmmlab.residuals.spatial import neighbour_means
from glmmlab.residuals.splines import rank_transform
from glmmlab.residuals.statistics import DispersionTest
from glmmlab.residuals.temporal import series_order

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from glmmlab.residuals.predictors import PredictorLike
    from glmmlab.residuals.scaled import SimulatedResiduals

Note = tuple[str, bool]

FEWEST_FOR_CURVES = 20
"""With fewer rows a curve follows single points, and its band fills the figure."""


def note(label: str, test: ResidualTest, looks: int = 1) -> Note:
    """A test in one line; ``looks``: how many there are of its kind in one figure."""
    deviates = adjusted(test.p, looks) < LEVEL
    verdict = "significant deviation" if deviates else "not significant"
    return f"{label}: {short_p(test.p, test.smallest_p, looks)}, {verdict}", deviates


def adjusted(p: float, looks: int) -> float:
    """Bonferroni's p for one of ``looks`` panels."""
    return min(1.0, p * looks)


def short_p(p: float, smallest: float, looks: int = 1) -> str:
    """The p-value to two significant digits; "adjusted" if there are several looks."""
    text = p_text(adjusted(p, looks), min(1.0, smallest * looks), digits=2)
    return text if looks == 1 else f"adjusted {text}"


def uniformity_note(res: SimulatedResiduals) -> Note:
    """The test of uniformity, saying when its p-value comes from the simulations."""
    test = res.test_uniformity()
    simulated = test.reference == "simulations"
    return note("Uniformity (KS, simulated p)" if simulated else "Uniformity (KS)", test)


def overview(res: SimulatedResiduals, figure: Figure | None = None) -> Figure:
    """The two-panel figure; the panels stand one above the other on an upright figure."""
    with style.context():
        fig = style.figure_or_new(figure, (9.6, 4.9))
        width, height = fig.get_size_inches()
        left, right = fig.subplots(*((2, 1) if height > width else (1, 2)))
    qq(res, left)
    residuals(res, None, right)
    return fig


def qq(res: SimulatedResiduals, ax: Axes | None = None) -> Axes:
    """Quantile-quantile plot with the three tests as notes."""
    notes = [
        uniformity_note(res),
        note("Dispersion", res.test_dispersion()),
        note("Outliers", res.test_outliers()),
    ]
    return panels.plot_qq(res.scaled, notes, ax)


def residuals(
    res: SimulatedResiduals,
    against: PredictorLike = None,
    ax: Axes | None = None,
    *,
    rank: bool = True,
    absolute: bool = False,
    test: bool = True,
    title: str | None = None,
    looks: int = 1,
    lying: bool | None = None,
) -> Axes:
    """Residuals against a predictor: scatter with quantile curves, or boxplots for a factor.

    Parameters
    ----------
    against : array, str or None
        A predictor, or a formula of one panel.
    rank : bool
        Draw a numeric predictor by its ranks (the curves are fitted to ranks in any case).
    absolute : bool
        Draw 2 \\|r - 1/2\\|, uniform too, which shows changes of spread; no curves.
    test : bool
        Draw curves and test them.
    title : str, optional
    looks : int
        Number of panels like this one in the figure; p-values are multiplied by it.
    lying : bool, optional
        Whether the boxes of a factor lie; by default where its names do not fit under them.
    """
    if isinstance(against, str) and against.lstrip().startswith("~"):
        from glmmlab.residuals.panels import single

        res, against, title = single(res, against, title)
    series, name = predictors.resolve(against, res)
    if predictors.is_factor(series, name, res.factors):
        return by_level(res, against, ax, title=title, looks=looks, lying=lying)
    x, name = predictors.numeric(against, res)
    r = res.scaled
    title = title or f"{'Spread of the residuals' if absolute else 'Residuals'} against {name}"
    shown = rank_transform(x) if rank else x
    xlabel = _capital(name) + (" (rank)" if rank else "")
    if absolute or not test:
        y = 2 * np.abs(r - 0.5) if absolute else r
        ylabel = "2 |scaled residual - 1/2|" if absolute else "Scaled residual"
        return panels.plot_residuals(
            shown, y, outside=(r <= 0) | (r >= 1), ax=ax, xlabel=xlabel, ylabel=ylabel, title=title
        )
    result = res.test_quantiles(against)
    curves = None
    if res.nobs >= FEWEST_FOR_CURVES:
        curves = quantile_curves(r[res._rows], x[res._rows])
    if curves is not None and not rank:
        curves["x"] = np.interp(curves["x"], *_sorted(rank_transform(x[res._rows]), x[res._rows]))
    deviates = adjusted(result.p, looks) < LEVEL
    words = "Quantile deviations detected" if deviates else "Quantiles: no deviation seen"
    notes = [(f"{words} ({short_p(result.p, result.smallest_p, looks)})", deviates)]
    if curves is None:
        notes.append((f"Fewer than {FEWEST_FOR_CURVES} rows: no curves drawn", False))
    if result.rows_used < res.nobs:
        notes.append((f"Curves and test: random {style.thousands(result.rows_used)} rows", False))
    # a curve is marked when it deviates and the combined test, which guards the number of
    # curves looked at, agrees
    p_values = dict(zip(result.frame["quantile"], result.frame["p"], strict=True))
    return panels.plot_residuals(
        shown,
        r,
        curves,
        p_values if deviates else {},
        notes,
        outliers_deviate=bool(res.outliers().size)
        and adjusted(res.test_outliers().p, looks) < LEVEL,
        ax=ax,
        xlabel=xlabel,
        title=title,
    )


def _sorted(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(x)
    return x[order], y[order]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text == predictors.FITTED else text


def by_level(
    res: SimulatedResiduals,
    factor: PredictorLike,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    looks: int = 1,
    lying: bool | None = None,
) -> Axes:
    """Boxplots by level with the two tests as notes."""
    values, name = predictors.categorical(factor, res)
    test = res.test_categorical(factor)
    codes = np.asarray(values.codes)
    groups = {
        str(level): res.scaled[codes == i]
        for i, level in enumerate(values.categories)
        if np.any(codes == i)
    }
    notes = [note("Uniform within levels", test, looks)]
    if np.isfinite(test.levene_p):
        differs = adjusted(test.levene_p, looks) < LEVEL
        verdict = "significant deviation" if differs else "not significant"
        notes.append(
            (f"Equal spread: {short_p(test.levene_p, test.smallest_p, looks)}, {verdict}", differs)
        )
    deviating = test.levels_deviating if adjusted(test.p, looks) < LEVEL else []
    return levels.plot_by_level(
        groups,
        [str(level) for level in deviating],
        notes,
        ax,
        xlabel=name,
        title=title or f"Residuals by {name}",
        lying=lying,
    )


def dispersion(
    res: SimulatedResiduals,
    ax: Axes | None = None,
    *,
    wrong: bool = False,
    title: str = "Dispersion",
) -> Axes:
    """Simulated spread relative to its mean, with the observed one.

    Parameters
    ----------
    wrong : bool
        A model that is wrong on purpose: vermilion and hatched instead of green.
    title : str
    """
    test = res.test_dispersion(type="simulation")
    assert isinstance(test, DispersionTest)
    mean = float(np.mean(test.simulated))
    text, deviates = note(f"Observed / simulated = {test.statistic:.3g}", test)
    return histograms.plot_simulated_statistic(
        test.simulated / mean,
        test.observed / mean,
        [(text, deviates)],
        significant=test.significant,
        wrong=wrong,
        ax=ax,
        xlabel="Variance around the predictions (simulations: mean 1)",
        title=title,
    )


def zero_inflation(res: SimulatedResiduals, ax: Axes | None = None) -> Axes:
    """Simulated numbers of zeros, with the observed one."""
    test = res.test_zero_inflation()
    label = (
        f"Zeros: {count(test.observed)} observed, {count(float(np.mean(test.simulated)))} expected"
    )
    text, deviates = note(label, test)
    return histograms.plot_simulated_statistic(
        test.simulated,
        test.observed,
        [(text, deviates)],
        significant=test.significant,
        ax=ax,
        xlabel="Number of zeros",
        title="Zero inflation",
    )


def histogram(res: SimulatedResiduals, ax: Axes | None = None) -> Axes:
    """Histogram of the residuals with the test of uniformity."""
    notes = [uniformity_note(res)]
    return panels.plot_residual_histogram(res.scaled, notes, ax)


def temporal(
    res: SimulatedResiduals,
    time: PredictorLike,
    figure: Figure | None = None,
    group: PredictorLike | pd.DataFrame = None,
) -> Figure:
    """Residuals over time and their autocorrelation."""
    with style.context():
        fig = style.figure_or_new(figure, (6.4, 5.6))
        top, bottom = fig.subplots(2, 1)
    series(res, time, top, group)
    acf(res, time, bottom, group)
    return fig


def series(
    res: SimulatedResiduals,
    time: PredictorLike,
    ax: Axes | None = None,
    group: PredictorLike | pd.DataFrame = None,
) -> Axes:
    """Residuals over time with the Durbin-Watson test; rows of a group are joined."""
    values, codes, called = res._series(time, group)
    test = res.test_temporal(time, group=group)
    order = np.argsort(values, kind="stable")
    within = f" within {called}" if called else ""
    return plot_auto.plot_series(
        values[order],
        res.scaled[order],
        [note(f"Durbin-Watson{within} = {test.statistic:.3g}", test)],
        ax,
        xlabel=_named(predictors.resolve(time, res)[1], "Time"),
        codes=codes[order],
    )


def acf(
    res: SimulatedResiduals,
    time: PredictorLike,
    ax: Axes | None = None,
    group: PredictorLike | pd.DataFrame = None,
) -> Axes:
    """Autocorrelation of the residuals in the order of time, within groups if there are any.

    Within groups the band comes from the simulated data sets: a mean of its own for every short
    series makes autocorrelations negative under a right model, too.
    """
    values, codes, called = res._series(time, group)
    order, sizes = series_order(values, codes)
    if not called:
        return plot_auto.plot_acf(res.scaled[order], ax)
    title = f"Autocorrelation of the residuals within {called}"
    return plot_auto.plot_acf(res.scaled[order], ax, title, sizes, res._sets(order))


def _named(name: str, otherwise: str) -> str:
    """A predictor's own name, or what it is here if it came without one."""
    return otherwise if name == predictors.UNNAMED else name


def spatial(
    res: SimulatedResiduals, x: PredictorLike, y: PredictorLike, ax: Axes | None = None
) -> Axes:
    """Map of the residuals with Moran's I."""
    (xs, x_name), (ys, y_name) = predictors.numeric(x, res), predictors.numeric(y, res)
    test = res.test_spatial(x, y)
    notes = [note(f"Moran's I = {test.statistic:.3g}", test)]
    if test.rows_used < res.nobs:
        notes.append((f"Test: random {style.thousands(test.rows_used)} rows", False))
    return plot_auto.plot_map(
        xs, ys, res.scaled, notes, ax, _named(x_name, "x"), _named(y_name, "y")
    )


def phylogenetic(
    res: SimulatedResiduals,
    distances: pd.DataFrame | ArrayLike,
    taxon: PredictorLike = None,
    ax: Axes | None = None,
) -> Axes:
    """Residuals of taxa against those of their relatives, with Moran's I."""
    test = res.test_phylogenetic(distances, taxon)
    means = neighbour_means(res.scaled, res._tree(distances, taxon))
    notes = [note(f"Moran's I = {test.statistic:.3g}", test)]
    return plot_auto.plot_neighbours(
        res.scaled,
        means,
        notes,
        significant=test.significant,
        ax=ax,
        ylabel="Weighted mean of the relatives",
        title="Residuals along the tree",
    )
