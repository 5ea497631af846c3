"""Formula algebra: ``a * b - a:b`` to terms, each a tuple of factors (Wilkinson and Rogers 1973).

Operators by rising precedence: ``+ -``, then ``* /``, then ``%in%``, then ``:``, then ``^`` or
``**``.  Terms come out as in R: by order of interaction, then as they appear; inside a term the
factors stand in the order of their first appearance in the formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from glmmlab.formula.expressions import Expression, expression
from glmmlab.formula.tokens import Token, closing, formula_error, source, split, tokenize

Factors = tuple[Expression, ...]
_MAX_TERMS = 2000
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
    frozenset({"%in%"}),
    frozenset({":"}),
    frozenset({"^", "**"}),
)


@lru_cache(maxsize=512)
def terms(text: str) -> tuple[Factors, ...]:
    """Terms of a fixed part; the intercept is the empty tuple and comes first.

    Examples
    --------
    >>> [":".join(f.name for f in term) for term in terms("b:a + a + log(x)*b")]
    ['', 'a', 'log(x)', 'b', 'b:a', 'b:log(x)']
    >>> [":".join(f.name for f in term) for term in terms("0 + x")]
    ['x']
    """
    return expand(tokenize(text), text)


def expand(tokens: Sequence[Token], text: str) -> tuple[Factors, ...]:
    """Terms of tokens that are part of ``text``, which errors show with the place.

    Raises
    ------
    FormulaError
    """
    parser = _Parser(text)
    found = parser.expand(tokens)
    order = {factor: place for place, factor in enumerate(parser.seen)}
    sorted_terms = sorted(found, key=len)
    return tuple(tuple(sorted(term, key=order.__getitem__)) for term in sorted_terms)


def idle_powers(text: str) -> tuple[tuple[Expression, str], ...]:
    """Single factors with a power, which is the factor itself, and these powers.

    Examples
    --------
    >>> [(factor.name, power) for factor, power in idle_powers("x + x^2 + (a + b)^2")]
    [('x', '2')]
    """
    parser = _Parser(text)
    parser.expand(tokenize(text))
    return tuple(parser.idle)


class _Parser:
    """Expands one formula; ``seen`` lists its factors in order of first appearance."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.seen: dict[Expression, None] = {}
        self.idle: dict[tuple[Expression, str], None] = {}

    def expand(self, tokens: Sequence[Token]) -> list[frozenset[Expression]]:
        """All terms of a whole formula, the intercept included unless it is taken out."""
        intercept: dict[frozenset[Expression], None] = {frozenset(): None}
        return list(self._sum(tokens, intercept))

    def _sum(
        self, tokens: Sequence[Token], start: dict[frozenset[Expression], None]
    ) -> dict[frozenset[Expression], None]:
        out = dict(start)
        pieces = split(tokens, _LEVELS[0])
        if len(pieces) > 1 and not pieces[0]:
            pieces = pieces[1:]
        for piece in pieces:
            sign, body = self._operator(piece, _LEVELS[0], tokens)
            number = body[0] if len(body) == 1 and body[0].kind == "number" else None
            if number is not None:
                if not start and (number.text == "1") == (sign == "-"):
                    raise formula_error(
                        "take the intercept out at the top of the formula, not inside brackets",
                        self.text,
                        number.position,
                    )
                self._intercept(out, number, sign == "-")
                continue
            for term in self._chain(body, 1):
                if sign == "-":
                    out.pop(term, None)
                else:
                    out[term] = None
            self._check_size(out, body)
        return out

    def _intercept(
        self, out: dict[frozenset[Expression], None], number: Token, minus: bool
    ) -> None:
        if number.text not in ("0", "1"):
            raise formula_error(
                "the only numbers among the terms are 0 and 1 (no intercept, intercept); "
                "write I(2 * x) for arithmetic",
                self.text,
                number.position,
            )
        if (number.text == "1") != minus:
            out[frozenset()] = None
        else:
            out.pop(frozenset(), None)

    def _operator(
        self, piece: Sequence[Token], operators: frozenset[str], context: Sequence[Token]
    ) -> tuple[str, Sequence[Token]]:
        """The operator a piece starts with ("" for the first piece), and the piece's body."""
        starts = bool(piece) and piece[0].op in operators
        body = piece[1:] if starts else piece
        if not body:
            at = piece[0] if piece else (context[0] if context else None)
            position = at.position if at else 0
            raise formula_error("a term is missing here", self.text, position)
        return (piece[0].text if starts else ""), body

    def _chain(self, tokens: Sequence[Token], level: int) -> list[frozenset[Expression]]:
        """Terms of a left-associative chain of the operators at one level of precedence."""
        if level == len(_LEVELS):
            return self._atom(tokens)
        out: list[frozenset[Expression]] = []
        for number, piece in enumerate(split(tokens, _LEVELS[level])):
            symbol, body = self._operator(piece, _LEVELS[level], tokens)
            if number == 0:
                out = self._chain(body, level + 1)
            elif level == len(_LEVELS) - 1:
                out = self._power(out, body)
            else:
                out = _combine(symbol, out, self._chain(body, level + 1))
            self._check_size(out, body)
        return out

    def _power(
        self, base: list[frozenset[Expression]], tokens: Sequence[Token]
    ) -> list[frozenset[Expression]]:
        token = tokens[0]
        valid = len(tokens) == 1 and token.kind == "number" and token.text.isdigit()
        if not valid or int(token.text) < 1:
            raise formula_error(
                "the power of a sum of terms is a whole number, as in (a + b)^2; "
                "write I(x^2) for arithmetic",
                self.text,
                token.position,
            )
        if len(base) == 1 and len(base[0]) == 1 and int(token.text) > 1:
            self.idle.update(dict.fromkeys((factor, token.text) for factor in base[0]))
        out = base
        for _ in range(min(int(token.text), len(base)) - 1):  # higher powers add nothing
            out = _unique([a | b for a in out for b in base])
            self._check_size(out, tokens)
        return out

    def _atom(self, tokens: Sequence[Token]) -> list[frozenset[Expression]]:
        first = tokens[0]
        if first.op == "(" and closing(tokens, 0) == len(tokens) - 1:
            inner = tokens[1:-1]
            if not inner:
                raise formula_error("the brackets are empty", self.text, first.position)
            return list(self._sum(inner, {}))
        if first.kind == "number" and len(tokens) == 1:
            raise formula_error(
                "a number cannot be combined with a term; write I(2 * x) for arithmetic",
                self.text,
                first.position,
            )
        factor = self._factor(tokens)
        self.seen.setdefault(factor)
        return [frozenset({factor})]

    def _factor(self, tokens: Sequence[Token]) -> Expression:
        """A column, a call, or Python-style braces."""
        first = tokens[0]
        if first.kind == "name" and len(tokens) == 1:
            return expression(first.source, self.text, first.position)
        called = first.kind == "name" and not first.quoted and tokens[1].op == "("
        if called and closing(tokens, 1) == len(tokens) - 1:
            return expression(source(tokens), self.text, first.position)
        if first.op == "{" and closing(tokens, 0) == len(tokens) - 1:
            return expression(source(tokens[1:-1]), self.text, first.position)
        wrong = first if first.kind == "op" or len(tokens) == 1 else tokens[1]
        raise formula_error(
            f"'{wrong.text}' is not expected here: an operator is missing, or arithmetic needs "
            "I(...)",
            self.text,
            wrong.position,
        )

    def _check_size(
        self, found: Sequence[object] | dict[frozenset[Expression], None], tokens: Sequence[Token]
    ) -> None:
        if len(found) > _MAX_TERMS:
            raise formula_error(
                f"the formula expands to more than {_MAX_TERMS} terms",
                self.text,
                tokens[0].position,
            )


def _combine(
    symbol: str, left: list[frozenset[Expression]], right: list[frozenset[Expression]]
) -> list[frozenset[Expression]]:
    products = [a | b for a in left for b in right]
    if symbol == "*":
        return _unique([*left, *right, *products])
    if symbol == "/":
        every: frozenset[Expression] = frozenset().union(*left)
        return _unique([*left, *(every | term for term in right)])
    return _unique(products)  # ":" and "%in%"


def _unique(found: list[frozenset[Expression]]) -> list[frozenset[Expression]]:
    return list(dict.fromkeys(found))
