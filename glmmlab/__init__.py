"""Generalized linear mixed models that agree with R, and the course that teaches them.

>>> import glmmlab as gl
>>> disease = gl.datasets.load("disease_severity")
>>> disease.shape
(48, 4)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glmmlab.errors import (
    BoundaryWarning,
    ComparisonError,
    ConvergenceError,
    ConvergenceWarning,
    DataError,
    EstimabilityError,
    ExtrapolationWarning,
    FormulaError,
    FormulaWarning,
    GlmmlabError,
    GlmmlabWarning,
    InferenceError,
    InferenceWarning,
    LabelWarning,
    MissingDataWarning,
    PerfectFitWarning,
    RankDeficientWarning,
    ResponseError,
    SavedFileError,
    SeparationWarning,
    SingularFitWarning,
    UnknownColumnError,
    UnknownLevelError,
    UnknownNameError,
    WeightsError,
)

if TYPE_CHECKING:
    from glmmlab import datasets, errors, families, links, plots, residuals
    from glmmlab.io import load
    from glmmlab.model import glmm
    from glmmlab.results.fit import Fit

__version__ = "0.1.0"

# What is imported at first use, so that ``import glmmlab`` stays light.
_MODULES = ("datasets", "errors", "families", "links", "plots", "residuals")
_NAMES = {"glmm": "glmmlab.model", "load": "glmmlab.io", "Fit": "glmmlab.results.fit"}

__all__ = [
    "BoundaryWarning",
    "ComparisonError",
    "ConvergenceError",
    "ConvergenceWarning",
    "DataError",
    "EstimabilityError",
    "ExtrapolationWarning",
    "Fit",
    "FormulaError",
    "FormulaWarning",
    "GlmmlabError",
    "GlmmlabWarning",
    "InferenceError",
    "InferenceWarning",
    "LabelWarning",
    "MissingDataWarning",
    "PerfectFitWarning",
    "RankDeficientWarning",
    "ResponseError",
    "SavedFileError",
    "SeparationWarning",
    "SingularFitWarning",
    "UnknownColumnError",
    "UnknownLevelError",
    "UnknownNameError",
    "WeightsError",
    "datasets",
    "errors",
    "families",
    "glmm",
    "links",
    "load",
    "plots",
    "residuals",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"glmmlab.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'glmmlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
