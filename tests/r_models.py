"""Reference cases as calls of glmm, and R's tables in our names."""

from __future__ import annotations

import warnings
from functools import cache

import glmmlab as gl
from glmmlab.verify.reference import call, term_name
from glmmlab.verify.reference import named as series

__all__ = ["call", "fit", "series", "term_name"]


@cache
def fit(case: str) -> gl.Fit:
    """The fitted reference case; the warnings of singular fits are expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        return gl.glmm(**call(case))
