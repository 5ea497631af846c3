"""Shared by all tests: R's reference answers and the hypothesis profile."""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings

from glmmlab.verify.reference import case_data, our_name, reference, reference_data
from glmmlab.verify.reference import cases as reference_cases

# The browser's checks are programs of their own: `make site-check`.
collect_ignore = ["site"]

REFERENCE = Path(__file__).parent / "reference"

__all__ = ["case_data", "our_name", "reference", "reference_cases", "reference_data"]

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")
