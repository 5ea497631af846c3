"""R's answers, the data they belong to, and the calls of ``glmm`` that should give the same."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from glmmlab import families
from glmmlab.errors import DataError, UnknownNameError

FOLDERS = (
    Path(__file__).parent / "reference",  # in an installed wheel
    Path(__file__).parents[2] / "tests" / "reference",  # in the repository
)
_NAMES = {"Gamma": "gamma"}
_ARGUMENTS = (
    ("weights", "weights"),
    ("dispersion", "dispformula"),
    ("zero_inflation", "ziformula"),
)


@cache
def folder() -> Path:
    """Where the reference files are.

    Raises
    ------
    DataError
        They are missing from the installation.
    """
    for place in FOLDERS:
        if (place / "expected").is_dir():
            return place
    raise DataError(
        "R's reference files are missing: install glmmlab again from its wheel, or run from a "
        "clone of the repository"
    )


@cache
def cases() -> tuple[str, ...]:
    """Names of all reference cases.

    Raises
    ------
    DataError
        The reference files are missing from the installation.

    Examples
    --------
    >>> "fung_beta" in cases()
    True
    """
    return tuple(sorted(path.stem for path in (folder() / "expected").glob("*.json")))


@cache
def reference(case: str) -> dict[str, Any]:
    """R's answers for one case (see tests/reference/README.md for the keys).

    Raises
    ------
    UnknownNameError
        There is no such case.
    """
    if case not in cases():
        raise UnknownNameError(f"there is no reference case {case!r}: {', '.join(cases())}.")
    answers: dict[str, Any] = json.loads(
        (folder() / "expected" / f"{case}.json").read_text(encoding="utf-8")
    )
    return answers


@cache
def _index() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (folder() / "data" / "datasets.json").read_text(encoding="utf-8")
    )
    return found


def reference_data(name: str) -> pd.DataFrame:
    """A reference data set, its factors as Categoricals in R's level order."""
    entry = _index()[name]
    levels = entry["levels"]
    frame = pd.read_csv(folder() / entry["file"], dtype={c: str for c in levels})
    for column, order in levels.items():
        frame[column] = pd.Categorical(frame[column], categories=order)
    return frame


def case_data(case: str) -> pd.DataFrame:
    """The data of one reference case."""
    return reference_data(Path(reference(case)["dataset"]).stem)


def call(case: str) -> dict[str, Any]:
    """Arguments of ``glmm`` for one reference case."""
    r = reference(case)
    arguments: dict[str, Any] = {
        "formula": r["formula"],
        "data": case_data(case),
        "family": families.get(_NAMES.get(r["family"], r["family"]), link=r["link"]),
        "method": "REML" if r.get("REML") else "ML",
    }
    for ours, theirs in _ARGUMENTS:
        if r.get(theirs):
            arguments[ours] = r[theirs]
    return arguments


def our_name(r_name: str, levels: dict[str, list[str]]) -> str:
    """R's coefficient name in formulaic's form.

    >>> our_name("fungicide2:x", {"fungicide": ["1", "2"]})
    'fungicide[T.2]:x'
    """
    if r_name == "(Intercept)":
        return "Intercept"
    parts = []
    for part in r_name.split(":"):
        for factor, order in levels.items():
            match = re.fullmatch(re.escape(factor) + "(.+)", part)
            if match and match.group(1) in order:
                part = f"{factor}[T.{match.group(1)}]"
                break
        parts.append(part)
    return ":".join(parts)


def named(case: str, values: dict[str, float]) -> pd.Series:
    """A named list of R with our coefficient names."""
    levels = reference(case)["levels"]
    return pd.Series({our_name(name, levels): value for name, value in values.items()})


def term_name(r_name: str) -> str:
    """R's term name in ours: the intercept, and powers as formulaic prints them."""
    return "Intercept" if r_name == "(Intercept)" else re.sub(r"\s*\^\s*", " ** ", r_name)
