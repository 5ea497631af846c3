"""Names of columns and levels are shown as they are: a dollar starts no mathematics."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import glmmlab as gl
from glmmlab import plots

LEVELS = ["a$b$", "x_y^2", "50%\\frac", "<b>&{"]


@pytest.fixture(scope="module")
def fit() -> gl.Fit:
    rng = np.random.default_rng(1)
    rows = np.arange(160)
    data = pd.DataFrame(
        {
            "t$r": pd.Categorical(np.array(LEVELS)[rows % 4], categories=LEVELS),
            "$g$": np.array(["$1$", "_2", "%3$"])[(rows // 4) % 3],
            "b$": [f"$B_{i}$" for i in rows // 16],
            "x$1$": rng.normal(size=160),
            "y$": rng.poisson(3, 160),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SingularFitWarning)
        return gl.glmm("`y$` ~ `t$r` * `$g$` + `x$1$` + (1 | `b$`)", data, "poisson")


def means(fit: gl.Fit, **options: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.InferenceWarning)
        return fit.emmeans("t$r", **options)


FIGURES: dict[str, Callable[[gl.Fit], object]] = {
    "means": lambda fit: means(fit, by="$g$").plot(),
    "letters": lambda fit: means(fit).cld().plot(),
    "comparisons": lambda fit: means(fit, by="$g$").plot_comparisons(),
    "p-values": lambda fit: means(fit).pairs().plot(),
    "interaction": lambda fit: fit.emmip("`t$r` ~ `$g$`"),
    "interaction in panels": lambda fit: fit.emmip("~ `t$r` | `$g$`"),
    "random effects": lambda fit: fit.plot_random_effects(),
    "shrinkage": lambda fit: fit.plot_shrinkage(),
    "profile": lambda fit: fit.profile(["x$1$"]).plot(),
    "residuals": lambda fit: fit.simulate_residuals(n=50, seed=1).plot(),
    "panels": lambda fit: fit.simulate_residuals(n=50, seed=1).plot_panels("~ ."),
    "two models": lambda fit: plots.plot_two_models(
        {"m$1$": means(fit).frame, "$m$": means(fit).frame}, factors="t$r"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.filterwarnings("ignore::glmmlab.errors.GlmmlabWarning")
def test_names_with_dollars_are_drawn_as_they_are(name, fit):
    plt.close("all")
    FIGURES[name](fit)
    for number in plt.get_fignums():
        figure = plt.figure(number)
        figure.canvas.draw()  # a dollar taken for mathematics fails here, or hides below
        shown = [text for text in figure.findobj(Text) if "$" in text.get_text()]
        assert not [text.get_text() for text in shown if text.get_parse_math()]
    plt.close("all")


def test_given_axes_show_names_as_they_are_and_keep_their_own_title(fit):
    _, ax = plt.subplots()
    ax.set_title(r"mine: $\mu$", loc="right")
    means(fit).plot(ax=ax)
    ax.figure.canvas.draw()
    labels = [tick.get_text() for tick in ax.get_xticklabels()]
    assert labels == LEVELS
    assert not any(tick.get_parse_math() for tick in ax.get_xticklabels())
    mine = next(text for text in ax.findobj(Text) if "mine" in text.get_text())
    assert mine.get_parse_math()
    plt.close("all")


def test_an_axis_of_numbers_may_become_logarithmic(fit):
    ax = means(fit, type="response").plot()
    ax.figure.canvas.draw()
    ax.set_yscale("log")
    ax.set_ylim(0.01, 100)
    ax.figure.canvas.draw()
    powers = [tick for tick in ax.get_yticklabels() if "10^" in tick.get_text()]
    assert powers
    assert all(tick.get_parse_math() for tick in powers)
    plt.close("all")
