"""Warnings point at the user's own line, however deep the code is that gives them."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import glmmlab as gl

RNG = np.random.default_rng(4)
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=24),
        "count": RNG.poisson(3, 24),
        "x": RNG.normal(size=24),
        "g": np.repeat(list("abcdef"), 4),
        "w": 1.0 + RNG.integers(0, 3, 24),
        "dose": np.tile(["0", "10", "20", "5"], 6),
        "zeros": np.where(np.arange(24) < 12, 0, 3),
        "half": np.repeat(["u", "v"], 12),
    }
)


def plain() -> gl.Fit:
    return gl.glmm("count ~ x", DATA, "poisson")


def weighted() -> gl.Fit:
    return gl.glmm("count ~ x", DATA, "poisson", weights="w")


def separated() -> gl.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SeparationWarning)
        return gl.glmm("zeros ~ half", DATA, "poisson")


CALLS: dict[str, Callable[[], object]] = {
    "missing rows": lambda: gl.glmm("y ~ x", DATA.assign(x=DATA["x"].where(DATA.index > 0))),
    "dropped columns": lambda: gl.glmm("y ~ x + I(2 * x)", DATA),
    "boundary": lambda: gl.glmm("count ~ 1", DATA, "poisson", zero_inflation="~ 1"),
    "separation": lambda: gl.glmm("zeros ~ half", DATA, "poisson"),
    "residuals": lambda: weighted().simulate_residuals(20, seed=1),
    "bootstrap": lambda: weighted().bootstrap(3, seed=1),
    "bootstrap intervals": lambda: weighted().conf_int(method="bootstrap", n=3, seed=1),
    "predictions": lambda: plain().predict({"x": [1e5]}),
    "limits of predictions": lambda: separated().predict(se=True),
    "new observations": lambda: separated().predict(interval="prediction", seed=1),
    "degrees of freedom": lambda: plain().emmeans("x", df="satterthwaite"),
    "order of levels": lambda: gl.glmm("y ~ dose", DATA).emmeans("dose").contrast("poly"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_line_of_the_call(name: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[name]()
    assert caught
    for warning in caught:
        assert warning.filename == __file__, (warning.filename, str(warning.message))


def test_no_module_counts_the_frames_itself() -> None:
    from pathlib import Path

    package = Path(gl.__file__).parent
    found = [p for p in package.rglob("*.py") if "warnings.warn(" in p.read_text(encoding="utf-8")]
    assert [p.name for p in found] == ["_warnings.py"]
