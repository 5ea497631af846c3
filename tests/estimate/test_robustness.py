"""A seeded tenth of the robustness study: default fits reach what random starts reach."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location(
    "robustness", ROOT / "benchmarks" / "studies" / "robustness.py"
)
robustness = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(robustness)


@pytest.mark.parametrize("kind", list(robustness.FAMILIES))
def test_default_fits_reach_the_best_optimum(kind):
    rows = [robustness.one(kind, number, starts=1) for number in range(20)]
    fitted = [row for row in rows if "llf" in row]
    assert len(fitted) >= 18
    alarms = {"ConvergenceWarning", "SeparationWarning"}
    for row in fitted:
        assert row["shortfall"] <= 1e-4 or alarms & set(row["warnings"]), row
