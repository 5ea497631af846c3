"""Reference cases as calls of glmm, and R's tables in our names."""

from __future__ import annotations

import warnings
from functools import cache

import glmmlab as gl
from glmmlab.verify.reference import call, term_name
from glmmlab.verify.reference import named as series

__all__ = ["call", "fit", "numbers", "series", "term_name"]


@cache
def fit(case: str) -> gl.Fit:
    """The fitted reference case; the warnings of singular fits are expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        return gl.glmm(**call(case))


def numbers(case: str) -> list[float]:
    """A fit and what inference makes of it, as plain numbers (processes can import this one)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = gl.glmm(**call(case))
        found = [fit.llf, *fit.params, *fit.bse, *fit.fittedvalues, *fit.simulate(1, seed=1)[0]]
        if len(fit.params) > 1:
            found += [*fit.anova().frame["p"]]
    return [float(x) for x in found]
