"""Bars, offsets and responses are split off; every mistake is a FormulaError with its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmmlab.errors import FormulaError
from glmmlab.formula import parse
from glmmlab.formula.algebra import terms
from glmmlab.formula.bars import parse_part
from glmmlab.formula.expressions import expression
from glmmlab.formula.fixed import used_columns
from glmmlab.formula.response import response_expressions
from glmmlab.formula.tokens import source, tokenize

# Each right side with the fixed part and the random terms it stands for.
RANDOM = {
    "(1 | g)": ("1", ["(1 | g)"]),
    "x+(1|g)": ("x", ["(1 | g)"]),
    "x + (x | g)": ("x", ["(x | g)"]),
    "x + (x || g)": ("x", ["(x || g)"]),
    "x + (0 + x | g)": ("x", ["(0 + x | g)"]),
    "x + (-1 + x | g)": ("x", ["(-1 + x | g)"]),
    "x + (1 | a/b)": ("x", ["(1 | a)", "(1 | a:b)"]),
    "x + (1 | a/b/c)": ("x", ["(1 | a)", "(1 | a:b)", "(1 | a:b:c)"]),
    "x + (1 | a:b)": ("x", ["(1 | a:b)"]),
    "x + (1 | a:b/c)": ("x", ["(1 | a:b)", "(1 | a:b:c)"]),
    "x + (1 | a/(b:c))": ("x", ["(1 | a)", "(1 | a:b:c)"]),
    "x + (1 | (a/b))": ("x", ["(1 | a)", "(1 | a:b)"]),
    "(1 | a) + x + (1 | b)": ("x", ["(1 | a)", "(1 | b)"]),
    "(x + (1 | a)) + (1 | b)": ("x", ["(1 | a)", "(1 | b)"]),
    "((1 | a))": ("1", ["(1 | a)"]),
    "0 + (1 | a)": ("0", ["(1 | a)"]),
    "-1 + (1 | a)": ("-1", ["(1 | a)"]),
    "x - 1 + (f | g)": ("x - 1", ["(f | g)"]),
    "(poly(x, 2) + f | g)": ("1", ["(poly(x, 2) + f | g)"]),
    "x + (1 | factor(g))": ("x", ["(1 | g)"]),
    "x + (1 | C(g)/h)": ("x", ["(1 | g)", "(1 | g:h)"]),
    "x + (1 | `my block`)": ("x", ["(1 | my block)"]),
    'x + (1 | Q("my block"):h)': ("x", ["(1 | my block:h)"]),
    'x + (1 | Q( "my\nblock" ))': ("x", ["(1 | my\nblock)"]),
    "a*b - a:b + (1 | g)": ("a * b - a:b", ["(1 | g)"]),
    "(a + b)^2 + (1 | g)": ("(a + b)^2", ["(1 | g)"]),
}


@pytest.mark.parametrize(("right", "expected"), RANDOM.items(), ids=RANDOM)
def test_random_terms(right, expected):
    parsed = parse(f"y ~ {right}")
    assert (parsed.fixed, [term.text for term in parsed.random]) == expected
    for term in parsed.random:
        assert term.double_bar == ("||" in term.text)


def test_group_columns_of_a_nested_term():
    inner = parse("y ~ (1 | a/b)").random[1]
    assert (inner.group, inner.group_columns, inner.lhs) == ("a:b", ("a", "b"), "1")


@pytest.mark.parametrize(
    ("text", "fixed", "offsets"),
    [
        ("y ~ x + offset(log(t))", "x", ("log(t)",)),
        ("y ~ offset(t)", "1", ("t",)),
        ("y ~ offset(a) + x + offset(b)", "x", ("a", "b")),
        ("y ~ x + (1 | g) + offset(log(t + 1))", "x", ("log(t + 1)",)),
        ("y ~ offset", "offset", ()),  # a column of that name
    ],
)
def test_offsets(text, fixed, offsets):
    parsed = parse(text)
    assert (parsed.fixed, parsed.offsets) == (fixed, offsets)


def test_one_sided_formulas():
    assert parse_part("~ x + z") == parse_part("x + z") == ("x + z", ())
    assert parse_part("~ 1 + offset(t)") == ("1", ("t",))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("y", [("y", ("y",))]),
        ("log(y)", [("log(y)", ("y",))]),
        ("np.log(y + 1)", [("np.log(y + 1)", ("y",))]),
        ("germ/n", [("germ / n", ("germ", "n"))]),
        ("cbind(germ, n-germ)", [("germ", ("germ",)), ("n - germ", ("n", "germ"))]),
        ("`leaf area`", [("leaf area", ("leaf area",))]),
        ("Q('leaf area') / 100", [("`leaf area` / 100", ("leaf area",))]),
        ("leaf.area", [("leaf.area", ("leaf.area",))]),
    ],
)
def test_responses(text, columns):
    assert [(e.name, e.columns) for e in response_expressions(text)] == columns


# Text, the character (from 1) the error points at or None, and words of the message.
MISTAKES = [
    ("y x", None, "has no '~'"),
    ("~ x", 1, "no response"),
    ("y ~", 4, "nothing follows"),
    ("y ~ x ~ z", 7, "more than one '~'"),
    ("y ~ (x", 5, "closing bracket is missing"),
    ("y ~ x)", 6, "closes a bracket that is not open"),
    ("y ~ (x]", 7, "does not match"),
    ("y ~ x + ", 7, "a term is missing"),
    ("y ~ x + + z", 7, "a term is missing"),
    ("y ~ x * ", 7, "a term is missing"),
    ("y ~ x : + z", 7, "a term is missing"),
    ("y ~ ()", 5, "brackets are empty"),
    ("y ~ x + 1 | g", 11, "in brackets"),
    ("y ~ x * (1 | g)", 12, "brackets of its own"),
    ("y ~ x - (1 | g)", 7, "can only be added"),
    ("y ~ (1 | g | h)", 12, "one bar"),
    ("y ~ ( | g)", 7, "nothing varies"),
    ("y ~ (1 | )", 8, "no grouping factor"),
    ("y ~ (1 | g/)", 11, "grouping factor is missing"),
    ("y ~ (1 | g + h)", 10, "is a column, a:b or a/b"),
    ("y ~ (1 | log(g))", 10, "is a column, a:b or a/b"),
    ("y ~ (1 | 3)", 10, "is a column, a:b or a/b"),
    ("y ~ ((1 | g) | h)", 9, "cannot hold another"),
    ("y ~ ar1(t | g)", 5, "covariance structure ar1"),
    ("y ~ log(1 | g)", 11, "brackets of its own"),
    ("(1 | g) ~ x", 4, "the response cannot hold"),
    ("y ~ offset(t) * x", 5, "stands alone"),
    ("y ~ x - offset(t)", 7, "can only be added"),
    ("y ~ offset()", 5, "needs a column"),
    ("y ~ offset(a, b)", 13, "one argument"),
    ("y ~ (offset(t) | g)", 6, "stands alone"),
    ("y ~ 2", 5, "0 and 1"),
    ("y ~ x + 0.5", 9, "0 and 1"),
    ("y ~ 2 * x", 5, "I(2 * x)"),
    ("y ~ x:3", 7, "I(2 * x)"),
    ("y ~ x^2.5", 7, "whole number"),
    ("y ~ (a + b)^c", 13, "whole number"),
    ("y ~ a b", 7, "not expected"),
    ("y ~ log x", 9, "not expected"),
    ("y ~ a + (b - 1)", 14, "top of the formula"),
    ("y ~ .", 5, "all other columns"),
    ("y ~ x + 'text'", 9, "not expected"),
    ("y ~ x $ z", 7, "no meaning"),
    ("y ~ `x", 5, "not closed"),
    ("y ~ 'x", 5, "not closed"),
    ("y ~ 3x", 5, "neither a number nor a column"),
    ("y ~ lgo(x)", 5, "did you mean log()"),
    ("y ~ ns(x, 3)", 5, "no function ns()"),
    ("y ~ I(x - mean(x))", 5, "center(x)"),
    ("y ~ I(x +)", 5, "cannot read"),
    ("y ~ I(1 + 2)", 5, "uses no column"),
    ("y ~ poly(2, 2)", 5, "uses no column"),
    ("y ~ __import__('os').system('ls')", 21, "neither a number"),
    ("y ~ factor(x, 3)", 5, "takes one column"),
    ("cbind(a) ~ x", 1, "two columns"),
    ("cbind(a, b, c) ~ x", 1, "two columns"),
    ("cbind(a, ) ~ x", 1, "missing"),
    ("cbind(a, b) / 2 ~ x", 13, "stands alone"),
]


@pytest.mark.parametrize(("text", "place", "words"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistakes_are_errors_with_their_place(text, place, words):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert caught.value.position == (None if place is None else place - 1)


def test_the_message_points_at_the_place():
    with pytest.raises(FormulaError) as caught:
        parse("y ~ x + 1 | g")
    lines = str(caught.value).splitlines()
    assert lines[1].index("|") == lines[2].index("^")


@pytest.mark.parametrize("value", [None, 3, b"y ~ x", ["y ~ x"]])
def test_a_formula_is_text(value):
    with pytest.raises(FormulaError, match="a formula is text"):
        tokenize(value)


def test_limits():
    with pytest.raises(FormulaError, match="longer than"):
        parse("y ~ " + "x + " * 10_000 + "x")
    with pytest.raises(FormulaError, match="too deeply"):
        parse("y ~ " + "(" * 100 + "x" + ")" * 100)
    with pytest.raises(FormulaError, match="more than 2000 terms"):
        terms("*".join(f"x{i}" for i in range(12)))


WORDS = (
    "a.b `a\u00a0b` Q('z') 2.5 ** || == log( I( poly( C( offset( cbind( np.log( 's' %in% `(` é \0"
)
PIECES = st.sampled_from([*"yxg+-*/:^~|()[]{},= 10\n", *WORDS.split(" "), "lambda", "(1|g)"])


@given(st.lists(PIECES, max_size=16).map("".join) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    """Never anything but a result or a FormulaError; what is read prints back to the same."""
    try:
        parsed = parse(text)
        response_expressions(parsed.response)
        used_columns(parsed.fixed, parsed.offsets)
        for term in parsed.random:
            used_columns(term.lhs)
    except FormulaError as error:
        assert str(error)
    else:
        assert source(tokenize(parsed.fixed)) == parsed.fixed
        assert terms(parsed.fixed) == terms(source(tokenize(parsed.fixed)))


@given(st.lists(PIECES, max_size=12).map("".join).map("y ~ {}".format))
def test_any_right_side_is_read_or_refused(text):
    try:
        parsed = parse(text)
    except FormulaError as error:
        assert error.position is None or 0 <= error.position <= len(text)
    else:
        simple = [term.text for term in parsed.random if term.group.isidentifier()]
        again = parse(" + ".join([f"y ~ {parsed.fixed}", *simple]))
        assert again.fixed == parsed.fixed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("log(factor(y))", "factor\\(\\) makes labels"),
        ("log(C(y))", "C\\(\\) makes labels"),
        ("I(factor(y))", "factor\\(\\) makes labels"),
    ],
)
def test_nothing_is_computed_with_labels(text, says):
    with pytest.raises(FormulaError, match=says):
        expression(text)


@pytest.mark.parametrize("text", ["poly(y, 2)", "log(center(y))"])
def test_what_learns_from_the_data_is_computed_by_the_design_alone(text):
    with pytest.raises(FormulaError, match="belong to predictors"):
        expression(text).evaluate({"y": np.ones(3)})


def test_a_quoted_name_may_hold_a_backtick():
    assert source(tokenize('Q("a`b") + x')) == "Q('a`b') + x"
    assert used_columns('Q("a`b") + x') == ("a`b", "x")
