"""Two thousand formulas: a design or an error of ours (100,000 in benchmarks/studies)."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings

from formula_grammar import data, formulas, keeps_the_rule

FRAME = data()


def test_any_formula_gives_a_design_or_an_error_of_ours():
    outcomes: Counter[str] = Counter()

    @settings(max_examples=2000, suppress_health_check=list(HealthCheck))
    @given(formulas)
    def each(text):
        outcomes[keeps_the_rule(text, FRAME)] += 1

    each()
    # the grammar reaches what it is meant to reach
    assert {"design", "FormulaError", "DataError"} <= set(outcomes)
    assert outcomes["design"] > 50
