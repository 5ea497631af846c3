"""The data sets of the course: small, published or simulated, documented in ``data/README.md``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from glmmlab.errors import DataError, UnknownNameError

FOLDERS = (
    Path(__file__).parent / "data",  # in an installed wheel
    Path(__file__).parent.parent / "data",  # in the repository
)


def _expand_seeds(plates: pd.DataFrame) -> pd.DataFrame:
    """One row a seed: on each plate the germinated ones first."""
    rows = np.repeat(np.arange(len(plates)), plates["n"].to_numpy())
    order = np.concatenate([np.arange(n) for n in plates["n"]])
    seeds = plates.loc[rows, ["plate", "gen", "extract"]].reset_index(drop=True)
    seeds["germinated"] = (order < plates["germ"].to_numpy()[rows]).astype(np.int64)
    return seeds


@dataclass(frozen=True)
class _Recipe:
    """A file, its factors' levels in order, and what is done after reading."""

    file: str
    factors: Mapping[str, tuple[str, ...]]
    finish: Callable[[pd.DataFrame], pd.DataFrame] = field(default=lambda frame: frame)


def _numbered(last: int, prefix: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}{i}" for i in range(1, last + 1))


_SEEDS = {
    "plate": _numbered(21, "P"),
    "gen": ("O73", "O75"),
    "extract": ("bean", "cucumber"),
}
_NESTS = (
    "AutavauxTV Bochet Champmartin ChEsard Chevroux CorcellesFavres Etrabloz Forel Franex GDLV "
    "Gletterens Henniez Jeuss LesPlanches Lucens Lully Marnand Montet Murist Oleyes Payerne Rueyes "
    "Seiry Sevaz StAubin Trey Yvonnand"
)
_RECIPES = {
    "disease_severity": _Recipe(
        "disease_severity.csv", {"fungicide": _numbered(12), "block": _numbered(4)}
    ),
    "seed_germination": _Recipe("seed_germination.csv", _SEEDS),
    "seed_germination_binary": _Recipe("seed_germination.csv", _SEEDS, _expand_seeds),
    "aphids": _Recipe(
        "aphids.csv",
        {"block": _numbered(8, "B"), "treatment": ("control", "soap", "oil", "systemic")},
    ),
    "galls": _Recipe("galls.csv", {"site": _numbered(15, "S"), "light": ("open", "shaded")}),
    "salamanders": _Recipe(
        "salamanders.csv",
        {
            "site": (*_numbered(12, "R-"), *_numbered(11, "VF-")),
            "mined": ("yes", "no"),
            "spp": ("GP", "PR", "DM", "EC-A", "EC-L", "DES-L", "DF"),
        },
    ),
    "owls": _Recipe(
        "owls.csv",
        {
            "Nest": tuple(_NESTS.split()),
            "FoodTreatment": ("Deprived", "Satiated"),
            "SexParent": ("Female", "Male"),
        },
    ),
    "biomass": _Recipe("biomass.csv", {}),
    "dyestuff": _Recipe("dyestuff.csv", {"Batch": tuple("ABCDEF")}),
    "dyestuff2": _Recipe("dyestuff2.csv", {"Batch": tuple("ABCDEF")}),
    "split_plot": _Recipe(
        "split_plot.csv",
        {
            "block": _numbered(6, "B"),
            "fungicide": ("none", "half", "full"),
            "variety": ("A", "B", "C", "D"),
        },
    ),
    "leaf_blotch": _Recipe(
        "leaf_blotch.csv",
        {
            "site": ("north", "south"),
            "block": _numbered(4),
            "treatment": ("untreated", "A", "B", "C", "D"),
        },
    ),
    "dose_plates": _Recipe("dose_plates.csv", {"plate": _numbered(30, "P")}),
    "moth_traps": _Recipe(
        "moth_traps.csv",
        {
            "farm": _numbered(12, "F"),
            "margin": ("bare", "flowers"),
            "season": ("spring", "summer", "autumn"),
        },
    ),
    "oats": _Recipe(
        "oats.csv",
        {
            "block": ("I", "II", "III", "IV", "V", "VI"),
            "variety": ("Victory", "Golden Rain", "Marvellous"),
            "nitrogen": ("0", "0.2", "0.4", "0.6"),
        },
    ),
}


def names() -> list[str]:
    """Names of the data sets.

    Examples
    --------
    >>> names()[:3]
    ['disease_severity', 'seed_germination', 'seed_germination_binary']
    """
    return list(_RECIPES)


def load(name: str) -> pd.DataFrame:
    """A data set as a fresh frame.

    Factors are unordered Categoricals of strings in the declared order of levels; the first
    level is the baseline.  Units are in :func:`describe`.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Raises
    ------
    UnknownNameError
        The message suggests the nearest name.
    DataError
        If the files are missing from the installation.

    Examples
    --------
    >>> data = load("seed_germination")
    >>> data.shape, list(data["extract"].cat.categories)
    ((21, 5), ['bean', 'cucumber'])
    """
    recipe = _RECIPES[_known(name)]
    frame = pd.read_csv(_path(recipe.file), dtype=dict.fromkeys(recipe.factors, str))
    for column, levels in recipe.factors.items():
        frame[column] = pd.Categorical(frame[column], categories=list(levels))
    return recipe.finish(frame)


def describe(name: str) -> str:
    """What a data set is: its columns, units, source and licence, from ``data/README.md``.

    Raises
    ------
    UnknownNameError
        The message suggests the nearest name.

    Examples
    --------
    >>> print(describe("disease_severity").splitlines()[0])
    disease_severity
    """
    name = _known(name)
    text = _path("README.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        if title.strip() == name:
            return f"{name}\n\n{body.strip()}\n"
    raise DataError(f"data/README.md has no section '{name}': is the installation complete?")


def _known(name: str) -> str:
    if isinstance(name, str) and name in _RECIPES:
        return name
    near = difflib.get_close_matches(str(name), _RECIPES, 1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise UnknownNameError(
        f"there is no data set {name!r}: {hint}The data sets are {', '.join(_RECIPES)}"
    )


def _path(file: str) -> Path:
    for folder in FOLDERS:
        if (folder / file).is_file():
            return folder / file
    raise DataError(
        f"the data file {file} is missing: install glmmlab again, or keep the repository's data/ "
        "folder beside the package"
    )
