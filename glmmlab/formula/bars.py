"""Split a model formula into response, fixed part, offsets and random terms.

The bars of random terms are read here; what stands between them is formula algebra
(:mod:`glmmlab.formula.algebra`) over factors (:mod:`glmmlab.formula.factors`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from glmmlab.formula.algebra import expand
from glmmlab.formula.expressions import Expression, expression
from glmmlab.formula.tokens import (
    Token,
    closing,
    formula_error,
    source,
    split,
    tokenize,
)

_SIGNS = frozenset({"+", "-"})
_BARS = frozenset({"|", "||"})
_STRUCTURES = frozenset(
    {"us", "diag", "ar1", "cs", "homcs", "ou", "exp", "gau", "mat", "toep", "rr"}
)


@dataclass(frozen=True)
class RandomSpec:
    """One random term: ``lhs`` varies over the levels of ``group``.

    ``group`` is a column, or columns joined by ``:``; ``group_columns`` lists them.
    """

    text: str
    lhs: str
    group: str
    double_bar: bool
    group_columns: tuple[str, ...]


@dataclass(frozen=True)
class ParsedFormula:
    """A model formula in its parts; every part is formula text again."""

    text: str
    response: str
    fixed: str
    random: tuple[RandomSpec, ...]
    offsets: tuple[str, ...]


@lru_cache(maxsize=256)
def parse(text: str) -> ParsedFormula:
    """Read a model formula such as ``y ~ x + offset(log(t)) + (x | a / b)``.

    Parameters
    ----------
    text : str
        Random terms are ``(lhs | group)`` or ``(lhs || group)`` (no correlations); the group is a
        column, ``a:b`` or ``a/b``, which stands for two terms, ``a`` and ``a:b``.

    Returns
    -------
    ParsedFormula

    Raises
    ------
    FormulaError
        With the place of the mistake.

    Examples
    --------
    >>> parsed = parse("strength ~ 1 + (1 | batch/cask)")
    >>> parsed.fixed, [term.text for term in parsed.random]
    ('1', ['(1 | batch)', '(1 | batch:cask)'])
    >>> parse("y ~ x + offset(log(t)) + (x || g)").offsets
    ('log(t)',)
    """
    tokens = tokenize(text)
    sides = split(tokens, frozenset({"~"}))
    if len(sides) != 2:
        problem = "has no '~'" if len(sides) == 1 else "has more than one '~'"
        position = sides[2][0].position if len(sides) > 2 else None
        raise formula_error(
            f"the formula {problem}: write response ~ terms, as in y ~ x + (1 | g)", text, position
        )
    left, right = sides[0], sides[1][1:]
    if not left:
        raise formula_error("the formula has no response before '~'", text, 0)
    _refuse_bars(left, text, "the response cannot hold a random term")
    _left_side(left, text)
    if not right:
        raise formula_error(
            "nothing follows '~': write y ~ 1 for a model of the mean", text, len(text)
        )
    fixed, offsets, random = _right_side(right, text)
    return ParsedFormula(text, source(left), fixed, random, offsets)


@lru_cache(maxsize=256)
def response_expressions(text: str) -> tuple[Expression, ...]:
    """The expressions of a response: two for ``cbind(a, b)``, otherwise one.

    Examples
    --------
    >>> [e.name for e in response_expressions("cbind(germ, n - germ)")]
    ['germ', 'n - germ']
    """
    return _left_side(tokenize(text), text)


def _left_side(tokens: Sequence[Token], text: str) -> tuple[Expression, ...]:
    if len(tokens) < 2 or tokens[0].text != "cbind" or tokens[1].op != "(":
        return (expression(source(tokens), text, tokens[0].position if tokens else 0),)
    end = closing(tokens, 1)
    if end != len(tokens) - 1:
        raise formula_error("cbind() stands alone", text, tokens[end + 1].position)
    pieces = split(tokens[2:-1], frozenset({","}))
    arguments = [pieces[0], *(piece[1:] for piece in pieces[1:])]
    if any(not argument for argument in arguments):
        raise formula_error("an argument of cbind() is missing", text, tokens[0].position)
    if len(arguments) != 2:
        raise formula_error(
            "cbind() takes two columns: successes and failures", text, tokens[0].position
        )
    return tuple(expression(source(a), text, a[0].position) for a in arguments)


@lru_cache(maxsize=256)
def parse_part(text: str) -> tuple[str, tuple[str, ...]]:
    """Fixed terms and offsets of a one-sided formula, ``"~ x"`` or ``"x"``.

    Examples
    --------
    >>> parse_part("~ x + offset(log(t))")
    ('x', ('log(t)',))
    """
    tokens = tokenize(text)
    if tokens and tokens[0].op == "~":
        tokens = tokens[1:]
    for token in tokens:
        if token.op == "~":
            raise formula_error("a one-sided formula has no response", text, token.position)
    if not tokens:
        raise formula_error("the formula is empty: write ~ 1 for a constant", text, None)
    fixed, offsets, random = _right_side(tokens, text)
    if random:
        raise formula_error(
            f"random terms such as {random[0].text} belong in the main formula", text, None
        )
    return fixed, offsets


def _right_side(
    tokens: Sequence[Token], text: str
) -> tuple[str, tuple[str, ...], tuple[RandomSpec, ...]]:
    fixed: list[Token] = []
    offsets: list[str] = []
    random: list[RandomSpec] = []
    _sort_terms(tokens, text, fixed, offsets, random)
    if not fixed:
        return "1", tuple(offsets), tuple(random)
    expand(fixed, text)
    return source(_without_leading_plus(fixed)), tuple(offsets), tuple(random)


def _without_leading_plus(tokens: list[Token]) -> list[Token]:
    return tokens[1:] if tokens[0].op == "+" else tokens


def _sort_terms(
    tokens: Sequence[Token],
    text: str,
    fixed: list[Token],
    offsets: list[str],
    random: list[RandomSpec],
) -> None:
    """Deal the terms of a sum into the three lists."""
    bar = _top_level_bar(tokens)
    if bar is not None:
        raise formula_error("put a random term in brackets: (1 | g)", text, bar.position)
    for number, piece in enumerate(split(tokens, _SIGNS)):
        signed = bool(piece) and piece[0].op in _SIGNS
        body = piece[1:] if signed else piece
        if not body:
            if number == 0 and not piece and len(tokens):
                continue  # the formula starts with a sign
            _missing_term(piece, tokens, text)
        minus = signed and piece[0].op == "-"
        if _is_offset(body):
            if minus:
                raise formula_error("an offset can only be added", text, piece[0].position)
            offsets.append(_offset_argument(body, text))
        elif not _has_bar(body):
            _refuse_inner_offset(body, text)
            fixed.extend(piece if signed else [Token("op", "+", body[0].position), *body])
        elif minus:
            raise formula_error(
                "a random term can only be added: leave it out instead", text, piece[0].position
            )
        else:
            _bracketed(body, text, fixed, offsets, random)


def _missing_term(piece: Sequence[Token], tokens: Sequence[Token], text: str) -> None:
    position = piece[0].position if piece else (tokens[0].position if tokens else len(text))
    raise formula_error("a term is missing here", text, position)


def _bracketed(
    body: Sequence[Token],
    text: str,
    fixed: list[Token],
    offsets: list[str],
    random: list[RandomSpec],
) -> None:
    """A piece with a bar in it: ``(x | g)``, or brackets around a sum that holds one."""
    if body[0].op == "(" and closing(body, 0) == len(body) - 1:
        inner = body[1:-1]
        if _top_level_bar(inner) is not None:
            random.extend(_random_terms(inner, text))
        else:
            _sort_terms(inner, text, fixed, offsets, random)
        return
    bar = next(token for token in body if token.op in _BARS)
    if len(body) > 1 and body[0].text in _STRUCTURES and body[1].op == "(":
        raise formula_error(
            f"the covariance structure {body[0].text}(...) is not available; (x | g) has an "
            "unstructured and (x || g) a diagonal covariance",
            text,
            body[0].position,
        )
    raise formula_error(
        "a random term stands in brackets of its own and is added with '+'", text, bar.position
    )


def _random_terms(tokens: Sequence[Token], text: str) -> list[RandomSpec]:
    pieces = split(tokens, _BARS)
    if len(pieces) > 2:
        raise formula_error("a random term has one bar", text, pieces[2][0].position)
    lhs, bar, group = pieces[0], pieces[1][0], pieces[1][1:]
    if not lhs:
        raise formula_error("nothing varies in this random term: write (1 | g)", text, bar.position)
    if not group:
        raise formula_error(
            "the random term has no grouping factor: write (1 | g)", text, bar.position
        )
    _refuse_bars(lhs, text, "a random term cannot hold another one")
    _refuse_bars(group, text, "a random term cannot hold another one")
    _refuse_inner_offset(lhs, text)
    expand(lhs, text)
    groups = _groups(group, text)
    left = source(lhs)
    joined = [":".join(_quoted(name) for name in names) for names in groups]
    return [
        RandomSpec(f"({left} {bar.text} {name})", left, name, bar.op == "||", columns)
        for name, columns in zip(joined, groups, strict=True)
    ]


def _quoted(name: str) -> str:
    """A column in a group's name; one that holds a colon keeps its backticks."""
    return f"`{name}`" if ":" in name else name


def _groups(tokens: Sequence[Token], text: str) -> list[tuple[str, ...]]:
    """Expand ``a/b:c`` to the column tuples (a,), (a, b, c)."""
    expanded: list[tuple[str, ...]] = []
    for body in _between(tokens, "/", text):
        outer = expanded[-1] if expanded else ()
        for columns in _nested(body, text):
            expanded.append(tuple(dict.fromkeys((*outer, *columns))))
    return expanded


def _between(tokens: Sequence[Token], operator: str, text: str) -> Iterator[Sequence[Token]]:
    """What stands between the operators of a grouping expression; an error for nothing."""
    for piece in split(tokens, frozenset({operator})):
        body = piece[1:] if piece and piece[0].op == operator else piece
        if not body:
            at = piece[0].position if piece else tokens[0].position
            raise formula_error("a grouping factor is missing here", text, at)
        yield body


def _nested(tokens: Sequence[Token], text: str) -> list[tuple[str, ...]]:
    """Columns joined by ``:``, or a bracket that holds a whole grouping expression."""
    if tokens[0].op == "(" and closing(tokens, 0) == len(tokens) - 1:
        if len(tokens) == 2:
            raise formula_error("a grouping factor is missing here", text, tokens[0].position)
        return _groups(tokens[1:-1], text)
    columns: list[str] = []
    for body in _between(tokens, ":", text):
        columns.append(_group_column(body, text))
    return [tuple(dict.fromkeys(columns))]


def _group_column(tokens: Sequence[Token], text: str) -> str:
    first = tokens[0]
    if len(tokens) == 1 and first.kind == "name":
        return first.text
    wrapped = len(tokens) == 4 and tokens[1].op == "(" and tokens[2].kind == "name"
    if wrapped and first.kind == "name" and first.text in ("C", "factor"):
        return tokens[2].text  # grouping columns are labels anyway
    raise formula_error(
        "a grouping factor is a column, a:b or a/b; compute other groups as a column first",
        text,
        first.position,
    )


def _has_bar(tokens: Sequence[Token]) -> bool:
    return any(token.op in _BARS for token in tokens)


def _top_level_bar(tokens: Sequence[Token]) -> Token | None:
    pieces = split(tokens, _BARS)
    return pieces[1][0] if len(pieces) > 1 else None


def _refuse_bars(tokens: Sequence[Token], text: str, message: str) -> None:
    for token in tokens:
        if token.op in _BARS:
            raise formula_error(message, text, token.position)


def _is_offset(tokens: Sequence[Token]) -> bool:
    return (
        len(tokens) > 1
        and tokens[0].kind == "name"
        and tokens[0].text == "offset"
        and not tokens[0].quoted
        and tokens[1].op == "("
        and closing(tokens, 1) == len(tokens) - 1
    )


def _offset_argument(tokens: Sequence[Token], text: str) -> str:
    inner = tokens[2:-1]
    if not inner:
        raise formula_error(
            "offset() needs a column, as in offset(log(t))", text, tokens[0].position
        )
    comma = split(inner, frozenset({","}))
    if len(comma) > 1:
        raise formula_error("offset() takes one argument", text, comma[1][0].position)
    _refuse_bars(inner, text, "an offset cannot hold a random term")
    expression(source(inner), text, inner[0].position)
    return source(inner)


def _refuse_inner_offset(tokens: Sequence[Token], text: str) -> None:
    for token, following in pairwise(tokens):
        if token.kind == "name" and token.text == "offset" and following.op == "(":
            raise formula_error(
                "an offset is added with '+' and stands alone", text, token.position
            )


__all__ = ["ParsedFormula", "RandomSpec", "parse", "parse_part"]
