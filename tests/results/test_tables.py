"""Printing of numbers and tables: R's rules for p-values, alignment, escaping."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmmlab._tables import (
    Document,
    Table,
    common_decimals,
    format_fixed,
    format_joint,
    format_p,
    stars,
)

HOSTILE = '<script>alert("x")</script> & \'a\' <b onmouseover="y">'


def test_p_values_print_as_in_the_workshops_beta_table():
    """issue table of the disease-severity summary, made by R."""
    p = [1.19470033e-06, 0.06895241, 0.00701968, 0.01311813, 0.00010513, 1.30017561e-15, 1.3e-17]
    printed = ["1.19e-06", "0.068952", "0.007020", "0.013118", "0.000105", "1.30e-15", "< 2e-16"]
    assert format_p(p) == printed


def test_p_values_print_as_in_the_workshops_anova():
    assert format_p([2.725e-13, 0.08111, 0.01111], digits=4) == ["2.725e-13", "0.08111", "0.01111"]


def test_p_values_at_the_ends():
    assert format_p([1.0, 0.0, math.nan]) == ["1.000", "< 2e-16", ""]
    assert format_p([]) == []


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_printed_p_values_keep_their_order_and_size(values):
    printed = format_p(values)
    for p, text in zip(values, printed, strict=True):
        if text != "< 2e-16":
            assert float(text) == pytest.approx(p, rel=0.006)
        else:
            assert p < 2e-16


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_joint_numbers_are_right_to_four_digits_where_smallest(values):
    for value, text in zip(values, format_joint(values), strict=True):
        assert float(text) == pytest.approx(value, rel=1e-3, abs=0.5e-6)


def test_coefficients_and_standard_errors_share_decimals():
    """R's printCoefmat on the workshop's tables: four decimals."""
    assert common_decimals([1.09745, -0.55464, 0.22598, 0.30496]) == 4
    assert common_decimals([251.405, 10.467, 6.825, 1.546]) == 3


def test_minus_zero_prints_without_its_sign():
    assert format_fixed([-1e-9], 3) == ["0.000"]
    assert format_fixed([math.inf, -math.inf], 1) == ["inf", "-inf"]


def test_stars_are_those_of_r():
    assert [stars(p) for p in (1e-9, 0.001, 0.0099, 0.05, 0.1, 0.2, math.nan)] == [
        "***",
        "***",
        "**",
        "*",
        ".",
        "",
        "",
    ]


def test_text_columns_line_up():
    lines = Table(("", "x"), [("a", "1.0"), ("long", "-10.5")], title="T").text().split("\n")
    assert lines == ["T", "          x", "a       1.0", "long  -10.5"]


def test_hostile_labels_reach_html_as_text_only():
    table = Table((HOSTILE, "x"), [(HOSTILE, HOSTILE)], title=HOSTILE)
    markup = Document([HOSTILE, table], heading=HOSTILE).html()
    assert "<script" not in markup and 'onmouseover="' not in markup
    tree = ET.fromstring(markup.replace("<br>", "<br/>"))
    assert {e.tag for e in tree.iter()} <= {
        *("div", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td", "br")
    }
    assert [e.text for e in tree.iter("td")] == [HOSTILE]


def test_html_has_no_colours_of_its_own():
    """A light and a dark notebook must both be able to show it."""
    markup = Document(["words", Table(("", "x"), [("a", "1")])]).html()
    assert "background" not in markup
    assert "color: inherit" in markup and "color:" not in markup.replace("color: inherit", "")


def test_text_and_html_show_the_same_cells():
    table = Table(("term", "p"), [("a", "0.5"), ("b", "< 2e-16")])
    tree = ET.fromstring(table.html())
    body = [e.text for row in tree.iter("tr") for e in row]
    assert body == ["term", "p", "a", "0.5", "b", "< 2e-16"]
    assert all(cell in table.text() for cell in body)
