"""Formula text to tokens, each with its position, so that an error can point at its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from glmmlab.errors import FormulaError

MAX_LENGTH = 20_000
MAX_DEPTH = 40
OPENERS = {"(": ")", "[": "]", "{": "}"}

_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<quoted>`[^`]+`)
  | (?P<column>Q\(\s*(?:"[^"\\]+"|'[^'\\]+')\s*\))
  | (?P<string>"[^"\\]*"|'[^'\\]*')
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<name>[^\W\d](?:[\w.]*\w)?)
  | (?P<op>%in%|\|\||\*\*|==|!=|<=|>=|[~+\-*/:^|(){}\[\],<>=])
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """One piece of a formula.

    ``kind`` is "name", "string", "number" or "op"; backticks and ``Q("...")`` are taken off names
    and remembered in ``quoted``.
    """

    kind: str
    text: str
    position: int
    quoted: bool = False

    @property
    def op(self) -> str:
        """The operator, or "" for anything else (a column may be called "+")."""
        return self.text if self.kind == "op" else ""

    @property
    def source(self) -> str:
        """The token as formula text."""
        if self.quoted and "`" in self.text:
            return f"Q({self.text!r})"
        return f"`{self.text}`" if self.quoted else self.text


def formula_error(message: str, text: str, position: int | None = None) -> FormulaError:
    """A FormulaError whose message shows the formula and points at the mistake.

    >>> print(formula_error("a closing bracket is missing", "y ~ (x", 4))
    a closing bracket is missing
        y ~ (x
            ^ here (character 5)
    """
    shown = text if len(text) <= 200 else text[:200] + " ..."
    shown = re.sub(r"\s", " ", shown)
    if position is None:
        error = FormulaError(f"{message}\n    {shown}")
    elif position > 200:
        error = FormulaError(f"{message} (character {position + 1})\n    {shown}")
    else:
        pointer = " " * position + f"^ here (character {position + 1})"
        error = FormulaError(f"{message}\n    {shown}\n    {pointer}")
    error.position = position
    return error


def tokenize(text: str) -> list[Token]:
    """Split a formula into tokens and check its brackets.

    Raises
    ------
    FormulaError
        For a character that has no meaning in a formula, an open quote or an unmatched bracket.

    Examples
    --------
    >>> [t.text for t in tokenize("y ~ log(x) + (1 | `my plot`)")]
    ['y', '~', 'log', '(', 'x', ')', '+', '(', '1', '|', 'my plot', ')']
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text such as 'y ~ x + (1 | g)', not {text!r:.80}")
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"the formula is longer than {MAX_LENGTH} characters")
    tokens = []
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            raise formula_error(_why_not(text[position]), text, position)
        token = _token(match)
        if token is not None:
            tokens.append(token)
        position = match.end()
    _check_brackets(tokens, text)
    return tokens


def _token(match: re.Match[str]) -> Token | None:
    kind, value, position = str(match.lastgroup), match.group(), match.start()
    if kind == "space":
        return None
    if kind == "quoted":
        return Token("name", value[1:-1], position, True)
    if kind == "column":
        return Token("name", value[2:-1].strip()[1:-1], position, True)
    return Token(kind, value, position)


def _why_not(character: str) -> str:
    if character in "\"'`":
        return f"the quote {character} is not closed"
    if character in ".0123456789":
        return (
            "neither a number nor a column name; '.' for 'all other columns' is not supported: "
            'name the columns, and write Q("...") around a name that is not a plain word'
        )
    if unicodedata.combining(character):
        return (
            "an accent stands apart from its letter here, as some computers write it: type the "
            "name anew"
        )
    return f"the character {character!r} has no meaning in a formula"


def needs_quotes(text: str, columns: Sequence[str]) -> list[str]:
    """Columns that stand in a formula without backticks although their names are no plain words.

    Examples
    --------
    >>> needs_quotes("Befall (%) ~ dose", ["Befall (%)", "dose", "Number of leaves"])
    ['Befall (%)']
    """
    bare = re.sub(r"`[^`]*`|Q\([^)]*\)", "`", text)
    return [
        name
        for name in columns
        if name in bare
        and any(character.isalpha() for character in name)
        and not re.fullmatch(r"[^\W\d](?:[\w.]*\w)?", name)
    ]


def _check_brackets(tokens: Sequence[Token], text: str) -> None:
    open_tokens: list[Token] = []
    for token in tokens:
        if token.kind != "op":
            continue
        if token.text in OPENERS:
            open_tokens.append(token)
            if len(open_tokens) > MAX_DEPTH:
                raise formula_error("brackets are nested too deeply", text, token.position)
        elif token.text in OPENERS.values():
            if not open_tokens:
                raise formula_error(
                    f"'{token.text}' closes a bracket that is not open", text, token.position
                )
            if OPENERS[open_tokens.pop().text] != token.text:
                raise formula_error(
                    f"'{token.text}' does not match the bracket it closes", text, token.position
                )
    if open_tokens:
        position = open_tokens[-1].position
        raise formula_error("a closing bracket is missing", text, position)


def closing(tokens: Sequence[Token], start: int) -> int:
    """Index of the token that closes the bracket at ``start`` (brackets are known to match)."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += tokens[index].op in OPENERS
        depth -= tokens[index].op in OPENERS.values()
        if depth == 0:
            return index
    raise AssertionError("brackets were checked")  # pragma: no cover


def split(tokens: Sequence[Token], separators: frozenset[str]) -> list[list[Token]]:
    """Tokens between top-level separators; a separator starts the piece that follows it."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if depth == 0 and token.op in separators:
            pieces.append([token])
            continue
        depth += token.op in OPENERS
        depth -= token.op in OPENERS.values()
        pieces[-1].append(token)
    return pieces


def source(tokens: Sequence[Token]) -> str:
    """Tokens as tidy formula text.

    >>> source(tokenize("a+ poly( x,2 ):b"))
    'a + poly(x, 2):b'
    """
    out: list[str] = []
    previous: Token | None = None
    for token in tokens:
        binary = previous is not None and (
            previous.kind != "op" or previous.text in OPENERS.values()
        )
        if token.op in _SPACED and binary:
            out.append(f" {token.text} ")
        elif token.op == ",":
            out.append(", ")
        elif _juxtaposed(previous, token):
            out.append(f" {token.source}")
        else:
            out.append(token.source)
        previous = token
    return "".join(out).strip()


_SPACED = frozenset(
    {"~", "+", "-", "*", "/", "|", "||", "**", "%in%", "==", "!=", "<=", ">=", "<", ">"}
)


def _juxtaposed(previous: Token | None, token: Token) -> bool:
    """Two operands side by side (a mistake reported later) must not melt into one."""
    return previous is not None and previous.kind != "op" and token.kind != "op"
