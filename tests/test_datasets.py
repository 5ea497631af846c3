"""The data sets equal the reference tables and carry their provenance."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from conftest import reference_data
from glmmlab import datasets
from glmmlab.errors import DataError, UnknownNameError

ROOT = Path(__file__).resolve().parents[1]


def assert_factor(column: pd.Series, levels: list[str]) -> None:
    assert isinstance(column.dtype, pd.CategoricalDtype)
    assert not column.cat.ordered
    assert list(column.cat.categories) == levels


def test_disease_severity_is_the_reference_table():
    ours, reference = datasets.load("disease_severity"), reference_data("fungicide")
    assert list(ours) == ["fungicide", "block", "severity_o", "severity"]
    assert ours.shape == (48, 4)
    for name in ("fungicide", "block"):
        assert_array_equal(ours[name].astype(str), reference[name].astype(str))
        assert_factor(ours[name], list(reference[name].cat.categories))
    assert_array_equal(ours["severity_o"], reference["severity_o"])
    np.testing.assert_allclose(ours["severity"], reference["severity"], rtol=1e-15)
    np.testing.assert_allclose(ours["severity"], ours["severity_o"] / 100, rtol=1e-15)


def test_thirds_are_stored_to_eight_decimals():
    values = datasets.load("disease_severity")["severity_o"].to_numpy()
    np.testing.assert_allclose(values * 6, np.round(values * 6), atol=6e-8)  # sixths by design


def test_seed_germination_is_the_reference_table():
    ours, reference = datasets.load("seed_germination"), reference_data("seeds")
    assert list(ours) == ["plate", "gen", "extract", "germ", "n"]
    for name in ("plate", "gen", "extract"):
        assert_array_equal(ours[name].astype(str), reference[name].astype(str))
        assert_factor(ours[name], list(reference[name].cat.categories))
    assert_array_equal(ours["germ"], reference["germ"])
    assert_array_equal(ours["n"], reference["n"])


def test_binary_seeds_are_the_reference_table():
    ours, reference = datasets.load("seed_germination_binary"), reference_data("seeds_bernoulli")
    assert list(ours) == ["plate", "gen", "extract", "germinated"]
    assert ours.shape == (831, 4)
    for name in ("plate", "gen", "extract"):
        assert_array_equal(ours[name].astype(str), reference[name].astype(str))
        assert_factor(ours[name], list(reference[name].cat.categories))
    assert_array_equal(ours["germinated"], reference["y"])


@pytest.mark.parametrize(
    ("name", "shape", "truth"),
    [
        ("aphids", (96, 5), "theta 1.5"),
        ("galls", (180, 3), "chance 0.35"),
        ("split_plot", (72, 4), "whole plots 0.4"),
        ("leaf_blotch", (40, 4), "precision 18"),
        ("dose_plates", (30, 4), "standard deviation 0.6"),
        ("moth_traps", (72, 5), "theta 2"),
    ],
)
def test_simulated_data_are_what_their_generator_makes(name, shape, truth):
    """The generator printed in data/README.md gives the stored file (numpy's streams are kept)."""
    text = datasets.describe(name)
    assert "**simulated**" in text
    assert truth in text
    made: dict[str, object] = {"np": np}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], made)
    ours = datasets.load(name)
    assert ours.shape == shape
    assert ours.astype(object).to_numpy().tolist() == [list(row) for row in made["rows"]]


def test_simulated_factors_have_their_baseline_first():
    assert_factor(datasets.load("aphids")["treatment"], ["control", "soap", "oil", "systemic"])
    assert_factor(datasets.load("aphids")["block"], [f"B{i}" for i in range(1, 9)])
    assert_factor(datasets.load("galls")["light"], ["open", "shaded"])
    assert_factor(datasets.load("galls")["site"], [f"S{i}" for i in range(1, 16)])
    assert_factor(datasets.load("split_plot")["fungicide"], ["none", "half", "full"])
    assert_factor(datasets.load("split_plot")["variety"], ["A", "B", "C", "D"])


@pytest.mark.parametrize(("name", "rows"), [("Salamanders", 644), ("Owls", 599)])
def test_published_counts_are_the_reference_tables(name, rows):
    ours, reference = datasets.load(name.lower()), reference_data(name)
    assert list(ours) == list(reference)
    assert len(ours) == rows
    for column in ours:
        if isinstance(reference[column].dtype, pd.CategoricalDtype):
            assert_array_equal(ours[column].astype(str), reference[column].astype(str))
            assert_factor(ours[column], list(reference[column].cat.categories))
        else:
            assert_array_equal(ours[column], reference[column])


@pytest.mark.parametrize("name", ["Dyestuff", "Dyestuff2"])
def test_dyestuffs_are_the_reference_tables(name):
    ours, reference = datasets.load(name.lower()), reference_data(name)
    assert list(ours) == ["Batch", "Yield"]
    assert_array_equal(ours["Batch"].astype(str), reference["Batch"].astype(str))
    assert_factor(ours["Batch"], list("ABCDEF"))
    assert_array_equal(ours["Yield"], reference["Yield"])


def test_biomass_is_as_simulated():
    """Shape, support and truth (data/README.md): the gamma likelihood peaks near the truth."""
    ours = datasets.load("biomass")
    assert list(ours) == ["x", "y"]
    assert_array_equal(ours["x"], np.repeat(np.arange(11), 8))
    scaled = ours["y"] / np.exp(1 + 0.2 * ours["x"])  # gamma, mean 1, variance 1/3
    assert scaled.min() > 0
    assert abs(scaled.mean() - 1) < 3 * np.sqrt(1 / 3 / 88)
    assert 0.15 < scaled.var() < 0.6


def test_oats_has_the_published_means():
    """Means of nitrogen and of varieties as R prints them of its copies (MASS, nlme)."""
    oats = datasets.load("oats")
    assert list(oats) == ["block", "variety", "nitrogen", "grain"]
    assert (oats.groupby(["block", "variety", "nitrogen"], observed=True).size() == 1).all()
    assert_factor(oats["nitrogen"], ["0", "0.2", "0.4", "0.6"])
    assert oats.groupby("nitrogen", observed=True)["grain"].mean().round(3).tolist() == [
        79.389, 98.889, 114.222, 123.389,
    ]  # fmt: skip
    varieties = oats.groupby("variety", observed=True)["grain"].mean().round(3)
    assert varieties.to_dict() == {"Victory": 97.625, "Golden Rain": 104.5, "Marvellous": 109.792}


def test_a_loaded_frame_is_fresh():
    first = datasets.load("seed_germination")
    first.loc[0, "germ"] = 0
    assert datasets.load("seed_germination").loc[0, "germ"] == 10


@pytest.mark.parametrize("name", datasets.names())
def test_every_data_set_says_what_it_is(name):
    text = datasets.describe(name)
    for part in ("What:", "Source:", "Licence:", "| column | meaning | unit |"):
        assert part in text
    documented = set(re.findall(r"`(\w+)`", text))
    assert set(datasets.load(name)) <= documented
    assert "\n## " not in text


def test_every_section_and_file_has_a_data_set():
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", readme, re.MULTILINE) == datasets.names()
    for path in (ROOT / "data").glob("*.csv"):
        assert f"`{path.name}`" in readme


@pytest.mark.parametrize("function", [datasets.load, datasets.describe])
def test_a_misspelt_name_is_answered_with_the_nearest(function):
    with pytest.raises(UnknownNameError, match="did you mean 'seed_germination'"):
        function("seed_germinaton")
    with pytest.raises(UnknownNameError, match="disease_severity"):
        function(12)


def test_the_wheels_folder_comes_first(monkeypatch, tmp_path):
    installed = tmp_path / "data"
    installed.mkdir()
    monkeypatch.setattr(datasets, "FOLDERS", (installed, ROOT / "data"))
    assert len(datasets.load("seed_germination")) == 21  # from the repository
    text = (ROOT / "data" / "seed_germination.csv").read_text(encoding="utf-8")
    (installed / "seed_germination.csv").write_text("\n".join(text.splitlines()[:4]))
    assert len(datasets.load("seed_germination")) == 3


def test_missing_files_are_an_error_that_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "FOLDERS", (tmp_path,))
    with pytest.raises(DataError, match=r"seed_germination\.csv is missing: install"):
        datasets.load("seed_germination")
    (tmp_path / "README.md").write_text("# Data\n")
    with pytest.raises(DataError, match="no section 'seed_germination'"):
        datasets.describe("seed_germination")
