"""Figures: what they return, what they say, and that no text is cut or covers another."""

from __future__ import annotations

import itertools

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from glmmlab import plots
from glmmlab.errors import DataError, UnknownNameError
from glmmlab.plots import style

SIZES = [(6.4, 4.8), (4.5, 3.6)]
LEVELS = [str(i) for i in range(1, 13)]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def twelve_means() -> pd.DataFrame:
    estimate = np.linspace(0.75, 0.1, 12)
    return pd.DataFrame(
        {
            "fungicide": pd.Categorical(LEVELS, categories=LEVELS),
            "estimate": estimate,
            "lower": estimate - 0.08,
            "upper": estimate + 0.08,
            "group": ["e", "de", "cde", "cde", "cd", "bcd", "bc", "bc", "ab", "ab", "a", "a"],
        }
    )


def raw_points() -> pd.DataFrame:
    return pd.DataFrame({"fungicide": LEVELS * 4, "severity": np.linspace(0.05, 0.95, 48)})


def two_by_two() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "extract": ["bean", "cucumber"] * 2,
            "gen": ["O73", "O73", "O75", "O75"],
            "estimate": [0.398, 0.532, 0.364, 0.681],
            "lower": [0.316, 0.449, 0.309, 0.626],
            "upper": [0.487, 0.613, 0.423, 0.732],
            "group": ["a", "b", "a", "c"],
        }
    )


def curves(x: np.ndarray) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame({"quantile": q, "x": x, "estimate": q, "lower": q - 0.1, "upper": q + 0.1})
        for q in (0.25, 0.5, 0.75)
    )


R = np.random.default_rng(1).random(60)
NOTES = [
    ("Uniformity (KS): p = 1.8e-05, significant deviation", True),
    ("Dispersion: p = 0.31, not significant", False),
    ("Outliers: p < 0.01, significant deviation", True),
]
MU = np.linspace(0.01, 0.99, 60)
PAIRS = list(itertools.combinations(range(12), 2))

FIGURES = {
    "qq": lambda ax: plots.plot_qq(R, NOTES, ax),
    "residuals": lambda ax: plots.plot_residuals(
        MU, np.r_[0, 1, R[2:]], curves(MU), {0.25: 0.01, 0.5: 0.3, 0.75: 0.02}, NOTES, True, ax
    ),
    "levels": lambda ax: plots.plot_by_level(
        {"a very long level name": R[:20], "b": R[20:40], "c": R[40:]}, ["b"], NOTES[:2], ax
    ),
    "histogram": lambda ax: plots.plot_residual_histogram(R, NOTES[:1], ax),
    "statistic": lambda ax: plots.plot_simulated_statistic(R, 2.0, NOTES[:1], True, ax=ax),
    "series": lambda ax: plots.plot_series(np.arange(60.0), R, NOTES[:1], ax),
    "acf": lambda ax: plots.plot_acf(R, ax),
    "map": lambda ax: plots.plot_map(R, R[::-1], R, NOTES[:1], ax),
    "means": lambda ax: plots.plot_means(
        twelve_means(),
        factors="fungicide",
        letters="group",
        raw=raw_points(),
        raw_value="severity",
        ylabel="Severity (response scale, proportion)",
        ax=ax,
    ),
    "means by": lambda ax: plots.plot_means(
        two_by_two(), factors="extract", by="gen", letters="group", ax=ax
    ),
    "two models": lambda ax: plots.plot_two_models(
        {"Beta": twelve_means(), "Gamma": twelve_means()},
        factors="fungicide",
        letters="group",
        wrong="Gamma",
        ax=ax,
    ),
    "interaction": lambda ax: plots.plot_interaction(two_by_two(), x="extract", trace="gen", ax=ax),
    "interaction along numbers": lambda ax: plots.plot_interaction(
        two_by_two().assign(dose=[1.0, 10.0, 1.0, 10.0]), x="dose", trace="gen", ax=ax
    ),
    "comparisons": lambda ax: plots.plot_comparisons(
        twelve_means().assign(
            left=lambda f: f["estimate"] - 0.05, right=lambda f: f["estimate"] + 0.06
        ),
        factors="fungicide",
        ax=ax,
    ),
    "comparisons by": lambda ax: plots.plot_comparisons(
        two_by_two().assign(left=lambda f: f["estimate"] - 0.05, right=lambda f: f["estimate"]),
        factors="extract",
        by="gen",
        ax=ax,
    ),
    "pairs": lambda ax: plots.plot_pairs(
        [1.1 ** (j - i) for i, j in PAIRS], [0.9 ** (j - i) for i, j in PAIRS], LEVELS, ax=ax
    ),
    "variance": lambda ax: plots.plot_mean_variance(
        {
            "Beta": plots.VarianceCurve(MU, MU * (1 - MU) / 25),
            "Gamma": plots.VarianceCurve(MU, 0.1 * MU**2, wrong=True),
        },
        pd.DataFrame({"mean": [0.2, 0.5], "variance": [0.01, 0.02]}),
        ax=ax,
    ),
}


def texts_of(ax: Axes) -> list:
    """Every visible text of the axes, tick labels included."""
    marks = [*ax.texts, ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]
    legend = ax.get_legend()
    marks += legend.get_texts() if legend else []
    return [t for t in marks if t.get_text() and t.get_visible()]


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_or_covers_another(name, size):
    fig, ax = plt.subplots(figsize=size, layout="constrained")
    assert FIGURES[name](ax) is ax
    fig.draw_without_rendering()
    page = fig.bbox
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts_of(ax)]
    inside = [
        t for t in ax.get_xticklabels() if ax.viewLim.x0 <= t.get_position()[0] <= ax.viewLim.x1
    ]
    boxes += [(t.get_text(), t.get_window_extent()) for t in inside]
    for text, box in boxes:
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1, f"{text!r} is cut"
        assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, f"{text!r} is cut"
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 2 or along < 2, f"{one!r} covers {other!r}"


@pytest.mark.parametrize("name", ["qq", "residuals", "levels", "histogram", "statistic"])
def test_notes_lie_above_all_points(name):
    fig, ax = plt.subplots(layout="constrained")
    FIGURES[name](ax)
    fig.draw_without_rendering()
    top = ax.get_window_extent().y1
    notes = [t for t in ax.texts if t.get_text().split(":")[0] in ("Uniformity (KS)", "Outliers")]
    assert notes
    assert all(t.get_window_extent().y0 >= top for t in notes)


def test_deviations_are_marked_in_words_colour_and_dash():
    ax = FIGURES["residuals"](None)
    words = {t.get_text(): t for t in ax.texts}
    assert words["25 % deviates"].get_color() == style.WRONG
    assert words["50 %"].get_color() == style.INK
    dashed = [line for line in ax.lines if line.get_color() == style.WRONG]
    assert len(dashed) == 2 and all(line.is_dashed() for line in dashed)


def test_large_data_are_thinned_and_the_figure_says_so():
    r = np.random.default_rng(2).random(100_000)
    qq = plots.plot_qq(r)
    assert any("of 100,000 points drawn" in t.get_text() for t in qq.texts)
    assert len(qq.lines[-1].get_xdata()) <= 4_000
    scatter = plots.plot_residuals(np.arange(100_000.0), r)
    assert any("hexagonal bins" in t.get_text() for t in scatter.texts)


def test_letters_stand_above_intervals_and_raw_points():
    fig, ax = plt.subplots(layout="constrained")
    FIGURES["means"](ax)
    fig.draw_without_rendering()
    frame, raw = twelve_means(), raw_points()
    height = raw.groupby("fungicide")["severity"].max()
    for i, (level, letters) in enumerate(zip(LEVELS, frame["group"], strict=True)):
        (text,) = [t for t in ax.texts if t.get_text() == letters and t.xy[0] == i]
        top = max(frame["upper"][i], height[level])
        assert text.get_window_extent().y0 > ax.transData.transform((i, top))[1]
        assert text.get_window_extent().y1 <= ax.get_window_extent().y1 + 1


@pytest.mark.parametrize("longest", [1, 2, 3])
@pytest.mark.parametrize("width", [5.0, 7.0, 9.0, 12.0])
def test_letters_are_clear_of_the_intervals_of_their_neighbours(width, longest):
    first = twelve_means().assign(site="north")
    first["group"] = first["group"].str[:longest]
    moved = np.resize([0.1, -0.06, 0.13, 0.02], 12)
    second = first.assign(site="south")
    for column in ("estimate", "lower", "upper"):
        second[column] += moved
    fig, ax = plt.subplots(figsize=(width, 4.8), layout="constrained")
    frame = pd.concat([first, second], ignore_index=True)
    plots.plot_means(frame, factors="fungicide", by="site", letters="group", ax=ax)
    fig.draw_without_rendering()
    for text in [t for t in ax.texts if t.get_text() in set(frame["group"])]:
        box = text.get_window_extent()
        for lines in ax.collections:
            for (x, low), (_, high) in lines.get_segments():
                left, bottom = ax.transData.transform((x, low))
                _, top = ax.transData.transform((x, high))
                beside = left > box.x1 or left < box.x0
                assert beside or bottom > box.y1 or top < box.y0, text.get_text()


def test_means_sorted_by_estimate():
    ax = plots.plot_means(twelve_means(), factors="fungicide", order="estimate")
    assert [t.get_text() for t in ax.get_xticklabels()] == LEVELS[::-1]
    with pytest.raises(UnknownNameError, match="order"):
        plots.plot_means(twelve_means(), factors="fungicide", order="size")


def test_wrong_model_is_named():
    ax = FIGURES["two models"](None)
    assert "Gamma (wrong on purpose)" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_pairs_matrix_is_filled_row_by_row():
    matrix = plots.pairs_matrix([1, 2, 3, 4, 5, 6], 4)
    assert matrix[0, 1:].tolist() == [1, 2, 3]
    assert matrix[1, 2:].tolist() == [4, 5]
    assert np.isnan(matrix).sum() == 10 and np.isnan(matrix[np.tril_indices(4)]).all()
    with pytest.raises(DataError, match="pairs"):
        plots.pairs_matrix([1, 2], 4)


def test_drawing_leaves_the_session_alone():
    before = dict(matplotlib.rcParams)
    FIGURES["qq"](None)
    assert dict(matplotlib.rcParams) == before


def test_grey_values_of_the_meanings_differ():
    """In greyscale the five meanings are told apart by luminance or, for WRONG, by dashes."""
    rgb = [matplotlib.colors.to_rgb(c) for c in (style.DATA, style.FIXED, style.RANDOM)]
    grey = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in rgb]
    assert abs(grey[2] - grey[0]) > 0.3 and abs(grey[2] - grey[1]) > 0.25


def test_a_backend_that_loads_with_the_first_figure_stays_interactive():
    """IPython's inline backend turns interactive mode on when the first figure loads it."""
    before = matplotlib.is_interactive()
    try:
        matplotlib.interactive(False)
        with style.context():
            matplotlib.interactive(True)
        assert matplotlib.is_interactive()
    finally:
        matplotlib.interactive(before)


def test_second_factors_use_no_colour_that_has_a_meaning():
    """Orange is the random part, green the assumed distribution, vermilion what is wrong."""
    assert style.CYCLE[0] == style.FIXED
    assert not {style.RANDOM, style.ASSUMED, style.WRONG} & set(style.CYCLE)
    ax = FIGURES["interaction"](None)
    looks = [(line.get_marker(), line.get_linestyle()) for line in ax.lines]
    assert len({marker for marker, _ in looks}) == len({dash for _, dash in looks}) == 2
    grey = [np.dot(matplotlib.colors.to_rgb(c), [0.299, 0.587, 0.114]) for c in style.CYCLE[:4]]
    assert np.diff(np.sort(grey)).min() > 0.05


def test_names_of_many_levels_do_not_touch():
    """Upright names need their height each; where there is less room some are left out."""
    fig, ax = plt.subplots(figsize=(3, 2))
    style.category_ticks(ax, [str(100 + i) for i in range(60)])
    ax.set_xlim(-0.5, 59.5)
    fig.canvas.draw()
    boxes = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_text()]
    assert 10 < len(boxes) < 60
    assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(boxes))
    plt.close(fig)


def test_means_without_a_finite_estimate_stand_in_words_at_the_edge():
    frame = twelve_means()
    frame["estimate"] = frame["estimate"].where(frame.index != 3, -np.inf)
    frame.loc[3, ["lower", "upper"]] = np.nan
    frame["left"] = frame["right"] = frame["estimate"]
    words = "no finite estimate"
    ax = plots.plot_means(frame, factors="fungicide", letters="group")
    drawn = [t for t in ax.texts if t.get_text() == words]
    assert [t.xy for t in drawn] == [(3.0, 0.0)]
    assert -1 < ax.get_ylim()[0] < ax.get_ylim()[1] < 2
    arrows = plots.plot_comparisons(frame, factors="fungicide")
    assert sum(t.get_text() == words for t in arrows.texts) == 1
    assert arrows.get_xlim()[0] > -1
    both = pd.concat([frame.assign(g=1), frame.assign(g=2)])
    lines = plots.plot_interaction(both, x="fungicide", trace="g")
    assert sum(t.get_text() == words for t in lines.texts) == 1  # once for both lines
    assert lines.get_ylim()[0] > -1
