"""The left side of a formula as invertible steps: ``log(y + 1/2)`` is a shift, then a logarithm."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.errors import FormulaError
from glmmlab.formula.bars import response_expressions
from glmmlab.formula.expressions import Expression

Undo = Callable[[int, FloatArray], FloatArray]

EDGE = 1e-12
"""How far a linear predictor may lie beyond a value that is attained, sqrt(0) = 0 say."""


@dataclass(frozen=True)
class Step:
    """A strictly monotone function and how it is undone.

    Attributes
    ----------
    kind : {"line", "log", "exp", "power", "arcsin", "odds"}
    forward : callable
        The function.
    undo : callable
        Its inverse (order 0) and the inverse's first and second derivative.
    lower, upper : float
        The inverse is defined strictly between them.
    factor : float
        Of a line, its slope.
    """

    kind: str
    forward: Callable[[FloatArray], FloatArray]
    undo: Undo
    lower: float = -np.inf
    upper: float = np.inf
    factor: float = 1.0


# The functions below stand in the module, bound by partial: tables that hold them can be pickled.


def _line(factor: float, shift: float, u: FloatArray) -> FloatArray:
    return factor * u + shift


def _undo_line(factor: float, shift: float, order: int, v: FloatArray) -> FloatArray:
    return ((v - shift) / factor, 1 / factor + 0 * v, 0 * v)[order]


def _log(u: FloatArray) -> FloatArray:
    return np.log(np.maximum(u, 0.0))


def _undo_log(order: int, v: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):  # a mean beyond the largest float is infinite
        return np.exp(v)


def _undo_exp(order: int, v: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.log(v), 1 / v, -1 / v**2)[order]


def _power(exponent: float, u: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", over="ignore"):
        return np.maximum(u, 0.0) ** exponent


def _undo_power(exponent: float, order: int, v: FloatArray) -> FloatArray:
    q = 1 / exponent
    q = float(round(q)) if abs(q - round(q)) < 1e-12 else q  # y^(1/3)
    factor = (1.0, q, q * (q - 1))[order]
    return factor * _power(q - order, v) if factor else 0 * v


def _arcsin(u: FloatArray) -> FloatArray:
    return np.arcsin(np.clip(u, -1.0, 1.0))


def _undo_arcsin(order: int, v: FloatArray) -> FloatArray:
    return (np.sin(v), np.cos(v), -np.sin(v))[order]


def _odds(whole: float, u: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.where(np.isneginf(u), -1.0, u / (whole - u))
        return np.where(u < whole, odds, np.inf)


def _undo_odds(whole: float, order: int, v: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.isinf(v), 1.0, v / (1 + v))
        return whole * (share, 1 / (1 + v) ** 2, -2 / (1 + v) ** 3)[order]


def _straight(factor: float, shift: float = 0.0) -> Step:
    return Step("line", partial(_line, factor, shift), partial(_undo_line, factor, shift),
                factor=factor)  # fmt: skip


def _logarithm() -> Step:
    return Step("log", _log, _undo_log)


def _raised(exponent: float) -> Step:
    lower = -EDGE if exponent > 0 else 0.0
    return Step("power", partial(_power, exponent), partial(_undo_power, exponent), lower)


def _sine() -> Step:
    edge = np.pi / 2 + EDGE
    return Step("arcsin", _arcsin, _undo_arcsin, -edge, edge)


_NO_STEP: tuple[Step, ...] = ()
_BASES = {"log": float(np.e), "log2": 2.0, "log10": 10.0}
_POWERS = {"sqrt": 0.5, "cbrt": 1 / 3, "square": 2.0}


@dataclass(frozen=True)
class LeftSide:
    """The response's expression, taken apart.

    Attributes
    ----------
    steps : tuple of Step
        What was done to `inner`, the outermost first.
    inner : str
        What remains when all steps are undone: a column, or columns in plain arithmetic.
    of_log : str
        Argument of the outermost logarithm, multiples of it left out; "" without one.
    plain : bool
        Whether the response as it stands is on the scale of the data: columns in arithmetic.
    """

    steps: tuple[Step, ...]
    inner: str
    of_log: str
    plain: bool


def left_side(text: str) -> LeftSide:
    """Take a response apart.

    Examples
    --------
    >>> left_side("log(leaf.area + 1/2)").inner
    'leaf.area'
    >>> [step.kind for step in left_side("asin(sqrt(y/40))").steps]
    ['arcsin', 'power', 'line']
    >>> left_side("sin(y)").steps, left_side("sin(y)").plain
    ((), False)
    """
    parts = response_expressions(text)
    if len(parts) != 1 or parts[0].stateful or parts[0].category is not None:
        return LeftSide(_NO_STEP, text, "", True)
    return _Reader(parts[0]).read()


class _Reader:
    """Takes one expression apart, from the outside."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def read(self) -> LeftSide:
        """Undo what can be undone; all or nothing."""
        node = ast.parse(self.expression.code, mode="eval").body
        steps: list[Step] = []
        of_log, plain = "", _arithmetic(node)
        while found := self._peel(node):
            outer, node = found
            steps += outer
            if not of_log and any(step.kind == "log" for step in outer):
                of_log = self._without_multiples(node, outer)
        straight = all(step.kind == "line" for step in steps)
        several = len(_columns(node)) > 1
        plain = plain and (several or (straight and isinstance(node, ast.Name)))
        known = isinstance(node, ast.Name) or (several and _arithmetic(node))
        if straight or not known:
            return LeftSide(_NO_STEP, self.expression.name, "", plain)
        return LeftSide(tuple(steps), self._text(node), of_log, plain)

    def _peel(self, node: ast.expr) -> tuple[tuple[Step, ...], ast.expr] | None:
        """The outermost function (as steps) and what it is a function of."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
            return (_straight(sign),), node.operand
        if isinstance(node, ast.BinOp):
            return self._peel_arithmetic(node)
        if isinstance(node, ast.Call):
            return self._peel_call(node)
        return None

    def _peel_arithmetic(self, node: ast.BinOp) -> tuple[tuple[Step, ...], ast.expr] | None:
        left, right = self._constant(node.left), self._constant(node.right)
        if left is not None and right is None:
            return _first_constant(node.op, left, node.right)
        if right is not None and left is None:
            return _second_constant(node.op, right, node.left)
        return self._peel_odds(node)

    def _peel_odds(self, node: ast.BinOp) -> tuple[tuple[Step, ...], ast.expr] | None:
        """``p / (1 - p)``."""
        below = node.right
        if not (isinstance(node.op, ast.Div) and isinstance(below, ast.BinOp)):
            return None
        whole = self._constant(below.left) if isinstance(below.op, ast.Sub) else None
        if whole is None or whole <= 0 or ast.dump(below.right) != ast.dump(node.left):
            return None
        odds = Step("odds", partial(_odds, whole), partial(_undo_odds, whole), -1.0)
        return (odds,), node.left

    def _peel_call(self, node: ast.Call) -> tuple[tuple[Step, ...], ast.expr] | None:
        name = _called(node)
        inner, *arguments = [*node.args, *(k.value for k in node.keywords)]
        if name == "log" and len(arguments) == 1:
            base = self._constant(arguments[0])
            if base is None or base <= 0 or base == 1:
                return None
            return (_straight(1 / float(np.log(base))), _logarithm()), inner
        steps = _steps_of_call(name)
        return None if arguments or steps is None else (steps, inner)

    def _constant(self, node: ast.expr) -> float | None:
        """The value of what uses no column, by the formula's own arithmetic."""
        if _columns(node):
            return None
        alone = replace(self.expression, columns=(), code=ast.unparse(node))
        try:
            value = float(alone.evaluate({}))
        except (FormulaError, TypeError, ValueError, OverflowError):
            return None
        return value if np.isfinite(value) else None

    def _without_multiples(self, node: ast.expr, outer: tuple[Step, ...]) -> str:
        """The argument of a logarithm as text; ratios of 2 y are ratios of y."""
        shifted = any(step.kind == "line" for step in outer[-1:])  # log1p
        while not shifted and (found := self._peel(node)):
            steps, inner = found
            if [step.kind for step in steps] != ["line"] or steps[0].factor <= 0:
                break
            if steps[0].forward(np.zeros(1))[0] != 0:
                break
            node = inner
        return f"{self._text(node)} + 1" if shifted else self._text(node)

    def _text(self, node: ast.expr) -> str:
        """Part of the expression with the columns' own names."""
        text = re.sub(r"_f\['([\w.]+)'\]", r"\1", ast.unparse(node))
        return re.sub(r"\b_(\d+)\b", lambda found: self._name(int(found[1])), text)

    def _name(self, number: int) -> str:
        name = self.expression.columns[number]
        return name if name.replace(".", "_").isidentifier() else f"`{name}`"


def _called(node: ast.Call) -> str:
    """Name of the function, its ``np.`` taken off."""
    return re.sub(r"_f\['(?:np\.)?(\w+)'\]", r"\1", ast.unparse(node.func))


def _columns(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id != "_f"}


def _arithmetic(node: ast.expr) -> bool:
    """Whether columns are added, subtracted, multiplied or divided, and no more."""
    if isinstance(node, ast.BinOp):
        known = isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)) or not _columns(node)
        return known and _arithmetic(node.left) and _arithmetic(node.right)
    if isinstance(node, ast.UnaryOp):
        return _arithmetic(node.operand)
    if isinstance(node, ast.Call):
        return not _columns(node) or (_called(node) == "I" and _arithmetic(node.args[0]))
    return isinstance(node, (ast.Name, ast.Constant))


def _steps_of_call(name: str) -> tuple[Step, ...] | None:
    """What a function of one argument does; None for those that are not undone."""
    if name in _BASES:
        rate = float(np.log(_BASES[name]))
        return (_logarithm(),) if name == "log" else (_straight(1 / rate), _logarithm())
    if name in _POWERS:
        return (_raised(_POWERS[name]),)
    if name == "log1p":
        return _logarithm(), _straight(1.0, 1.0)
    if name in ("exp", "expm1"):
        exponential = Step("exp", np.exp, _undo_exp, 0.0)
        return (exponential,) if name == "exp" else (_straight(1.0, -1.0), exponential)
    if name in ("asin", "arcsin"):
        return (_sine(),)
    return () if name == "I" else None


def _first_constant(
    op: ast.operator, c: float, inner: ast.expr
) -> tuple[tuple[Step, ...], ast.expr] | None:
    """``c + u``, ``c - u``, ``c * u``, ``c / u``."""
    if isinstance(op, ast.Add):
        return (_straight(1.0, c),), inner
    if isinstance(op, ast.Sub):
        return (_straight(-1.0, c),), inner
    if isinstance(op, ast.Mult) and c != 0:
        return (_straight(c),), inner
    if isinstance(op, ast.Div) and c != 0:
        return (_straight(c), _raised(-1.0)), inner
    return None


def _second_constant(
    op: ast.operator, c: float, inner: ast.expr
) -> tuple[tuple[Step, ...], ast.expr] | None:
    """``u + c``, ``u - c``, ``u * c``, ``u / c``, ``u ** c``."""
    if isinstance(op, (ast.Add, ast.Sub)):
        return (_straight(1.0, c if isinstance(op, ast.Add) else -c),), inner
    if isinstance(op, (ast.Mult, ast.Div)) and c != 0:
        return (_straight(c if isinstance(op, ast.Mult) else 1 / c),), inner
    if isinstance(op, ast.Pow) and c != 0:
        return (_straight(1.0) if c == 1 else _raised(c),), inner
    return None
