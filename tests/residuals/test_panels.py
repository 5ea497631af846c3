"""Residuals in panels: the formulas, the rows of each panel, and the price of many looks."""

from __future__ import annotations

from itertools import pairwise

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import glmmlab as gl
import glmmlab.residuals as residuals
from glmmlab.errors import DataError, InferenceWarning, UnknownColumnError
from glmmlab.residuals.figures import adjusted
from glmmlab.residuals.panels import parse
from glmmlab.residuals.quantiles import quantile_curves

N = 240


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def res():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {
            "dose": rng.uniform(size=N),
            "day": rng.permutation(N),
            "site": pd.Categorical(rng.choice(["north", "south", "west"], N)),
            "plot id": np.repeat(np.arange(60), 4),
        }
    )
    mu = np.exp(1 + data["dose"].to_numpy())
    bad = rng.poisson(mu * np.where(data["site"] == "south", 3 * data["dose"], 1.0))
    return residuals.from_simulations(bad, rng.poisson(mu, (250, N)), mu, True, 1, data=data)


def titles(figure) -> list[str]:
    return [ax.get_title(loc="left") for ax in figure.axes]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("~ dose", ["dose"]),
        ("~dose+site", ["dose", "site"]),
        ("dose", ["dose"]),
        ("~ .", ["dose", "day", "site", "plot id"]),
        ("~ dose | site", ["dose, site = north", "dose, site = south", "dose, site = west"]),
        ('~ dose + day | site == "south"', ["dose, site = south", "day, site = south"]),
        ("~ `plot id` | site == west", ["plot id, site = west"]),
        ('~ . | site == "west"', [f"{x}, site = west" for x in ("dose", "day", "plot id")]),
    ],
)
def test_formulas(res, formula, expected):
    assert titles(res.plot_panels(formula)) == expected


def test_every_panel_has_its_own_rows(res):
    for panel in parse("~ dose | site", res):
        assert panel.rows is not None
        level = panel.condition.removeprefix("site = ")
        np.testing.assert_array_equal(panel.rows, res.data["site"] == level)
    shown = res.plot_panels("~ dose | site", rank=False).axes
    for ax, level in zip(shown, ["north", "south", "west"], strict=True):
        drawn = np.concatenate([c.get_offsets() for c in ax.collections if len(c.get_offsets())])
        inside = (res.data["site"] == level).to_numpy()
        expected = np.c_[res.data["dose"], res.scaled][inside]
        # bands are collections too, with one offset of (0, 0)
        drawn = drawn[~np.all(drawn == 0, axis=1)]
        np.testing.assert_allclose(np.sort(drawn[:, 0]), np.sort(expected[:, 0]))
        np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(expected[:, 1]))


def notes(ax) -> str:
    return " ".join(text.get_text() for text in ax.texts).replace("\n", " ")


def test_only_the_panel_that_deviates_is_marked_in_words(res):
    north, south, west = (notes(ax) for ax in res.plot_panels("~ dose | site").axes)
    assert "deviations detected" in south and "deviates" in south
    for other in (north, west):
        assert "no deviation seen" in other and "deviates" not in other
    assert "adjusted" in south


def test_p_values_of_panels_are_multiplied_by_their_number(res):
    part = res.select((res.data["site"] == "north").to_numpy())
    p = part.test_quantiles("dose").p
    assert f"p = {adjusted(p, 3):.2g}" in notes(res.plot_panels("~ dose | site").axes[0])
    assert adjusted(0.4, 3) == 1


def test_many_panels_are_no_excuse_for_false_alarms():
    """Right models, 8 panels: one is marked in 5 % of figures or less (60 figures, 3 errors)."""
    marked = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y, s, x = rng.normal(size=160), rng.normal(size=(199, 160)), rng.normal(size=160)
        res = residuals.from_simulations(y, s, y * 0, False, seed=seed)
        groups = np.arange(160) % 8
        p = [res.select(groups == g).test_quantiles(x[groups == g]).p for g in range(8)]
        marked += adjusted(min(p), 8) < 0.05
    assert marked / 60 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def test_given_axes_and_arrays(res):
    figure, axes = plt.subplots(1, 3)
    x = np.sqrt(np.arange(N))
    drawn = res.plot_panels([x, pd.Series(x, name="root"), "dose"], axes=axes)
    assert drawn is figure and titles(figure) == ["predictor", "root", "dose"]
    within = res.plot_panels([pd.Series(x, name="root")], by="site")
    assert titles(within) == [f"root, site = {s}" for s in ("north", "south", "west")]
    fitted = res.plot_panels([None], by=res.data["site"])
    assert titles(fitted)[0] == "fitted values, site = north"


def test_one_panel_on_a_given_axes(res):
    _, ax = plt.subplots()
    assert res.plot_residuals('~ dose | site == "south"', ax) is ax
    assert ax.get_title(loc="left") == "dose, site = south"
    with pytest.raises(DataError, match="plot_panels"):
        res.plot_residuals("~ dose | site", ax)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("~ dosis",), UnknownColumnError, "dose"),
        (("~ dose | sites",), UnknownColumnError, "site"),
        (('~ dose | site == "east"',), DataError, "north, south, west"),
        (("~",), DataError, "names no predictor"),
        (("~ dose +",), DataError, "names no predictor"),
        (("~ site | site",), DataError, "No predictor is left"),
        (("~ dose | `plot id`",), DataError, "60 panels"),
        (("~ dose | site", "site"), DataError, "once"),
    ],
)
def test_bad_formulas(res, arguments, error, text):
    with pytest.raises(error, match=text):
        res.plot_panels(*arguments)


def test_wrong_number_of_axes(res):
    with pytest.raises(DataError, match="3 panels need as many axes"):
        res.plot_panels("~ dose | site", axes=[plt.subplots()[1]])


def test_too_few_simulations_for_many_panels_are_told():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=90), "g": np.arange(90) % 3})
    res = residuals.from_simulations(
        rng.normal(size=90), rng.normal(size=(50, 90)), np.zeros(90), False, 1, data=data
    )
    with pytest.warns(InferenceWarning, match="simulate at least 61"):
        res.plot_panels("~ x | g")


def test_few_rows_have_no_curves(res):
    part = res.select(np.arange(N) < 15)
    ax = part.plot_residuals("dose")
    assert "no curves" in notes(ax) and "%" not in notes(ax)


def test_dot_means_the_predictors_of_a_fit():
    data = gl.datasets.load("seed_germination")
    fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen + (1 | plate)", data, "binomial")
    res = fit.simulate_residuals(n=150, seed=1)
    assert res.predictors == ("extract", "gen", "plate")
    assert titles(res.plot_panels("~ . | extract == bean")) == [
        "gen, extract = bean",
        "plate, extract = bean",
    ]


def test_selected_rows_keep_their_residuals(res):
    keep = (res.data["site"] == "west").to_numpy()
    part = res.select(keep)
    np.testing.assert_array_equal(part.scaled, res.scaled[keep])
    np.testing.assert_array_equal(part.simulated, res.simulated[:, keep])
    assert part.data is not None and set(part.data["site"]) == {"west"} and part.nobs == keep.sum()
    with pytest.raises(DataError, match="240 rows"):
        res.select([0, 1, 2])
    with pytest.raises(DataError, match="Fewer than 2"):
        res.select(np.arange(N) == 0)


def test_exact_halves_are_not_called_outliers():
    """2 |r - 1/2| is 0 at r = 1/2, which is as far inside the simulations as can be."""
    s = np.arange(1.0, 5.0)[:, None] * np.ones(30)
    res = residuals.from_simulations(np.full(30, 2.5), s, np.arange(30), False)
    ax = res.plot_residuals(np.arange(30), absolute=True)
    assert np.all(res.scaled == 0.5) and "outside" not in notes(ax)


TOWNS = ["Aas", "Bern", "Dijon", "Evora", "Foggia", "Halle", "Lund", "Nitra", "Padua", "Vila Real"]
LONG = [f"Field station {town} (long-term trial)" for town in TOWNS]


def test_levels_with_long_names_lie_and_keep_their_names_and_residuals():
    rng = np.random.default_rng(1)
    groups = {name: rng.random(20) for name in LONG}
    ax = gl.plots.plot_by_level(groups, [LONG[2]], xlabel="station")
    names = [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()]
    assert names == LONG and ax.get_ylim() == (9.5, -0.5)  # the first on top
    assert ax.get_xlabel() == "Scaled residual" and ax.get_ylabel() == "station"
    (word,) = [t for t in ax.texts if t.get_text() == "deviates"]
    assert word.xy[1] == 2
    boxes = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    np.testing.assert_allclose(boxes, [np.quantile(r, [0.25, 0.75]) for r in groups.values()])
    assert [i for i, bar in enumerate(ax.patches) if bar.get_hatch()] == [2]
    short = gl.plots.plot_by_level(dict(zip("abcdefghij", groups.values(), strict=True)))
    upright = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in short.patches]
    np.testing.assert_allclose(upright, boxes)


def test_names_too_many_to_wrap_leave_out_what_they_share():
    _, ax = plt.subplots(figsize=(4, 2.4))
    gl.plots.plot_by_level({name: np.linspace(0, 1, 9) for name in LONG}, ax=ax, xlabel="station")
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names == TOWNS
    label = ax.get_ylabel().replace("\n", "").replace(" ", "")
    assert label == "station:Fieldstation...(long-termtrial)"


def test_curves_of_few_rows_are_straight_lines():
    """15 rows a column of the spline: a straight line below 45 rows, bends above."""
    rng = np.random.default_rng(1)
    for n, straight in ((40, True), (60, False)):
        frame = quantile_curves(rng.random(n), rng.random(n))
        bends = frame.groupby("quantile")["estimate"].apply(lambda y: np.abs(np.diff(y, 2)).max())
        assert bool(bends.max() < 1e-8) is straight


# -- boxes


def of_factor(levels, rows: int = 6, high: str = "", **more):
    """Residuals of ``rows`` rows a level of a factor, in two places; all of ``high`` too high."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"treatment": np.tile(levels, rows * 2), **more})
    data["place"] = np.repeat(["east", "west"], len(data) // 2)
    n = len(data)
    y = rng.normal(size=n)
    y[(data["treatment"] == high) & (data["place"] == "east")] = 3.0
    return residuals.from_simulations(y, rng.normal(size=(250, n)), y * 0, False, 1, data=data)


def lies(ax) -> bool:
    return ax.get_xlabel() == "Scaled residual"


def test_groups_of_random_effects_are_boxes_also_as_numbers():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"block": np.repeat(np.arange(1, 7), 8), "x": rng.normal(size=48)})
    frame["y"] = rng.normal(size=48) + rng.normal(size=6)[frame["block"] - 1]
    res = gl.glmm("y ~ x + (1 | block)", data=frame).simulate_residuals(seed=1)
    assert res.factors == ("block",)
    x, block = res.plot_panels("~ .").axes
    assert x.get_xlabel() == "x (rank)" and block.get_xlabel() == "block"
    assert [t.get_text() for t in block.get_xticklabels()] == list("123456")
    assert res.plot_residuals("block").get_xlabel() == "block"
    # a number that makes no groups stays one
    assert res.plot_residuals(frame["block"].rename("day")).get_xlabel() == "day (rank)"


def test_boxes_of_one_factor_stand_or_lie_together():
    """With a level that deviates in one panel its names do not fit under upright boxes."""
    res = of_factor([f"level {i}" for i in "abcde"], high="level c")
    east, west = res.plot_panels("~ treatment | place").axes
    assert "significant deviation" in notes(east) and "significant deviation" not in notes(west)
    assert lies(east) and lies(west)
    short = of_factor(["a", "b"], high="b").plot_panels("~ treatment | place").axes
    assert not any(lies(ax) for ax in short)


def test_all_names_beside_boxes_can_be_read():
    names = [f"Genotype {i}" for i in range(20)]
    for figure in (
        of_factor(names).plot_panels("~ treatment | place"),
        of_factor(names).plot_residuals("treatment").figure,
    ):
        figure.canvas.draw()
        for ax in figure.axes:
            shown = [t for t in ax.get_yticklabels() if t.get_text()]
            assert [t.get_text() for t in shown] == sorted(names)
            boxes = [t.get_window_extent() for t in shown]
            assert all(a.y0 >= b.y1 for a, b in pairwise(boxes))


def test_long_names_are_wrapped_not_shortened():
    names = ["Control", "Biológico (Bacillus subtilis)", "Prothioconazol + Bixafen, split T1/T2"]
    names += ["Azoxystrobin", "Tebuconazol"]
    for ax in of_factor(names).plot_panels("~ treatment | place").axes:
        shown = [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()]
        assert shown == sorted(names)


def test_only_the_row_of_panels_that_needs_it_grows():
    numbers = {f"x{i}": np.random.default_rng(i).normal(size=480) for i in range(3)}
    res = of_factor([f"Genotype {i}" for i in range(40)], **numbers)
    figure = res.plot_panels("~ x0 + x1 + x2 + treatment")
    figure.canvas.draw()
    heights = [ax.get_window_extent().height for ax in figure.axes]
    assert heights[3] > 1.5 * heights[0]
    _, axes = plt.subplots(1, 2, figsize=(8, 3))
    res.plot_panels("~ treatment | place", axes=axes)
    assert axes[0].figure.get_figheight() == 3  # a figure of the user's keeps its size
