"""Expressions inside a formula: ``log(x)``, ``I(x^2)``, ``germ / n``, ``poly(x, 2)``.

An expression is checked when it is read (only columns, numbers, arithmetic and the functions of
`vocabulary`), so a formula can neither run other code nor compute something from the data at hand
that would not be the same on new data.  Functions that learn from the data (``poly``, ``scale``,
splines ...) are left to formulaic, which remembers what they learned.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import CodeType
from typing import Any

import numpy as np

from glmmlab.errors import FormulaError
from glmmlab.formula.labels import number_hint, quoted
from glmmlab.formula.tokens import Token, formula_error, tokenize
from glmmlab.formula.vocabulary import (
    CONSTANTS,
    CONTRASTS,
    ELEMENTWISE,
    ELSEWHERE,
    FUNCTIONS,
    NATURAL,
    OF_NUMBERS,
    STATEFUL,
    TRUTH,
    arguments,
)

_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Name, ast.Load, ast.Constant,
    ast.keyword, ast.List, ast.Tuple, ast.Attribute, ast.operator, ast.unaryop, ast.cmpop,
)  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """One factor, response or offset: its name, the columns it uses, and how to evaluate it.

    Attributes
    ----------
    name : str
        The expression as tidy text (formulaic's spelling); it names columns and terms.
    columns : tuple of str
        Data columns, in order of appearance.
    column : str or None
        The column when the expression is nothing else.
    category : str or None
        The column ``x`` of ``C(x)`` or ``factor(x)``.
    stateful : bool
        Whether formulaic has to evaluate it.
    """

    name: str
    columns: tuple[str, ...] = field(compare=False)
    column: str | None = field(compare=False, default=None)
    category: str | None = field(compare=False, default=None)
    stateful: bool = field(compare=False, default=False)
    code: str = ""

    def of_numbers(self) -> tuple[str, ...]:
        """Columns that stand alone in functions with memory of numbers, as ``x`` in ``bs(x)``."""
        first = (
            node.args[0]
            for node in ast.walk(ast.parse(self.code, mode="eval"))
            if isinstance(node, ast.Call) and _call_name(node) in OF_NUMBERS and node.args
        )
        names = (node.id for node in first if isinstance(node, ast.Name))
        return tuple(self.placeholders[name] for name in names if name in self.placeholders)

    @property
    def centred(self) -> str:
        """The code with natural splines without their constant, for models with an intercept."""
        return ast.unparse(_Centred().visit(ast.parse(self.code, mode="eval")))

    @property
    def top_call(self) -> str | None:
        """The function the whole expression is a call of, or None."""
        tree = ast.parse(self.code, mode="eval").body
        return _call_name(tree) if isinstance(tree, ast.Call) else None

    @cached_property
    def placeholders(self) -> dict[str, str]:
        """Safe variable names in ``code`` -> data columns."""
        return {f"_{number}": column for number, column in enumerate(self.columns)}

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Evaluate a stateless expression.

        Parameters
        ----------
        values : mapping
            Column name -> array.

        Raises
        ------
        FormulaError
            If the arithmetic fails, for example on text.

        Examples
        --------
        >>> import numpy as np
        >>> expression("I(x^2 + 1)").evaluate({"x": np.array([1.0, 2.0])})
        array([2., 5.])
        """
        if self.stateful:
            raise FormulaError(
                f"cannot compute {self.name}: functions that learn from the data (poly, center, "
                "bs, ...) belong to predictors"
            )
        namespace = {safe: values[column] for safe, column in self.placeholders.items()}
        try:
            with np.errstate(all="ignore"):
                return eval(_compiled(self.code), {"_f": FUNCTIONS}, namespace)  # checked by _read
        except (TypeError, ValueError, ArithmeticError, IndexError, NameError) as error:
            if said := _of_text(values):
                raise FormulaError(f"cannot compute {self.name}: {said}") from error
            raise FormulaError(
                f"cannot compute {self.name}: {error} (are its columns "
                f"{', '.join(self.columns) or '(none)'} numbers?)"
            ) from error


def _of_text(values: Mapping[str, Any]) -> str:
    """Why nothing can be computed with a column of text; empty if there is none."""
    for column, array in values.items():
        if np.asarray(array).dtype.kind == "O":
            labels = list(dict.fromkeys(value for value in array if isinstance(value, str)))
            hint = number_hint(labels, column)
            return f"column '{column}' holds text ({quoted(labels)}), not numbers" + (
                f"; {hint}" if hint else ""
            )
    return ""


@lru_cache(maxsize=1024)
def expression(text: str, formula: str | None = None, position: int = 0) -> Expression:
    """Read one expression.

    Raises
    ------
    FormulaError
        For a syntax error, or a function or construction that formulas do not have.

    Examples
    --------
    >>> expression("poly(x,2)").name
    'poly(x, 2)'
    >>> expression("`leaf area`").column, expression("germ/n").columns
    ('leaf area', ('germ', 'n'))
    """
    formula = text if formula is None else formula
    try:
        return _read(text)
    except _Refusal as refusal:
        raise formula_error(str(refusal), formula, position) from None
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, FormulaError):
            raise
        detail = error.msg if isinstance(error, SyntaxError) else str(error)
        raise formula_error(f"cannot read '{text}' ({detail})", formula, position) from None


class _Refusal(Exception):
    """Why an expression is not accepted (turned into a FormulaError with its position)."""


def _read(text: str) -> Expression:
    tokens = tokenize(text)
    if len(tokens) == 1 and tokens[0].kind == "name":
        name = tokens[0].text
        return Expression(name, (name,), column=name, code="_0")
    python, columns = _as_python(tokens)
    tree = ast.parse(python.strip(), mode="eval")
    if sum(1 for _ in ast.walk(tree)) > 500:
        raise _Refusal("the expression is too long")
    called: set[str] = set()
    _check(tree, called)
    stateful = bool(called & STATEFUL)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names = tuple(columns.values())
    if not used & set(columns):
        raise _Refusal(f"'{text}' uses no column")
    category = _plain_category(tree.body, columns)
    shown = _display(tree, columns)
    code = ast.unparse(tree if stateful else _Functions().visit(tree))
    return Expression(
        shown, names, category=category, stateful=stateful and category is None, code=code
    )


def _as_python(tokens: list[Token]) -> tuple[str, dict[str, str]]:
    """Python source in which columns are _0, _1, ...; and what those stand for."""
    columns: dict[str, str] = {}
    safe: dict[str, str] = {}
    pieces: list[str] = []
    for index, token in enumerate(tokens):
        following = tokens[index + 1].op if index + 1 < len(tokens) else ""
        if token.kind == "name" and not token.quoted and "." in token.text:
            _check_dotted(token.text, following)  # "as.factor(" is no Python
        if token.kind == "name" and (token.quoted or not _is_keyword(token, following)):
            if token.text not in safe:
                safe[token.text] = f"_{len(safe)}"
                columns[safe[token.text]] = token.text
            pieces.append(safe[token.text])
        elif token.kind == "name" and token.text in TRUTH:
            pieces.append(TRUTH[token.text])
        elif token.op == "^":
            pieces.append("**")
        elif token.op in ("~", "|", "||", "%in%", "{", "}"):
            raise _Refusal(f"'{token.text}' has no meaning inside an expression")
        else:
            pieces.append(token.text)
    return " ".join(pieces), columns


def _check_dotted(name: str, following: str) -> None:
    if following == "(":
        _check_function(name)
    elif following == "=":
        ends = name == "Boundary.knots"
        hint = "write lower_bound= and upper_bound=" if ends else "it is not available here"
        raise _Refusal(f"'{name}=' is an argument of R: {hint}")


def _is_keyword(token: Token, following: str) -> bool:
    """Whether a name is a function, an argument's name or a constant rather than a column."""
    if following in ("(", "=") or token.text in TRUTH or token.text in CONTRASTS:
        return True
    return token.text in ("True", "False", "None", "np.pi", "np.e", "pi")


def _check(tree: ast.AST, called: set[str]) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise _Refusal("only arithmetic, comparisons and function calls are possible here")
        if isinstance(node, ast.Call):
            name = _call_name(node)
            _check_function(name)
            if name in FUNCTIONS:
                _check_arguments(name, node)
            elif name in OF_NUMBERS:
                _check_constants(name, node)
            elif name == "C":
                _check_coding(node)
            if name in ("C", "factor") and node is not getattr(tree, "body", None):
                raise _Refusal(f"{name}() makes labels, with which nothing can be computed")
            called.add(name)
        elif isinstance(node, ast.Compare) and len(node.ops) > 1:
            raise _Refusal("for 'a < x < b' write logical_and(a < x, x < b)")
        elif isinstance(node, ast.Attribute) and ast.unparse(node) not in _ATTRIBUTES:
            raise _Refusal(f"'{ast.unparse(node)}' is not available in a formula")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            raise _Refusal("'@' is not available in a formula")


_ATTRIBUTES = frozenset({"np.pi", "np.e", *(f"np.{name}" for name in ELEMENTWISE), *CONTRASTS})


def _call_name(node: ast.Call) -> str:
    return ast.unparse(node.func)


def _check_function(name: str) -> None:
    if name in FUNCTIONS or name in STATEFUL or name == "factor":
        return
    if name in (
        "mean",
        "np.mean",
        "sd",
        "np.std",
        "median",
        "np.median",
        "np.max",
        "np.min",
        "sum",
    ):
        raise _Refusal(
            f"{name}() would be computed anew on new data: use center(x) or scale(x), which "
            "remember what they learned, or add the column to the data"
        )
    if name in ELSEWHERE:
        raise _Refusal(f"there is no function {name}() for formulas: {ELSEWHERE[name]}")
    known = [*FUNCTIONS, *STATEFUL, "factor", "offset"]
    near = difflib.get_close_matches(name, [k for k in known if not k.startswith("np.")], 1)
    hint = f"did you mean {near[0]}()? Otherwise add" if near else "add"
    raise _Refusal(f"there is no function {name}() for formulas: {hint} the column to the data")


def _check_arguments(name: str, node: ast.Call) -> None:
    known = arguments(name)
    wrong = [str(k.arg) for k in node.keywords if k.arg not in known]
    if wrong or len(node.args) + len(node.keywords) > len(known):
        said = f"has no argument '{wrong[0]}'" if wrong else f"takes {len(known)} and no more"
        raise _Refusal(f"{name}() {said}: write {name}({', '.join(known)})")


def _check_constants(name: str, node: ast.Call) -> None:
    """A function with memory takes one column; numbers, names and lists of them follow."""
    further = [*node.args[1:], *(k.value for k in node.keywords)]
    if any(_is_column(part) for argument in further for part in ast.walk(argument)):
        raise _Refusal(
            f"{name}() takes one column, then constants: write {name}(x, ...) + {name}(z, ...) for "
            "two columns (or * for their interaction)"
        )


def _check_coding(node: ast.Call) -> None:
    """The second argument of ``C()`` is a coding, not a level or a column."""
    codings = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "contrasts")]
    for coding in codings:
        if isinstance(coding, ast.Constant) or _is_column(coding):
            level = repr(coding.value) if isinstance(coding, ast.Constant) else "'b'"
            raise _Refusal(
                "the second argument of C() is a coding such as Sum: write "
                f"C(x, contr.treatment({level})) to make {level} the baseline"
            )


def _is_column(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id.removeprefix("_").isdigit()


def _plain_category(node: ast.expr, columns: Mapping[str, str]) -> str | None:
    if not isinstance(node, ast.Call) or _call_name(node) not in ("C", "factor"):
        return None
    plain = len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.Name)
    if plain:
        return columns[node.args[0].id]  # type: ignore[attr-defined]
    if _call_name(node) == "factor":
        raise _Refusal("factor() takes one column; set the levels' order in the data")
    return None


def _display(tree: ast.Expression, columns: Mapping[str, str]) -> str:
    """The expression as text with the columns' own names (``ast`` decides on the spacing)."""
    text = ast.unparse(tree).encode()  # ast counts offsets in bytes
    out, start = [], 0
    for node in sorted(
        (n for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)),
        key=lambda n: n.col_offset,
    ):
        if node.id in columns:
            name = columns[node.id]
            plain = name.replace(".", "_").isidentifier()
            out += [text[start : node.col_offset].decode(), name if plain else f"`{name}`"]
            start = node.end_col_offset or 0
    return "".join([*out, text[start:].decode()])


class _Centred(ast.NodeTransformer):
    """Adds ``constraints='center'`` to natural and cyclic splines that say nothing of it."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``cr(x, df=4)`` -> ``cr(x, df=4, constraints='center')``."""
        self.generic_visit(node)
        said = any(k.arg == "constraints" for k in node.keywords)
        if _call_name(node) in NATURAL and not said:
            node.keywords.append(ast.keyword("constraints", ast.Constant("center")))
        return node


class _Functions(ast.NodeTransformer):
    """Turns calls into look-ups in the table of functions, constants into numbers."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``log(x)`` -> ``_f['log'](x)``."""
        looked_up = ast.Subscript(
            ast.Name("_f", ast.Load()), ast.Constant(_call_name(node)), ast.Load()
        )
        arguments = [self.visit(argument) for argument in node.args]
        keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
        return ast.Call(looked_up, arguments, keywords)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """``np.pi`` -> its value."""
        return ast.Constant(CONSTANTS[node.attr]) if node.attr in CONSTANTS else node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """``pi`` -> its value."""
        return ast.Constant(CONSTANTS["pi"]) if node.id == "pi" else node


@lru_cache(maxsize=1024)
def _compiled(code: str) -> CodeType:
    return compile(code, "<formula>", "eval")
