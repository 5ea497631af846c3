"""The functions and names that expressions in a formula know, and what to write for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

OF_NUMBERS = frozenset({"poly", "bs", "cs", "cr", "cc", "scale", "center", "standardize"})
"""Functions with memory of one numeric column; what follows it are constants."""
NATURAL = frozenset({"cs", "cr", "cc"})
CONTRASTS = frozenset(
    {"Sum", "Treatment", "Helmert", "Poly", "Diff", "contr.sum", "contr.treatment",
     "contr.helmert", "contr.poly", "contr.diff", "contr.SAS"}
)  # fmt: skip
STATEFUL = OF_NUMBERS | CONTRASTS | {"C"}
"""Functions evaluated by formulaic, with memory."""

ELEMENTWISE = frozenset(
    {"log", "log10", "log2", "log1p", "exp", "exp2", "expm1", "sqrt", "cbrt", "abs", "sign",
     "floor", "ceil", "trunc", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh",
     "tanh", "arcsinh", "arccosh", "arctanh", "square", "power", "maximum", "minimum", "isnan",
     "isfinite", "logical_and", "logical_or", "logical_not", "where", "clip", "round",
     "add", "subtract", "multiply", "divide", "deg2rad", "rad2deg", "radians", "degrees"}
)  # fmt: skip
"""numpy functions that work row by row, with or without ``np.`` in front."""

_R_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "pmax": "maximum", "pmin": "minimum", "ceiling": "ceil", "ifelse": "where",
}  # fmt: skip
CONSTANTS = {"pi": float(np.pi), "e": float(np.e)}
TRUTH = {"TRUE": "True", "FALSE": "False"}
ELSEWHERE = {
    "as.factor": "write factor(x)",
    "as.character": "write factor(x)",
    "as.numeric": "convert the column in the data with pd.to_numeric",
    "as.integer": "convert the column in the data with pd.to_numeric",
    "ordered": "make the column an ordered pd.Categorical in the data",
    "relevel": "C(x, contr.treatment('b')) makes 'b' the baseline",
    "cut": "cut the column in the data with pd.cut",
    "interaction": "write f:g",
    "c": "write cbind(successes, failures) for a response, [1, 2] for several numbers",
    "ln": "write log(x), the natural logarithm",
    "Error": "write the strata of Error(block/trt) as random terms, (1 | block/trt)",
    "s": "write bs(x, df=5) for a curve",
    "te": "write bs(x, df=4) * bs(z, df=4) for a surface",
    "ns": "write cr(x, df=4), a natural cubic spline",
    "rcs": "write cr(x, df=4), a natural cubic spline",
}
"""What to write for functions of R that formulas do not have."""


def _identity(values: Any) -> Any:
    return values


def _log(values: Any, base: Any = None) -> Any:
    """The natural logarithm, or that to a base, as R's ``log(x, 2)``."""
    return np.log(values) if base is None else np.log(values) / np.log(base)


def _clip(values: Any, min: Any = None, max: Any = None) -> Any:
    return np.clip(values, min, max)  # keywords of these names are younger than numpy 2.1


def functions() -> dict[str, Callable[..., Any]]:
    """The row-by-row functions a formula may call, by name."""
    found: dict[str, Callable[..., Any]] = {"I": _identity}
    for name in ELEMENTWISE:
        found[name] = found[f"np.{name}"] = getattr(np, name)
    for r_name, name in _R_NAMES.items():
        found[r_name] = getattr(np, name)
    return found | {"log": _log, "clip": _clip, "np.clip": _clip}


FUNCTIONS = functions()
_ARGUMENTS = {
    "I": ("x",), "log": ("x", "base"), "round": ("x", "decimals"), "clip": ("x", "min", "max"),
    "where": ("condition", "x", "y"),
}  # fmt: skip
"""Arguments of what is no ufunc.  The rest of numpy's (``out`` writes into the data) are shut."""


def arguments(name: str) -> tuple[str, ...]:
    """Names of the arguments of a row-by-row function."""
    function = FUNCTIONS[name]
    if isinstance(function, np.ufunc):
        return ("x", "y")[: function.nin]
    return _ARGUMENTS[_R_NAMES.get(name, name.removeprefix("np."))]
