"""General linear hypotheses on coefficients, by matrix or by text, tested simultaneously.

Hothorn, Bretz & Westfall (2008, Biometrical Journal 50:346-363).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._types import FloatArray, Seed
from glmmlab.errors import FormulaError, GlmmlabError, UnknownNameError
from glmmlab.inference.adjust import canonical
from glmmlab.inference.contrast_table import Contrasts
from glmmlab.inference.linear import DegreesOfFreedom, Families, LinearEstimates
from glmmlab.inference.model_parts import default_df, linear_part
from glmmlab.inference.wald import WaldTest

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

_NUMBER = re.compile(r"\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, repr=False, eq=False)
class Hypotheses(Contrasts):
    """Linear hypotheses K b = m with simultaneous tests and intervals.

    The frame has ``contrast, estimate`` (of K b)``, se, df, null, statistic, p``.
    """

    rhs: tuple[float, ...] = ()

    def joint_test(self, null: float = 0.0) -> WaldTest:
        """Test all hypotheses at once (with `null`, K b - m = null)."""
        test = super().joint_test(null)
        if null:
            return test
        return replace(test, hypothesis=f"all {len(self)} {self.quantity.lower()} hold")

    def _base_frame(self) -> pd.DataFrame:
        # `linear` holds K b - m, so that tests and joint tests are against zero
        frame = super()._base_frame()
        frame["estimate"] += np.array(self.rhs)
        return frame

    def _interval_frame(
        self, level: float, adjust: str, side: str, seed: Seed
    ) -> tuple[pd.DataFrame, tuple[str, ...]]:
        frame, notes = super()._interval_frame(level, adjust, side, seed)
        frame["lower"] += np.array(self.rhs)
        frame["upper"] += np.array(self.rhs)
        return frame, notes

    def _test_frame(
        self, adjust: str, null: float, delta: float, side: str, seed: Seed
    ) -> tuple[pd.DataFrame, tuple[str, ...]]:
        frame, notes = super()._test_frame(adjust, null, delta, side, seed)
        frame = frame.drop(columns="null", errors="ignore")
        position = list(frame.columns).index("statistic")
        frame.insert(position, "null", np.array(self.rhs) + null)
        return frame, notes


def linear_hypotheses(
    estimate: Estimate,
    hypotheses: str | Sequence[str] | Mapping[str, str] | pd.DataFrame | ArrayLike,
    rhs: float | Sequence[float] | None = None,
    component: str = "conditional",
    adjust: str = "mvt",
    level: float = 0.95,
    df: DegreesOfFreedom | None = None,
    cov: FloatArray | None = None,
    seed: Seed = 0,
) -> Hypotheses:
    """Test linear combinations of coefficients, all at once.

    Parameters
    ----------
    estimate : Estimate
    hypotheses : str, list, mapping, DataFrame or ndarray
        Text such as ``"extract[T.cucumber] - gen[T.O75] = 0"`` (coefficient names, numbers,
        ``+ - * / ( )`` and at most one ``=``), several of them, or a mapping from labels to
        them; or a matrix K, as an array (m, p) in the order of the coefficients or a frame
        whose columns are coefficient names (missing ones are 0).
    rhs : float or sequence, optional
        Hypothesised values when K is a matrix; 0 by default.
    component : str
        ``conditional``, ``zero_inflation`` or ``dispersion``.
    adjust : str
        ``mvt`` (multcomp's single-step), ``free``, ``westfall``, ``shaffer`` (its step-down
        methods), or any other adjustment.
    level : float
        Of the simultaneous intervals of ``.confint()``.
    df, cov
        As in :func:`glmmlab.inference.emmeans.emmeans`.
    seed : int, Generator or None
        Of the multivariate t integration.

    Returns
    -------
    Hypotheses
        ``.frame``, ``.confint()``, ``.joint_test()``.

    Raises
    ------
    FormulaError
        Text that cannot be read or names no coefficient; the position is shown.
    GlmmlabError
        A matrix of the wrong width.

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    >>> tested = fit.test_hypotheses("extract[T.cucumber] - gen[T.O75] = 0")
    >>> tested.frame[["estimate", "se", "null"]].round(4)
       estimate      se  null
    0     0.686  0.2106   0.0
    """
    part = linear_part(estimate, component, cov)
    labels, K, values = _matrix(hypotheses, part.fixed.names, rhs)
    degrees = df if df is not None else default_df(estimate, component)
    linear = LinearEstimates(
        pd.DataFrame({"contrast": labels}), K, part.params, part.cov, -values, degrees,
        part.null_basis, part.runaway,
    )  # fmt: skip
    return Hypotheses(
        linear, ("contrast",), (), None, "link", level, (), "Linear hypotheses",
        scale_name=part.scale_name, families=Families(), adjust=canonical(adjust), seed=seed,
        rhs=tuple(values.tolist()),
    )  # fmt: skip


def _matrix(
    hypotheses: Any, names: Sequence[str], rhs: Any
) -> tuple[list[str], FloatArray, FloatArray]:
    """Labels, K and m."""
    if isinstance(hypotheses, (str, Mapping)) or _is_texts(hypotheses):
        if rhs is not None:
            raise UnknownNameError(
                f"rhs={rhs!r} goes with a matrix; write the value into the text, as in 'x = 1'."
            )
        if isinstance(hypotheses, Mapping):
            texts = dict(hypotheses)
        else:
            listed = [hypotheses] if isinstance(hypotheses, str) else list(hypotheses)
            texts = {text.strip(): text for text in listed}
        parsed = [parse_hypothesis(text, names) for text in texts.values()]
        K = np.array([row for row, _ in parsed])
        return list(texts), K, np.array([value for _, value in parsed])
    if isinstance(hypotheses, pd.DataFrame):
        unknown = [c for c in hypotheses.columns if c not in names]
        if unknown:
            raise FormulaError(f"{unknown[0]!r} is not a coefficient; they are {', '.join(names)}.")
        K = hypotheses.reindex(columns=list(names), fill_value=0.0).to_numpy(float)
        labels = [str(label) for label in hypotheses.index]
    else:
        K = np.atleast_2d(np.asarray(hypotheses, float))
        labels = [f"hypothesis {i + 1}" for i in range(len(K))]
    if K.shape[1] != len(names):
        raise GlmmlabError(
            f"The matrix of hypotheses has {K.shape[1]} columns for {len(names)} coefficients "
            f"({', '.join(names)})."
        )
    values = np.broadcast_to(np.asarray(0.0 if rhs is None else rhs, float), (len(K),))
    if not np.isfinite(K).all() or not np.isfinite(values).all():
        raise GlmmlabError(
            "The hypotheses have coefficients or values that are not finite numbers."
        )
    if not (K != 0).any(axis=1).all():
        empty = labels[int(np.argmin((K != 0).any(axis=1)))]
        raise GlmmlabError(f"{empty!r} has no coefficient that is not zero: it says nothing.")
    return labels, K, values.astype(float)


def _is_texts(hypotheses: Any) -> bool:
    return isinstance(hypotheses, (list, tuple)) and all(isinstance(h, str) for h in hypotheses)


# --------------------------------------------------------------------- hypotheses as text


def parse_hypothesis(text: str, names: Sequence[str]) -> tuple[FloatArray, float]:
    """``"2 * x - y = 1"`` as (coefficients, right-hand side); without ``=`` the latter is 0.

    >>> parse_hypothesis("2 * x - (y + 1) = 0", ["x", "y"])
    (array([ 2., -1.]), 1.0)
    """
    left, equals, right = _split_equation(text, names)
    total = _Parser(left, names, text).whole()
    if equals:
        total = total - _Parser(right, names, text).whole()
    row, constant = total[:-1], float(total[-1])
    if not row.any():
        raise FormulaError(f"The hypothesis {text!r} names no coefficient.")
    return row, -constant + 0.0


def _split_equation(text: str, names: Sequence[str]) -> tuple[str, bool, str]:
    """Cut at an ``=`` that is not part of a coefficient's name."""
    guarded = text
    for name in sorted(names, key=len, reverse=True):
        guarded = guarded.replace(name, "\0" * len(name))
    if "<" in guarded or ">" in guarded:
        raise FormulaError(
            f"The hypothesis {text!r} is one-sided: write it with '=', and say the side when it "
            "is tested, .test(side='greater') or .confint(side='less')."
        )
    position = guarded.find("=")
    if position < 0:
        return text, False, ""
    stop = position + (2 if guarded[position : position + 2] == "==" else 1)
    return text[:position], True, text[stop:]


class _Parser:
    """Sums and products of numbers and coefficient names, as vectors (coefficients, constant)."""

    def __init__(self, text: str, names: Sequence[str], whole: str) -> None:
        self.text, self.source, self.at = text, whole, 0
        self.names = sorted(names, key=len, reverse=True)  # the longest name first
        self.index = {name: i for i, name in enumerate(names)}
        self.size = len(names) + 1

    def whole(self) -> FloatArray:
        value = self.total()
        if self._peek():
            self._fail("an operator is expected")
        return value

    def total(self) -> FloatArray:
        value = self.product()
        while self._peek() in ("+", "-"):
            sign = 1.0 if self._take() == "+" else -1.0
            value = value + sign * self.product()
        return value

    def product(self) -> FloatArray:
        value = self.factor()
        while self._peek() in ("*", "/"):
            operator, other = self._take(), self.factor()
            if operator == "/":
                if other[:-1].any() or other[-1] == 0:
                    self._fail("only division by a number is linear")
                value = value / other[-1]
            elif other[:-1].any() and value[:-1].any():
                self._fail("a product of two coefficients is not linear")
            elif other[:-1].any():
                value = value[-1] * other
            else:
                value = value * other[-1]
        return value

    def factor(self) -> FloatArray:
        char = self._peek()
        if char in ("+", "-"):
            return (1.0 if self._take() == "+" else -1.0) * self.factor()
        value = np.zeros(self.size)
        for name in self.names:
            if self.text.startswith(name, self.at):
                self.at += len(name)
                value[self.index[name]] = 1.0
                return value
        if match := _NUMBER.match(self.text, self.at):
            self.at = match.end()
            value[-1] = float(match.group())
            return value
        if char == "(":
            self._take()
            value = self.total()
            if self._peek() != ")":
                self._fail("a closing parenthesis is missing")
            self._take()
            return value
        self._fail("a coefficient's name or a number is expected")
        return value

    def _peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        char = self._peek()
        self.at += 1
        return char

    def _fail(self, why: str) -> None:
        rest = self.text[self.at :].strip() or "its end"
        raise FormulaError(
            f"In the hypothesis {self.source!r}, at {rest!r}: {why}. Coefficients are "
            f"{', '.join(self.index)}."
        )
