"""Reference cases as calls of glmm, and R's tables in our names."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

import pandas as pd

import glmmlab as gl
from conftest import case_data, our_name, reference

FAMILIES = {"Gamma": "gamma", "t": "t"}


def call(case: str) -> dict[str, Any]:
    """Arguments of ``glmm`` for one reference case."""
    r = reference(case)
    family = FAMILIES.get(r["family"], r["family"])
    arguments: dict[str, Any] = {
        "formula": r["formula"],
        "data": case_data(case),
        "family": gl.families.get(family, link=r["link"]),
        "method": "REML" if r.get("REML") else "ML",
    }
    for ours, theirs in (
        ("weights", "weights"),
        ("dispersion", "dispformula"),
        ("zero_inflation", "ziformula"),
    ):
        if r.get(theirs):
            arguments[ours] = r[theirs]
    return arguments


@cache
def fit(case: str) -> gl.Fit:
    """The fitted reference case; the warnings of singular fits are expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        return gl.glmm(**call(case))


def series(case: str, values: dict[str, float]) -> pd.Series:
    """A named list of R with our coefficient names."""
    levels = reference(case)["levels"]
    return pd.Series({our_name(name, levels): value for name, value in values.items()})


def term_name(r_name: str) -> str:
    """R's term name in ours: the intercept, and powers as formulaic prints them."""
    return "Intercept" if r_name == "(Intercept)" else re.sub(r"\s*\^\s*", " ** ", r_name)
