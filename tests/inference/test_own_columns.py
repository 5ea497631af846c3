"""Predictors with the names of a table's own columns keep their names and their levels."""

from __future__ import annotations

import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import glmmlab as gl

NAMES = (
    "group", "estimate", "se", "df", "lower", "upper", "null", "statistic", "p", "term",
    "contrast", "left", "right", "chisq", "F", "df_resid", "_row", "observed",
)  # fmt: skip
LEVELS = ["control", "oil", "soap"]
SOIL = ["dry", "wet"]


def fitted(name: str) -> gl.Fit:
    """A gamma model of a factor of this name and of `soil`."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({name: LEVELS * 20, "soil": np.repeat(SOIL, 30), "x": rng.random(60)})
    data["y"] = np.exp(data["x"] + (data[name] == "soap") + 0.3 * rng.normal(size=60))
    return gl.glmm(f"y ~ {name} * soil + x", data, "gamma")


@pytest.fixture(scope="module", params=NAMES)
def clash(request: pytest.FixtureRequest) -> tuple[str, gl.Fit]:
    return request.param, fitted(request.param)


@pytest.fixture(scope="module")
def plain() -> gl.Fit:
    return fitted("treatment")


def tables(fit: gl.Fit, specs: Any, by: str | None) -> dict[str, Any]:
    means = fit.emmeans(specs, by=by, type="response")
    return {
        "means": means,
        "limits": means.confint(),
        "tests": means.test(null=0.5),
        "letters": means.cld(),
        "pairs": means.pairs(),
        "pairs and limits": means.pairs().with_confint(),
        "limits of pairs": means.pairs().confint(),
        "differences": means.regrid().pairs(),
        "slopes": fit.emtrends(specs, var="x", by=by),
        "products": means.contrast("pairwise", interaction=True),
    }


def layouts(name: str) -> tuple[tuple[Any, str | None], ...]:
    return ((name, None), (name, "soil"), ("soil", name), ([name, "soil"], None))


@pytest.mark.parametrize("layout", range(4))
def test_labels_and_numbers_are_those_of_a_predictor_of_any_name(
    clash: tuple[str, gl.Fit], plain: gl.Fit, layout: int
) -> None:
    """The same model with a factor of a plain name has the same tables, column by column."""
    name, fit = clash
    ours = tables(fit, *layouts(name)[layout])
    theirs = tables(plain, *layouts("treatment")[layout])
    for kind, table in ours.items():
        expected = theirs[kind].frame
        assert table.frame.shape == expected.shape, kind
        assert table.frame.columns.is_unique, kind
        if "treatment" in expected:
            assert table.frame[name].tolist() == expected["treatment"].tolist(), kind
        for own, other in zip(table.frame.columns, expected.columns, strict=True):
            values = table.frame[own].astype(str).tolist()
            assert values == expected[other].astype(str).tolist(), (kind, own)
        rows = str(theirs[kind]).count("\n")
        assert str(table).count("\n") >= rows, kind
        assert table.to_html() and table.to_latex() and table.to_markdown()


def test_names_taken_get_an_underscore() -> None:
    """`group` is a common name of a column of treatments."""
    letters = fitted("group").emmeans("group").cld()
    assert sorted(letters["group"]) == LEVELS
    assert set("".join(letters["group_"])) <= set("abc")
    tested = fitted("p").emmeans("soil", by="p").pairs().frame
    assert list(tested.columns) == [
        "contrast", "p", "estimate", "se", "df", "statistic", "p_",
    ]  # fmt: skip
    assert tested["p_"].between(0, 1).all()


@pytest.mark.parametrize("by", [None, "soil", "clash"])
def test_joint_tests(clash: tuple[str, gl.Fit], plain: gl.Fit, by: str | None) -> None:
    name, fit = clash
    ours = fit.joint_tests(by=name if by == "clash" else by)
    theirs = plain.joint_tests(by="treatment" if by == "clash" else by)
    assert np.array_equal(ours.frame.to_numpy(), theirs.frame.to_numpy())
    flat = ours.frame.reset_index()
    assert flat.columns.is_unique
    if by == "clash":
        assert sorted(set(flat[name])) == LEVELS
    assert str(ours).count("\n") == str(theirs).count("\n")
    assert ours.to_html()


def test_figures(clash: tuple[str, gl.Fit]) -> None:
    name, fit = clash
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for specs, by in layouts(name)[:3]:
            means = fit.emmeans(specs, by=by, type="response")
            drawn = means.cld().plot()
            ticks = [tick.get_text() for tick in drawn.get_xticklabels()]
            assert ticks == (LEVELS if specs == name else SOIL)
            if by is not None:
                legend = [text.get_text().strip() for text in drawn.get_legend().get_texts()]
                assert legend == [f"{by} {level}" for level in (LEVELS if by == name else SOIL)]
            means.plot_comparisons()
            means.pairs().plot()
        lines = fit.emmip(f"{name} ~ soil | x", at={"x": [0.2, 0.8]}, intervals=True)
        assert len(lines) == 2
        plt.close("all")


def test_residuals_random_effects_and_files(clash: tuple[str, gl.Fit], tmp_path: Any) -> None:
    name, fit = clash
    residuals = fit.simulate_residuals(n=100, seed=1)
    assert residuals.test_categorical(name).frame.index.tolist() == LEVELS
    assert residuals.recalculate(name).data[name].tolist() == LEVELS
    residuals.plot_panels(f"~ x | {name}")
    fit.save(tmp_path / "fit.json")
    back = gl.load(tmp_path / "fit.json")
    assert str(back.emmeans(name).cld()) == str(fit.emmeans(name).cld())
    rng = np.random.default_rng(2)
    data = pd.DataFrame({name: np.repeat(list("ABCDEFGH"), 6), "x": rng.random(48)})
    data["y"] = np.repeat(rng.normal(size=8), 6) + data["x"] + 0.5 * rng.normal(size=48)
    mixed = gl.glmm(f"y ~ x + (1 | {name})", data)
    assert mixed.random_effects_table()["group"].unique().tolist() == [name]
    assert mixed.plot_shrinkage().get_ylabel() == name
    plt.close("all")
