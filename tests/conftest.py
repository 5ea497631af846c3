"""Shared by all tests: R's reference answers and the hypothesis profile."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import settings

REFERENCE = Path(__file__).parent / "reference"

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


@cache
def reference_cases() -> tuple[str, ...]:
    """Names of all reference cases."""
    return tuple(sorted(p.stem for p in (REFERENCE / "expected").glob("*.json")))


@cache
def reference(case: str) -> dict[str, Any]:
    """R's answers for one case (see tests/reference/README.md for the keys)."""
    return json.loads((REFERENCE / "expected" / f"{case}.json").read_text())


@cache
def _dataset_index() -> dict[str, Any]:
    return json.loads((REFERENCE / "data" / "datasets.json").read_text())


def reference_data(name: str) -> pd.DataFrame:
    """A reference data set, its factors as Categoricals in R's level order."""
    entry = _dataset_index()[name]
    levels = entry["levels"]
    frame = pd.read_csv(REFERENCE / entry["file"], dtype={c: str for c in levels})
    for column, order in levels.items():
        frame[column] = pd.Categorical(frame[column], categories=order)
    return frame


def case_data(case: str) -> pd.DataFrame:
    """The data of one reference case."""
    return reference_data(Path(reference(case)["dataset"]).stem)


def our_name(r_name: str, levels: dict[str, list[str]]) -> str:
    """R's coefficient name in formulaic's form: ``fungicide2`` -> ``fungicide[T.2]``."""
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
