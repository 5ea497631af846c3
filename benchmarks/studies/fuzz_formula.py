"""100,000 formulas for the front end: each gives a design or an error of the package, soon.

The grammar and the rule are those of the tests (tests/formula_grammar.py), which run 2,000.  The
counts of outcomes go to results/fuzz_formula.json; a formula that breaks the rule ends the run
with hypothesis's smallest example of it.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

import glmmlab  # noqa: E402
from formula_grammar import data, formulas, keeps_the_rule  # noqa: E402

FORMULAS = 100_000
SEED = 20261126
BATCH = 5_000
"""Formulas of one hypothesis run: it remembers all that it has tried, and slows down."""


def main() -> None:
    frame, outcomes, slowest = data(), Counter[str](), (0.0, "")

    for batch in range(FORMULAS // BATCH):

        @seed(SEED + batch)
        @settings(
            max_examples=BATCH,
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(formulas)
        def each(text: str) -> None:
            nonlocal slowest
            started = time.process_time()
            outcomes[keeps_the_rule(text, frame)] += 1
            slowest = max(slowest, (time.process_time() - started, text))

        each()
        print(
            f"{(batch + 1) * BATCH} formulas, slowest {slowest[0]:.2f} s: {slowest[1]!r}",
            flush=True,
        )
    result = {
        "glmmlab": glmmlab.__version__,
        "seed": SEED,
        "formulas": sum(outcomes.values()),
        "outcomes": dict(outcomes.most_common()),
        "rule broken": 0,
    }
    path = HERE / "results" / "fuzz_formula.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
