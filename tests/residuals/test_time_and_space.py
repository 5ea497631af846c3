"""Autocorrelation in time, in space and among taxa."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import glmmlab.residuals as residuals
from glmmlab.errors import DataError
from glmmlab.residuals import pit, spatial
from glmmlab.residuals.temporal import durbin_watson, durbin_watson_cdf


def normal(n: int, seed: int = 1, nsim: int = 199, sd: float = 0.0, **options):
    """Right model: n rows, in 20 groups with a random effect if sd > 0."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) * 20 // n

    def draw(count: int) -> np.ndarray:
        return rng.normal(size=(count, n)) + sd * rng.normal(size=(count, 20))[:, group]

    simulated = draw(nsim)
    return residuals.from_simulations(
        draw(1)[0], simulated, np.zeros(n), False, seed=seed, dependent=sd > 0, **options
    )


def test_blocks_of_moran_against_whole_matrices(monkeypatch):
    rng = np.random.default_rng(1)
    xy, r = rng.random((40, 2)), rng.random((3, 40))
    d = np.hypot(*(xy[:, None] - xy[None]).T)
    w = np.where(d > 0, 1 / np.where(d > 0, d, 1), 0)
    w /= w.sum(axis=1, keepdims=True)
    z = r - r.mean(axis=1, keepdims=True)
    expected = np.einsum("si,ij,sj->s", z, w, z) / np.sum(z**2, axis=1)
    s1, s2 = 0.5 * np.sum((w + w.T) ** 2), np.sum((1 + w.sum(axis=0)) ** 2)
    n, k = 40, 40 * np.sum(z[0] ** 4) / np.sum(z[0] ** 2) ** 2
    # Cliff & Ord (1981), equation 1.37 as in the specification, s = n
    above = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * n**2)
    below = k * (n * (n - 1) * s1 - 2 * n * s2 + 6 * n**2)
    variance = (above - below) / ((n - 1) * (n - 2) * (n - 3) * n**2) - 1 / (n - 1) ** 2
    for block in (10, 100, 10**7):
        monkeypatch.setattr(pit, "BLOCK", block)
        for blocks in (spatial.matrix_blocks(d), spatial.euclidean_blocks(*xy.T)):
            i, mean, sd = spatial.moran(r, blocks)
            np.testing.assert_allclose(i, expected)
            assert (mean, sd) == (-1 / 39, pytest.approx(np.sqrt(variance)))


@pytest.mark.parametrize("kind", ["temporal", "spatial"])
def test_random_effects_drawn_anew_are_no_autocorrelation(kind):
    """Right models with groups of neighbours: 5 % of 120 data sets; textbook p-values: most."""
    ours, textbook = [], []
    for seed in range(120):
        res = normal(80, seed, nsim=99, sd=1.0)
        place = np.arange(80.0)
        if kind == "temporal":
            ask, where = res.test_temporal, (place,)
        else:
            ask, where = res.test_spatial, (place, place % 4)
        ours.append(ask(*where).p)
        textbook.append(ask(*where, reference="independent").p)
    assert np.mean(np.array(ours) < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)
    assert np.mean(np.array(textbook) < 0.05) > 0.5


def test_autocorrelation_beyond_the_random_effects_is_found():
    rng = np.random.default_rng(3)
    n, group = 200, np.arange(200) // 10
    drift = np.zeros(n)
    for i in range(1, n):
        drift[i] = 0.9 * drift[i - 1] + rng.normal(0, 0.6)
    s = rng.normal(size=(250, n)) + rng.normal(size=(250, 20))[:, group]
    y = drift + rng.normal(0, 0.4, n)
    res = residuals.from_simulations(y, s, np.zeros(n), False, 1, dependent=True)
    test = res.test_temporal(np.arange(n), "greater")
    assert test.significant and test.reference == "simulations" and test.expected < 1.5
    assert test.p == pytest.approx(1 / 251)
    assert "random effects explain does not count" in test.explain()


def test_statistic_of_many_sets_is_that_of_each():
    r = np.random.default_rng(1).random((4, 30))
    one_by_one = [float(np.sum(np.diff(x) ** 2) / np.sum((x - x.mean()) ** 2)) for x in r]
    np.testing.assert_allclose(durbin_watson(r), one_by_one)


def test_directions_of_the_alternatives():
    n = 120
    rng = np.random.default_rng(2)
    s = rng.normal(size=(250, n))
    wave = np.sin(np.arange(n) / 6) + rng.normal(0, 0.3, n)
    for dependent in (False, True):
        res = residuals.from_simulations(wave, s, np.zeros(n), False, 1, dependent=dependent)
        assert res.test_temporal(np.arange(n), "greater").p < 0.01
        assert res.test_temporal(np.arange(n), "less").p > 0.99
        space = (np.arange(n), np.zeros(n))
        assert res.test_spatial(*space, alternative="greater").p < 0.01
        assert res.test_spatial(*space, alternative="less").p > 0.99


def tree(n: int) -> np.ndarray:
    """Cophenetic distances of a balanced tree with n = 2^k tips."""
    tips = np.arange(n)
    height = np.zeros((n, n))
    for level in range(1, n.bit_length()):
        height[(tips[:, None] >> (level - 1)) != (tips[None, :] >> (level - 1))] = 2 * level
    return height


def test_related_taxa():
    d = tree(64)
    assert d[0, 1] == 2 and d[0, 2] == 4 and d[0, 63] == 12
    # Brownian motion along the tree: covariance is the shared path
    covariance = (12 - d) / 12 + 0.2 * np.eye(64)
    rng = np.random.default_rng(5)
    lower = np.linalg.cholesky(covariance)
    s = rng.normal(size=(250, 64)) * np.sqrt(1.2)
    y = lower @ rng.normal(size=64)
    res = residuals.from_simulations(y, s, np.zeros(64), False, 1)
    test = res.test_phylogenetic(d)
    assert test.significant and "Related taxa are alike" in test.explain()
    # the same numbers as Moran's test of any distances
    assert (test.statistic, test.p) == (
        res.test_spatial(distances=d).statistic,
        res.test_spatial(distances=d).p,
    )
    # rotated by the covariance of the tree, nothing is left
    draws = rng.normal(size=(250, 64)) @ lower.T
    turned = residuals.from_simulations(y, draws, np.zeros(64), False, 1, rotation=covariance)
    assert turned.test_phylogenetic(d).p > 0.05


def test_the_slope_of_the_phylogenetic_figure_is_morans_i():
    res = normal(16)
    for distances, taxon in ((tree(16), None), (pd.DataFrame(tree(16)), np.arange(16))):
        ax = res.plot_phylogenetic(distances, taxon)
        (x0, x1), (y0, y1) = ax.get_lines()[-1].get_data()
        test = res.test_phylogenetic(distances, taxon)
        assert (y1 - y0) / (x1 - x0) == pytest.approx(test.statistic, rel=1e-9)
        assert f"Moran's I = {test.statistic:.3g}" in ax.texts[0].get_text()
    plt.close("all")


def test_taxa_are_found_by_name():
    names = [f"sp{i}" for i in range(8)]
    order = np.random.default_rng(1).permutation(8)
    frame = pd.DataFrame(tree(8), names, names)
    data = pd.DataFrame({"species": np.array(names)[order]})
    res = normal(8, data=data)
    by_name = res.test_phylogenetic(frame, "species")
    in_order = res.test_phylogenetic(tree(8)[np.ix_(order, order)])
    assert by_name.statistic == pytest.approx(in_order.statistic, rel=1e-12)
    with pytest.raises(DataError, match="sp7"):
        res.test_phylogenetic(frame.drop(index="sp7", columns="sp7"), "species")
    with pytest.raises(DataError, match="recalculate"):
        res.test_phylogenetic(frame, ["sp0"] * 8)
    with pytest.raises(DataError, match="taxon="):
        res.test_phylogenetic(frame)
    with pytest.raises(DataError, match="DataFrame"):
        res.test_phylogenetic(tree(8), "species")


def test_species_measured_several_times_are_aggregated_first():
    names = [f"sp{i}" for i in range(8)]
    data = pd.DataFrame({"species": np.repeat(names, 5)})
    grouped = normal(40, data=data).recalculate("species")
    assert grouped.test_phylogenetic(pd.DataFrame(tree(8), names, names), "species").nobs == 8


def test_very_many_rows_use_some_of_them(monkeypatch):
    monkeypatch.setattr(spatial, "SPATIAL_ROWS", 1_000)  # 5,000 would take seconds
    res = normal(25_000, nsim=30, sd=0.5)
    rng = np.random.default_rng(1)
    time = rng.permutation(25_000)
    test = res.test_temporal(time)
    assert test.rows_used == 20_000 and "follow each other" in str(test)
    place = res.test_spatial(rng.random(25_000), rng.random(25_000), reference="independent")
    assert place.rows_used == 1_000 and "random subset of 1,000" in str(place)
    plain = normal(25_000, nsim=30).test_temporal(time)
    assert plain.rows_used == plain.nobs == 25_000 and plain.reference == "normal"


def test_each_panel_of_time_on_given_axes():
    res = normal(60)
    _, (left, right) = plt.subplots(1, 2)
    assert res.plot_series(np.arange(60), left) is left and res.plot_acf(range(60), right) is right
    assert "Durbin-Watson" in left.texts[-1].get_text() + left.texts[0].get_text()
    with pytest.raises(DataError, match="repeated"):
        res.plot_acf(np.zeros(60))
    plt.close("all")


@pytest.mark.parametrize(
    ("n", "words"), [(100, ""), (1000, "mean of 51"), (5000, "hexagonal bins")]
)
def test_time_series_say_how_they_are_drawn(n, words):
    ax = normal(n, nsim=20).plot_series(np.arange(n))
    assert words in " ".join(t.get_text() for t in ax.texts)
    assert (ax.get_lines()[-1].get_marker() == ".") is (n == 100)
    plt.close("all")


def test_maps_of_many_rows_show_means_in_bins(monkeypatch):
    monkeypatch.setattr(spatial, "SPATIAL_ROWS", 1_000)
    rng = np.random.default_rng(1)
    x, y = rng.random((2, 6000))
    s = rng.normal(size=(40, 6000))
    res = residuals.from_simulations(rng.normal(2 * (x - 0.5), 1), s, np.zeros(6000), False, 1)
    ax = res.plot_spatial(x, y)
    text = " ".join(t.get_text() for t in ax.texts).replace("\n", " ")
    assert "mean residual in bins" in text and "random 1,000 rows" in text
    bins = ax.collections[0]
    across, means = np.asarray(bins.get_offsets())[:, 0], np.asarray(bins.get_array())
    for at in (1 / 6, 5 / 6):  # y ~ N(2 (x - 1/2), 1): E Phi(y) = Phi(2 (x - 1/2) / sqrt 2)
        near = means[np.abs(across - at) < 1 / 6].mean()
        assert near == pytest.approx(norm.cdf(2 * (at - 0.5) / np.sqrt(2)), abs=0.04)
    plt.close("all")


# -- several series: visits to plots


def visits(plots: int, times: int, seed: int, rho: float = 0.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Plots that differ, with series of correlation ``rho`` at lag 1 within them, shuffled."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"plot": np.repeat(np.arange(plots), times), "visit": np.tile(np.arange(times), plots)}
    )
    e = rng.normal(size=(plots, times))
    for t in range(1, times):
        e[:, t] = rho * e[:, t - 1] + np.sqrt(1 - rho**2) * e[:, t]
    order = rng.permutation(len(frame))
    y = (e + rng.normal(0, 1.5, (plots, 1))).ravel()
    return frame.iloc[order].reset_index(drop=True), y[order]


def test_statistic_within_series_is_that_of_its_definition():
    frame, y = visits(4, 5, 1)
    frame, y = frame.drop(index=[3, 11]).reset_index(drop=True), np.delete(y, [3, 11])
    s = np.random.default_rng(1).normal(0, 2, (99, 18))
    res = residuals.from_simulations(y, s, np.zeros(18), False, 1, data=frame)
    steps = squares = 0.0
    for _, rows in frame.assign(r=res.scaled).sort_values("visit").groupby("plot"):
        e = rows["r"].to_numpy() - rows["r"].mean()
        steps += float(np.sum(np.diff(e) ** 2))
        squares += float(np.sum(e**2))
    test = res.test_temporal("visit", group="plot")
    assert test.statistic == pytest.approx(steps / squares, rel=1e-12)
    by_array = res.test_temporal(frame["visit"], group=frame["plot"].to_numpy())
    assert (by_array.statistic, by_array.p) == (test.statistic, test.p)
    assert "within plot" in test.explain() and ("within", "plot") in test.facts()
    # one series is the test as it was
    alone = res.test_temporal(np.arange(18), group=["all"] * 18)
    assert alone.statistic == pytest.approx(res.test_temporal(np.arange(18)).statistic)
    assert alone.p == pytest.approx(res.test_temporal(np.arange(18)).p)


@pytest.mark.parametrize("sizes", [[6, 6, 6, 6], [3, 7, 1, 5], [40, 40, 40]])
def test_distribution_within_series(sizes):
    """The exact p-value, and from 100 rows on the normal one, against 20,000 drawn statistics."""
    n = sum(sizes)
    drawn = durbin_watson(np.random.default_rng(1).normal(size=(20_000, n)), sizes)
    for d in (1.5, 1.8, 2.3):
        share = np.mean(drawn < d)
        error = 4 * np.sqrt(share * (1 - share) / 20_000)
        assert durbin_watson_cdf(d, sizes) == pytest.approx(share, abs=error)
    if n >= 100:
        codes = np.repeat(np.arange(len(sizes)), sizes)
        rng = np.random.default_rng(2)
        res = residuals.from_simulations(
            rng.normal(size=n), rng.normal(size=(99, n)), np.zeros(n), False, 1
        )
        test = res.test_temporal(np.arange(n), "greater", group=codes)
        assert test.reference == "normal"
        assert test.p == pytest.approx(durbin_watson_cdf(test.statistic, sizes), abs=0.01)


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize(("rho", "low", "high"), [(0.0, 0.0, 0.09), (0.8, 0.9, 1.0)])
def test_visits_to_plots(dependent, rho, low, high):
    """200 right models: 5 % and three errors.  Correlated visits: 9 of 10 or more."""
    p = []
    for seed in range(200 if rho == 0 else 40):
        frame, y = visits(12, 6, seed, rho)
        rng = np.random.default_rng([1, seed])
        s = rng.normal(size=(199, 72))
        shared = rng.normal(0, 1.5, (199, 12))[:, frame["plot"]]
        if dependent:  # effects drawn anew
            s = s + shared
        else:  # and kept: here, the true ones
            y = y - pd.Series(y).groupby(frame["plot"]).transform("mean").to_numpy()
            s = s * np.sqrt(5 / 6)
        res = residuals.from_simulations(
            y, s, np.zeros(72), False, seed, data=frame, dependent=dependent
        )
        p.append(res.test_temporal("visit", group="plot").p)
    assert low <= np.mean(np.array(p) < 0.05) <= high


def test_repeated_times_name_the_units():
    import glmmlab as gl

    frame, y = visits(12, 6, 1)
    frame["site"] = frame["plot"] % 2
    fit = gl.glmm("y ~ visit + site + (1 | plot)", frame.assign(y=y), "gaussian")
    res = fit.simulate_residuals(seed=1)
    for ask in (res.test_temporal, res.plot_acf, res.plot_series):
        with pytest.raises(DataError, match=r"'visit' has repeated values .* group='plot'"):
            ask("visit")
        with pytest.raises(DataError, match=r"repeated values within site .* group='plot'"):
            ask("visit", group="site")
    with pytest.raises(DataError, match=r"time has repeated values .* group='plot'"):
        res.test_temporal(frame["visit"].to_numpy())
    pairs = np.arange(72) // 2
    with pytest.raises(DataError, match="3 rows"):
        res.test_temporal(np.arange(72), group=pairs)
    plain = residuals.from_simulations(
        y, np.random.default_rng(1).normal(size=(99, 72)), y * 0, False, 1, data=frame
    )
    with pytest.raises(DataError, match="with group="):
        plain.test_temporal("visit")
    plt.close("all")


def test_figures_of_several_series():
    frame, y = visits(12, 6, 1)
    s = np.random.default_rng(1).normal(0, 1.8, (250, 72))
    res = residuals.from_simulations(y, s, y * 0, False, 1, data=frame)
    series, acf = res.plot_temporal("visit", group="plot").axes
    joined = [line for line in series.get_lines() if len(line.get_xdata()) == 6]
    assert len(joined) == 12
    assert all(np.all(np.diff(line.get_xdata()) == 1) for line in joined)
    assert "within plot" in series.texts[0].get_text() + series.texts[-1].get_text()
    # lags within series only, and a band of right data sets: below zero on the whole
    low, high = zip(*[(b.get_y(), b.get_y() + b.get_height()) for b in acf.patches], strict=True)
    assert len(low) == 5 and np.all(np.add(low, high) < 0)
    r = pd.Series(res.scaled).groupby(frame["plot"]).transform(lambda v: v - v.mean())
    wide = r.groupby([frame["plot"], frame["visit"]]).first().unstack().to_numpy()
    by_hand = np.sum(wide[:, 1:] * wide[:, :-1]) / np.sum(wide**2)
    drawn = np.concatenate(
        [line.get_xydata() for line in acf.get_lines() if line.get_marker() in "oD"]
    )
    assert drawn[drawn[:, 0] == 1, 1].item() == pytest.approx(by_hand)
    plt.close("all")
